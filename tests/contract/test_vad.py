"""Turn detection: which kinds a session takes, what it is without being asked, and the models that take none."""

from __future__ import annotations

import pytest

from tests.contract.clients import INTENT_QUERY, MODEL_QUERY, Api, Json, receive, socket, tell

DETECTION = "session.audio.input.turn_detection"


def updated(api: Api, query: str, kind: str, **audio_input: object) -> Json:
    """What an update of `audio.input` gets on a new socket."""
    with socket(api, query) as made:
        receive(made)
        return tell(made, {"type": "session.update", "session": {"type": kind, "audio": {"input": audio_input}}})


def detection_of(event: Json) -> Json | None:
    """The turn detection that the event shows."""
    detection: Json | None = event["session"]["audio"]["input"]["turn_detection"]
    return detection


def test_a_realtime_session_listens_by_itself(api: Api) -> None:
    """record 69522944037 probe 8 (2026-09-18): silence 200 ms, against the 500 of openai 3.54.0."""
    with socket(api, MODEL_QUERY) as made:
        found = detection_of(receive(made))
    assert found == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }


def test_server_vad_is_applied_as_asked(api: Api) -> None:
    """openai 3.54.0 types/realtime/realtime_audio_input_turn_detection.py."""
    asked = {"type": "server_vad", "threshold": 0.7, "prefix_padding_ms": 200, "silence_duration_ms": 700}
    found = detection_of(updated(api, MODEL_QUERY, "realtime", turn_detection=asked))
    assert found
    assert {name: found[name] for name in asked} == asked


@pytest.mark.parametrize("eagerness", ["low", "medium", "high", "auto"])
def test_a_realtime_session_takes_semantic_vad(api: Api, eagerness: str) -> None:
    """openai 3.54.0 types/realtime/realtime_audio_input_turn_detection.py."""
    asked = {"type": "semantic_vad", "eagerness": eagerness}
    found = detection_of(updated(api, MODEL_QUERY, "realtime", turn_detection=asked))
    assert found
    assert found["type"] == "semantic_vad"


def test_no_other_eagerness_is_taken(api: Api) -> None:
    """openai 3.54.0 types/realtime/realtime_audio_input_turn_detection.py."""
    asked = {"type": "semantic_vad", "eagerness": "eager"}
    assert updated(api, MODEL_QUERY, "realtime", turn_detection=asked)["type"] == "error"


def test_semantic_vad_has_no_threshold(api: Api) -> None:
    """record 61425080367 (2026), code and param as posted."""
    asked = {"type": "semantic_vad", "threshold": 0.6}
    error = updated(api, MODEL_QUERY, "realtime", turn_detection=asked)["error"]
    assert (error["code"], error["param"]) == ("unknown_parameter", f"{DETECTION}.threshold")
    assert error["message"] == f"Unknown parameter: '{DETECTION}.threshold'."


@pytest.mark.parametrize("field", ["threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms"])
def test_semantic_vad_has_no_field_of_server_vad(api: Api, field: str) -> None:
    """record 40083276743 (2025): code, param and message as posted; of silence_duration_ms only the refusal is told."""
    asked = {"type": "semantic_vad", field: 0.5 if field == "threshold" else 10000}
    error = updated(api, MODEL_QUERY, "realtime", turn_detection=asked)["error"]
    assert error["message"] == f"Unknown parameter: '{DETECTION}.{field}'."
    assert (error["code"], error["param"]) == ("unknown_parameter", f"{DETECTION}.{field}")


@pytest.mark.parametrize(("query", "kind"), [(MODEL_QUERY, "realtime"), (INTENT_QUERY, "transcription")])
def test_a_threshold_has_at_most_16_decimal_places(api: Api, query: str, kind: str) -> None:
    """records 69777744433, 61641017680 and 67105325236 (2026): code, opening words and limit; 0.1 + 0.2 prints 17 places."""
    asked = {"type": "server_vad", "threshold": 0.1 + 0.2}
    error = updated(api, query, kind, turn_detection=asked)["error"]
    assert (error["code"], error["param"]) == ("decimal_max_decimal_places_exceeded", f"{DETECTION}.threshold")
    assert error["message"].startswith(f"Invalid '{DETECTION}.threshold': max decimal places exceeded")


