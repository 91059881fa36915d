"""What follows from speech: turns, commits, transcripts and responses, in a session, over a socket, and over a call."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from aiortc import AudioStreamTrack
from av import AudioFrame

from rtdiag.api.endpoints import Kind
from rtdiag.emulator import Emulator
from rtdiag.emulator.ears import Resampler
from rtdiag.emulator.lines import Line
from rtdiag.emulator.sessions import Session
from tests import speech
from tests.emulator.clients import INTENT, MODEL, WAIT_S, call, turned, types, until, wire
from tests.emulator.test_conversation import TRANSCRIPTION, session, told
from tests.emulator.test_ears import g711
from tests.emulator.test_sessions import rules

Json = dict[str, Any]
Feed = Callable[[Session, bytes], list[Json]]

OFF_MS = 120  # how far an offset may lie from the truth
CHUNK_BYTES = 4800  # a tenth of a second
SERVER_VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}
TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    f"{TRANSCRIPTION}.delta",
    f"{TRANSCRIPTION}.completed",
]
BETA_TURN = [name.replace(".added", ".created") for name in TURN if name != "conversation.item.done"]
RESPONSE = ["response.created", "response.done"]


def listening(detection: Json | None, model: str | None = "gpt-4o-transcribe", name: str = "audio/pcm") -> Json:
    """What an update or a mint asks for."""
    form: Json = {"type": name} | ({"rate": 24000} if name == "audio/pcm" else {})
    asked = {"model": model} if model else None
    return {"audio": {"input": {"turn_detection": detection, "transcription": asked, "format": form}}}


def pieces(audio: bytes) -> Iterator[bytes]:
    return (audio[at : at + CHUNK_BYTES] for at in range(0, len(audio), CHUNK_BYTES))


def append(audio: bytes) -> Json:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(audio).decode()}


def by_events(one: Session, audio: bytes) -> list[Json]:
    """Appended, in a session of any audio format."""
    return [answer for piece in pieces(audio) for answer in told(one, **_told(piece))]


def by_ear(one: Session, pcm: bytes) -> list[Json]:
    """As from a call: samples of 16 kHz."""
    return [answer for piece in pieces(Resampler().of_bytes(pcm, "audio/pcm")) for answer in one.hear(piece)]


def _told(piece: bytes) -> Json:
    fields = append(piece)
    return {"kind_of_event": fields.pop("type"), **fields}


def offsets(events: list[Json]) -> list[int]:
    """When turns began and ended, in milliseconds."""
    return [int(e[name]) for e in events for name in ("audio_start_ms", "audio_end_ms") if name in e]


def assert_close(events: list[Json], truth: list[int]) -> None:
    found = offsets(events)
    assert len(found) == len(truth), found
    assert all(abs(a - b) <= OFF_MS for a, b in zip(found, truth, strict=True)), (found, truth)


def expected(padding_ms: int, silence_ms: int) -> list[int]:
    """The offsets of the clip's two phrases."""
    _, phrases = speech.clip()
    return [at for begin, end in phrases for at in (begin - padding_ms, end + silence_ms)]


@pytest.mark.parametrize("feed", [by_events, by_ear])
@pytest.mark.parametrize(("padding_ms", "silence_ms"), [(300, 200), (0, 500), (500, 1500)])
def test_turns_come_in_their_order_and_at_their_time(feed: Feed, padding_ms: int, silence_ms: int) -> None:
    asked = SERVER_VAD | {"prefix_padding_ms": padding_ms, "silence_duration_ms": silence_ms}
    events = feed(session("transcription", given=listening(asked)), speech.clip()[0])
    assert types(events) == TURN * 2
    assert_close(events, expected(padding_ms, silence_ms))


def test_the_ids_of_a_turn_are_those_of_its_item() -> None:
    events = by_events(session("transcription", given=listening(SERVER_VAD)), speech.clip()[0])
    middle = next(i for i, e in enumerate(events) if i and e["type"] == TURN[0])
    first, second = events[:middle], events[middle:]
    ids = [turn[0]["item_id"] for turn in (first, second)]
    assert ids[0] != ids[1]
    for turn, item_id, before in ((first, ids[0], None), (second, ids[1], ids[0])):
        assert {e["item_id"] for e in turn if "item_id" in e} == {item_id}
        assert {e["item"]["id"] for e in turn if "item" in e} == {item_id}
        assert [e["previous_item_id"] for e in turn if "previous_item_id" in e] == [before] * 3
        assert len({e["event_id"] for e in turn}) == len(turn)
    assert "2.8 s" in first[-1]["transcript"]  # 2 s, the padding and the silence


