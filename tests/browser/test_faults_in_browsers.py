"""Whole runs with a page in chromium and Firefox: what is wrong with API, network or browser is named right, and as nothing else.

The faults of the emulator share one browser, whose tabs open the links that such runs print; a browser that is broken itself is
started by its run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from rtdiag.engine.config import Config
from rtdiag.model import Report
from rtdiag.whole_run import Silent, ask, prepared
from tests.browser.broken import wrapper
from tests.browser.chromium import Window
from tests.browser.firefox import Fox

Named = list[tuple[str, str]]
Tab = Callable[[str], AbstractAsyncContextManager[object]]

AT_ONCE = 4  # runs, most of which wait for something that never comes
# The command line's own answer tells what is hidden from what is missing; of a microphone that is not there nothing more follows.
ASKED = {"browser-location-hidden": ["browser", "sdp.answer-realtime"], "microphone-absent": ["browser.microphone"]}
ALL = ["browser"]
HEALTHY = ""
FAULTS: Mapping[str, Named] = {
    HEALTHY: [],
    "browser-no-cors": [("cors", "medium")],
    "browser-location-hidden": [("location-header-missing/hidden", "high")],
    "udp-silent-tcp-works": [("ice-udp-blocked/tcp-works", "high")],
    "ice-blocked": [("ice-udp-blocked", "medium")],
    "wrong-fingerprint": [("dtls-fingerprint-mismatch", "medium")],
    "channel-never-opens": [("data-channel-never-opens", "medium")],
    "token-born-expired": [("ephemeral-token-expired", "high")],
    "browser-no-sound": [("no-audio-response/not-sent", "high")],
}
BROKEN: Mapping[str, Named] = {
    "microphone-refused": [("microphone-refused", "high")],
    "microphone-absent": [("microphone-refused/none", "high")],
    "policy-added": [("content-security-policy", "high")],
    "blocked-by-path": [("blocked-in-the-browser", "high")],
}
START = """new Promise((started) => {
  const look = () => {
    const start = document.getElementById("start");
    if (!start?.offsetParent || start.disabled) return setTimeout(look, 20);
    start.click();
    started();
  };
  look();
})"""


class Link(Silent):
    """An observer that is told where the page of a run is."""

    def __init__(self) -> None:
        self.link: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def to_do(self, line: str) -> None:
        """It says what a person has to open."""
        if not self.link.done():
            self.link.set_result(next(word for word in line.split() if word.startswith("http")))


def chromium_tabs(window: Window) -> Tab:
    """A tab of that window shows the page of a run, in which somebody has pressed Start."""

    @asynccontextmanager
    async def tab(link: str) -> AsyncIterator[None]:
        async with window.at(link) as opened:
            await opened.page.locator("#start").click()
            yield

    return tab


def firefox_tabs(fox: Fox) -> Tab:
    """A tab of Firefox does the same."""

    @asynccontextmanager
    async def tab(link: str) -> AsyncIterator[None]:
        async with fox.tab(link) as opened:
            await fox.evaluate(opened, START)
            yield

    return tab


async def with_fault(fault: str, tab: Tab) -> Report:
    """The run against an emulator with that fault, whose page opens in a tab."""
    observer = Link()
    config = Config(emulator=True, only=ASKED.get(fault, ALL), faults=[fault] if fault else [], browser="print")
    running = asyncio.create_task(ask(prepared(config), observer))
    async with tab(await observer.link):
        return await running


async def in_a_broken(browser: str, what: str, folder: Path) -> Report:
    """The run against a healthy emulator, in a browser that it starts itself."""
    started = str(wrapper(folder, browser, what))
    return await ask(prepared(Config(emulator=True, only=ASKED.get(what, ALL), browser=started)))


async def at_the_api(tab: Tab) -> dict[str, Report]:
    """The runs against each fault of an emulator, and against none."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(fault: str) -> Report:
        async with room:
            return await with_fault(fault, tab)

    return dict(zip(FAULTS, await asyncio.gather(*map(one, FAULTS)), strict=True))


async def in_the_browser(browser: str, folder: Path) -> dict[str, Report]:
    """The runs in each broken browser, one after the other."""
    return {what: await in_a_broken(browser, what, folder) for what in BROKEN}


def test_each_is_named_right_and_none_as_another(
    browser: str, tmp_path: Path, window: Window, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that a run starts comes, is given a token, and leaves nothing behind."""
    tab = chromium_tabs(window) if browser == "chromium" else firefox_tabs(request.getfixturevalue("fox"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def told() -> dict[str, Report]:
        both = await asyncio.gather(at_the_api(tab), in_the_browser(browser, tmp_path))
        return both[0] | both[1]

    reports = window.run(told())
    named = {what: [(found.cause, found.confidence) for found in report.diagnosis] for what, report in reports.items()}
    assert named == {**FAULTS, **BROKEN}
    assert {what for what, report in reports.items() if report.overall == "pass"} == {HEALTHY}
    answer = next(row for check in reports["microphone-refused"].checks for row in check.rows if row.id == "answer")
    assert (answer.finding.status, list(tmp_path.glob("rtdiag-browser-*"))) == ("pass", [])
