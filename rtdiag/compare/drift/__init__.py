"""A report of a run, beside what the emulator answers to the same: `compare(report)`, then `text` and `as_cassette`.

It asks the emulator (rtdiag.emulator) over real HTTP; of a report it reads what was asked and what came, never a judgement.
"""

from rtdiag.compare.comparing import Difference
from rtdiag.compare.drift.as_cassette import as_cassette
from rtdiag.compare.drift.drift import Drift, compare
from rtdiag.compare.drift.text import text

__all__ = ["Difference", "Drift", "as_cassette", "compare", "text"]
