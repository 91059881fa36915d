"""Names become addresses in threads that nothing has to wait for: no deadline, no Ctrl-C, not the end of the process.

asyncio asks in threads that `asyncio.run` joins, so three silent name servers hold an exit back for 55 s (measured 2026-11-29).
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

# Who is told that a name is being looked up (True), and that this is over (False).
watching: ContextVar[Callable[[bool], None] | None] = ContextVar("watching", default=None)


class LookUps:
    """How long names were looked up for one request: `took_ms`, None where none was. `watching` tells it, `note` takes it."""

    def __init__(self) -> None:
        self.took_ms: float | None = None
        self._began_s: float | None = None

    def note(self, begins: bool) -> None:
        """A look-up begins, or, where it is not over yet, ends now."""
        now_s = time.perf_counter()
        if self._began_s is not None:
            self.took_ms = round((self.took_ms or 0.0) + (now_s - self._began_s) * 1000, 1)
        self._began_s = now_s if begins else None


def run(work: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, in a loop whose names are looked up so."""
    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(work)


def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.getaddrinfo = partial(addresses, loop)  # type: ignore[method-assign]
    return loop


async def addresses(loop: asyncio.AbstractEventLoop, host: Any, port: Any, **hints: int) -> Any:
    """What `socket.getaddrinfo` says, and raises, for these `hints`: family, type, proto, flags."""
    answer: asyncio.Future[Any] = loop.create_future()
    tell = watching.get() or (lambda _: None)

    def settle(found: Any, failed: Exception | None) -> None:
        if not answer.done():
            answer.set_exception(failed) if failed else answer.set_result(found)

    def look_up() -> None:
        found, failed = None, None
        try:
            found = socket.getaddrinfo(host, port, **hints)
        except Exception as exc:
            failed = exc
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, found, failed)

    tell(True)  # where a deadline ends it, this is what it was busy with
    threading.Thread(target=look_up, name="rtdiag-names", daemon=True).start()
    found = await answer
    tell(False)
    return found
