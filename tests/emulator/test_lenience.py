"""What the faults make of the rules of turn detection: dropped, kept unchecked, or a refused update applied but for one field."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.emulator.session.state import Session
from tests.emulator.made import rules, session

Json = dict[str, Any]
SEMANTIC = {"type": "semantic_vad", "threshold": 0.7}


def update(one: Session, detection: Any, **more: Any) -> Json:
    """The one event that answers an update of a GA session's turn detection; `more` stands at the top of the session."""
    asked = {"type": one.kind, "audio": {"input": {"turn_detection": detection}}, **more}
    (answer,) = one.receive(json.dumps({"type": "session.update", "session": asked}))
    return answer


def detection_of(event: Json) -> Any:
    return event["session"]["audio"]["input"]["turn_detection"]


@pytest.mark.parametrize(
    ("given", "dropped", "unchecked"),
    [
        (SEMANTIC, {"type": "semantic_vad"}, SEMANTIC),
        (
            {"type": "semantic_vad", "silence_duration_ms": 900, "prefix_padding_ms": 1},
            {"type": "semantic_vad"},
            {"type": "semantic_vad", "silence_duration_ms": 900, "prefix_padding_ms": 1},
        ),
        ({"type": "server_vad", "idle_timeout_ms": 3000}, {"idle_timeout_ms": None}, {"idle_timeout_ms": 3000}),
        ({"type": "server_vad", "threshold": 7}, {"threshold": 0.5}, {"threshold": 7}),
        ({"type": "server_vad", "threshold": "0.7"}, {"threshold": 0.5}, {"threshold": 0.5}),
        ({"type": "none"}, {"type": "server_vad"}, {"type": "server_vad"}),
        ({"type": "semantic_vad", "eagerness": "eager"}, {"eagerness": "auto"}, {"eagerness": "auto"}),
    ],
)
def test_what_is_refused_is_dropped_or_kept_instead(given: Json, dropped: Json, unchecked: Json) -> None:
    for how, wanted in (("dropped", dropped), ("unchecked", unchecked)):
        shown = detection_of(update(session(of=rules(turn_detection_rules=how)), given))
        assert {name: shown[name] for name in wanted} == wanted
        if how == "dropped" and shown["type"] == "semantic_vad":
            assert shown.keys() == {"type", "eagerness", "create_response", "interrupt_response"}


@pytest.mark.parametrize(("how", "shown"), [("dropped", None), ("unchecked", "server_vad")])
def test_a_model_that_takes_none_is_given_it_or_not(how: str, shown: Any) -> None:
    one = session("transcription", of=rules(turn_detection_rules=how))
    asked = {"transcription": {"model": "gpt-live-transcribe"}, "turn_detection": {"type": "server_vad"}}
    message = {"type": "session.update", "session": {"type": "transcription", "audio": {"input": asked}}}
    (answer,) = one.receive(json.dumps(message))
    assert (detection_of(answer) or {}).get("type") == shown


def test_the_betas_place_is_dropped_with_all_in_it() -> None:
    one = session(of=rules(turn_detection_rules="dropped"))
    before = one.config["audio"]["input"]["turn_detection"]
    message = {"type": "session.update", "session": {"type": "realtime", "turn_detection": None}}
    (answer,) = one.receive(json.dumps(message))
    assert detection_of(answer) == before


@pytest.mark.parametrize("how", ["dropped", "unchecked"])
def test_what_is_no_turn_detection_is_refused_all_the_same(how: str) -> None:
    one = session(of=rules(turn_detection_rules=how))
    for more in ({"bogus": 1}, {"output_modalities": "audio"}):
        assert update(one, SEMANTIC, **more)["type"] == "error"
    assert update(one, {"type": "server_vad"}, instructions=7)["error"]["param"] == "session.instructions"


def test_a_refused_update_leaves_its_good_part_behind() -> None:
    one = session(of=rules(drops_bad_updates_whole=False))
    refused = update(one, SEMANTIC, instructions="Whisper.")
    assert refused["error"]["param"] == "session.audio.input.turn_detection.threshold"
    assert one.config["instructions"] == "Whisper."
    assert one.config["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
    assert "type" not in one.config


def test_what_is_nested_deep_is_left_as_it_is() -> None:
    deep: Json = {}
    for _ in range(480):
        deep = {"deeper": deep}
    one = session(of=rules(drops_bad_updates_whole=False))
    assert update(one, SEMANTIC, tracing=deep)["type"] == "error"
    assert one.config["tracing"] == deep


@pytest.mark.parametrize("detection", [{"type": "server_vad", "threshold": 7, "eagerness": "low"}, SEMANTIC])
def test_where_more_is_wrong_nothing_is_left(detection: Json) -> None:
    one = session(of=rules(drops_bad_updates_whole=False))
    before = json.dumps(one.config)
    assert update(one, detection, bogus=1)["type"] == "error"
    assert json.dumps(one.config) == before


@pytest.mark.parametrize("as_of", [None, date(2025, 9, 1)])
@pytest.mark.parametrize(("kind", "dialect"), [("realtime", "ga"), ("transcription", "ga")])
def test_the_healthy_api_drops_it_whole(kind: Kind, dialect: Dialect, as_of: date | None) -> None:
    one = session(kind, dialect, of=rules(as_of))
    before = json.dumps(one.config)
    assert update(one, SEMANTIC)["type"] == "error"
    assert json.dumps(one.config) == before
