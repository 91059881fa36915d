"""Two reports become one Diff."""

from __future__ import annotations

from rtdiag.diff import answers, phases, runs
from rtdiag.diff.cases import cases, presences, turned
from rtdiag.diff.changes import Diff
from rtdiag.model import Report


def diff(old: Report, new: Report) -> Diff:
    """What changed from the old report to the new one. Pure; the order of cases and of records in a report does not count."""
    before, after = cases(old), cases(new)
    both = {c for c in before.keys() & after.keys() if before[c].asked and after[c].asked}
    changes = answers.changes(old, new, {c: before[c] for c in both}, {c: after[c] for c in both})
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
