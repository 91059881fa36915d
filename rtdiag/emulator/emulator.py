"""The emulator as an async context manager, in the caller's own event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING

from rtdiag.emulator.faults import chosen
from rtdiag.emulator.timeline import behaviour, newest
from rtdiag.emulator.tokens import EMULATOR_KEY

if TYPE_CHECKING:
    from aiohttp import web

    from rtdiag.emulator.service import Service

SHUTDOWN_WAIT_S = 0.1


class Emulator:
    """The API on this machine: `async with Emulator() as emulator`, then ask `emulator.base_url` with `emulator.key`.

    `as_of`: the day whose API it is, the newest known by default. `faults`: ids of faults.yaml, several at once.
    `port` 0 takes a free one; `clock` gives its Unix seconds. Raises UnknownFault and NoSuchDate (ValueErrors) when
    made, OSError when the port is taken.
    """

    def __init__(
        self,
        as_of: date | None = None,
        faults: Sequence[str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.as_of = as_of or newest()
        self.faults = tuple(faults)
        self.key = EMULATOR_KEY
        self._chosen = chosen(self.faults)
        behaviour(self.as_of)
        self._host, self._port, self._clock = host, port, clock
        self._service: Service | None = None
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """Where it listens, with `/v1`; the port is known once it has been entered."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/v1"

    @property
    def open_calls(self) -> int:
        """Peer connections that are live."""
        return len(self._service.calls) if self._service else 0

    async def __aenter__(self) -> Emulator:
        from aiohttp import web

        from rtdiag.emulator.server import application
        from rtdiag.emulator.service import Service

        self._service = Service(self.as_of, self._chosen, self._clock)
        self._runner = web.AppRunner(application(self._service), access_log=None, shutdown_timeout=SHUTDOWN_WAIT_S)
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, self._host, self._port).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Everything is gone afterwards, also when the exit itself is cancelled."""
        stopping = asyncio.ensure_future(self._stop())
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            await stopping
            raise

    async def _stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        if self._service:
            await self._service.close()
