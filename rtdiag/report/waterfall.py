"""What stands in a waterfall: which request, which phase of a session and which event was when, grouped by the check that asked.

Milliseconds count from the beginning of the run. Of the steps of a request (`connect`, `tls`, `wait`) and of the phases of a
session only the lengths are measured: they are laid one after another. `rest` is what no step explains: set-up, sending, reading
the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from rtdiag.model import SEVERITY, By, Event, Exchange, Observation, Outcome, PeerTrace, Report, Row, Status, counted
from rtdiag.report.lanes import PHASES, STEPS, Bar, Group, Lane, Tick, ms
from rtdiag.report.phrases import OPAQUE, asker

OTHERS = "(others)"

_Owners = dict[str, tuple[Outcome, Row]]


def groups(report: Report) -> tuple[Group, ...]:
    """A group for each check that asked anything, and one for what no case shows, such as hang-ups."""
    lanes: dict[str, list[Lane]] = {}
    for owner, lane in (*_requests(report), *_sessions(report)):
        lanes.setdefault(owner, []).append(lane)
    named = [(outcome.id, outcome.title) for outcome in report.checks] + [
        (OTHERS, "what no case shows, such as hang-ups")
    ]
    found = [
        Group(i, title, tuple(sorted(lanes[i], key=lambda lane: min(lane.times_ms))))
        for i, title in named
        if i in lanes
    ]
    return tuple(found)


def sessions_from_their_offers(report: Report, ids: Collection[str]) -> tuple[Lane, ...]:
    """A lane for each of these sessions, the request with its offer before it; its times count from when that was sent."""
    offers = {exchange.id: exchange for exchange in report.exchanges}
    begun = [
        (offers[peer.offered_in or ""], peer) for peer in report.peers if peer.id in ids and peer.offered_in in offers
    ]
    return tuple(_from_its_offer(report, offer, peer) for offer, peer in begun)


def _from_its_offer(report: Report, offer: Exchange, peer: PeerTrace) -> Lane:
    bars = [replace(bar, begin_ms=bar.begin_ms - offer.at_ms) for bar in (*_steps(offer), *_phases(report, peer))]
    result = f"no {peer.failure.phase}" if peer.failure else ms(max(bar.end_ms for bar in bars))
    return Lane("session", peer.id, peer.by or "command line", result, None, tuple(bars), by=peer.by)


def path_of(url: str) -> str:
    """The path of a URL with its query; never an error, whatever it is."""
    rest = url.partition("://")[2] or url
    return rest[rest.find("/") :] if "/" in rest else rest


def _owners(report: Report, of: Callable[[Observation], Iterable[Exchange | Event | PeerTrace]]) -> _Owners:
    """Who asked: the first check that shows it, and of its cases the one that is worst."""
    found: _Owners = {}
    for outcome in report.checks:
        for row in sorted(outcome.rows, key=lambda row: SEVERITY.index(row.finding.status)):
            for item in of(row.seen):
                found.setdefault(item.id, (outcome, row))
    return found


def _requests(report: Report) -> Iterator[tuple[str, Lane]]:
    owners = _owners(report, lambda seen: seen.exchanges)
    for exchange in report.exchanges:
        group, status = _owner(owners, exchange.id)
        bars = tuple(_steps(exchange))
        answered = str(exchange.status) if exchange.failure is None else exchange.failure.kind
        length_ms = bars[-1].end_ms - exchange.at_ms
        what = f"{asker(exchange.by)}{exchange.method} {path_of(exchange.url)}"
        took = f"{answered}, {ms(length_ms)}"
        yield group, Lane("request", exchange.id, what, took, status, bars, by=exchange.by)


def _owner(owners: _Owners, item: str) -> tuple[str, Status | None]:
    if item not in owners:
        return OTHERS, None
    outcome, row = owners[item]
    return outcome.id, row.finding.status


def _steps(exchange: Exchange) -> Iterator[Bar]:
    at_ms = exchange.at_ms
    for step in STEPS:
        if step in exchange.timing_ms:
            yield Bar(step, at_ms, exchange.timing_ms[step])
            at_ms += exchange.timing_ms[step]
    rest_ms = exchange.at_ms + exchange.timing_ms.get("total", 0.0) - at_ms
    in_vain = exchange.failure is not None and exchange.failure.kind != OPAQUE
    yield Bar("failed" if in_vain else "rest", at_ms, max(rest_ms, 0.0))


def _sessions(report: Report) -> Iterator[tuple[str, Lane]]:
    """A lane for each session in its own group, and one in every other group whose cases show events of it."""
    peers = {peer.id: peer for peer in report.peers}
    owners = _owners(report, lambda seen: seen.peers)
    ticks: dict[tuple[str, str], list[Tick]] = {(_owner(owners, p)[0], p): [] for p in peers}
    events = _owners(report, lambda seen: seen.events)
    for event in report.events:
        key = (_owner(events, event.id)[0], event.channel.rpartition("/")[0] or event.channel)
        ticks.setdefault(key, []).append(Tick(event.direction, event.at_ms, event.type))
    for (group, name), own in ticks.items():
        peer = peers.get(name)
        if peer and group == _owner(owners, name)[0]:
            lane = _session(report, peer, tuple(own), _owner(owners, name)[1])
        else:
            lane = _heard(name, own, peer.by if peer else "")
        if lane.times_ms:
            yield group, lane


def _heard(name: str, ticks: list[Tick], by: By) -> Lane:
    return Lane("events", name, f"{asker(by)}events", counted(len(ticks), "event"), None, ticks=tuple(ticks), by=by)


def _session(report: Report, peer: PeerTrace, ticks: tuple[Tick, ...], status: Status | None) -> Lane:
    bars = tuple(_phases(report, peer))
    took = [f"no {peer.failure.phase}"] if peer.failure else [ms(sum(b.length_ms for b in bars))] if bars else []
    heard = [counted(len(ticks), "event")] if ticks else []
    close = [f"closed {peer.close.get('code', '')}"] if peer.close else []
    result = ", ".join([*took, *heard, *close]) or "only offered"
    open_ms = (peer.at_ms, _closed_ms(report, peer))
    return Lane("session", peer.id, f"{asker(peer.by)}session", result, status, bars, ticks, open_ms, peer.by)


def _phases(report: Report, peer: PeerTrace) -> Iterator[Bar]:
    at_ms = _first_phase_ms(report, peer)
    for phase in PHASES:
        if phase in peer.phases_ms:
            yield Bar(phase, at_ms, peer.phases_ms[phase])
            at_ms += peer.phases_ms[phase]
    if peer.failure:
        yield Bar("failed", at_ms, _given_up_ms(report, peer, at_ms) - at_ms)


def _first_phase_ms(report: Report, peer: PeerTrace) -> float:
    """When the answer was taken, or the socket was open; else when the exchange with the offer was over."""
    for at_ms, name, value in peer.states:
        if (name, value) == ("signalingState", "stable"):
            return peer.at_ms + at_ms - peer.phases_ms.get("answer", 0.0)
        if (name, value) == ("readyState", "open"):
            return peer.at_ms + at_ms
    offered = next((x for x in report.exchanges if x.id == peer.offered_in), None)
    return peer.at_ms if offered is None else offered.at_ms + offered.timing_ms.get("total", 0.0)


def _given_up_ms(report: Report, peer: PeerTrace, since_ms: float) -> float:
    """How long a phase that never ended was waited for: at most until who asked began another, or this one was closed."""
    begun = [x.at_ms for x in report.exchanges if x.by == peer.by] + [p.at_ms for p in report.peers if p.by == peer.by]
    return min((at_ms for at_ms in (*begun, _closed_ms(report, peer)) if at_ms > since_ms), default=since_ms)


def _closed_ms(report: Report, peer: PeerTrace) -> float:
    closed = [peer.at_ms + at_ms for at_ms, _, value in peer.states if value in ("closed", "failed")]
    return max(closed, default=(report.finished_at - report.started_at).total_seconds() * 1000)
