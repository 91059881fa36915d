"""The emulator beside code that does not await: in a thread with an event loop of its own, until the block ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from datetime import date
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from rtdiag.emulator.embedded import Emulator
from rtdiag.emulator.loopback import LOOPBACK
from rtdiag.emulator.session.turn_taking import Rule, patience

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from rtdiag.emulator.phone import PhoneCall

T = TypeVar("T")


class Running:
    """A running emulator as other threads may ask it; what changes it is done in the thread that it runs in."""

    def __init__(self, emulator: Emulator, loop: AbstractEventLoop) -> None:
        self._emulator, self._loop = emulator, loop

    @property
    def base_url(self) -> str:
        """Where it listens, with `/v1`."""
        return self._emulator.base_url

    @property
    def ws_url(self) -> str:
        """The same base for WebSockets."""
        return self._emulator.ws_url

    @property
    def ca_file(self) -> str | None:
        """Whose certificates a client must trust, as PEM, None without TLS."""
        return self._emulator.ca_file

    @property
    def control_url(self) -> str | None:
        """Where faults can be switched over HTTP, None when that is off."""
        return self._emulator.control_url

    @property
    def key(self) -> str:
        """The one API key that it takes."""
        return self._emulator.key

    @property
    def as_of(self) -> date:
        """The day whose API it is."""
        return self._emulator.as_of

    @property
    def faults(self) -> tuple[str, ...]:
        """The ids of the faults that are on."""
        return self._emulator.faults

    @property
    def open_calls(self) -> int:
        """Peer connections that are live."""
        return self._emulator.open_calls

    def set_faults(self, *faults: str) -> None:
        """From now on these faults are on and no others, also for what is open.

        Raises UnknownFault, and RuntimeError once the emulator has stopped.
        """
        self._ask(partial(self._emulator.set_faults, *faults))

    def incoming_call(self, sip_headers: Iterable[tuple[str, str]] = ()) -> PhoneCall:
        """A call by telephone rings from now on, until the client accepts or rejects it by its id."""
        return self._ask(partial(self._emulator.incoming_call, sip_headers))

    def _ask(self, work: Callable[[], T]) -> T:
        done: Future[T] = Future()
        self._loop.call_soon_threadsafe(_tell, done, work)
        return done.result()


@contextmanager
def running(
    as_of: date | None = None,
    faults: Sequence[str] = (),
    host: str = LOOPBACK,
    port: int = 0,
    clock: Callable[[], float] = time.time,
    control_port: int | None = None,
    ends: Rule = patience,
    pace: float = 1,
    tls: bool = False,
    profile: str = "openai",
    merge_slashes: bool = False,
) -> Iterator[Running]:
    """`with running() as emulator`, then ask `emulator.base_url` with `emulator.key`. The arguments are Emulator's.

    Raises UnknownFault, NoSuchDate, and OSError when a port is taken. Its thread, sockets and sessions are gone after the
    block, however that ended.
    """
    import asyncio

    emulator = Emulator(as_of, faults, host, port, clock, control_port, ends, pace, tls, profile, merge_slashes)
    started: Future[AbstractEventLoop] = Future()
    stop: Future[None] = Future()
    ended: Future[None] = Future()

    async def serve() -> None:
        async with emulator:
            started.set_result(asyncio.get_running_loop())
            await asyncio.wrap_future(stop)

    thread = Thread(target=_tell, args=(ended, lambda: asyncio.run(serve())), name="rtdiag-emulator", daemon=True)
    thread.start()
    try:
        either: tuple[Future[Any], ...] = (started, ended)
        wait(either, return_when=FIRST_COMPLETED)
        if not started.done():
            ended.result()
        yield Running(emulator, started.result())
    finally:
        stop.set_result(None)
        thread.join()
    ended.result()


def _tell(done: Future[T], work: Callable[[], T]) -> None:
    """Does it in this thread, and tells the one that waits how it ended."""
    try:
        told = work()
    except BaseException as error:
        done.set_exception(error)
    else:
        done.set_result(told)
