"""A text with its escapes taken off, which still knows where each of its characters stands in the text itself.

The escapes are those of URLs and forms (`%2F`), of JSON (`\\u002f`, `\\/`), and of bytes as Python prints them (`\\x2f`).
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

# How many times a text may have been escaped: a body quoted in a body, a URL in a URL.
DEPTH = 3

Span = tuple[int, int]

_HEX = "[0-9A-Fa-f]"


def _of_bytes(mark: str) -> str:
    """A pattern for one character of UTF-8, or for a byte that begins none, each byte behind that mark."""
    more = f"{mark}[89ABab]{_HEX}"
    return f"{mark}[CDcd]{_HEX}{more}|{mark}[Ee]{_HEX}(?:{more}){{2}}|{mark}[Ff][0-7](?:{more}){{3}}|{mark}{_HEX}{{2}}"


_JSON = rf"\\u[Dd][89ABab]{_HEX}{{2}}\\u[Dd][C-Fc-f]{_HEX}{{2}}|\\u{_HEX}{{4}}|\\[\\/\"'bfnrt]"
_ESCAPE = re.compile(rf"({_of_bytes('%')}|{_JSON}|{_of_bytes(chr(92) * 2 + 'x')})")
_MARK = re.compile(r"%|\\x")


@dataclass(frozen=True)
class _Layer:
    """One layer of escapes: where each part of the text ends below it and above, what is none and an escape in turn."""

    below: Sequence[int]
    above: Sequence[int]

    def raised(self, start: int, end: int) -> Span:
        """Where these characters from below stand above; an escape of several characters is one."""
        return self._raised(start, 0), self._raised(end - 1, 1)

    def _raised(self, place: int, side: int) -> int:
        part = bisect_right(self.below, place)
        before = (self.above[part - 1], self.below[part - 1]) if part else (0, 0)
        if part % 2:
            return (before[0], self.above[part])[side]
        return before[0] + place - before[1] + side


@dataclass(frozen=True)
class View:
    """What a text is below some layers of its escapes; `place` tells where a span of that stands in the whole text."""

    text: str
    layers: tuple[_Layer, ...] = ()

    def place(self, start: int, end: int) -> Span:
        """Where that part of `text` stands in the whole one."""
        for layer in reversed(self.layers):
            start, end = layer.raised(start, end)
        return start, end


def views(text: str) -> list[View]:
    """The text as it stands, below its outermost escapes, below those that are seen then, and so on: at most DEPTH times."""
    found = [View(text)]
    while len(found) <= DEPTH and (below := _without_escapes(found[-1])):
        found.append(below)
    return found


def spellings(text: str) -> frozenset[str]:
    """That value, what it is where it holds escapes itself, and what UTF-8 looks like that is read byte by byte.

    A plus stands as a blank.
    """
    as_bytes = text.encode("utf-8", "surrogatepass").decode("latin-1")
    return frozenset(plain(view.text) for one in (text, as_bytes) for view in views(one))


def plain(text: str) -> str:
    """The text with a blank for every plus, which in a form is one."""
    return text.replace("+", " ")


def apart(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, with those left out that overlap an earlier or a longer one."""
    found: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not found or start >= found[-1][1]:
            found.append((start, end))
        elif end > found[-1][1]:
            found[-1] = (found[-1][0], end)
    return found


def _without_escapes(view: View) -> View | None:
    """The view below its outermost escapes; None where it has none."""
    if "\\" not in view.text and "%" not in view.text:
        return None
    parts = _ESCAPE.split(view.text)  # the escapes are every second one
    if len(parts) == 1:
        return None
    above = [*accumulate(map(len, parts))]
    parts[1::2] = map(_character, parts[1::2])
    return View("".join(parts), (*view.layers, _Layer([*accumulate(map(len, parts))], above)))


@lru_cache(4096)
def _character(escape: str) -> str:
    if not _MARK.match(escape):
        return "'" if escape == "\\'" else str(json.loads(f'"{escape}"'))
    raw = bytes.fromhex(_MARK.sub("", escape))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
