"""The secrets whose values are known: how each may stand in a text, and which of them a text can hold.

A text is walked over once, however many are known: its blocks of four characters are looked up, of which one lies in every secret
that stands there whole, and in the beginning of one that the end of the text cuts.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rtdiag.redact.patterns import PREFIX
from rtdiag.redact.unescaping import Span, plain

Edges = tuple[re.Pattern[str], re.Pattern[str]]

_LEAST_CUT = 8  # so many characters of a secret must be there for its beginning to be one
_BLOCK = 4
_HOLDS_A_BLOCK = 2 * _BLOCK - 1  # so many characters, wherever the blocks of a text begin
_FEW = 100  # the beginnings of so many are looked for one after the other, which is quicker than block by block


@dataclass(frozen=True)
class Known:
    """A value to hide: its kind, how it may stand in a text whose escapes are taken off, and what must stand around it."""

    text: str
    kind: str
    spellings: frozenset[str]
    edges: Edges | None = None

    def found(self, text: str) -> Iterator[Span]:
        """Where it stands, also where the text ends within it, as the reason of a close does that was cut to fit."""
        text = plain(text)
        for spelling in self.spellings:
            start = text.find(spelling)
            while start >= 0:
                end = start + len(spelling)
                if self.edges is None or (self.edges[0].match(text, start) and self.edges[1].match(text, end)):
                    yield start, end
                start = text.find(spelling, end)
            start = text.rfind(_begin(spelling), 1 - len(spelling))
            if start >= 0 and self.edges is None and spelling.startswith(text[start:]):
                yield start, len(text)


class _Holders:
    """What holds one block: the secrets with it among their last characters, in which few are alike, and the beginnings with it."""

    def __init__(self) -> None:
        self.ends, self.begins = set[str](), set[str]()


class Knowledge:
    """All that is known, each once."""

    def __init__(self) -> None:
        self._all: dict[str, Known] = {}
        self._begins = defaultdict[str, set[str]](set)  # whose they are
        self._blocks = defaultdict[str, _Holders](_Holders)
        self._sorted: list[tuple[str, str]] = []  # each spelling that may be cut, and whose it is
        self._blockless: list[str] = []
        self._shortest, self._longest = _HOLDS_A_BLOCK, 0

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, text: str) -> bool:
        return text in self._all

    def add(self, known: Known) -> None:
        """Look for this one, too."""
        self._all[known.text] = known
        for spelling in known.spellings:
            begin = _begin(spelling)
            self._begins[begin].add(known.text)
            self._shortest, self._longest = min(self._shortest, len(spelling)), max(self._longest, len(spelling))
            if len(spelling) < _BLOCK:
                self._blockless.append(known.text)
            for block in _blocks(spelling[-_HOLDS_A_BLOCK:]):
                self._blocks[block].ends.add(known.text)
            if known.edges is None and len(spelling) > len(begin):
                insort(self._sorted, (spelling, known.text))
                for block in _blocks(begin[-_HOLDS_A_BLOCK:]):
                    self._blocks[block].begins.add(begin)

    def within(self, text: str) -> list[Known]:
        """Those that a text without escapes may hold, the longest first."""
        near = self._near(plain(text))
        return [self._all[one] for one in sorted(near, key=lambda text: (-len(text), text))]

    def begins_in(self, text: str) -> bool:
        """Whether the beginning of one stands in a text without escapes."""
        text = plain(text)
        return any(begin in text for begin in self._begins)

    def _near(self, text: str) -> Iterable[str]:
        if len(self._all) <= _FEW:
            return {one for begin, those in self._begins.items() if begin in text for one in those}
        step = max(1, min(_BLOCK, self._shortest - _BLOCK + 1))
        seen = self._blocks.keys() & _blocks(text, step)
        begins = {begin for block in seen for begin in self._blocks[block].begins}
        cut = (self._cut_by_the_end(text, text.rfind(begin, 1 - self._longest)) for begin in begins)
        return set(self._blockless).union(*(self._blocks[block].ends for block in seen), *cut)

    def _cut_by_the_end(self, text: str, start: int) -> Iterator[str]:
        """Those that begin with all that stands there from `start` on, which is -1 where nothing does."""
        place = bisect_left(self._sorted, (text[start:],))
        while start >= 0 and place < len(self._sorted) and self._sorted[place][0].startswith(text[start:]):
            yield self._sorted[place][1]
            place += 1


def _begin(spelling: str) -> str:
    """The least of it that is searched for: more than the prefix, which stays where it was masked before."""
    prefix = PREFIX.match(spelling)
    return spelling[: max(_LEAST_CUT, prefix.end() + 1 if prefix else 0)]


def _blocks(text: str, step: int = 1) -> Iterator[str]:
    return (text[i : i + _BLOCK] for i in range(0, len(text) - _BLOCK + 1, step))
