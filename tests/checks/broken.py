"""Whole runs under each fault, each run once and looked at by several tests, which `grouped` keeps side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache

import pytest
from _pytest.mark.structures import ParameterSet

from rtdiag.emulator import load_faults
from rtdiag.model import Report
from rtdiag.testing import run_on_emulator

# What these faults do is silence: a phase of their runs lasts as long as it may. All others end by themselves.
SILENT = {
    "no-answer",
    "ice-blocked",
    "no-candidates",
    "dtls-silent",
    "channel-never-opens",
    "no-session-created",
    "error-after-connect",
    "update-never-echoed",
}
SILENCE_S, HEALTHY_S = 1.0, 10.0


def run(fault_id: str, only: str | None = None) -> Report:
    """A whole run under a fault, or one for a single case; with the wait for a token's end, or with speech, where that shows it."""
    return _run(fault_id, only)


@cache
def _run(fault_id: str, only: str | None) -> Report:
    longest_s = SILENCE_S if fault_id in SILENT else HEALTHY_S
    return run_on_emulator(
        faults=[fault_id], only=[only] if only else (), allow=list(_opted_in(fault_id)), longest_s=longest_s
    )


def _opted_in(fault_id: str) -> Iterator[str]:
    """What must be allowed to see it. Speech is paced as it is for a real server: some 20 seconds, most of them waiting."""
    sees = load_faults()[fault_id].sees
    if any(fnmatchcase("token.expired", glob) for glob in sees):
        yield "wait"
    if any(glob.startswith("vad-effect.") for glob in sees):
        yield "audio"


def grouped(rows: Iterable[tuple[str, ...]]) -> list[ParameterSet]:
    """The rows of a parametrisation, each in the group of the fault that it begins with (see tests/conftest.py)."""
    return [pytest.param(*row, marks=pytest.mark.xdist_group(row[0])) for row in rows]
