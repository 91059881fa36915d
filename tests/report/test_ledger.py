"""The ledger: every id that support can look for, in the order of time, and the curl lines beside it. Made by hand, no network."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from rtdiag.api.keys import MADE_UP_KEY, MADE_UP_TOKEN
from rtdiag.engine import registry
from rtdiag.engine.rejudge import replay, turned
from rtdiag.model import (
    Cost,
    CredentialShown,
    Emulated,
    Event,
    Exchange,
    Failure,
    Finding,
    Observation,
    Outcome,
    PeerTrace,
    Report,
    Row,
    Status,
    Target,
)
from rtdiag.recorded import reading, unfolding
from rtdiag.report import cassette, curl, ledger, render
from rtdiag.testing import exchange, refusal

BEGAN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CHECKS = registry.load(()).checks


def report(*outcomes: Outcome, emulated: bool = False, **more: Any) -> Report:
    target = Target("https://api.openai.com/v1", "openai", ("ga",), "m", "t")
    emulator = Emulated(as_of="2026-11-13", faults=[]) if emulated else None
    return Report(
        version="0",
        started_at=BEGAN,
        finished_at=BEGAN,
        target=replace(target, emulator=emulator),
        credential=CredentialShown("api-key", "OPENAI_API_KEY", "sk-***"),
        overall="fail",
        exit_code=1,
        interrupted=False,
        cost=Cost(),
        checks=outcomes,
        diagnosis=(),
        corrected=None,
        exchanges=more.pop("exchanges", ()),
        events=more.pop("events", ()),
        peers=more.pop("peers", ()),
        not_tested=(),
        left_open=(),
        redactions=(),
    )


def outcome(check: str, status: Status, *cases: tuple[str, Finding, Observation]) -> Outcome:
    rows = tuple(Row(case, "title", finding, seen) for case, finding, seen in cases)
    return Outcome(check, "title", status, None, 0.0, (), Cost(), rows)


def ids(*exchanges: Exchange, events: tuple[Event, ...] = ()) -> list[Mapping[str, str]]:
    return [entry.ids for entry in ledger.entries(report(exchanges=exchanges, events=events))]


def test_every_name_of_a_request_is_in_it_and_the_order_is_that_of_time() -> None:
    late = exchange(201, "v=0", url="https://x/v1/realtime/calls", headers={"location": "/v1/realtime/calls/rtc_a1"})
    named = {"x-request-id": "req_1", "x-client-request-id": "rtdiag-1", "cf-ray": "ray-1", "date": "today"}
    late = replace(late, correlation=named, at_ms=2000.5)
    hangup = replace(exchange(200, url="https://x/v1/realtime/calls/rtc_b2/hangup"), at_ms=1000)
    event = Event(
        "e1",
        "p1/oai-events",
        "received",
        1500,
        "session.created",
        '{"event_id": "event_1", "session": {"id": "sess_1"}}',
    )
    nameless = Event("e2", "p1/oai-events", "received", 1600, "x", '{"type": "x"}')
    found = ledger.entries(report(exchanges=(late, hangup), events=(event, nameless)))
    assert [(e.source, (e.at - BEGAN).total_seconds()) for e in found] == [("x1", 1.0), ("e1", 1.5), ("x1", 2.0005)]
    assert [dict(e.ids) for e in found] == [
        {"call": "rtc_b2"},
        {"session": "sess_1", "event": "event_1"},
        {"x-request-id": "req_1", "x-client-request-id": "rtdiag-1", "cf-ray": "ray-1", "call": "rtc_a1"},
    ]


def test_a_request_without_an_answer_is_in_it_and_a_url_that_is_none_breaks_nothing() -> None:
    silent = replace(exchange(None, None, url="http://[x/"), failure=Failure("timeout", "answer", "…"))
    (entry,) = ledger.entries(report(exchanges=(silent,)))
    assert entry.what == "POST http://[x/: no answer (timeout)"
    assert ids(exchange(200, '{"session": {"id": "sess_9"}}'))[0] == {"session": "sess_9"}


def lines(**more: Any) -> str:
    headers = more.pop("request_headers", (("authorization", "Bearer sk-***"),))
    return curl.line(
        replace(exchange(401, url=more.pop("url", "https://x/v1/models")), request_headers=headers, **more), report()
    )


@pytest.mark.parametrize(
    ("credential", "sent", "shown"),
    [
        ("api-key", "sk-***", "$OPENAI_API_KEY"),
        ("own-token", "ek_***", "$RTDIAG_TOKEN"),
        ("realtime-token", "ek_***", "$EPHEMERAL_TOKEN"),
        ("made-up", MADE_UP_KEY, MADE_UP_KEY),
        ("made-up", MADE_UP_TOKEN, MADE_UP_TOKEN),
    ],
)
def test_each_credential_has_its_variable(credential: str, sent: str, shown: str) -> None:
    assert f'-H "authorization: Bearer {shown}"' in lines(
        credential=credential, request_headers=(("authorization", f"Bearer {sent}"),)
    )
    assert "authorization" in lines(credential=credential, request_headers=()), "a cassette leaves it out"
    assert "authorization" not in lines(credential="none", request_headers=())


def test_an_upgrade_is_asked_for_as_one() -> None:
    headers = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "eA=="), ("Host", "x"))
    shown = lines(url="wss://x/v1/realtime", credential="none", request_headers=headers)
    assert "--http1.1 -X GET https://x/v1/realtime" in shown.replace("-X POST", "-X GET")
    assert all(f"-H '{name}: " in shown for name in ("Connection", "Upgrade", "Sec-WebSocket-Key"))
    assert "Host" not in shown


@pytest.mark.parametrize("body", ["it's\n", "a\\n\r\n\x01'", "plain 'quoted' $HOME `x`", "v=0\r\na=x\r\n"])
def test_a_shell_sends_the_body_as_it_was(body: str) -> None:
    quoted = lines(request_body=body).rpartition("--data-binary ")[2]
    done = subprocess.run(["bash", "-c", f"printf %s {quoted}"], capture_output=True, check=True)
    assert done.stdout.decode() == body


def test_a_masked_password_is_made_up_at_its_length() -> None:
    assert f"a=ice-pwd:{'x' * 24}" in lines(request_body=f"v=0\r\na=ice-pwd:{'*' * 24}\r\n")


def test_a_warning_has_its_line_and_a_pass_has_none() -> None:
    seen = Observation("c", (refusal(401),))
    told = {
        s: curl.of_row(Row("c", "t", Finding("c", s, "m"), seen), report()) for s in ("warn", "pass", "info", "skip")
    }
    assert [status for status, shown in told.items() if shown] == ["warn"]


def test_what_was_told_without_evidence_still_stands_before_what_rests_on_it() -> None:
    refused = Finding("accepted", "fail", "401")
    minted = Observation("mint-realtime", (exchange(200, {"value": "ek_***"}),), facts={"kind": "realtime"})
    old = report(
        outcome("key", "fail", ("accepted", refused, Observation("accepted"))),
        outcome("token", "pass", ("mint-realtime", Finding("mint-realtime", "pass", "200"), minted)),
    )
    new = replay(old, CHECKS)
    assert new.checks[1].rows[0].finding.measured == "needs key.accepted: it failed"
    assert "token.mint-realtime: was pass, is skip" in list(turned(old, new))


def test_the_day_and_the_host_are_those_of_the_record() -> None:
    took = Observation("control", (exchange(200, {"data": []}, credential="made-up"),))
    official = report(outcome("key", "fail", ("control", Finding("control", "fail", "200"), took)))
    other = replace(official, target=replace(official.target, recognised_as="unknown"))
    statuses = [replay(one, CHECKS).checks[0].rows[0].finding.status for one in (official, other)]
    assert statuses == ["fail", "warn"]


def test_what_broke_after_the_last_case_is_not_green_when_it_is_judged_again() -> None:
    took = Observation("control", (refusal(401, "invalid_api_key", credential="made-up"),))
    one = outcome("key", "error", ("control", Finding("control", "pass", "401"), took))
    broken = replace(one, reason="RuntimeError: late")
    new = replay(report(broken), CHECKS)
    assert (new.checks[0].status, new.checks[0].reason, new.exit_code) == ("error", "RuntimeError: late", 4)
    assert new.checks[0].rows[0].finding.status == "pass"


def test_a_case_that_an_older_judge_broke_on_is_judged_today() -> None:
    took = Observation("control", (refusal(401, "invalid_api_key", credential="made-up"),))
    one = outcome("key", "error", ("control", Finding("control", "error", "KeyError: x"), took))
    new = replay(report(replace(one, reason="KeyError: x")), CHECKS)
    assert (new.checks[0].status, new.checks[0].reason, new.exit_code) == ("pass", None, 0)


def test_another_cause_of_the_same_status_is_told() -> None:
    old = report(outcome("a", "fail", ("b", Finding("b", "fail", "m", cause="one"), Observation("b"))))
    new = report(outcome("a", "fail", ("b", Finding("b", "fail", "m", cause="two"), Observation("b"))))
    assert list(turned(old, new)) == ["a.b: was fail (one), is fail (two)"]


def test_a_body_that_is_no_base64_is_refused() -> None:
    parsed = cassette.content(report(exchanges=(exchange(200, "x"),)))["rtdiag"]
    parsed["exchanges"] = [
        {"id": "x", "method": "GET", "url": "u", "credential": "none", "body": "%", "body_encoding": "base64"}
    ]
    with pytest.raises(ValueError, match="not a whole report"):
        reading.report(parsed)


def test_what_vcrpy_cannot_replay_stays_out_or_is_spelt_out() -> None:
    cut = replace(exchange(200, "x"), failure=Failure("closed", "answer", "…"))
    odd = exchange(200, "x", headers={"x-name": "é"})
    upgrade = exchange(101, "", url="wss://x/v1/realtime")
    text = render(report(exchanges=(cut, odd, upgrade)), "cassette")
    held = unfolding.parsed(text)["interactions"]
    assert [one["response"]["headers"] for one in held] == [{"x-name": ["\\xe9"]}]
    assert len(reading.report_in(text).exchanges) == 3


def test_a_line_holds_no_record_that_a_line_before_it_held() -> None:
    import json

    shared = exchange(200, "x")
    told = Finding("b", "pass", "m")
    one = outcome("a", "pass", ("b", told, Observation("b", (shared,))))
    lines = render(
        report(one, replace(one, id="c"), exchanges=(shared,), peers=(PeerTrace("p1"),)), "ndjson"
    ).splitlines()
    assert [[x["id"] for x in json.loads(line)["exchanges"]] for line in lines] == [[], ["x1"], [], []]


def test_a_check_without_cases_is_counted() -> None:
    import json

    broken = Outcome("plug", "t", "error", "no such module", 0.0, (), Cost(), ())
    assert json.loads(render(report(broken), "json"))["summary"]["error"] == 1


def test_a_fact_that_no_json_knows_costs_no_report() -> None:
    odd = outcome(
        "a", "pass", ("b", Finding("b", "pass", "m"), Observation("b", facts={"x": object(), "nan": float("nan")}))
    )
    for form in ("json", "ndjson", "cassette"):
        assert "object object at" in render(report(odd), form)
