"""rtdiag finds out why a realtime voice session will not start, and says what to do about it.

What the check of another package is made of is imported from here; how it is tested, from `rtdiag.testing`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rtdiag.engine.check import Case, Check
    from rtdiag.engine.context import Context
    from rtdiag.engine.findings import no_answer, said
    from rtdiag.model import Cost, Event, Evidence, Exchange, Finding, Observation, PeerTrace, Report

# Where each lies; imported when it is first asked for, so that `rtdiag --help` stays quick.
_PLACES = {
    **dict.fromkeys(("Case", "Check"), "rtdiag.engine.check"),
    "Context": "rtdiag.engine.context",
    **dict.fromkeys(("no_answer", "said"), "rtdiag.engine.findings"),
    **dict.fromkeys(
        ("Cost", "Event", "Evidence", "Exchange", "Finding", "Observation", "PeerTrace", "Report"), "rtdiag.model"
    ),
}

__all__ = [
    "Case",
    "Check",
    "Context",
    "Cost",
    "Event",
    "Evidence",
    "Exchange",
    "Finding",
    "Observation",
    "PeerTrace",
    "Report",
    "__version__",
    "no_answer",
    "said",
]


def __getattr__(name: str) -> object:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
