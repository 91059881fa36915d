"""What is still to come in one session, by a clock that is given. Pure: nothing here waits, whoever owns it asks again in time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

Json = dict[str, Any]
Act = Callable[[], Iterable[Json]]


class Appointment:
    """One thing that is to come, unless it is called off."""

    def __init__(self, act: Act) -> None:
        self._act: Act | None = act

    def call_off(self) -> None:
        """It never comes, and what it held is let go."""
        self._act = None

    def keep(self) -> Iterable[Json]:
        """Its events, once."""
        act, self._act = self._act, None
        return act() if act else ()


class Schedule:
    """Acts and when they are due, in seconds of `now`; those due at one moment keep their order."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._order = count()
        self._due: list[tuple[float, int, Appointment]] = []

    def after(self, seconds: float, act: Act) -> Appointment:
        """`act` comes in so many seconds."""
        made = Appointment(act)
        heapq.heappush(self._due, (self._now() + seconds, next(self._order), made))
        return made

    def next_in_s(self) -> float | None:
        """How long nothing comes; None when nothing will."""
        return max(0.0, self._due[0][0] - self._now()) if self._due else None

    def end(self) -> None:
        """Nothing comes any more."""
        self._due.clear()

    def come(self) -> Iterator[Json]:
        """The events of all that is due, also of what that makes due at once."""
        while self._due and self._due[0][0] <= self._now():
            yield from heapq.heappop(self._due)[2].keep()
