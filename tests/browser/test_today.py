"""Today's API in a real browser: the corrected page, the page that rtdiag prints, and what CORS lets a page do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rtdiag.api.endpoints import CALLS, KINDS, Kind
from rtdiag.emulator import Emulator
from rtdiag.remedy.page import page as printed_page
from tests.browser.chromium import Tab, Window, tab_of_its_own
from tests.browser.site import site
from tests.emulator.clients import SESSIONS
from tests.speech import at_48k, silence, speech, wav

Json = dict[str, Any]
TRANSCRIBING: Json = {
    "type": "transcription",
    "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}},
}


@asynccontextmanager
async def recording(session: Json, opening: AbstractAsyncContextManager[Tab]) -> AsyncIterator[Tab]:
    """The corrected page, clicked, with a token for that session."""
    async with (
        Emulator() as emulator,
        site(emulator, body={"session": session}) as origin,
        opening as opened,
    ):
        await opened.page.goto(f"{origin}/corrected.html")
        await opened.page.click("#record")
        yield opened


@pytest.mark.parametrize("kind", KINDS)
def test_the_corrected_page_connects_and_its_update_is_echoed(kind: Kind, window: Window) -> None:
    """ICE, DTLS and the channel open for chromium's own offer, which holds no candidates."""
    detection = {"type": "server_vad", "threshold": 0.75}
    update = {"type": "session.update", "session": {"type": kind, "audio": {"input": {"turn_detection": detection}}}}

    async def run() -> tuple[str, Json, Json]:
        async with recording(SESSIONS[kind], window.sheet()) as opened:
            await opened.shows("#status", "connected")
            created = json.loads(await opened.shows("#events li", '"session.created"'))
            await opened.page.evaluate("event => send(event)", update)
            updated = json.loads(await opened.shows("#events li", '"session.updated"'))
            return await opened.page.inner_text("#call"), created["session"], updated["session"]

    location, created, updated = window.run(run())
    assert location.startswith("/v1/realtime/calls/rtc_"), "a page of another origin can read Location"
    assert (created["type"], created["id"]) == (kind, updated["id"])
    echoed = updated["audio"]["input"]["turn_detection"]
    assert (echoed["threshold"], echoed["silence_duration_ms"]) == (0.75, 200)


def test_the_corrected_page_shows_what_was_heard(tmp_path: Path, window: Window) -> None:
    """Speech at the fake microphone ends as the event that the thread's page should have waited for."""
    clip = tmp_path / "speech.wav"
    wav(clip, at_48k(silence(1) + speech(3) + silence(2)), 48000)

    async def run() -> list[str]:
        async with recording(TRANSCRIBING, tab_of_its_own(clip)) as opened:
            await opened.shows("#transcript", "audio")
            events = await opened.page.locator("#events li").all_inner_texts()
            return [json.loads(event)["type"] for event in events]

    types = window.run(run())
    completed = "conversation.item.input_audio_transcription.completed"
    turn = ("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", completed)
    assert [type_ for type_ in types if type_ in turn][:3] == list(turn)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_that_rtdiag_prints_runs(kind: Kind, window: Window) -> None:
    html = "<!doctype html><title>Printed by rtdiag</title><link rel=icon href=data:,><script src=printed.js></script>"

    async def run() -> list[str]:
        async with Emulator() as emulator:
            scripts = {"printed.html": html}
            scripts["printed.js"] = printed_page(emulator.base_url + CALLS, kind, "ga", SESSIONS[kind])
            async with (
                site(emulator, body={"session": SESSIONS[kind]}, scripts=scripts) as origin,
                window.sheet() as opened,
            ):
                await opened.page.goto(f"{origin}/printed.html")
                await opened.page.evaluate("() => void start()")
                return [await opened.printed("call: "), await opened.printed("in force: ")]

    call, session = window.run(run())
    assert call.startswith("call: /v1/realtime/calls/rtc_")
    assert kind in session
