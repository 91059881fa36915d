"""The session machine, in both dialects and kinds, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.faults import Switches
from tests.emulator.made import NOW_S, rules, session

Json = dict[str, Any]


def only(events: list[Json]) -> Json:
    assert len(events) == 1
    return events[0]


def update(kind: Kind, audio_input: Json, **more: Any) -> str:
    return json.dumps({"type": "session.update", "session": {"type": kind, "audio": {"input": audio_input}}} | more)


@pytest.mark.parametrize(
    ("kind", "dialect", "created"),
    [
        ("realtime", "ga", "session.created"),
        ("transcription", "ga", "session.created"),
        ("realtime", "beta", "session.created"),
        ("transcription", "beta", "transcription_session.created"),
    ],
)
def test_the_first_event_has_the_name_of_its_dialect(kind: Kind, dialect: Dialect, created: str) -> None:
    event = only(session(kind, dialect).created())
    assert event["type"] == created
    assert event["session"]["expires_at"] == NOW_S + {"ga": 3600, "beta": 1800}[dialect]


def test_an_update_is_merged_sparsely() -> None:
    one = session("realtime")
    updated = only(one.receive(update("realtime", {"turn_detection": {"threshold": 0.7}})))
    assert updated["type"] == "session.updated"
    detection = updated["session"]["audio"]["input"]["turn_detection"]
    assert (detection["threshold"], detection["silence_duration_ms"]) == (0.7, 200)
    assert updated["session"]["audio"]["output"]["voice"] == "alloy"


def test_a_bad_update_is_dropped_whole() -> None:
    one = session("realtime")
    before = one.config
    refused = only(one.receive(update("realtime", {"turn_detection": None, "bogus_field": 1}, event_id="mine")))
    assert refused["error"]["code"] == "unknown_parameter"
    assert refused["error"]["param"] == "session.audio.input.bogus_field"
    assert refused["error"]["event_id"] == "mine"
    assert one.config == before


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ("{", "invalid_json", None),
        (b"{}", "invalid_event", None),
        ("{}", "missing_required_parameter", "type"),
        ('{"type": "transcription_session.update", "session": {}}', "invalid_value", "type"),
        ('{"type": "session.update"}', "missing_required_parameter", "session"),
        ('{"type": "session.update", "session": {}}', "missing_required_parameter", "session.type"),
        ('{"type": "session.update", "session": {"type": "transcription"}}', "invalid_parameter", ""),
        (
            '{"type": "session.update", "session": {"type": "realtime", "modalities": []}}',
            *("unknown_parameter", "session.modalities"),
        ),
        (update("realtime", {"format": "pcm16"}), "invalid_type", "session.audio.input.format"),
        (
            update("realtime", {"format": {"type": "audio/pcm", "rate": 16000}}),
            *("integer_below_min_value", "session.audio.input.format.rate"),
        ),
        (
            update("realtime", {"turn_detection": {"type": "semantic_vad", "threshold": 0.6}}),
            *("unknown_parameter", "session.audio.input.turn_detection.threshold"),
        ),
        (
            update("realtime", {"turn_detection": {"type": "server_vad", "eagerness": "low"}}),
            *("unknown_parameter", "session.audio.input.turn_detection.eagerness"),
        ),
        (
            update("realtime", {"turn_detection": {"type": "server_vad", "threshold": 0.1 + 0.2}}),
            *("decimal_max_decimal_places_exceeded", "session.audio.input.turn_detection.threshold"),
        ),
        (
            update("realtime", {"turn_detection": {"type": "server_vad", "create_response": None}}),
            *("invalid_type", "session.audio.input.turn_detection.create_response"),
        ),
        (
            update("realtime", {"transcription": {}}),
            *("missing_required_parameter", "session.audio.input.transcription.model"),
        ),
        ('{"type": "input_audio_buffer.commit"}', "input_audio_buffer_commit_empty", None),
    ],
)
def test_errors_of_a_realtime_session(message: str | bytes, code: str, param: str | None) -> None:
    error = only(session("realtime").receive(message))["error"]
    assert (error["code"], error["param"], error["event_id"]) == (code, param, None)


def test_before_semantic_vad_one_type_alone_is_named() -> None:
    """community.openai.com 968661 (2024-10-05), word for word."""
    one = session("realtime", "beta", of=rules(date(2024, 10, 5)))
    asked = {"type": "session.update", "session": {"turn_detection": {"type": "none"}}}
    error = only(one.receive(json.dumps(asked)))["error"]
    assert error["message"] == "Invalid value: 'none'. Value must be 'server_vad'."
    assert (error["code"], error["param"]) == ("invalid_value", "session.turn_detection.type")


def test_an_unknown_event_is_told_the_twelve() -> None:
    error = only(session("realtime").receive('{"type": "nope"}'))["error"]
    assert error["message"].count("'") == 2 + 2 * 12


@pytest.mark.parametrize("field", ["create_response", "interrupt_response", "idle_timeout_ms"])
def test_response_fields_are_unknown_in_a_transcription_session(field: str) -> None:
    event = update("transcription", {"turn_detection": {"type": "server_vad", field: None}})
    error = only(session("transcription").receive(event))["error"]
    assert (error["code"], error["param"]) == ("unknown_parameter", f"session.audio.input.turn_detection.{field}")


def test_semantic_vad_is_echoed_by_kind() -> None:
    event = {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}
    realtime = only(session("realtime").receive(update("realtime", event)))["session"]["audio"]["input"]
    short = only(session("transcription").receive(update("transcription", event)))["session"]["audio"]["input"]
    assert short["turn_detection"] == event["turn_detection"]
    extra = {"create_response": True, "interrupt_response": True}
    assert realtime["turn_detection"] == event["turn_detection"] | extra


@pytest.mark.parametrize("model", ["gpt-live-transcribe", "gpt-realtime-whisper"])
def test_a_model_without_turn_detection_refuses_it_and_shows_null(model: str) -> None:
    one = session("transcription")
    shown = only(one.receive(update("transcription", {"transcription": {"model": model}})))["session"]["audio"]["input"]
    assert shown["turn_detection"] is None
    refused = only(one.receive(update("transcription", {"turn_detection": {"type": "server_vad"}})))["error"]
    assert refused["message"] == "Turn detection is not supported for this transcription model."


def test_the_beta_updates_transcription_by_its_own_event() -> None:
    one = session("transcription", "beta", of=rules(date(2025, 4, 2)))
    detection = {"type": "semantic_vad", "eagerness": "low"}
    wrong = only(one.receive(json.dumps({"type": "session.update", "session": {"turn_detection": detection}})))["error"]
    assert (wrong["type"], wrong["code"]) == ("server_error", None)
    assert one.id in wrong["message"]
    right = json.dumps({"type": "transcription_session.update", "session": {"turn_detection": detection}})
    updated = only(one.receive(right))
    assert updated["type"] == "transcription_session.updated"
    assert updated["session"]["turn_detection"] == detection


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2025, 4, 1), "You can retry your request, or contact us"),
        (date(2025, 4, 24), "Please contact us through our help center"),
        (date(2025, 6, 19), "Passing a realtime session update event to a transcription session is not allowed."),
    ],
)
def test_what_an_update_of_the_other_kind_was_told(day: date, words: str) -> None:
    one = session("transcription", "beta", of=rules(day))
    assert words in only(one.receive(json.dumps({"type": "session.update", "session": {}})))["error"]["message"]


def test_the_beta_refuses_what_belongs_elsewhere() -> None:
    one = session("realtime", "beta")
    wrong = only(one.receive('{"type": "transcription_session.update", "session": {}}'))["error"]
    assert wrong["message"] == "Passing a transcription session update event to a realtime session is not allowed."
    typed = only(one.receive('{"type": "session.update", "session": {"type": "realtime"}}'))["error"]
    assert typed["message"] == "Unknown parameter: 'session.type'."


def test_semantic_vad_did_not_exist_before_its_day() -> None:
    with pytest.raises(Refused, match="invalid-value"):
        session("realtime", "beta", {"turn_detection": {"type": "semantic_vad"}}, of=rules(date(2025, 1, 1)))


def test_faults_of_the_session() -> None:
    event = update("realtime", {"turn_detection": {"type": "semantic_vad"}})
    assert session("realtime", of=rules(answers_updates=False)).receive(event) == []
    assert session("realtime", of=rules(first_event="none")).created() == []
    error = only(session("realtime", of=rules(update_error="server-error")).receive(event))["error"]
    assert error["type"] == "server_error"
    for faulty in (rules(applies_updates=False), rules(turn_detection_replaced=True)):
        shown = only(session("realtime", of=faulty).receive(event))["session"]["audio"]["input"]
        assert shown["turn_detection"]["type"] == "server_vad"
    refused = only(session("realtime", of=rules(turn_detection_refused=["semantic_vad"])).receive(event))["error"]
    assert refused["code"] == "invalid_value"


@pytest.mark.parametrize(
    ("dialect", "settings", "code", "param"),
    [
        ("ga", {"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ("beta", {"modalities": ["audio"]}, "invalid_value", "session.modalities"),
        (
            "ga",
            {"tools": [{"type": "function", "name": "f", "strict": True}]},
            "unknown_parameter",
            "session.tools[0].strict",
        ),
        (
            "ga",
            {"tools": [{"type": "function", "function": {"name": "f"}}]},
            "missing_required_parameter",
            "session.tools[0].name",
        ),
        ("ga", {"audio": {"output": {"voice": {}}}}, "missing_required_parameter", "session.audio.output.voice.id"),
        ("ga", {"audio": {"output": {"voice": "nobody"}}}, "invalid_value", "session.audio.output.voice"),
    ],
)
def test_settings_that_the_api_refuses(dialect: Dialect, settings: Json, code: str, param: str) -> None:
    one = session("realtime", dialect)
    start = {"type": "realtime"} if dialect == "ga" else {}
    refused = only(one.receive(json.dumps({"type": "session.update", "session": start | settings})))["error"]
    assert (refused["code"], refused["param"]) == (code, param)


@pytest.mark.parametrize(
    ("dialect", "settings"),
    [
        ("ga", {"output_modalities": ["text"]}),
        ("ga", {"audio": {"output": {"voice": {"id": "voice_FAKE"}}}}),
        (
            "ga",
            {
                "tools": [
                    {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}},
                    {"type": "mcp", "server_label": "l"},
                ]
            },
        ),
        ("beta", {"modalities": ["audio", "text"]}),
        ("beta", {"modalities": ["text"]}),
    ],
)
def test_settings_that_the_api_takes_are_shown_as_sent(dialect: Dialect, settings: Json) -> None:
    start = {"type": "realtime"} if dialect == "ga" else {}
    updated = only(
        session("realtime", dialect).receive(json.dumps({"type": "session.update", "session": start | settings}))
    )
    assert updated["type"] == "session.updated"
    assert not list(missing(settings, updated["session"]))


def missing(sent: Any, shown: Any) -> Iterator[Any]:
    if isinstance(sent, dict) and isinstance(shown, dict):
        for name, value in sent.items():
            yield from missing(value, shown.get(name))
    elif sent != shown:
        yield sent


def test_what_was_told_before_is_not_changed_by_what_comes_later() -> None:
    one = session("transcription")
    before = only(one.created())["session"]
    was = json.dumps(before)
    one.receive(update("transcription", {"transcription": {"model": "gpt-realtime-whisper"}}))
    told = only(
        one.receive(json.dumps({"type": "session.update", "session": {"type": "transcription", "include": None}}))
    )
    shown = json.dumps(told)
    one.rules.switches = Switches(turn_detection_replaced=True)
    one.receive(json.dumps({"type": "session.update", "session": {"type": "transcription"}}))
    assert (json.dumps(before), json.dumps(told)) == (was, shown)
