"""What was recorded is judged again: offline, by today's checks and today's catalogue.

A case is judged from its exchanges, events, peers and facts as the record holds them; one without any keeps what was said of it
then, and so does a check whose record was cut or changed so that it cannot be judged. The day is that of the record: the
emulator's, or the day of the run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from rtdiag.diagnosis import verdict
from rtdiag.engine.check import Check
from rtdiag.engine.ignoring import recorded
from rtdiag.engine.results import BROKE, AskedCheck, FailOn, Progress, exit_code, judged, of_check, reason, worst
from rtdiag.model import Evidence, Finding, Observation, Outcome, Report, Row
from rtdiag.redact import Mask
from rtdiag.remedy import after_run

_UNFIT = "for what was recorded of it is not what rtdiag records"


def replay(report: Report, checks: Mapping[str, Check], *, fail_on: FailOn = "inconclusive") -> Report:
    """The same report with new judgements; a check that is not known keeps those that it has."""
    progress = Progress(recorded(report), report.started_at.date())
    for outcome in report.checks:
        check = checks.get(outcome.id)
        found = _judged_again(outcome, check, report, progress) if check and outcome.rows else outcome
        progress.statuses[found.id] = found.status
        progress.outcomes.append(found)
    outcomes, target, on = tuple(progress.outcomes), report.target, report.day
    diagnosis = verdict.diagnose(outcomes, target.base_url, target.recognised_as)
    return replace(
        report,
        checks=outcomes,
        overall=worst(o.status for o in outcomes),
        exit_code=exit_code(outcomes, interrupted=report.interrupted, fail_on=fail_on),
        diagnosis=diagnosis,
        corrected=after_run.requests(diagnosis, outcomes, target, on, report.exchanges, report.credential),
    )


def turned(old: Report, new: Report) -> Iterator[str]:
    """A line for each case that is judged otherwise than it was, and for each check that could not be judged again."""
    before = {(o.id, row.id): row.finding for o in old.checks for row in o.rows}
    for outcome in new.checks:
        if outcome.reason == _UNFIT:
            yield f"{outcome.id}: keeps its judgement, {_UNFIT}"
        for row in outcome.rows:
            was, now = before[outcome.id, row.id], row.finding
            if (was.status, was.cause) != (now.status, now.cause):
                yield f"{outcome.id}.{row.id}: was {_told(was)}, is {_told(now)}"


def _told(finding: Finding) -> str:
    return f"{finding.status} ({finding.cause})" if finding.cause else finding.status


def _judged_again(outcome: Outcome, check: Check, report: Report, progress: Progress) -> Outcome:
    told = {row.id: row for row in outcome.rows if not _evidence(row.seen)}
    seen = {row.id: row.seen for row in outcome.rows if row.id not in told}
    cases = tuple(case for case in check.cases if case.id in seen)
    target = report.target
    whose = target.recognised_as
    stranger = whose not in ("openai", "emulator") or (target.emulator is not None and "profile" in target.emulator)
    evidence = Evidence(seen, frozenset(target.dialects), whose == "openai", report.day, stranger)
    for row in told.values():
        progress.note(f"{check.id}.{row.id}", row.finding)
    mask = Mask()  # of what a check of another package may say: the record is masked
    mask.learn_environment(os.environ)
    asked = AskedCheck(check, cases, crash=_crash_of_the_probe(outcome), interrupted=report.interrupted)
    new, crash = judged(asked, evidence, progress, mask)
    unjudged = not asked.crash and any(BROKE in row.finding.observed for row in new)
    if crash != asked.crash or unjudged:
        kept = tuple(_kept(row, check, progress) for row in outcome.rows)
        return replace(outcome, status=worst(row.finding.status for row in kept), rows=kept, reason=_UNFIT)
    by_id = {row.id: row for row in new}
    rows = tuple(by_id.get(row.id) or _titled(row, check) for row in outcome.rows)
    status = of_check(rows, crash)
    return replace(outcome, title=check.title, status=status, rows=rows, reason=crash or reason(status, rows))


def _kept(row: Row, check: Check, progress: Progress) -> Row:
    """The row as it was told, a skip where what it requires does not pass today."""
    case = next((case for case in check.cases if case.id == row.id), None)
    unmet = progress.unmet(case) if case else None
    kept = replace(row, finding=Finding(row.id, "skip", unmet)) if unmet else row
    progress.note(f"{check.id}.{row.id}", kept.finding)
    return kept


def _crash_of_the_probe(outcome: Outcome) -> str | None:
    """What broke after the last case was seen, which is told by no row; nothing that is judged today can undo it."""
    told_by_rows = outcome.status == "skip" or any(row.finding.status == "error" for row in outcome.rows)
    return None if told_by_rows else outcome.reason


def _evidence(seen: Observation) -> bool:
    return bool(seen.exchanges or seen.events or seen.peers or seen.facts)


def _titled(row: Row, check: Check) -> Row:
    """A row as it was told, with the title and the place in a matrix that its case has."""
    case = next((case for case in check.cases if case.id == row.id), None)
    return replace(row, title=case.title, line=case.line, column=case.column) if case else row
