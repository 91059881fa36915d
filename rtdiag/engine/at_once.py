"""Several sources of observations asked at the same time, and told in the order in which one after the other would tell them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import Generic, TypeVar

T = TypeVar("T")


async def one_after_another(*sources: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """What each source tells; none is begun before the one before it has ended."""
    for source in sources:
        async with aclosing(source):
            async for one in source:
                yield one


async def at_once(
    *sources: AsyncGenerator[T], turn: AbstractAsyncContextManager[object] | None = None
) -> AsyncGenerator[T]:
    """The same, in the same order, of sources that are all begun now; each waits for its `turn`, where there is one.

    Where the reader is cancelled, what the later sources have told until then comes first. What a source raises is raised in its
    place, and ends the others.
    """
    lanes = [_Lane(source, turn or nullcontext()) for source in sources]
    try:
        for lane in lanes:
            while (told := await lane.next()) is not None:
                yield told[0]
    except asyncio.CancelledError:
        for one in await _left(lanes):
            yield one
        raise
    finally:
        await _left(lanes)


async def _left(lanes: Sequence[_Lane[T]]) -> list[T]:
    """End all of them; what they have told and nobody has read."""
    for lane in lanes:
        lane.task.cancel()
    await asyncio.gather(*(lane.task for lane in lanes), return_exceptions=True)
    return [one for lane in lanes for one in lane.rest()]


class _Lane(Generic[T]):
    def __init__(self, source: AsyncGenerator[T], turn: AbstractAsyncContextManager[object]) -> None:
        self._told: asyncio.Queue[tuple[T] | None] = asyncio.Queue()
        self.task = asyncio.ensure_future(self._go(source, turn))

    async def next(self) -> tuple[T] | None:
        """What is told next; None at its end. Raises what the source has raised."""
        one = await self._told.get()
        if one is None:
            await self.task
        return one

    def rest(self) -> list[T]:
        found: list[T] = []
        while not self._told.empty():
            one = self._told.get_nowait()
            found += one or ()
        return found

    async def _go(self, source: AsyncGenerator[T], turn: AbstractAsyncContextManager[object]) -> None:
        try:
            async with turn, aclosing(source):
                async for one in source:
                    self._told.put_nowait((one,))
        finally:
            self._told.put_nowait(None)
