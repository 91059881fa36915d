"""The line of a URL as it should be: another path, and no model in its query."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rtdiag.api.endpoints import REALTIME
from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.source_text import Edit, Source
from rtdiag.diagnosis.code.wire import Url

_MODEL = expression(
    r"(?P<mark>[?&])model=(?:[\"']\s*\+\s*[\w$.()]+|\$\{[^}\n]*\}|\{[^}\n]*\}|[\w.:-]*(?=[&\"'`]))?(?P<next>&)?"
)


def place(source: Source, url: Url) -> int:
    """Where the path of a URL stands: the line that has to change."""
    return url.known.origin[url.path_at + url.path.rfind("/")]


def moved(source: Source, url: Url, path: str, keep_model: bool = False) -> str:
    """The line of the URL with another path, and without a model in its query unless that is to stay."""
    at = place(source, url)
    old = url.path[url.path.rfind("/") :]
    start = url.written(url.path_at, len(url.path))
    if start >= 0:
        edit = (start, start + len(url.path), path)
    elif old != REALTIME and source.code[at : at + len(old)] == old:
        edit = (at, at + len(old), path.removeprefix(REALTIME))
    else:
        return ""
    lines = {at} if keep_model else {at, _model_at(url, at)}
    edits = [edit] if keep_model else [edit, *(gone for line in lines for gone in model_edits(source, line))]
    return source.edited(min(lines), max(lines), dict.fromkeys(edits))


def _model_at(url: Url, at: int) -> int:
    """Where the query names a model, which can be in another line than the path; `at` where it names none."""
    named = url.query.find("model=")
    return url.known.origin[url.query_at + named] if named >= 0 else at


def without_model(source: Source, at: int, also: Iterable[Edit] = ()) -> str:
    """The line of an offset whose URL names no model any more, and other edits made in it."""
    return source.edited(at, at, [*model_edits(source, at), *also])


def model_edits(source: Source, at: int) -> list[Edit]:
    """What takes the model out of the URLs in the line of an offset."""
    start = source.starts[source.line(at) - 1]
    found = _MODEL.finditer(source.text, start, start + len(source.line_text(at)))
    return [(m.start(), m.end(), _kept(m)) for m in found]


def _kept(found: re.Match[str]) -> str:
    tail = found.group().rpartition("+")
    quote = found.group()[found.group().find("=") + 1 :][:1] if tail[1] and "{" not in found.group() else ""
    return (found["mark"] if found["next"] else "") + quote
