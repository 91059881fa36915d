"""What the headers of a request say: the credential and its kind, the content type, and what marks a dialect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from email.utils import parsedate_to_datetime

from rtdiag.diagnosis.readers.secrets import Learner, bearer, credential, in_sub_protocol, problem

_CREDENTIALS = ("authorization", "api-key", "x-api-key")
TELLING = frozenset({*_CREDENTIALS, "sec-websocket-protocol"})  # where there is none of them no credential is shown
_TOLD_OF_ANSWERS = ("content-type", "location", "retry-after", "server", "via", "www-authenticate")


@dataclass(frozen=True)
class RequestHeaders:
    """A request's headers, read: `secret` is the credential itself and stays inside the readers.

    `given` is whether they hold a credential at all; in a sanitized export its absence does not mean that none was sent. `kind` is
    None where there is none, or where a variable of a shell stands in its place.
    """

    given: bool = False
    kind: str | None = None
    secret: str = ""
    content_type: str | None = None
    circumstances: list[str] = field(default_factory=list)


def evened(pairs: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    """Headers without the blanks around them, their names in small letters."""
    return [(name.lower().strip(), value.strip()) for name, value in pairs]


def asked(pairs: Sequence[tuple[str, str]], learner: Learner) -> RequestHeaders:
    """Read the evened headers of a request, of which the first of a name counts; the learner is told the credential."""
    headers = dict(reversed(pairs))
    protocol = headers.get("sec-websocket-protocol", "")
    given = next((headers[name] for name in _CREDENTIALS if name in headers), in_sub_protocol(protocol))
    secret = bearer(given) if given is not None else ""
    learner.learn(secret)
    notes = _notes(headers, protocol)
    if given is None or secret.startswith("$"):
        return RequestHeaders(given is not None, None, "", headers.get("content-type"), notes)
    notes += [wrong] if (wrong := problem(secret)) else []
    return RequestHeaders(True, credential(secret), secret, headers.get("content-type"), notes)


def _notes(headers: dict[str, str], protocol: str) -> list[str]:
    notes = []
    if beta := headers.get("openai-beta"):
        notes.append(f"header OpenAI-Beta: {beta}")
    names = [p.strip() for p in protocol.split(",") if p.strip()]
    notes += [f"sub-protocol {name}" for name in names if not name.startswith("openai-insecure-api-key.")]
    if any(name.startswith("openai-insecure-api-key.") for name in names):
        notes.append("the credential was sent as a sub-protocol")
    notes += [f"header {n}: {headers[n]}" for n in ("openai-organization", "openai-project") if headers.get(n)]
    return notes


def answered(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """What the headers of an answer add to its status and body: `answer header server: cloudflare`."""
    told = dict(evened(pairs))
    return [f"answer header {name}: {told[name]}" for name in _TOLD_OF_ANSWERS if told.get(name)]


def date_of(text: str | None) -> date | None:
    """The day of an HTTP date, or None."""
    try:
        return parsedate_to_datetime(text).date() if text else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
