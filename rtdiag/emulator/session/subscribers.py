"""One session and everybody who listens to it: its data channel or socket, and sideband sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from rtdiag.emulator.session.open_session import OpenSession

Json = dict[str, Any]


class Listener(Protocol):
    """Where a session's events go."""

    def send(self, event: Json) -> None:
        """One server event."""

    def close(self, code: int, reason: str) -> None:
        """The session has ended."""


class Line:
    """The way to a session: what one listener sends is answered to all of them (assumed for sidebands).

    What the session says of itself comes in time, until the line is closed. `over` is called then, whether or not anybody listened.
    """

    def __init__(self, session: OpenSession, over: Callable[[], object] = lambda: None) -> None:
        self.session = session
        self._over = over
        self._listeners: list[Listener] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = False
        self._wake_in_time()

    def join(self, listener: Listener) -> None:
        """From now on that listener gets every event."""
        self._listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        """That listener is gone."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def begin(self) -> None:
        """The first listener is there: `session.created`."""
        self._say(self.session.created())

    def receive(self, message: str | bytes) -> None:
        """A client's message."""
        self._say(self.session.receive(message))

    def hear(self, pcm: bytes) -> None:
        """Audio, 16 kHz mono."""
        self._say(self.session.hear(pcm))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """The session is over, whoever ended it."""
        self._closed = True
        if self._alarm:
            self._alarm.cancel()
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close(code, reason)
        self._over()

    def _wake_in_time(self) -> None:
        """One timer, for what comes first; one that rings too early is asked for the next."""
        next_in_s, loop = self.session.next_in_s, asyncio.get_running_loop()
        if next_in_s is None or (
            self._alarm and not self._alarm.cancelled() and self._alarm.when() <= loop.time() + next_in_s
        ):
            return
        if self._alarm:
            self._alarm.cancel()
        self._alarm = loop.call_later(next_in_s, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._say(self.session.tick())

    def _say(self, events: list[Json]) -> None:
        for event in events:
            for listener in tuple(self._listeners):
                listener.send(event)
        if self.session.ended:
            self.close(*self.session.ended)
        elif not self._closed:
            self._wake_in_time()
