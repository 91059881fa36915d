"""The entries of a HAR each as a whole, by Python's own reader of JSON, which is much quicker than events one by one.

It is for what is ordinary. The first entry that is not (too large, too deep, cut off, of numbers or characters on which readers
of JSON differ) and all behind it are left to the reader of events, which says what is wrong with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from json import JSONDecoder
from math import isfinite
from typing import Any, NoReturn

from rtdiag.intake.json_values import refuse_large

_PART = 256 * 1024
_LARGEST = 2 * 1024 * 1024  # characters of which no more are read before an entry is whole
_MOST_BEFORE_VALUES = 500_000  # in what is larger than two parts
_SHALLOW = 100  # so few lists and mappings cannot be nested too deep
_MOST_DIGITS = 18  # of a number that every reader of JSON can hold

_NAME = re.compile(r'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*')
_COMMA = re.compile(r"[ \t\n\r]*,")
_FIRST = re.compile(r"[ \t\n\r]*(?=\{)")
_ANOTHER = re.compile(r"[ \t\n\r]*,[ \t\n\r]*(?=\{)")
_PAIR = re.compile(r"\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class Whole:
    """The ordinary entries that a text begins with, each as the mapping that it is; `rest` is the text without them.

    `more` gives up to so many of the characters that come next, "" at the end.
    """

    def __init__(self, more: Callable[[int], str]) -> None:
        self._more = more
        self._text, self._at = "", 0  # what was read, and from where on no entry was made of it
        self._around = ""

    @property
    def rest(self) -> str:
        """What stands around the entries, with a null in their place, as far as it was read."""
        return self._around + self._text[self._at :]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        begins = _FIRST
        if not self._grow() or not (start := _entries_at(self._text)):
            return
        self._around, self._at = self._text[:start], start
        while True:
            if made := self._entry(begins):
                entry, self._at = made
                if begins is _FIRST:
                    self._around, begins = f"{self._around}null", _ANOTHER
                yield entry
            elif not self._grow():
                return

    def _entry(self, begins: re.Pattern[str]) -> tuple[dict[str, Any], int] | None:
        """The next entry and where it ends; None where none is whole and ordinary."""
        begin = begins.match(self._text, self._at)
        return _value(self._text, begin.end()) if begin else None

    def _grow(self) -> bool:
        """Read on, twice as much as is left; whether there is more now, and not too much."""
        parts = [self._text[self._at :]]
        size = len(parts[0])
        wanted = max(_PART, 2 * size) if size < _LARGEST else 0
        while size < wanted and (part := self._more(_PART)):
            parts.append(part)
            size += len(part)
        self._text, self._at = "".join(parts), 0
        few = size <= 2 * _PART or sum(map(self._text.count, ",[{:")) < _MOST_BEFORE_VALUES
        return len(parts) > 1 and few


def _entries_at(text: str) -> int:
    """Where the inside of the list `log.entries` begins, 0 where that is not found."""
    begin = _FIRST.match(text)
    log = _inside(text, begin.end() + 1, "log", "{") if begin else 0
    return _inside(text, log, "entries", "[") if log else 0


def _inside(text: str, place: int, wanted: str, bracket: str) -> int:
    """Where the inside begins of what stands under a name of a mapping, 0 where it is none that begins with this bracket."""
    while name := _NAME.match(text, place):
        if name[1] == wanted:
            return name.end() + 1 if text.startswith(bracket, name.end()) else 0
        passed = _value(text, name.end())
        comma = passed and _COMMA.match(text, passed[1])
        if not comma:
            return 0
        place = comma.end()
    return 0


def _value(text: str, start: int) -> tuple[Any, int] | None:
    """The value that begins there and where it ends; None where it is none that every reader of JSON takes alike."""
    try:
        value, end = _DECODER.raw_decode(text, start)
        if text.count("{", start, end) + text.count("[", start, end) > _SHALLOW:
            refuse_large(value, _MOST_BEFORE_VALUES)
    except (ValueError, RecursionError):
        return None
    halves = text.find("\\u", start, end) >= 0 and _HALF.search(_PAIR.sub("", text[start:end]))
    return None if halves else (value, end)


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError
    return int(digits)


def _finite(digits: str) -> float:
    found = float(digits)
    if not isfinite(found):
        raise ValueError
    return found


def _none(_: str) -> NoReturn:
    raise ValueError


_DECODER = JSONDecoder(parse_int=_whole, parse_float=_finite, parse_constant=_none)
