"""What sessions made of a clip: the events of each mode as moments of the clip's own time, and what they say together. Pure.

The shape is that of the facts of the check `vad-effect`: `clip` with `duration_ms` and `phrases`, `modes` with `sent`,
`echoed`, `failed`, `commit_ms` (when it was committed by hand) and `events`, each `[name, ms]` or `[name, ms, text]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeGuard

from rtdiag.model import Event

# Two moments closer than this are the same place: a guess, for nobody has recorded how far two runs of one mode lie apart.
NEAR_MS = 300
_LONGEST_MS, _LONGEST_ERROR = 600_000, 200  # clips end after 60 s: an offset beyond is none

_TURN = "input_audio_buffer."
_TRANSCRIPT = "conversation.item.input_audio_transcription."
_NAMES = {
    f"{_TURN}speech_started": "started",
    f"{_TURN}speech_stopped": "stopped",
    f"{_TURN}committed": "committed",
    f"{_TRANSCRIPT}completed": "transcript",
    f"{_TRANSCRIPT}failed": "untold",
    "error": "error",
}


@dataclass(frozen=True)
class Start:
    """Where a clip began in one session: `sent_ms` of audio before it, at `at_ms` of the run, played `speed` times as fast."""

    sent_ms: int
    at_ms: float
    speed: float = 1.0

    def ms(self, event: Event) -> int:
        """When an event came or went, in the clip's time."""
        return round((event.at_ms - self.at_ms) * self.speed)


def timeline(received: Iterable[Event], start: Start) -> list[list[Any]]:
    """Events as `[name, ms of the clip]`, a transcript or an error with its text behind.

    Offsets count all audio of the session: openai 3.54.0 types/realtime/input_audio_buffer_speech_started_event.py. What
    carries none stands where it came.
    """
    return [found for event in received if (found := _moment(event, start)) is not None]


def _moment(event: Event, start: Start) -> list[Any] | None:
    name, parsed = _NAMES.get(event.type), event.json
    if name is None or not isinstance(parsed, dict):
        return None
    offset = parsed.get({"started": "audio_start_ms", "stopped": "audio_end_ms"}.get(name, ""))
    at_ms = round(offset) - start.sent_ms if _is_time(offset) else start.ms(event)
    if name == "transcript":
        return [name, at_ms, str(parsed.get("transcript") or "")]
    if name in ("error", "untold"):
        return [name, at_ms, " ".join((str(event.error or "") or json.dumps(parsed)).split())[:_LONGEST_ERROR]]
    return [name, at_ms]


def _is_time(given: Any) -> TypeGuard[float]:
    """Whether it can be a time; what a server sends, or a report of somebody else holds, may be anything."""
    return isinstance(given, int | float) and not isinstance(given, bool) and abs(given) <= _LONGEST_MS


@dataclass(frozen=True)
class Mode:
    """One mode's part of the facts."""

    name: str
    facts: Mapping[str, Any]

    @property
    def failed(self) -> str:
        """Why it was not played to, "" if it was."""
        return str(self.facts.get("failed") or "")

    def at(self, name: str) -> list[int]:
        """When events of that name are, in order."""
        return [int(event[1]) for event in self._events(name)]

    def texts(self, name: str) -> list[str]:
        """The texts of events of that name."""
        return [str(event[2]) for event in self._events(name) if len(event) > 2]

    def _events(self, name: str) -> Iterator[Sequence[Any]]:
        for event in self.facts.get("events") or ():
            if isinstance(event, list | tuple) and len(event) > 1 and event[0] == name and _is_time(event[1]):
                yield event

    def closes_in(self, pause: Sequence[int]) -> int | None:
        """When it ends a turn within that pause, None if it does not."""
        begin, end = pause
        return next((ms for ms in self.at("stopped") if begin - NEAR_MS <= ms < end), None)


def pauses(phrases: Sequence[Sequence[int]], short_ms: int, long_ms: int) -> list[tuple[int, int]]:
    """The pauses that a wait of `short_ms` surely ends within, and one of `long_ms` surely outlasts."""
    between = [(int(a[1]), int(b[0])) for a, b in pairwise(phrases)]
    return [(begin, end) for begin, end in between if short_ms + 2 * NEAR_MS <= end - begin <= long_ms - 2 * NEAR_MS]
