"""Runs a plan: asks, judges, tells the observer, and closes everything at the end, also after errors and signals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from rtdiag import __version__
from rtdiag.api import models
from rtdiag.context import Context, Wishes
from rtdiag.diagnosis import verdict
from rtdiag.model import Cost, CredentialShown, Evidence, Finding, Outcome, Report, Row, Seen, Target
from rtdiag.outcomes import INTERRUPTED, Asked, FailOn, Progress, crashed, exit_code, judged, reason, with_crash, worst
from rtdiag.plan import Plan, Step
from rtdiag.redact import Mask, stars
from rtdiag.registry import Broken
from rtdiag.transport.http import Http
from rtdiag.transport.recorder import Deadlines, Recorder

NOT_TESTED = ("a browser", "CORS", "ICE over TCP", "your own code")


class Observer(Protocol):
    """Who is told what happens while it happens."""

    def asking(self, what: str) -> None:
        """Something is being asked now."""

    def began(self, so_far: Report) -> None:
        """The run begins: nothing was asked yet."""

    def finished(self, outcome: Outcome, so_far: Report) -> None:
        """A check is done; `so_far` has the exchanges, events and peers until now, and no verdict."""


class Silent:
    """An observer that tells nobody."""

    def asking(self, what: str) -> None:
        """Nothing."""

    def began(self, so_far: Report) -> None:
        """Nothing."""

    def finished(self, outcome: Outcome, so_far: Report) -> None:
        """Nothing."""


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
    wishes = replace(wishes, emulated=emulator is not None)
    recorder = Recorder(mask, observer.asking)
    http = Http(wishes.base_url, recorder, deadlines, trust_environment=emulator is None)
    ctx = Context(wishes, http, recorder, deadlines, sleep)
    progress, interrupted = Progress(), False
    observer.began(_report(ctx, progress, emulator))
    for entry in broken:
        progress.outcomes.append(_broken(entry, recorder.mask))
        observer.finished(progress.outcomes[-1], _report(ctx, progress, emulator))
    for step in plan.steps:
        outcome = _left_out(step) if interrupted else None
        if outcome is None:
            outcome, interrupted = await _step(step, ctx, progress, observer)
        progress.outcomes.append(outcome)
        if not interrupted:
            observer.finished(outcome, _report(ctx, progress, emulator))
    observer.asking("closing")
    left_open = await _close(ctx)
    done = _report(ctx, progress, emulator)
    diagnosis = verdict.diagnose(done.checks)
    return replace(
        done,
        exit_code=exit_code(done.checks, interrupted=interrupted, fail_on=fail_on),
        interrupted=interrupted,
        diagnosis=diagnosis,
        corrected=verdict.remedy(diagnosis, done.checks, done.target, wishes.today),
        left_open=left_open,
    )


def _report(ctx: Context, progress: Progress, emulator: Mapping[str, Any] | None) -> Report:
    """What is known until now: of a run that is cut off here it would be the report."""
    recorder = ctx.recorder
    return Report(
        version=__version__,
        started_at=recorder.started_at,
        finished_at=datetime.now(UTC),
        target=_target(ctx, emulator),
        credential=_credential(ctx.wishes, recorder.mask),
        overall=worst(o.status for o in progress.outcomes),
        exit_code=INTERRUPTED,
        interrupted=True,
        cost=recorder.cost,
        checks=tuple(progress.outcomes),
        diagnosis=(),
        corrected=None,
        exchanges=tuple(recorder.exchanges),
        events=tuple(recorder.events),
        peers=tuple(recorder.peers.values()),
        not_tested=NOT_TESTED,
        left_open=(),
        redactions=recorder.mask.ledger(),
    )


async def _step(step: Step, ctx: Context, progress: Progress, observer: Observer) -> tuple[Outcome, bool]:
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
        except BaseException as exc:  # also a plug-in's own sys.exit: signals come as CancelledError
            crash = crashed(exc, ctx.recorder.mask)
    asked = Asked(check, step.cases, step.left_out, blocked, crash, interrupted)
    evidence = Evidence(seen, ctx.dialects, ctx.wishes.official, ctx.wishes.today)
    rows, crash = judged(asked, evidence, progress, ctx.recorder.mask)
    status = worst(r.finding.status for r in rows) if crash is None else with_crash(rows)
    if wanted:
        progress.statuses[check.id] = status
    duration_ms = round((time.perf_counter() - began) * 1000, 1)
    spent, said = ctx.recorder.cost - cost, crash or reason(status, rows)
    return Outcome(check.id, check.title, status, said, duration_ms, check.requires, spent, rows), interrupted


def _blocked(step: Step, progress: Progress) -> dict[str, str]:
    """The cases that cannot be asked, with the reason: for what earlier checks found, or for a case of this one."""
    blocked: dict[str, str] = {}
    for case in step.cases:
        local = (r.removeprefix(f"{step.check.id}.") for r in case.requires)
        if reason := progress.unmet(case) or next((blocked[r] for r in local if r in blocked), None):
            blocked[case.id] = reason
    return blocked


def _left_out(step: Step) -> Outcome:
    """The outcome of a check that an interrupted run did not come to."""
    rows = tuple(Row(c.id, c.title, Finding(c.id, "skip", "the run was interrupted"), Seen(c.id)) for c in step.cases)
    return Outcome(
        step.check.id, step.check.title, "skip", "the run was interrupted", 0.0, step.check.requires, Cost(), rows
    )


def _broken(entry: Broken, mask: Mask) -> Outcome:
    said = mask(entry.reason, "checks.reason")
    return Outcome(entry.id, "a check of another package", "error", said, 0.0, (), Cost(), ())


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
    wishes, mask = ctx.wishes, ctx.recorder.mask
    known = {"realtime": wishes.realtime_model, "transcription": wishes.transcription_model}
    asked = ctx.models_asked
    return Target(
        base_url=mask(wishes.base_url, "target"),
        recognised_as="emulator" if emulator else "openai" if wishes.official else "unknown",
        dialects=tuple(sorted(ctx.dialects, reverse=True)),
        model=mask(asked.get("realtime") or known["realtime"] or models.default("realtime"), "target"),
        transcription_model=mask(
            asked.get("transcription") or known["transcription"] or models.default("transcription"), "target"
        ),
        emulator=emulator,
        kinds=wishes.kinds,
        session=mask.values(wishes.session, "target"),
    )


def _credential(wishes: Wishes, mask: Mask) -> CredentialShown:
    credential = wishes.api_key or wishes.own_token
    if credential is None:
        return CredentialShown("none", mask(wishes.token_url or "", "credential"), "")
    kind = "api-key" if wishes.api_key else "ephemeral"
    return CredentialShown(kind, mask(credential.source, "credential"), stars(credential.secret.reveal()))
