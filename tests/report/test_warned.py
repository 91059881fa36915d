"""A run that works and has something to warn of: each format says what that is, in words, and none that all is well."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from rtdiag.model import Finding, Observation, Outcome, Report, Row, Status
from rtdiag.report import github, phrases, render
from rtdiag.report.table import render as table
from rtdiag.testing import run_on_emulator

SLOW = "looking names up takes long"
EACH_TIME = "3.0 s each time, 27.0 s in all, 9 look-ups"
WORDS = f"works, but looking names up takes long: {EACH_TIME}"
FORMATS = ("table", "short", "markdown", "html", "github", "junit", "json", "ndjson")


def warned(
    *, passes: bool = True, measured: str = EACH_TIME, observed: tuple[str, ...] = ("looking names up takes long",)
) -> Report:
    """A run that passed, beside which looking names up was slow; without a cause."""
    report = run_on_emulator(only=["key.shape"])
    finding = Finding("names", "warn", measured, observed=observed)
    row = Row("names", "how long were names looked up?", finding, Observation("names"))
    slow = Outcome("speed", "What did the way cost?", "warn", None, 1.0, (), report.checks[0].cost, (row,))
    rest = report.checks[:1] if passes else ()
    return replace(
        report, checks=(*rest, slow), overall="warn", exit_code=0, target=replace(report.target, emulator=None)
    )


def test_the_headline_says_it_in_words() -> None:
    assert phrases.in_words(warned()) == WORDS
    assert phrases.verdict(warned()) == f"WARN {WORDS}"
    assert table(warned()).startswith(f"! {WORDS}: 1 pass, 1 warn (exit 0)")


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_it(form: str) -> None:
    text = render(warned(), form)
    assert "looking names up takes long" in text
    assert re.search(r"WARN|works, but|\bwarn\b", text)
    assert "all is well" not in text


def test_so_does_the_page_of_a_step() -> None:
    assert "looking names up takes long" in github.summary(warned())


def test_the_warning_that_shows_the_first_cause_is_the_one() -> None:
    report = run_on_emulator(only=["key"], faults=["no-auth-needed"])
    assert (report.overall, report.exit_code) == ("warn", 0)
    assert phrases.in_words(report).startswith("works, but a made-up credential is taken: ")
    assert report.diagnosis[0].cause == "server-asks-for-no-key"


@pytest.mark.parametrize(
    ("sessions", "words"),
    [("pass", "works, but the STUN server does not answer: stun:a did not answer"), ("fail", "something is wrong")],
)
def test_a_server_that_sessions_do_without_is_told_beside_that_they_work(sessions: Status, words: str) -> None:
    def one(check: str, case: str, status: Status, *observed: str) -> Outcome:
        finding = Finding(case, status, "stun:a did not answer", observed=observed)
        rows = (Row(case, "a question?", finding, Observation(case)),)
        return Outcome(check, "A question?", status, None, 1.0, (), warned().checks[0].cost, rows)

    silent = one("network", "ice-servers", "inconclusive", "the STUN server does not answer")
    report = replace(warned(), checks=(silent, one("sdp", "ice-realtime", sessions)))
    report = replace(report, overall="inconclusive" if sessions == "pass" else "fail", exit_code=3)
    assert phrases.in_words(report) == words


def test_where_nothing_passed_nothing_works() -> None:
    assert phrases.in_words(warned(passes=False)) == "well, with warnings"


def test_what_is_measured_steers_no_format() -> None:
    said = phrases.in_words(warned(measured="\x1b[31m`<b>\n" + "x" * 500, observed=()))
    assert said.startswith("works, but speed.names: \\u001b[31m`<b> x")
    assert len(said) == 160


WAY = "a round trip takes 100 ms, and waiting for it cost about 9.0 s of 21.0 s"


def costly(overall: Status = "pass") -> Report:
    """A run that passed by a long way, which is no warning."""
    report = warned()
    finding = Finding("cost", "info", WAY, observed=("the way",))
    speed = replace(
        report.checks[-1], status="info", rows=(Row("cost", "what did it cost?", finding, Observation("cost")),)
    )
    return replace(report, checks=(*report.checks[:-1], speed), overall=overall, diagnosis=())


@pytest.mark.parametrize("form", ["table", "short", "markdown", "html", "github", "junit"])
def test_what_the_way_cost_is_a_line_of_every_format(form: str) -> None:
    text = render(costly(), form)
    assert f"the way: {WAY}" in " ".join(text.split())
    assert WAY not in render(costly("fail"), "short")


def test_of_a_run_that_failed_it_is_no_news() -> None:
    assert phrases.way(costly("fail")) == phrases.way(costly("inconclusive")) == phrases.way(warned()) == ""
