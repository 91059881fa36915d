"""What a user has decided to bear for a while: which cases, why, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase

from rtdiag.model import Finding, Ignored, Report, Status

_BORNE: frozenset[Status] = frozenset({"fail", "inconclusive", "warn"})


@dataclass(frozen=True)
class Ignore:
    """A case that is to count for nothing: a glob over its full id, or its check's; the reason; the last day in force."""

    case: str
    reason: str
    until: date


def borne(case_id: str, finding: Finding, entries: Iterable[Ignore], day: date) -> Finding:
    """The finding of a case (its full id) as `info` without a cause, where an entry in force fits it that day.

    Where the entries that fit have all ended it is the finding itself, which says so.
    """
    check = case_id.partition(".")[0]
    fit = [e for e in entries if fnmatchcase(case_id, e.case) or fnmatchcase(check, e.case)]
    if not fit or finding.status not in _BORNE:
        return finding
    last = max(fit, key=lambda entry: entry.until)
    ignored = Ignored(finding.status, last.reason, last.until.isoformat())
    if day > last.until:
        told = f"{finding.measured}; that this was ignored ended on {last.until}: {last.reason}".removeprefix("; ")
        return replace(finding, measured=told, ignored=ignored)
    told = f"{finding.status}, ignored until {last.until}: {last.reason}"
    measured = f"{finding.measured} ({told})" if finding.measured else told
    return replace(finding, status="info", measured=measured, hint=None, show_body=False, cause=None, ignored=ignored)


def recorded(report: Report) -> tuple[Ignore, ...]:
    """The entries that a run had, as far as one of its cases shows them."""
    rows = [(f"{o.id}.{row.id}", row.finding.ignored) for o in report.checks for row in o.rows]
    return tuple(Ignore(case, one.reason, date.fromisoformat(one.until)) for case, one in rows if one)
