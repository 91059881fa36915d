"""The command line's realtime session beside that of a page in the user's browser: how far each came, and what the pair shows.

It is read off the cases of the checks that asked, and the times of what these rest on. What a pair shows is said only where
both ways were asked: a case that was skipped speaks for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile

from rtdiag.api import sessions
from rtdiag.model import By, Finding, Observation, Report, Row, Status
from rtdiag.report.cases import worst_first
from rtdiag.report.lanes import ms
from rtdiag.report.pen import SIGNS
from rtdiag.report.spelling import one_line

TITLE = "Command line and browser"
HEADS = ("", "command line", "browser")

_NOT_ASKED = "not asked"

_CHECK = "browser"
_CREATED, _CARRIED = "session.created", "carried by"
_NEXT = "rtdiag explain page.har"
_WENT_WELL: frozenset[Status] = frozenset({"pass", "warn"})
_STOPPED: frozenset[Status] = frozenset({"fail", "inconclusive", "error"})
_LONGEST, _LONGEST_SAID = 60, 400
_KIND = re.compile(r"\b(?:host|srflx|prflx|relay)\b")
_TCP = re.compile(r"\btcp\b")
_PORT = re.compile(r":(\d+)$")

_Rows = tuple[Row | None, Row | None]
_Took = Callable[[Report, Observation], float | None]


@dataclass(frozen=True)
class Cell:
    """One way in one phase: its time where it went well, else what was measured. `cause` is that of a case that did not."""

    status: Status = "skip"
    text: str = ""
    cause: str | None = None

    @property
    def short(self) -> str:
        """The text where it fits a table; else the cause, or how it begins. "not asked" after what failed."""
        if self.status == "skip" and self.text.startswith("needs "):
            return _NOT_ASKED
        return self.text if len(self.text) <= _LONGEST else self.cause or one_line(self.text, _LONGEST)

    @property
    def marked(self) -> str:
        """That after its sign; "" for no text."""
        return f"{SIGNS[self.status]} {self.short}" if self.text else ""

    @property
    def said(self) -> str:
        """The text with the cause behind it."""
        return f"{self.text} ({self.cause})" if self.cause else self.text


@dataclass(frozen=True)
class Phase:
    """A line: what it is about, `here` by the command line and `there` in the browser. `decides`: a session needs it."""

    name: str
    here: Cell
    there: Cell
    decides: bool = True


@dataclass(frozen=True)
class TwoWays:
    """All lines, what the pair shows, in one sentence, and the ids of the two connections, as far as there were any."""

    phases: tuple[Phase, ...]
    shown: str
    peers: tuple[str, ...]

    @property
    def lines(self) -> tuple[tuple[str, str, str], ...]:
        """The cells under HEADS as text."""
        return tuple((phase.name, phase.here.marked, phase.there.marked) for phase in self.phases)

    @property
    def rows(self) -> list[dict[str, str]]:
        """The same for a page: `{"phase": "ICE", "command_line": "✓ 28 ms", "browser": "✓ 31 ms"}`."""
        return [{"phase": name, "command_line": here, "browser": there} for name, here, there in self.lines]


def of_run(report: Report) -> TwoWays | None:
    """Both ways of a run that has asked a browser for a session; None of any other."""
    rows = {f"{outcome.id}.{row.id}": row for outcome in report.checks for row in outcome.rows}
    if not any(id.startswith(f"{_CHECK}.") and row.finding.status != "skip" for id, row in rows.items()):
        return None
    phases = (*_of_a_session(report, rows), *_beside_it(report, rows))
    if all(cell.status == "skip" or not cell.text for phase in phases for cell in (phase.here, phase.there)):
        return None
    begun = [row.seen.peers[-1].id for row in _both(rows, ("sdp.ice-realtime",), "ice") if row and row.seen.peers]
    return TwoWays(phases, _shown(report, rows, phases), tuple(begun))


def _of(seen: Observation, by: By) -> Observation:
    """What that one asked of it: a case of the browser shows what the command line got beside it."""
    exchanges = tuple(one for one in seen.exchanges if one.by == by)
    return replace(seen, exchanges=exchanges, peers=tuple(one for one in seen.peers if one.by == by))


def _offer_ms(_: Report, seen: Observation) -> float | None:
    return seen.exchange.timing_ms.get("total") if seen.exchange else None


def _phase_ms(name: str) -> _Took:
    return lambda _, seen: seen.peers[-1].phases_ms.get(name) if seen.peers else None


def _update_ms(_: Report, seen: Observation) -> float | None:
    """From the first event that was sent to the first that came after it."""
    after = [*dropwhile(lambda event: event.direction != "sent", seen.events)]
    answer = next((event for event in after if event.direction == "received"), None)
    return answer.at_ms - after[0].at_ms if answer else None


def _until_created_ms(report: Report, seen: Observation) -> float | None:
    """From when the offer was sent, or the socket was asked for, to the session's first event."""
    first = next((event for event in seen.events if event.type in sessions.CREATED), None)
    carried = seen.peers[-1].offered_in if seen.peers else seen.exchange and seen.exchange.id
    begun = next((one for one in report.exchanges if one.id == carried), None)
    return first.at_ms - begun.at_ms if first and begun else None


