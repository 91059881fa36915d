"""The ledger: by which names each request, session and event of a run is known, to us and to the server, and when it was (UTC).

This is what support asks for first: the session's id (openai/openai-realtime-console#493), request ids (livekit/agents#6917).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from rtdiag.model import LEDGER_NAMES, Event, Exchange, LedgerEntry, Report
from rtdiag.report.phrases import OPAQUE, asker

NAMES = LEDGER_NAMES
REQUEST_ID, OWN_ID, CF_RAY, SESSION, CALL, EVENT = NAMES

_SESSION_ID = re.compile(r"\bsess_[\w-]+")
_CALL_ID = re.compile(r"\brtc_[\w-]+")


def entries(report: Report) -> tuple[LedgerEntry, ...]:
    """An entry for each exchange, and for each event that has an id of its own; in the order of time."""
    found = [*_exchanges(report), *_events(report)]
    return tuple(sorted(found, key=lambda entry: entry.at))


def _exchanges(report: Report) -> Iterator[LedgerEntry]:
    for exchange in report.exchanges:
        answered = exchange.status if exchange.status is not None else _unanswered(exchange)
        what = f"{asker(exchange.by)}{exchange.method} {_path(exchange.url)}: {answered}"
        yield LedgerEntry(_at(report, exchange.at_ms), exchange.id, what, _ids(exchange))


def _path(url: str) -> str:
    """The path of a URL, or what was taken for one as it is."""
    try:
        return urlsplit(url).path
    except ValueError:
        return url


def _unanswered(exchange: Exchange) -> str:
    kind = exchange.failure.kind if exchange.failure else "none"
    return "an answer that the page may not read" if kind == OPAQUE else f"no answer ({kind})"


def _ids(exchange: Exchange) -> dict[str, str]:
    found = {name: exchange.correlation[name] for name in NAMES[:3] if exchange.correlation.get(name)}
    body = exchange.body if exchange.body_encoding == "utf-8" else None
    if session := _SESSION_ID.search(body or ""):
        found[SESSION] = session[0]
    if call := _CALL_ID.search(exchange.header("location") or exchange.url):
        found[CALL] = call[0]
    return found


def _events(report: Report) -> Iterator[LedgerEntry]:
    whose = {peer.id: peer.by for peer in report.peers}
    for event in report.events:
        if ids := _event_ids(event):
            by = whose.get(event.channel.partition("/")[0], "")
            what = f"{asker(by)}{event.direction} {event.type} ({event.channel})"
            yield LedgerEntry(_at(report, event.at_ms), event.id, what, ids)


def _event_ids(event: Event) -> dict[str, str]:
    parsed = event.json
    own = parsed.get("event_id") if isinstance(parsed, dict) else None
    if not isinstance(own, str):
        return {}
    session = _SESSION_ID.search(event.raw)
    return ({SESSION: session[0]} if session else {}) | {EVENT: own}


def _at(report: Report, at_ms: float) -> datetime:
    return report.started_at + timedelta(milliseconds=at_ms)
