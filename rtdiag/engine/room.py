"""Who has sessions open at a server: many beside each other or, where it has room for one, one at a time."""

from __future__ import annotations

import asyncio


class Room:
    """Places that are held while sessions are opened and used. Each is shared with others, unless somebody needs all of it.

    Whoever waits for it alone comes before those that would share it, so that nobody waits for ever.
    """

    def __init__(self) -> None:
        self._held = 0
        self._alone = False
        self._wanted_alone = 0
        self._changed = asyncio.Condition()

    async def enter(self, *, alone: bool = False) -> Place:
        """A place, once there is one; it is to be left by `Place.leave`, whatever happens."""
        place = Place(self)
        await self._take(alone)
        place.alone = alone
        return place

    async def _take(self, alone: bool) -> None:
        async with self._changed:
            if not alone:
                await self._changed.wait_for(lambda: not (self._alone or self._wanted_alone))
                self._held += 1
                return
            self._wanted_alone += 1
            try:
                await self._changed.wait_for(lambda: not (self._alone or self._held))
                self._alone = True
            finally:
                self._wanted_alone -= 1
                self._changed.notify_all()

    async def _give_back(self, alone: bool) -> None:
        async with self._changed:
            if alone:
                self._alone = False
            else:
                self._held -= 1
            self._changed.notify_all()


class Place:
    """One holder's place; `alone` says that nobody else has one."""

    def __init__(self, room: Room) -> None:
        self.alone = False
        self._room = room
        self._left = False

    async def be_alone(self) -> None:
        """Wait until nobody else has a place. What this holder has open meanwhile stays open."""
        if not self.alone:
            await self._room._give_back(alone=False)
            self._left = True
            await self._room._take(alone=True)
            self._left, self.alone = False, True

    async def leave(self) -> None:
        """Give the place back."""
        if not self._left:
            self._left = True
            await self._room._give_back(self.alone)

    async def __aenter__(self) -> Place:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()
