"""Items and responses of a session, in the events and the order of both dialects, without a network."""

from __future__ import annotations

import base64
import re
import tracemalloc
from typing import Any

import pytest

from rtdiag.emulator.session import spoken
from rtdiag.emulator.session.replies import REPLY, Over
from tests.emulator.clients import types
from tests.emulator.made import HELLO, error, item, session, told

Json = dict[str, Any]

TEXT = {"output_modalities": ["text"]}


def test_an_item_is_created_behind_the_last() -> None:
    one = session()
    added, done = item(one, "item_one")
    assert types([added, done]) == ["conversation.item.added", "conversation.item.done"]
    assert added["item"] == done["item"]
    assert added["item"] == HELLO | {"id": "item_one", "status": "completed"}
    assert list(added["item"]) == ["id", "type", "status", "role", "content"]
    assert (added["previous_item_id"], done["previous_item_id"]) == (None, None)
    later, _ = item(one)
    assert later["previous_item_id"] == "item_one"
    assert later["item"]["id"].startswith("item_")
    assert len({added["event_id"], done["event_id"], later["event_id"]}) == 3


def test_an_item_is_put_where_it_is_told_to() -> None:
    one = session()
    item(one, "a")
    item(one, "c")
    assert item(one, "b", previous_item_id="a")[0]["previous_item_id"] == "a"
    assert item(one, "first", previous_item_id="root")[0]["previous_item_id"] is None
    assert item(one, "last")[0]["previous_item_id"] == "c"
    refused = error(one, "conversation.item.create", item=HELLO, previous_item_id="nowhere")
    assert refused["param"] == "previous_item_id"
    assert item(one, "end")[0]["previous_item_id"] == "last"


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({}, "missing_required_parameter", "item"),
        ({"item": "hello"}, "missing_required_parameter", "item"),
        ({"item": {}}, "missing_required_parameter", "item.type"),
        ({"item": HELLO | {"id": "here"}}, "item_create_duplicate_item_id", "item.id"),
        ({"item": HELLO | {"id": {}}}, "invalid_type", "item.id"),
    ],
)
def test_items_that_are_refused(fields: Json, code: str, param: str) -> None:
    one = session()
    item(one, "here")
    found = error(one, "conversation.item.create", event_id="mine", **fields)
    assert (found["code"], found["param"], found["event_id"]) == (code, param, "mine")


def test_an_item_without_an_id_gets_one_even_if_it_says_null() -> None:
    added, _ = told(session(), "conversation.item.create", item=HELLO | {"id": None})
    assert added["item"]["id"].startswith("item_")


def test_items_are_shown_cut_and_deleted() -> None:
    one = session()
    item(one, "here")
    (shown,) = told(one, "conversation.item.retrieve", item_id="here")
    assert shown["type"] == "conversation.item.retrieved"
    assert shown["item"]["content"] == HELLO["content"]
    said = told(one, "response.create")[1]["item"]["id"]
    (cut,) = told(one, "conversation.item.truncate", item_id=said, content_index=0, audio_end_ms=1500)
    assert cut["type"] == "conversation.item.truncated"
    assert (cut["item_id"], cut["content_index"], cut["audio_end_ms"]) == (said, 0, 1500)
    told(one, "conversation.item.delete", item_id=said)
    (gone,) = told(one, "conversation.item.delete", item_id="here")
    assert (gone["type"], gone["item_id"]) == ("conversation.item.deleted", "here")
    assert error(one, "conversation.item.delete", item_id="here")["code"] == "item_delete_invalid_item_id"
    assert item(one)[0]["previous_item_id"] is None


