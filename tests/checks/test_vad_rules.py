"""The rules of turn detection: the judge on errors that somebody really got, the data behind it, and runs on every kind of day."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from typing import Any

import pytest

from rtdiag.api.endpoints import KINDS, Dialect
from rtdiag.api.turn_rules import all_rules, rules_of
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.matching import causes_of as explain
from rtdiag.diagnosis.situation import situation_of
from rtdiag.engine import registry
from rtdiag.engine.reference import page
from rtdiag.model import Event, Finding, Observation, Outcome, Report
from rtdiag.testing import finding, judge, row, run_on_emulator

CHECKS = registry.load(()).checks
CHECK = CHECKS["vad-rules"]
PLACE = "session.audio.input.turn_detection"
IN_THE_BETA = date(2025, 4, 10)
TODAY = date(2026, 11, 13)


@cache
def run(as_of: date = TODAY, *faults: str) -> Report:
    return run_on_emulator(as_of=as_of, faults=faults, only=["vad-rules"])


def outcome(report: Report) -> Outcome:
    return next(o for o in report.checks if o.id == "vad-rules")


def events(*answers: dict[str, Any]) -> tuple[Event, ...]:
    """A client's event and each of these answers after one."""
    made: list[Event] = []
    for answer in answers:
        made.append(
            Event(f"e{len(made)}", "p1/oai-events", "sent", 0.0, "session.update", '{"type": "session.update"}')
        )
        made.append(Event(f"e{len(made)}", "p1/oai-events", "received", 0.0, answer["type"], json.dumps(answer)))
    return tuple(made)


def error(code: str | None, param: str | None, message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "code": code, "message": message, "param": param}}


def unknown(param: str) -> dict[str, Any]:
    return error("unknown_parameter", param, f"Unknown parameter: '{param}'.")


def updated(turn_detection: Any, **more: Any) -> dict[str, Any]:
    session = {"audio": {"input": {"turn_detection": turn_detection}}} | more
    return {"type": "session.updated", "session": session}


def one(case: str, *answers: dict[str, Any], dialect: Dialect = "ga", **facts: Any) -> Finding:
    rule = next(r for r in all_rules() if r.id == case.partition("-")[2])
    given = {"dialect": dialect, "asked": True, "ended": False, "answered": bool(answers), "sent": rule.sends} | facts
    return judge(CHECK, [Observation(case, events=events(*answers), facts=given)], dialects=[dialect])[case]


TAKEN = updated({"type": "semantic_vad", "eagerness": "auto"})


@pytest.mark.parametrize(
    ("case", "answer", "status", "cause"),
    [
        # as posted: records 61425080367, 40083276743, 59677157308, 69777744433, 67152136857 and 65878575473, livekit/agents PR 3444
        ("realtime-threshold-in-semantic-vad", unknown(f"{PLACE}.threshold"), "pass", None),
        ("realtime-idle-timeout-in-semantic-vad", unknown(f"{PLACE}.idle_timeout_ms"), "pass", None),
        (
            "realtime-idle-timeout-too-short",
            error("integer_below_min_value", f"{PLACE}.idle_timeout_ms", "Expected a value >= 5000, but got 3000"),
            *("pass", None),
        ),
        (
            "transcription-threshold-too-long",
            error("decimal_max_decimal_places_exceeded", f"{PLACE}.threshold", "max decimal places exceeded"),
            *("pass", None),
        ),
        (
            "transcription-gpt-realtime-whisper",
            error("unknown_parameter", PLACE, "Turn detection is not supported for this transcription model."),
            *("pass", None),
        ),
        (
            "realtime-response-field-null",
            error("invalid_type", f"{PLACE}.create_response", "Invalid type for 'x': expected boolean, got null"),
            *("pass", None),
        ),
        # refused, but not as public sources show it: for another field, with another code, or without a word
        ("realtime-threshold-in-semantic-vad", unknown(f"{PLACE}.eagerness"), "info", None),
        ("realtime-threshold-in-semantic-vad", error("invalid_value", f"{PLACE}.type", "Invalid value"), "info", None),
        ("realtime-threshold-in-semantic-vad", error(None, None, "Sorry about that!", "server_error"), "info", None),
        ("realtime-threshold-in-semantic-vad", error("", "", ""), "info", None),
        # taken
        ("realtime-threshold-in-semantic-vad", TAKEN, "warn", "vad-field-silently-dropped"),
        (
            "realtime-threshold-in-semantic-vad",
            updated({"type": "semantic_vad", "threshold": 0.7}),
            *("warn", "vad-rules-not-checked"),
        ),
        ("realtime-threshold-in-semantic-vad", {"type": "session.updated"}, "warn", "vad-field-silently-dropped"),
        # no public source, whatever comes
        ("realtime-eagerness-in-server-vad", unknown(f"{PLACE}.eagerness"), "info", None),
        ("realtime-eagerness-in-server-vad", TAKEN, "info", None),
        ("transcription-threshold-in-semantic-vad", TAKEN, "info", None),
        ("transcription-create-response", TAKEN, "info", None),
        ("realtime-threshold-too-high", updated({"type": "server_vad", "threshold": 1.5}), "info", None),
    ],
)
def test_an_answer_to_what_is_forbidden(case: str, answer: dict[str, Any], status: str, cause: str | None) -> None:
    found = one(case, answer)
    assert (found.status, found.cause) == (status, cause)
    assert found.hint
    assert "send " in found.hint
    assert found.measured


