"""What the screen is written with: our own signs and colours, sentences and columns that fit its width; the only user of tabulate.

Whatever is not `Painted` is spelt before it becomes that, so no text but our own colours can steer a terminal.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rtdiag.report.spelling import Painted, draws, fitted, spelt

if TYPE_CHECKING:
    from rtdiag.model import Status

SIGNS: dict[Status, str] = {
    "pass": "✓",
    "warn": "!",
    "fail": "✗",
    "inconclusive": "?",
    "info": "i",
    "skip": "-",
    "error": "E",
}

_COLORS: dict[Status, str] = {
    "pass": "32",
    "warn": "33",
    "fail": "31",
    "inconclusive": "35",
    "info": "36",
    "skip": "2",
    "error": "31",
}
_UNIT = re.compile(rf"(?<=\d) (?=(?:m?s|{'|'.join(SIGNS)})\b)")
_COLOR = re.compile(r"\x1b\[\d+m")
_INDENT, _BETWEEN, _UNDER_HEADERS = 4, 2, 2  # tabulate leaves so much room under a header
WIDTH = 100  # of sentences where no terminal has one


def wrapped(text: str, indent: str = "", further: str = "  ", width: int = WIDTH) -> str:
    """The text in lines of at most so many characters, continued with a deeper indent; no word is broken, no figure alone."""
    filled = textwrap.fill(
        _UNIT.sub("\u00a0", text),
        width,
        initial_indent=indent,
        subsequent_indent=indent + further,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return filled.replace("\u00a0", " ")


class Pen:
    """Makes text that is `Painted`: spelt, then fitted to the encoding, then coloured. A `width` of None is no terminal's."""

    def __init__(self, color: bool, encoding: str, width: int | None) -> None:
        self._color, self._encoding, self.width = color, encoding, width
        self._signs = draws(encoding)

    def text(self, text: str) -> Painted:
        """The text without colours; what is Painted stays as it is."""
        return text if isinstance(text, Painted) else Painted(fitted(spelt(text), self._encoding))

    def mark(self, status: Status) -> Painted:
        """The sign of a status, or its word where signs cannot be shown."""
        return Painted(SIGNS[status] if self._signs else status)

    def sign(self, status: Status) -> Painted:
        """The same in its colour."""
        mark = self.mark(status)
        return Painted(f"\x1b[{_COLORS[status]}m{mark}\x1b[0m") if self._color else mark

    def cell(self, status: Status, text: str) -> Painted:
        """The sign and the text behind it, on one line."""
        return Painted(f"{self.sign(status)} {self.text(text)}".replace("\n", " "))

    def line(self, status: Status, text: str, indent: str = "", further: str = "  ") -> Painted:
        """The same, in lines that fit a terminal."""
        mark, begin = self.mark(status), len(indent)
        shown = self.fit(f"{mark} {self.text(text)}".replace("\n", " "), indent, further)
        return Painted(shown[:begin] + self.sign(status) + shown[begin + len(mark) :])

    def fit(self, text: str, indent: str = "", further: str = "  ") -> str:
        """A line, in several where a terminal is narrower; where there is none it stays as it is."""
        return indent + text if self.width is None else wrapped(text, indent, further, self.width)

    def wrapped(self, text: str, indent: str = "", further: str = "  ") -> str:
        """A sentence in lines, also where there is no terminal."""
        return wrapped(text, indent, further, self.width or WIDTH)

    def table(
        self, cells: Sequence[Sequence[str]], headers: Sequence[str], most: Sequence[int | None]
    ) -> Painted | None:
        """Cells in columns of at most these widths, indented; None where no columns fit the terminal without breaking words."""
        from tabulate import tabulate

        texts = [list(map(self.text, row)) for row in (headers, *cells)]
        widths = self._widths(texts[0], texts[1:], most)
        if widths is None:
            return None
        drawn = tabulate(texts[1:], headers=texts[0], maxcolwidths=widths, disable_numparse=True)
        return Painted(textwrap.indent(drawn, " " * _INDENT))

    def _widths(
        self, headers: Sequence[str], rows: Sequence[Sequence[str]], most: Sequence[int | None]
    ) -> list[int | None] | None:
        if self.width is None:
            return list(most)
        room = self.width - _INDENT - _BETWEEN * (len(headers) - 1)
        heads = [len(header) + _UNDER_HEADERS for header in headers]
        columns = [[row[number] for row in rows] for number in range(len(headers))]
        least = [max(0, *(_length(word) for cell in column for word in cell.split(" "))) for column in columns]
        widths = [
            max(min(limit or self.width, max(0, *map(_length, column))), low)
            for column, limit, low in zip(columns, most, least, strict=True)
        ]
        while sum(map(max, widths, heads)) > room:
            spare = [width - max(low, head) for width, low, head in zip(widths, least, heads, strict=True)]
            if max(spare) <= 0:
                return None
            widths[max(range(len(spare)), key=lambda n: (spare[n] > 0, widths[n]))] -= 1
        return list(widths)


def _length(text: str) -> int:
    return len(_COLOR.sub("", text))
