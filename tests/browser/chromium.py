"""Debian's chromium, headless, with its fake microphone, driven by playwright in the test's own event loop."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tests.needs import needed

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

T = TypeVar("T")

WAIT_MS = 20_000
_FAKE_MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--no-proxy-server")


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


class Window:
    """One browser for all pages that are only looked at, and the loop that it lives in: starting one takes a second and a half."""

    def __init__(self) -> None:
        self._runner, self._open = asyncio.Runner(), AsyncExitStack()
        self._browser: Browser | None = None
        self._sheet: Tab | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `asyncio.run` does, in that loop."""
        return self._runner.run(work)

    async def kept(self, opening: AbstractAsyncContextManager[T]) -> T:
        """What that opens; it is closed with the window."""
        return await self._open.enter_async_context(opening)

    @asynccontextmanager
    async def tab(self, har: Path | None = None) -> AsyncIterator[Tab]:
        """A tab that shares nothing with the others but the browser. `har`: where its network log goes, once it is closed."""
        if self._browser is None:
            self._browser = await self.kept(_browser())
        async with _tab(self._browser, har) as opened:
            yield opened

    @asynccontextmanager
    async def sheet(self) -> AsyncIterator[Tab]:
        """The one tab for pages that keep nothing that another could find: a tab of their own would cost more than they do.

        It is as new, but for what was added to it: no init scripts, routes or further pages here.
        """
        if self._sheet is None:
            self._sheet = await self.kept(self.tab())
        page = self._sheet.page
        await page.context.clear_permissions()
        await page.context.clear_cookies()
        await page.emulate_media(color_scheme="light", media="screen", reduced_motion="no-preference")
        self._sheet.console.clear()
        try:
            yield self._sheet
        finally:
            await page.goto("about:blank")

    @asynccontextmanager
    async def at(self, url: str) -> AsyncIterator[Tab]:
        """A tab that shows that page."""
        async with self.tab() as opened:
            await opened.page.goto(url)
            yield opened

    def close(self) -> None:
        """Ends browser and loop."""
        self.run(self._open.aclose())
        self._runner.close()


@asynccontextmanager
async def _browser(*args: str) -> AsyncIterator[Browser]:
    from playwright.async_api import async_playwright

    path = needed(shutil.which("chromium"), "chromium is not installed (apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*_FAKE_MICROPHONE, *args])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def _tab(browser: Browser, har: Path | None = None) -> AsyncIterator[Tab]:
    recording: dict[str, Any] = {"record_har_path": har, "record_har_content": "embed"} if har else {}
    context = await browser.new_context(**recording)
    context.set_default_timeout(WAIT_MS)
    try:
        yield Tab(await context.new_page())
    finally:
        await context.close()


@asynccontextmanager
async def tab_of_its_own(microphone: Path | None = None) -> AsyncIterator[Tab]:
    """A tab of a browser of its own. `microphone`: the WAV that is heard once instead of the beeps."""
    heard = [f"--use-file-for-fake-audio-capture={microphone}%noloop"] if microphone else []
    async with _browser(*heard) as browser, _tab(browser) as opened:
        yield opened
