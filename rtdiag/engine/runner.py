"""Runs a plan: asks, judges, tells the observer, and closes everything at the end, also after errors and signals."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from rtdiag import __version__
from rtdiag.api import models
from rtdiag.api.plugins import Broken
from rtdiag.diagnosis import catalogue, verdict
from rtdiag.engine.asked_step import AskedStep, Standing
from rtdiag.engine.check import Case
from rtdiag.engine.context import Context, RunOptions
from rtdiag.engine.plan import Plan, Step
from rtdiag.engine.results import (
    INTERRUPTED,
    NOT_ASKED,
    OVERTAKEN,
    AskedCheck,
    FailOn,
    Progress,
    crashed,
    exit_code,
    judged,
    of_check,
    reason,
    worst,
)
from rtdiag.engine.whose_turn import asking
from rtdiag.model import (
    CUT_SHORT,
    Cost,
    CredentialShown,
    Emulated,
    Evidence,
    Exchange,
    Finding,
    Observation,
    Outcome,
    Report,
    Row,
    Target,
)
from rtdiag.redact import Mask, stars
from rtdiag.remedy import after_run
from rtdiag.transport.breaker import NotAskedError
from rtdiag.transport.http import Http
from rtdiag.transport.preload import preload
from rtdiag.transport.recorder import Deadlines, Recorder
from rtdiag.transport.ways import Ways

# How long closing may take where somebody waits for the end: less than a person thinks that nothing happens.
_AT_ONCE_S = 0.7

# So soon after it has begun, a run waits for the network.
_AFTER_THE_FIRST_S = 0.01

OVER_TCP = "ICE over TCP"  # but where nothing came back over UDP
_BROWSER, _CORS, _OWN_CODE = "a browser", "CORS", "your own code"
NOT_TESTED = (_BROWSER, _CORS, OVER_TCP, _OWN_CODE)


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
    options: RunOptions,
    *,
    mask: Mask,
    deadlines: Deadlines | None = None,
    limit_s: float | None = None,
    observer: Observer | None = None,
    broken: Iterable[Broken] = (),
    emulator: Mapping[str, Any] | None = None,
    fail_on: FailOn = "inconclusive",
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Report:
    """Run the plan and return the report. Cancelling the task ends the run early: the report then says `interrupted`.

    It takes at most `limit_s` (by default what the deadlines say of a run): what is being asked then is inconclusive, and the
    rest is skipped. `sleep` is for tests that own the clock. Never raises for what a server, a network or a check does.
    """
    catalogue.causes()  # what is wrong with it is said before anything is asked
    deadlines, observer = deadlines or Deadlines(), observer or Silent()
    limit_s = deadlines.run_s(plan.waits_s()) if limit_s is None else limit_s
    profile = emulator.get("profile") if emulator else options.profile
    planned = frozenset(f"{step.check.id}.{case.id}" for step in plan.steps for case in step.cases)
    options = replace(options, emulated=emulator is not None, profile=profile, planned=planned)
    recorder = Recorder(mask, observer.asking)
    http = Http(options.base_url, recorder, deadlines, Ways({} if emulator else os.environ), options.own_headers)
    ctx = Context(options, http, recorder, deadlines, sleep)
    progress, interrupted = Progress(options.ignore, recorder.started_at.date()), False
    clock = _Clock(limit_s, deadlines)
    observer.began(_report(ctx, progress, emulator))
    for entry in broken:
        progress.outcomes.append(_broken(entry, recorder.mask))
        observer.finished(progress.outcomes[-1], _report(ctx, progress, emulator))
    standing = Standing(plan, progress)
    works = [asyncio.ensure_future(_asked(one, ctx, standing, observer, clock)) for one in standing.steps]
    end_all = partial(_end, standing.steps, works)
    if plan.cost.sessions_opened:  # when the first requests have left
        asyncio.get_running_loop().call_later(_AFTER_THE_FIRST_S, preload)
    for one, work in zip(standing.steps, works, strict=True):
        if await _ended(work, end_all) or one.interrupted:
            interrupted = True
            end_all()
        outcome = _outcome(one, ctx, progress, clock, interrupted=interrupted)
        progress.outcomes.append(outcome)
        standing.judged(one.step)
        if not interrupted:
            observer.finished(outcome, _report(ctx, progress, emulator))
    observer.asking("closing")
    left_open = await _close(ctx, _AT_ONCE_S if interrupted else deadlines.closing_s)
    done = _report(ctx, progress, emulator)
    diagnosis = verdict.diagnose(done.checks, done.target.base_url, done.target.recognised_as)
    return replace(
        done,
        exit_code=exit_code(done.checks, interrupted=interrupted, fail_on=fail_on),
        interrupted=interrupted,
        diagnosis=diagnosis,
        corrected=after_run.requests(
            diagnosis, done.checks, done.target, options.today, done.exchanges, done.credential
        ),
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
        credential=_credential(ctx.options, recorder.mask),
        overall=worst(o.status for o in progress.outcomes),
        exit_code=INTERRUPTED,
        interrupted=True,
        cost=recorder.cost,
        checks=tuple(progress.outcomes),
        diagnosis=(),
        corrected=None,
        exchanges=recorder.every_exchange,
        events=(*recorder.events, *recorder.theirs.events),
        peers=(*recorder.peers.values(), *recorder.theirs.peers.values()),
        not_tested=not_tested(recorder),
        left_open=(),
        redactions=recorder.mask.ledger(),
    )


class _Clock:
    """The time that a run has: `ends` by the loop's clock, some of it kept for closing; `spent` says so once it is over."""

    def __init__(self, limit_s: float, deadlines: Deadlines) -> None:
        self.ends = asyncio.get_running_loop().time() + limit_s - deadlines.closing_s
        self.spent: str | None = None
        self._limit_s = limit_s

    def ring(self) -> None:
        """The time is over."""
        self.spent = f"the time for the whole run ({self._limit_s:g} s) was over"


