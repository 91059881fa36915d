"""Where comments and strings lie: in JavaScript, TypeScript, Python and the scripts of a page; elsewhere languages.yaml says it.

Each text is read once from front to end, so a hostile one costs no more than its length; what does not close ends with its line
or with the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, cast

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.languages import PACKAGES, pattern


class Span(NamedTuple):
    """A comment or a string with its quotes: `text[start:end]`."""

    kind: Literal["comment", "string"]
    start: int
    end: int


_JS_NEXT = expression(r"//|/\*|[\"'`/]")
_PY_NEXT = expression(r"#|\"\"\"|'''|[\"']")
_QUOTED = {q: expression(rf"{q}(?:[^{q}\\\n]|\\(?s:.))*{q}?") for q in "\"'"}
_REGEX = expression(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.){0,200}\]){1,300}/[a-z]*")
_BEFORE_REGEX = expression(r"(?:^|[(,=:\[!&|?{;+~]|\b(?:return|typeof|case|of|in))$")
_IN_TEMPLATE = expression(r"\\(?s:.)|`|\$\{")
_IN_EXPRESSION = expression(r"[`{}\"']")
_LINE_END = expression(r"\n|$")
_SCRIPT = expression(r"<script(?P<about>[^<>]{0,1000})>", re.I)
_SCRIPT_END = expression(r"</script|\Z", re.I)
_MARKUP_COMMENT = expression(r"<!--.*?(?:-->|$)", re.S)
_NOT_CODE = expression(r"type\s*=\s*[\"'](?!module|text/(?:javascript|babel|typescript)|application/javascript)", re.I)


def spans(text: str, language: str) -> Iterator[Span]:
    """The comments and strings of `text`, in order; regular expressions count as strings, docstrings as comments."""
    if language == "JavaScript":
        yield from _javascript(text)
    elif language == "Python":
        yield from _python(text)
    elif language != PACKAGES:
        for found in pattern(language).finditer(text):
            yield Span(cast(Literal["comment", "string"], found.lastgroup), *found.span())


def scripts(text: str) -> str:
    """An HTML page with everything but the code of its scripts turned to blanks, at the same length."""
    text = _MARKUP_COMMENT.sub(lambda m: blank(m.group()), text)
    kept, done = [], 0
    while (opened := _SCRIPT.search(text, done)) and (closed := _SCRIPT_END.search(text, opened.end())):
        code = text[opened.end() : closed.start()]
        kept += [blank(text[done : opened.end()]), blank(code) if _NOT_CODE.search(opened["about"]) else code]
        done = closed.start()
    return "".join([*kept, blank(text[done:])])


def blank(text: str) -> str:
    """Blanks in place of `text`, its line ends kept."""
    return re.sub(r"[^\n]", " ", text)


def _javascript(text: str) -> Iterator[Span]:
    pos, forgiven = 0, 0
    while found := _JS_NEXT.search(text, pos):
        start, mark = found.start(), found.group()
        kind: Literal["comment", "string"] = "comment" if mark in ("//", "/*") else "string"
        if mark == "//":
            end = _line_end(text, start)
        elif mark == "/*":
            end = _after(text, "*/", start + 2)
        elif mark == "`":
            end = _template(text, start)
            if end > len(text) and forgiven < 20:  # it never closes: a stray mark, not the rest of the file
                pos, forgiven = start + 1, forgiven + 1
                continue
            end = min(end, len(text))
        elif mark == "/":
            end = _regex(text, start)
            if end == start:
                pos = start + 1
                continue
        else:
            end = _quoted(text, start)
        yield Span(kind, start, end)
        pos = end


def _python(text: str) -> Iterator[Span]:
    pos = 0
    while found := _PY_NEXT.search(text, pos):
        start, mark = found.start(), found.group()
        if mark == "#":
            yield Span("comment", start, end := _line_end(text, start))
        elif len(mark) == 3:
            end = _after(text, mark, start + 3)
            yield Span("comment" if _is_statement(text, start) else "string", start, end)
        else:
            yield Span("string", start, end := _quoted(text, start))
        pos = end


def _quoted(text: str, start: int) -> int:
    found = _QUOTED[text[start]].match(text, start)
    return found.end() if found else start + 1


def _line_end(text: str, start: int) -> int:
    found = _LINE_END.search(text, start)
    return found.start() if found else len(text)


def _after(text: str, mark: str, start: int) -> int:
    end = text.find(mark, start)
    return len(text) if end < 0 else end + len(mark)


def _regex(text: str, start: int) -> int:
    """The end of a regular expression that begins here; `start` itself where `/` divides or closes a tag."""
    before = text[max(0, start - 80) : start].rstrip()
    found = _REGEX.match(text, start) if _BEFORE_REGEX.search(before) else None
    return found.end() if found else start


def _template(text: str, start: int) -> int:
    """The end of a template literal, with what is nested in its `${}`; beyond the text where it never closes."""
    pos, inside = start + 1, ["`"]
    while inside:
        found = (_IN_TEMPLATE if inside[-1] == "`" else _IN_EXPRESSION).search(text, pos)
        if not found:
            return len(text) + 1
        pos, mark = found.end(), found.group()
        if mark in "\"'":
            pos = _quoted(text, found.start())
        elif mark == "}" or (mark == "`" and inside[-1] == "`"):
            inside.pop()
        elif mark in ("`", "{", "${"):
            inside.append(mark)
    return pos


def _is_statement(text: str, start: int) -> bool:
    """Whether a triple-quoted string stands alone, as a docstring does."""
    line = text[text.rfind("\n", 0, start) + 1 : start].strip().lower()
    before = text[max(0, start - 300) : start].rstrip(" \t\r\nrRbBuUfF")
    return line in ("", "r", "b", "u", "f") and not before.endswith(tuple("(,[{=+%|\\"))
