"""Error bodies: the API's JSON, whole, bare or cut off, and the web page that stands in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.printed import straight
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.plain import parsed

_PAGE = expression(r"(?i)\A\s{0,200}(?:<\?xml[^>]{0,200}>\s{0,80})?<(?:!doctype\s{1,8}html|html|head|title)\b")
_PAGE_STATUS = expression(r"(?i)<(?:title|h1)[^>]{0,200}>[^<]{0,80}?\b([45]\d\d)\b")
_FIELDS = frozenset({"message", "type", "code"})
_OF_STRIPE = frozenset({"doc_url", "request_log_url"})
_AROUND = ("error", "details", "detail", "data", "body", "message", "cause", "response", "upstream")
_DEEPEST = 4
_CUT_OFF = expression(r"\A\s{0,200}\{\s{0,200}\"(?:error|message|type|event_id|code|detail)\"\s{0,8}:")


def is_error(value: Any) -> bool:
    """Whether a JSON value is an error body, a bare error object or an error event."""
    if not isinstance(value, Mapping):
        return False
    if value.get("error") or value.get("type") == "error":
        return True
    told = isinstance(value.get("message") or value.get("detail"), str)
    return told and any(k in value for k in ("type", "code", "param", "status", "statusCode", "detail"))


def of_the_api(value: Any, depth: int = 0) -> Mapping[str, Any] | None:
    """OpenAI's error object in a JSON value, also inside what a backend of one's own has put around it; None where there is none.

    It has message, type and code, mostly with param; Stripe's has these and `doc_url`, others lack one.
    """
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        value = parsed(value)
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return None
    if value.keys() >= _FIELDS and isinstance(value["message"], str):
        return None if _OF_STRIPE & value.keys() else value
    inner = (of_the_api(value[key], depth + 1) for key in _AROUND if key in value)
    return next((found for found in inner if found is not None), None)


def is_event(value: Any) -> bool:
    """Whether an error object came as an event (data channel or WebSocket) and not as an HTTP body."""
    if not isinstance(value, Mapping):
        return False
    kind, inner = value.get("type"), value.get("error")
    named = isinstance(kind, str) and (kind == "error" or kind.endswith(".failed"))
    return named or (isinstance(inner, Mapping) and "event_id" in inner)


def from_json(value: Mapping[str, Any], text: str) -> Draft:
    """An error body: `text` is the body as given; a status that it names itself is taken over."""
    named = (value.get("status"), value.get("statusCode"), value.get("status_code"))
    status = next((s for s in named if isinstance(s, int) and 100 <= s <= 599 and s is not True), None)
    return Draft(text=text, status=status, surface="data_channel" if is_event(value) else None)


def is_page(text: str) -> bool:
    """Whether the text is a web page."""
    return bool(_PAGE.match(text[:2000]))


def from_page(text: str) -> Draft:
    """A web page where an answer of the API was expected; the status is the one in its title."""
    found = _PAGE_STATUS.search(text[:20_000])
    status = int(found.group(1)) if found else None
    return Draft(text=text, status=status, surface="http", circumstances=["the answer is a web page, not JSON"])


def is_cut_off(text: str) -> bool:
    """Whether the text begins as an error body does, and ends within it."""
    if not _CUT_OFF.match(straight(text[:2000])):
        return False
    try:
        json.JSONDecoder().raw_decode(straight(text).lstrip())
    except json.JSONDecodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def from_cut_off(text: str) -> Draft:
    """A body that stops in the middle, or is not quite JSON."""
    return Draft(text=text, circumstances=["the body is cut off, or is not quite JSON"])
