"""From text to plain values: JSON, and what of a value neither JSON nor a server can take."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import inf, isfinite
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.intake.limits import DEEPEST, MOST_VALUES, Malformed, Unusable

TOO_DEEP = f"it is nested deeper than {DEEPEST} levels: no session and no report is"
# Every value but the first stands behind one of these: a text with no more of them fits into memory, whatever it holds.
_BEFORE_VALUES = (",", "[", "{", ":")
_MOST_BEFORE_VALUES = 2_000_000
_MOST_DIGITS = 308  # of a number that a double can hold
_HALF = expression(r"[\ud800-\udfff]")
_WANTED = "JSON takes double quotes alone, no comment, and no comma before a bracket"


class AsWritten(str):
    """What YAML takes for more than JSON has, a date for example, as it is written; `kind` says for what."""

    kind = "text"

    @classmethod
    def of(cls, kind: str, text: str) -> AsWritten:
        """That text, taken for that kind of thing."""
        made = cls(text)
        made.kind = kind
        return made


def json_of(text: str, *, most_values: int = MOST_VALUES, once: bool = True) -> Any:
    """The value of a JSON text. A number too large to be one becomes infinite.

    Raises Malformed where it is none, Unusable for what is too large or too deep; where `once`, also for a name that stands twice
    in one object, of which elsewhere the last counts.
    """
    refuse_many(text)
    try:
        value = json.loads(text, parse_int=_whole, object_pairs_hook=_object if once else None)
    except json.JSONDecodeError as error:
        raise Malformed(_said(error)) from None
    except RecursionError:
        raise Unusable(TOO_DEEP) from None
    refuse_large(value, most_values)
    return value


def refuse_many(text: str) -> None:
    """Raises Unusable where a JSON text may hold more values than the memory, before any is made."""
    if sum(map(text.count, _BEFORE_VALUES)) > _MOST_BEFORE_VALUES:
        raise Unusable(too_many(MOST_VALUES))


def refuse_large(value: Any, most_values: int = MOST_VALUES) -> None:
    """Raises Unusable for a value that is nested too deep, or holds too many."""
    level, count, depth = [value] if isinstance(value, dict | list) else [], 0, 0
    while level:
        depth, count = depth + 1, count + sum(map(len, level))
        if depth > DEEPEST:
            raise Unusable(TOO_DEEP)
        if count > most_values:
            raise Unusable(too_many(most_values))
        level = [inner for one in level for inner in _inside(one) if isinstance(inner, dict | list)]


def too_many(most_values: int) -> str:
    """What is said of an input with more values."""
    return f"it holds more than {most_values} values: give less of it"


def odd(value: Any) -> str:
    """What in a value cannot be sent as JSON, with its place and what to do; "" where all can."""
    left = [("", value)]
    while left:
        place, one = left.pop()
        if isinstance(one, dict):
            if name := next((repr(key) for key in one if not isinstance(key, str)), ""):
                return f"the name {name} is no text: put it in quotes"
            if why := next(filter(None, map(_odd, one)), ""):
                return f"a name in {place or 'it'} is {why}"
            left += [(f"{place}.{key}".lstrip("."), inner) for key, inner in one.items()]
        elif isinstance(one, list):
            left += [(f"{place}[{i}]", inner) for i, inner in enumerate(one)]
        elif why := _odd(one):
            return f"{place} is {why}"
    return ""


def _odd(one: Any) -> str:
    if isinstance(one, AsWritten):
        return f"a {one.kind}, which JSON does not have: put it in quotes"
    if isinstance(one, str):
        half = _HALF.search(one)
        return f"no whole text: it holds half a character (\\u{ord(half[0]):04x})" if half else ""
    if isinstance(one, float) and not isfinite(one):
        return "nan, which JSON does not have" if one != one else "infinite, or too large for a number"
    return "" if one is None or isinstance(one, bool | int | float) else "binary, which JSON does not have"


def _inside(one: Any) -> Iterable[Any]:
    return one.values() if isinstance(one, dict) else one


def _whole(digits: str) -> float:
    return int(digits) if len(digits) <= _MOST_DIGITS else inf


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for n, (name, _) in enumerate(pairs) if name in dict(pairs[:n]))
        raise Unusable(f"the name {twice[:80]!r} stands twice in one object: leave one of them out")
    return found


def _said(error: json.JSONDecodeError) -> str:
    """Where and why a text is no JSON."""
    line, column = f"line {error.lineno}", error.colno
    if not error.doc.strip():
        return "it is empty"
    if error.msg.startswith("Extra data"):
        return f"{line}: the JSON has ended, and something follows from column {column} on"
    if error.msg.startswith("Unterminated"):
        return f"{line}: the text that begins in column {column} has no end: is the file whole?"
    if not error.doc[error.pos :].strip():
        return f"{line}: the JSON ends too early: is the file whole?"
    return f"{line}: no JSON from column {column} on; {_WANTED}"
