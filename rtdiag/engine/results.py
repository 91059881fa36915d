"""What was seen becomes outcomes: a check's evidence is judged, case by case, and all cases together give the exit code.

Pure, and the same for a run (runner.py) and for what was recorded (rejudge.py).
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from rtdiag.diagnosis import verdict
from rtdiag.engine.check import Case, Check
from rtdiag.engine.ignoring import Ignore, borne
from rtdiag.model import CUT_SHORT, NOT_OFFERED, SEVERITY, Evidence, Finding, Observation, Outcome, Row, Status
from rtdiag.redact import Mask

_log = logging.getLogger("rtdiag")

FailOn = Literal["fail", "inconclusive", "warn", "never"]

INTERRUPTED = 130  # the exit code of what a signal ended

# The facts of a case that could not be asked or not to its end, each with the reason.
NOT_ASKED, OVERTAKEN = "not_asked", "overtaken"

BROKE = "the check broke"

BLOCKING: frozenset[Status] = frozenset({"fail", "inconclusive", "error", "skip"})


@dataclass
class Progress:
    """The statuses of all cases judged so far, why each skipped one was (its root), and the outcomes in order.

    `absent` are the cases of what the server does not offer, and those that were skipped for it, each with what is said of that.
    `ignore` is what the user has asked to ignore on that `day`; what others need of such a case is what it was.
    """

    ignore: Sequence[Ignore] = ()
    day: date = date.max
    statuses: dict[str, Status] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def note(self, case_id: str, finding: Finding) -> None:
        """Keep what became of a case, by its full id."""
        self.statuses[case_id] = finding.ignored.was if finding.ignored else finding.status
        if finding.status == "skip":
            self.roots[case_id] = finding.measured
        if NOT_OFFERED in finding.observed:
            self.absent[case_id] = f"{NOT_OFFERED}: {finding.measured}"
        elif finding.status == "skip" and finding.measured.startswith(NOT_OFFERED):
            self.absent[case_id] = finding.measured

    def unmet(self, case: Case) -> str | None:
        """Why a case cannot be asked: the first requirement that is known not to have passed, or None."""
        for required in case.requires:
            if required in self.absent:
                if required in case.also_without:
                    continue
                return self.absent[required]
            status = self.statuses.get(required)
            if status in BLOCKING:
                said = {"fail": "it failed", "inconclusive": "it was inconclusive", "error": "it broke"}
                return self.roots.get(required) or f"needs {required}: {said.get(status, 'it was skipped')}"
        return None


@dataclass(frozen=True)
class AskedCheck:
    """A check as it was asked: the `cases` that were wanted, those `left_out` with the reason, and why others were `blocked`.

    `crash` is one line about what broke in the probe; `interrupted` says that it did not come to its end.
    """

    check: Check
    cases: tuple[Case, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    blocked: Mapping[str, str] = field(default_factory=dict)
    crash: str | None = None
    interrupted: bool = False


def judged(asked: AskedCheck, evidence: Evidence, progress: Progress, mask: Mask) -> tuple[tuple[Row, ...], str | None]:
    """A row for every case, and the crash of probe or judge, if there was one; `progress` is brought up to date."""
    check, seen = asked.check, evidence.seen
    findings, crash = _findings(asked, evidence, mask)
    reasons = {**asked.blocked, **asked.left_out}
    rows = []
    for case in check.cases:
        if case not in asked.cases and case.id not in asked.left_out:
            continue
        reason = reasons.get(case.id) or progress.unmet(case)
        finding = Finding(case.id, "skip", reason) if reason else _unheard(seen.get(case.id)) or findings.get(case.id)
        finding = finding or _unasked(asked, case, progress, crash)
        finding = explained(finding, seen.get(case.id))
        finding = borne(f"{check.id}.{case.id}", finding, progress.ignore, progress.day)
        if case.id not in asked.left_out:
            progress.note(f"{check.id}.{case.id}", finding)
        rows.append(Row(case.id, case.title, finding, seen.get(case.id, Observation(case.id)), case.line, case.column))
    return tuple(rows), crash


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of these statuses; `skip` where there is none."""
    found = set(statuses)
    return next((s for s in SEVERITY if s in found), "skip")


def of_check(rows: Iterable[Row], crash: str | None) -> Status:
    """The status of a check: that of its worst case, `error` where it broke and none failed.

    What passed before the run was interrupted makes no check pass: it is inconclusive.
    """
    rows = tuple(rows)
    found = worst(row.finding.status for row in rows)
    if crash is not None:
        return worst([found, "error"])
    cut = any(row.finding.measured == CUT_SHORT for row in rows)
    return worst([found, "inconclusive"]) if cut and found != "skip" else found


