"""What a call hears is decoded where it arrives: without a thread of its own, and whatever comes."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

from aiortc import AudioStreamTrack
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from rtdiag.emulator import Emulator
from rtdiag.emulator.media import microphone
from rtdiag.emulator.session import spoken
from rtdiag.emulator.session.ears import Voice
from tests.emulator.clients import SESSIONS, call

OPUS = RTCRtpCodecParameters("audio/opus", 48000, channels=2)
VP8 = RTCRtpCodecParameters("video/VP8", 90000)


def heard(*payloads: tuple[RTCRtpCodecParameters, bytes]) -> bytes:
    receiver: Any = SimpleNamespace()
    pcm: list[bytes] = []
    microphone.listen(receiver, pcm.append)
    for number, (codec, payload) in enumerate(payloads):
        receiver._RTCRtpReceiver__decoder_queue.put((codec, JitterFrame(payload, number * 960)))
    return b"".join(pcm)


def test_it_hears_a_voice_and_passes_over_what_is_none() -> None:
    sentence = [(OPUS, packet) for packet in spoken.packets()]
    pcm = heard((VP8, b"\x10\x00\x00"), (OPUS, b"\xff\xff\xff"), *sentence)
    assert len(pcm) // 32 == len(spoken.packets()) * spoken.PACKET_MS - 1  # which the resampler holds back
    voiced = Voice().heard(pcm, 0.5)
    assert sum(voiced) > len(voiced) / 2


def test_a_call_has_no_thread_that_decodes() -> None:
    async def run() -> list[str]:
        async with Emulator() as emulator, call(emulator, SESSIONS["realtime"], AudioStreamTrack()) as made:
            await made.event()
            return [thread.name for thread in threading.enumerate() if "decoder" in thread.name]

    assert asyncio.run(run()) == ["audio-decoder"], "that of the client"
