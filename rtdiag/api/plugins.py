"""What other packages add to rtdiag, under its entry-point groups. What cannot be used is told, and leaves the rest alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from rtdiag.api.own_yaml import BadData

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")

CHECK = "a check"
CAUSES = "rtdiag.causes"
OF_THE_EMULATOR = ("rtdiag.faults", "rtdiag.routes")


@dataclass(frozen=True)
class Broken:
    """What another package offers and cannot be used, and why, in one line. `kind`: a check, `causes`, `faults` or `routes`."""

    id: str
    reason: str
    kind: str = CHECK

    def __str__(self) -> str:
        return f"{self.id}, of another package, cannot be used: {self.reason}"


def entry_points(*, group: str) -> Iterable[EntryPoint]:
    """Those that are installed. Where there are none of ours at all, that is seen without importlib.metadata, which is slow."""
    if not _are_any(tuple(sys.path)):
        return ()
    from importlib.metadata import entry_points as all_of

    return all_of(group=group)


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
            import logging

            logging.getLogger("rtdiag").debug("%s of another package cannot be used", entry.name, exc_info=exc)
            broken.append(Broken(entry.name if kind == CHECK else f"{entry.name}-{kind}", _why(exc), kind))
    return start, tuple(broken)


@lru_cache(maxsize=1)
def _are_any(path: tuple[str, ...]) -> bool:
    """Whether a package on that path may name a group of ours: one that lies in an archive may."""
    return any(map(_may_name_ours, path))


def _may_name_ours(folder: str) -> bool:
    if os.path.isfile(folder) or folder.endswith(".egg"):
        return True
    names = list[str]()
    with suppress(OSError):
        names = [name for name in os.listdir(folder or ".") if name.endswith((".dist-info", ".egg-info"))]
    return any(b"[rtdiag." in _offers(os.path.join(folder, name)) for name in names)


def _offers(package: str) -> bytes:
    with suppress(OSError), open(os.path.join(package, "entry_points.txt"), "rb") as file:
        return file.read()
    return b""


def _why(exc: BaseException) -> str:
    told = " ".join(str(exc).split())
    return told if isinstance(exc, BadData) else f"it cannot be loaded: {type(exc).__name__}: {told}"