@pytest.mark.parametrize("verb", ["retrieve", "truncate", "delete"])
def test_an_item_that_is_not_there(verb: str) -> None:
    where = {"content_index": 0, "audio_end_ms": 0}
    found = error(session(), f"conversation.item.{verb}", item_id="nowhere", **where)
    assert (found["code"], found["param"]) == (f"item_{verb}_invalid_item_id", "item_id")
    assert "'nowhere' does not exist" in found["message"]
    found = error(session(), f"conversation.item.{verb}", **where)
    assert (found["code"], found["param"]) == ("missing_required_parameter", "item_id")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("item_id", None, "Invalid type for 'item_id': expected a string, but got null instead."),
        (
            "audio_end_ms",
            1200.5,
            "Invalid type for 'audio_end_ms': expected an integer, but got a decimal number instead.",
        ),
        ("content_index", True, "Invalid type for 'content_index': expected an integer, but got a boolean instead."),
        (
            "audio_end_ms",
            -1,
            "Invalid 'audio_end_ms': integer below minimum value. Expected a value >= 0, but got -1 instead.",
        ),
    ],
)
def test_what_is_cut_is_named_by_an_id_and_whole_numbers(field: str, value: object, words: str) -> None:
    where = {"item_id": "here", "content_index": 0, "audio_end_ms": 0}
    assert error(session(), "conversation.item.truncate", **where | {field: value})["message"] == words


@pytest.mark.parametrize("missing", ["content_index", "audio_end_ms"])
def test_a_truncation_says_where(missing: str) -> None:
    one = session()
    item(one, "here")
    fields = {"item_id": "here", "content_index": 0, "audio_end_ms": 0}
    del fields[missing]
    found = error(one, "conversation.item.truncate", **fields)
    assert (found["code"], found["param"]) == ("missing_required_parameter", missing)


def test_the_text_of_a_response_comes_in_the_live_order() -> None:
    one = session(given=TEXT)
    item(one, "question")
    events = told(one, "response.create")
    assert types(events) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta") == REPLY
    begun, done = events[0]["response"], events[-2]["response"]
    assert (begun["status"], begun["output"], begun["usage"]) == ("in_progress", [], None)
    assert (done["id"], done["status"], done["output_modalities"]) == (begun["id"], "completed", ["text"])
    (made,) = done["output"]
    assert made["content"] == [{"type": "output_text", "text": REPLY}]
    assert {e["response_id"] for e in events if "response_id" in e} == {begun["id"]}
    assert {e["item_id"] for e in events if "item_id" in e} == {made["id"]}
    assert [e["previous_item_id"] for e in events if "previous_item_id" in e] == ["question", None]
    assert told(one, "response.create")[-4]["previous_item_id"] == made["id"], "all but a conversation's second say it"
    assert [limit["name"] for limit in events[-1]["rate_limits"]] == ["tokens"]
    assert item(one)[0]["previous_item_id"] != made["id"]


@pytest.mark.parametrize("over", ["websocket", "webrtc"])
def test_the_audio_of_a_response_is_an_event_over_a_socket_alone(over: Over) -> None:
    events = told(session(over=over), "response.create")
    names, by_call = types(events), over == "webrtc"
    begin, end = names.index("response.content_part.added"), names.index("response.content_part.done")
    assert names[end - 2 : end] == ["response.output_audio.done", "response.output_audio_transcript.done"]
    assert names[begin + 1] == "response.output_audio_transcript.delta"
    assert names[begin + 2] == ("output_audio_buffer.started" if by_call else "response.output_audio.delta")
    deltas = [e["delta"] for e in events if e["type"] == "response.output_audio.delta"]
    assert b"".join(base64.b64decode(delta, validate=True) for delta in deltas) == (b"" if by_call else spoken.pcm())
    (done,) = (e["response"] for e in events if e["type"] == "response.done")
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": REPLY}]
    assert done["audio"]["output"]["voice"] == "alloy"


def test_what_a_call_hears_is_told_with_ids_of_their_own() -> None:
    events = [e for e in told(session(over="webrtc"), "response.create") if e["type"].startswith("output_audio_buffer")]
    assert types(events) == ["output_audio_buffer.started", "output_audio_buffer.stopped"]
    assert all(re.fullmatch("event_[0-9a-f]{16}", e["event_id"]) for e in events)


