"""Every fault of the emulator is seen by the case that must see it, with its status and its cause; every case can fail."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase

import pytest

from rtdiag.api.endpoints import KINDS
from rtdiag.api.turn_rules import rules_of
from rtdiag.diagnosis import catalogue
from rtdiag.emulator import Fault, load_faults
from rtdiag.engine import registry
from rtdiag.testing import finding, run_on_emulator
from tests.checks.broken import OF_PAGES, WHOLE, grouped, run

# All but what a page is asked in a browser: test_browser.py, test_browser_judge.py, and tests/browser.
CHECKS = [check for check in registry.load(()).checks.values() if check.id != "browser"]
CASES = [f"{check.id}.{case.id}" for check in CHECKS for case in check.cases]


def seen_by(fault: Fault) -> list[str]:
    return [case for case in CASES if any(fnmatchcase(case, glob) for glob in fault.sees)]


FAULTS = {fault.id: fault for fault in WHOLE.values() if seen_by(fault)}
# Measured only: public sources disagree or are silent, so nothing that comes here is right or wrong.
MEASURED = {
    "key.environment",
    "server.who",
    "server.models",
    "server.mint",
    "server.calls",
    "server.transcription",
    "token.second-use",
    "token.elsewhere",
    "token.beta-mint-realtime",
    "token.beta-mint-transcription",
    "sdp.second-use",
    "sdp.charset",
    "websocket.beta-header",
}
# Of the rules of turn detection, those whose refusal nobody has posted; what is known of the beta alone: test_vad_rules.py.
MEASURED |= {f"vad-rules.{k}-{rule.id}" for k in KINDS for rule in rules_of(k) if rule.source(k, "ga") is None}
# What makes these red is what the user gives, not the server: tested in test_own.py and test_key.py.
OWN = {"vad.own-mint", "vad.own-connect", "vad.own-update", "vad.own-culprit"}
GIVEN = {"key.shape", "key.base-url", "token.url", "token.own", *OWN}


# What a broken network turns red, a clock, or who reads along: tests/network, test_way_judge.py, test_speed.py.
BY_THE_WAY = {case for case in CASES if case.startswith(("network.", "speed."))} - {"network.clock", "network.answer"}
# Where offers go in the beta alone: red there, measured only today.
IN_THE_BETA = ("endpoint.model-realtime-token", "endpoint.intent-transcription-token", "endpoint.model-made-up")


# What a fault shows beside its own cause, with as much right: the same refusal seen from another side.
ALSO = {"update-not-applied": {"vad-not-applied"}, "vad-refused": {"semantic-vad-not-accepted"}}


@pytest.mark.parametrize(("fault_id", "case"), grouped((f, case) for f in FAULTS for case in seen_by(FAULTS[f])))
def test_a_fault_is_seen(fault_id: str, case: str) -> None:
    fault = FAULTS[fault_id]
    alone = not fault.set.get("answers_updates", True)  # after the first silence a session is asked nothing more
    found = finding(run(fault_id, case if alone else None), case)
    assert (found.status, found.cause) == (fault.status, fault.cause)
    assert found.cause is None or found.cause in catalogue.causes()
    assert found.hint
    assert found.measured


@pytest.mark.parametrize("fault_id", grouped((f,) for f in FAULTS))
def test_a_fault_is_the_verdict_of_a_whole_run_and_nothing_else_is_held_with_confidence(fault_id: str) -> None:
    fault, report = FAULTS[fault_id], run(fault_id)
    assert "error" not in {r.finding.status for o in report.checks for r in o.rows}, "a server can break no check"
    if fault.status == "info":
        assert report.diagnosis == ()
        return
    assert report.diagnosis[0].cause == fault.cause
    assert {d.cause for d in report.diagnosis if d.confidence == "high"} - {fault.cause} <= ALSO.get(fault_id, set())


def test_each_fault_is_seen_by_a_case() -> None:
    """All but those of tests/clients/test_client_faults.py and tests/browser/test_faults_of_pages.py."""
    assert set(FAULTS) == {fault.id for fault in load_faults().values() if fault.sees} - OF_PAGES


def test_what_only_a_browser_meets_a_run_without_one_does_not_see() -> None:
    report = run_on_emulator(faults=sorted(OF_PAGES))
    assert (report.diagnosis, report.exit_code) == ((), 0)


# What needs speech is asked together, in test_vad_effect.py.
@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("vad-effect.")])
def test_each_case_can_be_asked_alone(case: str) -> None:
    report = run_on_emulator(only=[case], allow=["wait"])
    assert {r.finding.status for o in report.checks for r in o.rows} <= {"pass", "info", "skip"}
    assert finding(report, case).status in ("pass", "info") or case in GIVEN


def test_every_case_that_can_fail_has_a_fault_that_turns_it_red() -> None:
    shown = {
        case
        for fault_id, fault in FAULTS.items()
        if fault.status in ("fail", "warn", "inconclusive")
        for case in seen_by(FAULTS[fault_id])
    }
    matrix = {case for case in CASES if case.startswith("endpoint.") and not case.startswith("endpoint.calls-")} - set(
        IN_THE_BETA
    )
    shown |= set(IN_THE_BETA)
    assert not set(CASES) - shown - MEASURED - GIVEN - matrix - BY_THE_WAY
    assert set(CASES) >= (MEASURED | GIVEN)


@pytest.mark.parametrize(
    ("fault_id", "case", "status", "cause"),
    [
        ("token-refused", "endpoint.model-realtime-token", "fail", "token-of-another-issuer"),
        ("token-refused", "endpoint.intent-transcription-token", "fail", "transcription-over-webrtc-refused"),
        ("made-up-token-accepted", "endpoint.model-made-up", "warn", "server-asks-for-no-key"),
    ],
)
def test_where_offers_go_in_the_beta_a_cell_turns_red_too(fault_id: str, case: str, status: str, cause: str) -> None:
    assert case in IN_THE_BETA
    found = finding(run_on_emulator(as_of=date(2025, 4, 10), faults=[fault_id], only=["endpoint"]), case)
    assert (found.status, found.cause) == (status, cause)
