"""Which characters of a text reach a file or a screen, how they are spelt where they may not, and texts cut to a length.

A control character is spelt as JSON spells it, so that a text steers nothing, hides nothing, and in JSON stays the same text.
What a screen without UTF-8 cannot draw becomes ASCII: our own signs all together, so that no drawing is half of each.
"""

from __future__ import annotations

import codecs
import re

# The categories Cc, Cf, Cs, Zl and Zp of Unicode but the line feed, what XML 1.0 forbids (section 2.2), and letters of no width.
_UNPRINTABLE = re.compile(
    "["
    r"\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff"
    r"\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\xad\u034f\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"
    r"\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "]"
)
_TAB = 4
# The marks and drawings of our own texts; the marks of a status are words where these cannot be shown (phrases.py).
_IN_ASCII = str.maketrans({"…": "...", "–": "-", "─": "-", "→": "->", **dict(zip("▁▂▃▄▅▆▇█", ".:-=+*#@", strict=True))})
_DRAWN = "✓✗…–─→▁▂▃▄▅▆▇█"
_AS_JSON = "rtdiag.as-json"


class Painted(str):
    """A text whose every foreign character is spelt already: what steers a terminal in it are colours of our own."""

    __slots__ = ()


def spelt(text: str) -> str:
    """The text with each such character as \\uXXXX; line feeds stay, CR LF becomes one, and a tab becomes blanks."""
    if text.isascii() and text.isprintable():  # as most are, which is seen at once
        return text
    lines = text.replace("\r\n", "\n").expandtabs(_TAB)
    return _UNPRINTABLE.sub(lambda found: _as_json(found[0]), lines)


def one_line(text: str, longest: int = 300) -> str:
    """The same on one line of at most `longest` characters, runs of blanks as one; what is cut off shows as `…`."""
    begin = text[: longest * 8]  # megabytes need not be spelt out to be thrown away
    line = " ".join(spelt(begin).split())
    cut = len(line) > longest or len(begin) < len(text)
    return line[: max(longest - 1, 0)].rstrip() + "…" if cut else line


def at_most(text: str, longest: int) -> tuple[str, int]:
    """The text as it may be shown, with at most `longest` characters of it, and how many of them were left out."""
    return spelt(text[:longest]), max(len(text) - longest, 0)


def draws(encoding: str) -> bool:
    """Whether our own signs can be shown in that encoding."""
    try:
        return bool(_DRAWN.encode(encoding))
    except UnicodeEncodeError:
        return False


def fitted(text: str, encoding: str) -> str:
    """The text with nothing in it that the encoding lacks."""
    ours = text if draws(encoding) else text.translate(_IN_ASCII)
    return ours.encode(encoding, _AS_JSON).decode(encoding)


def _as_json(text: str) -> str:
    """`\\u001b`, `\\ud83d\\ude00`."""
    return re.sub("....", r"\\u\g<0>", text.encode("utf-16-be", "surrogatepass").hex())


def _lacking(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return _as_json(error.object[error.start : error.end]), error.end


codecs.register_error(_AS_JSON, _lacking)
