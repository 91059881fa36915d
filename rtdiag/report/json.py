"""The JSON report; model/json_report.py says how it stands there, schema.json tells scripts, which rely on it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, get_args

from rtdiag.model import Outcome, Report, Row, Status
from rtdiag.model.json_report import RECORDS, JsonCase, JsonCheck, JsonReport, Tool, made
from rtdiag.redact import SCOPE
from rtdiag.redact.seal import sealed
from rtdiag.report import curl, ledger
from rtdiag.report.phrases import overall
from rtdiag.report.spelling import spelt


def render(report: Report) -> str:
    """The report as JSON text, indented, ending in a newline."""
    return written(as_json(report))


def written(whole: Mapping[str, Any]) -> str:
    """One report or several as JSON text, with the seal that is the last field."""
    return sealed(spelt(json.dumps(whole, indent=2, ensure_ascii=False))) + "\n"


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values, in the order of the keys that a person reads."""
    counts = Counter(row.finding.status for outcome in report.checks for row in outcome.rows)
    counts.update(outcome.status for outcome in report.checks if not outcome.rows)
    whole = made(
        JsonReport,
        report,
        tool=Tool(version=report.version),
        overall=overall(report),
        summary={status: counts[status] for status in get_args(Status)},
        checks=tuple(_check(outcome, report) for outcome in report.checks),
        ledger=ledger.entries(report),
        masking=SCOPE,
    )
    return plain(whole)  # type: ignore[no-any-return]


def check(outcome: Outcome, so_far: Report) -> dict[str, Any]:
    """One check with its cases."""
    return plain(_check(outcome, so_far))  # type: ignore[no-any-return]


def _check(outcome: Outcome, report: Report) -> Any:
    return made(JsonCheck, outcome, cases=tuple(_case(outcome, row, report) for row in outcome.rows))


def _case(outcome: Outcome, row: Row, report: Report) -> Any:
    return made(
        JsonCase,
        *(row, row.finding, row.seen),
        id=f"{outcome.id}.{row.id}",
        hint=row.finding.hint or row.finding.instead,
        curl=curl.of_row(row, report),
        **{name: tuple(one.id for one in getattr(row.seen, name)) for name in RECORDS},
    )


def time(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """A value of model/ as JSON knows it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    if value is None or isinstance(value, str | int | bool) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, datetime):
        return time(value)
    return str(value)  # a date, or what the check of another package took for a fact
