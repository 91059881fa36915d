"""What is asked at the same time is told as if it were asked one after the other; and who may have sessions open together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from rtdiag.engine.at_once import at_once, one_after_another
from rtdiag.engine.room import Place, Room


class Sources:
    """Sources that wait for each other's beginning, so that they end only where they are asked together."""

    def __init__(self, count: int, *, may_end: bool = True) -> None:
        self.began: list[int] = []
        self.all_began = asyncio.Event()
        self.may_end = asyncio.Event()
        if may_end:
            self.may_end.set()
        self._count = count

    async def source(self, number: int, *, breaks: bool = False) -> AsyncGenerator[str]:
        self.began.append(number)
        yield f"{number} begins"
        if len(self.began) == self._count:
            self.all_began.set()
        await self.all_began.wait()
        await self.may_end.wait()
        if breaks:
            raise LookupError(str(number))
        yield f"{number} ends"


def test_sources_begin_together_and_are_told_in_their_order() -> None:
    async def work() -> list[str]:
        made = Sources(3)
        return [one async for one in at_once(*(made.source(n) for n in (3, 1, 2)))]

    assert asyncio.run(work()) == ["3 begins", "3 ends", "1 begins", "1 ends", "2 begins", "2 ends"]


def test_one_after_another_begins_none_before_the_one_before_it_has_ended() -> None:
    async def work() -> list[int]:
        made = Sources(1)
        seen = []
        async for _ in one_after_another(*(made.source(n) for n in (1, 2))):
            seen.append(len(made.began))
        return seen

    assert asyncio.run(work()) == [1, 1, 2, 2]


def test_no_more_are_asked_than_there_are_turns() -> None:
    async def work() -> int:
        most = now = 0

        async def source() -> AsyncGenerator[int]:
            nonlocal most, now
            now += 1
            most = max(most, now)
            for _ in range(3):
                await asyncio.sleep(0)
            now -= 1
            yield most

        assert [one async for one in at_once(*(source() for _ in range(20)), turn=asyncio.Semaphore(4))]
        return most

    assert asyncio.run(work()) == 4


def test_what_a_source_raises_comes_in_its_place_and_ends_the_others() -> None:
    async def work() -> list[str]:
        made, seen = Sources(3), list[str]()

        async def read() -> None:
            async for one in at_once(made.source(1), made.source(2, breaks=True), made.source(3)):
                seen.append(one)

        with pytest.raises(LookupError, match="2"):
            await read()
        assert len(asyncio.all_tasks()) == 1
        return seen

    assert asyncio.run(work()) == ["1 begins", "1 ends", "2 begins"]


def test_a_reader_that_is_cancelled_gets_what_the_others_have_told() -> None:
    async def work() -> list[str]:
        made, seen = Sources(3, may_end=False), list[str]()

        async def read() -> None:
            async for one in at_once(*(made.source(n) for n in (1, 2, 3))):
                seen.append(one)

        task = asyncio.ensure_future(read())
        await made.all_began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return seen

    assert asyncio.run(work()) == ["1 begins", "2 begins", "3 begins"]


async def _soon(task: asyncio.Task[object]) -> bool:
    """Whether it comes to its end by itself, while nothing else happens."""
    for _ in range(20):
        await asyncio.sleep(0)
    return task.done()


def test_whoever_wants_the_room_alone_waits_for_all_and_comes_before_new_ones() -> None:
    async def work() -> None:
        room = Room()
        first, second = await room.enter(), await room.enter()
        alone = asyncio.ensure_future(first.be_alone())
        late: asyncio.Task[Place] = asyncio.ensure_future(room.enter())
        assert not await _soon(alone)
        await second.leave()
        assert await _soon(alone)
        assert not await _soon(late)
        await first.leave()
        assert await _soon(late)
        again = asyncio.ensure_future(room.enter(alone=True))
        assert not await _soon(again)
        await (await late).leave()
        assert await _soon(again)

    asyncio.run(work())


def test_two_that_want_to_be_alone_are_so_in_turn() -> None:
    async def work() -> None:
        room = Room()
        places = [await room.enter(), await room.enter()]
        waiting = [asyncio.ensure_future(place.be_alone()) for place in places]
        assert await _soon(waiting[0]) is not await _soon(waiting[1])
        for place, task in sorted(zip(places, waiting, strict=True), key=lambda pair: not pair[1].done()):
            await task
            await place.leave()

    asyncio.run(work())


def test_who_gives_up_waiting_holds_nobody_up() -> None:
    async def work() -> None:
        room = Room()
        first, second = await room.enter(), await room.enter()
        waiting = asyncio.ensure_future(first.be_alone())
        assert not await _soon(waiting)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await first.leave()
        await (await room.enter()).leave()
        await second.leave()
        assert (await room.enter(alone=True)).alone

    asyncio.run(work())
