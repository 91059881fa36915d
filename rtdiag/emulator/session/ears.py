"""What a session hears: audio of any format as 16 kHz samples, and which 20 ms of them hold a voice.

An imitation: the API's own detector is not public. webrtcvad stands in for it. On a synthetic voice its offsets came
within 0.02 s of the truth where digital silence follows, also through aiortc's Opus, and within 0.16 s in faint noise
(measured 2026-11-22).
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from rtdiag.emulator.session.turn_taking import FRAME_MS

if TYPE_CHECKING:
    import av

__all__ = ["FORMATS", "FRAME_MS", "RATE_HZ", "Resampler", "Voice", "lasts_ms"]

RATE_HZ = 16000
_FRAME_BYTES = RATE_HZ * FRAME_MS // 1000 * 2
_QUIET = 16  # the largest sample of digital silence: G.711's A-law has no zero, its smallest value is 8

# The formats of both dialects, as ffmpeg's decoder and sample rate: openai 3.54.0 types/realtime/realtime_audio_formats.py
# and types/beta/realtime/session_create_params.py. G.711 itself says 8 kHz.
_Codec = Literal["pcm_s16le", "pcm_mulaw", "pcm_alaw"]
FORMATS: Mapping[str, tuple[_Codec, int]] = {
    "audio/pcm": ("pcm_s16le", 24000),
    "pcm16": ("pcm_s16le", 24000),
    "audio/pcmu": ("pcm_mulaw", 8000),
    "g711_ulaw": ("pcm_mulaw", 8000),
    "audio/pcma": ("pcm_alaw", 8000),
    "g711_alaw": ("pcm_alaw", 8000),
}


def lasts_ms(audio: bytes, name: str) -> float:
    """How long audio of the format that a session calls `name` is."""
    codec, rate_hz = FORMATS[name]
    return len(audio) / (2 if codec == "pcm_s16le" else 1) / rate_hz * 1000


class Resampler:
    """One session's audio as 16 kHz mono signed 16-bit little-endian PCM; the format that comes in may change."""

    def __init__(self) -> None:
        self._inner: av.AudioResampler | None = None
        self._takes: tuple[object, ...] = ()
        self._name, self._half = "", b""

    def of_frame(self, frame: av.AudioFrame) -> bytes:
        """A decoded frame of any rate, layout and sample format. About 1 ms of it comes out with the next one."""
        import av

        takes = (frame.sample_rate, frame.layout.name, frame.format.name)
        rest = b""
        if takes != self._takes:
            rest = self._resampled(None)
            self._inner = av.AudioResampler("s16", "mono", RATE_HZ)
            self._takes = takes
        return rest + self._resampled(frame)

    def of_bytes(self, audio: bytes, name: str) -> bytes:
        """Audio of the format that a session calls `name`; half a sample waits for the rest. KeyError for other names."""
        import av

        if name != self._name:
            self._begin(name)
        audio = self._half + audio
        whole = len(audio) - len(audio) % self._sample_bytes
        self._half = audio[whole:]
        decoded = self._decoder.decode(av.Packet(audio[:whole])) if whole else []
        return b"".join(map(self.of_frame, decoded))

    def _begin(self, name: str) -> None:
        """A decoder for that format; half a sample of the one before is dropped."""
        import av

        codec, rate_hz = FORMATS[name]
        self._decoder = av.CodecContext.create(codec, "r")
        self._decoder.sample_rate, self._decoder.layout = rate_hz, "mono"
        self._sample_bytes = 2 if codec == "pcm_s16le" else 1
        self._name, self._half = name, b""

    def _resampled(self, frame: av.AudioFrame | None) -> bytes:
        """None asks for what the resampler still holds back."""
        made = self._inner.resample(frame) if self._inner else []
        return b"".join(bytes(each.planes[0])[: each.samples * 2] for each in made)


class Voice:
    """Tells voice from the rest.

    webrtcvad holds on for about 0.1 s after a voice has ended, which shifts the end of a turn by as much; digital silence
    ends that at once. The first of a faint noise it takes for a voice: up to 0.14 s in modes 0 and 1, 0.08 s in 2 and 3
    (white, pink, brown noise and hum, root mean square up to 300 of 32768; measured 2026-11-22).
    """

    def __init__(self) -> None:
        self._rest = b""

    def heard(self, pcm: bytes, threshold: float) -> list[bool]:
        """One answer per full 20 ms of 16 kHz PCM, what is left over waits for more. `threshold` is 0 to 1.

        It picks webrtcvad's mode 0 (takes nearly everything) to 3, a quarter of the range each: an imitation, for the
        API's own scale is not public. Digital silence is never a voice.
        """
        self._vad.set_mode(min(3, int(threshold * 4)))
        pcm = self._rest + pcm
        whole = len(pcm) // _FRAME_BYTES * _FRAME_BYTES
        self._rest = pcm[whole:]
        return [self._voiced(pcm[at : at + _FRAME_BYTES]) for at in range(0, whole, _FRAME_BYTES)]

    @cached_property
    def _vad(self) -> Any:
        """Made when something is heard, as most sessions hear nothing."""
        import webrtcvad  # type: ignore[import-untyped]

        return webrtcvad.Vad()

    def _voiced(self, frame: bytes) -> bool:
        voiced = bool(self._vad.is_speech(frame, RATE_HZ))  # asked even of silence, which it learns from
        return voiced and max(map(abs, array("h", frame))) > _QUIET
