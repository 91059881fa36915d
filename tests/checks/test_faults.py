"""Every fault of the emulator is seen by the case that must see it, with its status and its cause; every case can fail."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase
from functools import cache

import pytest

from rtdiag import registry
from rtdiag.diagnosis import catalogue
from rtdiag.emulator import load_faults
from rtdiag.model import Report
from rtdiag.testing import finding, run_on_emulator

FAULTS = load_faults()
CASES = [f"{check.id}.{case.id}" for check in registry.load(()).checks.values() for case in check.cases]

# Measured only: public sources disagree or are silent, so nothing that comes here is right or wrong.
MEASURED = {
    "key.environment",
    "token.second-use",
    "token.elsewhere",
    "token.beta-mint-realtime",
    "token.beta-mint-transcription",
    "sdp.second-use",
    "sdp.charset",
}
# What makes these red is what the user gives, not the server: tested in test_own.py and test_key.py.
GIVEN = {"key.shape", "key.base-url", "token.url", "token.own", "vad.own-mint", "vad.own-update"}


# Where offers go in the beta alone: red there, measured only today.
IN_THE_BETA = ("endpoint.model-realtime-token", "endpoint.intent-transcription-token", "endpoint.model-made-up")


def seen_by(fault_id: str) -> list[str]:
    return [case for case in CASES if any(fnmatchcase(case, glob) for glob in FAULTS[fault_id].sees)]


@cache
def run(fault_id: str, only: tuple[str, ...]) -> Report:
    return run_on_emulator(faults=[fault_id], only=only, allow=["wait"] if "token.expired" in only else ())


@pytest.mark.parametrize(("fault_id", "case"), [(f, case) for f in FAULTS for case in seen_by(f)])
def test_a_fault_is_seen(fault_id: str, case: str) -> None:
    fault = FAULTS[fault_id]
    alone = not fault.set.get("answers_updates", True)  # after the first silence a session is asked nothing more
    found = finding(run(fault_id, (case,) if alone else tuple(seen_by(fault_id))), case)
    assert (found.status, found.cause) == (fault.status, fault.cause)
    assert found.cause is None or found.cause in catalogue.causes()
    assert found.hint
    assert found.measured


@pytest.mark.parametrize("fault_id", FAULTS)
def test_a_fault_is_seen_by_a_case_and_named_in_the_verdict(fault_id: str) -> None:
    fault, cases = FAULTS[fault_id], seen_by(fault_id)
    assert cases, "a fault that no case sees"
    if fault.status != "info":
        report = run(fault_id, tuple(cases[:1]) if not fault.set.get("answers_updates", True) else tuple(cases))
        assert fault.cause in {d.cause for d in report.diagnosis}


def test_every_case_that_can_fail_has_a_fault_that_turns_it_red() -> None:
    shown = {
        case
        for fault_id, fault in FAULTS.items()
        if fault.status in ("fail", "warn", "inconclusive")
        for case in seen_by(fault_id)
    }
    matrix = {case for case in CASES if case.startswith("endpoint.") and not case.startswith("endpoint.calls-")} - set(
        IN_THE_BETA
    )
    shown |= set(IN_THE_BETA)
    assert not set(CASES) - shown - MEASURED - GIVEN - matrix
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
