"""Whole runs on the emulator side by side: two healthy ones are alike, and each fault shows as the cases that must see it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from fnmatch import fnmatchcase
from functools import cache

import pytest

from rtdiag.compare.diff import Diff, as_json, diff, text
from rtdiag.emulator import Fault, load_faults
from rtdiag.engine import registry
from rtdiag.model import Outcome, Report
from rtdiag.recorded import report_in
from rtdiag.report import json as json_report
from rtdiag.testing import run_on_emulator
from tests.checks.broken import SILENT, grouped, run
from tests.report.hostile import filled

# What needs speech or a browser is left out of the healthy run that all are compared with.
CASES = [
    f"{check.id}.{case.id}"
    for check in registry.load(()).checks.values()
    for case in check.cases
    if case.allow not in ("audio", "browser")
]


def seen_by(fault: Fault) -> list[str]:
    return [case for case in CASES if any(fnmatchcase(case, glob) for glob in fault.sees)]


# One fault for each check and status that it gives; silent ones take seconds each. tests/checks sees that all of them are found.
SAMPLE = {
    (seen_by(fault)[0].partition(".")[0], fault.status): fault.id
    for fault in load_faults().values()
    if seen_by(fault) and not fault.profiles and fault.id not in SILENT and "token.expired" not in seen_by(fault)
}


@cache
def healthy(number: int = 0) -> Report:
    return report_in(json_report.render(run_on_emulator(longest_s=10 + number)))


@cache
def under(fault_id: str) -> Diff:
    return diff(healthy(), run(fault_id))


def turned(found: Diff) -> dict[str, tuple[str, str]]:
    return {t.case: (t.old.status, t.new.status) for t in found.turned}


def without_times(found: Diff) -> Diff:
    return replace(found, slower=(), faster=())


def test_two_healthy_runs_say_that_nothing_changed() -> None:
    found = without_times(diff(healthy(), healthy(1)))
    assert found.same
    assert not found.worse
    assert found.compared > 100
    assert f"\nnothing changed: {found.compared} cases compared\n" in text(found)
    assert found.settings == ()


def test_a_run_of_another_week_that_is_as_healthy_says_the_same() -> None:
    """Its `expires_at`, dates and all are a week later."""
    old = healthy()
    week = timedelta(days=7)
    shifted = report_in(_later(json_report.render(old), week))
    assert shifted.started_at - old.started_at == week
    assert without_times(diff(old, shifted)).same


def _later(rendered: str, by: timedelta) -> str:
    """The rendered report with every unix time, `Date` and time of its own so much later."""
    given = json.loads(rendered)
    for name in ("started_at", "finished_at"):
        given[name] = (datetime.fromisoformat(given[name]) + by).isoformat()

    def text_later(said: str | None) -> str | None:
        seconds = int(by.total_seconds())
        return said and re.sub(
            r'("expires_at": ?)([1-9]\d+)', lambda found: f"{found[1]}{int(found[2]) + seconds}", said
        )

    for exchange in given["exchanges"]:
        exchange["body"] = text_later(exchange["body"])
        exchange["response_headers"] = [
            [k, format_datetime(parsedate_to_datetime(v) + by, usegmt=True) if k == "Date" else v]
            for k, v in exchange["response_headers"]
        ]
    for event in given["events"]:
        event["raw"] = text_later(event["raw"])
    return json.dumps(given)


@pytest.mark.parametrize("fault_id", grouped((f,) for f in sorted(SAMPLE.values())))
def test_a_fault_shows_as_the_cases_that_must_see_it(fault_id: str) -> None:
    fault, found = load_faults()[fault_id], under(fault_id)
    cases = turned(found)
    assert set(seen_by(fault)) <= cases.keys()
    for case in seen_by(fault):
        assert cases[case][1] == fault.status
    passed = any(cases[case][0] == "pass" for case in seen_by(fault))
    assert found.worse or not (passed and fault.status in ("fail", "warn", "inconclusive"))
    assert f"{'WORSE' if found.worse else 'changed'}: " in text(found)
    assert fault_id in text(found)


def test_turned_round_what_broke_is_better() -> None:
    forth, back = under("no-location"), diff(run("no-location"), healthy())
    assert turned(forth) == {case: (new, old) for case, (old, new) in turned(back).items()}
    assert {t.case for t in forth.turned if t.kind == "broken"} == {t.case for t in back.turned if t.kind == "better"}
    assert forth.worse
    assert not back.worse
    assert [(c.of, c.old, c.new) for c in forth.answers] == [(c.of, c.new, c.old) for c in back.answers]
    assert {(c.of, c.old, c.new) for c in forth.answers} == {("location", "present", "absent")}


def test_the_order_of_checks_cases_and_records_does_not_count() -> None:
    def reversed_(report: Report) -> Report:
        def check(outcome: Outcome) -> Outcome:
            return replace(outcome, rows=outcome.rows[::-1])

        checks = tuple(check(o) for o in report.checks[::-1])
        return replace(report, checks=checks, exchanges=report.exchanges[::-1], events=report.events[::-1])

    new = run("gateway-speaks-beta")
    assert diff(healthy(), reversed_(new)) == diff(healthy(), new) == diff(reversed_(healthy()), new)


@pytest.mark.xdist_group("heard")  # what needs speech is run together
def test_defaults_that_a_session_echoes_are_told_by_their_paths() -> None:
    found = under("vad-silently-replaced")
    told = {(c.where, c.of, c.old, c.new) for c in found.defaults}
    path = "audio.input.turn_detection.threshold"
    assert {(where, path, "0.6", "0.5") for where in ("session.updated", "POST /realtime/client_secrets")} <= told
    assert found.answers == ()


def test_the_beta_of_another_day_is_told_in_the_head() -> None:
    beta = run_on_emulator(as_of=date(2025, 4, 10))
    found = diff(beta, healthy())
    names = [setting.name for setting in found.settings]
    assert names[:2] == ["emulator", "dialects"]
    assert "model" in names
    assert "2025-04-10" in text(found).splitlines()[0]


def test_cases_that_were_not_chosen_are_listed_and_are_no_worse() -> None:
    found = without_times(diff(healthy(), run_on_emulator(only=["key"])))
    assert {p.how for p in found.presences} == {"vanished"}
    assert {p.why for p in found.presences} == {"not among the cases that were chosen"}
    assert len(found.presences) + found.compared >= 100
    assert not found.worse
    assert "not among the cases that were chosen" in text(found)


def test_cases_of_a_kind_that_was_not_asked_about_say_so() -> None:
    found = diff(healthy(), run_on_emulator(only=["token"], kinds=("realtime",)))
    whys = {p.case: p.why for p in found.presences}
    assert whys["token.mint-transcription"] == "transcription sessions were not asked about"
    assert not found.worse


def test_a_wait_that_was_allowed_appears() -> None:
    found = diff(healthy(), run_on_emulator(only=["token"], allow=["wait"]))
    (appeared,) = (p for p in found.presences if p.how == "appeared")
    assert (appeared.case, appeared.judged.status) == ("token.expired", "pass")
    assert appeared.why == "opt in with --allow wait"


def test_a_run_whose_every_text_is_hostile_is_told_all_the_same() -> None:
    found = diff(filled(healthy()), filled(run("gateway-speaks-beta")))
    lines = text(found).splitlines()
    assert lines[0].startswith("--- old: EMULATOR")
    assert lines[-1] == "EMULATOR: nothing of either run was asked of the live API"
    assert all(line.isprintable() for line in lines)
    assert json.loads(as_json(found).encode())["worse"] is True
