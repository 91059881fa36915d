"""How right is explain on what nobody here has seen? `python -m tests.diagnosis.unseen` prints it, over all examples.

Each example is judged by the signs that something else than its own source supports: a sign counts where it fires in an example of
another thread, record or author, too. What this project made itself supports no sign and is not judged. So what is left is what a
report meets that was not there when the catalogue was written. `--misses` prints the examples that are not first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause, Sign, Signs
from rtdiag.diagnosis.features import Features, features
from rtdiag.diagnosis.matching import Verdict, judged
from tests.diagnosis.example import Example, examples

_SHORT = 10


@dataclass(frozen=True)
class Told:
    """An example with its features, judged by all signs and by those that others support."""

    example: Example
    known: Verdict
    unseen: Verdict
