"""The JSON report; its shape is schema.json, and scripts rely on it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

from rtdiag.intake import SCHEMA_VERSION
from rtdiag.model import Exchange, Outcome, Report, Row, Status
from rtdiag.redact import SCOPE
from rtdiag.report import curl, ledger
from rtdiag.report.phrases import overall

_STATUSES: tuple[Status, ...] = ("pass", "warn", "fail", "inconclusive", "info", "skip", "error")


def render(report: Report) -> str:
    """The report as JSON text, indented, ending in a newline."""
    return json.dumps(as_json(report), indent=2, ensure_ascii=False) + "\n"


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values, in the order of the keys that a person reads."""
    counts = Counter(row.finding.status for outcome in report.checks for row in outcome.rows)
    counts.update(outcome.status for outcome in report.checks if not outcome.rows)
    exchanges = {x.id: x for x in report.exchanges}
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "rtdiag", "version": report.version},
        "started_at": time(report.started_at),
        "finished_at": time(report.finished_at),
        "interrupted": report.interrupted,
        "target": plain(report.target),
        "credential": plain(report.credential),
        "overall": overall(report),
        "exit_code": report.exit_code,
        "summary": {status: counts[status] for status in _STATUSES},
        "cost": plain(report.cost),
        "checks": [check(outcome, exchanges) for outcome in report.checks],
        "diagnosis": plain(report.diagnosis),
        "corrected": plain(report.corrected),
        "exchanges": plain(report.exchanges),
        "events": plain(report.events),
        "peers": plain(report.peers),
        "ledger": [ledger_entry(entry) for entry in ledger.entries(report)],
        "not_tested": list(report.not_tested),
        "left_open": list(report.left_open),
        "masking": SCOPE,
        "redactions": plain(report.redactions),
    }


def check(outcome: Outcome, exchanges: Mapping[str, Exchange]) -> dict[str, Any]:
    """One check with its cases; `exchanges` are the run's so far, by id."""
    return {
        "id": outcome.id,
        "title": outcome.title,
        "status": outcome.status,
        "reason": outcome.reason,
        "duration_ms": outcome.duration_ms,
        "requires": list(outcome.requires),
        "cost": plain(outcome.cost),
        "cases": [_case(outcome, row, exchanges) for row in outcome.rows],
    }


def ledger_entry(entry: ledger.Entry) -> dict[str, Any]:
    """One line of the ledger."""
    return {"at": time(entry.at), "source": entry.source, "what": entry.what, "ids": dict(entry.ids)}


def _case(outcome: Outcome, row: Row, exchanges: Mapping[str, Exchange]) -> dict[str, Any]:
    finding, seen = row.finding, row.seen
    return {
        "id": f"{outcome.id}.{row.id}",
        "title": row.title,
        "status": finding.status,
        "expected": finding.expected,
        "measured": finding.measured,
        "cause": finding.cause,
        "hint": finding.hint or finding.instead,
        "curl": curl.of_row(row, exchanges),
        "exchanges": [x.id for x in seen.exchanges],
        "events": [e.id for e in seen.events],
        "peers": [p.id for p in seen.peers],
        "facts": plain(seen.facts),
    }


def time(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """A value of model.py as JSON knows it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {k: plain(v) for k, v in asdict(value).items()}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    if value is None or isinstance(value, str | int | bool) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)  # a date, or what the check of another package took for a fact