def test_what_is_cut_must_be_the_models_and_long_enough() -> None:
    one = session()
    item(one, "here")
    said = told(one, "response.create")[1]["item"]["id"]
    where = {"content_index": 0, "audio_end_ms": spoken.ms() + 1}
    found = error(one, "conversation.item.truncate", item_id="here", **where)
    assert found["message"] == "Only model output audio messages can be truncated"
    found = error(one, "conversation.item.truncate", item_id=said, **where)
    assert found["message"] == f"Audio content of {spoken.ms()}ms is already shorter than {spoken.ms() + 1}ms"
    told(one, "conversation.item.truncate", item_id=said, content_index=0, audio_end_ms=700)
    found = error(one, "conversation.item.truncate", item_id=said, content_index=0, audio_end_ms=701)
    assert "700ms is already shorter than 701ms" in found["message"]


@pytest.mark.parametrize("odd", [-1, True, 0.5, None, "0"])
@pytest.mark.parametrize("name", ["content_index", "audio_end_ms"])
def test_where_it_is_cut_is_a_number_from_nought(name: str, odd: object) -> None:
    one = session()
    said = told(one, "response.create")[1]["item"]["id"]
    where = {"content_index": 0, "audio_end_ms": 0, name: odd}
    assert error(one, "conversation.item.truncate", item_id=said, **where)["param"] == name
    assert (
        error(one, "conversation.item.truncate", item_id=said, content_index=1, audio_end_ms=0)["param"]
        == "content_index"
    )


def test_a_delta_and_its_obfuscation_are_as_long_whatever_it_says() -> None:
    deltas = [e for e in told(session(given=TEXT), "response.create") if e["type"].endswith(".delta")]
    assert {len(e["delta"] + e["obfuscation"]) for e in deltas} == {16}


@pytest.mark.parametrize(
    ("modalities", "deltas", "part"),
    [
        (["text"], {"response.text.delta"}, "text"),
        (["text", "audio"], {"response.audio_transcript.delta", "response.audio.delta"}, "audio"),
    ],
)
def test_the_beta_has_its_own_names(modalities: list[str], deltas: set[str], part: str) -> None:
    one = session("realtime", "beta", {"modalities": modalities})
    (created,) = item(one)
    assert created["type"] == "conversation.item.created"
    events = told(one, "response.create")
    names = types(events)
    assert {name for name in names if name.endswith(".delta")} == deltas
    assert "conversation.item.created" in names
    assert not {name for name in names if "output_text" in name or "output_audio" in name}
    assert not {"conversation.item.added", "conversation.item.done"} & set(names)
    done = events[-2]["response"]
    assert done["output"][0]["content"][0]["type"] == part
    assert done["modalities"] == modalities


def test_one_response_may_wish_for_something_else() -> None:
    wish = {"output_modalities": ["text"], "max_output_tokens": 7, "metadata": {"topic": "x"}}
    done = told(session(), "response.create", response=wish)[-2]["response"]
    assert wish.items() <= done.items()
    assert done["output"][0]["content"][0]["type"] == "output_text"


@pytest.mark.parametrize("wrong", [7, "text", {}])
def test_modalities_that_are_none_are_refused(wrong: object) -> None:
    found = error(session(), "response.create", response={"output_modalities": wrong})
    assert found["param"].startswith("response.output_modalities")


def test_a_response_may_say_that_it_has_no_instructions() -> None:
    """Python package livekit-agents 1.8.9 sends null in each `response.create` without instructions of its own."""
    assert types(told(session(), "response.create", response={"instructions": None}))[0] == "response.created"


def test_there_is_no_response_to_cancel_and_none_in_a_transcription() -> None:
    assert error(session(), "response.cancel")["code"] == "response_cancel_not_active"
    assert told(session("transcription"), "response.create") == []


def test_the_buffer_of_replies_is_cleared_without_a_word() -> None:
    assert told(session(over="webrtc"), "output_audio_buffer.clear") == []


def test_an_hour_ends_the_session() -> None:
    one = session()
    (answer,) = one.expire()
    assert (answer["error"]["code"], answer["error"]["event_id"]) == ("session_expired", None)
    assert one.ended == (1001, "Your session hit the maximum duration of 60 minutes.")


def test_an_item_at_the_end_costs_as_much_behind_thousands() -> None:
    one = session()
    for _ in range(2000):
        item(one)
    tracemalloc.start()
    try:
        item(one)
        assert tracemalloc.get_traced_memory()[1] < 50_000, "the others are not copied"
    finally:
        tracemalloc.stop()
