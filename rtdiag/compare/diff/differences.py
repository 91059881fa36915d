"""What two answers to one question differ in, told in evened out texts; what they differ in every time is left out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.compare import comparing, normalize
from rtdiag.model import Event, Exchange, Report

Difference = tuple[str, str, str, str]  # what, of, old, new as in changes.Change

# Headers whose value is another one each time or counts down; location and content type are compared by their shape.
_ANY_VALUE = expression(
    r"id$|ray$|trace|span|tim(?:e|er|ing)$|date$|-ms$|remaining|reset|cookie|length$|etag$|nonce|policy|^x-served-by$|^x-cache"
    r"|^(?:age|alt-svc|cf-cache-status|connection|content-(?:type|encoding)|expires|keep-alive|last-modified|location|nel"
    r"|report-to|retry-after|sec-websocket-accept|sec-websocket-extensions|transfer-encoding|via)$"
)
EVENTS = ("session.created", "session.updated", "error")
_SESSION = "session."
_MOST = 50
_LAST_MS = 1e15


def between(old: Report, new: Report, one: Exchange | Event, other: Exchange | Event) -> tuple[Difference, ...]:
    """The differences of two exchanges, or of two events of one type: the first 50, and a word about more."""
    now_s = answered_s(old, one)
    later_s = answered_s(new, other) - now_s
    every: Iterator[Difference]
    if isinstance(one, Exchange) and isinstance(other, Exchange):
        every = _exchanges(one, other, now_s, later_s)
    elif isinstance(one, Event) and isinstance(other, Event):
        every = _events(one, other, now_s, later_s)
    else:
        return ()
    found = [
        (what, normalize.cut(of), normalize.cut(normalize.unnamed(a)), normalize.cut(normalize.unnamed(b)))
        for what, of, a, b in islice(every, _MOST + 1)
    ]
    more = ("body", "…", "", f"more than {_MOST} differences, the rest is not listed")
    return tuple(found) if len(found) <= _MOST else (*found[:_MOST], more)


def answered_s(report: Report, record: Exchange | Event) -> float:
    """When it came by the server's clock, in unix seconds; by the clock of the run's machine where the server told no time."""
    told_s = comparing.server_time_s(record) if isinstance(record, Exchange) else None
    if told_s is not None:
        return told_s
    return report.started_at.timestamp() + min(record.at_ms, _LAST_MS) / 1000 + _ahead_s(report)


def _ahead_s(report: Report) -> float:
    """How far the server's clock is ahead of the machine's, by the first answer that tells."""
    told_s = next((s for x in report.own.exchanges if (s := comparing.server_time_s(x)) is not None), None)
    if told_s is None:
        return 0.0
    return told_s - min(max(told_s, report.started_at.timestamp()), report.finished_at.timestamp())


def _exchanges(one: Exchange, other: Exchange, now_s: float, later_s: float) -> Iterator[Difference]:
    ends = [(x.status, x.failure and (x.failure.kind, x.failure.phase)) for x in (one, other)]
    if one.failure or other.failure:
        if ends[0] != ends[1]:
            yield "status", "", _ended(one), _ended(other)
        return
    is_session = [_is_session(x.json) for x in (one, other)]
    for found in comparing.exchanges(one, other, "", now_s, later_s):
        if found.what == "body" and found.of and (all(is_session) or found.of.startswith(_SESSION)):
            yield "session", found.of.removeprefix(_SESSION), found.there, found.here
        else:
            yield found.what, found.of, found.there, found.here
    if one.status == other.status:
        yield from _header_values(one, other)


def _ended(exchange: Exchange) -> str:
    broke = exchange.failure if exchange.status is not None else None
    return comparing.described(exchange) + (f", broke off: {broke.kind} in {broke.phase}" if broke else "")


def _is_session(parsed: Any) -> bool:
    """Whether a mint's answer is the session object itself, as in the beta: openai-openapi @ f85dbe2, line 17091."""
    return isinstance(parsed, dict) and "client_secret" in parsed and "error" not in parsed


def _header_values(one: Exchange, other: Exchange) -> Iterator[Difference]:
    """The headers that both have, with another value, repeats of one name as one."""
    before, after = (_headers(x) for x in (one, other))
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name] and not _ANY_VALUE.search(name):
            yield "header", name, before[name], after[name]


def _headers(exchange: Exchange) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name, value in exchange.response_headers:
        found.setdefault(name.lower(), []).append(normalize.unnamed(value))
    return {name: ", ".join(values) for name, values in found.items()}


def _events(one: Event, other: Event, now_s: float, later_s: float) -> Iterator[Difference]:
    """Two events of one type: of errors what they say, of others the session object that they echo."""
    if one.error and other.error:
        yield from ((what, "", a, b) for what, a, b in comparing.errors(one.error, other.error))
        return
    before, after = (parsed.get("session") if isinstance(parsed := e.json, dict) else None for e in (one, other))
    for path, a, b in normalize.differing(before, after, now_s, later_s):
        yield "session", path, a, b
