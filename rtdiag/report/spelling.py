"""Characters that no text format may hold as they are, spelt out as JSON spells them; and texts cut to a length, saying so."""

from __future__ import annotations

import re

# What XML 1.0 forbids (section 2.2), and what moves a cursor, hides, turns the reading direction, or is no character at all.
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def spelt(text: str) -> str:
    """The text with each of them as \\uXXXX; line feeds and tabs stay, CR LF becomes a line feed."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\r\n", "\n"))


def one_line(text: str, longest: int = 300) -> str:
    """The same on one line of at most `longest` characters, runs of blanks as one; what is cut off shows as `…`."""
    begin = text[: longest * 8]  # megabytes need not be spelt out to be thrown away
    line = " ".join(spelt(begin).split())
    cut = len(line) > longest or len(begin) < len(text)
    return line[: max(longest - 1, 0)].rstrip() + "…" if cut else line


def at_most(text: str, longest: int) -> tuple[str, int]:
    """The text as it may be shown, with at most `longest` characters of it, and how many of them were left out."""
    return spelt(text[:longest]), max(len(text) - longest, 0)
