"""Whom a run talks to, and how that is known: by the host, by headers, bodies and tokens of answers, by the shape of events.

A host that is known settles it. Elsewhere a gateway's own sign outweighs those of what is behind it, more signs outweigh fewer, and
what speaks for another server is named beside what has won. OpenAI's headers at another's host show that a gateway passes them on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from rtdiag.api.expressions import expression
from rtdiag.api.own_yaml import pattern
from rtdiag.servers.known import UNKNOWN, Server, every, known_as, named, of_url, place_of

if TYPE_CHECKING:
    from rtdiag.model import Event, Exchange

GATEWAY, COMPATIBLE = "gateway", "compatible"

# Headers that OpenAI's own answers carry: sessions recorded in 2026-07 and 2026-09.
_OPENAIS = expression("openai-(version|processing-ms|organization|project)")
# What a session sends before it was told anything; later events say again what the user has sent.
_FIRST = frozenset({"session.created", "transcription_session.created", "conversation.created", "ping", "error"})
_MINT = expression(r"/realtime/(client_secrets|sessions|transcription_sessions?)$")
_LIST = expression(r"/models$")
_LONGEST = 65_536  # characters of a body or an event that are looked at
_MOST = 3  # signs that are named
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


@dataclass(frozen=True)
class Recognised:
    """The server, and what showed it, a few words each: `the host api.openai.com`, `the header x-litellm-version`.

    What speaks for another server begins with `though`. At a host that is not its own, a server's answers are known, but not who
    issues the keys.
    """

    server: Server
    by: tuple[str, ...] = ()


def recognise(base_url: str, exchanges: Iterable[Exchange] = (), events: Iterable[Event] = ()) -> Recognised:
    """Whose server it is by what is known so far; the one called "unknown", by nothing, where nothing shows it. Pure."""
    asked = [x for x in exchanges if x.status is not None and (not base_url or _origin(x.url) == _origin(base_url))]
    first = [e for e in events if e.direction == "received" and e.type in _FIRST]
    signs = set(_signs(asked, first))
    shown = {id: found for id in every() if (found := {words for whose, words in signs if whose == id})}
    if own := of_url(base_url):
        return Recognised(own, (f"the host {place_of(base_url)[0]}", *_though(own, shown)))
    if shown:
        best = named(max(shown, key=lambda id: (named(id).gateway, len(shown[id]))))
        return Recognised(known_as(best.id, base_url), (*sorted(shown[best.id])[:_MOST], *_though(best, shown)))
    if passed := sorted(name for x in asked for name, _ in x.response_headers if _OPENAIS.fullmatch(name.lower())):
        return Recognised(named(GATEWAY), (f"the header {passed[0].lower()}, at a host that is not OpenAI's",))
    alike = tuple(sorted(set(_alike(asked, first))))
    return Recognised(named(COMPATIBLE if alike else UNKNOWN), alike)


def _signs(asked: Iterable[Exchange], first: Iterable[Event]) -> Iterator[tuple[str, str]]:
    """What shows a server, and which: its id, and the sign in words."""
    for exchange in asked:
        for name, value in exchange.response_headers:
            for id, form in _in_headers(name.lower()):
                if pattern(form).search(value):
                    yield id, f"the header {name.lower()}"
        yield from _answered(exchange)
    for event in first:
        for id, _ in _in_text("events", event.raw[:_LONGEST]):
            yield id, f"the shape of {event.type}"


def _answered(exchange: Exchange) -> Iterator[tuple[str, str]]:
    (_, path), body = place_of(exchange.url), (exchange.body or "")[:_LONGEST]
    if exchange.ok and exchange.method == "POST" and _MINT.search(path):
        token = _token(exchange)
        for each in every().values():
            if any(pattern(form).match(token) for form in each.tokens):
                yield each.id, "the form of its tokens"
    elif exchange.ok and _LIST.search(path):
        for id, _ in _in_text("bodies", body):
            yield id, "the list of models"
    elif (exchange.status or 0) >= 400:
        for id, said in _in_text("bodies", body):
            yield id, f"a refusal that says {said}"


@cache
def _header_globs() -> tuple[tuple[str, str, str], ...]:
    return tuple((each.id, glob, form) for each in every().values() for glob, form in each.headers.items())


@lru_cache(maxsize=256)
def _in_headers(name: str) -> tuple[tuple[str, str], ...]:
    """The servers that this header may show, each with what its value must hold."""
    return tuple((id, form) for id, glob, form in _header_globs() if fnmatchcase(name, glob))


@lru_cache(maxsize=256)
def _in_text(kind: Literal["bodies", "events"], text: str) -> tuple[tuple[str, str], ...]:
    """The servers that this text shows, each with the words that do. Most texts come again and again as a run goes on."""
    found = ((each.id, (pattern(form).search(text) for form in getattr(each, kind))) for each in every().values())
    return tuple((id, hit.group()[:60].strip()) for id, hits in found if (hit := next(filter(None, hits), None)))


def _token(exchange: Exchange) -> str:
    """The token in the answer of a mint, masked or not; "" where there is none."""
    answer = exchange.json if isinstance(exchange.json, dict) else {}
    holder = answer.get("client_secret")
    found = [
        answer.get("value"),
        answer.get("ephemeral_token"),
        holder.get("value") if isinstance(holder, dict) else holder,
    ]
    return next((token for token in found if isinstance(token, str)), "")


def _though(best: Server, shown: Mapping[str, Set[str]]) -> tuple[str, ...]:
    """What shows others, but not this one."""
    mine = shown.get(best.id, frozenset())
    against = dict[str, str]()
    for id, signs in shown.items():
        for sign in signs - mine:
            against.setdefault(sign, named(id).name)
    return tuple(f"though {sign} is that of {name}" for sign, name in sorted(against.items())[:_MOST])


def _alike(asked: Iterable[Exchange], first: Iterable[Event]) -> Iterator[str]:
    """What is built as the API's: a session's first event, a list of models, an error with type and message."""
    for exchange in asked:
        if exchange.ok and _built(exchange.body or "") == "list":
            yield "the shape of its list of models"
        elif not exchange.ok and _built(exchange.body or "") == "error":
            yield "the shape of its refusals"
    for event in first:
        if event.type.endswith("session.created") and isinstance(event.json, dict) and event.json.get("session"):
            yield f"the shape of {event.type}"


@lru_cache(maxsize=256)
def _built(body: str) -> Literal["list", "error", ""]:
    """Whether that is a list, or an error with type and message, as the API's are."""
    from rtdiag.model import Exchange, api_error

    answer = Exchange("", "", "", "", body=body).json
    if not isinstance(answer, dict):
        return ""
    error = api_error(answer)
    if answer.get("object") == "list" and isinstance(answer.get("data"), list):
        return "list"
    return "error" if error and error.type and error.message else ""


def _origin(url: str) -> tuple[str | None, int | None]:
    """The host and the port, which a WebSocket's URL shares with those of HTTP; none where it is no URL."""
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None, None
