"""rtdiag's own checks as they are declared: every module of rtdiag.checks, imported only when it shall ask or judge.

What they declare is kept for the next start, as long as no file of rtdiag was touched.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any
from zlib import crc32

import msgspec

from rtdiag.api.kept import kept
from rtdiag.api.own_yaml import BadData
from rtdiag.engine.check import Case, Check
from rtdiag.model import Cost

GROUP = "rtdiag.checks"
_TYPES: dict[str, Any] = {"cases": tuple[Case, ...], "cost": Cost, "of_strangers": Cost}


class RegistryError(BadData):
    """A check that cannot be taken in; the text says which and why."""


def own_checks() -> Iterator[Check]:
    """All of them, in no order. Raises RegistryError for a module that is none, the first time that it is looked at."""
    name = f"checks-{crc32(os.fsencode(__file__)):08x}"  # another rtdiag on this machine has its own
    for module, declared in kept(name, _touched(), lambda: list(map(_declared, _modules()))):
        given = declared | {name: msgspec.convert(declared[name], kind) for name, kind in _TYPES.items()}
        yield Check(**given, probe=_later(module, "probe"), judge=_later(module, "judge"))


def as_check(found: object, name: str) -> Check:
    """The check that is there, with what its module says of it. Raises RegistryError for what is none."""
    check = getattr(found, "CHECK", None) if isinstance(found, ModuleType) else found
    if not isinstance(check, Check):
        raise RegistryError(f"{name} offers no rtdiag.Check")
    doc = check.doc or (found.__doc__ if isinstance(found, ModuleType) else None) or check.title
    return replace(check, doc=doc)


def _modules() -> list[str]:
    return sorted(m.name for m in pkgutil.iter_modules(import_module(GROUP).__path__))


def _declared(module: str) -> list[Any]:
    check = vars(as_check(import_module(f"{GROUP}.{module}"), module))
    told = {name: value for name, value in check.items() if name not in ("probe", "judge")}
    return [module, msgspec.json.decode(msgspec.json.encode(told))]


@cache  # a check is the same as the one that was loaded before
def _later(module: str, name: str) -> Callable[[Any], Any]:
    """What the check has under that name, when it is called."""
    return lambda given: getattr(import_module(f"{GROUP}.{module}").CHECK, name)(given)


def _touched() -> bytes:
    """Every file that says what a check is, when it was written and how long it is: as Python knows its bytecode to be good."""
    folders = [*import_module("rtdiag").__path__, *import_module(GROUP).__path__]
    return "\n".join(sorted(line for folder in folders for line in _files(folder))).encode()


def _files(folder: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False) and entry.name != "__pycache__":
            yield from _files(entry.path)
        elif entry.name.endswith((".py", ".yaml")):
            at = entry.stat(follow_symlinks=False)
            yield f"{entry.path} {at.st_mtime_ns} {at.st_size}"
