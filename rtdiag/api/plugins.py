"""What other packages add to rtdiag, under its entry-point groups. What cannot be used is told, and leaves the rest alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from rtdiag.api.own_yaml import BadData

T = TypeVar("T")

CHECK = "a check"

_log = logging.getLogger("rtdiag")


@dataclass(frozen=True)
class Broken:
    """What another package offers and cannot be used, and why, in one line. `kind`: a check, `causes`, `faults` or `routes`."""

    id: str
    reason: str
    kind: str = CHECK

    def __str__(self) -> str:
        return f"{self.id}, of another package, cannot be used: {self.reason}"


def joined(
    start: T, group: str, kind: str, add: Callable[[T, EntryPoint], T], offered: Iterable[EntryPoint] | None = None
) -> tuple[T, tuple[Broken, ...]]:
    """What there is, with all that `add` makes of the group's entry points, and those of that kind for which it raises.

    `offered` replaces the installed ones, for tests.
    """
    broken = list[Broken]()
    for entry in entry_points(group=group) if offered is None else offered:
        try:
            start = add(start, entry)
        except (Exception, SystemExit) as exc:
            _log.debug("%s of another package cannot be used", entry.name, exc_info=exc)
            broken.append(Broken(entry.name if kind == CHECK else f"{entry.name}-{kind}", _why(exc), kind))
    return start, tuple(broken)


def _why(exc: BaseException) -> str:
    told = " ".join(str(exc).split())
    return told if isinstance(exc, BadData) else f"it cannot be loaded: {type(exc).__name__}: {told}"
