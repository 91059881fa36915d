"""The emulator in a process of its own, for a command that does nothing but ask it: one core answers while another asks.

It begins with the command, and loads what it needs while options are read. It ends with it, however that ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from threading import active_count

_LONGEST_PORT = 16  # bytes


class Apart:
    """A forked process that serves one emulator; `port` is where, None where there is no such process, or it could not begin."""

    def __init__(self, as_of: date | None, faults: Sequence[str], profile: str) -> None:
        self._pid = 0
        self._told = -1
        self._life = -1
        if not _may_fork():
            return
        self._told, tell = os.pipe()
        lives, self._life = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._life)
            _serve(as_of, faults, profile, tell, lives)
        os.close(tell)
        os.close(lives)

    async def port(self) -> int | None:
        """Waits until it listens."""
        if not self._pid:
            return None
        said = await asyncio.to_thread(os.read, self._told, _LONGEST_PORT)
        return int(said) if said else None

    def end(self) -> None:
        """Ends it; asked twice, it does nothing more."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            os.close(self._told)
            os.close(self._life)
            self._pid = 0


def _may_fork() -> bool:
    """Where no thread of this process could hold a lock for ever in the other one."""
    return sys.platform == "linux" and active_count() == 1


def _serve(as_of: date | None, faults: Sequence[str], profile: str, tell: int, lives: int) -> None:
    """What the process does, until its parent is gone, which closes `lives`; a signal to all of a terminal is its parent's."""
    try:
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        from rtdiag.emulator import loading
        from rtdiag.emulator.embedded import Emulator

        loading.serving()

        async def serve() -> None:
            over = asyncio.Event()
            asyncio.get_running_loop().add_reader(lives, over.set)
            async with Emulator(as_of, faults, profile=profile) as emulator:
                os.write(tell, str(emulator.port).encode())
                await loading.media(over)
                await over.wait()

        with suppress(ValueError, OSError):  # which the parent tells of, when it reads the same options
            asyncio.run(serve())
    finally:
        os._exit(0)