@pytest.mark.parametrize(
    ("case", "answer", "status"),
    [
        # as posted: community.openai.com 968661 (2024-10-05) and 1294035 (2025-06), record 4722358294
        (
            "realtime-unknown-type",
            error("invalid_value", "session.turn_detection.type", "Invalid value: 'none'. Value must be 'server_vad'."),
            "pass",
        ),
        ("transcription-create-response", unknown("session.turn_detection.create_response"), "pass"),
        ("transcription-eagerness-in-server-vad", unknown("session.turn_detection.eagerness"), "pass"),
        ("realtime-other-place", unknown("session.audio"), "pass"),
        ("realtime-threshold-in-semantic-vad", unknown("session.turn_detection.threshold"), "info"),
        ("transcription-create-response", {"type": "transcription_session.updated", "session": {}}, "warn"),
    ],
)
def test_the_beta_is_judged_by_its_own_sources(case: str, answer: dict[str, Any], status: str) -> None:
    assert one(case, answer, dialect="beta").status == status


@pytest.mark.parametrize(
    ("facts", "status", "measured"),
    [
        ({"not_listed": "gpt-live-transcribe"}, "skip", "this server lists no gpt-live-transcribe"),
        ({"asked": False}, "skip", "not sent: the session has left an earlier event unanswered"),
        ({"asked": False, "ended": True}, "skip", "not sent: no session is open"),
        ({"ended": True}, "skip", "the session had ended"),
        ({}, "fail", "no answer"),
    ],
)
def test_what_got_no_answer_is_no_refusal(facts: dict[str, Any], status: str, measured: str) -> None:
    found = one("transcription-gpt-live-transcribe", **facts)
    assert (found.status, found.measured) == (status, measured)


BEFORE = {"type": "server_vad", "threshold": 0.6}


@pytest.mark.parametrize(
    ("after", "status", "words"),
    [
        (updated(BEFORE, instructions="A"), "pass", "as before 2 refused updates"),
        (
            updated(BEFORE | {"threshold": 0.5}, instructions="A"),
            "fail",
            "turn_detection.threshold: was 0.6, is now 0.5",
        ),
        (updated(BEFORE, instructions="B"), "fail", 'instructions: was "A", is now "B"'),
        (updated(None, instructions="A"), "fail", "is now null"),
        (error("unknown_parameter", "session.tool_choice", "Unknown"), "info", "an update of nothing new: error"),
    ],
)
def test_what_a_refusal_leaves_behind(after: dict[str, Any], status: str, words: str) -> None:
    found = one("realtime-refused-whole", updated(BEFORE, instructions="A"), unknown("x"), after, refused=2)
    assert found.status == status
    assert words in found.measured
    assert found.cause == ("refused-update-applied" if status == "fail" else None)


@pytest.mark.parametrize("session", [{"audio": None}, {"audio": {"input": None}}, {"audio": "x"}, {}])
def test_an_echo_that_shows_no_audio_settings_breaks_nothing(session: dict[str, Any]) -> None:
    told = {"type": "session.updated", "session": session}
    assert one("transcription-refused-whole", told, unknown("x"), told, refused=1).status == "pass"


def test_in_the_beta_nobody_has_said_that_a_refusal_changes_nothing() -> None:
    session = {"type": "session.updated", "session": {"turn_detection": BEFORE, "instructions": "A"}}
    changed = {"type": "session.updated", "session": {"turn_detection": None, "instructions": "A"}}
    assert one("realtime-refused-whole", session, unknown("x"), changed, dialect="beta", refused=1).status == "info"


def test_where_nothing_was_refused_there_is_nothing_to_keep() -> None:
    assert one("realtime-refused-whole", refused=0).status == "skip"


