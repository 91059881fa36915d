"""HARs as Chrome writes them, made of as little as a test needs."""

from __future__ import annotations

import json
from typing import Any


def entry(method: str, url: str, status: Any = 200, body: Any = "", **more: Any) -> dict[str, Any]:
    """An entry as Chrome writes it; `headers`, `sent`, `mime`, `at` and further fields of the entry by name."""
    headers, sent, mime = more.pop("headers", {}), more.pop("sent", None), more.pop("mime", "application/json")
    request: dict[str, Any] = {
        "method": method,
        "url": url,
        "headers": [{"name": n, "value": v} for n, v in headers.items()],
    }
    if sent is not None:
        request["postData"] = {"mimeType": mime, "text": sent if isinstance(sent, str) else json.dumps(sent)}
    text = body if isinstance(body, str) else json.dumps(body)
    response = {
        "status": status,
        "statusText": "",
        "headers": [],
        "content": {"text": text, "mimeType": "application/json"},
    }
    return {
        "startedDateTime": more.pop("at", "2026-11-22T10:00:00.000Z"),
        "request": request,
        "response": response,
        **more,
    }


def har(*entries: Any) -> bytes:
    return json.dumps(
        {"log": {"version": "1.2", "creator": {"name": "WebInspector"}, "pages": [], "entries": list(entries)}}
    ).encode()
