"""Failure descriptions: a mapping or a list of mappings, JSON or YAML, in the fields that published failures are collected in.

Only what was asked and what came back is used; whatever a description says of cause or repair is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.plain import NOTHING, at, compact
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Malformed, Unusable, yaml_of

_FIELDS = frozenset({"id", "request", "status", "body", "surface", "dialect"})
_TELLING = frozenset({"request", "body", "surface"})
_OTHER_FORMS = frozenset({"error", "log", "checks", "entries", "type", "message"})
_TAPE = expression(r"(?m)^(?:http_)?interactions:[ \t]*(?:\[\]\s*$|\n[ \t]*-[ \t]+(?:request|response|recorded))")
_YAML_FIELD = expression(r"(?m)^(?:- |  )?(?:id|request|status|body|surface|dialect)\s{0,4}:(?:\s|$)")

LARGEST_YAML = 2 * 1024 * 1024
MOST_DESCRIPTIONS = 10_000


def is_description(value: Any) -> bool:
    """Whether a mapping is a failure description, or a list is made of mappings that are."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(v, Mapping) for v in value) and any(is_description(v) for v in value)
    if not isinstance(value, Mapping) or _OTHER_FORMS & set(value):
        return False
    known = _FIELDS & set(value)
    return bool(_TELLING & known) and (len(known) >= 2 or len(value) == 1)


def from_descriptions(value: Any) -> list[Draft]:
    """One draft per description, in their order, also where one says nothing. Unreadable beyond MOST_DESCRIPTIONS."""
    items = value if isinstance(value, list) else [value]
    if len(items) > MOST_DESCRIPTIONS:
        raise Unreadable(f"these are {len(items)} descriptions: give at most {MOST_DESCRIPTIONS} at once")
    return [_draft(item, f"description {n}") for n, item in enumerate(items, 1)]


def looks_like_yaml(text: str) -> bool:
    """Whether the text has the fields of a description at the beginnings of its lines, as YAML has, or is a cassette."""
    if is_tape(text):
        return True
    return len(_YAML_FIELD.findall(text[:200_000])) >= 2 or bool(re.match(r"\s{0,80}(?:- )?(?:body|request):\s", text))


def is_tape(text: str) -> bool:
    """Whether the text begins as a cassette does."""
    return bool(_TAPE.search(text[:2000]))


def from_yaml(text: str) -> Any:
    """The value of a YAML text; NOTHING where it is none. Unreadable where it is not harmless."""
    if len(text) > LARGEST_YAML:
        raise Unreadable(f"the YAML is larger than {LARGEST_YAML // 1024 // 1024} MiB: give less of it at once")
    try:
        return yaml_of(text)
    except Malformed:
        return NOTHING
    except Unusable as error:
        raise Unreadable(f"the YAML cannot be used: {error}") from None


def _draft(item: Mapping[str, Any], where: str) -> Draft:
    request = item.get("request")
    return Draft(
        text=_text(item.get("body")) or "",
        method=_text(at(request, "method")),
        url=_text(at(request, "path")),
        credential=_text(at(request, "credential")),
        content_type=_text(at(request, "content_type")),
        sent=_text(at(request, "body")),
        status=_status(item.get("status")),
        surface=_text(item.get("surface")),
        dialect=_text(item.get("dialect")),
        where=where,
        id=_id(item.get("id")),
    )


def _text(value: Any) -> str | None:
    return None if value is None else compact(value)


def _status(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,5}", value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 100_000 else None


def _id(value: Any) -> str | int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return _text(value)
