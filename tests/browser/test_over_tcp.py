"""Browsers open a session, and hear and are heard, over the one way that is left: ICE over TCP where UDP is silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from rtdiag.emulator import Emulator
from tests.browser.chromium import WAIT_MS, Window
from tests.browser.site import site
from tests.emulator.clients import SESSIONS


@pytest.mark.parametrize(("fault", "protocol"), [("udp-silent-tcp-works", "tcp"), (None, "udp")])
def test_a_session_comes_over(
    fault: str | None, protocol: str, window: Window, at: Callable[[str], AbstractAsyncContextManager[object]]
) -> None:
    async def run() -> dict[str, Any]:
        told: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        body = {"session": SESSIONS["realtime"] | {"audio": {"input": {"turn_detection": None}}}}
        async with (
            Emulator(faults=[fault] if fault else []) as emulator,
            site(emulator, body=body, told=told.set_result) as origin,
            at(f"{origin}/over.html"),
        ):
            return await asyncio.wait_for(told, WAIT_MS / 1000)

    seen = window.run(run())
    assert (seen.get("type"), seen.get("protocol")) == ("input_audio_buffer.committed", protocol), seen
