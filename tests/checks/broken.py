"""Whole runs under each fault, each run once and looked at by several tests, which `grouped` keeps side by side."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from rtdiag.emulator import load_faults
from rtdiag.model import Report
from rtdiag.recorded import report_in
from rtdiag.report import render
from rtdiag.testing import run_on_emulator
from tests.forked import server

# What these faults do is silence: a phase of their runs lasts as long as it may. All others end by themselves.
SILENT = {
    "no-answer",
    "ice-blocked",
    "udp-silent-tcp-works",
    "unroutable-candidate",
    "wrong-ice-password",
    "no-candidates",
    "dtls-silent",
    "channel-never-opens",
    "no-session-created",
    "error-after-connect",
    "update-never-echoed",
    "access-not-enabled",
}
SILENCE_S, HEALTHY_S = 1.5, 10.0


# What needs speech to be seen. It is paced as for a real server, 17 seconds a run and most of them waiting.
HEARD = [f.id for f in load_faults().values() if any(glob.startswith("vad-effect.") for glob in f.sees)]
WELL = "no fault"
# What only a browser meets: a run without one is a healthy server's.
OF_PAGES = {f.id for f in load_faults().values() if f.sees and all(glob.startswith("browser.") for glob in f.sees)}
WHOLE = {fault_id: fault for fault_id, fault in load_faults().items() if fault_id not in OF_PAGES}


def run(fault_id: str, only: str | None = None) -> Report:
    """A whole run under a fault, or one for a single case; with the wait for a token's end, or with speech, where that shows it."""
    return _heard()[fault_id] if fault_id in HEARD and only is None else _run(fault_id, only)


@cache
def written(fault_id: str) -> str:
    """The report of that whole run as JSON."""
    return render(run(fault_id), "json")


@cache
def kept(fault_id: str) -> Report:
    """That report as it is read back."""
    return report_in(written(fault_id))


def heard_well() -> Report:
    """A run of `vad-effect` under no fault; its tests belong in the group "heard"."""
    return _heard()[WELL]


@cache
def _heard() -> Mapping[str, Report]:
    """All runs with speech, side by side, two for each core."""
    names = [*HEARD, WELL]
    with ProcessPoolExecutor(2 * (os.cpu_count() or 1), server()) as pool:
        return dict(zip(names, pool.map(_played, names), strict=True))


def _played(name: str) -> Report:
    if name == WELL:
        return run_on_emulator(only=["vad-effect"])
    return run_on_emulator(faults=[name], allow=["audio"])


@cache
def _run(fault_id: str, only: str | None) -> Report:
    return asked(fault_id, only=[only] if only else ())


def asked(fault_id: str, **options: Any) -> Report:
    """The run under that fault, with other options, but without speech."""
    longest_s = SILENCE_S if fault_id in SILENT else HEALTHY_S
    fault = load_faults()[fault_id]
    waits = any(fnmatchcase("token.expired", glob) for glob in fault.sees)
    return run_on_emulator(
        faults=[fault_id],
        allow=["wait"] if waits else (),
        longest_s=longest_s,
        profile=next(iter(fault.profiles), "openai"),
        **options,
    )


def grouped(given: Iterable[tuple[str, ...]]) -> list[ParameterSet]:
    """The rows of a parametrisation, each in the group of the fault that it begins with (see tests/conftest.py)."""
    groups = ((row, "heard" if row[0] in HEARD else row[0]) for row in given)
    return [pytest.param(*row, marks=pytest.mark.xdist_group(group)) for row, group in groups]
