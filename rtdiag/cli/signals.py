"""SIGINT, SIGTERM and SIGHUP as a wish to stop: noted whenever they come, and passed on to the work that may be cut short.

So a signal costs no report: before the work it shortens it to nothing, during the work it ends it, and after it, while the
report is written, it changes nothing. While the user's input is still being read there is no report to lose, and a wait for
standard input or a pipe to end: there it is a KeyboardInterrupt.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """From entering to leaving, the three signals are a wish; outside of the main thread they are none of ours."""

    def __init__(self) -> None:
        self.wished = False
        self._reading = True
        self._task: asyncio.Task[Any] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            kept = {number: signal.getsignal(number) for number in _SIGNALS}
            self._before = {number: handler for number, handler in kept.items() if handler is not signal.SIG_IGN}
            for number in self._before:
                signal.signal(number, self._wish)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def begin(self) -> None:
        """The input is read: from now on there is a report that no signal may cost."""
        self._reading = False

    def during(self, task: asyncio.Task[Any] | None) -> None:
        """From now on the wish cancels this task, once, also a wish of before; what it still returns or raises is the result."""
        self._task = task
        if self.wished and task is not None:
            task.get_loop().call_soon(task.cancel)

    def _wish(self, _number: int, _frame: FrameType | None) -> None:
        if self._reading:
            raise KeyboardInterrupt
        task = self._task
        if not self.wished and task is not None and not task.done():  # a second signal must not cut the closing short
            task.get_loop().call_soon_threadsafe(task.cancel)
        self.wished = True
