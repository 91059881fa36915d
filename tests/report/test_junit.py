"""The JUnit report, read back by junitparser, and its shape by the rules of the two schemas that its readers know."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from rtdiag.engine.results import FailOn, exit_code
from rtdiag.model import Cost, Finding, Observation, Outcome, Report, Row, Status
from rtdiag.report import cases, junit
from tests.checks.broken import grouped, run
from tests.report.hostile import filled

FAULTS = grouped([("key-revoked",), ("ice-blocked",), ("no-answer",), ("vad-refused",)])
RESULTS: dict[Status, type | None] = {
    "fail": Failure,
    "error": Error,
    "inconclusive": Error,
    "skip": Skipped,
    "pass": None,
    "info": None,
    "warn": None,
}

# By element, the attributes and the children that junit-10.xsd (jenkinsci/xunit-plugin) allows.
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        {"properties", "testcase"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "classname", "time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}


def read(report: Report) -> JUnitXml:
    """The report as junitparser reads it; in shape, and with counts that are right at every level."""
    text = junit.render(report)
    root = ElementTree.fromstring(text)
    for element in root.iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.attrib) <= attributes
        assert {child.tag for child in element} <= children
    found = JUnitXml.fromstring(text.encode("utf-8"))
    assert isinstance(found, JUnitXml)
    total = Counter[str]()
    for suite in found:
        counts = counted(suite)
        assert (suite.tests, suite.failures, suite.errors, suite.skipped) == tuple(counts[k] for k in COUNTS)
        total += counts
    assert (found.tests, found.failures, found.errors) == tuple(total[k] for k in COUNTS[:3])
    assert found.tests
    return found


COUNTS = ("tests", "Failure", "Error", "Skipped")


def counted(suite: TestSuite) -> Counter[str]:
    counts = Counter[str]()
    for case in suite:
        counts.update(["tests", *(type(result).__name__ for result in case.result)])
    return counts


def listed(found: JUnitXml) -> dict[tuple[str, str], TestCase]:
    """Its tests by class and name; no two have both in common."""
    names = [(case.classname, case.name) for suite in found for case in suite]
    assert len(set(names)) == len(names)
    return {(case.classname, case.name): case for suite in found for case in suite}


def red(report: Report) -> bool:
    found = read(report)
    return bool(found.failures + found.errors)


def judged(outcomes: tuple[Outcome, ...], fail_on: FailOn = "inconclusive", *, interrupted: bool = False) -> Report:
    """A report of these outcomes alone, with the exit code that a run of them has."""
    code = exit_code(outcomes, interrupted=interrupted, fail_on=fail_on)
    return replace(run("key-revoked"), checks=outcomes, exit_code=code, interrupted=interrupted, diagnosis=())


def outcome(*statuses: Status) -> Outcome:
    rows = tuple(
        Row(f"c{n}", "it works", Finding(f"c{n}", s, "seen"), Observation(f"c{n}")) for n, s in enumerate(statuses)
    )
    return Outcome("own", "an own check", statuses[0], None, 1.0, (), Cost(), rows)


BROKEN = Outcome("plugin", "a check of another package", "error", "ImportError: no module", 0.0, (), Cost(), ())


@pytest.mark.parametrize("fault", FAULTS)
def test_each_case_is_a_test_with_its_result(fault: str) -> None:
    report = run(fault)
    found = listed(read(report))
    assert len(found) == len(cases.of_run(report))
    for case in cases.of_run(report):
        test = found[f"rtdiag.{case.check}", f"{case.row.id}: {case.row.title}"]
        kind = RESULTS[case.finding.status]
        assert [type(result) for result in test.result] == ([kind] if kind else [])
        if kind:
            assert test.result[0].message == case.finding.measured
        assert bool(test.system_out) == (case.finding.status in ("info", "warn"))
    assert red(report) == (report.exit_code != 0)


def test_a_failure_says_all_that_a_person_needs() -> None:
    report = run("key-revoked")
    (failed,) = [case for case in listed(read(report)).values() if case.result and isinstance(case.result[0], Failure)]
    row = next(case.row for case in cases.of_run(report) if case.finding.status == "fail")
    exchange = row.seen.exchange
    assert exchange
    assert failed.result[0].type == "key-wrong-or-revoked"
    for text in (
        "expected: 200",
        row.finding.hint,
        exchange.body,
        exchange.correlation["x-request-id"],
        "curl -sS -i",
        "the run's verdict: FAIL key-wrong-or-revoked (high)",
    ):
        assert text
        assert text.strip() in failed.result[0].text


def test_properties_name_the_run_and_the_ids_of_what_failed() -> None:
    report = run("key-revoked")
    suite = next(suite for suite in read(report) if suite.name == "key")
    found = {p.name: p.value for p in suite.properties()}  # type: ignore[no-untyped-call]
    assert found["target"] == report.target.base_url
    assert found["model"] == report.target.model
    assert found["transcription-model"] == report.target.transcription_model
    assert found["tool"] == f"rtdiag {report.version}"
    assert found["started-at"].startswith(f"{report.started_at:%Y-%m-%dT%H:%M:%S}")
    assert found["emulator"].startswith("EMULATOR (as of ")
    (ids,) = [value for name, value in found.items() if name.startswith("ledger.key.accepted.")]
    assert f"x-request-id={report.exchanges[-1].correlation['x-request-id']}" in ids


def test_inconclusive_is_an_error_that_says_so() -> None:
    report = run("ice-blocked")
    found = listed(read(report))["rtdiag.sdp", "ice-realtime: realtime: does ICE find a way?"]
    assert found.result[0].type == "inconclusive: ice-udp-blocked"


@pytest.mark.parametrize(
    ("outcomes", "fail_on", "kind"),
    [
        ((), "inconclusive", "nothing-selected"),
        ((outcome("warn", "pass"),), "warn", "warnings-count"),
        ((outcome("info", "skip"),), "inconclusive", "nothing-proven"),
        ((outcome("warn", "skip"),), "inconclusive", "nothing-proven"),
    ],
)
def test_what_no_case_shows_is_a_test_of_the_run(outcomes: tuple[Outcome, ...], fail_on: FailOn, kind: str) -> None:
    report = judged(outcomes, fail_on)
    assert report.exit_code
    (result,) = listed(read(report))["rtdiag.run", "the run"].result
    assert result.type == kind
    assert f"exit {report.exit_code}" in result.text


def test_an_interrupted_run_says_so_also_beside_other_failures() -> None:
    for first in (outcome("pass"), outcome("fail", "pass")):
        report = judged((first, replace(outcome("skip"), id="later")), interrupted=True)
        assert report.exit_code == 130
        assert listed(read(report))["rtdiag.run", "the run"].result[0].type == "interrupted"


def test_a_plug_in_without_cases_is_a_test() -> None:
    report = judged((outcome("pass"), BROKEN))
    assert report.exit_code == 4
    (result,) = listed(read(report))["rtdiag.plugin", "plugin: a check of another package"].result
    assert isinstance(result, Error)
    assert result.message == "ImportError: no module"


@pytest.mark.parametrize("fail_on", ["fail", "inconclusive", "warn", "never"])
@pytest.mark.parametrize(
    "outcomes",
    [(), (BROKEN,), (outcome("pass", "info"),)]
    + [(outcome(s),) for s in RESULTS]
    + [(outcome(s), outcome("pass")) for s in RESULTS],
)
def test_nothing_that_exits_otherwise_than_0_is_green(outcomes: tuple[Outcome, ...], fail_on: FailOn) -> None:
    unique = tuple(replace(one, id=f"own{n}") for n, one in enumerate(outcomes))
    for interrupted in (False, True):
        report = judged(unique, fail_on, interrupted=interrupted)
        assert red(report) or report.exit_code == 0


def test_times_are_those_of_both_schemas() -> None:
    root = ElementTree.fromstring(junit.render(run("ice-blocked")))
    for element in root.iter():
        assert "time" not in element.attrib or re.fullmatch(r"\d+\.\d{3}", element.attrib["time"])
        if element.tag == "testsuite":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.attrib["timestamp"])
    slow = next(e for e in root.iter("testcase") if e.attrib["name"].startswith("answer-realtime"))
    assert float(slow.attrib["time"]) > 0


@pytest.mark.parametrize("fault", FAULTS)
def test_hostile_texts_change_no_result(fault: str) -> None:
    plain, report = run(fault), filled(run(fault))
    text = junit.render(report)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]", text)
    found = list(listed(read(report)).values())
    kinds = [RESULTS[case.finding.status] for case in cases.of_run(plain)]
    assert [type(test.result[0]) if test.result else None for test in found] == kinds
    failed = next(test for test in found if test.result and type(test.result[0]) in (Failure, Error))
    assert r"\u0000\u001b[31m\u009b\ud800\ufffe\uffff\u202e" in failed.result[0].text
    assert "]]></failure></script>" in failed.result[0].text


def test_a_body_of_megabytes_is_cut_and_says_so() -> None:
    report = run("body-oversized")
    assert max(len(exchange.body or "") for exchange in report.exchanges) > 1_000_000
    text = junit.render(report)
    assert read(report)
    assert len(text) < 300_000
    assert "more characters; -o json has the whole text" in text
