"""What a run will ask, and in which order: pure, from the checks and the user's choice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from rtdiag.api.endpoints import Kind
from rtdiag.engine.check import Case, Check
from rtdiag.model import Cost

# The opt-ins that are about money alone.
FREE_ON_THE_EMULATOR = frozenset({"audio"})
# The opt-in that is an option of its own.
BROWSER = "browser"
_OPT_IN = {BROWSER: "--browser"}


@dataclass(frozen=True)
class Step:
    """One check with the cases to ask, and the cases left out by the user, each with the reason."""

    check: Check
    cases: tuple[Case, ...]
    left_out: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """The steps in the order of the screen; `added` are the checks that only run because a named one requires them."""

    steps: tuple[Step, ...]
    added: tuple[str, ...] = ()

    @property
    def cost(self) -> Cost:
        """What the steps cost, as their checks declare it for a default run."""
        return self.costing()

    def costing(self, longer_s: float = 0.0, *, stranger: bool = False) -> Cost:
        """The same where the clip that is played is longer than rtdiag's own by so much; each session hears it once.

        Of a `stranger` more is asked, to find out what it offers.
        """
        asking = [s.check for s in self.steps if any(case.asks for case in s.cases)]
        costs = [check.cost for check in asking] + [check.of_strangers for check in asking if stranger]
        more_s = sum(longer_s * c.sessions_opened for c in costs if c.audio_seconds)
        spared = self._spared()
        return sum(costs, Cost(audio_seconds=more_s)) - Cost(requests=spared, tokens_minted=spared)

    @property
    def ids(self) -> frozenset[str]:
        """The full ids of the cases that are to be asked."""
        return frozenset(f"{step.check.id}.{case.id}" for step in self.steps for case in step.cases)

    @property
    def wants_a_browser(self) -> bool:
        """Whether a page is to be asked in one."""
        return any(case.allow == BROWSER for step in self.steps for case in step.cases)

    def _spared(self) -> int:
        """How many tokens need not be minted, since an earlier check leaves as many."""
        spared = left = 0
        for check in (s.check for s in self.steps if s.cases):
            taken = min(left, check.takes_spares)
            spared, left = spared + taken, left - taken + check.spares
        return spared

    def waits_s(self, longer_s: float = 0.0) -> float:
        """How long its opt-ins wait by themselves, where a clip is so much longer than rtdiag's own; thrice on a slow machine."""
        waits = [max((c.waits_s for c in s.cases), default=0.0) for s in self.steps]
        return sum(waits) + (3 * longer_s if self.cost.audio_seconds else 0.0)


def make(
    checks: Iterable[Check],
    *,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    kinds: Collection[Kind] = ("realtime", "transcription"),
    allow: Collection[str] = (),
    emulated: bool = False,
) -> Plan:
    """The plan. `only` and `skip` are globs over check ids and `check.case`; with `only`, what it requires is added.

    On the emulator, where audio costs nothing, a check or case that `only` names in full needs no opt-in for it. A case of a
    kind that is not asked for is not in the plan at all, nor is one for a browser, where none is to be opened and `only` does not
    name it or its check; a skipped one, and one that needs an opt-in, is left out with the reason. The plan is empty when nothing
    matches; what is asked always is there wherever anything else is.
    """
    every = {
        f"{c.id}.{case.id}": (c, case)
        for c in checks
        for case in c.cases
        if (case.kind is None or case.kind in kinds) and not _is_for_a_browser(c, case, only, allow)
    }
    named = {i for i, (c, _) in every.items() if not only or _matches(i, c.id, only)}
    unnamed = {i for i, (c, _) in every.items() if c.always and not (only and i in named)}
    kept = {i for i in named if not _matches(i, every[i][0].id, skip)}
    wanted = named | unnamed | _closure(kept, every)
    in_full = {i for i, (c, _) in every.items() if emulated and {i, c.id} & set(only)}
    permitted = {i for i in _closure(in_full, every) if every[i][1].allow in FREE_ON_THE_EMULATOR}
    steps = []
    for check in dict.fromkeys(c for c, _ in every.values()):
        mine = {i: case for i, (c, case) in every.items() if c is check and i in wanted}
        left_out = {case.id: "left out by --skip" for i, case in mine.items() if _matches(i, check.id, skip)}
        left_out |= {
            case.id: f"opt in with {_OPT_IN.get(case.allow, f'--allow {case.allow}')}"
            for i, case in mine.items()
            if case.allow and case.allow not in allow and i not in permitted
        }
        if mine:
            steps.append(Step(check, tuple(c for c in mine.values() if c.id not in left_out), left_out))
    if {f"{s.check.id}.{c.id}" for s in steps for c in s.cases} <= unnamed:
        steps = [s for s in steps if not s.check.always]
    directly = {i.partition(".")[0] for i in named | unnamed}
    return Plan(tuple(steps), tuple(s.check.id for s in steps if s.check.id not in directly))


def _is_for_a_browser(check: Check, case: Case, only: Collection[str], allow: Collection[str]) -> bool:
    """Whether nobody asks for it: without a browser a run is as if there were no such check."""
    named = {check.id, f"{check.id}.{case.id}"} & set(only)
    return case.allow == BROWSER and BROWSER not in allow and not named


def for_a_browser_alone(checks: Iterable[Check], only: Collection[str]) -> bool:
    """Whether `--only` names nothing that is asked without one."""
    named = (case for c in checks for case in c.cases if _matches(f"{c.id}.{case.id}", c.id, only))
    return bool(only) and all(case.allow == BROWSER for case in named)


def named_in_full(checks: Iterable[Check], only: Collection[str]) -> frozenset[str]:
    """The full ids of the cases that `--only` names themselves; a glob that fits their whole check names none of them."""
    ids = [(f"{c.id}.{case.id}", c.id) for c in checks for case in c.cases]
    return frozenset(i for i, c in ids for g in only if fnmatchcase(i, g) and not fnmatchcase(c, g))


def _matches(case_id: str, check_id: str, globs: Collection[str]) -> bool:
    return any(fnmatchcase(check_id, g) or fnmatchcase(case_id, g) for g in globs)


def _closure(named: set[str], every: Mapping[str, tuple[Check, Case]]) -> set[str]:
    wanted, fresh = set(named), set(named)
    while fresh:
        required = {r for i in fresh for r in every[i][1].requires}
        fresh = {i for i, (c, _) in every.items() if (i in required or c.id in required) and i not in wanted}
        wanted |= fresh
    return wanted


def unknown(globs: Iterable[str], checks: Iterable[Check]) -> list[str]:
    """The globs that match no check and no case, in the order given."""
    ids = [(f"{c.id}.{case.id}", c.id) for c in checks for case in c.cases]
    return [g for g in globs if not any(_matches(i, c, [g]) for i, c in ids)]
