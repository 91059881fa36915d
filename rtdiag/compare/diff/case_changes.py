"""Which cases turned, and which were asked in one of the runs alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from rtdiag.api.expressions import expression
from rtdiag.compare import normalize
from rtdiag.compare.diff.changes import KINDS, Judged, Kind, Presence, Turned
from rtdiag.model import SEVERITY, Finding, Observation, Report, Row

# A skip that the person chose, or that nobody could know better of: it says nothing of the server. Any other skip is an unmet need.
_NOT_ASKED = expression(
    r"left out by |opt in with |no .{1,30} was given|the run was interrupted|needs \S+: it was not asked"
)
_DURATION = expression(r"\b\d+(?:\.\d+)? (ms|s)\b")

# From the worst to the best, as far as a change from one to the other is a worse or a better state: pass and info are alike.
_STATES = {"fail": 0, "error": 1, "inconclusive": 2, "skip": 3, "warn": 4, "pass": 5, "info": 5}
_TROUBLE = ("fail", "error", "inconclusive")


@dataclass(frozen=True)
class Case:
    """A case as one report has it; `measured` is evened out."""

    title: str
    judged: Judged
    measured: str
    asked: bool
    seen: Observation


def cases(report: Report) -> dict[str, Case]:
    """The cases of a report by their full ids. A check without cases counts as one."""
    found: dict[str, Case] = {}
    for outcome in report.checks:
        for row in outcome.rows:
            found[f"{outcome.id}.{row.id}"] = _case(row, report)
        if not outcome.rows:
            bare = Finding(outcome.id, outcome.status, str(outcome.reason or ""))
            found[outcome.id] = _case(Row(outcome.id, outcome.title, bare, Observation(outcome.id)), report)
    return found


def turned(old: Mapping[str, Case], new: Mapping[str, Case]) -> tuple[Turned, ...]:
    """The cases of which the reports say something else, what passed and no longer does first, then the worst first."""
    found = [
        Turned(case, after.title, _kind(before.judged.status, after.judged.status), before.judged, after.judged)
        for case in old.keys() & new.keys()
        if (before := old[case]).asked and (after := new[case]).asked and _says(before) != _says(after)
    ]
    return tuple(sorted(found, key=lambda t: (KINDS.index(t.kind), SEVERITY.index(t.new.status), t.case)))


def presences(old: Report, new: Report) -> tuple[Presence, ...]:
    """The cases that one of the runs alone was asked about: those that vanished first."""
    before, after = cases(old), cases(new)
    vanished = [Presence(c, "vanished", j, _why(c, after, new, old)) for c, j in _only(before, after)]
    appeared = [Presence(c, "appeared", j, _why(c, before, old, new)) for c, j in _only(after, before)]
    return tuple(vanished + appeared)


def _case(row: Row, report: Report) -> Case:
    finding = row.finding
    judged = Judged(
        finding.status, normalize.cut(normalize.unnamed(str(finding.measured))), normalize.cut(str(finding.cause or ""))
    )
    measured = _DURATION.sub(r"… \1", judged.measured)
    if report.target.base_url:
        measured = measured.replace(report.target.base_url, "the base URL")
        measured = measured.replace(urlsplit(report.target.base_url).netloc, "the server")
    asked = finding.status != "skip" or not _NOT_ASKED.match(judged.measured)
    return Case(normalize.cut(row.title), judged, measured, asked, row.seen)


def _says(case: Case) -> tuple[str, str, str]:
    return case.judged.status, case.judged.cause, case.measured


def _kind(old: str, new: str) -> Kind:
    if old == "pass" and new not in ("pass", "info"):
        return "broken"
    if old in _TROUBLE and new == "skip":
        return "changed"  # it is no better for not being asked any more
    step = _STATES[new] - _STATES[old]
    return "worse" if step < 0 else "better" if step > 0 else "changed"


def _only(one: Mapping[str, Case], other: Mapping[str, Case]) -> Iterator[tuple[str, Judged]]:
    """The cases that the first has an answer to, and of which the other does not even say why it was skipped."""
    for case in sorted(one):
        if one[case].judged.status != "skip" and not (case in other and other[case].asked):
            yield case, one[case].judged


def _why(case: str, there: Mapping[str, Case], lacking: Report, having: Report) -> str:
    """Why a report does not have the case that the other has, as far as the two can tell."""
    if case in there:
        return there[case].judged.measured
    if lacking.interrupted:
        return "the run was interrupted"
    not_asked = [kind for kind in having.target.kinds if kind not in lacking.target.kinds and str(kind) in case]
    if not_asked:
        return f"{not_asked[0]} sessions were not asked about"
    unknown = f"unknown to rtdiag {lacking.version}, or " if lacking.version != having.version else ""
    return f"{unknown}not among the cases that were chosen"
