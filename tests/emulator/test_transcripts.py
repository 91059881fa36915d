"""What a commit by hand becomes: an item, and a transcript by model; and when there is too little to commit."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.emulator.session.state import Session
from tests import speech
from tests.emulator.clients import TRANSCRIPTION, types
from tests.emulator.made import error, item, session, told

Json = dict[str, Any]


LOGPROBS = "item.input_audio_transcription.logprobs"


def appended(one: Session, seconds: float) -> list[Json]:
    audio = base64.b64encode(speech.speech(seconds)).decode()
    return told(one, "input_audio_buffer.append", audio=audio)


def committed(model: str | None, kind: Kind = "transcription", dialect: Dialect = "ga", **more: Any) -> list[Json]:
    """What follows a manual commit of a second of speech."""
    asked = {"model": model} if model else None
    flat: Json = {"turn_detection": None, "input_audio_transcription": asked}
    nested: Json = {"audio": {"input": {"turn_detection": None, "transcription": asked}}}
    one = session(kind, dialect, (flat if dialect == "beta" else nested) | more)
    return appended(one, 1) + told(one, "input_audio_buffer.commit")


def test_a_manual_commit_becomes_an_item_and_a_transcript() -> None:
    events = committed("gpt-4o-mini-transcribe")
    assert types(events) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        f"{TRANSCRIPTION}.delta",
        f"{TRANSCRIPTION}.completed",
    ]
    item_id = events[0]["item_id"]
    assert events[0]["previous_item_id"] is None
    added = events[1]["item"]
    assert (added["id"], added["role"], added["status"]) == (item_id, "user", "completed")
    assert added["content"] == [{"type": "input_audio", "transcript": None}]
    assert events[2]["item"] == added
    deltas = [e for e in events if e["type"].endswith(".delta")]
    assert all((e["item_id"], e["content_index"]) == (item_id, 0) and e["obfuscation"] for e in deltas)
    last = events[-1]
    assert last["item_id"] == item_id
    assert "".join(e["delta"] for e in deltas) == last["transcript"]
    assert "1.0 s" in last["transcript"]
    assert not any("logprobs" in e for e in events)


def test_a_manual_commit_in_a_conversation_asks_for_no_response() -> None:
    assert types(committed(None, "realtime"))[-1] == "conversation.item.done"
    assert types(committed("gpt-4o-transcribe", "realtime"))[-1] == f"{TRANSCRIPTION}.completed"


def test_the_transcript_is_in_the_item_afterwards() -> None:
    asked = {"audio": {"input": {"turn_detection": None, "transcription": {"model": "gpt-transcribe"}}}}
    one = session("realtime", given=asked)
    appended(one, 1)
    last = told(one, "input_audio_buffer.commit")[-1]
    (shown,) = told(one, "conversation.item.retrieve", item_id=last["item_id"])
    assert shown["item"]["content"][0]["transcript"] == last["transcript"]


@pytest.mark.parametrize(
    ("model", "usage", "deltas"),
    [
        ("gpt-4o-transcribe", "tokens", True),
        ("gpt-4o-mini-transcribe", "tokens", True),
        ("whisper-1", "duration", False),
        ("gpt-transcribe", "duration", False),
        ("gpt-live-transcribe", "duration", True),
        ("gpt-realtime-whisper", "duration", True),
    ],
)
def test_what_a_transcript_counts_and_whether_it_streams_by_model(model: str, usage: str, deltas: bool) -> None:
    events = committed(model)
    found = events[-1]["usage"]
    assert found["type"] == usage
    if usage == "tokens":
        assert found["total_tokens"] == found["input_tokens"] + found["output_tokens"]
        assert found["input_token_details"] == {"text_tokens": 0, "audio_tokens": found["input_tokens"]}
    else:
        assert found["seconds"] == 1
    assert (f"{TRANSCRIPTION}.delta" in types(events)) == deltas


@pytest.mark.parametrize(("model", "while_listening"), [("gpt-realtime-whisper", True), ("gpt-4o-transcribe", False)])
def test_deltas_come_while_it_is_spoken_from_the_models_that_write_then(model: str, while_listening: bool) -> None:
    """With turn detection, where there is one, and before the commit without."""
    one = session("realtime", given={"audio": {"input": {"transcription": {"model": model}}}})
    before = appended(one, 1)
    assert types(before)[1:] == [f"{TRANSCRIPTION}.delta"] * while_listening
    after = told(one, "input_audio_buffer.append", audio=base64.b64encode(speech.silence(1)).decode())
    deltas = [e for e in (*before, *after) if e["type"] == f"{TRANSCRIPTION}.delta"]
    assert {e["item_id"] for e in deltas} == {before[0]["item_id"]}
    assert "".join(e["delta"] for e in deltas) == next(e["transcript"] for e in after if "transcript" in e)


@pytest.mark.parametrize("model", ["gpt-live-transcribe", "gpt-4o-transcribe", "whisper-1"])
def test_committed_silence_has_no_text_and_no_delta(model: str) -> None:
    asked = {"audio": {"input": {"turn_detection": None, "transcription": {"model": model}}}}
    one = session("transcription", given=asked)
    told(one, "input_audio_buffer.append", audio=base64.b64encode(speech.silence(1)).decode())
    events = told(one, "input_audio_buffer.commit")
    assert types(events)[3:] == [f"{TRANSCRIPTION}.completed"]
    assert events[-1]["transcript"] == ""
    assert events[-1]["usage"].get("seconds", 1) == 1


def test_logprobs_are_included_where_they_are_asked_for() -> None:
    events = committed("gpt-4o-transcribe", include=[LOGPROBS])
    deltas = [e for e in events if e["type"].endswith(".delta")]
    assert all(e["logprobs"][0]["token"] == e["delta"] for e in deltas)
    assert "".join(p["token"] for p in events[-1]["logprobs"]) == events[-1]["transcript"]


def test_a_transcript_of_the_beta() -> None:
    events = committed("whisper-1", "realtime", "beta")
    assert types(events) == [
        "input_audio_buffer.committed",
        "conversation.item.created",
        f"{TRANSCRIPTION}.completed",
    ]


def test_without_a_model_there_is_no_transcript() -> None:
    assert types(committed(None))[-1] == "conversation.item.done"


@pytest.mark.parametrize(("ms", "shown"), [(0, "0.00ms"), (50, "50.00ms"), (99, "99.00ms")])
def test_a_commit_of_too_little_says_how_much_there_is(ms: int, shown: str) -> None:
    one = session("transcription", given={"audio": {"input": {"turn_detection": None}}})
    appended(one, ms / 1000)
    found = error(one, "input_audio_buffer.commit")
    assert (found["code"], found["param"]) == ("input_audio_buffer_commit_empty", None)
    assert f"at least 100ms of audio, but buffer only has {shown} of audio" in found["message"]


@pytest.mark.parametrize("chunk_ms", [100, 20, 7])
def test_a_tenth_of_a_second_is_enough(chunk_ms: int) -> None:
    one = session("transcription", given={"audio": {"input": {"turn_detection": None}}})
    for _ in range(-(-100 // chunk_ms)):
        appended(one, chunk_ms / 1000)
    assert told(one, "input_audio_buffer.commit")[0]["type"] == "input_audio_buffer.committed"
    assert "0.00ms" in error(one, "input_audio_buffer.commit")["message"]


def test_a_cleared_buffer_is_empty() -> None:
    one = session("transcription", given={"audio": {"input": {"turn_detection": None}}})
    appended(one, 1)
    assert types(told(one, "input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert "0.00ms" in error(one, "input_audio_buffer.commit")["message"]


def test_items_of_commits_stand_behind_each_other() -> None:
    one = session("transcription", given={"audio": {"input": {"turn_detection": None}}})
    item(one, "hint")
    ids: list[object] = ["hint"]
    for _ in range(2):
        appended(one, 0.2)
        first, added, *_ = told(one, "input_audio_buffer.commit")
        assert first["previous_item_id"] == added["previous_item_id"] == ids[-1]
        ids.append(first["item_id"])
    assert len(set(ids)) == 3
