"""The Realtime API on this machine: tokens, offers, real WebRTC and events, as of any date, with faults on demand.

Built from cited public behaviour: timeline.yaml (what changed when), bodies.yaml (what it answers), shapes.yaml (what
a session is), faults.yaml (what can go wrong). It knows no check; of rtdiag it reads `rtdiag.api` alone.
"""

from rtdiag.emulator.background import Running, running
from rtdiag.emulator.embedded import Emulator
from rtdiag.emulator.faults import Fault, UnknownFault, load_faults
from rtdiag.emulator.timeline import NoSuchDate
from rtdiag.emulator.tokens import EMULATOR_KEY

__all__ = ["EMULATOR_KEY", "Emulator", "Fault", "NoSuchDate", "Running", "UnknownFault", "load_faults", "running"]
