"""A report, its lines and its cassette are judged again as the run was judged, under every fault."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from rtdiag.engine import registry
from rtdiag.engine.rejudge import replay, turned
from rtdiag.intake import Unusable
from rtdiag.model import Exchange, Report
from rtdiag.recorded import reading
from rtdiag.report import render
from rtdiag.testing import finding, row, run_on_emulator
from tests.checks import broken

FORMS = ("json", "ndjson", "cassette")
# Of requests, of sessions, of sockets, of what is no text, and of what came not at all.
IN_EVERY_FORM = {"key-revoked", "vad-silently-replaced", "upgrade-cut", "body-oversized", "ice-blocked", "no-answer"}
CHECKS = registry.load(()).checks


def again(report: Report, form: str) -> Report:
    return replay(reading.report_in(render(report, form)), CHECKS)


def judgement(report: Report) -> Any:
    findings = {f"{o.id}.{r.id}": r.finding for o in report.checks for r in o.rows}
    statuses = [(o.id, o.title, o.status, o.reason) for o in report.checks]
    return findings, statuses, report.overall, report.exit_code, report.diagnosis, report.corrected


@pytest.mark.parametrize("fault", broken.grouped((fault,) for fault in broken.WHOLE))
def test_what_was_recorded_is_judged_as_it_was_seen(fault: str) -> None:
    report, kept = broken.run(fault), broken.kept(fault)
    for form in FORMS if fault in IN_EVERY_FORM else ("json",):
        new = replay(kept, CHECKS) if form == "json" else again(report, form)
        assert judgement(new) == judgement(report), form
        assert list(turned(report, new)) == []


@pytest.mark.parametrize("as_of", [date(2024, 10, 1), date(2025, 3, 21), date(2025, 9, 1), date(2026, 5, 12)])
def test_also_of_another_day_and_with_ones_own_session(as_of: date) -> None:
    own = {"type": "realtime", "instructions": "be brief"}
    report = run_on_emulator(as_of=as_of, session=own, kinds=("realtime",))
    for form in FORMS:
        assert judgement(again(report, form)) == judgement(report), form


def test_todays_catalogue_judges_what_an_older_one_did_not_know() -> None:
    report = broken.run("key-revoked")
    parsed = json.loads(render(report, "json"))
    case = next(c for check in parsed["checks"] for c in check["cases"] if c["id"] == "key.accepted")
    case.update(status="pass", cause=None, measured="what an older rtdiag made of it")
    old = reading.report(parsed)
    new = replay(old, CHECKS)
    assert finding(new, "key.accepted") == finding(report, "key.accepted")
    assert list(turned(old, new)) == ["key.accepted: was pass, is fail (key-wrong-or-revoked)"]
    assert (new.overall, new.exit_code) == ("fail", 1)


def test_other_evidence_is_judged_otherwise() -> None:
    report = run_on_emulator(only=["key"])
    seen = row(report, "key.accepted").seen

    def refused(exchange: Exchange) -> Exchange:
        body = json.dumps({"error": {"code": "account_deactivated", "message": "no", "type": "x", "param": None}})
        return replace(exchange, status=401, body=body) if exchange in seen.exchanges else exchange

    changed = replace(report, exchanges=tuple(map(refused, report.exchanges)))
    assert finding(again(changed, "json"), "key.accepted").cause == "account-deactivated"


def test_a_check_that_is_not_known_keeps_what_it_said() -> None:
    report = run_on_emulator(only=["key"])
    stranger = replace(report.checks[0], id="stranger")
    found = again(replace(report, checks=(*report.checks, stranger)), "json")
    assert [o.id for o in found.checks] == [*(o.id for o in report.checks), "stranger"]
    assert found.checks[-1].rows[0].finding == stranger.rows[0].finding


def test_a_requirement_that_fails_today_leaves_no_green_behind_it() -> None:
    parsed = json.loads(render(run_on_emulator(only=["token.mint-realtime"]), "json"))
    listed = next(x for x in parsed["exchanges"] if x["url"].endswith("/models") and x["credential"] == "api-key")
    listed["status"], listed["body"] = 401, '{"error": {"code": "invalid_api_key", "message": "Incorrect API key"}}'
    found = replay(reading.report(parsed), CHECKS)
    assert finding(found, "key.accepted").status == "fail"
    assert finding(found, "token.mint-realtime").measured == "needs key.accepted: it failed"


def test_the_fields_of_a_later_version_are_left_alone() -> None:
    parsed = json.loads(render(run_on_emulator(only=["key"]), "json"))
    for one in (parsed, parsed["target"], *parsed["exchanges"], *parsed["checks"], *parsed["checks"][0]["cases"]):
        one["later"] = {"version": 2}
    assert replay(reading.report(parsed), CHECKS).overall == "pass"


def test_a_report_of_an_earlier_version_lacks_what_came_later() -> None:
    parsed = json.loads(render(run_on_emulator(only=["key"]), "json"))
    for name in ("ledger", "masking", "diagnosis", "corrected", "left_open", "not_tested", "redactions"):
        del parsed[name]
    for name in ("kinds", "session"):
        del parsed["target"][name]
    for exchange in parsed["exchanges"]:
        del exchange["at_ms"], exchange["credential_from"]
    assert replay(reading.report(parsed), CHECKS).overall == "pass"


def test_lines_that_were_cut_off_are_a_report_up_to_there() -> None:
    report = broken.run("ice-blocked")
    lines = render(report, "ndjson").splitlines(keepends=True)
    kept = reading.report_in("".join(lines[:4]) + lines[4][:100])
    assert [o.id for o in kept.checks] == [o.id for o in report.checks[:3]]
    assert kept.interrupted
    with_all = reading.report_in("".join(lines))
    assert {p.id: p for p in with_all.peers} == {p.id: p for p in report.peers}
    assert len(with_all.exchanges) == len(report.exchanges)


def test_a_record_that_cannot_be_judged_keeps_its_judgement_and_says_so() -> None:
    report = run_on_emulator(only=["token.shape-realtime"])
    parsed = json.loads(render(report, "json"))
    for case in next(check for check in parsed["checks"] if check["id"] == "token")["cases"]:
        case["facts"] = {"odd": 1} if case["facts"] else {}
    old = reading.report(parsed)
    new = replay(old, CHECKS)
    assert [[row.finding for row in o.rows] for o in new.checks] == [
        [row.finding for row in o.rows] for o in old.checks
    ]
    assert list(turned(old, new)) == [
        "token: keeps its judgement, for what was recorded of it is not what rtdiag records"
    ]
    assert "KeyError" not in render(new, "json")


def test_a_record_of_which_a_judge_says_nothing_keeps_its_judgement() -> None:
    old = run_on_emulator(only=["token.shape-realtime"])
    silent = {id: replace(check, judge=lambda _: iter(())) for id, check in CHECKS.items()}
    new = replay(old, silent)
    assert [o.rows for o in new.checks] == [o.rows for o in old.checks]
    assert (new.exit_code, len(list(turned(old, new)))) == (old.exit_code, len(old.checks))


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("exchanges", 0, "url"), "https://[::1/", 'exchanges[0].url cannot be "https://[::1/"'),
        (("target", "base_url"), "http://x:99999/", 'target.base_url cannot be "http://x:99999/"'),
        (("started_at",), "soon", 'started_at cannot be "soon"'),
        (("started_at",), "0001-01-01T00:00:00+23:00", 'started_at cannot be "0001-01-01 00:00:00+23:00"'),
        (("target", "emulator", "as_of"), "today", 'target.emulator.as_of cannot be "today"'),
        (("exchanges", 1), 5, "exchanges[1] cannot be 5"),
        (("exchanges",), {}, "exchanges cannot be {}"),
        (("exchanges", 0, "request_headers"), [["a"]], 'exchanges[0].request_headers[0] cannot be ["a"]'),
        (("exchanges", 0, "body_encoding"), "base64", "exchanges[0].body cannot be"),
        (("checks", 0, "cases"), 7, "checks[0].cases cannot be 7"),
        (("exchanges", 0, "timing_ms"), {"wait": "1"}, 'exchanges[0].timing_ms cannot be {"wait": "1"}'),
        (("exchanges", 0), {"id": "x1"}, "exchanges[0] lacks 'method'"),
        (("schema_version",), 9, "written by a newer rtdiag"),
    ],
)
def test_an_odd_part_of_a_report_is_named(place: tuple[Any, ...], value: Any, told: str) -> None:
    parsed = json.loads(render(run_on_emulator(only=["key"]), "json"))
    *way, last = place
    inside = parsed
    for name in way:
        inside = inside[name]
    inside[last] = value
    with pytest.raises(Unusable) as refused:
        reading.report_in(json.dumps(parsed))
    assert told in str(refused.value)


def test_a_cassette_of_a_newer_rtdiag_is_told_before_its_parts_are_looked_at() -> None:
    text = render(run_on_emulator(only=["key"]), "cassette")
    newer = text.replace("rtdiag:\n", "rtdiag:\n  schema_version: 2\n  exchanges_in_another_form: []\n", 1)
    with pytest.raises(Unusable, match=r"^written by a newer rtdiag"):
        reading.report_in(newer)
