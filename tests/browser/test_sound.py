"""A real browser plays what a call says: packets come in, and they are not silent."""

from __future__ import annotations

import json
from typing import Any

from rtdiag.emulator import Emulator
from rtdiag.emulator.session import spoken
from tests.browser.chromium import Window
from tests.browser.site import site
from tests.emulator.clients import SESSIONS

Json = dict[str, Any]
MOST_LOST = 15  # of some 160 packets: a busy machine may let some slip


def test_an_audio_element_plays_the_sentence(window: Window) -> None:
    async def run() -> tuple[str, Json]:
        body = {"session": SESSIONS["realtime"]}
        async with Emulator() as emulator, site(emulator, body=body) as origin, window.sheet() as opened:
            await opened.page.goto(f"{origin}/sound.html")
            await opened.page.click("#listen")
            counted = await opened.printed("counted ")
            return await opened.printed("track "), json.loads(counted.removeprefix("counted "))

    track, counted = window.run(run())
    assert track == "track realtimeapi audio"
    assert counted["packetsReceived"] > len(spoken.packets()) - MOST_LOST
    assert counted["totalAudioEnergy"] > 0
    assert counted["played_s"] > 0
