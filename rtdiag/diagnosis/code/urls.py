"""The line of a URL as it should be: another path, and no model in its query."""

from __future__ import annotations

import re

from rtdiag.api.endpoints import REALTIME
from rtdiag.diagnosis.code.source_text import Source
from rtdiag.diagnosis.code.wire import Url

_MODEL = re.compile(
    r"(?P<mark>[?&])model=(?:[\"']\s*\+\s*[\w$.()]+|\$\{[^}\n]*\}|\{[^}\n]*\}|[\w.:-]*(?=[&\"'`]))?(?P<next>&)?"
)


def place(source: Source, url: Url) -> int:
    """Where the path of a URL stands: the line that has to change."""
    return url.known.origin[url.path_at + url.path.rfind("/")]


def moved(source: Source, url: Url, path: str) -> str:
    """The line of the URL with another path, and without a model in its query."""
    at = place(source, url)
    old = url.path[url.path.rfind("/") :]
    start = url.written(url.path_at, len(url.path))
    if start >= 0:
        edit = (start, start + len(url.path), path)
    elif old != REALTIME and source.code[at : at + len(old)] == old:
        edit = (at, at + len(old), path.removeprefix(REALTIME))
    else:
        return ""
    return without_model(source.edited(at, at, [edit]))


def without_model(line: str) -> str:
    """A line of code whose URL names no model any more."""

    def keep(found: re.Match[str]) -> str:
        tail = found.group().rpartition("+")
        quote = found.group()[found.group().find("=") + 1 :][:1] if tail[1] and "{" not in found.group() else ""
        return (found["mark"] if found["next"] else "") + quote

    return _MODEL.sub(keep, line)
