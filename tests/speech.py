"""Speech-like audio for tests, made from nothing: 24 kHz mono signed 16-bit little-endian PCM, the same at every call.

A pulse train of about 120 Hz goes through three formant resonators, whose vowel and loudness change at the pace of
syllables and never fall to silence, so that a voice activity detector takes all of it for one stretch of speech.
"""

from __future__ import annotations

import math
import random
import wave
from array import array
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

import av

RATE_HZ = 24000
LOOP_S = 1.5  # the made stretch, repeated for longer ones; whole syllables, whole rounds of vowels
PEAK = 16000
# Formants in Hz, as in hut, head and hat: Peterson and Barney, 1952.
_VOWELS = ((640, 1190, 2390), (530, 1840, 2480), (660, 1720, 2410))
_WIDTHS_HZ = (90, 110, 170)
_SYLLABLE_S = 0.25


def speech(seconds: float) -> bytes:
    """Voiced from its first sample to its last."""
    loop = _loop()
    size = 2 * round(seconds * RATE_HZ)
    return (loop * (size // len(loop) + 1))[:size]


def silence(seconds: float) -> bytes:
    """Digital silence."""
    return bytes(2 * round(seconds * RATE_HZ))


def clip() -> tuple[bytes, list[tuple[int, int]]]:
    """Two phrases with silence around them, 10 s in all, and where each begins and ends, in milliseconds."""
    pcm = silence(0.6) + speech(2) + silence(2) + speech(3.2) + silence(2.2)
    return pcm, [(600, 2600), (4600, 7800)]


def at_48k(pcm: bytes) -> bytes:
    """The same at twice the rate, by linear interpolation."""
    samples = array("h", pcm)
    between = ((a + b) // 2 for a, b in zip(samples, [*samples[1:], 0], strict=True))
    return array("h", (value for pair in zip(samples, between, strict=True) for value in pair)).tobytes()


def noise(seconds: float, level: int) -> bytes:
    """White noise of that standard deviation, the same at every call."""
    chance = random.Random(1)
    return array("h", (round(chance.gauss(0, level)) for _ in range(round(seconds * RATE_HZ)))).tobytes()


def converted(pcm: bytes, fmt: str, layout: str, rate_hz: int) -> Iterator[av.AudioFrame]:
    """The same as frames of 20 ms in another form."""
    to = av.AudioResampler(fmt, layout, rate_hz, frame_size=rate_hz // 50)
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
    frame.sample_rate = RATE_HZ
    frame.planes[0].update(pcm)
    yield from to.resample(frame)
    yield from to.resample(None)


def g711(pcm: bytes, codec: Literal["pcm_mulaw", "pcm_alaw"]) -> bytes:
    """The same in a telephone's 8 kHz."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.sample_rate, encoder.layout, encoder.format = 8000, "mono", "s16"
    return b"".join(bytes(p) for frame in converted(pcm, "s16", "mono", 8000) for p in encoder.encode(frame))


def wav(path: Path, pcm: bytes, rate_hz: int = RATE_HZ) -> None:
    """Writes mono PCM of that rate as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)


@cache
def _loop() -> bytes:
    samples = _source()
    for formant in range(3):
        samples = _resonated(samples, formant)
    loudest = max(map(abs, samples))
    return array("h", (int(PEAK * value / loudest) for value in samples)).tobytes()


def _source() -> list[float]:
    """One pulse per turn of the glottis, its pitch 120 Hz give or take 12, its loudness 0.4 to 1."""
    samples, phase = [], 0.0
    for i in range(round(LOOP_S * RATE_HZ)):
        at_s = i / RATE_HZ
        phase += (120 + 12 * math.sin(2 * math.pi * at_s / LOOP_S)) / RATE_HZ
        loud = 0.7 - 0.3 * math.cos(2 * math.pi * at_s / _SYLLABLE_S)
        samples.append(loud if phase >= 1 else 0.0)
        phase %= 1
    return samples


def _resonated(samples: list[float], formant: int) -> list[float]:
    """A two-pole resonator, of another vowel in each syllable."""
    made, last, before = [], 0.0, 0.0
    radius = math.exp(-math.pi * _WIDTHS_HZ[formant] / RATE_HZ)
    turns = [2 * radius * math.cos(2 * math.pi * vowel[formant] / RATE_HZ) for vowel in _VOWELS]
    for i, sample in enumerate(samples):
        turn = turns[int(i / RATE_HZ / _SYLLABLE_S) % len(turns)]
        last, before = sample + turn * last - radius * radius * before, last
        made.append(last)
    return made
