"""The catalogue of causes: one YAML file per topic, read once.

    code:
      weight: 1 to 9, the smaller the nearer to the root
      summary, fix, sources        what it is, what to do, where that is known from (with dates)
      line                         the exact line to change or to run, where one line can say it
      today                        whether it still happens; absent: yes
      ask                          what would decide, where the evidence leaves it open
      follows                      true for what mostly follows from another failure and hides it
      unless                       causes that explain the same: where one is held as firmly, this one is held with low confidence
      explains                     causes that follow from it: where one is found too, this one is held as firmly, and that one low
      refuses                      true for a reason why a server refuses a credential that is a good one
      for, against                 signs: points: {name of a feature: regular expression, …, held: the most that it is held for it}

A sign counts when every expression in it is found in its feature (features.py names them), with case ignored. Points mean the
same everywhere: 60 is what rtdiag has measured, which no text outweighs, 12 and 14 settle it alone, 8 to 10 nearly do, 4 to 7
speak for it, 2 and 3 only break ties. `held` is for what was measured and yet leaves room for doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from rtdiag.api import data
from rtdiag.model import Confidence

_OF_THE_ANSWER = frozenset(
    {"text", "said", "code", "type", "param", "event", "reason", "any", "close", "full", "observed", "failure"}
)
_MEASURED = 60


@dataclass(frozen=True)
class Sign:
    """What speaks for or against a cause: each feature of `when` must hold its expression for `points` to count.

    `held` is the most confidence that it can give.
    """

    points: int
    when: tuple[tuple[str, re.Pattern[str]], ...]
    held: Confidence = "high"

    @property
    def measured(self) -> bool:
        """Whether it looks at what rtdiag has measured itself, which no text outweighs."""
        return self.points >= _MEASURED

    @property
    def settles(self) -> bool:
        """Whether it alone nearly settles the matter."""
        return self.points >= 10

    @property
    def looks_at_the_answer(self) -> bool:
        """Whether it looks at what the server or library said, not only at the request and the number of the answer."""
        return self.points >= 4 and any(name in _OF_THE_ANSWER for name, _ in self.when)

    def seen_in(self, facts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """What was found, as (name of the fact, the text that matched); empty when the sign is not there."""
        found = []
        for name, pattern in self.when:
            match = pattern.search(facts[name])
            if match is None:
                return ()
            found.append((name, match.group()))
        return tuple(found)


@dataclass(frozen=True)
class Cause:
    """One cause: what it is, what to do, where that is known from, and which signs speak for and against it.

    `topic` is the file that it stands in.
    """

    code: str
    topic: str
    weight: int
    summary: str
    fix: str
    sources: tuple[str, ...]
    line: str = ""
    today: str = ""
    ask: str = ""
    unless: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    follows: bool = False
    refuses: bool = False
    speaks_for: tuple[Sign, ...] = ()
    speaks_against: tuple[Sign, ...] = ()

    @property
    def family(self) -> str:
        """The code without its finer part."""
        return self.code.partition("/")[0]


@cache
def causes() -> Mapping[str, Cause]:
    """All causes by code; a code that two files name is an error of the data."""
    found: dict[str, Cause] = {}
    for cause in _read():
        assert cause.code not in found, f"{cause.code} is there twice"
        found[cause.code] = cause
    return found


def find(code: str) -> Cause:
    """The cause of that code; a code that the catalogue does not have (a plug-in's own) comes back with little to say."""
    unknown = Cause(code, "", 7, f"A check names the cause {code}.", "See the hint of its case.", ())
    return causes().get(code, unknown)


def _read() -> Iterator[Cause]:
    for file in sorted(files(__name__).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".yaml"):
            for code, entry in data.read(__name__, file.name).items():
                yield _cause(code, file.name.removesuffix(".yaml"), entry)


def _cause(code: str, topic: str, entry: Mapping[str, Any]) -> Cause:
    texts = {name: str(entry.get(name, "")) for name in ("summary", "fix", "line", "today", "ask")}
    return Cause(
        code=code,
        topic=topic,
        weight=entry["weight"],
        sources=tuple(entry["sources"]),
        follows=entry.get("follows", False),
        refuses=entry.get("refuses", False),
        unless=tuple(entry.get("unless", ())),
        explains=tuple(entry.get("explains", ())),
        speaks_for=tuple(_signs(entry.get("for", ()))),
        speaks_against=tuple(_signs(entry.get("against", ()))),
        **texts,
    )


def _signs(entries: Any) -> Iterator[Sign]:
    for entry in entries:
        ((points, when),) = entry.items()
        held = when.pop("held", "high")
        yield Sign(points, tuple((name, re.compile(str(pattern), re.I)) for name, pattern in when.items()), held)
