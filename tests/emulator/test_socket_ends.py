"""How a socket ends: beside its call, early, and with the emulator; nothing is left of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from rtdiag.emulator import Emulator
from tests.emulator.clients import (
    INTENT,
    MODEL,
    SESSIONS,
    WAIT_S,
    Wire,
    call,
    ga_token,
    http,
    open_sockets,
    wire,
)

Json = dict[str, Any]


def test_a_sideband_speaks_for_its_call() -> None:
    async def run() -> None:
        async with Emulator() as emulator, call(emulator, SESSIONS["realtime"]) as caller:
            created = await caller.event()
            async with wire(emulator, f"?call_id={caller.call_id}") as beside:
                wanted = {"type": "realtime", "instructions": "Speak up."}
                mine = await beside.ask({"type": "session.update", "session": wanted})
                assert mine["type"] == "session.updated"  # and no session.created before it
                assert await caller.event() == mine
                assert mine["session"]["id"] == created["session"]["id"]
                assert emulator.session(caller.call_id).config["instructions"] == "Speak up."
                answer = await caller.ask({"type": "input_audio_buffer.clear"})
                assert await beside.event() == answer
            assert emulator.open_calls == 1
            assert (await caller.ask({"type": "input_audio_buffer.clear"}))["type"] == "input_audio_buffer.cleared"
            assert len(emulator._running().calls[caller.call_id].line._listeners) == 1

    asyncio.run(run())


def test_a_sideband_ends_with_its_call_and_is_for_the_key_alone() -> None:
    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client, call(emulator, SESSIONS["realtime"]) as caller:
            await caller.event()
            query = f"?call_id={caller.call_id}"
            token = await ga_token(client, emulator, SESSIONS["realtime"])
            async with wire(emulator, query, token) as wrong:
                (error,), code, _ = await wrong.end()
                assert (error["error"]["code"], code) == ("invalid_api_key", 3000)
            async with wire(emulator, query) as beside:
                url = f"/realtime/calls/{caller.call_id}/hangup"
                await beside.ask({"type": "input_audio_buffer.clear"})
                hung = await client.post(url, headers={"Authorization": f"Bearer {emulator.key}"})
                assert hung.status_code == 200
                assert (await beside.end())[1] == 1000

    asyncio.run(run())


def test_closing_early_ends_the_socket_at_the_first_message_while_more_comes_in() -> None:
    async def run() -> tuple[list[Json], int | None, str | None]:
        async with Emulator() as emulator, wire(emulator) as made:
            await made.event()
            emulator.set_faults("session-closed-early")
            for _ in range(20):
                await made.send({"type": "input_audio_buffer.append", "audio": "A" * 100_000})
            return await made.end()

    (error,), code, reason = asyncio.run(run())
    assert error["error"]["code"] == "session_expired"
    assert (code, reason) == (1001, "Your session hit the maximum duration of 60 minutes.")


async def _opened(emulator: Emulator, stack: AsyncExitStack) -> list[Wire]:
    """A conversation, a transcription, a call's sideband, and the call itself, which nobody ends."""
    caller = await stack.enter_async_context(call(emulator, SESSIONS["realtime"]))
    await caller.event()
    queries = (MODEL, INTENT, f"?call_id={caller.call_id}")
    wires = [await stack.enter_async_context(wire(emulator, query)) for query in queries]
    await wires[0].event()
    await wires[1].event()
    await wires[2].ask({"type": "input_audio_buffer.clear"})
    return wires


def test_nothing_is_left_when_it_stops_before_its_clients() -> None:
    async def run() -> None:
        before, sockets = asyncio.all_tasks(), open_sockets()
        async with AsyncExitStack() as clients:
            async with Emulator() as emulator:
                wires = await _opened(emulator, clients)
            assert emulator.open_calls == 0
            for made in wires[:2]:
                assert (await made.end())[1] == 1001
            assert (await wires[2].end())[1] in (1000, 1001)
            with pytest.raises(ConnectionRefusedError):
                async with wire(emulator):
                    pass
        assert asyncio.all_tasks() == before
        assert open_sockets() == sockets

    asyncio.run(run())


def test_a_socket_that_its_client_has_closed_is_forgotten() -> None:
    async def run() -> None:
        async with Emulator() as emulator:
            sockets = emulator._running().sockets
            async with wire(emulator) as made, wire(emulator, INTENT) as other:
                assert [(await one.event())["type"] for one in (made, other)] == ["session.created"] * 2
                assert len(sockets) == 2
            async with wire(emulator, "") as wrong:
                assert (await wrong.end())[1] == 4000
            async with asyncio.timeout(WAIT_S):
                while sockets:  # noqa: ASYNC110 - no wait
                    await asyncio.sleep(0)

    asyncio.run(run())


def test_a_client_that_never_answers_the_close_is_not_waited_for() -> None:
    async def run() -> None:
        before = asyncio.all_tasks()
        async with Emulator() as emulator:
            host, port = emulator.base_url.removeprefix("http://").removesuffix("/v1").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            lines = (
                f"GET /v1/realtime{MODEL} HTTP/1.1",
                f"Host: {host}",
                f"Authorization: Bearer {emulator.key}",
                *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
                "Sec-WebSocket-Key: " + "A" * 22 + "==",
            )
            writer.write("\r\n".join((*lines, "", "")).encode())
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 101 ")
            await reader.readuntil(b'"session.created"')
        assert asyncio.all_tasks() == before
        assert (await reader.read()).endswith(b"\x88\x02\x03\xe9")  # a close frame, 1001
        writer.close()

    asyncio.run(run())


def test_an_upgrade_that_cannot_be_opens_nothing() -> None:
    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client:
            headers = {"Authorization": f"Bearer {emulator.key}", "Connection": "Upgrade", "Upgrade": "websocket"}
            answer = await client.get(f"/realtime{MODEL}", headers=headers)  # without a Sec-WebSocket-Key
            assert answer.status_code == 400
            assert not emulator._running().sockets

    asyncio.run(run())
