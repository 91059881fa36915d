"""Speech for a WebRTC session: a voice that is silent until it is told to play, then plays once, then is silent again.

What it sends was encoded once, for all the sessions of a run: it hands out Opus packets, which aiortc sends as they are.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiortc.mediastreams import MediaStreamTrack

RATE_HZ, FRAME_MS = 48000, 20
_FRAME_SAMPLES = RATE_HZ * FRAME_MS // 1000
_BIT_RATE = 48_000


class Voice:
    """What one session hears. `now_ms` is the recorder's clock; `speed` 1 is real time, and all that a real server may get.

    `clip_at_ms` is how much audio was sent before the clip, `began_ms` when its first 20 ms were due, both None before that.
    """

    def __init__(self, encoded: Encoded, now_ms: Callable[[], float], speed: float = 1.0) -> None:
        self.clip_at_ms: int | None = None
        self.began_ms: float | None = None
        self.ended = False
        self.told: Callable[[], None] = lambda: None  # called when the clip has been sent
        self._encoded, self._now_ms, self._speed = encoded, now_ms, speed
        self._sent = 0
        self._playing = False
        self._first_due_s: float | None = None

    @property
    def sent_ms(self) -> int:
        """All the audio that was sent so far, silence included."""
        return self._sent * FRAME_MS

    def play(self) -> None:
        """The clip begins with the next 20 ms."""
        self._playing = True

    async def next(self) -> bytes:
        """The next 20 ms as an Opus packet, when they are due."""
        loop, frame_s = asyncio.get_running_loop(), FRAME_MS / 1000 / self._speed
        if self._first_due_s is None:  # all voices of a run keep step, so that one waking serves them all
            self._first_due_s = math.ceil(loop.time() / frame_s) * frame_s
        due_s = self._first_due_s + self._sent * frame_s
        await asyncio.sleep(due_s - loop.time())
        packet = self._packet((loop.time() - due_s) * 1000)
        self._sent += 1
        return packet

    def _packet(self, late_ms: float) -> bytes:
        if (
            self._playing and self.clip_at_ms is None
        ):  # a late beginning is caught up with: the clip's time runs from its due one
            self.clip_at_ms, self.began_ms = self.sent_ms, self._now_ms() - max(0.0, late_ms)
        at = self._sent - (self.clip_at_ms or 0) // FRAME_MS
        if self.clip_at_ms is None or at >= len(self._encoded.clip):
            if self.clip_at_ms is not None and not self.ended:
                self.ended = True
                self.told()
            return self._encoded.silence
        return self._encoded.clip[at]


class Encoded:
    """48 kHz mono 16-bit PCM as Opus packets of 20 ms, and one of silence."""

    def __init__(self, pcm: bytes) -> None:
        frame_bytes = _FRAME_SAMPLES * 2
        pieces = [pcm[at : at + frame_bytes] for at in range(0, len(pcm) - frame_bytes + 1, frame_bytes)]
        self.clip = tuple(_encoded(pieces)[: len(pieces)])
        self.silence = _encoded([bytes(frame_bytes)] * 10)[-1]  # by then the coder has settled


def _encoded(pieces: list[bytes]) -> list[bytes]:
    import av

    codec = av.CodecContext.create("libopus", "w")
    codec.bit_rate, codec.sample_rate, codec.layout, codec.format = _BIT_RATE, RATE_HZ, "mono", "s16"
    codec.time_base = Fraction(1, RATE_HZ)
    packets = []
    for number, piece in enumerate(pieces):
        frame = av.AudioFrame(format="s16", layout="mono", samples=_FRAME_SAMPLES)
        frame.planes[0].update(piece)
        frame.sample_rate, frame.time_base, frame.pts = RATE_HZ, Fraction(1, RATE_HZ), number * _FRAME_SAMPLES
        packets += codec.encode(frame)
    return [bytes(packet) for packet in (*packets, *codec.encode(None))]


def track(voice: Voice) -> MediaStreamTrack:
    """The voice as aiortc takes it."""
    from aiortc.mediastreams import MediaStreamTrack
    from av import Packet

    class Spoken(MediaStreamTrack):
        kind = "audio"

        async def recv(self) -> Any:
            at = voice.sent_ms * RATE_HZ // 1000
            packet: Any = Packet(await voice.next())
            packet.pts, packet.time_base = at, Fraction(1, RATE_HZ)
            return packet

    return Spoken()
