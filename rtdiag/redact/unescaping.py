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

# How many times a text may have been escaped: a body quoted in a body, a URL in a URL.
DEPTH = 3

Span = tuple[int, int]

_HEX = "[0-9A-Fa-f]"


def _of_bytes(mark: str) -> str:
    """A pattern for one character of UTF-8, or for a byte that begins none, each byte behind that mark."""
    more = f"{mark}[89ABab]{_HEX}"
    return f"{mark}[CDcd]{_HEX}{more}|{mark}[Ee]{_HEX}(?:{more}){{2}}|{mark}[Ff][0-7](?:{more}){{3}}|{mark}{_HEX}{{2}}"


_JSON = rf"\\u[Dd][89ABab]{_HEX}{{2}}\\u[Dd][C-Fc-f]{_HEX}{{2}}|\\u{_HEX}{{4}}|\\[\\/\"'bfnrt]"
_ESCAPE = re.compile(rf"{_of_bytes('%')}|{_JSON}|{_of_bytes(chr(92) * 2 + 'x')}")
ESCAPED = re.compile(r"[%\\]")  # what every escape begins with
_MARK = re.compile(r"%|\\x")


@dataclass(frozen=True)
class _Layer:
    """One layer of escapes: each escape's place below it (`at`), how many characters it stands for, and its place above."""

    at: Sequence[int]
    lengths: Sequence[int]
    above: Sequence[Span]

    def raised(self, start: int, end: int) -> Span:
        """Where these characters from below stand above; an escape of several characters is one."""
        return self._raised(start, 0), self._raised(end - 1, 1)

    def _raised(self, place: int, side: int) -> int:
        i = bisect_right(self.at, place) - 1
        if i < 0:
            return place + side
        beyond = place - self.at[i] - self.lengths[i]
        return self.above[i][side] if beyond < 0 else self.above[i][1] + beyond + side


class Unescaped:
    """`text` below so many layers; `place` tells where a span of it stands in the whole text."""

    def __init__(self, whole: str, layers: int = 0) -> None:
        self.text = whole
        self._layers: list[_Layer] = []
        while len(self._layers) < layers and (found := _without_escapes(self.text)):
            self.text, layer = found
            self._layers.append(layer)
        self.layers = len(self._layers)

    def place(self, start: int, end: int) -> Span:
        """Where that part of `text` stands in the whole one."""
        for layer in reversed(self._layers):
            start, end = layer.raised(start, end)
        return start, end


def spellings(text: str) -> frozenset[str]:
    """That value, what it is where it holds escapes itself, and what UTF-8 looks like that is read byte by byte.

    A plus stands as a blank.
    """
    as_bytes = text.encode("utf-8", "surrogatepass").decode("latin-1")
    return frozenset(plain(Unescaped(one, depth).text) for one in (text, as_bytes) for depth in range(DEPTH + 1))


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


def _without_escapes(text: str) -> tuple[str, _Layer] | None:
    """The text below its outermost escapes; None where it has none."""
    parts, at, lengths, above, length, end = list[str](), list[int](), list[int](), list[Span](), 0, 0
    for found in _ESCAPE.finditer(text):
        character = _character(found[0])
        length += found.start() - end
        parts += (text[end : found.start()], character)
        at.append(length)
        lengths.append(len(character))
        above.append(found.span())
        length, end = length + len(character), found.end()
    return ("".join((*parts, text[end:])), _Layer(at, lengths, above)) if at else None


@lru_cache(4096)
def _character(escape: str) -> str:
    if not _MARK.match(escape):
        return "'" if escape == "\\'" else str(json.loads(f'"{escape}"'))
    raw = bytes.fromhex(_MARK.sub("", escape))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
