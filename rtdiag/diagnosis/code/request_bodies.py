"""What a request carries: its body and headers as written, and the form the body is sent in."""

from __future__ import annotations

import re
from typing import Literal

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.literals import declared, fields, literal
from rtdiag.diagnosis.code.source_text import Source

Form = Literal["raw", "json", "multipart"]

_JSON = expression(r"JSON\.stringify\s*\(|json\.dumps\s*\(")


def of_javascript(source: Source, call: str, placed: list[tuple[int, int]]) -> tuple[tuple[int, int] | None, str, Form]:
    """The body, headers and form of a call of fetch (options last) or of a client's post (body, then options)."""
    is_fetch = "fetch" in call
    opened = literal(source, *placed[-1]) if len(placed) > (1 if is_fetch else 2) else None
    options = fields(source, opened) if opened is not None else {}
    body: tuple[int, int] | None = None
    if is_fetch and "body" in options:
        body = options["body"].start, options["body"].end
    elif not is_fetch and len(placed) > 1:
        body = placed[1]
    headers = _written(source, options["headers"].start, options["headers"].end) if "headers" in options else ""
    return body, headers, _form(source, body, is_fetch)


def of_python(source: Source, named: dict[str, tuple[int, int]]) -> tuple[tuple[int, int] | None, str, Form]:
    """The body, headers and form of a call with arguments by name, as requests, httpx and aiohttp have them."""
    headers = _written(source, *named["headers"]) if "headers" in named else ""
    if "files" in named:
        return named["files"], headers, "multipart"
    if "json" in named:
        return named["json"], headers, "json"
    body = named.get("data") or named.get("content")
    return body, headers, _form(source, body, True)


def _form(source: Source, body: tuple[int, int] | None, is_raw: bool) -> Form:
    text = _written(source, *body) if body else ""
    if _JSON.search(text[:60]) or (text.startswith("{") and not is_raw):
        return "json"
    return "multipart" if "FormData(" in text or (body and _is_form(source, body)) else "raw"


def _is_form(source: Source, body: tuple[int, int]) -> bool:
    name = source.code[body[0] : body[1]]
    return bool(re.fullmatch(r"[\w$]+", name)) and bool(
        re.search(rf"(?<![\w$.]){re.escape(name)}\.(?:append|set|add_field)\s*\(", source.bare)
    )


def _written(source: Source, start: int, end: int) -> str:
    """An expression as written; where it is the name of a constant, what that is."""
    text = source.code[start:end]
    value = declared(source, text, start) if re.fullmatch(r"[\w$]+", text) else None
    return source.code[value[0] : value[1]].strip() if value else text
