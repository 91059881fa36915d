"""Reports as earlier versions wrote them (schema 1, before fields were declared once) are read by everything that reads reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtdiag.compare.diff import diff
from rtdiag.compare.drift import compare
from rtdiag.diagnosis.explaining import explain_input
from rtdiag.engine import registry
from rtdiag.engine.rejudge import replay
from rtdiag.intake import Unusable
from rtdiag.model import Finding, Report
from rtdiag.recorded import report_in
from rtdiag.redact import Mask
from rtdiag.report import json as json_report

OLD = Path(__file__).parent / "fixtures"
FORMS = ("report.json", "report.ndjson", "cassette.yaml")


def old(name: str) -> Report:
    return report_in((OLD / name).read_text(encoding="utf-8"))


def accepted(report: Report) -> Finding:
    return next(row.finding for outcome in report.checks for row in outcome.rows if row.id == "accepted")


@pytest.mark.parametrize("name", FORMS)
def test_it_is_read_whole_and_judged_again(name: str) -> None:
    found = old(name)
    assert (found.version, found.overall, found.exit_code) == ("0.1.0", "fail", 1)
    assert (accepted(found).status, accepted(found).cause) == ("fail", "key-wrong-or-revoked")
    assert accepted(found).observed == ()
    assert accepted(replay(found, registry.load(()).checks)).status == "fail"
    assert len(found.exchanges) == len(json.loads((OLD / "report.json").read_text(encoding="utf-8"))["exchanges"])


@pytest.mark.parametrize("name", FORMS)
def test_nothing_differs_between_the_forms_of_one_run(name: str) -> None:
    found = diff(old("report.json"), old(name))
    assert (found.compared, found.turned) == (7, ())


@pytest.mark.parametrize("name", FORMS[:2])
def test_it_is_explained(name: str) -> None:
    (told,) = explain_input(str(OLD / name), Mask())
    assert told.form == "rtdiag report"
    assert told.diagnosis[0].cause == "key-wrong-or-revoked"


@pytest.mark.parametrize("name", FORMS[:2])
def test_it_is_asked_again(name: str) -> None:
    found = compare(report_in((OLD / name).read_text(encoding="utf-8"), whole=True))
    refused = [d.id for d in found.differences if d.what == "status"]
    assert (found.exchanges, refused) == (2, ["x2"]), "the key was revoked there"
    assert {d.of for d in found.differences} == {"", "access-control-allow-origin"}, (
        "which today's API sends to pages alone"
    )


def test_a_cassette_is_not_asked_again_for_it_does_not_hold_all_that_was_sent() -> None:
    with pytest.raises(Unusable, match=r"^a cassette, which leaves out credentials and headers: give the JSON report"):
        report_in((OLD / "cassette.yaml").read_text(encoding="utf-8"), whole=True)


def test_a_time_before_the_run_began_is_refused() -> None:
    told = json.loads((OLD / "report.json").read_text(encoding="utf-8"))
    told["exchanges"][0]["at_ms"] = -1
    with pytest.raises(Unusable, match=r"^not a whole report of rtdiag: exchanges\[0\]\.at_ms cannot be -1$"):
        report_in(json.dumps(told))


def test_what_it_holds_is_written_again_as_it_was() -> None:
    was = json.loads((OLD / "report.json").read_text(encoding="utf-8"))
    now = json_report.as_json(old("report.json"))
    for check in now["checks"]:
        for case in check["cases"]:
            assert (case.pop("observed"), case.pop("ignored")) == ([], None)
    for exchange in now["exchanges"]:
        assert (exchange.pop("reached"), exchange.pop("by")) == ("", "")
    for peer in now["peers"]:
        assert peer.pop("by") == ""
    assert (now["target"].pop("name"), now["target"].pop("recognised_by"), now["target"].pop("offers")) == ("", [], {})
    assert now.pop("seal") == "", "which is put in last"
    assert json.dumps(now) == json.dumps(was), "also in the same order"
