"""A voice: silent until it is told to play, in step with the clock, then silent again; and the packets it sends."""

from __future__ import annotations

import asyncio
from array import array

import av
import pytest

from rtdiag.transport.audio import FRAME_MS, RATE_HZ, Encoded, Voice, track
from tests import speech

PCM = speech.at_48k(speech.speech(0.4))


def loudest(packets: list[bytes]) -> list[int]:
    """The loudest sample of each packet, decoded in order."""
    codec = av.CodecContext.create("libopus", "r")
    codec.format, codec.layout, codec.sample_rate = "s16", "mono", RATE_HZ
    frames = [frame for packet in packets for frame in codec.decode(av.Packet(packet))]
    return [max(map(abs, array("h", bytes(frame.planes[0])[: frame.samples * 2]))) for frame in frames]


def test_what_is_encoded_is_heard_again_and_silence_is_silent() -> None:
    encoded = Encoded(PCM)
    assert len(encoded.clip) == 400 // FRAME_MS
    heard = loudest([*[encoded.silence] * 5, *encoded.clip, *[encoded.silence] * 5])
    assert max(heard[:5]) < 50
    assert min(heard[6:24]) > 1000
    assert max(heard[-3:]) < 50


def test_a_voice_plays_once_and_knows_what_it_sent_before() -> None:
    encoded, told = Encoded(PCM), list[int]()
    clock = iter(range(100))

    async def run() -> tuple[Voice, list[bytes]]:
        voice = Voice(encoded, lambda: float(next(clock)), speed=50)
        voice.told = lambda: told.append(voice.sent_ms)
        sent = [await voice.next() for _ in range(7)]
        assert (voice.clip_at_ms, voice.began_ms, voice.ended) == (None, None, False)
        voice.play()
        sent += [await voice.next() for _ in range(30)]
        return voice, sent

    voice, sent = asyncio.run(run())
    assert (voice.clip_at_ms, voice.ended) == (7 * FRAME_MS, True)
    assert voice.began_ms is not None
    assert voice.began_ms <= 0, "the clock said 0 when it was handed out, at the moment when it was due, or later"
    assert tuple(sent[7:27]) == encoded.clip
    assert set(sent[:7] + sent[27:]) == {encoded.silence}
    assert told == [27 * FRAME_MS]
    assert voice.sent_ms == 37 * FRAME_MS


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_packets_are_never_earlier_than_they_are_due(speed: float) -> None:
    async def run() -> float:
        voice, loop = Voice(Encoded(PCM), lambda: 0.0, speed), asyncio.get_running_loop()
        began_s = loop.time()
        for _ in range(11):
            await voice.next()
        return loop.time() - began_s

    assert asyncio.run(run()) >= 10 * FRAME_MS / 1000 / speed - 0.001


def test_a_track_counts_in_samples() -> None:
    async def run() -> list[int]:
        spoken = track(Voice(Encoded(PCM), lambda: 0.0, speed=50))
        packets = [await spoken.recv() for _ in range(3)]
        spoken.stop()
        return [int(packet.pts or 0) for packet in packets]

    assert asyncio.run(run()) == [0, 960, 1920]