async def _ended(work: asyncio.Task[None], end_all: Callable[[], None]) -> bool:
    """Wait until that step has come to its end; whether the run was interrupted meanwhile, which ends them all."""
    interrupted = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            interrupted = True
            end_all()
    return interrupted


def _end(steps: Sequence[AskedStep], works: Sequence[asyncio.Task[None]]) -> None:
    """End all that ask; those that ask nothing may look at what the others have asked."""
    for one, work in zip(steps, works, strict=True):
        if not one.step.check.always:
            work.cancel()


async def _asked(one: AskedStep, ctx: Context, standing: Standing, observer: Observer, clock: _Clock) -> None:
    """Ask one step, when it is its turn; whatever ends it is written down in it."""
    try:
        await standing.until(lambda: _may_begin(one, ctx, standing))
        if one.step.check.always or not (clock.spent or ctx.given_up):
            await _probed(one, ctx, standing, observer, clock)
    except asyncio.CancelledError:
        one.interrupted = True
    one.leave_spares()


def _may_begin(one: AskedStep, ctx: Context, standing: Standing) -> bool:
    """Whether all before it are judged; or whether it and they may be asked at the same time."""
    before = standing.waiting_before(one)
    return not before or (ctx.at_once and all(each.step.check.beside for each in (*before, one)))


async def _probed(one: AskedStep, ctx: Context, standing: Standing, observer: Observer, clock: _Clock) -> None:
    check, recorder = one.step.check, ctx.recorder
    asking.set(one)
    one.part = recorder.begin_part()
    one.look()
    if not one.wanted:
        return
    observer.asking(check.title)
    if not (ctx.at_once and check.beside) or standing.any_known(one):
        one.begin()
    try:
        async with asyncio.timeout_at(clock.ends), aclosing(check.probe(ctx)) as found:  # type: ignore[type-var]
            async for seen in found:
                one.seen[seen.case] = replace(seen, facts=recorder.mask.values(seen.facts, "checks.facts"))
                if ctx.at_once:
                    standing.saw(one.step, seen.case, _evidence(one.seen, ctx))
        one.look()
        one.seen |= _unanswered(one)
    except asyncio.CancelledError:
        one.interrupted = True
    except NotAskedError as exc:
        one.seen |= _unheard(one.wanted, one.seen, str(exc))
    except TimeoutError as exc:
        if asyncio.get_running_loop().time() < clock.ends:
            one.crash = crashed(exc, recorder.mask)
        else:
            clock.ring()
            one.seen |= _overtaken(one, clock)
    except BaseException as exc:  # also a plug-in's own sys.exit: signals come as CancelledError
        one.crash = crashed(exc, recorder.mask)
    one.end()


def _evidence(seen: Mapping[str, Observation], ctx: Context) -> Evidence:
    return Evidence(seen, ctx.dialects, ctx.options.official, ctx.options.today, not ctx.at_home)


def _outcome(one: AskedStep, ctx: Context, progress: Progress, clock: _Clock, *, interrupted: bool) -> Outcome:
    """What came of one step, judged when all before it are."""
    step, check, mask = one.step, one.step.check, ctx.recorder.mask
    over = CUT_SHORT if interrupted else clock.spent or ctx.given_up
    if over and not one.began and not one.seen and not check.always:
        return _left_out(step, over, progress)
    one.look()
    asked = AskedCheck(check, step.cases, step.left_out, one.blocked, one.crash, one.interrupted)
    rows, crash = judged(asked, _evidence(one.seen, ctx), progress, mask)
    status = of_check(rows, crash)
    if one.wanted:
        progress.statuses[check.id] = status
    said = crash or reason(status, rows)
    return Outcome(check.id, check.title, status, said, one.took_ms, check.requires, one.part.cost, rows)


def _unheard(wanted: Iterable[Case], seen: Mapping[str, Observation], reason: str) -> dict[str, Observation]:
    """The cases that nothing was seen of, each with the reason why it was not asked."""
    return {c.id: Observation(c.id, facts={NOT_ASKED: reason}) for c in wanted if c.id not in seen}


