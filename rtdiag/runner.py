"""Runs a plan: asks, judges, tells the observer, and closes everything at the end, also after errors and signals."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from rtdiag import __version__
from rtdiag.api import models
from rtdiag.check import Case, Check
from rtdiag.context import Context, Wishes
from rtdiag.diagnosis import verdict
from rtdiag.model import (
    SEVERITY,
    Cost,
    CredentialShown,
    Evidence,
    Finding,
    Outcome,
    Report,
    Row,
    Seen,
    Status,
    Target,
)
from rtdiag.plan import Plan, Step
from rtdiag.redact import Mask, stars
from rtdiag.registry import Broken
from rtdiag.transport.http import Http
from rtdiag.transport.recorder import Deadlines, Recorder

FailOn = Literal["fail", "inconclusive", "warn", "never"]

NOT_TESTED = ("a browser", "CORS", "ICE over TCP", "your own code")

_BLOCKING: frozenset[Status] = frozenset({"fail", "inconclusive", "error", "skip"})


class Observer(Protocol):
    """Who is told what happens while it happens."""

    def asking(self, what: str) -> None:
        """Something is being asked now."""

    def finished(self, outcome: Outcome) -> None:
        """A check is done."""


class Silent:
    """An observer that tells nobody."""

    def asking(self, what: str) -> None:
        """Nothing."""

    def finished(self, outcome: Outcome) -> None:
        """Nothing."""


@dataclass
class _Progress:
    """The statuses of all cases judged so far, why each skipped one was (its root), and the outcomes in order."""

    statuses: dict[str, Status] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def unmet(self, case: Case) -> str | None:
        """Why a case cannot be asked: the first requirement that is known not to have passed, or None."""
        for required in case.requires:
            status = self.statuses.get(required)
            if status in _BLOCKING:
                said = {"fail": "it failed", "inconclusive": "it was inconclusive", "error": "it broke"}
                return self.roots.get(required) or f"needs {required}: {said.get(status, 'it was skipped')}"
        return None


async def run(
    plan: Plan,
    wishes: Wishes,
    *,
    mask: Mask,
    deadlines: Deadlines | None = None,
    observer: Observer | None = None,
    broken: Iterable[Broken] = (),
    emulator: Mapping[str, Any] | None = None,
    fail_on: FailOn = "inconclusive",
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Report:
    """Run the plan and return the report. Cancelling the task ends the run early: the report then says `interrupted`.

    `sleep` is for tests that own the clock. Never raises for what a server, a network or a check does.
    """
    deadlines, observer = deadlines or Deadlines(), observer or Silent()
    recorder = Recorder(mask, observer.asking)
    http = Http(wishes.base_url, recorder, deadlines, trust_environment=emulator is None)
    ctx = Context(wishes, http, recorder, deadlines, sleep)
    started_at, progress, interrupted = datetime.now(UTC), _Progress(), False
    for entry in broken:
        progress.outcomes.append(_broken(entry))
        observer.finished(progress.outcomes[-1])
    for step in plan.steps:
        outcome = _left_out(step) if interrupted else None
        if outcome is None:
            outcome, interrupted = await _step(step, ctx, progress, observer)
        progress.outcomes.append(outcome)
        if not interrupted:
            observer.finished(outcome)
    observer.asking("closing")
    left_open = await _close(ctx)
    target = _target(ctx, emulator)
    code = exit_code(progress.outcomes, interrupted=interrupted, fail_on=fail_on)
    return Report(
        version=__version__,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        target=target,
        credential=_credential(wishes),
        overall=_worst(o.status for o in progress.outcomes),
        exit_code=code,
        interrupted=interrupted,
        cost=recorder.cost,
        checks=tuple(progress.outcomes),
        diagnosis=(diagnosis := verdict.diagnose(progress.outcomes)),
        corrected=verdict.remedy(diagnosis, target, wishes.kinds, wishes.session, wishes.today),
        exchanges=tuple(recorder.exchanges),
        events=tuple(recorder.events),
        peers=tuple(recorder.peers.values()),
        not_tested=NOT_TESTED,
        left_open=left_open,
        redactions=mask.ledger(),
    )


def exit_code(outcomes: Iterable[Outcome], *, interrupted: bool, fail_on: FailOn) -> int:
    """The exit code of a run, from the statuses of its cases and checks alone.

    130 interrupted · 2 nothing was selected · 1 a fail (or a warn, if that is not tolerated) · 4 an error · 3 an inconclusive, or
    not one pass · 0.
    """
    outcomes = tuple(outcomes)
    found = {r.finding.status for o in outcomes for r in o.rows} | {o.status for o in outcomes}
    if interrupted:
        return 130
    if not outcomes:
        return 2
    strict = {"never": 0, "fail": 1, "inconclusive": 2, "warn": 3}[fail_on]
    if (strict >= 1 and "fail" in found) or (strict >= 3 and "warn" in found):
        return 1
    if "error" in found:
        return 4
    return 3 if strict >= 2 and ("inconclusive" in found or "pass" not in found) else 0


async def _step(step: Step, ctx: Context, progress: _Progress, observer: Observer) -> tuple[Outcome, bool]:
    """Ask and judge one check; the second value says whether the run was cut short meanwhile."""
    check, began, cost = step.check, time.perf_counter(), ctx.recorder.cost
    blocked = _blocked(step, progress)
    wanted = [c for c in step.cases if c.id not in blocked]
    seen: dict[str, Seen] = {}
    crash: str | None = None
    interrupted = False
    if wanted:
        observer.asking(check.title)
        ctx.select([c.id for c in wanted])
        try:
            async with aclosing(check.probe(ctx)) as found:  # type: ignore[type-var]
                async for one in found:
                    seen[one.case] = replace(one, facts=ctx.recorder.mask.values(one.facts, "checks.facts"))
        except asyncio.CancelledError:
            interrupted = True
        except Exception as exc:
            crash = _where(exc, ctx.recorder.mask)
    findings, crash = _judged(check, seen, ctx, crash)
    reasons = {**blocked, **step.left_out}
    rows = []
    for case in check.cases:
        if case in step.cases or case.id in step.left_out:
            reason = reasons.get(case.id) or progress.unmet(case)
            finding = Finding(case.id, "skip", reason) if reason else findings.get(case.id)
            finding = finding or _unasked(check, case, progress, crash, interrupted)
            if case.id not in step.left_out:
                progress.statuses[f"{check.id}.{case.id}"] = finding.status
                if finding.status == "skip":
                    progress.roots[f"{check.id}.{case.id}"] = finding.measured
            rows.append(Row(case.id, case.title, finding, seen.get(case.id, Seen(case.id)), case.line, case.column))
    status = _worst(r.finding.status for r in rows)
    if wanted:
        progress.statuses[check.id] = status
    skipped = [r.finding.measured for r in rows if r.finding.status == "skip"]
    chained = next((s for s in skipped if s.startswith("needs ")), None)
    reason = crash if status == "error" else chained or skipped[0] if status == "skip" else None
    duration_ms = round((time.perf_counter() - began) * 1000, 1)
    spent = ctx.recorder.cost - cost
    return Outcome(check.id, check.title, status, reason, duration_ms, check.requires, spent, tuple(rows)), interrupted


def _blocked(step: Step, progress: _Progress) -> dict[str, str]:
    """The cases that cannot be asked, with the reason: for what earlier checks found, or for a case of this one."""
    blocked: dict[str, str] = {}
    for case in step.cases:
        local = (r.removeprefix(f"{step.check.id}.") for r in case.requires)
        if reason := progress.unmet(case) or next((blocked[r] for r in local if r in blocked), None):
            blocked[case.id] = reason
    return blocked


def _judged(
    check: Check, seen: Mapping[str, Seen], ctx: Context, crash: str | None
) -> tuple[dict[str, Finding], str | None]:
    evidence = Evidence(seen, ctx.dialects, ctx.wishes.official, ctx.wishes.today)
    try:
        return {f.case: f for f in check.judge(evidence)}, crash
    except Exception as exc:
        return {}, crash or _where(exc, ctx.recorder.mask)


def _unasked(check: Check, case: Case, progress: _Progress, crash: str | None, interrupted: bool) -> Finding:
    """The finding of a case that no judge spoke of, though nothing that it requires is known to have failed."""
    if interrupted:
        return Finding(case.id, "skip", "the run was interrupted")
    if unasked := next((r for r in case.requires if r not in progress.statuses), None):
        return Finding(case.id, "skip", f"needs {unasked}: it was not asked")
    return Finding(case.id, "error", crash or "the check gave no finding for this case", cause="check-broke")


def _left_out(step: Step) -> Outcome:
    """The outcome of a check that an interrupted run did not come to."""
    rows = tuple(Row(c.id, c.title, Finding(c.id, "skip", "the run was interrupted"), Seen(c.id)) for c in step.cases)
    return Outcome(
        step.check.id, step.check.title, "skip", "the run was interrupted", 0.0, step.check.requires, Cost(), rows
    )


def _broken(entry: Broken) -> Outcome:
    return Outcome(entry.id, "a check of another package", "error", entry.reason, 0.0, (), Cost(), ())


def _worst(statuses: Iterable[Status]) -> Status:
    found = set(statuses)
    return next((s for s in SEVERITY if s in found), "skip")


def _where(exc: BaseException, mask: Mask) -> str:
    """One line about a crash, with its place; secrets masked."""
    frames = traceback.extract_tb(exc.__traceback__)
    place = f" (in {frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return mask(f"{type(exc).__name__}: {exc}{place}", "checks.reason")


async def _close(ctx: Context) -> tuple[str, ...]:
    """Close everything within a deadline of its own, whatever else was cancelled."""
    limit_s = ctx.deadlines.close_s * 4
    closing = asyncio.ensure_future(ctx.close())
    deadline = time.monotonic() + limit_s
    while not closing.done() and (rest := deadline - time.monotonic()) > 0:
        try:
            await asyncio.wait({closing}, timeout=rest)
        except asyncio.CancelledError:
            continue  # a second signal does not stop the closing; its deadline does
    if not closing.done():
        closing.cancel()
        return (f"closing did not end within {limit_s:g} s",)
    return (
        closing.result() if closing.exception() is None else (f"closing broke: {type(closing.exception()).__name__}",)
    )


def _target(ctx: Context, emulator: Mapping[str, Any] | None) -> Target:
    wishes = ctx.wishes
    known = {"realtime": wishes.realtime_model, "transcription": wishes.transcription_model}
    asked = ctx.models_asked
    return Target(
        base_url=ctx.recorder.mask(wishes.base_url, "target"),
        recognised_as="emulator" if emulator else "openai" if wishes.official else "unknown",
        dialects=tuple(sorted(ctx.dialects, reverse=True)),
        model=asked.get("realtime") or known["realtime"] or models.default("realtime"),
        transcription_model=asked.get("transcription") or known["transcription"] or models.default("transcription"),
        emulator=emulator,
    )


def _credential(wishes: Wishes) -> CredentialShown:
    credential = wishes.api_key or wishes.own_token
    if credential is None:
        return CredentialShown("none", wishes.token_url or "", "")
    kind = "api-key" if wishes.api_key else "ephemeral"
    return CredentialShown(kind, credential.source, stars(credential.secret.reveal()))
