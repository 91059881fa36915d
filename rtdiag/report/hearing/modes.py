"""What the server heard of a clip under each turn detection, as the check `vad-effect` kept it: what its picture is drawn from.

The facts of the case `speech-started` are read as they stand in a report, which may be old, cut off or made by somebody else:
what is odd in them is left out, and where no clip or no mode is left there is no picture.
All times are milliseconds of the clip: 0 is its first sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rtdiag.model import Outcome, Report

CHECK, CASE = "vad-effect", "speech-started"
LOUDNESS_MS = 100

# What a picture holds at most. The check's clips end after 60 s; all else is no report of rtdiag's own.
_LONGEST_MS, _MOST_MODES, _MOST_EVENTS = 600_000.0, 8, 400


@dataclass(frozen=True)
class Turn:
    """One turn as the server told it; None for an end that it never told."""

    begin_ms: float | None
    end_ms: float | None


@dataclass(frozen=True)
class Mark:
    """The moment at which an event came: audio was `committed`, or its `transcript` was there, with its text."""

    kind: Literal["committed", "transcript"]
    at_ms: float
    text: str = ""


@dataclass(frozen=True)
class Mode:
    """One session: the turn detection `sent` and the one `echoed` (None: null, {}: unknown), why it `failed`, what it told."""

    id: str
    sent: Mapping[str, Any] | None
    echoed: Mapping[str, Any] | None
    failed: str
    turns: tuple[Turn, ...]
    marks: tuple[Mark, ...]
    commit_ms: float | None = None  # when it was asked to commit, None where it was not

    def at_ms(self, kind: str) -> tuple[float, ...]:
        """When the marks of a kind came."""
        return tuple(mark.at_ms for mark in self.marks if mark.kind == kind)

    @property
    def ends_ms(self) -> tuple[float, ...]:
        """Where its turns ended."""
        return tuple(turn.end_ms for turn in self.turns if turn.end_ms is not None)

    def stretches_ms(self, last_ms: float) -> Iterator[tuple[Turn, float, float]]:
        """Each turn with where its drawing begins and ends: one that never ended goes on to the next one, or to `last_ms`."""
        for number, turn in enumerate(self.turns):
            after = [one.begin_ms for one in self.turns[number + 1 :] if one.begin_ms is not None]
            end_ms = turn.end_ms if turn.end_ms is not None else (after or [last_ms])[0]
            yield turn, end_ms if turn.begin_ms is None else turn.begin_ms, end_ms

    @property
    def drawn(self) -> bool:
        """Whether something was heard that can be drawn."""
        return bool(self.turns or self.marks)

    @property
    def committed_alone_ms(self) -> tuple[float, ...]:
        """When audio was committed beyond what the turns that ended account for."""
        return self.at_ms("committed")[len(self.ends_ms) :]

    @property
    def by_itself(self) -> bool:
        """Whether the server committed before it was asked to, without any turn."""
        return self.commit_ms is not None and any(at_ms < self.commit_ms for at_ms in self.committed_alone_ms)


@dataclass(frozen=True)
class Hearing:
    """The clip, where somebody speaks in it, how loud it is (0 to 100, one value per 100 ms), and each mode."""

    clip: str
    duration_ms: float
    phrases: tuple[tuple[float, float], ...]
    loudness: tuple[float, ...]
    modes: tuple[Mode, ...]

    @property
    def last_ms(self) -> float:
        """Where the clip is over and everything has happened."""
        turns = [at_ms for mode in self.modes for turn in mode.turns for at_ms in (turn.begin_ms, turn.end_ms)]
        marks = [mark.at_ms for mode in self.modes for mark in mode.marks]
        return max([self.duration_ms, *marks, *(at_ms for at_ms in turns if at_ms is not None)])


def of_run(report: Report) -> Hearing | None:
    """The first one in the report, or None."""
    return next((found for outcome in report.checks if (found := of_check(outcome))), None)


def of_check(outcome: Outcome) -> Hearing | None:
    """What stands in the facts of its case `speech-started`; None for another check, or where there is nothing to draw."""
    rows = [row for row in outcome.rows if outcome.id == CHECK and row.id == CASE]
    return _hearing(rows[0].seen.facts) if rows else None


def _hearing(facts: Mapping[str, Any]) -> Hearing | None:
    clip = _mapping(facts.get("clip"))
    given = [*_mapping(facts.get("modes")).items()][:_MOST_MODES]
    modes = tuple(_mode(str(name), found) for name, found in given if isinstance(found, Mapping))
    duration_ms = _number(clip.get("duration_ms"))
    if not duration_ms or duration_ms < 0 or not modes:
        return None
    loudness = tuple(min(max(_number(one) or 0.0, 0.0), 100.0) for one in _items(clip.get("loudness")))
    name = clip.get("name")
    phrases = tuple(_phrases(clip.get("phrases"), duration_ms))
    return Hearing(name if isinstance(name, str) else "", duration_ms, phrases, loudness, modes)


def _phrases(given: Any, duration_ms: float) -> Iterator[tuple[float, float]]:
    """Those that lie in the clip, one after another."""
    last_ms = 0.0
    for one in _items(given):
        ends = [_number(end) for end in _items(one)]
        if (
            len(ends) == 2
            and ends[0] is not None
            and ends[1] is not None
            and last_ms <= ends[0] < ends[1] <= duration_ms
        ):
            yield ends[0], ends[1]
            last_ms = ends[1]


def _mode(name: str, given: Mapping[str, Any]) -> Mode:
    events = [*_events(given.get("events"))]
    failed = given.get("failed")
    return Mode(
        id=name,
        sent=_detection(given, "sent"),
        echoed=_detection(given, "echoed"),
        failed=failed if isinstance(failed, str) else "",
        turns=tuple(_turns(events)),
        commit_ms=_number(given.get("commit_ms")),
        marks=tuple(Mark(kind, at_ms, text) for kind, at_ms, text in events if kind in ("committed", "transcript")),
    )


def _detection(given: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    return None if key in given and given[key] is None else _mapping(given.get(key))


def _events(given: Any) -> Iterator[tuple[Any, float, str]]:
    for one in _items(given)[:_MOST_EVENTS]:
        parts: list[Any] = [*_items(one), None, None, None]
        kind, at_ms, text = parts[0], _number(parts[1]), parts[2]
        if isinstance(kind, str) and at_ms is not None:
            yield kind, at_ms, text if isinstance(text, str) else ""


def _turns(events: Sequence[tuple[str, float, str]]) -> Iterator[Turn]:
    """Each beginning with the end that follows it; either may be missing."""
    begun_ms: float | None = None
    for kind, at_ms, _ in events:
        if kind == "started":
            if begun_ms is not None:
                yield Turn(begun_ms, None)
            begun_ms = at_ms
        elif kind == "stopped":
            yield Turn(begun_ms, at_ms)
            begun_ms = None
    if begun_ms is not None:
        yield Turn(begun_ms, None)


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}


def _items(given: Any) -> Sequence[Any]:
    return given[: int(_LONGEST_MS / LOUDNESS_MS)] if isinstance(given, list | tuple) else ()


def _number(given: Any) -> float | None:
    """A time or an amount that can be drawn, or None."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not -_LONGEST_MS <= given <= _LONGEST_MS:
        return None
    return float(given)
