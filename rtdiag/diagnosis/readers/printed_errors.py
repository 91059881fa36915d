"""Error objects as libraries of Node and Python print them: the error itself, apart from headers, requests and traces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers.plain import at, compact
from rtdiag.diagnosis.readers.printed_values import value_at
from rtdiag.diagnosis.readers.routes import dialect_of

# What a server allowed, printed among other headers: it says nothing of a refusal.
_ALLOWED = expression(
    r"""(['"]?)access-control-[a-z-]{1,40}\1\s{0,4}(?::|=>)\s{0,4}\[?\s{0,4}(?:'[^'\n]{0,400}'|"[^"\n]{0,400}")\s{0,4}\]?,?""",
    re.I,
)
_PARTS = ("error", "code", "type", "param", "message", "event_id", "detail")
_STATUS = ("status", "statusCode", "status_code")


def without_allowances(text: str) -> str:
    """`text` without the headers of CORS that stand in it with their values."""
    return _ALLOWED.sub("…,", text) if "ccess-" in text else text


def error_at(text: str, start: int) -> tuple[str, int | None, Mapping[str, Any]] | None:
    """The error in the object that is printed here, as JSON, its status, and the object; None where it tells of none.

    The error is the innermost body of the API; what was asked (axios' `config`) and the headers are left in the object.
    """
    value, _ = value_at(text, start)
    if not isinstance(value, Mapping):
        return None
    answer = value.get("response") if isinstance(at(value, "response", "status"), int) else value
    status = next((s for n in _STATUS if isinstance(s := at(answer, n), int) and 100 <= s <= 599), None)
    body = next((b for n in ("data", "body") if isinstance(b := at(answer, n), Mapping | str) and b), None)
    told = body if body else {name: value[name] for name in _PARTS if value.get(name) is not None}
    if isinstance(at(told, "error"), Mapping) and not isinstance(told, str):
        told = {name: told[name] for name in ("type", "event_id", "error") if name in told and told[name] is not None}
    return (compact(told) if told else "", status, value) if told or status else None


def holds_more(value: Mapping[str, Any]) -> bool:
    """Whether an object that tells of an error also tells of the exchange around it."""
    return any(isinstance(value.get(name), Mapping) for name in ("headers", "config", "request", "response"))


def asked(value: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """The method, the URL and its dialect that an error names for its request, as axios does."""
    config = next((c for n in ("config", "request") if isinstance(c := value.get(n), Mapping)), {})
    url = config.get("url") if isinstance(config.get("url"), str) else None
    method = config.get("method")
    return (method.upper() if isinstance(method, str) else None), url, dialect_of(url)
