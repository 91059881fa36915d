"""watch.js changes nothing: what a page can see of the browser, and what crosses the wire, is the same with it and without it."""

from __future__ import annotations

import asyncio
from typing import Any

from rtdiag.emulator import Emulator
from tests.browser import firefox
from tests.browser.chromium import Window
from tests.browser.site import site, source
from tests.browser.watching import watched, watching

Seen = dict[str, Any]
TELLING = """
sameness().then((seen) => fetch("/told", { method: "POST", body: JSON.stringify(seen) }))
  .then(() => location.search || location.replace("/sameness.html?watched"));
"""


def test_a_page_in_chromium_sees_the_same(window: Window) -> None:
    async def run() -> tuple[Seen, Seen]:
        async with Emulator() as emulator, watching() as serving:
            html = source("sameness.html", emulator)
            scripts = {"plain.html": html, "watched.html": watched(html, serving.watch_line)}
            async with site(emulator, scripts=scripts) as origin, window.tab() as opened:
                seen = []
                for name in scripts:
                    await opened.page.goto(f"{origin}/{name}")
                    seen.append(await opened.page.evaluate("() => sameness()"))
                assert await opened.page.evaluate("() => typeof rtdiagWatch") == "object"
                return seen[0], seen[1]

    plain, with_it = window.run(run())
    assert with_it == plain
    assert plain["requests"]["told"], "a rejection that the page forgot is told"


def test_a_page_in_firefox_sees_the_same() -> None:
    async def run() -> list[Seen]:
        seen: asyncio.Queue[Seen] = asyncio.Queue()
        async with Emulator() as emulator, watching() as serving:
            html = source("sameness.html", emulator).replace("</html>", f"<script>{TELLING}</script></html>")
            scripts = {"plain.html": html, "sameness.html": watched(html, serving.watch_line)}
            async with (
                site(emulator, scripts=scripts, told=seen.put_nowait) as origin,
                firefox.at(f"{origin}/plain.html"),
                asyncio.timeout(40),
            ):
                return [await seen.get(), await seen.get()]

    plain, with_it = asyncio.run(run())
    assert with_it == plain
