"""The report as lines of JSON: one as the run begins, one per check as it ends, one at the end.

A line is whole when it is there, so a run that is killed leaves all that was finished. `type` is `start`, `check` or `end`; the
other keys are those of the JSON report, with `check` for one of its `checks`; lists of one name continue over the lines.
"""

from __future__ import annotations

import json
from typing import Any

from rtdiag.model import Outcome, Report
from rtdiag.model.json_report import RECORDS
from rtdiag.redact.seal import Seal
from rtdiag.report.json import as_json, check, plain
from rtdiag.report.spelling import spelt

_AT_START = ("schema_version", "tool", "started_at", "target", "credential", "masking")


def render(report: Report) -> str:
    """All lines of a report that is done."""
    lines = Lines()
    return lines.start(report) + "".join(lines.check(outcome, report) for outcome in report.checks) + lines.end(report)


class Lines:
    """The lines of one run, in their order; each holds the exchanges, events and peers that no line before it held."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._checks: set[str] = set()
        self._seal = Seal()

    def start(self, report: Report) -> str:
        """The line of a run that begins."""
        whole = as_json(report)
        return self._line("start", {name: whole[name] for name in _AT_START} | {"exchanges": []})

    def check(self, outcome: Outcome, so_far: Report) -> str:
        """The line of a check that has ended, with what its cases rest on."""
        self._checks.add(outcome.id)
        told = check(outcome, so_far)
        records = {
            name: self._new([one for row in outcome.rows for one in getattr(row.seen, name)]) for name in RECORDS
        }
        so_far_known = {"target": plain(so_far.target), "cost": plain(so_far.cost)}
        return self._line("check", {"check": told, **records, **so_far_known})

    def end(self, report: Report) -> str:
        """The last lines: checks that no line has told, then everything else that the JSON report has."""
        lines = "".join(self.check(outcome, report) for outcome in report.checks if outcome.id not in self._checks)
        whole = {name: value for name, value in as_json(report).items() if name not in ("checks", "seal")}
        records = {name: self._new(getattr(report, name)) for name in RECORDS}
        whole["check_ids"] = [outcome.id for outcome in report.checks]
        last = _spelt("end", {**whole, **records, "peers": plain(report.peers), "seal": ""})
        return lines + self._seal.closed(last)

    def _line(self, kind: str, values: dict[str, Any]) -> str:
        return self._seal.passed(_spelt(kind, values))

    def _new(self, records: Any) -> list[Any]:
        fresh = {one.id: one for one in records if one.id not in self._told}
        self._told |= fresh.keys()
        return [plain(one) for one in fresh.values()]


def _spelt(kind: str, values: dict[str, Any]) -> str:
    return spelt(json.dumps({"type": kind, **values}, ensure_ascii=False)) + "\n"
