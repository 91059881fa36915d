"""The hour of a session, over: what is told, over a socket and a call, and how each ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtdiag.emulator import Emulator
from rtdiag.emulator.session.subscribers import Line
from tests.emulator.clients import WAIT_S, call, wire
from tests.emulator.made import session

Json = dict[str, Any]


def test_a_session_that_expires_says_so_and_closes_the_socket() -> None:
    async def run() -> tuple[list[Json], int | None, str | None]:
        async with Emulator() as emulator, wire(emulator) as made:
            await made.event()
            emulator.set_faults("session-closed-early")
            await made.send({"type": "input_audio_buffer.clear"})
            return await made.end()

    (error,), code, reason = asyncio.run(run())
    assert error["error"]["code"] == "session_expired"
    assert (code, reason) == (1001, error["error"]["message"])


@pytest.mark.parametrize("early", [True, False])
def test_a_call_that_expires_is_told_and_ends(early: bool) -> None:
    async def run() -> None:
        async with Emulator() as emulator, call(emulator, {"type": "transcription"}) as made:
            await made.event()
            async with wire(emulator, f"?call_id={made.call_id}") as beside:
                await beside.ask({"type": "input_audio_buffer.clear"})
                assert (await made.event())["type"] == "input_audio_buffer.cleared"
                if early:
                    emulator.set_faults("session-closed-early")
                    await beside.send({"type": "input_audio_buffer.clear"})
                else:
                    emulator._running().calls[made.call_id].line._expire()
                assert (await made.event())["error"]["code"] == "session_expired"
                (error,), code, _ = await beside.end()
                assert (error["error"]["code"], code) == ("session_expired", 1001)
            await made.state("connectionState", {"closed"})
            assert emulator.open_calls == 0

    asyncio.run(run())


class Notes:
    """A listener that takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def send(self, event: Json) -> None:
        self.told.append(event["type"])

    def close(self, code: int, reason: str) -> None:
        self.told.append(code)


def test_the_hour_is_an_hour_and_is_forgotten_with_the_line() -> None:
    async def run() -> None:
        loop, notes = asyncio.get_running_loop(), Notes()
        line = Line(session())
        line.join(notes)
        assert line._expiry.when() - loop.time() == pytest.approx(3600, abs=WAIT_S)
        line.begin()
        line._expire()
        line.receive("{}")
        assert notes.told == ["session.created", "error", 1001]
        assert line._expiry.cancelled()

    asyncio.run(run())
