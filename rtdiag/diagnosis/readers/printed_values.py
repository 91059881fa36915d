"""Values as programs print them: Python's reprs, what Node and browsers make of an object, and JSON, by one tolerant reader.

`Event(type='error', param=None)`, `APIError { status: 401, headers: Headers {…} }`, `Map(2) { 'a' => {…} }`, `{'type': 'error'}`.
"""

from __future__ import annotations

import re
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers.plain import NOTHING

LONGEST = 256 * 1024
_DEEPEST = 30

_TEXT = r"""(?P<text> [bBrRuU]? (?: "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `(?:[^`\\]|\\.)*` ) )"""
_PIECE = expression(rf"\s* (?: \+ \s* )? {_TEXT}", re.X | re.S)
_TOKEN = expression(
    rf"""\s* (?: {_TEXT}
      | (?P<left> \.\.\.[^,\]}}\n]* | … )
      | (?P<opaque> <[^<>\n]{{0,200}}> | \[ [A-Z]\w* (?: [ :][^\]\[\n'"{{}}]{{0,80}} )? \] )
      | (?P<name> \[Symbol\([^)\n]{{0,80}}\)\] | [\w$+.-]+ )
      | (?P<mark> [{{}}\[\](),:=] ) )""",
    re.X | re.S,
)
_ESCAPE = expression(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.S)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "\n": ""}
_WORDS: dict[str, bool | None] = {"None": None, "null": None, "undefined": None, "NaN": None}
_WORDS |= {"True": True, "true": True, "False": False, "false": False}
_NUMBER = expression(r"-?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?\Z")
_CONSTANT = expression(r"-?(?:Infinity|inf|nan|\d+n)\Z|datetime\.|Ellipsis\Z")
_CLOSING = {"{": "}", "[": "]", "(": ")"}
# What stands between the name of a JavaScript object and its brace: a size, or the trace of an error.
_SIZE = expression(r"\s?(?:\(\d{1,9}\))?\s?(?:\[\w[\w ]{0,40}\]\s?)?(?=\{|\[)")


class Named(dict[Any, Any]):
    """The fields of an object that was printed with the name of its class, and the arguments that have no name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.args: list[Any] = []


def value_at(text: str, start: int) -> tuple[Any, int]:
    """The value that is printed here, and where it ends; NOTHING, and how far it went, where none is, or it is not whole.

    Lists and mappings are plain; an object with a name is a Named. In source code, where variables stand for values, there is none.
    """
    reader = _Reader(text[start : start + LONGEST])
    try:
        value = reader.value(0)
    except (_Odd, ValueError):
        return NOTHING, start + reader.at
    return value, start + reader.at


def whole(text: str) -> Any:
    """The one value that a text is, or NOTHING where there is more in it."""
    text = text.strip()
    value, end = value_at(text, 0) if len(text) <= LONGEST else (NOTHING, 0)
    return value if end == len(text) else NOTHING


class _Word(str):
    """A word without quotes: the name of a field. As a value it is a variable, so what stands here is source code."""

    __slots__ = ()


class _Odd(Exception):  # noqa: N818 - what the text is
    """Here no value goes on."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def value(self, depth: int) -> Any:
        """The value that begins here. Raises _Odd."""
        if depth > _DEEPEST:
            raise _Odd
        kind, token = self._taken()
        if kind == "text":
            return self._joined(token)
        if kind == "name":
            return self._named(token, depth)
        if kind == "opaque":
            return self.value(depth) if token.startswith("<ref") else token
        if token not in _CLOSING:
            raise _Odd
        return self._inside(token, Named(""), depth)

    def _named(self, name: str, depth: int) -> Any:
        if self._next() == "(":
            self.at += 1
            if self.text[self.at : self.at + 1].isdigit() and (size := _SIZE.match(self.text, self.at - 1)):
                self.at = size.end()
            else:
                return self._inside("(", Named(name), depth)
        elif size := _SIZE.match(self.text, self.at):
            self.at = size.end()
        if name[0].isalpha() and self._next() in ("{", "[") and name not in _WORDS:
            if (opening := self._taken()[1]) not in _CLOSING:
                raise _Odd
            return self._inside(opening, Named(name), depth)
        if name in _WORDS:
            return _WORDS[name]
        return _number(name) if _NUMBER.match(name) else _Word(name)

    def _inside(self, opening: str, found: Named, depth: int) -> Any:
        """What stands between brackets: fields, elements, or both."""
        while (mark := self._next()) != _CLOSING[opening]:
            if mark == ",":
                self.at += 1
                continue
            if self._is_left_out():
                continue
            value = self.value(depth + 1)
            if self._next() in (":", "="):
                self.at += 2 if self.text.startswith("=>", self.at) else 1
                found[str(value)] = _shown(self.value(depth + 1))
            else:
                found.args.append(_shown(value))
        self.at += 1
        if found.name:
            return found
        return found.args if opening != "{" else dict(found) if found or not found.args else found.args

    def _joined(self, token: str) -> str:
        """A text that is printed in pieces, with or without a plus between them."""
        whole = _unescaped(token)
        while piece := _PIECE.match(self.text, self.at):
            self.at = piece.end()
            whole += _unescaped(piece["text"])
        return whole

    def _is_left_out(self) -> bool:
        found = _TOKEN.match(self.text, self.at)
        if found is None or found.lastgroup != "left":
            return False
        self.at = found.end()
        return True

    def _next(self) -> str:
        """The character that comes next, blanks passed over; "" at the end."""
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _taken(self) -> tuple[str, str]:
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            raise _Odd
        self.at = found.end()
        kind = found.lastgroup or ""
        return kind, found.group(kind)


def _shown(value: Any) -> Any:
    if isinstance(value, _Word) and not _CONSTANT.match(value):
        raise _Odd
    return value


def _number(text: str) -> float:
    return float(text) if set(text) & set(".eE") else int(text)


def _unescaped(token: str) -> str:
    inside = token.lstrip("bBrRuU")[1:-1]
    return _ESCAPE.sub(_meant, inside) if "\\" in inside else inside


def _meant(found: re.Match[str]) -> str:
    escape = found[1]
    return chr(int(escape[1:], 16)) if len(escape) > 1 else _ESCAPED.get(escape, escape)
