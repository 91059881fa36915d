"""watch.js changes nothing: what a page can see of the browser, and what crosses the wire, is the same with it and without it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import date
from typing import Any

import pytest

from rtdiag.api.endpoints import BETA_TRANSCRIPTION_SESSIONS
from rtdiag.browser.account import Account
from rtdiag.diagnosis.readers.watched import situations
from rtdiag.emulator import Emulator
from rtdiag.redact import Mask
from tests.browser.chromium import Window
from tests.browser.firefox import Fox
from tests.browser.site import site, source
from tests.browser.watching import told, watched, watching

Seen = dict[str, Any]
TELLING = """<script>
sameness().then((seen) => fetch("/told", { method: "POST", body: JSON.stringify(seen) })).then(() => location.replace("%s"));
</script></html>"""
CLICKED = '<script type="module">document.getElementById("record").click()</script></html>'


def test_a_page_in_chromium_sees_the_same(window: Window) -> None:
    async def run() -> tuple[Seen, Seen]:
        async with Emulator() as emulator, watching() as serving:
            html = source("sameness.html", emulator)
            scripts = {"plain.html": html, "watched.html": watched(html, serving.watch_line)}
            async with site(emulator, scripts=scripts) as origin, window.sheet() as opened:
                seen = []
                for name in scripts:
                    await opened.page.goto(f"{origin}/{name}")
                    seen.append(await opened.page.evaluate("() => sameness()"))
                assert await opened.page.evaluate("() => typeof rtdiagWatch") == "object"
                return seen[0], seen[1]

    plain, with_it = window.run(run())
    assert with_it == plain
    assert plain["requests"]["told"], "a rejection that the page forgot is told"


@pytest.fixture(scope="module")
def in_firefox(window: Window, fox: Fox) -> tuple[Seen, Seen, Account]:
    """What the page saw without it and with it, and what the founding page of 2025-03-21 then told of itself."""

    async def run() -> tuple[Seen, Seen, Account]:
        seen: asyncio.Queue[Seen] = asyncio.Queue()
        async with (
            AsyncExitStack() as open_,
            Emulator() as emulator,
            Emulator(as_of=date(2025, 3, 21)) as then,
            watching() as serving,
        ):
            html = watched(source("thread.html", then).replace("</html>", CLICKED), serving.watch_line)
            thread = site(then, mint=BETA_TRANSCRIPTION_SESSIONS, scripts={"thread.html": html})
            last = f"{await open_.enter_async_context(thread)}/thread.html"
            pages = {
                "plain.html": source("sameness.html", emulator).replace("</html>", TELLING % "watched.html"),
                "watched.html": watched(
                    source("sameness.html", emulator).replace("</html>", TELLING % last), serving.watch_line
                ),
            }
            origin = await open_.enter_async_context(site(emulator, scripts=pages, told=seen.put_nowait))
            await open_.enter_async_context(fox.tab(f"{origin}/plain.html"))
            both = await seen.get(), await seen.get()
            return *both, await told(serving, lambda account: bool(account.peers and account.peers[0].wrong))

    return window.run(asyncio.wait_for(run(), 90))


@pytest.mark.xdist_group("firefox")
def test_a_page_in_firefox_sees_the_same(in_firefox: tuple[Seen, Seen, Account]) -> None:
    plain, with_it, _ = in_firefox
    assert with_it == plain


@pytest.mark.xdist_group("firefox")
def test_the_founding_page_in_firefox_tells_its_cause(in_firefox: tuple[Seen, Seen, Account]) -> None:
    account = in_firefox[2]
    assert [(one.method, one.status) for one in account.requests] == [("POST", 200), ("POST", 401)]
    assert account.peers[0].offered_in == account.requests[1].id
    first, *others = situations(account, Mask())
    assert (first.id, first.status) == (account.requests[1].id, 401)
    assert str(first.credential).startswith("ek minted at 127.0.0.1")
    assert [one.follows for one in others] == [first.where]
