"""What follows from speech in a session: turns, commits, transcripts and responses, and what faults make of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from rtdiag.api.endpoints import Kind
from rtdiag.emulator.session.ears import Resampler
from rtdiag.emulator.session.state import Session
from tests import speech
from tests.emulator.clients import TRANSCRIPTION, types
from tests.emulator.heard import (
    SERVER_VAD,
    TURN,
    append,
    assert_close,
    expected,
    listening,
    offsets,
    pieces,
)
from tests.emulator.made import rules, session, told

Json = dict[str, Any]
Feed = Callable[[Session, bytes], list[Json]]

BETA_TURN = [name.replace(".added", ".created") for name in TURN if name != "conversation.item.done"]
RESPONSE = ["response.created", "response.done"]


def by_events(one: Session, audio: bytes) -> list[Json]:
    """Appended, in a session of any audio format."""
    return [answer for piece in pieces(audio) for answer in told(one, **_told(piece))]


def by_ear(one: Session, pcm: bytes) -> list[Json]:
    """As from a call: samples of 16 kHz."""
    return [answer for piece in pieces(Resampler().of_bytes(pcm, "audio/pcm")) for answer in one.hear(piece)]


def _told(piece: bytes) -> Json:
    fields = append(piece)
    return {"kind_of_event": fields.pop("type"), **fields}


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
    events = by_events(one, speech.g711(speech.clip()[0], codec))
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
    events = by_events(session(kind, "beta", given, of=day), speech.g711(speech.clip()[0], "pcm_mulaw"))
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
    assert [name for name in names if name.startswith("input_audio_buffer")] == TURN[:3]
    assert set(TURN) <= set(names)
    assert [name for name in names if name in RESPONSE] == (RESPONSE if answers else [])
    if answers:
        assert names[5] == "response.created"
        assert {"response.done", "rate_limits.updated"} < set(names)
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


@pytest.mark.parametrize(("threshold", "turns"), [(0.0, TURN), (0.5, [])])
def test_the_sessions_threshold_decides_what_is_a_voice(threshold: float, turns: list[str]) -> None:
    one = session("transcription", given=listening(SERVER_VAD | {"threshold": threshold}))
    assert types(by_events(one, speech.noise(5, 30))) == turns


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


def test_a_model_without_turn_detection_hears_no_turn_by_itself() -> None:
    one = session("transcription", given={"audio": {"input": {"transcription": {"model": "gpt-live-transcribe"}}}})
    assert types(by_events(one, speech.clip()[0])) == [f"{TRANSCRIPTION}.delta"]
    assert types(told(one, "input_audio_buffer.commit"))[-1] == f"{TRANSCRIPTION}.completed"
