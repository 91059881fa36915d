"""The screen: what fits a terminal of which width, what comes first and last, and what is not said twice, or not at all."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from functools import cache

import pytest

from rtdiag.model import Report
from rtdiag.report import cases, curl, render
from rtdiag.testing import run_on_emulator

WIDTHS = (60, 80, 120)
FOUNDING = "if your app shows this body"


@cache
def a_run(name: str) -> Report:
    own = {"type": "realtime", "turn_detection": {"type": "semantic_vad"}}
    return {
        "green": lambda: run_on_emulator(),
        "thread": lambda: run_on_emulator(as_of=date(2025, 3, 21)),
        "revoked": lambda: run_on_emulator(faults=["key-revoked"]),
        "own": lambda: run_on_emulator(session=own, only=["key", "vad.own-*"]),
    }[name]()


def copied(report: Report) -> str:
    """What must stay as it is, to be copied: what was answered, sent and is to be run, and where it was asked."""
    rows = [case.row for case in cases.of_run(report)]
    lines = [curl.of_row(row, report) or "" for row in rows]
    lines += [x.body or "" for x in report.exchanges] + [found.line for found in report.diagnosis]
    lines += [f"{x.method} {x.url}  ({x.credential})" for x in report.exchanges]
    lines += [
        f"HTTP {x.status}  {x.header('content-type')}  x-request-id={x.header('x-request-id')}"
        for x in report.exchanges
    ]
    if report.corrected:
        lines += [report.corrected.mint, report.corrected.offer, report.corrected.page]
    return "\n".join(lines)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["green", "thread", "revoked", "own"])
@pytest.mark.parametrize("verbose", [False, True])
def test_what_is_not_to_be_copied_fits_the_terminal(name: str, width: int, verbose: bool) -> None:
    report = a_run(name)
    kept = copied(report)
    for line in render(report, "table", width=width, verbose=verbose).splitlines():
        words = line.split()
        assert len(line) <= width or len(words) == 1 or line.strip().removeprefix("the line: ") in kept, line


def test_a_log_is_not_wrapped_to_anything() -> None:
    lines = render(a_run("thread"), "table").splitlines()
    assert any(len(line) > max(WIDTHS) for line in lines)
    assert any(line.startswith("    offer posted to") and "use instead" in line for line in lines), "the matrix, whole"


@pytest.mark.parametrize("name", ["green", "thread", "revoked"])
def test_the_verdict_is_first_in_a_log_and_last_on_a_terminal(name: str) -> None:
    verdict = re.compile(r"^. [a-z ]+: [^\n]* \(exit \d\)$", re.MULTILINE)
    log, screen = render(a_run(name), "table"), render(a_run(name), "table", width=120)
    assert verdict.match(log)
    found = verdict.search(screen)
    assert found
    after = screen[found.end() :].strip().split("\n\n")
    assert len(after) == 1, "its causes, and nothing else"
    assert "not tested: " in screen[: found.start()]


def test_what_is_well_shows_no_body_where_nothing_is_red() -> None:
    green, red = a_run("green"), a_run("thread")
    assert "HTTP 4" not in render(green, "table")
    assert FOUNDING in render(green, "table", verbose=True)
    assert FOUNDING in render(red, "table")


def test_a_warning_alone_is_not_red() -> None:
    assert FOUNDING not in render(replace(a_run("green"), overall="warn"), "table")


@pytest.mark.parametrize("verbose", [False, True])
def test_what_was_expected_is_said_of_what_did_not_come(verbose: bool) -> None:
    heads = [
        line.split()
        for line in render(a_run("green"), "table", verbose=verbose).splitlines()
        if line.split()[:1] == ["case"]
    ]
    assert heads == [["case", "measured"]] * len(heads)
    assert bool(heads) == verbose
    (line,) = [one for one in render(a_run("revoked"), "table").splitlines() if one.startswith("    ✗   accepted ")]
    assert line.split() == ["✗", "accepted", "200", "401", "invalid_api_key"]


def test_as_in_is_said_of_the_same_answer_alone() -> None:
    report = run_on_emulator(faults=["captive-portal"], only=["key"])
    accepted, control = (row for row in report.checks[1].rows if row.id in ("accepted", "control"))
    (page,) = control.seen.exchanges
    other = replace(control, seen=replace(control.seen, exchanges=(replace(page, body="<html>another</html>"),)))
    rows = tuple(other if row is control else row for row in report.checks[1].rows)
    told = render(replace(report, checks=(replace(report.checks[1], rows=rows),)), "table")
    assert accepted.seen.exchange
    assert "as in key.accepted" in render(report, "table")
    assert "as in key.accepted" not in told
    assert "<html>another</html>" in told


def test_skips_for_one_reason_are_one_line() -> None:
    report = run_on_emulator(faults=["key-revoked"], only=["key", "token", "endpoint"])
    text, verbose = (render(report, "table", verbose=verbose) for verbose in (False, True))
    assert [line for line in text.splitlines() if "needs key.accepted" in line] == [
        "    - 2 skipped: needs key.accepted: it failed",
        "- 3 checks skipped: needs key.accepted: it failed (server, token, endpoint)",
    ]
    assert "    - 2 skipped: needs key.accepted: it failed (model-realtime, model-transcription)\n" in verbose


def test_no_figure_stands_apart_from_its_word() -> None:
    for width in range(60, 121):
        for line in render(a_run("green"), "table", width=width).splitlines():
            assert not re.search(r"[ (]\d+$", line), line
