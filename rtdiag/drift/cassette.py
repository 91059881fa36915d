"""The exchanges that differ, as a vcrpy cassette that can lie in cassettes/: what was asked, without credentials, and what came."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from rtdiag.drift.reading import Record
from rtdiag.model import Exchange
from rtdiag.redact import Mask

# Of the connection, not of the request or the answer; and what carries credentials or cookies, or names the account.
_LEFT_OUT = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "cookie",
        "host",
        "keep-alive",
    }
    | {"sec-websocket-protocol", "set-cookie", "transfer-encoding"}
    | {"api-key", "openai-organization", "openai-project", "proxy-authorization", "x-api-key"}
)


def rendered(record: Record, exchanges: Sequence[Exchange]) -> str:
    """The cassette in YAML, "" where there is nothing to hold; WebSockets and requests without an answer are left out."""
    import yaml

    held = [_interaction(x) for x in exchanges if x.status is not None and x.status != HTTPStatus.SWITCHING_PROTOCOLS]
    if not held:
        return ""
    text = yaml.safe_dump({"interactions": held, "version": 1}, sort_keys=False, allow_unicode=True, width=120)
    return Mask()(f"{_origin(record)}{text}", "cassette")


def _origin(record: Record) -> str:
    """Where it comes from, as every cassette says in its first line."""
    on = f"{record.started_at:%Y-%m-%d}"
    if record.emulated:
        first = f"# Recorded from the emulator as of {record.emulated}, on {on}"
    else:
        first = f"# Recorded from {'the live API' if record.official else record.base_url} on {on}"
    return (
        f"{first}, by rtdiag {record.version}: what the emulator would have answered otherwise.\n"
        "# Secrets and addresses are masked at their length; credentials, cookies and headers of the connection are left out.\n"
    )


def _interaction(exchange: Exchange) -> dict[str, Any]:
    status = exchange.status or 0
    known = status in HTTPStatus._value2member_map_
    body = base64.b64decode(exchange.body or "") if exchange.body_encoding == "base64" else exchange.body or ""
    return {
        "request": {
            "method": exchange.method,
            "uri": exchange.url,
            "headers": _headers(exchange.request_headers),
            "body": exchange.request_body,
        },
        "response": {
            "status": {"code": status, "message": HTTPStatus(status).phrase if known else ""},
            "headers": _headers(exchange.response_headers),
            "body": {"string": body},
        },
    }


def _headers(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in pairs:
        if name.lower() not in _LEFT_OUT:
            headers.setdefault(name.lower(), []).append(value)
    return headers
