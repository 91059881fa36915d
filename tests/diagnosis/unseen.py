"""How right is explain on what nobody here has seen? `python -m tests.diagnosis.unseen` prints it, over all examples.

Each example is judged by the signs that something else than its own source supports: a sign counts where it fires in an example of
another thread, record or author, too. What this project made itself supports no sign and is not judged. So what is left is what a
report meets that was not there when the catalogue was written. `--misses` names the examples that are not first.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import click
import msgspec

from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause, Sign, Signs
from rtdiag.diagnosis.features import Features, features
from rtdiag.diagnosis.matching import judged
from rtdiag.model import Confidence
from tests.diagnosis.example import Example, examples

SHORT = 10  # causes of a shortlist
_SIDES = ("speaks_for", "speaks_against")
_Supported = Mapping[tuple[str, str], Sequence[tuple[Sign, set[str]]]]


@dataclass(frozen=True)
class Judged:
    """An example, the families of causes in the order in which they were ranked, and how firmly the first is held."""

    example: Example
    families: Sequence[str]
    firm: Confidence

    @property
    def place(self) -> int:
        """From 0; beyond every list where its cause is not ranked."""
        return self.families.index(self.example.family) if self.example.family in self.families else sys.maxsize

    @property
    def wrong_at_high(self) -> bool:
        """Whether another cause is held with high confidence."""
        return self.firm == "high" and self.place > 0


@dataclass(frozen=True)
class Score:
    """How many of `of` examples have their cause first, in two, among the first ten; how many another one at high."""

    of: int
    first: int
    in_two: int
    in_ten: int
    wrong_at_high: int

    def __str__(self) -> str:
        parts = [f"{name} {n} ({n / self.of:.0%})" for name, n in self._parts()]
        return f"{', '.join(parts)}, wrong at high {self.wrong_at_high}, of {self.of}"

    def _parts(self) -> Iterator[tuple[str, int]]:
        yield from (("right first", self.first), ("in two", self.in_two), ("in ten", self.in_ten))


def others() -> tuple[Example, ...]:
    """The examples of other people."""
    return tuple(e for e in examples("body", "printed", "said") if not e.made)


def seen() -> list[Judged]:
    """Each example of other people, judged by every sign."""
    return [_judged(one, catalogue.causes().values()) for one in others()]


def unseen(given: Iterable[Example] | None = None) -> list[Judged]:
    """Each of these examples, or of all of other people, judged by the signs that others of them support."""
    told = [(one, one.thread, features(one.situation)) for one in (others() if given is None else given)]
    supported = _supported(told)
    return [
        _judged(one, [_without(cause, thread, found, supported) for cause in _CAUSES]) for one, thread, found in told
    ]


def score(results: Iterable[Judged]) -> Score:
    """The figures of these."""
    places = [(one.place, one.wrong_at_high) for one in results]

    def within(most: int) -> int:
        return sum(place < most for place, _ in places)

    return Score(len(places), within(1), within(2), within(SHORT), sum(wrong for _, wrong in places))


_CAUSES = tuple(catalogue.causes().values())


def _judged(example: Example, causes: Collection[Cause]) -> Judged:
    found = judged(example.situation, causes)
    families = dict.fromkeys(one.match.cause.family for one in found)
    named = bool(found) and found[0].shown
    return Judged(
        example, tuple(families) if named else ("unknown", *families), found[0].confidence if named else "low"
    )


def _supported(told: Iterable[tuple[Example, str, Features]]) -> _Supported:
    """By cause and side, the signs that fire where they should, each with the threads in which it does."""
    found: dict[tuple[str, str], dict[int, tuple[Sign, set[str]]]] = {}
    for example, thread, seen_in in told:
        for cause in _CAUSES:
            side = _SIDES[cause.code not in (example.cause, example.family)]
            for number, sign in enumerate(getattr(cause, side)):
                if sign.seen_in(seen_in):
                    found.setdefault((cause.code, side), {}).setdefault(number, (sign, set()))[1].add(thread)
    return {of: [signs[number] for number in sorted(signs)] for of, signs in found.items()}


def _without(cause: Cause, thread: str, found: Features, supported: _Supported) -> Cause:
    """The cause with those signs alone that fire here and that another thread supports."""

    def kept(side: str) -> Signs:
        signs = supported.get((cause.code, side), ())
        return Signs(sign for sign, threads in signs if threads != {thread} and sign.seen_in(found))

    return msgspec.structs.replace(cause, **{side: kept(side) for side in _SIDES})


def main(arguments: Sequence[str]) -> None:
    """Print both scores, and on demand what was missed."""
    results = unseen()
    click.echo(f"by every sign:                   {score(seen())}")
    click.echo(f"by signs that others support:    {score(results)}")
    if "--misses" in arguments:
        for one in sorted((r for r in results if r.place), key=lambda r: r.example.cause):
            click.echo(f"{one.example}: {', '.join(one.families[:3])} ({one.firm}) [{one.example.source}]")


if __name__ == "__main__":
    main(sys.argv[1:])
