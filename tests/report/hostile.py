"""Reports whose every text holds what a server could send to break a format, beside what it said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from rtdiag.model import Report

# Controls, a NUL, a lone surrogate, non-characters, a bidi mark, and the syntax of every format that a report is given in.
HOSTILE = (
    " \x00\x1b[31m\x9b\ud800\ufffe\uffff\u202e\u2028\r\n::error::x\r::warning file=a,line=1::%0A%25\n##[error]y\n"
    "]]></failure></script></pre></details><img src=x onerror=alert(1)>&lt;&#64;\n"
    "` `` ```\n~~~\n````json\n# h\n- l\n1. n\n---\n> q\n| a | b \\| c \\\\| \\\n|---|---|\n"
    "@openai #1 GH-2 a/b#3 http://evil.test/ www.evil.test [x](http://evil.test) *b* _i_ ~~s~~ $m$ :+1: \\"
)

# Words of a closed vocabulary, by which the report reads itself.
_KEPT = frozenset(
    {
        "status",
        "overall",
        "confidence",
        "direction",
        "body_encoding",
        "dialects",
        "kinds",
        "recognised_as",
        "session",
        "by",
    }
)


def filled(report: Report, text: str = HOSTILE) -> Report:
    """The report with `text` at the end of every text in it; what was equal, such as ids, stays equal."""
    found: Report = _filled(report, text)
    return found


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return value + text
    if is_dataclass(value) and not isinstance(value, type):
        inside = {f.name: getattr(value, f.name) for f in fields(value) if f.name not in _KEPT}
        return replace(value, **{name: _filled(one, text) for name, one in inside.items()})
    if isinstance(value, Mapping):
        return {key: _filled(one, text) for key, one in value.items()}
    return type(value)(_filled(one, text) for one in value) if isinstance(value, tuple | list) else value
