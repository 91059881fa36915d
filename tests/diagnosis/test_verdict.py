"""The verdict on a run: what checks name stands, what they cannot name is judged, and the requests that should work are given."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest

from rtdiag.diagnosis.advice import addressed
from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.matching import RANK
from rtdiag.diagnosis.verdict import diagnose, named
from rtdiag.emulator import load_faults
from rtdiag.model import Cost, Event, Finding, Observation, Outcome, PeerTrace, Report, Row, Status
from rtdiag.redact import Mask
from rtdiag.testing import exchange, refusal, run_on_emulator
from tests.checks.broken import grouped, kept, run, written


def outcome(seen: Observation, status: Status = "fail", *observed: str) -> Outcome:
    finding = Finding(seen.case, status, "measured", observed=observed)
    return Outcome("sdp", "title", status, None, 1.0, (), Cost(), (Row(seen.case, "title", finding, seen),))


OFFER: dict[str, Any] = {
    "url": "https://api.openai.com/v1/realtime/calls",
    "credential": "ephemeral",
    "request_headers": (("Content-Type", "application/sdp"),),
}


def test_a_refusal_that_no_check_could_name_is_judged_from_what_came_back() -> None:
    refused = refusal(400, "beta_api_shape_disabled", "The Realtime Beta API is no longer supported.", **OFFER)
    (found,) = diagnose([outcome(Observation("answer", (refused,)))])
    assert (found.cause, found.confidence) == ("beta-shape-retired", "high")
    assert found.evidence == ("sdp.answer",)


def test_what_nothing_explains_stays_unexpected() -> None:
    (found,) = diagnose([outcome(Observation("answer", (exchange(418, {"tea": True}, **OFFER),)))])
    assert (found.cause, found.confidence) == ("unexpected-answer", "low")


def test_an_event_is_judged_with_the_update_that_it_answers() -> None:
    sent = Event("e1", "c1", "sent", 1.0, "session.update", '{"type":"session.update"}')
    said = (
        '{"type":"error","error":{"code":"unknown_parameter","message":"Unknown parameter: \'session.modalities\'."}}'
    )
    answer = Event("e2", "c1", "received", 2.0, "error", said)
    (found,) = diagnose([outcome(Observation("update", events=(sent, answer)))])
    assert found.cause == "flat-beta-fields-in-ga"


@pytest.mark.parametrize(
    ("code", "close", "observed", "cause"),
    [
        ("insufficient_quota", 4000, "the account has no credit", "upstream-account-exhausted"),
        ("invalid_api_key", 3000, "a key that HTTP took is refused at the WebSocket", "upstream-key-refused"),
    ],
)
def test_an_error_event_is_the_upstreams_where_the_gateway_then_says_that_its_upstream_closed(
    code: str, close: int, observed: str, cause: str
) -> None:
    """As LiteLLM 1.108 does: it hands the event on, and tells of the close in one of its own."""
    ended = PeerTrace("c1", close={"code": str(close), "reason": code})
    opened = exchange(101, "", url="wss://gateway.example/v1/realtime?model=m", credential="api-key")
    said = (
        {"type": "invalid_request_error", "code": code, "message": "No."},
        {"type": "server_error", "message": f"upstream websocket closed with code {close}: {code}"},
    )
    raw = [json.dumps({"type": "error", "error": error}) for error in said]
    told = [Event(f"e{n}", "c1", "received", n, "error", text) for n, text in enumerate(raw)]
    (found,) = diagnose([outcome(Observation("a", (opened,), tuple(told), (ended,)), "fail", observed)])
    assert (found.cause, found.confidence) == (cause, "high")
    (alone,) = diagnose([outcome(Observation("a", (opened,), (told[0],), (ended,)), "fail", observed)])
    assert alone.cause != cause


def test_a_spent_account_is_not_the_askers_where_it_is_the_upstreams() -> None:
    body = '{"error":{"message":"litellm.RateLimitError: OpenAIException - {\\"error\\":{\\"code\\":\\"insufficient_quota\\"}}"}}'
    minted = outcome(Observation("mint", (exchange(429, body, **MINT),)), "inconclusive", "a limit was hit")
    not_asked = outcome(Observation("intent"), "inconclusive", "the account has no credit")
    assert [(d.cause, d.confidence) for d in diagnose([minted, not_asked])] == [
        ("upstream-account-exhausted", "high"),
        ("quota-exhausted", "low"),
    ]


SHOWN = '{"error":{"message":"Incorrect API key provided: sk-proj-******%s.","code":"invalid_api_key"}}'
MINT: dict[str, Any] = {
    "url": "https://gateway.example/v1/realtime/client_secrets",
    "credential": "api-key",
    "request_headers": (("Authorization", "Bearer sk-proj-****************abcd"),),
}


@pytest.mark.parametrize(("end", "cause"), [("wxyz", "upstream-key-refused"), ("abcd", "key-wrong-or-revoked")])
def test_a_refused_key_with_another_end_than_the_one_sent_is_a_gateways_own(end: str, cause: str) -> None:
    refused = Observation("mint", (exchange(401, json.loads(SHOWN % end), **MINT),))
    (found,) = diagnose([outcome(refused, "fail", "the API key itself is refused")])
    assert (found.cause, found.confidence) == (cause, "high")


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Internal server error: [Errno 111] Connect call failed ('127.0.0.1', 9)", "upstream-unreachable"),
        ("Internal server error: server rejected WebSocket connection: HTTP 401", "upstream-key-refused"),
        (
            "No deployments available for selected model, Try again in 5 seconds. All deployments for sel",
            "model-cooled-down",
        ),
    ],
)
def test_the_reason_of_a_gateways_close_tells_of_its_upstream(said: str, cause: str) -> None:
    upgrade = exchange(101, None, **MINT | {"url": "wss://gateway.example/v1/realtime"})
    peer = PeerTrace("c1", close={"code": "1011", "reason": said})
    (found,) = diagnose([outcome(Observation("model", (upgrade,), peers=(peer,)))])
    assert found.cause == cause


def test_what_a_check_observes_outweighs_what_the_text_says() -> None:
    refused = refusal(401, "invalid_api_key", "Incorrect API key provided: ek_1***.", **OFFER)
    failed = outcome(Observation("a", (refused,)), "fail", "a token is refused where it belongs")
    warned = outcome(Observation("b", (refused,)), "warn", "the model ends soon")
    assert [(d.cause, d.confidence) for d in diagnose([warned, failed])] == [
        ("token-of-another-issuer", "medium"),
        ("model-retired", "low"),
    ]
    assert diagnose([outcome(Observation("a", (refused,)), "pass")]) == ()


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


# Causes of which the catalogue's fix says all that the case's hint says; read, and found so.
SAYS_THE_SAME = {
    "answer-not-sdp",
    "answer-without-candidates",
    "connection-closed-early",
    "credential-refused-at-websocket-alone",
    "data-channel-never-opens",
    "dtls-no-answer",
    "generic-server-error",
    "hangup-refused",
    "key-wrong-or-revoked",
    "local-clock-off",
    "location-header-missing",
    "mint-ttl-field-unknown",
    "model-kind-not-checked",
    "model-retired",
    "network-login-required",
    "no-session-slot-free",
    "proxy-login-required",
    "quota-exhausted",
    "refused-alike",
    "refused-update-applied",
    "sdp-content-type",
    "semantic-vad-accepted-but-not-effective",
    "server-asks-for-no-key",
    "server-unavailable",
    "session-of-another-kind",
    "session-update-unanswered",
    "subprotocol-not-selected",
    "token-kind-url-mismatch",
    "token-of-another-issuer",
    "transcripts-missing-or-late",
    "update-not-applied",
}


@pytest.mark.parametrize("fault", grouped((f,) for f in load_faults()))
def test_under_each_fault_the_verdict_says_what_its_case_says(fault: str) -> None:
    report = run(fault)
    rows = {f"{o.id}.{row.id}": row for o in report.checks for row in o.rows}
    for told in report.diagnosis:
        naming = [rows[case] for case in told.evidence if rows[case].finding.hint]
        firmest = min(naming, key=lambda row: RANK[found.confidence] if (found := named(row.finding, row.seen)) else 3)
        hint = addressed(firmest.finding.hint or "", report.target.base_url)
        assert hint.lower() in told.fix.lower() or told.cause in SAYS_THE_SAME, (told.cause, hint, told.fix)
        assert "//api.openai.com" not in told.fix + told.line + told.ask
        assert told.line.count("://127.0.0.1") == told.line.count(report.target.base_url.partition("/v1")[0][4:])


def sent_in_vain(report: Report) -> set[tuple[str, str]]:
    """Of the cases that failed: where mints and real offers went that were refused, each with its session as text."""
    minted = {x.id: x for x in report.exchanges}
    found = set()
    for row in (row for o in report.checks for row in o.rows if row.finding.status in ("fail", "inconclusive")):
        for one in row.seen.exchanges:
            body = minted[one.credential_from].request_body if one.credential_from else one.request_body
            if not one.ok and (one.status != 400 or "m=audio" in (one.request_body or "{")):
                found.add(
                    (one.url, json.dumps(json.loads(body or "{}").get("session")) if body and body[0] == "{" else "")
                )
    return found


@pytest.mark.parametrize("fault", grouped((f,) for f in load_faults()))
def test_what_should_work_is_nothing_that_was_just_refused(fault: str) -> None:
    report = run(fault)
    if (right := report.corrected) is None:
        return
    base_url = report.target.base_url
    (session,) = re.findall(r"-d '(.*)'$", right.mint, re.DOTALL)
    sent = json.dumps(json.loads(session)["session"])
    assert (f"{base_url}/realtime/client_secrets", sent) not in sent_in_vain(report)
    assert (f"{base_url}/realtime/calls", sent) not in sent_in_vain(report)
    for text in (right.mint, right.offer, right.page, right.unified or base_url):
        assert base_url in text
    assert right.unified is None or findings_of(report)["sdp.multipart"] != "fail"
    assert not {"fail", "inconclusive"} & {findings_of(report).get(f"sdp.answer-{k}") for k in report.target.kinds}


def findings_of(report: Report) -> dict[str, str]:
    return {f"{o.id}.{row.id}": row.finding.status for o in report.checks for row in o.rows}


@pytest.mark.parametrize(
    "fault",
    grouped((f,) for f in ("mint-refused", "sdp-empty-error", "sdp-server-error", "answer-is-json", "model-shut-down")),
)
def test_where_only_the_same_request_is_left_none_is_shown(fault: str) -> None:
    assert run(fault).diagnosis
    assert run(fault).corrected is None


def test_what_should_work_is_shown_where_the_session_is_another_than_the_refused_one() -> None:
    session = {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}}}
    report = run_on_emulator(session=session, only=["vad.own-mint"])
    assert report.diagnosis[0].cause == "vad-fields-of-other-mode"
    assert report.corrected is not None
    assert "threshold" not in report.corrected.mint


def test_a_session_that_cannot_be_mended_is_not_given_again() -> None:
    session = {"type": "realtime", "model": "gpt-nobody-knows"}
    report = run_on_emulator(session=session, only=["vad.own-connect"], kinds=("realtime",))
    assert report.diagnosis[0].cause == "model-not-a-realtime-model"
    assert report.corrected is None or "gpt-nobody-knows" not in report.corrected.mint


def test_a_model_that_soon_ends_is_not_asked_for_again() -> None:
    report = run_on_emulator(realtime_model="gpt-realtime", kinds=("realtime",), only=["key.model-realtime", "sdp"])
    assert report.diagnosis[0].cause == "model-retired"
    assert report.corrected is not None
    assert '"gpt-realtime-2.1"' in report.corrected.mint


HOPELESS = ["key-revoked", "gateway-html", "rate-limited", "ice-blocked", "country-unsupported"]


@pytest.mark.parametrize("fault", grouped((f,) for f in HOPELESS))
def test_where_no_other_request_helps_none_is_shown(fault: str) -> None:
    assert run(fault).diagnosis
    assert run(fault).corrected is None


def test_a_green_run_needs_no_other_request() -> None:
    assert run_on_emulator().corrected is None


@pytest.mark.parametrize("fault", grouped((f,) for f in load_faults()))
def test_what_a_report_keeps_leads_to_what_the_run_named(fault: str) -> None:
    report, read = run(fault), kept(fault)
    again = diagnose(read.checks, read.target.base_url, read.target.recognised_as)
    assert [(d.cause, d.confidence) for d in again] == [(d.cause, d.confidence) for d in report.diagnosis]


ONE_OF_EACH_STATUS = {fault.status: fault.id for fault in load_faults().values()}.values()


@pytest.mark.parametrize("fault", grouped((f,) for f in sorted({*HOPELESS, *ONE_OF_EACH_STATUS})))
def test_explaining_the_report_of_a_run_names_what_the_run_named(fault: str) -> None:
    report = run(fault)
    (told,) = explain(io.BytesIO(written(fault).encode()), "report.json", Mask())
    assert told.form == "rtdiag report"
    assert [(d.cause, d.confidence) for d in told.diagnosis] == [(d.cause, d.confidence) for d in report.diagnosis]
    assert told.note or told.diagnosis
