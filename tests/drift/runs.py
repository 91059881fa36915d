"""Whole runs on the emulator as the JSON that the command line writes, and what comparing shows; each made once per process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from rtdiag.compare import drift as drifting
from rtdiag.compare.drift import Drift
from rtdiag.recorded import reading
from rtdiag.report import render
from rtdiag.testing import run_on_emulator
from tests.checks import broken

Report = dict[str, Any]


@cache
def _text(fault_id: str | None, as_of: date | None) -> str:
    if fault_id:
        return broken.written(fault_id)
    return render(run_on_emulator(as_of=as_of, allow=["wait"]), "json")


def report(fault_id: str | None = None, as_of: date | None = None) -> Report:
    """The report of a whole run, healthy or under a fault; a copy that may be changed."""
    return dict(json.loads(_text(fault_id, as_of)))


def compare(given: Mapping[str, Any], as_of: date | None = None) -> Drift:
    """That JSON report, read and compared."""
    return drifting.compare(reading.report(given), as_of)


@cache
def drift(fault_id: str | None = None, as_of: date | None = None) -> Drift:
    """That report compared."""
    return drifting.compare(broken.kept(fault_id)) if fault_id else compare(report(as_of=as_of))


def differing(found: Drift) -> set[str]:
    """The ids of all that differs."""
    return {d.id for d in found.differences}


def left_out(found: Drift) -> set[str]:
    """The ids of all that was not compared."""
    return {i for left in found.not_compared for i in left.ids}


def exchange(given: Report, method: str, path: str, status: int | None = None) -> dict[str, Any]:
    """The first exchange of that method, path and query below the base URL, and status if one is given."""
    base = given["target"]["base_url"]
    return next(
        x
        for x in given["exchanges"]
        if (x["method"], x["url"]) == (method, base + path) and status in (None, x["status"])
    )


def received(given: Report, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first received event of that type, and what it says; `put` writes the latter back."""
    event = next(e for e in given["events"] if e["direction"] == "received" and e["type"] == kind)
    return event, json.loads(event["raw"])


def put(event: dict[str, Any], said: Mapping[str, Any]) -> None:
    """Let that event have said this."""
    event["raw"], event["type"] = json.dumps(said), said["type"]
