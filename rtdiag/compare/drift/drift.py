"""A report of a run beside the emulator: what it would have answered otherwise, and what the report says of open questions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from rtdiag.compare import comparing
from rtdiag.compare.comparing import Difference, server_time_s
from rtdiag.compare.drift import channels
from rtdiag.compare.drift.questions import OpenQuestion, answered
from rtdiag.compare.drift.record import path
from rtdiag.compare.drift.speakers import Speaker
from rtdiag.compare.drift.twin import Clock, Twin, replayed
from rtdiag.emulator import Emulator
from rtdiag.emulator.timeline import NoSuchDate
from rtdiag.intake import Unusable
from rtdiag.model import Exchange, PeerTrace, Report

CLOCK_TOLERANCE_S = 30


@dataclass(frozen=True)
class NotCompared:
    """Exchanges or events of the report that say nothing of the emulator, and why."""

    ids: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Drift:
    """What one report shows. `exchanges` and `events` count what was compared; `report` is what was read."""

    as_of: date
    differences: tuple[Difference, ...]
    not_compared: tuple[NotCompared, ...]
    answered: tuple[OpenQuestion, ...]
    exchanges: int
    events: int
    report: Report = field(repr=False)


def compare(report: Report, as_of: date | None = None) -> Drift:
    """Ask a fresh, healthy emulator what the report asked. `as_of`: its day, else that of the emulator that the report is of.

    Raises Unusable for a report that holds nothing to ask, and for a day before the timeline.
    """
    return asyncio.run(_compared(report, as_of or report.emulated_on))


async def _compared(report: Report, as_of: date | None) -> Drift:
    clock = Clock(report.started_at.timestamp())
    try:
        healthy = Emulator(as_of, clock=clock)
    except NoSuchDate as error:
        raise Unusable(str(error)) from None
    async with healthy as emulator:
        comparison = _Comparison(report)
        async for twin in replayed(report.own, emulator, clock):
            await comparison.take(twin)
        if not comparison.exchanges:
            why = f": {'; '.join(comparison.not_compared)}" if comparison.not_compared else ""
            raise Unusable(f"nothing in this report can be asked again{why}")
        comparison.end()
        return Drift(
            as_of=emulator.as_of,
            differences=tuple(comparison.differences),
            not_compared=tuple(NotCompared(tuple(ids), why) for why, ids in comparison.not_compared.items()),
            answered=answered(report.own),
            exchanges=comparison.exchanges,
            events=comparison.events,
            report=report,
        )


class _Comparison:
    """What was found so far, exchange by exchange; a channel is compared at the exchange that opened it."""

    def __init__(self, report: Report) -> None:
        self.differences: list[Difference] = []
        self.not_compared: dict[str, list[str]] = {}
        self.exchanges = self.events = 0
        self._report = report.own
        self._peers = {p.offered_in: p for p in report.own.peers if p.offered_in}
        self._channels: set[str] = set()
        self._broken_calls: dict[str, str] = {}
        self._leave("a page in a browser asked it", [one.id for one in report.exchanges if one.by])
        self._clock()

    async def take(self, twin: Twin) -> None:
        """Compare one exchange, and the peer and channel that it began."""
        there, peer = twin.there, self._peers.get(twin.there.id)
        if twin.here is None:
            self._leave(twin.why_not, [there.id])
            return
        self.exchanges += 1
        where = f"{there.method} {path(self._report, there)}"
        found = list(comparing.exchanges(there, twin.here, where, twin.now_s))
        if found and (of := self._follows(there)):
            self._leave(f"the call had ended with {of}", [there.id])
            return
        self.differences += found
        if peer and there.failure is None and twin.speaker:
            await self._peer(peer, twin, twin.speaker, told=bool(found))

    def end(self) -> None:
        """Say which events no exchange led to."""
        lost = [e.id for e in self._report.events if e.channel.partition("/")[0] not in self._channels]
        self._leave("no channel was opened here for them", lost)

    async def _peer(self, peer: PeerTrace, twin: Twin, speaker: Speaker, *, told: bool) -> None:
        """How far the peer came, and, where its channel opened, the events of it."""
        call = (twin.there.header("location") or "").rpartition("/")[2]
        if peer.failure:
            self._broken_calls[call] = peer.id
        failed = list(channels.peer(peer))
        if not (told and peer.failure and peer.failure.phase == "answer"):
            self.differences += failed
        if failed or not (twin.there.status == 101 or "channel" in peer.phases_ms):
            return
        self._channels.add(peer.id)
        channel = channels.Channel(peer, twin.now_s, interrupted=self._report.interrupted)
        await channel.compare([e for e in self._report.events if e.channel.partition("/")[0] == peer.id], speaker)
        self.differences += channel.differences
        self.events += channel.compared
        self._leave("they follow from audio, which a report does not carry", channel.from_audio)
        self._leave(f"the session of {peer.id} had ended", channel.too_late)
        self._leave("it was interrupted", channel.unanswered)
        if channel.ended:
            self._broken_calls[call] = peer.id

    def _follows(self, there: Exchange) -> str | None:
        """The peer whose failure ended the call that this exchange is about."""
        asked = path(self._report, there) or ""
        return next((p for call, p in self._broken_calls.items() if call and f"/calls/{call}/" in asked), None)

    def _leave(self, why: str, ids: Sequence[str]) -> None:
        if ids:
            self.not_compared.setdefault(why, []).extend(ids)

    def _clock(self) -> None:
        """How far the server's clock is from that of the machine that asked it, once for the whole run."""
        stamped = next((x for x in self._report.exchanges if server_time_s(x) is not None), None)
        if stamped is None:
            return
        server_s = server_time_s(stamped) or 0.0
        began_s, ended_s = (t.timestamp() for t in (self._report.started_at, self._report.finished_at))
        off_s = server_s - min(max(server_s, began_s), ended_s)
        if abs(off_s) > CLOCK_TOLERANCE_S:
            there = f"the server's clock is {off_s:+.0f} s off that of the machine that asked"
            self.differences.append(Difference("run", "Date", "clock", there, "the clocks agree"))
