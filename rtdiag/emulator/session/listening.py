"""The input audio buffer of one session: what has come in since the last commit, and the turns that are heard in it.

No audio is kept. What a fault may do to the hearing is done here, so that what the session shows stays as it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from rtdiag.emulator.faults import Switches
from rtdiag.emulator.session.ears import RATE_HZ, Resampler, Voice, lasts_ms
from rtdiag.emulator.session.turn_taking import FRAME_MS, Rule, Turn, Turns, patience

_BYTES_PER_MS = RATE_HZ * 2 // 1000
# What a server that ignores the silence asked for waits for: the documented default, openai 3.54.0
# types/realtime/realtime_audio_input_turn_detection.py.
_OWN_SILENCE_MS = 500


class Listening:
    """What one session hears. Audio goes in as `append` (of events) or `hear` (16 kHz mono); turns come out."""

    def __init__(self, ends: Rule = patience) -> None:
        self.buffered_ms = self.voiced_ms = 0.0  # since the last commit; voiced as far as a voice was in it
        self._resampler, self._voice, self._turns = Resampler(), Voice(), Turns(ends)

    @property
    def now_ms(self) -> int:
        """How much audio the session has heard."""
        return self._turns.now_ms

    @property
    def speaking(self) -> bool:
        """Whether a turn is open."""
        return self._turns.speaking

    def append(self, audio: bytes, format_name: str) -> bytes:
        """Audio of an event in its session's format, as 16 kHz mono."""
        pcm = self._resampler.of_bytes(audio, format_name)
        self.buffered_ms += lasts_ms(audio, format_name) - len(pcm) / _BYTES_PER_MS  # what is held back is here, too
        return pcm

    def hear(self, pcm: bytes, detection: Mapping[str, Any] | None, switches: Switches) -> Iterator[Turn]:
        """The turns that begin or end in this audio, by the turn detection now in force."""
        wanted = _in_effect(detection, switches)
        self.buffered_ms += len(pcm) / _BYTES_PER_MS
        for voiced in self._voice.heard(pcm, (wanted or {}).get("threshold", 0.5)):
            self.voiced_ms += FRAME_MS if voiced else 0
            turn = self._turns.step(voiced, wanted)
            if turn:
                yield replace(turn, at_ms=turn.at_ms + switches.offsets_late_ms)

    def take(self) -> None:
        """Empties the buffer."""
        self.buffered_ms = self.voiced_ms = 0.0

    def cut(self) -> None:
        """A commit or a clear by hand: the turn that is open is over."""
        self.take()
        self._turns.cut()


def _in_effect(detection: Mapping[str, Any] | None, switches: Switches) -> Mapping[str, Any] | None:
    """The turn detection that is really used, which only a fault makes another than the session shows."""
    if detection is None or not switches.hears_speech:
        return None
    if not switches.semantic_vad_effective and detection["type"] == "semantic_vad":
        return {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
    if not switches.silence_heeded and detection["type"] == "server_vad":
        return {**detection, "silence_duration_ms": _OWN_SILENCE_MS}
    return detection
