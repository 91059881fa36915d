"""A report of a run, beside what the emulator answers to the same: `compare(report)`, then `.text()` and `.cassette()`.

It asks the emulator (rtdiag.emulator) over real HTTP; of a report it reads what was asked and what came, never a judgement.
"""

from rtdiag.drift.drift import Drift, compare
from rtdiag.drift.reading import report_in
from rtdiag.likeness.comparing import Difference

__all__ = ["Difference", "Drift", "compare", "report_in"]
