"""A run against the emulator as another server ends well: what that offers works, and nothing is said to be wrong."""

from __future__ import annotations

import pytest

from rtdiag.emulator.profiles import profiles
from rtdiag.testing import run_on_emulator


@pytest.mark.parametrize("profile", profiles())
def test_a_healthy_server_is_found_so(profile: str) -> None:
    report = run_on_emulator(profile=profile)
    assert report.exit_code == 0
    assert not {r.finding.status for o in report.checks for r in o.rows} & {"fail", "inconclusive", "error"}
