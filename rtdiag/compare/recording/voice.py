"""The sound of a recording that was cut out of it, made again: speech where the server heard speech, silence elsewhere."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rtdiag.compare.recording.recording import APPEND, Recording
from rtdiag.intake import Unusable
from rtdiag.speech.clip import clip

Json = dict[str, Any]

CHUNK_MS = 100
BYTES_PER_MS = 48  # 24 kHz, mono, 16 bits
_CUT_SHORT = 200  # a length below that is of what was left of the audio, not of the audio
_LATEST_MS = 600_000
_CHUNKS_MS = (10, 20, 30, 40, 50, 60, 80, 100, 120, 128, 160, 200, 250)  # what clients send at once
_EARLY_MS, _LATE_MS = 100, 200  # how far off the emulator may hear a turn's end
_LONGEST_MS = 3_600_000


@dataclass
class Voice:
    """What one client said, piece by piece. `spoken`: from when to when, in milliseconds of all audio; None for throughout."""

    spoken: Sequence[tuple[int, int]] | None
    chunk_ms: int = CHUNK_MS
    at_ms: int = field(default=0, init=False)

    def next(self, stored_bytes: int = 0) -> bytes:
        """The next piece as 24 kHz mono signed 16-bit little-endian PCM, as long as it was where that is known."""
        ms = stored_bytes // BYTES_PER_MS if stored_bytes > _CUT_SHORT else self.chunk_ms
        begin, self.at_ms = self.at_ms, self.at_ms + ms
        _refuse_endless(self.at_ms)
        if self.spoken is None:
            return _speech(begin, ms)
        return b"".join(_speech(at, 1) if self._speaks(at) else bytes(BYTES_PER_MS) for at in range(begin, begin + ms))

    def _speaks(self, at_ms: int) -> bool:
        return any(begin <= at_ms < end for begin, end in self.spoken or ())


def voice_of(recording: Recording) -> Voice:
    """The voice that a server which answered so must have heard. Raises Unusable for more than an hour of it."""
    _refuse_endless(CHUNK_MS * _pieces(recording, to_the_end=True))
    received = recording.received
    if turns := list(_turns(received)):
        return Voice(turns, _chunk_ms(recording))
    return Voice(() if _listens(recording) or _hears_nothing(received) else None)


def ends_by_words(recording: Recording) -> bool:
    """Whether `semantic_vad` was on, which ended turns by what was said: sooner than the emulator, which waits in silence."""
    return any((_detection(event) or {}).get("type") == "semantic_vad" for event in recording.received)


def _chunk_ms(recording: Recording) -> int:
    """How long a piece was: what was sent until the server told of a turn's end reached it, and all of it reached beyond."""
    told_ms, until, total = _last_ms(recording.received), _pieces(recording), _pieces(recording, to_the_end=True)
    fits = (ms for ms in _CHUNKS_MS if until * ms >= told_ms - _EARLY_MS and total * ms >= told_ms + _LATE_MS)
    return next(fits, math.ceil((told_ms + _LATE_MS) / max(1, until)))


def _listens(recording: Recording) -> bool:
    """Whether turn detection was on when the first audio came."""
    detection = None
    for frame in recording.frames:
        if frame.direction == "received" and frame.event and "session" in frame.event:
            detection = _detection(frame.event)
        elif (frame.event and frame.event.get("type") == APPEND) or frame.omitted:
            break
    return detection is not None


def _hears_nothing(received: Sequence[Json]) -> bool:
    heard = [e.get("transcript") for e in received if str(e.get("type")).endswith("transcription.completed")]
    return bool(heard) and not any(heard)


def _refuse_endless(ms: int) -> None:
    if ms > _LONGEST_MS:
        raise Unusable("it sends more than an hour of audio, and no session is longer")


def _pieces(recording: Recording, *, to_the_end: bool = False) -> int:
    """How many pieces came before the last turn ended."""
    count, most = 0, 0
    for frame in recording.frames:
        omitted = frame.omitted
        if omitted and omitted.direction == "sent" and omitted.type == APPEND:
            count += omitted.pieces
        elif frame.event and frame.event.get("type") == APPEND:
            count += 1
        elif frame.event and frame.event.get("type") == "input_audio_buffer.speech_stopped":
            most = count
    return count if to_the_end else most or count


def _turns(received: Sequence[Json]) -> Iterator[tuple[int, int]]:
    """From what the server told of a turn's beginning and end, by the turn detection in force."""
    detection: Json = {}
    begin = None
    for event in received:
        detection = _detection(event) or detection
        if event.get("type") == "input_audio_buffer.speech_started":
            begin = _ms(event.get("audio_start_ms")) + _ms(detection.get("prefix_padding_ms", 300))
        elif event.get("type") == "input_audio_buffer.speech_stopped" and begin is not None:
            yield (
                begin,
                max(begin + 200, _ms(event.get("audio_end_ms")) - _ms(detection.get("silence_duration_ms", 500))),
            )
            begin = None
    if begin is not None:
        yield begin, begin + _LATEST_MS


def _last_ms(received: Sequence[Json]) -> int:
    return max(_ms(e.get(name)) for e in received for name in ("audio_start_ms", "audio_end_ms"))


def _ms(value: Any) -> int:
    return min(int(value), _LATEST_MS) if isinstance(value, int | float) else 0


def _detection(event: Json) -> Json | None:
    """The turn detection that an event shows, in either dialect."""
    session = event.get("session")
    if not isinstance(session, dict):
        return None
    audio = session.get("audio")
    found = audio.get("input") if isinstance(audio, dict) else session
    return found.get("turn_detection") if isinstance(found, dict) else None


def _speech(at_ms: int, ms: int) -> bytes:
    loop, size = _loop(), ms * BYTES_PER_MS
    begin = at_ms * BYTES_PER_MS % len(loop)
    piece = loop[begin : begin + size]
    return piece if len(piece) == size else (piece + loop * (size // len(loop) + 1))[:size]


@cache
def _loop() -> bytes:
    """The first phrase of rtdiag's own clip, which a voice activity detector takes for one stretch, also repeated."""
    own = clip()
    begin, end = own.phrases[0]
    return array("h", own.pcm[begin * 96 : end * 96])[::2].tobytes()