def reason(status: Status, rows: Iterable[Row]) -> str | None:
    """Why a check of status `skip` is that; None for any other."""
    skipped = [r.finding.measured for r in rows if r.finding.status == "skip"]
    chained = next((s for s in skipped if s.startswith("needs ")), None)
    return chained or skipped[0] if status == "skip" and skipped else None


def exit_code(outcomes: Iterable[Outcome], *, interrupted: bool, fail_on: FailOn) -> int:
    """The exit code of a run, from the statuses of its cases and checks alone.

    130 interrupted · 2 nothing was selected · 1 a fail (or a warn, if that is not tolerated) · 4 an error · 3 an inconclusive, or
    not one pass · 0.
    """
    outcomes = tuple(outcomes)
    found = {r.finding.status for o in outcomes for r in o.rows} | {o.status for o in outcomes}
    if interrupted:
        return INTERRUPTED
    if not outcomes:
        return 2
    strict = {"never": 0, "fail": 1, "inconclusive": 2, "warn": 3}[fail_on]
    if (strict >= 1 and "fail" in found) or (strict >= 3 and "warn" in found):
        return 1
    if "error" in found:
        return 4
    return 3 if strict >= 2 and ("inconclusive" in found or "pass" not in found) else 0


def crashed(exc: BaseException, mask: Mask) -> str:
    """One line about a crash, with its place; secrets masked. Its traceback is logged."""
    _log.debug("a check broke", exc_info=exc)
    frames = traceback.extract_tb(exc.__traceback__)
    place = f" (in {frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return mask(f"{type(exc).__name__}: {exc}{place}", "checks.reason")


def _findings(asked: AskedCheck, evidence: Evidence, mask: Mask) -> tuple[dict[str, Finding], str | None]:
    try:
        heard = {case: seen for case, seen in evidence.seen.items() if not {NOT_ASKED, OVERTAKEN} & set(seen.facts)}
        found = [checked(f) for f in asked.check.judge(replace(evidence, seen=heard))] if heard else []
        return {f.case: _masked(f, mask) for f in found}, asked.crash
    except BaseException as exc:  # a judge awaits nothing, so no signal comes here as an exception
        return {}, asked.crash or crashed(exc, mask)


def explained(finding: Finding, seen: Observation | None) -> Finding:
    """The finding with its cause, as diagnosis names it, and with what is to be done, where its check says nothing of that."""
    seen = seen or Observation(finding.case)
    named = verdict.named(finding, seen)
    if named is None:
        return finding
    return replace(finding, cause=named.cause, hint=finding.hint or named.fix)


def checked(finding: Finding) -> Finding:
    """The finding, if reports can hold it; raises ValueError where the check of another package returns what is none."""
    texts = (finding.case, finding.measured, finding.expected)
    maybe = (finding.hint, finding.instead)
    if finding.status not in SEVERITY or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"a finding of the case {finding.case!r} has no status or text that there is")
    if not all(text is None or isinstance(text, str) for text in maybe):
        raise ValueError(f"a finding of the case {finding.case!r} has a hint that is no text")
    observed: object = finding.observed
    if not (isinstance(observed, tuple) and all(isinstance(text, str) for text in observed)):
        raise ValueError(f"a finding of the case {finding.case!r} has observations that are no tuple of texts")
    if finding.cause is not None:
        raise ValueError(
            f"a finding of the case {finding.case!r} names a cause: a check says what it observed, a catalogue names"
        )
    return finding


def _masked(finding: Finding, mask: Mask) -> Finding:
    """The finding without secrets: the check of another package may know some that no record holds."""

    def hidden(text: str | None) -> str | None:
        return mask(text, "checks.cases") if text else text

    return replace(
        finding,
        measured=hidden(finding.measured) or "",
        expected=hidden(finding.expected) or "",
        observed=tuple(hidden(text) or "" for text in finding.observed),
        hint=hidden(finding.hint),
        instead=hidden(finding.instead),
    )


def _unheard(seen: Observation | None) -> Finding | None:
    """The finding of a case that the network or the run's time kept from being asked, or from being asked to its end."""
    if seen is None:
        return None
    if reason := seen.facts.get(NOT_ASKED):
        return Finding(seen.case, "skip", str(reason))
    if reason := seen.facts.get(OVERTAKEN):
        hint = "ask the rest with --only, or give each request more time with --timeout"
        return Finding(seen.case, "inconclusive", str(reason), observed=("the time of the run was over",), hint=hint)
    return None


def _unasked(asked: AskedCheck, case: Case, progress: Progress, crash: str | None) -> Finding:
    """The finding of a case that no judge spoke of, though nothing that it requires is known to have failed."""
    if asked.interrupted:
        return Finding(case.id, "skip", CUT_SHORT)
    if unasked := next((r for r in case.requires if r not in progress.statuses), None):
        return Finding(case.id, "skip", f"needs {unasked}: it was not asked")
    return Finding(case.id, "error", crash or "the check gave no finding for this case", observed=(BROKE,))
