"""What is asked at the same time says the same, costs the same, and is no burden to the server."""

from __future__ import annotations

import itertools

import pytest

from rtdiag.emulator import load_faults
from rtdiag.model import Exchange, Report
from rtdiag.testing import row, run_on_emulator
from tests.checks.broken import HEARD, asked, grouped, run

# At home, where alone things are asked at the same time. What needs speech is played to all its sessions at once anyway.
FAULTS = [fault.id for fault in load_faults().values() if not fault.profiles]


def together(exchanges: list[Exchange]) -> int:
    """How many were under way at the same moment, at most."""
    begun = [(x.at_ms, 1) for x in exchanges]
    ended = [(x.at_ms + x.timing_ms.get("total", 0.0), -1) for x in exchanges]
    return max(itertools.accumulate(change for _, change in sorted(begun + ended, key=lambda at: (at[0], at[1]))))


def verdicts(report: Report) -> dict[str, tuple[str, str | None]]:
    return {f"{o.id}.{r.id}": (r.finding.status, r.finding.cause) for o in report.checks for r in o.rows}


@pytest.mark.parametrize("fault_id", grouped((fault,) for fault in FAULTS))
def test_every_fault_gives_the_same_verdict_one_at_a_time(fault_id: str) -> None:
    apart, at_once = asked(fault_id, at_once=1), asked(fault_id) if fault_id in HEARD else run(fault_id)
    assert verdicts(at_once) == verdicts(apart)
    assert [(d.cause, d.confidence) for d in at_once.diagnosis] == [(d.cause, d.confidence) for d in apart.diagnosis]
    assert (at_once.exit_code, len(at_once.left_open)) == (apart.exit_code, len(apart.left_open))


def test_a_healthy_run_costs_the_same_and_says_the_same_in_the_same_order() -> None:
    at_once, apart = run_on_emulator(), run_on_emulator(at_once=1)
    assert at_once.cost == apart.cost
    assert list(verdicts(at_once).items()) == list(verdicts(apart).items())
    assert [x.id for x in at_once.exchanges] == [f"x{n}" for n in range(1, at_once.cost.requests + 1)]
    assert together([*apart.exchanges]) == 1
    assert together([*at_once.exchanges]) > 2


@pytest.mark.parametrize("most", [2, 6])
def test_no_more_requests_are_under_way_than_the_user_wishes_beside_those_that_open_sessions(most: int) -> None:
    report = run_on_emulator(at_once=most, only=["endpoint", "vad"])
    polite = [x for x in report.exchanges if "/calls" in x.url or "client_secrets" in x.url or "realtime" in x.url]
    assert 2 <= together(polite) <= most + _OPENING


# A session of each kind is opened beside them, with the mint and the control that it needs.
_OPENING = 4


def test_what_was_asked_ahead_on_a_way_that_is_shut_is_in_the_record_and_no_evidence() -> None:
    report = run_on_emulator(faults=["connection-cut"])
    assert [x.credential for x in report.exchanges] == ["made-up", "api-key"]
    assert row(report, "key.accepted").finding.status == "skip"
    assert row(report, "key.accepted").seen.exchanges == ()


@pytest.mark.parametrize("profile", ["litellm", "compatible"])
def test_a_stranger_is_asked_one_thing_at_a_time_but_for_the_key_beside_a_made_up_one(profile: str) -> None:
    report = run_on_emulator(profile=profile)
    beside, asked_next = report.exchanges[:2], report.exchanges[2:]
    assert {x.credential for x in beside} == {"made-up", "api-key"}
    assert together([*asked_next]) == 1
