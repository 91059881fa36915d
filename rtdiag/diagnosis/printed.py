"""Error objects in any print of them: JSON, a console's lines, Python's and JavaScript's own, and whatever quotes they came in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rtdiag.api.expressions import expression

# Characters of a text that are looked at; an error that says what is wrong says it early.
LONGEST = 16_384
_LONGEST_JSON = 65_536

# Quotes as typographers, forums and wrong encodings spell them.
_DOUBLE_QUOTES = expression(r"â€[œ\x9d\x9c]|â€(?![\w™˜¦])|[“”„‟″«»]|&quot;|(?<!\\)\\+\"")
_SINGLE_QUOTES = expression(r"â€[™˜]|â\x80[\x98\x99]|â(?:Ă[Śś]|Ś)?(?=[A-Za-z_'])|[‘’‚‛′´]|&#39;|&apos;|(?<!\\)\\+'")
_ELLIPSIS = expression(r"â€¦|âŚ|…")

# The fields of an error object in JSON, in a console's `key: value` lines, in Python's and JavaScript's prints.
# In single quotes an apostrophe counts as text where a word, a path or a mask goes on behind it.
_FIELD = expression(
    r"""
    (?<![\w.-]) (?<!your\ ) ['"]? (code|type|param|message) ['"]? \s* [:=] \s*
    (?: "([^"\n]{0,2000})"
      | '((?: [^'\n] | (?<=[\w\s])'(?=[\w.*\[]) | (?<=[\w\]])'(?=[\s.]\s?[\w.]?) ){0,2000})'
      | ([\w.:\[\]-]+ (?: (?: [^\n,}] | ,(?!\ \w+\ ?:) ){0,2000} (?=,\ \w+\ ?: | $ | \n) )?)
    )""",
    re.I | re.X,
)
_NOTHING = frozenset({"null", "none", "undefined", "", "nil"})
_ERROR_TYPE = expression(
    r"\w*_?error$|request_forbidden|insufficient_quota|tokens|requests|not_found|invalid_request\w*", re.I
)


def error_fields(raw: str) -> dict[str, str]:
    """The fields type, code, message and param of the innermost error object that a text holds, as JSON or in any print of one.

    `event` is the type of a received event where the text shows one.
    """
    parsed = _parsed(raw)
    if parsed is not None and (found := _innermost(parsed)):
        pairs = [(k, str(v)) for k, v in found.items() if k in ("type", "code", "message", "param")]
        pairs += [("type", str(parsed["type"]))] if "type" in parsed else []
    else:
        pairs = [
            (m.group(1).lower(), next(g for g in m.groups()[1:] if g is not None))
            for m in _FIELD.finditer(_straightened(raw))
        ]
    fields: dict[str, str] = {}
    for name, text in pairs:
        value = text.rstrip(")]}").strip()
        if name == "type" and not _ERROR_TYPE.match(value):
            name = "event"
        if (
            value.lower() in _NOTHING
            or value == "error"
            or (name == "code" and not re.fullmatch(r"[a-zA-Z][\w.:-]{2,}", value))
        ):
            continue
        fields.setdefault(name, value)
    return fields


def _parsed(raw: str) -> Any:
    start = raw.find("{")
    if start < 0 or len(raw) > _LONGEST_JSON or raw.count("{") > 2000:
        return None
    try:
        parsed = json.JSONDecoder().raw_decode(raw, start)[0]
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, Mapping) else None


def _innermost(parsed: Any, depth: int = 0) -> Mapping[str, Any] | None:
    """The deepest mapping that looks like an error object: under `error`, `response`, `status_details` or at the top."""
    if not isinstance(parsed, Mapping) or depth > 6:
        return None
    for name in ("error", "response", "status_details", "detail", "last_error"):
        inner = parsed.get(name)
        if isinstance(inner, str) and name == "error":
            return {"message": inner, "code": parsed.get("code")}
        if found := _innermost(inner, depth + 1):
            return found
    return parsed if "message" in parsed or ("code" in parsed and "type" not in parsed) else None


def straight(text: str) -> str:
    """`text` with straight quotes, three dots and plain blanks in place of typographic and mangled ones."""
    if text.isascii() and "&" not in text and "\\" not in text:
        return text
    text = _ELLIPSIS.sub("...", text.replace("\u00a0", " "))
    return _SINGLE_QUOTES.sub("'", _DOUBLE_QUOTES.sub('"', text))


def evened(text: str) -> str:
    """The beginning of `text` on one line, every quote an apostrophe and every run of blanks one blank."""
    return re.sub(r"\s+", " ", re.sub(r"[\"`]", "'", _straightened(text))).strip()


def _straightened(text: str) -> str:
    return straight(text[:LONGEST].replace("\\n", " "))
