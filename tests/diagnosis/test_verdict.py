"""The verdict on a run: what checks name stands, what they cannot name is judged, and the requests that should work are given."""

from __future__ import annotations

import io
from typing import Any

import pytest

from rtdiag import registry
from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.verdict import diagnose
from rtdiag.emulator import load_faults
from rtdiag.model import Cost, Event, Finding, Outcome, Row, Seen, Status
from rtdiag.redact import Mask
from rtdiag.report import render
from rtdiag.testing import exchange, refusal, run_on_emulator
from tests.checks.broken import grouped, run


def outcome(seen: Seen, status: Status = "fail", cause: str | None = None) -> Outcome:
    finding = Finding(seen.case, status, "measured", cause=cause)
    return Outcome("sdp", "title", status, None, 1.0, (), Cost(), (Row(seen.case, "title", finding, seen),))


OFFER: dict[str, Any] = {
    "url": "https://api.openai.com/v1/realtime/calls",
    "credential": "ephemeral",
    "request_headers": (("Content-Type", "application/sdp"),),
}


def test_a_refusal_that_no_check_could_name_is_judged_from_what_came_back() -> None:
    refused = refusal(400, "beta_api_shape_disabled", "The Realtime Beta API is no longer supported.", **OFFER)
    (found,) = diagnose([outcome(Seen("answer", (refused,)), cause="unexpected-answer")])
    assert (found.cause, found.confidence) == ("beta-shape-retired", "medium")
    assert found.evidence == ("sdp.answer",)


def test_what_nothing_explains_stays_unexpected() -> None:
    (found,) = diagnose([outcome(Seen("answer", (exchange(418, {"tea": True}, **OFFER),)))])
    assert (found.cause, found.confidence) == ("unexpected-answer", "low")


def test_an_event_is_judged_with_the_update_that_it_answers() -> None:
    sent = Event("e1", "c1", "sent", 1.0, "session.update", '{"type":"session.update"}')
    said = (
        '{"type":"error","error":{"code":"unknown_parameter","message":"Unknown parameter: \'session.modalities\'."}}'
    )
    answer = Event("e2", "c1", "received", 2.0, "error", said)
    (found,) = diagnose([outcome(Seen("update", events=(sent, answer)))])
    assert found.cause == "flat-beta-fields-in-ga"


def test_what_a_check_names_stands_and_counts_by_its_status() -> None:
    refused = refusal(401, "invalid_api_key", "Incorrect API key provided: ek_1***.", **OFFER)
    failed = outcome(Seen("a", (refused,)), cause="token-of-another-issuer")
    warned = outcome(Seen("b", (refused,)), "warn", cause="location-header-missing")
    assert [(d.cause, d.confidence) for d in diagnose([warned, failed])] == [
        ("token-of-another-issuer", "high"),
        ("location-header-missing", "low"),
    ]
    assert diagnose([outcome(Seen("a", (refused,)), "pass")]) == ()


def test_the_requests_that_should_work_are_the_users_own() -> None:
    mine = {"type": "realtime", "model": "gpt-realtime-2.1", "voice": "marin", "instructions": "Speak like a pilot."}
    report = run_on_emulator(faults=["multipart-refused"], session=mine, kinds=("realtime",))
    assert report.diagnosis[0].cause == "sdp-content-type"
    assert report.corrected is not None
    for text in (report.corrected.mint, report.corrected.offer, report.corrected.page):
        assert report.target.base_url in text or "/realtime/calls" in text
        assert "sk-" not in text
    assert "pilot" in report.corrected.mint
    assert '"voice": "marin"' in report.corrected.mint
    assert "$OPENAI_API_KEY" in report.corrected.mint
    assert ".ok" in report.corrected.page


HOPELESS = ["key-revoked", "gateway-html", "rate-limited", "ice-blocked", "country-unsupported"]


@pytest.mark.parametrize("fault", grouped((f,) for f in HOPELESS))
def test_where_no_other_request_helps_none_is_shown(fault: str) -> None:
    assert run(fault).diagnosis
    assert run(fault).corrected is None


def test_a_green_run_needs_no_other_request() -> None:
    assert run_on_emulator().corrected is None


HERE = {check.id for check in registry.load(()).checks.values()}
RED = [
    f.id
    for f in load_faults().values()
    if f.status == "fail" and f.cause and any(glob.partition(".")[0] in HERE for glob in f.sees)
]


@pytest.mark.parametrize("fault", grouped((f,) for f in RED))
def test_explaining_the_report_of_a_run_names_what_the_run_named(fault: str) -> None:
    report = run(fault)
    text = render(report, "json").encode()
    (told,) = explain(io.BytesIO(text), "report.json", Mask())
    assert told.form == "rtdiag report"
    assert told.diagnosis[0].cause == report.diagnosis[0].cause
