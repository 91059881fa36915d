"""The sentence of a reply as sound: what spoken.opus beside this module says, in the format that is asked for.

`python -m rtdiag.emulator.session.make_spoken` makes it. It is read and decoded once per process, when first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

from rtdiag.emulator.session.ears import FORMATS, lasts_ms

if TYPE_CHECKING:
    import av

T = TypeVar("T")

PACKET_MS = 20


@cache
def pcm(rate_hz: int = 24000) -> bytes:
    """The sentence as mono signed 16-bit little-endian PCM."""
    import av

    to = av.AudioResampler("s16", "mono", rate_hz)
    return _read(lambda file: b"".join(_samples(to, file.decode(audio=0))))


@cache
def packets() -> tuple[bytes, ...]:
    """The sentence as Opus packets of 20 ms, which RTP carries as they are (RFC 7587 4.2)."""
    return _read(lambda file: tuple(bytes(packet) for packet in file.demux() if packet.size))


@cache
def in_format(name: str) -> bytes:
    """The sentence in the format that a session calls `name`. KeyError for other names."""
    import av

    codec, rate_hz = FORMATS[name]
    if codec == "pcm_s16le":
        return pcm(rate_hz)
    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate_hz, "mono", "s16"
    samples = pcm(rate_hz)
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
    frame.planes[0].update(samples)
    frame.sample_rate = rate_hz
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))


@cache
def g711_packets(name: str) -> tuple[bytes, ...]:
    """The same in a G.711 format, whose samples are a byte each at 8 kHz."""
    audio, size = in_format(name), 8 * PACKET_MS
    return tuple(audio[at : at + size] for at in range(0, len(audio), size))


@cache
def ms() -> int:
    """How long the sentence is."""
    return round(lasts_ms(pcm(), "audio/pcm"))


def _samples(to: av.AudioResampler, frames: Iterable[av.AudioFrame]) -> Iterable[bytes]:
    for frame in (*frames, None):
        yield from (bytes(made.planes[0])[: made.samples * 2] for made in to.resample(frame))


def _read(reader: Callable[[Any], T]) -> T:
    import av

    with files("rtdiag.emulator.session").joinpath("spoken.opus").open("rb") as file, av.open(file) as container:
        return reader(container)
