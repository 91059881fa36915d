"""In a real browser: pages of other origins get nothing of rtdiag's page, one tab has it, and no secret but tokens reaches it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from rtdiag import Config
from rtdiag.api.keys import MADE_UP_TOKEN
from rtdiag.browser import page_requests, serving
from rtdiag.browser.serving import Serving
from rtdiag.emulator import Emulator
from rtdiag.engine import registry
from rtdiag.engine.config import make
from rtdiag.whole_run import Silent, ask, planned
from tests.browser.by_hand import STUB, TOKEN, asking, served
from tests.browser.chromium import Tab, Window

REAL = page_requests._FILES
_ATTACK = """
const outcomes = {};
const headers = { "X-Rtdiag-Tab": "stolen-tab-0001" };
const tried = async (name, work) => (outcomes[name] = await work().then((got) => "got " + got, () => "refused"));
const element = (name, attributes) =>
  new Promise((done, failed) => {
    const made = Object.assign(document.createElement(name), attributes, { onload: () => done(made), onerror: failed });
    document.body.append(made);
  });
const body = '{"case": "answer", "rtdiag_account": 1, "done": true}';
const post = (path) => fetch(url + path, { method: "POST", mode: "no-cors", body });

async function attack() {
  for (const path of ["", "page.js", "plan", "result", "alive"]) {
    await tried("read " + path, async () => (await fetch(url + path, { headers })).text());
    await tried("load " + path, async () => (await fetch(url + path, { mode: "no-cors" })).type);
  }
  await tried("script", async () => await element("script", { src: url + "page.js" }));
  await tried("style", async () => await element("link", { rel: "stylesheet", href: url + "page.css" }));
  await tried("frame", async () => (await element("iframe", { src: url })).contentDocument.body.innerHTML);
  for (const path of ["tell", "token"]) {
    await post(path).catch(() => {});
    const frame = await element("iframe", { name: path, srcdoc: "" });
    const form = Object.assign(document.createElement("form"), { method: "post", action: url + path, target: path });
    document.body.append(form);
    const there = new Promise((done) => (frame.onload = done));
    form.submit();
    await there;
    await tried("form " + path, async () => frame.contentDocument.body.innerHTML);
  }
  return outcomes;
}
"""


@pytest.fixture(autouse=True)
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_requests, "_FILES", STUB)


@asynccontextmanager
async def elsewhere(script: str) -> AsyncIterator[str]:
    """Another origin, with a page that has that script."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=f"<!doctype html><body><script>{script}</script>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def token(case: str) -> dict[str, Any]:
    return {"value": TOKEN, "expires_at": 1}


def test_a_page_of_another_origin_that_even_knows_the_link_gets_nothing(window: Window) -> None:
    async def run() -> tuple[dict[str, str], Serving, int]:
        async with served() as page, window.tab() as tab:
            asking(page, token)
            async with elsewhere(f"const url = {page.url!r};{_ATTACK}") as attacker:
                await tab.page.goto(attacker)
                outcomes: dict[str, str] = await tab.page.evaluate("attack()")
            rebound = await tab.page.goto(page.url.replace("127.0.0.1", "rebound.localhost"))
            assert rebound
            return outcomes, page, rebound.status

    outcomes, page, rebound = window.run(run())
    assert {name for name, got in outcomes.items() if got != "refused"} == set()
    assert len(outcomes) == 15
    story = page._story
    assert (story.opened, story.begun, story.account, story.loads) == (0, False, None, 0)
    assert rebound == 421


def test_what_opens_it_in_a_window_cannot_look_into_that(window: Window) -> None:
    async def run() -> list[Any]:
        async with served() as page, window.tab() as tab, elsewhere("") as attacker:
            await tab.page.goto(attacker)
            async with tab.page.expect_popup() as opened:
                await tab.page.evaluate("url => { globalThis.theirs = open(url) }", page.url)
            popup = await opened.value
            await popup.locator("#state").wait_for(state="attached")
            return [await tab.page.evaluate("theirs.closed"), await popup.evaluate("opener")]

    assert window.run(run()) == [True, None]


def test_a_second_tab_is_refused_a_reload_goes_on_and_a_closed_one_ends_the_wait(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> Any:
        async with served() as page, window.tab() as tab:
            task = asking(page, token, cases=["a", "b"], with_token=["a"], stay_at="b")
            await tab.page.goto(page.url)
            await tab.shows("#state", "ready")
            second = Tab(await tab.page.context.new_page())
            await second.page.goto(page.url)
            await second.shows("#state", "another tab has this run")
            await tab.page.reload()
            await tab.shows("#state", "ready")
            await tab.page.click("#start")
            await tab.shows("#state", "stays")
            assert not task.done()
            monkeypatch.setattr(serving, "_GONE_S", 0.01)
            await tab.page.close()
            return await task

    asked = window.run(run())
    assert asked.why == "the page's tab was closed before it was done"
    assert (asked.tabs.refused, asked.tabs.reloads, asked.tabs.closed) == (1, 1, True)


class Opened(Silent):
    """An observer that learns the link."""

    def __init__(self) -> None:
        self.link: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def to_do(self, line: str) -> None:
        self.link.set_result(line.split()[1])


def test_of_all_that_the_browser_gets_and_keeps_only_its_tokens_are_secret(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_requests, "_FILES", REAL)

    async def run() -> tuple[str, str]:
        got: list[str] = []
        config = Config(emulator=True, browser="print", only=["browser"])
        emulator, observer = Emulator(), Opened()
        ready = planned(config, make(config, {}), registry.load(()), emulator)
        running = asyncio.create_task(ask(ready, observer))
        async with window.tab() as tab:

            async def keep(response: Any) -> None:
                got.extend([response.url, str(await response.all_headers()), str(await response.request.all_headers())])
                if not response.url.endswith("/alive"):
                    got.append(await response.text())

            keeping: list[asyncio.Task[None]] = []
            tab.page.on("response", lambda response: keeping.append(asyncio.ensure_future(keep(response))))
            await tab.page.goto(await observer.link)
            await tab.page.click("#start")
            await tab.shows("#verdict", "all is well")
            await asyncio.gather(*keeping, return_exceptions=True)  # of a preflight there is no text
            stored = "[document.documentElement.outerHTML, document.cookie, {...localStorage}, {...sessionStorage}]"
            got.append(str(await tab.page.evaluate(stored)))
            await running
        return "\n".join(got), emulator.key

    got, key = window.run(run())
    assert '"verdict": "PASS all is well", "causes": []' in got
    assert key not in got
    assert re.findall(r"\bsk-[\w-]+(?!\S*\*)", got) == []
    assert len(set(re.findall(r"\bek_\w{20,}", got)) - {MADE_UP_TOKEN}) == 2
