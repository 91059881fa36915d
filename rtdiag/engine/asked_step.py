"""A step of the plan while it is asked: which of its cases may be asked now, and what is known of those that they rest on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from rtdiag.engine.check import Case
from rtdiag.engine.plan import Plan, Step
from rtdiag.engine.results import BLOCKING, Progress, checked
from rtdiag.model import NOT_OFFERED, Evidence, Observation
from rtdiag.transport.recorder import Part


class Standing:
    """What is known of the cases of a run at any moment, for those who wait for it.

    What went well is known as soon as its evidence is there, for it can begin nothing that should not be; that something did not
    is known when its check is judged as a whole.
    """

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.progress = progress
        self.steps = [AskedStep(step, self) for step in plan.steps]
        self._pending = {f"{s.check.id}.{c.id}" for s in plan.steps for c in s.cases} | {s.check.id for s in plan.steps}
        self._wanted = {r for s in plan.steps for c in s.cases for r in c.requires}
        self._well: set[str] = set()
        self._changed = asyncio.Event()

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait until it is true."""
        while not done():
            self._changed.clear()
            await self._changed.wait()

    def changed(self) -> None:
        """Whoever waits shall look again."""
        self._changed.set()

    def waiting_before(self, one: AskedStep) -> list[AskedStep]:
        """The steps before that one which are not judged yet."""
        return [each for each in self.steps[: self.steps.index(one)] if each.step.check.id in self._pending]

    def known(self, case: Case, of: str) -> bool:
        """Whether it is known of all that this case of the check `of` rests on how it went; its own check knows of itself."""
        others = [r for r in case.requires if r.partition(".")[0] != of]
        return all(r in self._well or r in self.progress.statuses or r not in self._pending for r in others)

    def any_known(self, one: AskedStep) -> bool:
        """Whether it may begin with some of its cases."""
        return any(self.known(case, one.step.check.id) for case in one.wanted)

    def judged(self, step: Step) -> None:
        """That step has come to its end."""
        self._pending -= {step.check.id, *(f"{step.check.id}.{case.id}" for case in step.cases)}
        self.changed()

    def saw(self, step: Step, case: str, evidence: Evidence) -> None:
        """That case was seen: if others rest on it, look whether it went well, by what is there."""
        if f"{step.check.id}.{case}" not in self._wanted:
            return
        with suppress(Exception):  # its own step tells of a judge that breaks
            for found in map(checked, step.check.judge(evidence)):
                if found.status not in BLOCKING and NOT_OFFERED not in found.observed:
                    self._well.add(f"{step.check.id}.{found.case}")
        self.changed()


class AskedStep:
    """One step: what is `blocked` and why, what was `seen`, asked and used, and how it ended."""

    def __init__(self, step: Step, standing: Standing) -> None:
        self.step = step
        self.blocked: dict[str, str] = {}
        self.seen: dict[str, Observation] = {}
        self.part = Part()
        self.crash: str | None = None
        self.interrupted = False
        self.took_ms = 0.0
        self.spares_left = False
        self._standing = standing
        self._began_s: float | None = None
        self._cases = {case.id: case for case in step.cases}

    @property
    def wanted(self) -> list[Case]:
        """The cases that nothing is known to block."""
        return [case for case in self.step.cases if case.id not in self.blocked]

    def wants(self, *case_ids: str) -> bool:
        """Whether any of these is to be asked, as far as is known."""
        return any(case in self._cases and case not in self.blocked for case in case_ids)

    async def due(self, *case_ids: str) -> bool:
        """The same, once it is known of all of them."""
        cases = [self._cases[case] for case in case_ids if case in self._cases]
        await self._standing.until(lambda: all(self._standing.known(case, self.step.check.id) for case in cases))
        self.look()
        if found := self.wants(*case_ids):
            self.begin()
        return found

    @property
    def began(self) -> bool:
        """Whether it has come to asking."""
        return self._began_s is not None

    def begin(self) -> None:
        """Something is asked from now on."""
        self._began_s = time.perf_counter() if self._began_s is None else self._began_s

    def end(self) -> None:
        """Nothing more is asked."""
        self.took_ms = 0.0 if self._began_s is None else round((time.perf_counter() - self._began_s) * 1000, 1)

    def look(self) -> None:
        """Which cases cannot be asked, for what earlier checks found, or for a case of this one."""
        progress, check = self._standing.progress, self.step.check.id
        blocked: dict[str, str] = {}
        for case in self.step.cases:
            local = (r.removeprefix(f"{check}.") for r in case.requires)
            if reason := progress.unmet(case) or next((blocked[r] for r in local if r in blocked), None):
                blocked[case.id] = reason
        self.blocked = blocked

    async def spares(self) -> None:
        """Wait until the steps before it have left the tokens that they do not need."""
        steps = self._standing.steps
        minting = [one for one in steps[: steps.index(self)] if one.step.check.spares]
        await self._standing.until(lambda: all(one.spares_left for one in minting))

    def leave_spares(self) -> None:
        """It mints no more tokens that others may use."""
        self.spares_left = True
        self._standing.changed()
