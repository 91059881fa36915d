"""The exchanges that differ, as a vcrpy cassette that can lie in cassettes/: what was asked, without credentials, and what came."""

from __future__ import annotations

from rtdiag.compare.drift.drift import Drift
from rtdiag.compare.drift.record import official
from rtdiag.model import Report
from rtdiag.redact import Mask
from rtdiag.report import cassette


def as_cassette(drift: Drift) -> str:
    """The exchanges that differ, in YAML; "" where none does. WebSockets and requests without an answer are left out."""
    report, differing = drift.report, {d.id for d in drift.differences}
    held = [cassette.interaction(x) for x in report.exchanges if x.id in differing and cassette.held(x)]
    if not held:
        return ""
    return Mask()(f"{_origin(report)}{cassette.dumped({'interactions': held, 'version': 1})}", "cassette")


def _origin(report: Report) -> str:
    """Where it comes from, as every cassette says in its first line."""
    live = "the live API" if official(report) else report.target.base_url
    source = f"the emulator as of {day}," if (day := report.emulated_on) else live
    return cassette.heading(
        source, report.started_at, report.version, ": what the emulator would have answered otherwise"
    )
