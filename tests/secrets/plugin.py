"""Checks of another package that break in every way, each with the key in its message; one cannot even be loaded."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import EntryPoint

from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context
from rtdiag.engine.registry import GROUP
from rtdiag.model import Cost, Evidence, Finding, Observation


def _key() -> str:
    return os.environ.get("OPENAI_API_KEY", "")


async def _raising(_: Context) -> AsyncIterator[Observation]:
    raise RuntimeError(f"no luck with {_key()}")
    yield Observation("case")


async def _telling(_: Context) -> AsyncIterator[Observation]:
    yield Observation("case", facts={"key": _key(), _key(): [_key()], "several": {_key()}})


def _passing(_: Evidence) -> Sequence[Finding]:
    return [Finding("case", "pass", "fine")]


def _judging(_: Evidence) -> Sequence[Finding]:
    raise ValueError(_key())


def _saying(_: Evidence) -> Sequence[Finding]:
    return [
        Finding("case", "fail", f"measured {_key()}", f"expected {_key()}", (f"observed {_key()}",), f"hint {_key()}")
    ]


def _check(name: str, probe: object, judge: object) -> Check:
    return Check(name, name, (Case("case", name),), probe, judge, Cost(), order=90)  # type: ignore[arg-type]


PROBES = _check("breaks-asking", _raising, _passing)
JUDGES = _check("breaks-judging", _telling, _judging)
SAYS = _check("says-it", _telling, _saying)


class _Broken:
    @property
    def check(self) -> Check:
        """No check, but the key."""
        raise RuntimeError(f"not loaded for {_key()}")


BROKEN = _Broken()


def offered(group: str) -> list[EntryPoint]:
    """What stands in for the installed entry points: checks alone."""
    names = {"asks": "PROBES", "judges": "JUDGES", "says": "SAYS", "broken": "BROKEN.check"}
    return [EntryPoint(name, f"tests.secrets.plugin:{value}", GROUP) for name, value in names.items() if group == GROUP]
