"""One session and everybody who listens to it: its data channel or socket, and sideband sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from rtdiag.emulator.session.state import SESSION_LIFE_S, Session

Json = dict[str, Any]


class Listener(Protocol):
    """Where a session's events go."""

    def send(self, event: Json) -> None:
        """One server event."""

    def close(self, code: int, reason: str) -> None:
        """The session has ended."""


class Line:
    """The way to a session: what one listener sends is answered to all of them (assumed for sidebands).

    The session expires after its hour, by the loop's clock, unless the line is closed before. `over` is called when it closes,
    whether or not anybody listened.
    """

    def __init__(self, session: Session, over: Callable[[], object] = lambda: None) -> None:
        self.session = session
        self._over = over
        self._listeners: list[Listener] = []
        self._expiry = asyncio.get_running_loop().call_later(SESSION_LIFE_S[session.dialect], self._expire)

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
        self._expiry.cancel()
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close(code, reason)
        self._over()

    def _expire(self) -> None:
        self._say(self.session.expire())

    def _say(self, events: list[Json]) -> None:
        for event in events:
            for listener in tuple(self._listeners):
                listener.send(event)
        if self.session.ended:
            self.close(*self.session.ended)
