"""What a session over a socket costs: how many pieces it sends, which tasks it needs, and what stays of it."""

from __future__ import annotations

import asyncio
from typing import Any

from rtdiag.emulator import Emulator
from rtdiag.emulator.http.endings import MOST_GATHERED_BYTES, Connection
from tests.emulator.clients import MODEL, wire

Json = dict[str, Any]
CLEAR = {"type": "input_audio_buffer.clear"}


class Written(asyncio.Transport):
    """What was written to it, piece by piece, and the end."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, data: Any) -> None:
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.pieces.append(b"END")

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return False


class Nobody(asyncio.Protocol):
    """Says nothing."""


async def connected() -> tuple[Connection, Written]:
    made, below = Connection(Nobody(), set()), Written()
    made.connection_made(below)
    return made, below


def test_what_is_said_in_one_turn_goes_out_in_one_piece_before_the_end() -> None:
    async def run() -> list[bytes]:
        made, below = await connected()
        made.write(b"101 ")
        made.writelines([b"session", b".created"])
        await asyncio.sleep(0)
        made.write(b"updated")
        made.close()
        return below.pieces

    assert asyncio.run(run()) == [b"101 session.created", b"updated", b"END"]


def test_what_is_large_is_not_gathered() -> None:
    async def run() -> list[bytes]:
        made, below = await connected()
        made.write(b"head")
        made.write(b"x" * (MOST_GATHERED_BYTES + 1))
        return below.pieces

    assert [len(piece) for piece in asyncio.run(run())] == [4 + MOST_GATHERED_BYTES + 1]


def test_a_session_needs_no_task_but_its_connections() -> None:
    async def run() -> set[str]:
        async with Emulator() as emulator:
            before = asyncio.all_tasks()
            async with wire(emulator, MODEL) as made:
                await made.event()
                await made.ask(CLEAR)
                tasks = asyncio.all_tasks() - before
                return {getattr(task.get_coro(), "__qualname__", "") for task in tasks} - CLIENTS

    assert {task.split(".")[0] for task in asyncio.run(run())} == {"RequestHandler"}, "aiohttp's own"


CLIENTS = {"Connection.keepalive"}


def test_what_comes_of_itself_is_sent_while_the_client_is_listened_to() -> None:
    """A response that takes its time, and the next question meanwhile."""

    async def run() -> list[str]:
        async with Emulator(pace=0.001) as emulator, wire(emulator, MODEL) as made:
            await made.event()
            await made.send({"type": "response.create", "response": {"output_modalities": ["text"]}})
            await made.send(CLEAR)
            types: list[str] = []
            while {"response.done", "input_audio_buffer.cleared"} - set(types):
                types.append((await made.event())["type"])
            return types

    types = asyncio.run(run())
    assert types[0] == "response.created"
    assert types.count("input_audio_buffer.cleared") == types.count("response.done") == 1
