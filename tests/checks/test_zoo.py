"""Servers as others write them: what works is not told as broken, and what is broken gets its own cause (zoo/kinds.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from rtdiag import whole_run
from rtdiag.engine import registry
from rtdiag.engine.config import Config, ConfigError, make
from rtdiag.model import Report
from rtdiag.transport.recorder import Deadlines
from tests.checks.zoo.judged import wrong
from tests.checks.zoo.keeper import KEYS, kept
from tests.checks.zoo.kinds import ZOO, Kind

KNOWN = registry.load(())


async def run(kind: Kind, condition: str) -> tuple[Report, Mapping[str, int]]:
    """The report on that server, and how often what it has not was asked for."""
    async with kept(kind) as (base_url, server):
        environment = {"OPENAI_API_KEY": KEYS[condition]} if KEYS[condition] else {}
        config = Config(base_url=base_url, model=kind.model or None)
        settings = replace(make(config, environment), deadlines=Deadlines.of(1))
        report = await whole_run.ask(whole_run.planned(config, settings, KNOWN))
        return report, getattr(server, "missed", {})


def every() -> Iterator[object]:
    for name, kind in ZOO.items():
        for condition, right in kind.right.items():
            yield pytest.param(kind, condition, right, id=f"{name}-{condition}")


@pytest.mark.parametrize(("kind", "condition", "right"), list(every()))
def test_what_is_said_of_it_is_right(kind: Kind, condition: str, right: object) -> None:
    try:
        report, missed = asyncio.run(run(kind, condition))
    except ConfigError as exc:
        assert 2 in kind.right[condition].exits, exc
        return
    assert list(wrong(kind.right[condition], report, missed)) == []
