"""Where two answers to the same request differ, in short words: `there` is the first one's, `here` the other's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from rtdiag.compare import normalize
from rtdiag.model import ApiError, Exchange

What = Literal["status", "code", "type", "param", "message", "header", "body", "sdp", "event", "order", "peer", "clock"]

# Headers of transport, caches, cookies and time, which say nothing of how the API behaves.
_VOLATILE = frozenset(
    {"age", "alt-svc", "cache-control", "cf-cache-status", "cf-ray", "connection", "content-encoding", "content-length"}
    | {
        "content-type",
        "date",
        "keep-alive",
        "nel",
        "openai-processing-ms",
        "pragma",
        "report-to",
        "sec-websocket-accept",
    }
    | {
        "sec-websocket-extensions",
        "server",
        "set-cookie",
        "strict-transport-security",
        "transfer-encoding",
        "vary",
        "via",
    }
    | {"x-content-type-options", "x-envoy-upstream-service-time"}
)
_MOST_IDS = 12


@dataclass(frozen=True)
class Difference:
    """One thing that was answered otherwise here than there.

    `id` is the exchange, event or peer of the report that tells of `there`, or `run`; `where` method and path, or channel and
    event; `of` names the field or header inside the answer, where there is one. All but `id` are cut, for a server may send texts
    of any length.
    """

    id: str
    where: str
    what: What
    there: str
    here: str
    of: str = ""

    def __post_init__(self) -> None:
        for name in ("where", "there", "here", "of"):
            object.__setattr__(self, name, normalize.cut(getattr(self, name)))


def exchanges(there: Exchange, here: Exchange, where: str, now_s: float, later_s: float = 0.0) -> Iterator[Difference]:
    """The differences of two answers. One of another status is one difference: what hangs on it is not listed beside it.

    `now_s` is when the first came, in unix seconds, `later_s` how much later the other did.
    """

    def found(what: What, there_says: Any, here_says: Any, of: str = "") -> Difference:
        return Difference(there.id, where, what, str(there_says), str(here_says), of)

    same = there.status == here.status
    if not same:
        yield found("status", described(there), described(here))
    if there.failure is not None:
        if same:
            yield found("body", f"cut off: {there.failure.detail}", "whole")
        return
    for name, one, other in _headers(there, here, same=same):
        yield found("header", one, other, name)
    if same:
        yield from (found(what, one, other, of) for what, of, one, other in _bodies(there, here, now_s, later_s))


def errors(there: ApiError, here: ApiError) -> Iterator[tuple[What, str, str]]:
    """What differs between two error objects; the messages are compared by shape."""
    fields: tuple[tuple[What, str | None, str | None], ...] = (
        ("code", there.code, here.code),
        ("type", there.type, here.type),
        ("param", there.param, here.param),
    )
    for what, one, other in fields:
        if one != other:
            yield what, _or_absent(one), _or_absent(other)
    if normalize.text(there.message) != normalize.text(here.message):
        yield "message", _or_absent(there.message), _or_absent(here.message)


def described(exchange: Exchange) -> str:
    """An answer in one line: status, and what the body says or is."""
    if exchange.status is None:
        failure = exchange.failure
        return f"no answer: {failure.kind} in {failure.phase}" if failure else "no answer"
    error = exchange.error
    return f"{exchange.status} {error}" if error else f"{exchange.status}, {_form(exchange)}"


def server_time_s(exchange: Exchange) -> float | None:
    """The answer's `Date` in unix seconds, None without one."""
    try:
        return parsedate_to_datetime(exchange.header("date") or "").timestamp()
    except (ValueError, OverflowError):
        return None


def listed(ids: Sequence[str]) -> str:
    """Ids in one line, the first of many."""
    shown = ", ".join(dict.fromkeys(ids[:_MOST_IDS]))
    return shown if len(ids) <= _MOST_IDS else f"{shown} and {len(ids) - _MOST_IDS} more"


def _form(exchange: Exchange) -> str:
    """What a body is, whatever its content type says."""
    body = (exchange.body or "").lstrip()
    if not body:
        return "no body"
    if exchange.looks_like_html:
        return "a web page"
    if body.startswith("v="):
        return "SDP"
    return "JSON" if exchange.json is not None else "text"


def _headers(there: Exchange, here: Exchange, *, same: bool) -> Iterator[tuple[str, str, str]]:
    """The content type, and which other headers only one of the two has."""
    if same and there.body and here.body:
        types = [(x.header("content-type") or "absent").lower().replace(" ", "") for x in (there, here)]
        if types[0] != types[1]:
            yield "content-type", types[0], types[1]
    sets = [{k.lower() for k, _ in x.response_headers} - _VOLATILE for x in (there, here)]
    of_success = frozenset() if there.ok == here.ok else frozenset({"location"})
    if lacking := sets[1] - sets[0] - of_success:
        yield ", ".join(sorted(lacking)), "absent", "present"
    if more := sets[0] - sets[1] - of_success:
        yield ", ".join(sorted(more)), "present", "absent"
    one, other = (normalize.text(x.header("location")) for x in (there, here))
    if one and other and one != other:
        yield "location", one, other


def _bodies(there: Exchange, here: Exchange, now_s: float, later_s: float) -> Iterator[tuple[What, str, str, str]]:
    """What differs between two bodies of the same status."""
    if there.error and here.error:
        yield from ((what, "", one, other) for what, one, other in errors(there.error, here.error))
    elif there.error or here.error or _form(there) != _form(here):
        yield "body", "", described(there), described(here)
    elif _form(there) == "SDP":
        yield from (("sdp", *line) for line in _descriptions(there.body or "", here.body or ""))
    elif _form(there) == "JSON":
        for path, one, other in normalize.differing(there.json, here.json, now_s, later_s):
            yield "body", path, one, other
    elif (there.body or "").strip() != (here.body or "").strip():
        yield "body", "", *normalize.briefs(there.body, here.body)


def _descriptions(there: str, here: str) -> Iterator[tuple[str, str, str]]:
    """The shapes of lines that one answer has more often than the other; a section that only one has is one difference."""
    one, other = normalize.sdp(there), normalize.sdp(here)
    sections = [{line.partition(" ")[0] for line in lines} for lines in (one, other)]
    for section in sorted(sections[0] ^ sections[1]):
        yield f"{section}, the whole section", *_counts(section in sections[0], section in sections[1])
    for line in sorted(one.keys() | other.keys()):
        if one[line] != other[line] and line.partition(" ")[0] in sections[0] & sections[1]:
            yield line, *_counts(one[line], other[line])


def _counts(there: int, here: int) -> tuple[str, str]:
    one, other = ("absent" if not n else "present" if n == 1 else f"{n} times" for n in (there, here))
    return one, other


def _or_absent(value: str | None) -> str:
    return "absent" if value is None else value or '""'
