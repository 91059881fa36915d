"""The exchanges that differ, as a vcrpy cassette that can lie in cassettes/: what was asked, without credentials, and what came."""

from __future__ import annotations

from collections.abc import Sequence

from rtdiag.drift.reading import Record
from rtdiag.model import Exchange
from rtdiag.redact import Mask
from rtdiag.report import cassette


def rendered(record: Record, exchanges: Sequence[Exchange]) -> str:
    """The cassette in YAML, "" where there is nothing to hold; WebSockets and requests without an answer are left out."""
    held = [cassette.interaction(x) for x in exchanges if cassette.held(x)]
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
