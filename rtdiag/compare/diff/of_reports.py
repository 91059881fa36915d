"""Two reports become one Diff."""

from __future__ import annotations

from rtdiag.compare.diff import answer_changes, phases, runs
from rtdiag.compare.diff.case_changes import cases, presences, turned
from rtdiag.compare.diff.changes import Diff
from rtdiag.model import Report


def diff(old: Report, new: Report) -> Diff:
    """What changed from the old report to the new one. Pure; the order of cases and of records in a report does not count."""
    before, after = cases(old), cases(new)
    both = {c for c in before.keys() & after.keys() if before[c].asked and after[c].asked}
    changes = answer_changes.changes(old, new, {c: before[c] for c in both}, {c: after[c] for c in both})
    return Diff(
        old=runs.run(old),
        new=runs.run(new),
        compared=len(both),
        settings=tuple(runs.settings(old, new)),
        verdict=runs.verdict(old, new),
        turned=turned(before, after),
        presences=presences(old, new),
        answers=tuple(c for c in changes if c.what != "session"),
        defaults=tuple(c for c in changes if c.what == "session"),
        slower=phases.slower(old, new),
        faster=phases.faster(old, new),
    )
