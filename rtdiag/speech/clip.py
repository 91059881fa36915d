"""A clip of speech, rtdiag's own or the user's: its samples, and where in it somebody speaks.

Of rtdiag's own the offsets are known, for it was put together from parts (make.py); of any other they are measured (gate.py).
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

import msgspec

from rtdiag.api import own_yaml
from rtdiag.intake import why
from rtdiag.speech import gate

RATE_HZ = 48000  # what Opus runs at: RFC 7587 4.1
OWN = "rtdiag's own"
# The longest wait that turn detection knows is 8 s (eagerness low: openai 3.54.0
# types/realtime/realtime_audio_input_turn_detection.py), so this much silence follows every clip.
TAIL_MS = 10_000
SHORTEST_S, LONGEST_S = 1, 60
LOUDNESS_MS = 100
LARGEST_BYTES = 64 * 1024 * 1024  # five minutes of WAV in stereo at 48 kHz, read once
LONGEST_WORK_S = 10
LOWEST_RATE_HZ = 4000
MOST_FRAMES = LONGEST_S * 500  # Opus has the shortest, of 2.5 ms
# What a file holds by itself. Left to itself, ffmpeg also takes playlists and descriptions, and asks for what they name.
_ALONE = {
    "protocol_whitelist": "none",
    "format_whitelist": "aac,ac3,aiff,amr,amrnb,amrwb,asf,au,avi,caf,eac3,flac,flv,gsm,loas,matroska,webm,mov,mp4,m4a,3gp,3g2,"
    "mj2,mp3,mpeg,mpegts,nut,ogg,tta,voc,w64,wav,wv",
}
_SILENT = 30  # of 32768, -61 dB: a guess; what stays below it is no voice
_EVERY = 6  # one sample in so many is enough to tell loudness by


class ClipError(ValueError):
    """A file that cannot be played to a server as speech; the text is one line: which file, what is wrong with it."""


@dataclass(frozen=True)
class Clip:
    """Speech as 48 kHz mono signed 16-bit little-endian PCM, at least 10 s of silence at its end.

    `phrases` are the offsets between which somebody speaks, in milliseconds; `loudness` is 0 to 100 for each 100 ms, linear,
    100 the loudest.
    """

    name: str
    pcm: bytes
    duration_ms: int
    phrases: tuple[tuple[int, int], ...]
    loudness: tuple[int, ...]


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What clip.yaml says of rtdiag's own: `made` by which program, `text` and offsets phrase by phrase."""

    made: str
    text: Sequence[str]
    voice: str
    words_per_minute: int
    phrases_ms: tuple[tuple[int, int], ...]
    duration_ms: int


@cache
def clip(path: str | None = None) -> Clip:
    """The user's clip, any format that ffmpeg decodes, or rtdiag's own. Raises ClipError."""
    if path is None:
        known = own_yaml.whole(Known, ("rtdiag.speech", "clip.yaml"))
        with files("rtdiag.speech").joinpath("clip.opus").open("rb") as file:
            pcm = _decoded(file, OWN)
        return made(OWN, pcm, known.phrases_ms)
    try:
        if not Path(path).is_dir() and Path(path).exists() and not Path(path).is_file():
            raise ClipError(f"{path}: not a file that can be read twice: save the audio first")
        with open(path, "rb") as file:
            pcm = _decoded(file, path)
    except OSError as exc:
        raise ClipError(f"{path}: {why(exc)}") from None
    return made(Path(path).name, _checked(pcm, path))


def made(name: str, pcm: bytes, phrases: tuple[tuple[int, int], ...] = ()) -> Clip:
    """The clip with these samples, whose phrases are measured unless they are known. Raises ClipError where there are none."""
    samples = array("h", pcm)[::_EVERY]
    levels = gate.loudness(samples, RATE_HZ // _EVERY, gate.FRAME_MS)
    found = phrases or tuple(gate.phrases(levels))
    if not found:
        raise ClipError(f"{name}: nobody can be heard in it")
    missing_ms = max(0, found[-1][1] + TAIL_MS - len(pcm) * 500 // RATE_HZ)
    pcm += bytes(missing_ms * RATE_HZ // 1000 * 2)
    whole = gate.loudness(array("h", pcm)[::_EVERY], RATE_HZ // _EVERY, LOUDNESS_MS)
    scaled = tuple(round(100 * level / max(whole)) for level in whole)
    return Clip(name, pcm, len(pcm) * 500 // RATE_HZ, found, scaled)


def _checked(pcm: bytes, path: str) -> bytes:
    seconds = len(pcm) / 2 / RATE_HZ
    if seconds < SHORTEST_S:
        raise ClipError(f"{path}: {seconds:.1f} s of audio, give at least {SHORTEST_S} s")
    if seconds > LONGEST_S:
        raise ClipError(f"{path}: more than {LONGEST_S} s of audio")
    loudest = max(gate.loudness(array("h", pcm)[::_EVERY], RATE_HZ // _EVERY, gate.FRAME_MS))
    if loudest < _SILENT:
        raise ClipError(f"{path}: it is silent (its loudest 10 ms have {loudest:.0f} of 32768)")
    return pcm


class _Bounded:
    """A file for ffmpeg, which reads in it as it likes. Raises ClipError where that is too much, or takes too long."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name = file, name
        self._left_bytes = LARGEST_BYTES
        self._until_s = time.monotonic() + LONGEST_WORK_S
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        """As the file does."""
        part = self._file.read(size)
        self._left_bytes -= len(part)
        if self._left_bytes < 0:
            raise ClipError(
                f"{self._name}: too large for a minute of speech: give it as Opus, MP3 or WAV, without a picture"
            )
        self.refuse_long()
        return part

    def refuse_long(self) -> None:
        """Raises ClipError after LONGEST_WORK_S."""
        if time.monotonic() > self._until_s:
            raise ClipError(f"{self._name}: decoding it takes too long: give it as Opus, MP3 or WAV")


def _decoded(file: IO[bytes], name: str) -> bytes:
    """All of its first audio stream, or the first minute and a bit of a longer one."""
    import av

    most_bytes, pcm = (LONGEST_S + 1) * RATE_HZ * 2, bytearray()
    to, bounded = av.AudioResampler("s16", "mono", RATE_HZ), _Bounded(file, name)
    try:
        with av.open(bounded, "r", options=_ALONE) as container:
            if not container.streams.audio:
                raise ClipError(f"{name}: there is no audio in it")
            for number, frame in enumerate(container.decode(audio=0)):
                bounded.refuse_long()
                if number == MOST_FRAMES or frame.sample_rate < LOWEST_RATE_HZ:
                    raise ClipError(
                        f"{name}: {frame.samples} samples in a piece, {frame.sample_rate} a second: no speech"
                    )
                pcm += _samples(to.resample(frame))
                if len(pcm) > most_bytes:
                    break
            else:
                pcm += _samples(to.resample(None))
    except ClipError:
        raise
    except (av.FFmpegError, OSError, ValueError, MemoryError):
        raise ClipError(f"{name}: no audio that can be decoded: give it as Opus, MP3 or WAV") from None
    return bytes(pcm)


def _samples(frames: list[Any]) -> bytes:
    return b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in frames)
