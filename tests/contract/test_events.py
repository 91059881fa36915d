"""Events on a socket: what a new session is, how an update is merged, what is refused and leaves the socket open."""

from __future__ import annotations

import pytest

from tests.contract.clients import (
    INTENT_QUERY,
    MODEL,
    MODEL_QUERY,
    TRANSCRIPTION_MODEL,
    Api,
    Json,
    receive,
    socket,
    tell,
)

CAPTURE = "record 69522944037 (2026-09-18)"


def update(**session: object) -> Json:
    """An update of these fields."""
    return {"type": "session.update", "session": session}


def test_a_new_realtime_session_is_this(api: Api) -> None:
    """record 69522944037 probe 8 (2026-09-18), with this model; its instructions and their length may change."""
    with socket(api, MODEL_QUERY) as made:
        session = receive(made)["session"]
    wanted = {
        "type": "realtime",
        "object": "realtime.session",
        "model": MODEL,
        "output_modalities": ["audio"],
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "include": None,
    }
    assert {name: session.get(name, "absent") for name in wanted} == wanted
    assert session["id"].startswith("sess_")
    assert session["instructions"]
    assert session["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "voice": "alloy",
        "speed": 1.0,
    }


def test_a_new_transcription_session_is_this_and_no_more(api: Api) -> None:
    """record 69522944037 probe 7 (2026-09-18), complete."""
    with socket(api, INTENT_QUERY) as made:
        session = receive(made)["session"]
    assert session.pop("id").startswith("sess_")
    assert session.pop("expires_at")
    detection = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
    asked = {
        "format": {"type": "audio/pcm", "rate": 24000},
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": detection,
    }
    wanted = {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "audio": {"input": asked},
        "include": None,
    }
    assert session == wanted


def test_a_transcription_model_comes_back_with_its_hints(api: Api) -> None:
    """record 69522944037 probe 7 (2026-09-18)."""
    with socket(api, INTENT_QUERY) as made:
        receive(made)
        audio = {"input": {"transcription": {"model": TRANSCRIPTION_MODEL}}}
        updated = tell(made, update(type="transcription", audio=audio))
    assert updated["type"] == "session.updated"
    wanted = {"model": TRANSCRIPTION_MODEL, "language": None, "prompt": None}
    assert updated["session"]["audio"]["input"]["transcription"] == wanted


def test_an_update_changes_what_it_names_and_shows_the_whole(api: Api) -> None:
    """record 69522944037 (2026-09-18): a sparse merge."""
    with socket(api, MODEL_QUERY) as made:
        before = receive(made)["session"]
        tell(made, update(type="realtime", instructions="Be brief."))
        after = tell(made, update(type="realtime", audio={"output": {"speed": 1.25}}))["session"]
    before["audio"]["output"]["speed"] = 1.25
    assert after == {**before, "instructions": "Be brief."}


def test_a_bad_update_is_dropped_whole(api: Api) -> None:
    """record 69522944037 probe 7d (2026-09-18)."""
    with socket(api, INTENT_QUERY) as made:
        before = receive(made)["session"]
        bad = {"noise_reduction": {"type": "near_field"}, "format": {"type": "audio/pcm", "rate": 16000}}
        refused = tell(made, update(type="transcription", audio={"input": bad}))
        good = {"transcription": {"model": TRANSCRIPTION_MODEL}}
        after = tell(made, update(type="transcription", audio={"input": good}))["session"]
    assert refused["type"] == "error"
    assert after["audio"]["input"]["noise_reduction"] is None
    assert after["audio"]["input"]["format"] == before["audio"]["input"]["format"]


@pytest.mark.parametrize(("given", "echoed"), [({"event_id": "mine"}, "mine"), ({}, None)], ids=["given", "not given"])
def test_an_error_names_the_event_only_if_it_has_a_name(api: Api, given: Json, echoed: str | None) -> None:
    """record 69522944037 (2026-09-18); the shape: openai 3.54.0 types/realtime/realtime_error.py."""
    with socket(api, INTENT_QUERY) as made:
        receive(made)
        refused = tell(made, {"type": "nope", **given})
    assert refused["error"]["event_id"] == echoed
    assert {"event_id", "type", "error"} == refused.keys()
    assert {"type", "code", "message", "param", "event_id"} == refused["error"].keys()


def stays_open(api: Api, query: str, sent: Json | str | bytes) -> Json:
    """The error that this gets on a new socket, which then still answers: input_audio_buffer.clear has an answer of its own."""
    with socket(api, query) as made:
        receive(made)
        refused = tell(made, sent)
        assert refused["type"] == "error"
        assert tell(made, {"type": "input_audio_buffer.clear"})["type"] == "input_audio_buffer.cleared"
    error: Json = refused["error"]
    return error


def test_an_unknown_event_gets_the_list_of_the_known(api: Api) -> None:
    """record 69522944037 probe 8 (2026-09-18)."""
    error = stays_open(api, MODEL_QUERY, {"type": "nope"})
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "invalid_value", "type")
    known = [
        "session.update",
        "session.close",
        "session.input_audio_buffer.append",
        "response.create",
        "response.cancel",
    ]
    known += [f"input_audio_buffer.{verb}" for verb in ("append", "commit", "clear")]
    known += [f"conversation.item.{verb}" for verb in ("create", "truncate", "delete", "retrieve")]
    assert [name for name in known if f"'{name}'" not in error["message"]] == []


