"""What stands written in a source: the fields of an object, the arguments of a call, and a text put together from constants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.lexing import Span
from rtdiag.diagnosis.code.source_text import Source

HOLE = "\ufffc"  # stands in a known text for a part that only running the code would tell
_DEEPEST = 4
_LONGEST = 4000

_NAME = expression(r"[A-Za-z_$][\w$]*\Z")
_FIELD = expression(r"(?:(?P<plain>[\w$]+)|[\"'](?P<quoted>[^\"'\n]{0,100})[\"'])\s*:(?!:)")
_MADE = expression(r"[^\[({]*\sfor\s")
_SPREAD = expression(r"\.\.\.|\*\*")
_KEYWORD = expression(r"([A-Za-z_]\w*)\s*=(?!=)")
_SPLIT = expression(r"[,(\[{)\]}]")
_PLUS = expression(r"[+(\[{]")
_JS_SLOT, _PY_SLOT = expression(r"\$\{([^{}`]{0,200})\}"), expression(r"\{([^{}]{0,200})\}")
_WRAPPED = expression(r"(?:new\s+URL|String)\s*\(|\(")
_VALUE_ENDS = expression(r"[;,\n(\[{)\]}]")
_GOES_ON = expression(r"\s*[.+?:&|]")


@dataclass(frozen=True)
class Field:
    """One `name: value` of an object: where the field and its value lie. A spread has the name `...`."""

    name: str
    at: int
    start: int
    end: int


@dataclass(frozen=True)
class Known:
    """A text that the source puts together; `origin` says for each character where in the source it stands."""

    text: str
    origin: tuple[int, ...]


def parts(source: Source, opened: int) -> Iterator[tuple[int, int]]:
    """What stands between the top-level commas inside a bracket, without blanks around it."""
    end = source.pairs.get(opened)
    if end is None:
        return
    start = pos = opened + 1
    while found := _SPLIT.search(source.bare, pos, end):
        pos = source.pairs.get(found.start(), found.start()) + 1
        if found.group() == ",":
            yield from trimmed(source, start, found.start())
            start = pos
    yield from trimmed(source, start, end)


def trimmed(source: Source, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span without the blanks at its ends, if anything is left."""
    text = source.code[start:end]
    if text.strip():
        yield start + len(text) - len(text.lstrip()), end - (len(text) - len(text.rstrip()))


def fields(source: Source, opened: int) -> dict[str, Field]:
    """The fields of an object or dict literal by name; a shorthand field is its own value."""
    found: dict[str, Field] = {}
    for start, end in parts(source, opened):
        if match := _FIELD.match(source.code, start, end):
            name = match["plain"] or match["quoted"] or ""
            for left, right in trimmed(source, match.end(), end):
                if source.language == "Python" and _MADE.match(source.bare, left, right):
                    name = "..."  # a comprehension, whose fields only running it would tell
                found[name] = Field(name, start, left, right)
        elif _SPREAD.match(source.code, start, end):
            found["..."] = Field("...", start, start, end)
        elif _NAME.match(source.code[start:end]):
            found[source.code[start:end]] = Field(source.code[start:end], start, start, end)
    return found


def arguments(source: Source, opened: int) -> tuple[list[tuple[int, int]], dict[str, tuple[int, int]]]:
    """The arguments of a call: by place, and in Python by name."""
    placed: list[tuple[int, int]] = []
    named: dict[str, tuple[int, int]] = {}
    for start, end in parts(source, opened):
        match = _KEYWORD.match(source.bare, start, end) if source.language == "Python" else None
        if match:
            named |= dict.fromkeys([match[1]], next(trimmed(source, match.end(), end), (end, end)))
        else:
            placed.append((start, end))
    return placed, named


def literal(source: Source, start: int, end: int) -> int | None:
    """The opening brace of the object that an expression is, also through the name of a constant; None for another value."""
    if source.bare[start : start + 1] == "{":
        return start if source.pairs.get(start, end) < end else None
    span = declared(source, source.code[start:end], start) if _NAME.match(source.code[start:end]) else None
    return span[0] if span and source.bare[span[0]] == "{" and span[0] in source.pairs else None


def plain_text(source: Source, start: int, end: int) -> str | None:
    """The text of an expression that is one string or a constant of one, nothing left open."""
    known = resolve(source, start, end)
    return None if known is None or HOLE in known.text else known.text


