"""Reports of runs that have asked a page in a browser, too: a real small run, and beside it what such a page would have told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from rtdiag.model import Event, Exchange, Failure, Finding, Observation, Outcome, PeerTrace, Report, Row, Status
from rtdiag.testing import run_on_emulator

PEER, SOCKET = "p71-browser", "w72-browser"
CHANNEL = f"{PEER}/oai-events"
CASES = ("page", "cors-offer", "answer", "ice", "dtls", "channel", "created", "update", "pair", "sound", "websocket")
BEGUN_MS = 2000.0
TOKEN, MADE_UP = "ek_" + "*" * 28 + "9999", "ek_" + "*" * 28 + "s000"
_PHASES = {"answer": 3.0, "ice": 21.0, "dtls": 40.0, "channel": 6.0, "created": 2.0}
_PAIR = "udp host 192.0.2.7:50000 -> udp host 192.0.2.9:3478"
_SESSION = '{"type":"session.created","event_id":"event_b1","session":{"id":"sess_b1","type":"realtime"}}'

Told = tuple[Status, str, str | None]  # of a finding: status, measured, cause
Records = tuple[tuple[Exchange, ...], tuple[Event, ...], tuple[PeerTrace, ...]]


@cache
def without() -> Report:
    """Of a run of the command line alone."""
    return run_on_emulator(only=["sdp", "session-update", "websocket"])


def run(
    wrong: Mapping[str, Told] | None = None,
    here: Mapping[str, Told] | None = None,
    *,
    live: bool = True,
    **of_the_peer: Any,
) -> Report:
    """The run with a browser's check. `wrong`, and `here` by full ids, are findings other than pass: status, measured, cause."""
    base = without()
    asked, events, peers = _records(base, of_the_peer)
    outcome = Outcome(
        "browser", "Does a page get a session?", "pass", rows=tuple(_rows(wrong or {}, asked, events, peers))
    )
    target = replace(base.target, emulator=None, recognised_as="openai") if live else base.target
    return replace(
        base,
        target=target,
        finished_at=base.started_at + timedelta(seconds=9),
        checks=(*_changed(base.checks, here or {}), outcome),
        exchanges=(*base.exchanges, *asked),
        events=(*base.events, *events),
        peers=(*base.peers, *peers),
    )


def _records(base: Report, of_the_peer: Mapping[str, Any]) -> Records:
    url = base.target.base_url
    refused = _asked("x901", f"{url}/realtime/calls", 0, "made-up", MADE_UP, 401, "v=0\r\n")
    offered = _asked("x902", f"{url}/realtime/calls", 50, "token", TOKEN, 201, "v=0\r\na=ice-pwd:****\r\n")
    socket = replace(
        _asked("x903", url.replace("http", "ws") + "/realtime?model=m", 600, "token", TOKEN, 101, None),
        method="GET",
        request_headers=(("sec-websocket-protocol", f"realtime, openai-insecure-api-key.{TOKEN}"),),
    )
    mint = next(one.id for one in base.exchanges if one.url.endswith("/client_secrets"))
    offered, socket = replace(offered, credential_from=mint), replace(socket, credential_from=mint)
    states = ((1.0, "signalingState", "have-local-offer"), (160.0, "signalingState", "stable"))
    peer = PeerTrace(
        PEER, states, selected_pair=_PAIR, phases_ms=_PHASES, offered_in="x902", at_ms=BEGUN_MS + 40, by="browser"
    )
    other = PeerTrace(SOCKET, ((90.0, "readyState", "open"),), offered_in="x903", at_ms=BEGUN_MS + 600, by="browser")
    events = (
        Event("e901", CHANNEL, "received", BEGUN_MS + 290, "session.created", _SESSION),
        Event("e902", CHANNEL, "sent", BEGUN_MS + 300, "session.update", '{"type":"session.update"}'),
        Event("e903", CHANNEL, "received", BEGUN_MS + 312, "session.updated", '{"type":"session.updated"}'),
        Event("e904", f"{SOCKET}/ws", "received", BEGUN_MS + 700, "session.created", _SESSION),
    )
    return (refused, offered, socket), events, (replace(peer, **of_the_peer), other)


def _asked(id: str, url: str, at_ms: float, credential: str, token: str, status: int, body: str | None) -> Exchange:
    headers = (("authorization", f"Bearer {token}"), ("content-type", "application/sdp"))
    timing = {"dns": 4.0, "connect": 8.0, "tls": 20.0, "wait": 60.0, "total": 100.0}
    return Exchange(
        id,
        "POST",
        url,
        credential,
        headers,
        body,
        status,
        body="v=0\r\n" if status == 201 else "",
        timing_ms=timing,
        at_ms=BEGUN_MS + at_ms,
        by="browser",
    )


def _rows(
    wrong: Mapping[str, Told],
    asked: tuple[Exchange, ...],
    events: tuple[Event, ...],
    peers: tuple[PeerTrace, ...],
) -> list[Row]:
    (refused, offered, socket), (peer, other) = asked, peers
    beside = next(one for one in without().peers if one.id == "p1-realtime")
    ours = next(one for one in without().exchanges if one.id == beside.offered_in)
    seen = {
        "cors-offer": Observation("cors-offer", (refused,)),
        "answer": Observation("answer", (offered, ours)),
        **{name: Observation(name, peers=(beside, peer)) for name in ("ice", "dtls", "channel", "pair")},
        "created": Observation("created", events=events[:1], peers=(beside, peer)),
        "update": Observation("update", events=events[1:3]),
        "websocket": Observation("websocket", (socket,), events[3:], (other,)),
    }
    rows = [
        Row(
            name,
            f"{name}?",
            Finding(name, "pass", "as it should be"),
            seen.get(name, Observation(name, facts={"n": 1})),
        )
        for name in CASES
    ]
    return [_with(row, wrong.get(row.id)) for row in rows]


def _changed(checks: tuple[Outcome, ...], here: Mapping[str, Told]) -> tuple[Outcome, ...]:
    return tuple(replace(o, rows=tuple(_with(row, here.get(f"{o.id}.{row.id}")) for row in o.rows)) for o in checks)


def _with(row: Row, found: Told | None) -> Row:
    return replace(row, finding=Finding(row.id, found[0], found[1], cause=found[2])) if found else row


def no_ice() -> dict[str, Any]:
    """Of a browser's connection that found no way."""
    return {"phases_ms": {"answer": 3.0}, "selected_pair": None, "failure": Failure("ice", "ice", "no way in 4 s")}
