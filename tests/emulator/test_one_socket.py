"""What a session over a socket costs: how many pieces it sends, which tasks it needs, and what stays of it."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.emulator import Emulator
from rtdiag.emulator.faults import chosen
from rtdiag.emulator.http.endings import MOST_GATHERED_BYTES, Connection
from rtdiag.emulator.http.sockets import Socket
from rtdiag.emulator.service import Service
from rtdiag.emulator.timeline import newest
from tests.emulator.clients import MODEL, WAIT_S, wire

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


OF_A_SESSION = {
    *("Connection", "RequestHandler", "Request", "WebSocketResponse", "WebSocketWriter", "ZLibCompressor"),
    *("Socket", "Line", "Session", "Conversation", "UserTurns", "Responding", "Schedule"),
}


def alive() -> Counter[str]:
    """How many there are of what a session is made of, in the emulator."""
    found = (type(one) for one in gc.get_objects())
    named = Counter(kind.__name__ for kind in found if str(kind.__module__).partition(".")[0] in ("rtdiag", "aiohttp"))
    return Counter({name: named[name] for name in OF_A_SESSION})


@pytest.mark.parametrize("query", [MODEL, "?intent=transcription", "?model=none-such"])
def test_nothing_of_a_session_waits_for_the_collector(query: str) -> None:
    """What a socket is compressed with is a quarter of a MiB: with the collector off all is gone as soon as it is closed."""

    async def run() -> tuple[Counter[str], Counter[str]]:
        async with Emulator() as emulator:
            before = alive()
            for _ in range(5):
                async with wire(emulator, query) as made:
                    await made.event()
            async with asyncio.timeout(WAIT_S):
                while emulator._ports[0].connections:  # noqa: ASYNC110 - no wait
                    await asyncio.sleep(0)
            await asyncio.sleep(0)
            return before, alive()

    gc.collect()
    gc.disable()
    try:
        before, after = asyncio.run(run())
    finally:
        gc.enable()
    assert after == before


@asynccontextmanager
async def upgraded(emulator: Emulator) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A socket by hand, which answers nothing of itself; `session.created` has been read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", emulator._port)
    lines = (f"GET /v1/realtime{MODEL} HTTP/1.1", "Host: here", f"Authorization: Bearer {emulator.key}")
    more = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {'A' * 22}==",
    )
    writer.write("\r\n".join((*lines, *more, "", "")).encode())
    await reader.readuntil(b"\r\n\r\n")
    head = await reader.readexactly(4)
    assert head[:2] == b"\x81\x7e"
    await reader.readexactly(int.from_bytes(head[2:], "big"))
    try:
        yield reader, writer
    finally:
        writer.close()


def time_to_ping(emulator: Emulator) -> None:
    """The time has come."""
    (socket,) = emulator._running().sockets
    assert isinstance(socket, Socket)
    socket._ping()


def test_who_does_not_answer_a_ping_is_given_up_with_the_next() -> None:
    async def run() -> bytes:
        async with Emulator() as emulator, upgraded(emulator) as (reader, _):
            time_to_ping(emulator)
            pinged = await reader.readexactly(2)
            time_to_ping(emulator)
            return pinged + await asyncio.wait_for(reader.read(), WAIT_S)

    assert asyncio.run(run()) == b"\x89\x00"


def test_who_answers_pings_is_kept_and_may_ping_too() -> None:
    async def run() -> None:
        async with Emulator() as emulator, upgraded(emulator) as (reader, writer):
            for _ in range(3):
                time_to_ping(emulator)
                assert await reader.readexactly(2) == b"\x89\x00"
                writer.write(b"\x8a\x80" + bytes(4) + b"\x89\x82" + bytes(4) + b"hi")
                assert await reader.readexactly(4) == b"\x8a\x02hi"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "dialect", "model"), [("realtime", "ga", "gpt-realtime"), ("transcription", "ga", None)]
)
def test_sessions_that_ask_for_nothing_are_configured_once_and_share_nothing(
    kind: Kind, dialect: Dialect, model: str | None
) -> None:
    service = Service(newest(), ())
    first, second = (service.opened_as(kind, dialect, model) for _ in range(2))
    assert first == second
    first["audio"]["input"]["turn_detection"] = first["tools"] = "mine"
    assert service.opened_as(kind, dialect, model) == second
    service.opened_as("realtime", dialect, "a model of nobody's")
    assert len(service._opened) == 1
    service.turn(chosen(["vad-silently-replaced"]))
    assert not service._opened