# The phases of a session; the cases of the command line, of which the first that did not go well counts; the browser's; the time.
_PHASES: tuple[tuple[str, tuple[str, ...], str, _Took], ...] = (
    ("offer answered", ("sdp.answer-realtime", "sdp.parse-realtime"), "answer", _offer_ms),
    ("ICE", ("sdp.ice-realtime",), "ice", _phase_ms("ice")),
    ("DTLS", ("sdp.dtls-realtime",), "dtls", _phase_ms("dtls")),
    ("channel", ("sdp.channel-realtime",), "channel", _phase_ms("channel")),
    (_CREATED, ("sdp.created-realtime",), "created", _phase_ms("created")),
    ("update answered", ("session-update.realtime-ga",), "update", _update_ms),
)
_TOLD = frozenset({"pair", *(theirs for _, _, theirs, _ in _PHASES)})


def _of_a_session(report: Report, rows: Mapping[str, Row]) -> Iterator[Phase]:
    for name, ours, theirs, took in _PHASES:
        here, there = _both(rows, ours, theirs)
        yield Phase(name, _cell(report, here, took), _cell(report, there, took))
        if name == _CREATED:
            yield Phase("until then, in all", _whole(report, here), _whole(report, there), decides=False)


def _beside_it(report: Report, rows: Mapping[str, Row]) -> Iterator[Phase]:
    here, there = _both(rows, ("sdp.ice-realtime",), "ice")
    yield Phase(_CARRIED, _carried(here), _carried(there), decides=False)
    here, there = _both(rows, ("websocket.model-subprotocol",), "websocket")
    took = _until_created_ms
    yield Phase("WebSocket", _cell(report, here, took), _cell(report, there, took), decides=False)


def _both(rows: Mapping[str, Row], ours: tuple[str, ...], theirs: str) -> _Rows:
    known = [row for name in ours if (row := rows.get(name))]
    here = next((row for row in known if _status(row.finding) not in _WENT_WELL), next(iter(known), None))
    there = rows.get(f"{_CHECK}.{theirs}")
    return here, there and replace(there, seen=_of(there.seen, "browser"))


def _status(finding: Finding) -> Status:
    """What came, whether the user bears it or not."""
    return finding.ignored.was if finding.ignored else finding.status


def _cell(report: Report, row: Row | None, took: _Took) -> Cell:
    if row is None:
        return Cell("skip", _NOT_ASKED)
    status, measured = _status(row.finding), one_line(row.finding.measured, _LONGEST_SAID)
    if status not in _WENT_WELL:
        return Cell(status, measured, row.finding.cause)
    length_ms = took(report, row.seen)
    return Cell(status, measured if length_ms is None else ms(length_ms))


def _whole(report: Report, row: Row | None) -> Cell:
    """From the offer to session.created; nothing where that did not come."""
    length_ms = _until_created_ms(report, row.seen) if row and _status(row.finding) in _WENT_WELL else None
    return Cell("pass", "" if length_ms is None else ms(length_ms))


def _carried(row: Row | None) -> Cell:
    """`UDP, host to host`, by the pair that ICE chose; nothing where it chose none."""
    pair = row.seen.peers[-1].selected_pair if row and row.seen.peers else None
    return Cell("pass", _way(pair.lower()) if pair else "")