def declared(source: Source, name: str, use: int) -> tuple[int, int] | None:
    """The value that a name was given last before its use, in the same block or one around it; None where that is unclear."""
    pattern = rf"(?<![\w$.]){re.escape(name)}\s*(?::[^=;,(){{}}\n]{{1,60}})?(\+?=)(?![=>])\s*"
    found: tuple[int, int] | None = None
    for match in re.finditer(pattern, source.bare):
        if match.start() >= use:
            break
        inside = source.enclosing(match.start())
        if inside is not None and (source.bare[inside] != "{" or source.pairs[inside] < use):
            continue
        if match[1] == "+=" or match.end() >= len(source.bare):
            return None
        found = match.end(), value_end(source, match.end())
    return found


def value_end(source: Source, start: int) -> int:
    """Where the expression that begins here ends: at `;`, at a top-level comma, or with its line."""
    pos, bare = start, source.bare
    while found := _VALUE_ENDS.search(bare, pos):
        at, mark = found.start(), found.group()
        if mark in "([{" and at in source.pairs:
            pos = source.pairs[at] + 1
        elif mark == "\n" and (_GOES_ON.match(bare, at) or bare[start:at].rstrip()[-1:] in "+=(?:|&."):
            pos = at + 1
        else:
            return at
    return len(bare)


def resolve(source: Source, start: int, end: int, depth: int = 0) -> Known | None:
    """The text of an expression made of strings, templates and constants of the same file; None where nothing of it is known."""
    pieces = [piece for left, right in _summands(source, start, end) for piece in _piece(source, left, right, depth)]
    text = "".join(p.text for p in pieces)[:_LONGEST]
    origin = [at for p in pieces for at in p.origin][:_LONGEST]
    return Known(text, tuple(origin)) if text.strip(HOLE) else None


def _summands(source: Source, start: int, end: int) -> Iterator[tuple[int, int]]:
    pos = start
    while found := _PLUS.search(source.bare, pos, end):
        pos = source.pairs.get(found.start(), found.start()) + 1
        if found.group() == "+":
            yield from trimmed(source, start, found.start())
            start = pos
    yield from trimmed(source, start, end)


def _piece(source: Source, start: int, end: int, depth: int) -> Iterator[Known]:
    text = source.code[start:end]
    span = source.string_at(start) or source.string_at(start + 1)
    wrapped = _WRAPPED.match(text)
    if span and span.end <= end and span.start - start <= 1:
        yield from _strings(source, span, end, depth)
    elif wrapped and depth < _DEEPEST and source.pairs.get(start + wrapped.end() - 1) == end - 1:
        inner = resolve(source, start + wrapped.end(), end - 1, depth + 1)
        yield inner or Known(HOLE, (start,))
    else:
        value = declared(source, text, start) if depth < _DEEPEST and _NAME.match(text) else None
        yield (resolve(source, *value, depth + 1) if value else None) or Known(HOLE, (start,))


def _strings(source: Source, span: Span, end: int, depth: int) -> Iterator[Known]:
    """A string, and in Python those that stand beside it without a `+`."""
    while True:
        yield from _slots(source, span, depth)
        after = re.compile(r"\s*[rbfuRBFU]{0,2}(?=[\"'])").match(source.bare, span.end, end)
        following = source.string_at(after.end()) if after and source.language == "Python" else None
        if following is None:
            if source.bare[span.end : end].strip():
                yield Known(HOLE, (span.end,))
            return
        span = following


def _slots(source: Source, span: Span, depth: int) -> Iterator[Known]:
    """The text of one string, what stands in its `${}` or `{}` resolved where it is a name."""
    quotes = 3 if source.text[span.start : span.start + 3] in ('"""', "'''") and span.end - span.start >= 6 else 1
    pos, end = span.start + quotes, span.end - quotes
    is_format = source.language == "Python" and "f" in source.code[max(0, span.start - 2) : span.start].lower()
    slot = _PY_SLOT if is_format else _JS_SLOT if source.code[span.start] == "`" else None
    for found in slot.finditer(source.code, pos, end) if slot else ():
        yield _raw(source, pos, found.start())
        name, inner = found[1].strip(), None
        if depth < _DEEPEST and _NAME.match(name) and (value := declared(source, name, span.start)):
            inner = resolve(source, *value, depth + 1)
        yield inner or Known(HOLE, (found.start(),))
        pos = found.end()
    yield _raw(source, pos, end)


def _raw(source: Source, start: int, end: int) -> Known:
    return Known(source.code[start:end], tuple(range(start, end)))
