"""The one line: what it holds, and that it stays one line of at most 200 characters."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from rtdiag.model import Report
from rtdiag.report import short
from tests.checks.broken import grouped, run
from tests.report.hostile import filled

LINE = re.compile(
    r"rtdiag: (?P<status>(?:INTERRUPTED )?[A-Z]+) (?P<cause>\S+) \((?P<confidence>high|medium|low)\)(?:: (?P<advice>.*?))?"
    r" \[(?P<counts>[^]]*)\](?P<rest>.*) exit (?P<exit>\d+)\n"
)


def live(report: Report) -> Report:
    """The same as if it had been asked of the API."""
    return replace(report, target=replace(report.target, emulator=None, base_url="https://api.openai.com/v1"))


def test_it_says_what_to_do_and_what_to_quote() -> None:
    report = live(run("key-revoked"))
    found = LINE.fullmatch(short.render(report))
    assert found
    assert (found["status"], found["cause"], found["confidence"]) == ("FAIL", "key-wrong-or-revoked", "high")
    assert found["counts"] == "1 fail, 8 pass"
    assert found["advice"].endswith("…")
    assert report.diagnosis[0].fix.startswith(found["advice"].removesuffix("…"))
    assert len(found["advice"]) >= 40
    assert found["rest"].split() == [
        "https://api.openai.com/v1",
        f"x-request-id={report.exchanges[-1].correlation['x-request-id']}",
    ]
    assert found["exit"] == "1"


@pytest.mark.parametrize("fault", grouped([("key-revoked",), ("ice-blocked",), ("no-answer",), ("vad-refused",)]))
def test_it_agrees_with_the_report(fault: str) -> None:
    report = run(fault)
    found = LINE.fullmatch(short.render(report))
    assert found
    first = report.diagnosis[0]
    assert (found["status"].lower(), found["cause"], found["confidence"]) == (
        report.overall,
        first.cause,
        first.confidence,
    )
    emulator = report.target.emulator
    assert emulator
    assert f"EMULATOR(as of {emulator['as_of']}, {fault})" in found["rest"]
    assert int(found["exit"]) == report.exit_code


def test_an_interrupted_run_and_one_without_a_cause() -> None:
    report = replace(live(run("key-revoked")), interrupted=True, exit_code=130, diagnosis=())
    assert short.render(report).startswith("rtdiag: INTERRUPTED FAIL something is wrong [1 fail, 8 pass] ")
    nothing = replace(report, interrupted=False, overall="skip", exit_code=2, checks=())
    assert short.render(nothing) == "rtdiag: SKIP nothing was asked [no cases] https://api.openai.com/v1 exit 2\n"


@pytest.mark.parametrize("fault", grouped([("key-revoked",), ("ice-blocked",)]))
@pytest.mark.parametrize("interrupted", [True, False])
def test_it_stays_one_line_whatever_the_texts_hold(fault: str, interrupted: bool) -> None:
    hostile = replace(filled(run(fault)), interrupted=interrupted)
    for report in (hostile, live(hostile), filled(run(fault), "x" * 5000), filled(live(run(fault)), "\n" * 5000)):
        line = short.render(report)
        assert line.splitlines() == [line.removesuffix("\n")]
        assert len(line) <= 201
        assert line.removesuffix("\n").isprintable()
        assert line.endswith(f" exit {report.exit_code}\n")
