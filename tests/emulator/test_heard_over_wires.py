"""The same turns as in test_hearing.py, over a real socket and a real call."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any

import pytest
from aiortc import AudioStreamTrack
from av import AudioFrame

from rtdiag.api.endpoints import Kind
from rtdiag.emulator import Emulator
from tests import speech
from tests.emulator.clients import INTENT, MODEL, call, types, until, wire
from tests.emulator.heard import (
    OFF_MS,
    SERVER_VAD,
    TURN,
    append,
    assert_close,
    expected,
    listening,
    offsets,
    pieces,
)

Json = dict[str, Any]


def test_a_socket_hears_what_is_appended() -> None:
    async def run() -> list[Json]:
        async with Emulator(pace=0) as emulator, wire(emulator, INTENT) as made:
            await made.event()
            update = {"type": "session.update", "session": {"type": "transcription", **listening(SERVER_VAD)}}
            assert (await made.ask(update))["type"] == "session.updated"
            for piece in pieces(speech.clip()[0]):
                await made.send(append(piece))
            events = [*await until(made, TURN[-1]), *await until(made, TURN[-1])]
            assert (await made.ask({"type": "input_audio_buffer.clear"}))["type"] == "input_audio_buffer.cleared"
            return events

    events = asyncio.run(run())
    assert types(events) == TURN * 2
    assert_close(events, expected(300, 500))


def test_faults_turned_while_a_socket_is_open_take_effect() -> None:
    pcm = speech.silence(0.5) + speech.speech(0.5) + speech.silence(0.5)

    async def run() -> None:
        async with Emulator() as emulator, wire(emulator) as made:
            await made.event()
            emulator.set_faults("no-speech-started")
            await made.send(append(pcm))
            assert (await made.ask({"type": "input_audio_buffer.clear"}))["type"] == "input_audio_buffer.cleared"
            emulator.set_faults()
            await made.send(append(pcm))
            events = await until(made, "rate_limits.updated")
            assert types(events)[:3] == TURN[:3]
            assert_close(events, [1700, 2700])
            emulator.set_faults("update-never-echoed")
            await made.send({"type": "session.update", "session": {"type": "realtime"}})
            assert (await made.ask({"type": "input_audio_buffer.clear"}))["type"] == "input_audio_buffer.cleared"

    asyncio.run(run())


class Spoken(AudioStreamTrack):
    """Digital silence, from `begin` on this PCM of 24 kHz, then silence again; 20 ms at a time, in real time."""

    def __init__(self, pcm: bytes) -> None:
        super().__init__()
        self.begin = asyncio.Event()
        self._pieces = (pcm[at : at + 960] for at in range(0, len(pcm) - 959, 960))

    async def recv(self) -> AudioFrame:
        paced = await super().recv()
        assert isinstance(paced, AudioFrame)
        frame = AudioFrame(format="s16", layout="mono", samples=480)
        frame.planes[0].update(next(self._pieces, bytes(960)) if self.begin.is_set() else bytes(960))
        frame.sample_rate, frame.time_base = speech.RATE_HZ, Fraction(1, speech.RATE_HZ)
        frame.pts = (paced.pts or 0) * speech.RATE_HZ // paced.sample_rate
        return frame


@pytest.mark.parametrize("kind", ["realtime", "transcription"])
def test_a_call_hears_its_track(kind: Kind) -> None:
    last = "output_audio_buffer.stopped" if kind == "realtime" else TURN[-1]

    async def run() -> list[Json]:
        track = Spoken(speech.silence(0.4) + speech.speech(1))
        wanted = {"type": kind, **listening(SERVER_VAD)} | ({"model": "gpt-realtime"} if kind == "realtime" else {})
        async with Emulator() as emulator, call(emulator, wanted, track) as made:
            assert (await made.event())["type"] == "session.created"
            track.begin.set()
            return await until(made, last)

    events = asyncio.run(run())
    assert types(events)[:3] == TURN[:3]
    assert set(TURN) <= set(types(events))
    began_ms, ended_ms = offsets(events)
    assert abs(ended_ms - began_ms - (300 + 1000 + 500)) <= OFF_MS
    assert (types(events)[-1], len(types(events)) > len(TURN)) == (last, kind == "realtime")


def test_a_url_for_conversations_answers_speech_at_once() -> None:
    async def run() -> list[Json]:
        async with Emulator() as emulator, wire(emulator, MODEL) as made:
            await made.event()
            for piece in pieces(speech.speech(1) + speech.silence(0.5)):
                await made.send(append(piece))
            return await until(made, "rate_limits.updated")

    events = asyncio.run(run())
    assert types(events)[:6] == [*TURN[:5], "response.created"]
    assert_close(events, [0, 1200])
