"""HTML that is well-formed by construction: whatever is no `Markup` is text, and text is escaped.

What a parser or a screen would change, hide or turn round is spelt out (spelling.py). A megabyte is cut, and says so.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache

from rtdiag.model import counted
from rtdiag.report.spelling import at_most

_VOID = frozenset({"br", "meta"})
_URL = re.compile(r"https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?()\[\]…]")
_AS_IT_IS = re.compile(r"[A-Za-z0-9 _.,:;/()+-]*")  # as most texts are, which HTML and every screen show so
LONGEST_TEXT = 20_000


class Markup(str):
    """A piece of HTML as it goes into the file."""

    __slots__ = ()


def text(value: str) -> Markup:
    """The text as HTML shows it, escaped for an element and for an attribute; at most 20,000 characters of it."""
    if len(value) <= LONGEST_TEXT and _AS_IT_IS.fullmatch(value):
        return Markup(value)
    shown, rest = at_most(value, LONGEST_TEXT)
    return Markup(
        html.escape(f"{shown}\n… {counted(rest, 'more character')}; -o json has the whole text" if rest else shown)
    )


def joined(*parts: str) -> Markup:
    """The parts one after another; what is no Markup is text."""
    return Markup("".join([part if isinstance(part, Markup) else text(part) for part in parts]))


def element(name: str, /, *inside: str, **attributes: str | int | bool | None) -> Markup:
    """`<name …>inside</name>`. An underscore at an attribute's end is dropped, others are hyphens; None and False leave it out."""
    shown = "".join([_attribute(key, value) for key, value in attributes.items()])
    if name in _VOID:
        return Markup(f"<{name}{shown}>")
    first = "\n" if name == "pre" else ""  # the parser drops one newline there
    return Markup(f"<{name}{shown}>{first}{joined(*inside)}</{name}>")


def linked(value: str) -> Markup:
    """The text with what begins with http:// or https:// as links, and nothing else."""
    pieces, end = [], 0
    for found in _URL.finditer(value):
        pieces += [text(value[end : found.start()]), element("a", found[0], href=found[0], rel="noopener noreferrer")]
        end = found.end()
    return joined(*pieces, value[end:])


@lru_cache(1024, typed=True)  # most stand in line after line; 1 and True are two
def _attribute(key: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(str(value))}"'
