"""The hour of a session, over: what is told, over a socket and a call, and how each ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from rtdiag.emulator import Emulator
from rtdiag.emulator.session.subscribers import Line
from tests.emulator.clients import WAIT_S, call, wire
from tests.emulator.made import NOW_S, rules, session

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
    hour_s = [0.0]

    async def run() -> None:
        async with (
            Emulator(clock=lambda: NOW_S + hour_s[0]) as emulator,
            call(emulator, {"type": "transcription"}) as made,
        ):
            await made.event()
            async with wire(emulator, f"?call_id={made.call_id}") as beside:
                await beside.ask({"type": "input_audio_buffer.clear"})
                assert (await made.event())["type"] == "input_audio_buffer.cleared"
                if early:
                    emulator.set_faults("session-closed-early")
                    await beside.send({"type": "input_audio_buffer.clear"})
                else:
                    hour_s[0] = 3600.0
                    await beside.send({"type": "input_audio_buffer.clear"})
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
        passed_s = [0.0]
        loop, notes = asyncio.get_running_loop(), Notes()
        line = Line(session(of=replace(rules(), now=lambda: passed_s[0])))
        line.join(notes)
        assert line._alarm
        assert line._alarm.when() - loop.time() == pytest.approx(3600, abs=WAIT_S)
        line.begin()
        passed_s[0] = 3600
        line._ring()
        line.receive("{}")
        assert notes.told == ["session.created", "error", 1001]
        assert line.session.next_in_s is None

    asyncio.run(run())


def test_a_line_that_is_closed_rings_no_more() -> None:
    """Also if a sideband, whose socket takes its time to close, says something still."""

    async def run() -> None:
        line = Line(session())
        line.close()
        line.receive('{"type": "response.create"}')
        line.hear(b"")
        assert line._alarm
        assert line._alarm.cancelled()

    asyncio.run(run())