def not_tested(recorder: Recorder) -> tuple[str, ...]:
    """What this run has not tested, whatever came of it."""
    theirs = recorder.theirs
    peers = (*recorder.peers.values(), *theirs.peers.values())
    by = {x.by for x in theirs.exchanges}
    tested = {*((_BROWSER,) if "browser" in by else ()), *((_OWN_CODE,) if "page" in by else ())}
    if any(x.by == "browser" and (x.status is not None or _is_opaque(x)) for x in theirs.exchanges):
        tested.add(_CORS)  # where nothing gets there nothing is to be read, with it or without
    if any(peer.ice_tcp or re.search(r"\btcp\b", peer.selected_pair or "") for peer in peers):
        tested.add(OVER_TCP)
    return tuple(one for one in NOT_TESTED if one not in tested)


def _is_opaque(exchange: Exchange) -> bool:
    """Whether it was answered, and no page may read with what."""
    return exchange.failure is not None and exchange.failure.kind == "opaque"


def _unanswered(one: AskedStep) -> dict[str, Observation]:
    """The same where a probe stopped early since something that it needed for them got no answer; else nothing."""
    failed = next((x for x in one.part.exchanges if x.failure is not None), None)
    if failed is None or failed.failure is None:
        return {}
    path = urlsplit(failed.url).path
    why = f"{failed.method} {path} got no answer ({failed.failure.kind}): this could not be asked"
    return _unheard(one.wanted, one.seen, why)


def _overtaken(one: AskedStep, clock: _Clock) -> dict[str, Observation]:
    """The same where time ran out: the first of them was being asked, with the exchange that was cut short, if it was one."""
    if not one.began:
        return {}
    rest = _unheard(one.wanted, one.seen, f"{clock.spent} before this was asked")
    last = one.part.exchanges[-1:]
    cut = tuple(x for x in last if x.failure is not None and x.failure.kind == "interrupted")
    for case in [*rest][:1]:
        rest[case] = Observation(case, cut, facts={OVERTAKEN: f"{clock.spent} while this was asked"})
    return rest


def _left_out(step: Step, reason: str, progress: Progress) -> Outcome:
    """The outcome of a check that the run did not come to; what is skipped for an earlier reason says that."""
    rows = []
    for case in step.cases:
        finding = Finding(case.id, "skip", progress.unmet(case) or reason)
        progress.note(f"{step.check.id}.{case.id}", finding)
        rows.append(Row(case.id, case.title, finding, Observation(case.id), case.line, case.column))
    check = step.check
    return Outcome(check.id, check.title, "skip", reason, 0.0, check.requires, Cost(), tuple(rows))


def _broken(entry: Broken, mask: Mask) -> Outcome:
    said = mask(entry.reason, "checks.reason")
    return Outcome(entry.id, f"{entry.kind} of another package", "error", said, 0.0, (), Cost(), ())


async def _close(ctx: Context, limit_s: float) -> tuple[str, ...]:
    """Close everything within a deadline of its own, whatever else was cancelled."""
    closing = asyncio.ensure_future(ctx.close(limit_s))
    deadline = time.monotonic() + 2 * limit_s
    while not closing.done() and (rest := deadline - time.monotonic()) > 0:
        try:
            await asyncio.wait({closing}, timeout=rest)
        except asyncio.CancelledError:
            continue  # a second signal does not stop the closing; its deadline does
    if not closing.done():
        closing.cancel()
        return (f"closing did not end within {2 * limit_s:g} s",)
    broke = asyncio.CancelledError() if closing.cancelled() else closing.exception()
    return closing.result() if broke is None else (f"closing broke: {type(broke).__name__}",)


def _target(ctx: Context, emulator: Mapping[str, Any] | None) -> Target:
    options, mask = ctx.options, ctx.recorder.mask
    known = {"realtime": options.realtime_model, "transcription": options.transcription_model}
    asked = ctx.models_asked
    return Target(
        base_url=mask(options.base_url, "target"),
        recognised_as="emulator" if emulator or (ctx.at_home and not options.official) else ctx.asked.known.id,
        recognised_by=ctx.asked.recognised.by,
        offers=ctx.asked.found,
        dialects=tuple(sorted(ctx.dialects, reverse=True)),
        model=mask(asked.get("realtime") or known["realtime"] or models.default("realtime"), "target"),
        transcription_model=mask(
            asked.get("transcription") or known["transcription"] or models.default("transcription"), "target"
        ),
        emulator=cast(Emulated, dict(emulator)) if emulator else None,
        kinds=options.kinds,
        session=mask.values(options.session, "target"),
        name=mask(options.target, "target"),
    )


def _credential(options: RunOptions, mask: Mask) -> CredentialShown:
    credential = options.api_key or options.own_token
    if credential is None:
        return CredentialShown("none", mask(options.token_url or "", "credential"), "")
    kind = "api-key" if options.api_key else "ephemeral"
    return CredentialShown(kind, mask(credential.source, "credential"), stars(credential.secret.reveal()))
