"""The Realtime API on this machine: tokens, offers, real WebRTC and events, as of any date, with faults on demand.

Built from cited public behaviour: timeline.yaml (what changed when), bodies.yaml (what it answers), shapes.yaml (what
a session is), faults.yaml (what can go wrong). It knows no check; of rtdiag it reads `rtdiag.api` alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtdiag.emulator.background import Running, running
    from rtdiag.emulator.embedded import Emulator
    from rtdiag.emulator.faults import Fault, UnknownFault, load_faults
    from rtdiag.emulator.timeline import NoSuchDate
    from rtdiag.emulator.tokens import EMULATOR_KEY

# Where each lies; imported when it is first asked for, so that its faults are listed quickly.
_PLACES = {
    **dict.fromkeys(("Running", "running"), "background"),
    "Emulator": "embedded",
    **dict.fromkeys(("Fault", "UnknownFault", "load_faults"), "faults"),
    "NoSuchDate": "timeline",
    "EMULATOR_KEY": "tokens",
}

__all__ = ["EMULATOR_KEY", "Emulator", "Fault", "NoSuchDate", "Running", "UnknownFault", "load_faults", "running"]


def __getattr__(name: str) -> object:
    if name in _PLACES:
        return getattr(import_module(f"rtdiag.emulator.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