@pytest.mark.parametrize(
    ("query", "sent", "code", "param", "message"),
    [
        pytest.param(
            MODEL_QUERY,
            update(type="realtime", bogus_field=1),
            "unknown_parameter",
            "session.bogus_field",
            "Unknown parameter: 'session.bogus_field'.",
            id=f"unknown field, {CAPTURE} probe 8",
        ),
        pytest.param(
            MODEL_QUERY,
            update(instructions="Be brief."),
            "missing_required_parameter",
            "session.type",
            "Missing required parameter: 'session.type'.",
            id=f"no session.type, {CAPTURE}",
        ),
        pytest.param(
            MODEL_QUERY,
            "{",
            "invalid_json",
            None,
            "Invalid event: failed to parse JSON value.",
            id=f"no JSON, {CAPTURE} probe 8",
        ),
        pytest.param(
            MODEL_QUERY,
            b"{}",
            "invalid_event",
            None,
            "Expected a text WebSocket message; binary frames are not supported.",
            id=f"binary frame, {CAPTURE} probe 8",
        ),
        pytest.param(
            INTENT_QUERY,
            update(type="transcription", audio={"input": {"transcription": {}}}),
            "missing_required_parameter",
            "session.audio.input.transcription.model",
            "Missing required parameter: 'session.audio.input.transcription.model'.",
            id=f"transcription without a model, {CAPTURE} probe 7d",
        ),
        pytest.param(
            MODEL_QUERY,
            update(type="realtime", audio={"input": {"format": "pcm16"}}),
            "invalid_type",
            "session.audio.input.format",
            "Invalid type for 'session.audio.input.format': expected an object, but got a string instead.",
            id="format of the beta, TEN-framework/ten-framework#2261 (2026) and openai/openai-go#502 (2025-09-03)",
        ),
    ],
)
def test_a_refusal_leaves_the_socket_open(
    api: Api, query: str, sent: Json | str | bytes, code: str, param: str | None, message: str
) -> None:
    """Type, code and param as given, and the message from its start."""
    error = stays_open(api, query, sent)
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert error["message"].startswith(message)


def test_a_rate_that_is_too_low_is_named_with_its_limit(api: Api) -> None:
    """record 69522944037 probe 7d (2026-09-18)."""
    sent = update(type="transcription", audio={"input": {"format": {"type": "audio/pcm", "rate": 16000}}})
    error = stays_open(api, INTENT_QUERY, sent)
    assert error["code"] == "integer_below_min_value"
    assert "Expected a value >= 24000" in error["message"]


def test_an_empty_buffer_cannot_be_committed(api: Api) -> None:
    """record 55945964610 (2026-05) for the words; the code: CopilotKit/aimock @ c9af8c3."""
    error = stays_open(api, MODEL_QUERY, {"type": "input_audio_buffer.commit"})
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert error["message"].startswith("Error committing input audio buffer: buffer too small. Expected at least 100ms")


def test_the_event_of_the_beta_is_unknown(api: Api) -> None:
    """record 69522944037 probe 7b (2026-09-18)."""
    sent = {"type": "transcription_session.update", "session": {"input_audio_format": "pcm16"}}
    error = stays_open(api, INTENT_QUERY, sent)
    assert (error["code"], error["param"]) == ("invalid_value", "type")


def test_a_session_stays_of_its_type(api: Api) -> None:
    """record 55945964610, 54818151083, 55350635598 (2026-05), on a socket of `?model=`."""
    error = stays_open(api, MODEL_QUERY, update(type="transcription"))
    wanted = "Passing a transcription session update event to a realtime session is not allowed."
    assert error["message"] == wanted


@pytest.mark.parametrize("field", ["modalities", "input_audio_format", "turn_detection"])
def test_the_flat_fields_of_the_beta_are_unknown(api: Api, field: str) -> None:
    """record 57955623915, 55858849222 (2026), record 2305039087 (2026-02-05)."""
    error = stays_open(api, MODEL_QUERY, update(type="realtime", **{field: None}))
    assert f"Unknown parameter: 'session.{field}'" in error["message"]


def test_an_unknown_voice_gets_the_list_of_the_known(api: Api) -> None:
    """record 55945964610 (2026-05)."""
    error = stays_open(api, MODEL_QUERY, update(type="realtime", audio={"output": {"voice": "nova"}}))
    assert error["message"].startswith("Invalid value: 'nova'. Supported values are: 'alloy', 'ash', ")


def test_a_format_of_the_beta_is_no_type(api: Api) -> None:
    """record 2305039087 (2026-02-05)."""
    sent = update(type="realtime", audio={"input": {"format": {"type": "pcm16"}}})
    assert stays_open(api, MODEL_QUERY, sent)["message"].startswith("Invalid value: 'pcm16'")


@pytest.mark.parametrize("way", ["input", "output"])
def test_pcm_needs_its_rate_even_where_one_stands_already(api: Api, way: str) -> None:
    """record 2305039087 (2026-02-05) for the input, record 55858849222 (2026) for the output: a format is not merged."""
    error = stays_open(api, MODEL_QUERY, update(type="realtime", audio={way: {"format": {"type": "audio/pcm"}}}))
    assert error["message"].replace("'", "").startswith(f"Missing required parameter: session.audio.{way}.format.rate")
