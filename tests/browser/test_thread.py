"""The thread's page in a real browser: it fails as the thread tells, and rtdiag says why from what the browser kept."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from rtdiag.api.endpoints import BETA_TRANSCRIPTION_SESSIONS
from rtdiag.emulator import Emulator
from tests.browser.chromium import Window
from tests.browser.explained import explained
from tests.browser.site import PAGES, site

THE_WEEK = date(2025, 3, 21)


@pytest.fixture(scope="module")
def failed(window: Window, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], str, Path]:
    """The console, the page's own error text and the HAR of one click on the thread's page."""
    har = tmp_path_factory.mktemp("thread") / "page.har"

    async def run() -> tuple[list[str], str]:
        async with (
            Emulator(as_of=THE_WEEK) as emulator,
            site(emulator, mint=BETA_TRANSCRIPTION_SESSIONS) as origin,
            window.tab(har) as opened,
        ):
            await opened.page.goto(f"{origin}/thread.html")
            await opened.page.click("#record")
            await opened.shows("#status", "Error")
            return opened.console, await opened.page.inner_text("#error")

    console, error = window.run(run())
    return console, error, har


def test_the_console_shows_the_401_and_what_chromium_makes_of_its_body(failed: tuple[list[str], str, Path]) -> None:
    """The words of community.openai.com 1148799 (2025-03), with what chromium prints around them (150, 2026-11)."""
    console, error, _ = failed
    assert "Failed to load resource: the server responded with a status of 401 (Unauthorized)" in console
    (body,) = [line.removeprefix("The SDP: ") for line in console if line.startswith("The SDP: ")]
    refusal = json.loads(body)["error"]
    assert refusal["code"] == "invalid_api_key"
    assert refusal["message"].startswith("Incorrect API key provided: ek_")
    assert "***" in refusal["message"]
    printed = "Failed to parse SessionDescription. { Expect line: v="
    assert error == f"Error: Failed to execute 'setRemoteDescription' on 'RTCPeerConnection': {printed}"
    thrown = f"It did not start: OperationError: {error.removeprefix('Error: ')}"
    assert [line for line in console if line.startswith(thrown)]


def test_the_har_names_the_cause(failed: tuple[list[str], str, Path]) -> None:
    found = explained(failed[2])
    assert found["form"] == "HAR"
    first = found["diagnosis"][0]
    assert (first["cause"], first["confidence"]) == ("ek-sent-to-mint-endpoint", "high")


def test_the_console_names_the_cause(failed: tuple[list[str], str, Path], tmp_path: Path) -> None:
    paste = tmp_path / "console.txt"
    paste.write_text("\n".join(failed[0]), encoding="utf-8")
    causes = [found["cause"] for found in explained(paste)["diagnosis"]]
    assert causes[:2] == ["ek-sent-to-mint-endpoint", "error-json-used-as-sdp-answer"]


def test_the_source_names_every_mistake() -> None:
    flaws = {flaw["cause"]: flaw["found"] for flaw in explained(PAGES / "thread.js")["flaws"]}
    assert "/realtime/transcription_sessions" in flaws["ek-sent-to-mint-endpoint"]
    assert "?model=" in flaws["token-kind-url-mismatch"]
    assert "response.text()" in flaws["error-json-used-as-sdp-answer"]
    assert '"transcription"' in flaws["client-unknown-event"]


def test_the_corrected_page_has_none() -> None:
    found = explained(PAGES / "corrected.js")
    assert found["form"].startswith("source code")
    assert found["flaws"] == []
