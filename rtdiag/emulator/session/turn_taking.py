"""Where a turn begins and ends, by the session's turn detection, from one yes or no per 20 ms of audio. Pure.

What the API tells of it is the meaning of the two offsets and the waits; how it decides that speech has begun, and
what `semantic_vad` makes of words, it does not tell: both rules here are assumed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

FRAME_MS = 20

# Speech begins with this many voiced frames among the last so many. Assumed; one frame more than what the first of a
# faint noise is taken for at the default threshold, see Voice in ears.py.
ONSET_FRAMES, ONSET_WINDOW = 5, 6

# The longest wait of each eagerness: openai 3.54.0 types/realtime/realtime_audio_input_turn_detection.py.
PATIENCE_MS: Mapping[str, int] = {"low": 8000, "medium": 4000, "auto": 4000, "high": 2000}

# From the turn detection in force, the silence in milliseconds that ends a turn.
Rule = Callable[[Mapping[str, Any]], int]


def patience(detection: Mapping[str, Any]) -> int:
    """What `server_vad` was told to wait for; for `semantic_vad` the longest wait that its eagerness allows.

    The real `semantic_vad` judges by the words whether a phrase is finished and may stop sooner. Nobody here
    understands words, so every phrase is taken for an unfinished one.
    """
    if detection["type"] == "semantic_vad":
        return PATIENCE_MS[detection["eagerness"]]
    return int(detection["silence_duration_ms"])


@dataclass(frozen=True)
class Turn:
    """A turn's beginning or end, at `at_ms` of all audio heard in the session.

    Started: before speech by `prefix_padding_ms`; stopped: after the silence that was waited for (openai 3.54.0
    types/realtime/input_audio_buffer_speech_started_event.py and input_audio_buffer_speech_stopped_event.py).
    """

    what: Literal["started", "stopped"]
    at_ms: int


class Turns:
    """Hears one session, frame by frame; counts in whole frames of 20 ms, so nothing drifts.

    `rule` says how much silence ends a turn, rounded up to whole frames.
    """

    def __init__(self, rule: Rule = patience) -> None:
        self._rule = rule
        self._frames = 0
        self._last_end_ms = 0
        self._recent: deque[bool] = deque(maxlen=ONSET_WINDOW)
        self._silent_frames = 0
        self.speaking = False

    @property
    def now_ms(self) -> int:
        """Milliseconds of audio heard so far."""
        return self._frames * FRAME_MS

    def step(self, voiced: bool, detection: Mapping[str, Any] | None) -> Turn | None:
        """The next 20 ms under the turn detection in force now, complete with its defaults; None forgets an open turn."""
        self._frames += 1
        if detection is None:
            self._between()
            return None
        return self._within(voiced, detection) if self.speaking else self._before(voiced, detection)

    def cut(self) -> None:
        """The buffer was committed or cleared by hand: an open turn is over, and the next reaches back no further."""
        self._between()
        self._last_end_ms = self.now_ms

    def _before(self, voiced: bool, detection: Mapping[str, Any]) -> Turn | None:
        self._recent.append(voiced)
        if sum(self._recent) < ONSET_FRAMES:
            return None
        began_ms = self.now_ms - FRAME_MS * (len(self._recent) - self._recent.index(True))
        self._between()
        self.speaking = True
        # Only server_vad has a padding; no turn reaches back into the one before (assumed).
        return Turn("started", max(began_ms - int(detection.get("prefix_padding_ms", 0)), self._last_end_ms))

    def _within(self, voiced: bool, detection: Mapping[str, Any]) -> Turn | None:
        self._silent_frames = 0 if voiced else self._silent_frames + 1
        if voiced or self._silent_frames * FRAME_MS < self._rule(detection):
            return None
        self._between()
        self._last_end_ms = self.now_ms
        return Turn("stopped", self.now_ms)

    def _between(self) -> None:
        """No turn is open, and what was heard does not count for the next."""
        self._recent.clear()
        self._silent_frames = 0
        self.speaking = False
