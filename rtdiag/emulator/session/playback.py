"""What the other side of a call hears of a response, and when: its sound keeps the time of playing, also after `response.done`.

Events: openai-openapi @ f85dbe2 lines 52875-52941; that they come with the sound, and have ids of 16 hexadecimal digits: sessions
recorded in 2026. Cut off, the item is truncated to what was played (developers.openai.com/api/docs/guides/realtime-conversations).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from rtdiag.emulator.session import spoken
from rtdiag.emulator.session.schedule import Appointment, Schedule

Json = dict[str, Any]


class Speaker(Protocol):
    """Where the sound of a response is played: a call's outgoing audio."""

    def play(self) -> None:
        """Say the spoken sentence, behind what is still being said."""

    def clear(self) -> None:
        """Stop, and say nothing more of what was asked."""


class Playback:
    """The output audio buffer of one call. `speaker` is None where nobody plays; `now` is in seconds."""

    def __init__(self, schedule: Schedule, now: Callable[[], float], at_once: bool) -> None:
        self.speaker: Speaker | None = None
        self._schedule, self._now, self._at_once = schedule, now, at_once
        self._response_id, self.item_id, self._since_s = "", "", 0.0
        self._end: Appointment | None = None

    @property
    def playing(self) -> bool:
        """Whether something is heard now."""
        return self._end is not None

    @property
    def played_ms(self) -> int:
        """How much of it has been heard; nothing while it waits for what is said before it."""
        return max(0, int(min(self._since_began_ms, spoken.ms())))

    @property
    def rest_ms(self) -> float:
        """How much of it is still to come."""
        return spoken.ms() - min(self._since_began_ms, spoken.ms()) if self.playing else 0.0

    @property
    def _since_began_ms(self) -> float:
        return (self._now() - self._since_s) * 1000

    def begin(self, response_id: str, item_id: str) -> Iterator[Json]:
        """The sentence is said from now on; what is said already goes on before it, and is told to have stopped."""
        waits_s = self.rest_ms / 1000
        if self._end:
            self._end.call_off()
            yield from self._stopped()
        self._response_id, self.item_id, self._since_s = response_id, item_id, self._now() + waits_s
        if self.speaker:
            self.speaker.play()
        lasts_s = 0.0 if self._at_once else waits_s + spoken.ms() / 1000
        self._end = self._schedule.after(lasts_s, self._stopped)
        yield self._event("started")

    def clear(self) -> Iterator[Json]:
        """Nothing more is heard of it."""
        if self._end is None:
            return
        self._end.call_off()
        self._end = None
        if self.speaker:
            self.speaker.clear()
        yield self._event("cleared")

    def _stopped(self) -> Iterator[Json]:
        self._end = None
        yield self._event("stopped")

    def _event(self, what: str) -> Json:
        kind, event_id = f"output_audio_buffer.{what}", f"event_{secrets.token_hex(8)}"
        return {"type": kind, "event_id": event_id, "response_id": self._response_id}