def test_the_least_idle_timeout_is_named(api: Api) -> None:
    """records 59677157308 and 59724214188 (2026), there at the mint."""
    asked = {"type": "server_vad", "idle_timeout_ms": 3000}
    error = updated(api, MODEL_QUERY, "realtime", turn_detection=asked)["error"]
    assert error["code"] == "integer_below_min_value"
    assert "Expected a value >= 5000, but got 3000" in error["message"]


def test_a_response_field_is_true_or_false(api: Api) -> None:
    """livekit/agents PR 3444 (2025-09-17): null is an invalid type."""
    asked = {"type": "server_vad", "create_response": None}
    error = updated(api, MODEL_QUERY, "realtime", turn_detection=asked)["error"]
    assert error["message"].startswith(
        f"Invalid type for '{DETECTION}.create_response': expected a boolean, but got null"
    )


def test_the_betas_place_is_unknown(api: Api) -> None:
    """records 55858849222, 67316774933 (2026-05-23) and 42762873492."""
    with socket(api, MODEL_QUERY) as made:
        receive(made)
        asked = {"type": "session.update", "session": {"type": "realtime", "turn_detection": None}}
        error = tell(made, asked)["error"]
    assert (error["code"], error["param"]) == ("unknown_parameter", "session.turn_detection")


@pytest.mark.parametrize(("query", "kind"), [(MODEL_QUERY, "realtime"), (INTENT_QUERY, "transcription")])
def test_null_turns_it_off(api: Api, query: str, kind: str) -> None:
    """openai 3.54.0 types/realtime/realtime_audio_input_turn_detection.py."""
    assert detection_of(updated(api, query, kind, turn_detection=None)) is None


@pytest.mark.parametrize("idle_ms", [5000, 30000])
def test_a_silence_of_5_to_30_s_may_end_the_wait(api: Api, idle_ms: int) -> None:
    """openai-openapi @ f85dbe2 line 57016."""
    asked = {"type": "server_vad", "idle_timeout_ms": idle_ms}
    found = detection_of(updated(api, MODEL_QUERY, "realtime", turn_detection=asked))
    assert found
    assert found["idle_timeout_ms"] == idle_ms


@pytest.mark.parametrize("idle_ms", [4999, 30001])
def test_no_other_silence_may(api: Api, idle_ms: int) -> None:
    """openai-openapi @ f85dbe2 line 57016."""
    asked = {"type": "server_vad", "idle_timeout_ms": idle_ms}
    assert updated(api, MODEL_QUERY, "realtime", turn_detection=asked)["type"] == "error"


@pytest.mark.parametrize("model", ["gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1", "gpt-transcribe"])
def test_these_transcription_models_take_server_vad(api: Api, model: str) -> None:
    """record 63110401195 (2026-08-21), record 68880016217 (2026-09-14)."""
    asked = {"type": "server_vad", "silence_duration_ms": 400}
    found = detection_of(
        updated(api, INTENT_QUERY, "transcription", transcription={"model": model}, turn_detection=asked)
    )
    assert found
    assert (found["type"], found["silence_duration_ms"]) == ("server_vad", 400)


@pytest.mark.parametrize("model", ["gpt-live-transcribe", "gpt-realtime-whisper"])
@pytest.mark.parametrize("kind", ["server_vad", "semantic_vad"])
def test_these_take_none(api: Api, model: str, kind: str) -> None:
    """developers.openai.com/api/docs/guides/realtime-vad (autumn 2026); record 67152136857 and 65878575473 for the two codes."""
    asked = {"transcription": {"model": model}, "turn_detection": {"type": kind}}
    error = updated(api, INTENT_QUERY, "transcription", **asked)["error"]
    assert error["message"] == "Turn detection is not supported for this transcription model."
    assert error["param"] == DETECTION
    assert error["code"] in ("invalid_value", "unknown_parameter")


@pytest.mark.parametrize("model", ["gpt-live-transcribe", "gpt-realtime-whisper"])
def test_these_work_without(api: Api, model: str) -> None:
    """developers.openai.com/api/docs/guides/realtime-vad (autumn 2026)."""
    event = updated(api, INTENT_QUERY, "transcription", transcription={"model": model}, turn_detection=None)
    assert (event["type"], detection_of(event)) == ("session.updated", None)