@pytest.mark.parametrize(("name", "codec"), [("audio/pcmu", "pcm_mulaw"), ("audio/pcma", "pcm_alaw")])
def test_the_telephones_formats_are_heard(name: str, codec: Any) -> None:
    one = session("transcription", given=listening(SERVER_VAD, name=name))
    events = by_events(one, g711(speech.clip()[0], codec))
    assert types(events) == TURN * 2
    assert_close(events, expected(300, 500))


@pytest.mark.parametrize("kind", ["realtime", "transcription"])
def test_the_beta_hears_by_its_own_names(kind: Kind) -> None:
    day = rules(date(2025, 9, 1))
    given = {
        "turn_detection": SERVER_VAD | ({"create_response": False} if kind == "realtime" else {}),
        "input_audio_transcription": {"model": "gpt-4o-transcribe"},
        "input_audio_format": "g711_ulaw",
    }
    events = by_events(session(kind, "beta", given, of=day), g711(speech.clip()[0], "pcm_mulaw"))
    assert types(events) == BETA_TURN * 2
    assert_close(events, expected(300, 500))


@pytest.mark.parametrize(
    ("eagerness", "truth"),
    [
        ("high", [500, 3500, 4500, 7500]),
        ("medium", [500, 9500]),
        ("auto", [500, 9500]),
        ("low", [500, 13500]),
    ],
)
def test_semantic_vad_waits_as_long_as_its_eagerness_allows(eagerness: str, truth: list[int]) -> None:
    pcm = speech.silence(0.5) + speech.speech(1) + speech.silence(3) + speech.speech(1) + speech.silence(9)
    asked = {"type": "semantic_vad", "eagerness": eagerness}
    events = by_events(session("transcription", given=listening(asked)), pcm)
    assert types(events) == TURN * (len(truth) // 2)
    assert_close(events, truth)


@pytest.mark.parametrize("detection", [SERVER_VAD, {"type": "semantic_vad", "eagerness": "high"}])
@pytest.mark.parametrize("answers", [True, False])
def test_a_turn_is_answered_where_a_response_is_wanted(detection: Json, answers: bool) -> None:
    one = session("realtime", given=listening(detection | {"create_response": answers}))
    events = by_events(one, speech.speech(1) + speech.silence(2.5))
    names = types(events)
    assert names[: len(TURN)] == TURN
    assert [name for name in names if name in RESPONSE] == (RESPONSE if answers else [])
    if answers:
        assert names[len(TURN) : len(TURN) + 2] == ["response.created", "response.output_item.added"]
        assert names[-2:] == ["response.done", "rate_limits.updated"]
    else:
        assert len(names) == len(TURN)


def test_without_turn_detection_nothing_is_noticed_until_the_commit() -> None:
    one = session("transcription", given=listening(None))
    assert by_events(one, speech.clip()[0]) == []
    committed = told(one, "input_audio_buffer.commit")
    assert types(committed) == TURN[2:]
    assert committed[-1]["usage"]["type"] == "tokens"
    assert "10.0 s" in committed[-1]["transcript"]


def test_a_commit_in_the_middle_of_speech_ends_the_turn() -> None:
    one = session("transcription", given=listening(SERVER_VAD))
    assert types(by_events(one, speech.speech(1))) == TURN[:1]
    assert types(told(one, "input_audio_buffer.commit")) == TURN[2:]
    rest = by_events(one, speech.speech(1) + speech.silence(1))
    assert types(rest) == TURN
    assert_close(rest, [1000, 2500])


def test_turn_detection_can_be_changed_while_one_speaks() -> None:
    one = session("transcription", given=listening({"type": "semantic_vad", "eagerness": "low"}))
    assert types(by_events(one, speech.speech(1) + speech.silence(1))) == TURN[:1]
    told(one, "session.update", session={"type": "transcription", **listening(SERVER_VAD)})
    assert types(by_events(one, speech.silence(0.5))) == TURN[1:]


def heard(kind: Kind, detection: Json, pcm: bytes, **switches: Any) -> tuple[list[Json], Json]:
    """The events and the settings of a session under these switches."""
    one = session(kind, given=listening(detection), of=rules(**switches))
    return by_events(one, pcm), one.config


@pytest.mark.parametrize("kind", ["realtime", "transcription"])
def test_deaf_ears_notice_nothing_and_a_commit_still_works(kind: Kind) -> None:
    pcm = speech.clip()[0]
    events, shown = heard(kind, SERVER_VAD, pcm, hears_speech=False)
    assert events == []
    assert shown == heard(kind, SERVER_VAD, pcm)[1]
    one = session(kind, given=listening(SERVER_VAD), of=rules(hears_speech=False))
    by_events(one, pcm)
    assert types(told(one, "input_audio_buffer.commit")) == TURN[2:]


def test_transcripts_alone_are_missing_where_nothing_transcribes() -> None:
    pcm = speech.clip()[0]
    events, shown = heard("transcription", SERVER_VAD, pcm, transcribes=False)
    whole, healthy = heard("transcription", SERVER_VAD, pcm)
    assert types(events) == TURN[:5] * 2
    assert (offsets(events), shown) == (offsets(whole), healthy)


@pytest.mark.parametrize("kind", ["realtime", "transcription"])
def test_semantic_vad_without_effect_is_shown_and_behaves_as_server_vad(kind: Kind) -> None:
    pcm = speech.clip()[0]
    asked = {"type": "semantic_vad", "eagerness": "low"}
    events, shown = heard(kind, asked, pcm, semantic_vad_effective=False)
    plain = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
    assert types(events) == types(heard(kind, plain, pcm)[0])
    assert_close(events, expected(300, 200))
    assert asked.items() <= shown["audio"]["input"]["turn_detection"].items()
    unchanged = heard(kind, SERVER_VAD, pcm, semantic_vad_effective=False)[0]
    assert offsets(unchanged) == offsets(heard(kind, SERVER_VAD, pcm)[0])


@pytest.mark.parametrize("silence_ms", [200, 1500])
def test_silence_that_is_not_heeded_is_half_a_second(silence_ms: int) -> None:
    pcm = speech.clip()[0]
    asked = SERVER_VAD | {"silence_duration_ms": silence_ms}
    events, shown = heard("transcription", asked, pcm, silence_heeded=False)
    assert types(events) == TURN * 2
    assert_close(events, expected(300, 500))
    assert shown["audio"]["input"]["turn_detection"] == asked
    semantic = {"type": "semantic_vad", "eagerness": "high"}
    pcm = speech.speech(1) + speech.silence(2.5)
    assert_close(heard("transcription", semantic, pcm, silence_heeded=False)[0], [0, 3000])


def test_a_socket_hears_what_is_appended() -> None:
    async def run() -> list[Json]:
        async with Emulator() as emulator, wire(emulator, INTENT) as made:
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
            turned(emulator, hears_speech=False)
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
    assert types(events)[: len(TURN)] == TURN
    began_ms, ended_ms = offsets(events)
    assert abs(ended_ms - began_ms - (300 + 1000 + 500)) <= OFF_MS
    assert (types(events)[-1], len(types(events)) > len(TURN)) == (last, kind == "realtime")


def test_a_session_that_expires_says_so_and_closes_the_socket() -> None:
    async def run() -> tuple[list[Json], int | None, str | None]:
        async with Emulator() as emulator, wire(emulator) as made:
            await made.event()
            turned(emulator, closes_early=True)
            await made.send({"type": "input_audio_buffer.clear"})
            return await made.end()

    (error,), code, reason = asyncio.run(run())
    assert error["error"]["code"] == "session_expired"
    assert (code, reason) == (1001, error["error"]["message"])


@pytest.mark.parametrize("early", [True, False])
def test_a_call_that_expires_is_told_and_ends(early: bool) -> None:
    async def run() -> None:
        async with Emulator() as emulator, call(emulator, {"type": "transcription"}) as made:
            await made.event()
            async with wire(emulator, f"?call_id={made.call_id}") as beside:
                await beside.ask({"type": "input_audio_buffer.clear"})
                assert (await made.event())["type"] == "input_audio_buffer.cleared"
                if early:
                    turned(emulator, closes_early=True)
                    await beside.send({"type": "input_audio_buffer.clear"})
                else:
                    emulator._running().calls[made.call_id].line._expire()
                assert (await made.event())["error"]["code"] == "session_expired"
                (error,), code, _ = await beside.end()
                assert (error["error"]["code"], code) == ("session_expired", 1001)
            await made.state("connectionState", {"closed"})
            assert emulator.open_calls == 0

    asyncio.run(run())


class Notes:
    """A listener that takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def send(self, event: Json) -> None:
        self.told.append(event["type"])

    def close(self, code: int, reason: str) -> None:
        self.told.append(code)


def test_the_hour_is_an_hour_and_is_forgotten_with_the_line() -> None:
    async def run() -> None:
        loop, notes = asyncio.get_running_loop(), Notes()
        line = Line(session())
        line.join(notes)
        assert line._expiry.when() - loop.time() == pytest.approx(3600, abs=WAIT_S)
        line.begin()
        line._expire()
        line.receive("{}")
        assert notes.told == ["session.created", "error", 1001]
        assert line._expiry.cancelled()

    asyncio.run(run())


def test_a_model_without_turn_detection_hears_no_turn_by_itself() -> None:
    one = session("transcription", given={"audio": {"input": {"transcription": {"model": "gpt-live-transcribe"}}}})
    assert by_events(one, speech.clip()[0]) == []
    assert types(told(one, "input_audio_buffer.commit"))[-1] == f"{TRANSCRIPTION}.completed"


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
