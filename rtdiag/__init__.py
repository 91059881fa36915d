"""rtdiag finds out why a realtime voice session will not start, and says what to do about it.

A run is `report = rtdiag.run(rtdiag.Config(…))`. What the check of another package is made of is imported from here, too; how it
is tested, from `rtdiag.testing`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rtdiag.engine.check import Case, Check
    from rtdiag.engine.config import Config, ConfigError
    from rtdiag.engine.context import Context
    from rtdiag.engine.findings import no_answer, said
    from rtdiag.engine.ignoring import Ignore
    from rtdiag.model import Cost, Event, Evidence, Exchange, Finding, Observation, PeerTrace, Report
    from rtdiag.whole_run import run

# Where each lies; imported when it is first asked for, so that `rtdiag --help` stays quick.
_PLACES = {
    **dict.fromkeys(("Case", "Check"), "rtdiag.engine.check"),
    **dict.fromkeys(("Config", "ConfigError"), "rtdiag.engine.config"),
    "Context": "rtdiag.engine.context",
    **dict.fromkeys(("no_answer", "said"), "rtdiag.engine.findings"),
    "Ignore": "rtdiag.engine.ignoring",
    **dict.fromkeys(
        ("Cost", "Event", "Evidence", "Exchange", "Finding", "Observation", "PeerTrace", "Report"), "rtdiag.model"
    ),
    "run": "rtdiag.whole_run",
}

__all__ = [
    "Case",
    "Check",
    "Config",
    "ConfigError",
    "Context",
    "Cost",
    "Event",
    "Evidence",
    "Exchange",
    "Finding",
    "Ignore",
    "Observation",
    "PeerTrace",
    "Report",
    "__version__",
    "no_answer",
    "run",
    "said",
]


def __getattr__(name: str) -> object:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
