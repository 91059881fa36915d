"""Brings a server of the zoo up, with an emulator behind it where it stands in front of one, and asks it as a user would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from rtdiag import whole_run
from rtdiag.emulator import Emulator
from rtdiag.engine import registry
from rtdiag.engine.config import Config, ConfigError, make
from rtdiag.model import Report
from rtdiag.transport.recorder import Deadlines
from tests.checks.serving import served
from tests.checks.zoo.front import Front, InFront
from tests.checks.zoo.judged import wrong
from tests.checks.zoo.rights import Kind
from tests.checks.zoo.skeleton import RIGHT_KEY, WRONG_KEY, Stranger

KEYS = {"well": RIGHT_KEY, "wrong": WRONG_KEY, "none": ""}
_KNOWN = registry.load(())


@dataclass(frozen=True)
class Told:
    """The report on a server, None where no run began; what it was asked how often; what is wrong with what was said, in lines."""

    report: Report | None
    asked: dict[str, int]
    wrong: list[str]


@asynccontextmanager
async def kept(kind: Kind) -> AsyncIterator[tuple[str, Stranger | InFront]]:
    """Its base URL, and the server, which counts what it was asked."""
    if not isinstance(kind.ways, Front):
        stranger = Stranger(kind.ways)
        async with served(stranger.handle, "") as root:
            yield root + kind.base, stranger
            await stranger.close()
        return
    async with Emulator(pace=0) as emulator:
        front = InFront(kind.ways, emulator.base_url, emulator.key)
        async with served(front.handle, "") as root:
            yield root + kind.base, front


async def told(kind: Kind, condition: str, longest_s: float) -> Told:
    """What `rtdiag run --base-url` says of that server, with no request longer than that."""
    right = kind.right[condition]
    async with kept(kind) as (base_url, server):
        environment = {"OPENAI_API_KEY": KEYS[condition]} if KEYS[condition] else {}
        environment["ZOO_HEADER"] = RIGHT_KEY
        headers = {kind.header: "ZOO_HEADER"} if kind.header else {}
        config = Config(base_url=base_url, model=kind.model or None, headers=headers)
        try:
            settings = replace(make(config, environment), deadlines=Deadlines.of(longest_s))
            report = await whole_run.ask(whole_run.planned(config, settings, _KNOWN))
        except ConfigError as exc:
            return Told(None, {}, [] if 2 in right.exits else [f"exit 2: {exc}"])
        missed = server.missed if isinstance(server, Stranger) else {}
        return Told(report, dict(server.asked), list(wrong(right, report, server.asked.total(), missed)))