def test_a_session_that_takes_no_good_settings_is_not_tried() -> None:
    refused = error("invalid_value", PLACE, "Turn detection is not supported for this transcription model.")
    found = one("transcription-unknown-field", refused, unset=True)
    assert (found.status, "to begin with: invalid_value" in found.measured) == ("skip", True)


@pytest.mark.parametrize("as_of", [TODAY, date(2025, 3, 21), IN_THE_BETA, date(2025, 9, 1), date(2026, 5, 12)])
def test_a_healthy_api_shows_nothing_wrong_on_any_day(as_of: date) -> None:
    found = outcome(run(as_of))
    assert {r.finding.status for r in found.rows} <= {"pass", "info", "skip"}
    assert found.status == "pass"
    assert found.cost.tokens_minted == found.cost.sessions_opened <= CHECK.cost.sessions_opened
    assert found.cost.requests <= CHECK.cost.requests


def test_today_all_that_is_known_is_seen() -> None:
    for kind in KINDS:
        for rule in rules_of(kind):
            status = finding(run(), f"vad-rules.{kind}-{rule.id}").status
            assert status == ("pass" if rule.source(kind, "ga") else "info"), rule.id


def test_the_error_object_is_in_the_report_as_it_came() -> None:
    seen = row(run(), "vad-rules.realtime-padding-in-semantic-vad").seen
    assert seen.events[-1].json["error"] == {
        "message": f"Unknown parameter: '{PLACE}.prefix_padding_ms'.",
        "type": "invalid_request_error",
        "param": f"{PLACE}.prefix_padding_ms",
        "code": "unknown_parameter",
        "event_id": json.loads(seen.events[-2].raw).get("event_id"),
    }


def test_a_model_without_turn_detection_is_tried_where_the_session_has_none_itself() -> None:
    report = run(date(2026, 5, 12))
    assert finding(report, "vad-rules.transcription-gpt-realtime-whisper").status == "pass"
    assert finding(report, "vad-rules.transcription-gpt-live-transcribe").status == "skip"
    assert "to begin with" in finding(report, "vad-rules.transcription-unknown-field").measured


@pytest.mark.parametrize("as_of", [TODAY, IN_THE_BETA])
def test_explain_names_each_refusal_as_the_rules_do(as_of: date) -> None:
    named = 0
    for r in outcome(run(as_of)).rows:
        rule = next(x for x in all_rules() if x.id == r.id.partition("-")[2])
        if rule.sends is not None and r.seen.events and r.seen.events[-1].error:
            best = explain(situation_of(r.seen))[0]
            assert best.cause.partition("/")[0] in rule.causes, r.id
            named += 1
    assert named > 30


@pytest.mark.parametrize(
    "case",
    [
        "transcription-create-response",
        "transcription-interrupt-response",
        "transcription-eagerness-in-server-vad",
        "realtime-unknown-type",
        "realtime-unknown-field",
        "realtime-other-place",
    ],
)
def test_what_is_known_of_the_beta_turns_red_there(case: str) -> None:
    found = finding(run(IN_THE_BETA, "other-mode-field-taken"), f"vad-rules.{case}")
    assert (found.status, found.cause) == ("warn", "vad-field-silently-dropped")


def test_one_bad_field_is_all_that_the_half_applied_update_lacks() -> None:
    report = run(TODAY, "refused-update-applies-half")
    measured = finding(report, "vad-rules.realtime-refused-whole").measured
    assert 'instructions: was "Speak only when asked.", is now "Speak to everybody."' in measured


def test_the_rules_are_sourced_and_their_causes_known() -> None:
    ids = [rule.id for rule in all_rules()]
    assert len(ids) == len(set(ids))
    for rule in all_rules():
        assert rule.what
        assert rule.instead
        assert rule.known.keys() <= {f"{d}-{k}" for d in ("ga", "beta") for k in rule.kinds}
        assert all(rule.known.values())
        assert set(rule.causes) <= set(catalogue.causes())
        assert rule.sends is None or rule.refused.code


def test_explain_prints_what_is_known_of_each_case() -> None:
    for case in CHECK.cases:
        text = " ".join((page(f"vad-rules.{case.id}", CHECKS) or "").split())
        rule = next(r for r in all_rules() if case.id.partition("-")[2] == r.id)
        assert " ".join(rule.instead.split()) in text
        assert all(source in text for source in rule.known.values())
        assert rule.known or "No public source shows the refusal" in text
    whole = page("vad-rules", CHECKS) or ""
    assert all(f"vad-rules.{case.id}" in whole for case in CHECK.cases)
