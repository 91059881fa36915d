"""What GitHub's runner makes of the report: read by its own rules (actions/runner, src/Runner.Common/ActionCommand.cs, 2026)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import pytest

from rtdiag.model import SEVERITY, Report
from rtdiag.report import cases, github, markdown
from tests.checks.broken import grouped, run
from tests.report.hostile import filled

FAULTS = grouped([("key-revoked",), ("ice-blocked",), ("no-answer",), ("vad-refused",)])


@dataclass(frozen=True)
class Annotation:
    kind: str
    title: str
    message: str


def annotation(line: str) -> Annotation:
    """A line as the runner reads it; AssertionError for one that it would take for no command and print."""
    assert line.startswith("::")
    head, _, data = line[2:].partition("::")
    name, _, properties = head.partition(" ")
    assert name in ("error", "warning", "notice")
    pairs = dict(pair.split("=", 1) for pair in properties.split(","))
    assert set(pairs) == {"title"}
    title = pairs["title"].replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",")
    message = data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    return Annotation(name, title.replace("%25", "%"), message)


def read(report: Report) -> list[Annotation]:
    """All annotations; the runner ends a line at each of CR and LF."""
    text = github.render(report)
    assert text.endswith("\n")
    assert "\r" not in text
    return [annotation(line) for line in text.removesuffix("\n").split("\n")]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_verdict_comes_first_and_then_the_worst(fault: str) -> None:
    report = run(fault)
    first, *found = read(report)
    assert first.kind == "error"
    assert f"{report.overall.upper()} {report.diagnosis[0].cause} ({report.diagnosis[0].confidence})" in first.title
    assert f"what to do: {report.diagnosis[0].fix}" in first.message
    assert first.message.endswith(f"; exit {report.exit_code}")
    kinds = ["error", "warning", "notice"]
    assert [one.kind for one in found] == sorted((one.kind for one in found), key=kinds.index)
    looked = [case for case in cases.of_run(report) if case.finding.status in cases.NEEDS_A_LOOK]
    looked.sort(key=lambda case: SEVERITY.index(case.finding.status))
    for case, shown in zip(looked[:8], found[:8], strict=False):
        assert shown.title == f"{case.id} ({case.finding.status}): {case.row.title}"
        assert f"measured: {case.finding.measured}" in shown.message


@pytest.mark.parametrize("fault", FAULTS)
def test_the_emulator_is_named_first_and_last(fault: str) -> None:
    found = read(run(fault))
    assert found[0].message.startswith("EMULATOR (as of ")
    assert found[-1].message.startswith("EMULATOR (as of ")


def test_the_ids_to_quote_are_in_the_annotation() -> None:
    report = run("key-revoked")
    shown = read(report)[1]
    assert f"x-request-id={report.exchanges[-1].correlation['x-request-id']}" in shown.message


def test_no_more_than_ten_of_a_kind_and_the_tenth_names_the_rest() -> None:
    report = run("vad-refused")
    whole = read(report)
    outcome = next(outcome for outcome in report.checks if outcome.id == "vad")
    many = tuple(replace(row, finding=replace(row.finding, status="fail")) for row in outcome.rows)
    found = read(replace(report, checks=(replace(outcome, rows=many),)))
    for shown in (whole, found):
        assert max(Counter(one.kind for one in shown).values()) <= 10
    rest = [one for one in found if one.kind == "error"][-1]
    assert rest.title == f"{len(many) - 8} more cases"
    assert all(f"vad.{row.id}: " in rest.message for row in many[8:])


def test_a_healthy_run_is_a_notice() -> None:
    report = replace(run("key-revoked"), overall="pass", exit_code=0, checks=(), diagnosis=())
    report = replace(report, target=replace(report.target, emulator=None))
    (only,) = read(report)
    assert (only.kind, only.title) == ("notice", "rtdiag: PASS all is well")


@pytest.mark.parametrize("fault", FAULTS)
def test_hostile_texts_begin_no_command_and_no_line(fault: str) -> None:
    plain, found = read(run(fault)), read(filled(run(fault)))
    assert [one.kind for one in found] == [one.kind for one in plain]
    for one in found:
        assert one.title.isprintable()
        for line in one.message.split("\n"):
            assert line.isprintable()
            assert not line.lstrip().startswith(("::", "##["))
    assert "::error::x" in found[0].message
    assert "%0A%25" in found[0].message


def test_the_summary_is_the_markdown_report() -> None:
    report = run("key-revoked")
    assert github.summary(report) == markdown.render(report)
    assert len(github.summary(report).encode("utf-8")) < 1024 * 1024
