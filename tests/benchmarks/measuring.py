"""How a row is measured: rtdiag and its anchors in turn, A B A B, after a warm-up; and what is made of the figures.

Times lie on a machine that does much else, by several times. What was measured within the same second does not: so a ratio, and
whether an aim is reached, come from the pairs of each round, not from two medians.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest

OURS = "rtdiag"
Sample = Callable[[], float]
# What is measured in turn, by name, rtdiag first; a text says why an anchor cannot be had.
Bench = AbstractContextManager[Mapping[str, Sample | str]]

_AIM = re.compile(
    r"(?P<sign>[≤≥]) (?:(?P<limit>[\d.]+)|(?P<times>[\d.]+) × (?P<of>[\w .-]*?\w)(?: \+ (?P<plus>[\d.]+))?)(?P<tail> at p90)?"
)
_TAIL = 0.9


@dataclass(frozen=True)
class Place:
    """A folder for what is written, and where the anchors lie that others made; None where they could not be found."""

    folder: Path
    openai: str | None = None
    aimock: Path | None = None


@dataclass(frozen=True)
class Row:
    """One row of the table.

    `share` times --runs are its rounds; a row that takes long, and differs little, has no `warm_up`. `aims` are written as in
    "≤ 4 × bare python", "≤ 1 × import click + 10", "≥ 100", "≤ 1 × chromium at p90", in the row's unit.
    """

    name: str
    what: str
    unit: str
    bench: Callable[[Place], Bench]
    aims: tuple[str, ...] = ()
    share: float = 1
    warm_up: bool = True

    def rounds(self, runs: int) -> int:
        """How many of them, where --runs says so."""
        return max(1, round(runs * self.share))


@dataclass(frozen=True)
class Spread:
    """What many figures come to."""

    median: float
    low: float
    high: float
    p90: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Of at least one."""
        return cls(median(figures), min(figures), max(figures), quantile(figures, _TAIL))


@dataclass(frozen=True)
class Taken:
    """What came of a row: the figures of each round by name, which anchors are missing and why, or why there is nothing."""

    row: Row
    rounds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    skipped: str = ""
    failed: str = ""

    def ratio(self, anchor: str) -> Spread:
        """Ours by that anchor's, round by round."""
        pairs = zip(self.rounds[OURS], self.rounds[anchor], strict=True)
        return Spread.of([ours / theirs if theirs else math.inf for ours, theirs in pairs])

    @property
    def reached(self) -> dict[str, bool | None]:
        """Each aim, and whether it is reached; None where nothing, or not its anchor, was measured."""
        return {aim: reached(aim, self.rounds) for aim in self.row.aims}


def quantile(figures: Sequence[float], part: float) -> float:
    """The smallest of them that at least this part of them does not exceed."""
    return sorted(figures)[max(0, math.ceil(part * len(figures)) - 1)]


def reached(aim: str, rounds: Mapping[str, Sequence[float]]) -> bool | None:
    """Whether the middle round keeps it, or at p90 the p90 of all. Raises ValueError for an aim that cannot be read."""
    found = _AIM.fullmatch(aim)
    if not found:
        raise ValueError(f"no aim: {aim!r}")
    ours = rounds.get(OURS, ())
    theirs = rounds.get(found["of"], ()) if found["of"] else [0.0] * len(ours)
    if not ours or not theirs:
        return None
    if found["tail"]:
        ours, theirs = [quantile(ours, _TAIL)], [quantile(theirs, _TAIL)]
    times, plus = float(found["times"] or 0), float(found["limit"] or found["plus"] or 0)
    beyond = median(one - times * other - plus for one, other in zip(ours, theirs, strict=True))
    return beyond >= 0 if found["sign"] == "≥" else beyond <= 0


def taken(row: Row, place: Place, runs: int) -> Taken:
    """Measures it. What this machine lacks, and what goes wrong, is told in its place; only Ctrl-C ends more than this row."""
    try:
        with row.bench(place) as found:
            samples = {name: sample for name, sample in found.items() if not isinstance(sample, str)}
            missing = {name: why for name, why in found.items() if isinstance(why, str)}
            if row.warm_up:
                in_turn(samples, 1)
            return Taken(row, in_turn(samples, row.rounds(runs)), missing)
    except pytest.skip.Exception as exc:
        return Taken(row, skipped=str(exc.msg))
    except Exception as exc:
        return Taken(row, failed=repr(exc))


def in_turn(samples: Mapping[str, Sample], rounds: int) -> dict[str, list[float]]:
    """One sample of each, so often."""
    figures: dict[str, list[float]] = {name: [] for name in samples}
    for _ in range(rounds):
        for name, sample in samples.items():
            figures[name].append(sample())
    return figures
