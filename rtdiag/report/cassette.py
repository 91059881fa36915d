"""A run as a cassette of vcrpy: its HTTP exchanges as vcrpy replays them, and under `rtdiag` the rest of the report.

vcrpy reads `interactions` and `version` and leaves other keys alone. What it cannot hold, exchanges without an answer and
upgrades to WebSocket, stays under `rtdiag`, as do events, peers and what a page in a browser asked: so a cassette can be judged
again like a report. Credentials, cookies and what belongs to one connection are left out.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from rtdiag.model import Exchange, Report
from rtdiag.model.json_report import DERIVED
from rtdiag.report.json import as_json, plain
from rtdiag.report.spelling import spelt

# Of the connection, not of the request or the answer; and what carries credentials or cookies, or names the account.
LEFT_OUT = frozenset(
    {"accept-encoding", "connection", "content-encoding", "content-length", "host", "keep-alive", "transfer-encoding"}
    | {"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie", "set-cookie", "sec-websocket-protocol"}
    | {"openai-organization", "openai-project"}
)
# What an interaction holds of an exchange, under the names of the JSON report.
_FOLDED = ("method", "url", "request_headers", "request_body", "status", "response_headers", "body", "body_encoding")
# What is computed from the rest, or judged again when it is read.
_LEFT_TO_REPLAY = {*DERIVED, "corrected", "diagnosis"} - {"masking"}

WIDTH = 120


def render(report: Report) -> str:
    """The whole run in YAML; its first line says where it comes from."""
    return origin(report) + dumped(content(report))


def content(report: Report) -> dict[str, Any]:
    """What the YAML holds, as plain values: `interactions` and `version` for vcrpy, `rtdiag` with the rest of the report."""
    whole = {name: value for name, value in as_json(report).items() if name not in _LEFT_TO_REPLAY}
    kept = [x for x in report.exchanges if held(x)]
    places = {x.id: place for place, x in enumerate(kept)}
    whole["exchanges"] = [_folded(plain(x), places.get(x.id)) for x in report.exchanges]
    return {"interactions": [interaction(x) for x in kept], "version": 1, "rtdiag": whole}


def only(report: Report, case_ids: Collection[str]) -> Report:
    """The report of these cases alone (by full ids), with what they rest on; what was concluded from all of them is left out.

    The offer of a peer stays with it. Judge it again (replay.py) for the status of what is left.
    """
    cut = [replace(o, rows=tuple(r for r in o.rows if f"{o.id}.{r.id}" in case_ids)) for o in report.checks]
    checks = tuple(outcome for outcome in cut if outcome.rows)
    seen = [row.seen for outcome in checks for row in outcome.rows]
    exchanges = {x.id for s in seen for x in s.exchanges} | {p.offered_in for s in seen for p in s.peers}
    events, peers = {e.id for s in seen for e in s.events}, {p.id for s in seen for p in s.peers}
    return replace(
        report,
        checks=checks,
        exchanges=tuple(x for x in report.exchanges if x.id in exchanges),
        events=tuple(e for e in report.events if e.id in events),
        peers=tuple(p for p in report.peers if p.id in peers),
        diagnosis=(),
        corrected=None,
        redactions=(),
        not_tested=(),
        left_open=(),
    )


def origin(report: Report) -> str:
    """The comment that a cassette begins with: from what it was recorded, when, and what masking did."""
    target = report.target
    if target.emulator:
        faults = f", faults: {', '.join(target.emulator['faults'])}" if target.emulator.get("faults") else ""
        source = f"the emulator as of {target.emulator['as_of']}{faults},"
    else:
        source = "the live API" if target.recognised_as == "openai" else target.base_url
    return heading(source, report.started_at, report.version)


def heading(source: str, began: datetime, version: str, more: str = "") -> str:
    """The comment itself; `more` says what the exchanges are."""
    return (
        f"# Recorded from {source} on {began:%Y-%m-%d}, by rtdiag {version}{more}.\n"
        "# Secrets and addresses are masked at their length; credentials, cookies and headers of the connection are left out.\n"
    )


def held(exchange: Exchange) -> bool:
    """Whether vcrpy can hold it: an HTTP answer came to rtdiag itself, whole, and it is no upgrade to WebSocket."""
    whole = exchange.status is not None and exchange.failure is None
    return whole and exchange.url.startswith("http") and not exchange.by


def interaction(exchange: Exchange) -> dict[str, Any]:
    """One exchange as vcrpy writes it."""
    status = exchange.status or 0
    known = status in HTTPStatus._value2member_map_
    body = base64.b64decode(exchange.body or "") if exchange.body_encoding == "base64" else exchange.body or ""
    return {
        "request": {
            "method": exchange.method,
            "uri": exchange.url,
            "headers": _headers(exchange.request_headers),
            "body": exchange.request_body or "",  # as vcrpy has it of httpx
        },
        "response": {
            "status": {"code": status, "message": HTTPStatus(status).phrase if known else ""},
            "headers": _headers(exchange.response_headers),
            "body": {"string": body},
        },
    }


def dumped(value: Any) -> str:
    """The value in YAML, its keys in their order; what is spelt when it is written stands in quotes, which know that spelling."""
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def quoted(self, text: str) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if spelt(text) == text else '"')

    Dumper.add_representer(str, Dumper.quoted)
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=WIDTH))


def _folded(exchange: dict[str, Any], place: int | None) -> dict[str, Any]:
    exchange = exchange | {"correlation": {k: v for k, v in exchange["correlation"].items() if k not in LEFT_OUT}}
    if place is None:
        return {k: v for k, v in exchange.items() if k != "request_headers"} | {
            "request_headers": [[k, v] for k, v in exchange["request_headers"] if k.lower() not in LEFT_OUT]
        }
    return {**{k: v for k, v in exchange.items() if k not in _FOLDED}, "interaction": place}


def _headers(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """By name; what is no ASCII is spelt out, for vcrpy cannot replay it."""
    headers: dict[str, list[str]] = {}
    for name, value in pairs:
        if name.lower() not in LEFT_OUT:
            spelt = value.encode("ascii", "backslashreplace").decode("ascii")
            headers.setdefault(name.lower(), []).append(spelt)
    return headers
