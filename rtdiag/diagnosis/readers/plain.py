"""JSON without surprises: parsing that does not raise, and looking into values whose shape nobody promised."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.printed import straight
from rtdiag.intake import Malformed, Unusable, json_of

# Lines beyond this length are cut before a pattern is tried on them.
LONGEST_LINE = 64 * 1024

_FENCE = expression(r"\A\s{0,80}```[a-z]{0,12}\n(.*?)\n?```\s{0,80}\Z", re.DOTALL)


class _Nothing:
    def __bool__(self) -> bool:
        return False


NOTHING: Any = _Nothing()


def parsed(text: str, *, strict: bool = False) -> Any:
    """The JSON value of `text`, or NOTHING; a code fence, curly quotes and a JSON text within a JSON text are seen through.

    Where `strict`, raises Unusable for what is JSON as far as it goes, and too deep or too much.
    """
    text = unfenced(text)
    value = _loads(text, strict=strict)
    if value is NOTHING and text.lstrip()[:1] in ("{", "[", "“"):
        value = _loads(straight(text))
    return parsed(value) if isinstance(value, str) and value.lstrip()[:1] in ("{", "[") else value


def _loads(text: str, *, strict: bool = False) -> Any:
    try:
        return json_of(text, once=False)
    except Malformed:
        return NOTHING
    except Unusable:
        if strict:
            raise
        return NOTHING


def unfenced(text: str) -> str:
    """The inside of a Markdown code fence, where `text` is nothing but one."""
    found = _FENCE.match(text) if text.lstrip().startswith("```") else None
    return found.group(1) if found else text


def at(value: Any, *path: str) -> Any:
    """What lies at this path of keys, or None where any of it is missing."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def text_at(value: Any, *path: str) -> str | None:
    """The text at this path, or None where there is none or it is something else."""
    found = at(value, *path)
    return found if isinstance(found, str) else None


def compact(value: Any) -> str:
    """A value as JSON on one line; a text as it is; "" where it cannot be written."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError, TypeError):
        return ""


def lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, from 1, none longer than LONGEST_LINE."""
    for number, line in enumerate(text.split("\n"), 1):
        yield number, line[:LONGEST_LINE]
