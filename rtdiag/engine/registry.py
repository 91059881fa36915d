"""Which checks there are: every module of rtdiag.checks, and what other packages offer under the entry-point group `rtdiag.checks`.

Both take the same road. A package's check, or file of causes, that cannot be used becomes a `Broken`, a row of status error, never
a crash; a fault in rtdiag's own checks stops at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from rtdiag.api.plugins import CHECK, Broken, joined
from rtdiag.diagnosis.added_causes import broken_causes
from rtdiag.engine.check import Check
from rtdiag.engine.own_checks import GROUP as GROUP
from rtdiag.engine.own_checks import RegistryError as RegistryError
from rtdiag.engine.own_checks import as_check, own_checks

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@dataclass(frozen=True)
class Registry:
    """The usable checks by id, in the order of the screen, and what of other packages is broken."""

    checks: dict[str, Check]
    broken: tuple[Broken, ...] = ()


def load(offered: Iterable[EntryPoint] | None = None) -> Registry:
    """All checks. `offered` replaces the installed entry points, for tests. Raises RegistryError for a fault in our own."""
    checks = dict[str, Check]()
    for check in own_checks():
        checks = _with(checks, check)
    checks, broken = joined(_sort(checks), GROUP, CHECK, _joined_by, offered)
    return Registry(checks, (*broken, *broken_causes()))


def _joined_by(checks: dict[str, Check], entry: EntryPoint) -> dict[str, Check]:
    return _sort(_with(checks, as_check(entry.load(), entry.name)))


def _with(checks: dict[str, Check], check: Check) -> dict[str, Check]:
    if check.id in checks:
        raise RegistryError(f"there is a check {check.id} already")
    ids = [case.id for case in check.cases]
    if twice := {i for i in ids if ids.count(i) > 1}:
        raise RegistryError(f"{check.id} names the case {', '.join(sorted(twice))} twice")
    return {**checks, check.id: check}


def _sort(checks: dict[str, Check]) -> dict[str, Check]:
    """The checks by `order`, then id; raises RegistryError where a requirement is unknown, circular or comes later."""
    known = set(checks) | {f"{c.id}.{case.id}" for c in checks.values() for case in c.cases}
    for check in checks.values():
        for case in check.cases:
            for required in case.requires:
                if required not in known:
                    raise RegistryError(f"{check.id}.{case.id} requires {required}, which does not exist")
    ranked = sorted(checks.values(), key=lambda c: (c.order, c.id))
    graph = {c.id: c.requires for c in ranked}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        raise RegistryError(f"the checks require each other in a circle: {' -> '.join(exc.args[1])}") from exc
    placed: dict[str, Check] = {}
    while waiting := [c for c in ranked if c.id not in placed]:
        check = next(c for c in waiting if set(c.requires) <= placed.keys())
        placed[check.id] = check
    return placed
