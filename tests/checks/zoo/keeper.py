"""Brings a server of the zoo up, with an emulator behind it where it stands in front of one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rtdiag.emulator import Emulator
from tests.checks.zoo.front import Front, InFront
from tests.checks.zoo.kinds import Kind
from tests.checks.zoo.skeleton import RIGHT_KEY, WRONG_KEY, Stranger, served

KEYS = {"well": RIGHT_KEY, "wrong": WRONG_KEY, "none": ""}


@asynccontextmanager
async def kept(kind: Kind) -> AsyncIterator[tuple[str, Stranger | InFront]]:
    """Its base URL, and the server, which counts what it was asked."""
    if not isinstance(kind.ways, Front):
        stranger = Stranger(kind.ways)
        async with served(stranger.handle) as root:
            yield root + kind.base, stranger
            await stranger.close()
        return
    async with Emulator(faults=kind.faults, pace=0) as emulator:
        front = InFront(kind.ways, emulator.base_url, emulator.key)
        async with served(front.handle) as root:
            yield root + kind.base, front
