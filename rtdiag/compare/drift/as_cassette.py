"""The exchanges that differ, as a vcrpy cassette that can lie in cassettes/: what was asked, without credentials, and what came."""

from __future__ import annotations

from rtdiag.compare.drift.drift import Drift
from rtdiag.compare.drift.record import Record
from rtdiag.redact import Mask
from rtdiag.report import cassette


def as_cassette(drift: Drift) -> str:
    """The exchanges that differ, in YAML; "" where none does. WebSockets and requests without an answer are left out."""
    record, differing = drift.record, {d.id for d in drift.differences}
    held = [cassette.interaction(x) for x in record.exchanges if x.id in differing and cassette.held(x)]
    if not held:
        return ""
    return Mask()(f"{_origin(record)}{cassette.dumped({'interactions': held, 'version': 1})}", "cassette")


def _origin(record: Record) -> str:
    """Where it comes from, as every cassette says in its first line."""
    live = "the live API" if record.official else record.base_url
    source = f"the emulator as of {record.emulated}," if record.emulated else live
    return cassette.heading(
        source, record.started_at, record.version, ": what the emulator would have answered otherwise"
    )
