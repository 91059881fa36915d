"""Debian's chromium, headless, with its fake microphone, driven by playwright in the test's own event loop."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

IN_CI = "RTDIAG_CI" in os.environ  # read here because tests/conftest.py removes it before each test
WAIT_MS = 20_000
_FAKE_MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--no-proxy-server")


def needed(found: str | None, what: str) -> str:
    """What was found. Where it is missing the test is skipped, in CI it fails."""
    if found:
        return found
    if IN_CI:
        pytest.fail(f"{what}, and CI must have it")
    pytest.skip(what)


class Tab:
    """One tab: playwright's page, and what its console printed and its scripts threw, in order."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console: list[str] = []
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))

    async def shows(self, selector: str, text: str) -> str:
        """Waits until one of these elements holds the text, and returns its own whole text."""
        found = self.page.locator(selector).filter(has_text=text).first
        await found.wait_for()
        return await found.inner_text()

    async def printed(self, text: str) -> str:
        """The first line of the console that holds the text; waits for it."""
        for line in self.console:
            if text in line:
                return line
        message = await self.page.wait_for_event("console", lambda message: text in message.text)
        return str(message.text)


@asynccontextmanager
async def tab(*, har: Path | None = None, microphone: Path | None = None) -> AsyncIterator[Tab]:
    """A tab of a browser of its own.

    `har`: where its network log goes, once it is closed. `microphone`: the WAV that is heard once instead of the beeps.
    """
    path = needed(shutil.which("chromium"), "chromium is not installed (apt-get install chromium)")
    heard = [f"--use-file-for-fake-audio-capture={microphone}%noloop"] if microphone else []
    recording: dict[str, Any] = {"record_har_path": har, "record_har_content": "embed"} if har else {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*_FAKE_MICROPHONE, *heard])
        try:
            context = await browser.new_context(**recording)
            context.set_default_timeout(WAIT_MS)
            yield Tab(await context.new_page())
            await context.close()
        finally:
            await browser.close()
