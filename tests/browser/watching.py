"""A page with the watch line in it, as a user pastes it, and the run's server that takes in what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import rtdiag.browser
from rtdiag.browser.account import Account
from rtdiag.browser.opening import PRINT, Browser
from rtdiag.browser.serving import Opening, Serving
from rtdiag.redact import Mask
from tests.browser.chromium import WAIT_MS, Tab

WATCH = (Path(rtdiag.browser.__file__).parent / "page" / "watch.js").read_text(encoding="utf-8")
ACCOUNT = "() => rtdiagWatch.settle().then(() => rtdiagWatch.text())"


@asynccontextmanager
async def watching() -> AsyncIterator[Serving]:
    """The server, with its `watch_line` and what it was told."""
    async with Serving(Opening(Browser(PRINT)), "http://127.0.0.1:9/v1", Mask(), lambda _: None) as serving:
        yield serving


def watched(html: str, line: str) -> str:
    """A page with the line in it, before all other scripts."""
    assert "<script" in html
    return html.replace("<script", f"{line}<script", 1)


async def told(serving: Serving, enough: Callable[[Account], bool]) -> Account:
    """The account that the page has posted, once it tells enough."""
    async with asyncio.timeout(2 * WAIT_MS / 1000):
        while not ((account := await serving.watched(WAIT_MS / 1000)) and enough(account)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # the server tells of its first account alone
    return account


async def account_in(tab: Tab) -> str:
    """The account's JSON, as the page itself has it."""
    return str(await tab.page.evaluate(ACCOUNT))
