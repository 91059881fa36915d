"""What a call sends of a response: the sentence at its speed, one behind the other, nothing in between; and a client hears it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from aiortc.codecs import get_capabilities, get_decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av import AudioFrame, Packet

from rtdiag.emulator import Emulator
from rtdiag.emulator.media.loudspeaker import CODECS, Loudspeaker
from rtdiag.emulator.session import spoken
from rtdiag.emulator.session.ears import Resampler, Voice
from tests.emulator.clients import SESSIONS, WAIT_S, Peer, bearer, call, ga_token, http, peer

T = TypeVar("T")
LEAST_VOICE = 0.7
KNOWN = get_capabilities("audio").codecs
PACKETS = len(spoken.packets())
PTS = 960  # of 20 ms at 48 kHz


class Jumps(selectors.SelectSelector):
    """Waits no time at all: the clock jumps to what is due next."""

    now_s = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing will ever happen"
        self.now_s += max(0.0, timeout)
        return super().select(0)


def timeless(work: Coroutine[Any, Any, T]) -> T:
    """What `asyncio.run` does, in a loop of whose time nothing is spent."""
    jumps = Jumps()

    def loop() -> asyncio.AbstractEventLoop:
        made = asyncio.SelectorEventLoop(jumps)
        made.time = lambda: jumps.now_s  # type: ignore[method-assign]
        return made

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)


async def said(speaker: Loudspeaker, count: int = PACKETS) -> list[Packet[Any]]:
    return [await speaker.recv() for _ in range(count)]


def test_a_sentence_takes_its_time() -> None:
    async def run() -> None:
        speaker, clock = Loudspeaker("audio/opus"), asyncio.get_running_loop().time
        speaker.play()
        began_s = clock()
        packets = await said(speaker)
        assert clock() - began_s == pytest.approx(PACKETS * 0.02, abs=0.021)
        assert [bytes(packet) for packet in packets] == list(spoken.packets())
        assert {int(b.pts or 0) - int(a.pts or 0) for a, b in pairwise(packets)} == {PTS}

    timeless(run())


def test_what_is_asked_for_meanwhile_follows_behind() -> None:
    async def run() -> None:
        speaker = Loudspeaker("audio/opus")
        speaker.play()
        first = await said(speaker, 10)
        speaker.play()
        packets = [*first, *await said(speaker, 2 * PACKETS - 10)]
        assert [bytes(packet) for packet in packets] == 2 * list(spoken.packets())

    timeless(run())


def test_cleared_it_is_silent_at_once_and_its_timestamps_go_on() -> None:
    async def run() -> None:
        speaker = Loudspeaker("audio/opus")
        speaker.play()
        speaker.play()
        last = (await said(speaker, 10))[-1]
        waiting = asyncio.ensure_future(speaker.recv())
        await asyncio.sleep(0)
        speaker.clear()
        await asyncio.sleep(3)
        assert not waiting.done()
        speaker.play()
        packets = [await waiting, *await said(speaker, PACKETS - 1)]
        assert [bytes(packet) for packet in packets] == list(spoken.packets())
        assert int(packets[0].pts or 0) - int(last.pts or 0) == pytest.approx(3 * 48000, abs=2 * PTS)

    timeless(run())


@pytest.mark.parametrize(("stalled_s", "skipped"), [(0.1, 1), (5, 251)])
def test_a_short_stall_is_caught_up_with_and_a_long_one_is_not(stalled_s: float, skipped: int) -> None:
    async def run() -> None:
        speaker = Loudspeaker("audio/opus")
        speaker.play()
        last = (await said(speaker, 10))[-1]
        await asyncio.sleep(stalled_s)
        assert int((await speaker.recv()).pts or 0) - int(last.pts or 0) == pytest.approx(skipped * PTS, abs=PTS - 1)

    timeless(run())


def decoded(mime_type: str, *, silent: bool = False) -> bytes:
    """The sentence as PCM of 24 kHz, as who receives its packets decodes it."""

    async def run() -> list[Packet[Any]]:
        speaker = Loudspeaker(mime_type, silent=silent)
        speaker.play()
        return await said(speaker, len(packets()))

    rate_hz, packets = CODECS[mime_type]
    decoder = get_decoder(RTCRtpCodecParameters(mime_type, rate_hz, channels=2 if rate_hz == 48000 else 1))
    frames = [f for p in timeless(run()) for f in decoder.decode(JitterFrame(bytes(p), int(p.pts or 0)))]
    ears = Resampler()
    return b"".join(ears.of_frame(frame) for frame in frames if isinstance(frame, AudioFrame))


@pytest.mark.parametrize("mime_type", CODECS)
def test_it_is_a_voice_in_every_codec(mime_type: str) -> None:
    assert sum(Voice().heard(decoded(mime_type), 0.5)) > LEAST_VOICE * PACKETS


@pytest.mark.parametrize("mime_type", CODECS)
def test_a_silent_one_lasts_as_long_and_is_nothing(mime_type: str) -> None:
    sound, silence = decoded(mime_type), decoded(mime_type, silent=True)
    assert len(silence) == len(sound)
    assert max(map(abs, memoryview(silence).cast("h"))) <= 8  # the zero of the A-law is none


def speaker_of(emulator: Emulator) -> Loudspeaker:
    """That of its one call."""
    assert emulator._service
    (one,) = emulator._service.calls.values()
    speaker = one.line.session.playback.speaker
    assert isinstance(speaker, Loudspeaker)
    return speaker


async def until_heard(made: Peer) -> None:
    """Returns when what arrives is a voice: a second of it."""
    track, ears, voice = made.pc.getReceivers()[0].track, Resampler(), Voice()
    count = 0
    async with asyncio.timeout(WAIT_S):
        while count < 50:
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            count += sum(voice.heard(ears.of_frame(frame), 0.5))


@pytest.mark.parametrize("first", ["opus", "PCMU", "PCMA"])
def test_a_client_hears_it_in_the_codec_that_it_names_first(first: str) -> None:
    order = sorted(KNOWN, key=lambda codec: codec.name != first)

    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            made.pc.getTransceivers()[0].setCodecPreferences(order)
            headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), "application/sdp")
            answer = await client.post("/realtime/calls", headers=headers, content=await made.offer())
            assert "G722" not in answer.text
            await made.accept(answer.text)
            speaker_of(emulator).play()
            await until_heard(made)

    asyncio.run(run())


def test_an_end_in_the_middle_leaves_nothing() -> None:
    async def run() -> None:
        before = asyncio.all_tasks()
        async with Emulator() as emulator, call(emulator, SESSIONS["realtime"]) as made:
            speaker_of(emulator).play()
            await until_heard(made)
        assert asyncio.all_tasks() == before

    asyncio.run(run())


def test_an_offer_of_g722_alone_is_refused() -> None:
    async def run() -> int:
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            made.pc.getTransceivers()[0].setCodecPreferences([codec for codec in KNOWN if codec.name == "G722"])
            headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), "application/sdp")
            answer = await client.post("/realtime/calls", headers=headers, content=await made.offer())
            return answer.status_code

    assert asyncio.run(run()) == 400