def _way(pair: str) -> str:
    """Of `udp host 192.0.2.1:50000 -> tcp host 192.0.2.9:443`, in whichever order the words stand: `TCP 443, host to host`."""
    port = _PORT.search(pair)
    way = (f"TCP {port[1]}" if port else "TCP") if _TCP.search(pair) else "UDP"
    return ", ".join(filter(None, [way, " to ".join(_KIND.findall(pair))]))


@dataclass(frozen=True)
class _End:
    """How one way ended: `works`, or stopped `at` a phase with that `cell`; of a session that nobody asked for, `cell` says why."""

    works: bool
    at: str
    cell: Cell

    @property
    def told(self) -> str:
        """`at ICE: not done within 4 s (ice-udp-blocked)`."""
        return f"at {self.at}: {self.cell.said}"


def _end(cells: Mapping[str, Cell]) -> _End:
    for name, cell in cells.items():
        if cell.status in _STOPPED:
            return _End(False, name, cell)
    unasked = next((cell for cell in cells.values() if cell.status not in _WENT_WELL), Cell())
    return _End(cells[_CREATED].status in _WENT_WELL, "", unasked)


def _shown(report: Report, rows: Mapping[str, Row], phases: Sequence[Phase]) -> str:
    """What the pair shows, no more than was asked."""
    here = _end({phase.name: phase.here for phase in phases if phase.decides})
    there = _end({phase.name: phase.there for phase in phases if phase.decides})
    trouble = _trouble(report)
    why = "" if here.cell.text == _NOT_ASKED else f": {here.cell.text}"
    alone = f"the command line asked for no session to hold beside it{why}"
    if there.at and here.at:
        return _both_stop(here, there)
    if there.at and here.works:
        given = "the server gave the command line a session"
        return f"works from the command line and not in the browser, which stops {there.told}; {given}"
    if there.at:
        return f"the browser stops {there.told}; {alone}"
    if there.works and here.at:
        return (
            f"works in the browser and not from the command line, which stops {here.told}{_otherwise_than_udp(phases)}"
        )
    if there.works and trouble:
        both = "both ways; what does not, in the browser" if here.works else "in the browser; what does not"
        return f"a session works {both}: {trouble}"
    if there.works:
        return (
            _both_work(report, rows) + _otherwise_than_udp(phases) if here.works else f"works in the browser; {alone}"
        )
    beside = "works from the command line; " if here.works else ""
    return f"{beside}in the browser no session was asked for: {trouble or there.cell.text}"


def _both_stop(here: _End, there: _End) -> str:
    causes = here.cell.cause, there.cell.cause
    alike = causes[0] == causes[1] if all(causes) else (here.at, here.cell.text) == (there.at, there.cell.text)
    if not alike:
        return f"both fail, and not alike: the command line {here.told}; the browser {there.told}"
    beside = "" if here.at == there.at else f", in the browser at {there.at}"
    return f"both fail alike: {here.told}{beside}; it is neither this browser nor your page"


def _both_work(report: Report, rows: Mapping[str, Row]) -> str:
    watched = rows.get(f"{_CHECK}.own-page")
    if report.target.emulator or report.target.recognised_as == "emulator":
        return "both work, at the emulator: your network and your account were not asked"
    if watched and watched.finding.status == "pass":
        return "both work, and so did your own page as far as it was watched"
    return f"both work: it is neither the network nor the account; look at your own page next: {_NEXT}"


def _otherwise_than_udp(phases: Sequence[Phase]) -> str:
    """What carries the browser, where that is not what carries the command line."""
    there = next(phase.there.text for phase in phases if phase.name == _CARRIED)
    return f"; the browser is carried by {there}" if "TCP" in there or "relay" in there else ""


def _trouble(report: Report) -> str:
    """What the browser's other cases show to be wrong, the worst of it: `sound: no packet came (no-sound-sent)`."""
    for case in worst_first(report):
        if case.check == _CHECK and case.row.id not in _TOLD:
            measured = one_line(case.finding.measured, _LONGEST_SAID)
            return f"{case.row.id}: {Cell('fail', measured, case.finding.cause).said}"
    return ""
