"""What a person meets in rtdiag's page, in chromium: words, names, keyboard, colours, widths; and where it cannot go on.

The server is a small one of this file's own, and so are the questions: what is looked at is the page.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.browser.chromium import Tab, Window
from tests.browser.test_report import CONTRASTS, WIDTHS

PAGE = Path(__file__).parents[2] / "rtdiag" / "browser" / "page"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src blob: mediastream:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LINE = '<script src="http://127.0.0.1:40123/w-ThisIsMadeUp0123456789/watch.js"></script>'
CASES = [
    *(
        "secure",
        "microphone",
        "webrtc",
        "reached",
        "same-path",
        "cors-offer",
        "cors-agents",
        "cors-beta",
        "cors-client",
    ),
    *("cors-mint", "answer", "location", "ice", "dtls", "channel", "created", "update", "pair", "sound", "websocket"),
]
Step = list[str]  # a case, how it looks, its first word for the screen, which is waited for where it is "hold"
WELL: list[Step] = [[case, "pass", "well"] for case in CASES]
REFUSED: list[Step] = [WELL[0], ["microphone", "fail", "NotAllowedError: Permission denied"], *WELL[2:]]
RESULT = {
    "status": "fail",
    "verdict": "FAIL microphone-refused (high)",
    "causes": [
        {
            "cause": "microphone-refused",
            "confidence": "high",
            "summary": "The browser or the system refuses the microphone.",
            "fix": "Allow it for this page, and in the system's settings for the browser.",
            "line": "await navigator.mediaDevices.getUserMedia({ audio: true })",
            "seen_in": ["browser.microphone"],
        }
    ],
    "shown": "works from the command line and not in the browser",
    "two_ways": [
        {"phase": "offer answered", "command_line": "✓ 211 ms", "browser": "✓ 240 ms"},
        {"phase": "ICE", "command_line": "✓ 1,204 ms", "browser": ""},
        {"phase": "carried by", "command_line": "UDP, host to host", "browser": "TCP, host to host"},
    ],
    "markdown": "# rtdiag: something is wrong\n\n| a | b |\n",
}
QUESTIONS = """
export async function ask(plan, page) {
  await fetch("asked");
  for (const [name, status, words] of plan.steps) {
    page.began(name);
    await (words === "hold" ? fetch("hold") : new Promise((turn) => setTimeout(turn)));
    page.ended(name, status, words, { ...rtdiagWatch.account(), answers: { [name]: {} } });
  }
  return rtdiagWatch.account();
}
"""
WATCH = """
const asked = [], { fetch: before } = globalThis;
globalThis.fetch = (url, ...rest) => { asked.push(url); return before(url, ...rest); };
globalThis.rtdiagWatch = { account: () => ({ rtdiag_account: 1, asked }) };
"""
HEARD = """addEventListener("DOMContentLoaded", () => {
  globalThis.heard = [];
  const said = document.querySelector("[aria-live]");
  new MutationObserver(() => heard.push(said.textContent)).observe(said, { childList: true, characterData: true, subtree: true });
});"""
FOCUSED = "document.activeElement.textContent.trim()"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


class Run:
    """The other side of the page: what it was told, and when it lets go on."""

    def __init__(self, steps: Sequence[Step], *, auto: bool, emulator: bool = True) -> None:
        self.plan = {
            "auto": auto,
            "cases": CASES,
            "server": "127.0.0.1:8000",
            "emulator": emulator,
            "watch_line": LINE,
            "steps": list(steps),
        }
        self.told: list[dict[str, Any]] = []
        self.go, self.ended, self.done = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.url = ""
        self.planned = asyncio.Event()
        self.planned.set()
        self.comes_of_it: dict[str, Any] = RESULT
        self._tab: str | None = None

    async def files(self, request: web.Request) -> web.Response:
        path = PAGE / (request.match_info["name"] or "index.html")
        own = {"questions.js": QUESTIONS, "watch.js": WATCH, "heard.js": HEARD}
        text = own.get(path.name) or path.read_text(encoding="utf-8")
        if path.name == "index.html":
            text = text.replace("<script", '<script src="heard.js"></script><script', 1)
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        return web.Response(text=text, content_type=_TYPES[path.suffix], headers=headers)

    @web.middleware
    async def of_the_tab(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        tab = request.headers.get("X-Rtdiag-Tab")
        self._tab = self._tab or tab
        return web.Response(status=409) if tab and tab != self._tab else await handler(request)

    async def begin(self, _: web.Request) -> web.Response:
        await self.planned.wait()
        return web.json_response(self.plan)

    async def tell(self, request: web.Request) -> web.Response:
        self.told.append(await request.json())
        if self.told[-1].get("done"):
            self.done.set()
        return web.Response(status=204)

    async def asked(self, _: web.Request) -> web.Response:
        return web.Response()

    async def hold(self, _: web.Request) -> web.Response:
        await self.go.wait()
        return web.Response()

    async def alive(self, request: web.Request) -> web.Response:
        return await self._until(self.ended, request)

    async def result(self, request: web.Request) -> web.Response:
        both = [asyncio.ensure_future(event.wait()) for event in (self.done, self.ended)]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return await self._until(self.ended, request) if self.ended.is_set() else web.json_response(self.comes_of_it)

    async def _until(self, event: asyncio.Event, request: web.Request) -> web.Response:
        await event.wait()
        if request.transport:
            request.transport.abort()
        return web.Response()


@asynccontextmanager
async def serving(steps: Sequence[Step] = WELL, *, auto: bool = False, emulator: bool = True) -> AsyncIterator[Run]:
    run = Run(steps, auto=auto, emulator=emulator)
    app = web.Application(middlewares=[run.of_the_tab])
    app.router.add_get("/s-MadeUp/plan", run.begin)
    app.router.add_get("/s-MadeUp/hold", run.hold)
    app.router.add_get("/s-MadeUp/asked", run.asked)
    app.router.add_get("/s-MadeUp/alive", run.alive)
    app.router.add_get("/s-MadeUp/result", run.result)
    app.router.add_post("/s-MadeUp/tell", run.tell)
    app.router.add_get("/s-MadeUp/{name:[^/]*}", run.files)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        run.url = f"http://127.0.0.1:{runner.addresses[0][1]}/s-MadeUp/"
        yield run
    finally:
        run.go.set()
        run.ended.set()
        await runner.cleanup()


@asynccontextmanager
async def opened(
    window: Window,
    steps: Sequence[Step] = WELL,
    *,
    auto: bool = False,
    width: int = 1280,
    alone: bool = False,
) -> AsyncIterator[tuple[Tab, Run]]:
    """The page, ready for Start; `alone`: among no pages of others. When it is left, nothing may have been said on the console."""
    async with serving(steps, auto=auto) as run, window.tab() if alone else window.sheet() as tab:
        await tab.page.set_viewport_size({"width": width, "height": 800})
        await tab.page.goto(run.url)
        yield tab, run
        assert [line for line in tab.console if "ERR_" not in line and "409" not in line] == []


async def _result(tab: Tab) -> None:
    await tab.page.locator("#result-title").wait_for()


def test_an_offer_that_is_pasted_is_compared(window: Window) -> None:
    async def go() -> tuple[list[str], str]:
        async with opened(window) as (tab, _):
            await tab.page.locator("#own summary").last.click()
            await tab.page.get_by_label("The SDP offer that your app posts").fill("v=0\r\n")
            await tab.page.get_by_role("button", name="Compare").click()
            return await tab.page.locator("#differences li").all_inner_texts(), await tab.page.inner_text("#said")

    found, said = window.run(go())
    assert "It has no section for audio" in " ".join(found)
    assert said == f"{len(found)} found in the offer."


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_every_text_stands_out_in_the_light_and_in_the_dark(width: int, window: Window) -> None:
    async def looks(tab: Tab) -> tuple[list[int], list[Any], list[Any]]:
        await tab.page.emulate_media(color_scheme="light")
        light = await tab.page.evaluate(CONTRASTS)
        await tab.page.emulate_media(color_scheme="dark")
        return await tab.page.evaluate(WIDTHS), light, await tab.page.evaluate(CONTRASTS)

    async def go() -> list[tuple[list[int], list[Any], list[Any]]]:
        async with opened(window, [*REFUSED[:-1], ["websocket", "pass", "hold"]], width=width) as (tab, run):
            await tab.page.locator("#own summary").first.click()
            found = [await looks(tab)]
            await tab.page.locator("#start").click()
            await tab.shows("[data-seen=asks]", "WebSocket")
            found.append(await looks(tab))
            run.go.set()
            await _result(tab)
            return [*found, await looks(tab)]

    for widths, light, dark in window.run(go()):
        assert widths == [width, width]
        assert len(light) == len(dark) > 20
        assert [one for one in (*light, *dark) if one[3] < 4.5] == []
        assert not {tuple(one[1:3]) for one in light} & {tuple(one[1:3]) for one in dark}


def test_it_says_what_it_will_do_before_it_does_anything(window: Window) -> None:
    async def go() -> tuple[str, str, str, list[Any]]:
        async with opened(window) as (tab, run):
            await tab.page.locator("#start").wait_for()
            tree = await tab.page.locator("body").aria_snapshot()
            described = await tab.page.locator("#start").evaluate(
                "(node) => node.ariaDescribedByElements[0].textContent"
            )
            return tree, str(described), str(await tab.page.evaluate(FOCUSED)), run.told

    tree, described, focused, told = window.run(go())
    assert (focused, told) == ("Start", [])
    for said in ("127.0.0.1:8000", "Nothing that you say is sent or kept.", "never comes here"):
        assert said in described
    for role in (
        "banner:",
        "main:",
        'heading "Does a voice session start in this browser?" [level=1]',
        'button "Start"',
    ):
        assert role in tree


def test_a_run_by_keyboard_alone(window: Window) -> None:
    async def go() -> tuple[list[str], list[Any], str]:
        async with opened(window, REFUSED) as (tab, _):
            await tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
            await tab.page.locator("#start:focus").wait_for()
            await tab.page.keyboard.press("Enter")
            await _result(tab)
            focused = [await tab.page.evaluate(FOCUSED)]
            for _ in range(2):  # past the line of the cause
                await tab.page.keyboard.press("Tab")
            focused.append(await tab.page.evaluate(FOCUSED))
            await tab.page.keyboard.press("Enter")
            await tab.shows("[aria-live]", "copied")
            focused.append(await tab.page.evaluate(FOCUSED))
            heard = await tab.page.evaluate("heard")
            return focused, heard, await tab.page.evaluate("navigator.clipboard.readText()")

    focused, heard, copied = window.run(go())
    assert focused == ["Result", "Copy the report", "Copied ✓"]
    assert copied == RESULT["markdown"]
    assert heard == [
        "This browser: 2 yes, 1 no.",
        "What a page may ask: 7 yes.",
        "A session over WebRTC: 9 yes.",
        "Other ways: 1 yes.",
        "All is asked. rtdiag reads what came of it …",
        "The result is there: something is wrong.",
        "The report is copied.",
    ]


def test_names_headings_and_statuses_do_not_hang_on_a_colour(window: Window) -> None:
    async def go() -> tuple[str, list[int], str]:
        async with opened(window, REFUSED) as (tab, _):
            await tab.page.locator("#start").click()
            await _result(tab)
            tree = await tab.page.locator("body").aria_snapshot()
            levels = await tab.page.evaluate(
                "[...document.querySelectorAll('h1, h2, h3')].filter((n) => n.checkVisibility()).map((n) => +n.tagName[1])"
            )
            return tree, levels, await tab.page.locator("[data-case=microphone]").inner_text()

    tree, levels, microphone = window.run(go())
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for role in (
        'heading "Result" [level=2]',
        "(high confidence), seen in browser.microphone",
        "Works from the command line and not in the browser",
        'region "Side by side"',
        'columnheader "This browser"',
        'rowheader "ICE"',
        'button "Copy the report"',
        "status: ",
    ):
        assert role in tree
    assert "✗ no" in microphone
    assert "Allow it" in microphone
    assert "NotAllowedError: Permission denied" in microphone


def test_each_case_is_told_and_nothing_of_the_pages_own_calls(window: Window) -> None:
    async def go() -> list[dict[str, Any]]:
        async with opened(window, [*WELL[:3], ["reached", "pass", "hold"], *WELL[4:]], auto=True) as (tab, run):
            await tab.shows("[data-seen=asks]", "server is reached")
            assert run.told
            assert not run.told[-1].get("done")
            run.go.set()
            await _result(tab)
            return run.told

    told = window.run(go())
    assert told[-1] == {"rtdiag_account": 1, "asked": ["asked", "hold"], "done": True}
    assert all(set(one["answers"]) <= set(CASES) for one in told[:-1])
    assert all(set(one["asked"]) <= {"asked", "hold"} for one in told)


def test_a_second_tab_is_told_so_and_so_is_a_copy_of_the_first(window: Window) -> None:
    async def go() -> tuple[list[str], bool]:
        async with opened(window, alone=True) as (tab, run):
            await tab.page.reload()  # so that it has had something to keep
            await tab.page.locator("#start").wait_for()
            other = await tab.page.context.new_page()
            await other.goto(run.url)
            async with tab.page.expect_popup() as popping:
                await tab.page.evaluate("void open(location.href)")
            shown = []
            for page in (other, await popping.value):
                await page.locator("#taken").wait_for()
                shown.append(await page.evaluate(FOCUSED))
            return shown, await tab.page.locator("#start").is_visible()

    assert window.run(go()) == (["Another tab has this run"] * 2, True)


def test_a_reload_before_start_is_nothing_and_one_after_it_is_said(window: Window) -> None:
    async def go() -> tuple[str, str, list[Any]]:
        async with opened(window, [*WELL[:2], ["webrtc", "pass", "hold"]]) as (tab, run):
            await tab.page.locator("#start").wait_for()
            await tab.page.reload()
            await tab.page.locator("#start").click()
            await tab.shows("[data-seen=asks]", "WebRTC")
            told = list(run.told)
            await tab.page.reload()
            await tab.page.locator("#reloaded").wait_for()
            focused = await tab.page.evaluate(FOCUSED)
            assert run.told == told
            await tab.page.keyboard.press("Enter")
            run.go.set()
            await _result(tab)
            return focused, await tab.page.evaluate(FOCUSED), run.told[-1:]

    focused, after, told_last = window.run(go())
    assert (focused, after) == ("Start", "Result")
    assert told_last[0]["done"]


def test_start_may_be_pressed_before_it_is_the_pages_turn(window: Window) -> None:
    async def go() -> tuple[list[str], bool, list[Any]]:
        async with serving() as run, window.sheet() as tab:
            run.planned.clear()
            await tab.page.goto(run.url)
            await tab.page.locator("#start").click()
            await tab.page.locator("#waiting").wait_for()
            focused = [await tab.page.evaluate(FOCUSED)]
            told = list(run.told)
            run.planned.set()
            await _result(tab)
            focused.append(await tab.page.evaluate(FOCUSED))
            return focused, await tab.page.locator("#waiting").is_visible(), told

    assert window.run(go()) == (["One moment", "Result"], False, [])


@pytest.mark.parametrize("begun", [False, True])
def test_it_says_that_rtdiag_has_ended(begun: bool, window: Window) -> None:
    async def go() -> tuple[str, int, list[str]]:
        async with opened(window, [["secure", "pass", "hold"]]) as (tab, run):
            await tab.page.locator("#start").wait_for()
            if begun:
                await tab.page.locator("#start").click()
                await tab.shows("[data-seen=asks]", "trusts")
            run.ended.set()
            await tab.page.locator("#gone").wait_for()
            if begun:
                await tab.shows("[data-case=secure]", "cut off")
            heard = await tab.page.evaluate("heard")
            going_on = await tab.page.locator("#start:visible, [data-seen=asks]").count()
            return await tab.page.evaluate(FOCUSED), going_on, heard[-1:]

    assert window.run(go()) == ("rtdiag has ended", 0, ["rtdiag has ended."])


@pytest.mark.parametrize(("emulator", "works"), [(False, True), (True, False)])
def test_where_it_works_the_users_own_page_is_next_but_an_emulator_says_nothing_of_it(
    emulator: bool, works: bool, window: Window
) -> None:
    async def go() -> tuple[str, list[bool]]:
        async with serving(emulator=emulator) as run, window.sheet() as tab:
            run.comes_of_it = {**RESULT, "status": "pass", "verdict": "PASS all is well at LiteLLM", "causes": []}
            await tab.page.goto(run.url)
            await tab.page.locator("#start").click()
            await _result(tab)
            shown = [await tab.page.locator(one).is_visible() for one in ("#works", "#copy-code", "#copy-line")]
            return await tab.page.locator("#verdict").inner_text(), shown

    assert window.run(go()) == ("✓ all is well at LiteLLM", [works, works, False])


def test_questions_that_break_are_told_in_the_browsers_words(window: Window) -> None:
    async def go() -> tuple[str, dict[str, Any]]:
        async with opened(window, [WELL[0], 7], auto=True) as (tab, run):  # type: ignore[list-item]
            why = await tab.shows("#broken pre", "TypeError")
            await _result(tab)
            return why, run.told[-1]

    why, told = window.run(go())
    assert "not iterable" in why
    assert told["done"]


def test_the_line_for_the_users_own_page_is_shown_and_copied(window: Window) -> None:
    async def go() -> tuple[str, str, str]:
        async with opened(window) as (tab, _):
            await tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
            await tab.page.locator("#own summary").first.focus()
            await tab.page.keyboard.press("Enter")
            shown = await tab.page.locator("#watch-line").inner_text()
            copied = []
            for button, said in (("#copy-line", "The line is copied."), ("#copy-code", "The code is copied.")):
                await tab.page.locator(button).click()
                await tab.shows("[aria-live]", said)
                copied.append(await tab.page.evaluate("navigator.clipboard.readText()"))
            return shown, copied[0], copied[1]

    assert window.run(go()) == (LINE, LINE, WATCH)


def test_what_cannot_be_copied_is_shown_to_be_copied_by_hand(window: Window) -> None:
    async def go() -> tuple[str, str]:
        async with opened(window, auto=True) as (tab, _):
            await _result(tab)
            await tab.page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
            await tab.page.evaluate("void (document.execCommand = () => false)")
            await tab.page.locator("#copy-report").click()
            said = await tab.shows("[aria-live]", "by this browser")
            return said, await tab.page.locator("textarea[readonly]").input_value()

    said, text = window.run(go())
    assert "select it and copy it" in said
    assert text == RESULT["markdown"]


def test_nothing_moves_where_less_motion_is_wished_and_paper_has_no_buttons(window: Window) -> None:
    moving = "document.getAnimations().length"

    async def go() -> tuple[int, int, int]:
        async with opened(window, [["secure", "pass", "hold"]], auto=True) as (tab, run):
            await tab.shows("[data-seen=asks]", "trusts")
            moves = await tab.page.evaluate(moving)
            await tab.page.emulate_media(reduced_motion="reduce")
            still = await tab.page.evaluate(moving)
            run.go.set()
            await _result(tab)
            await tab.page.emulate_media(media="print")
            return moves, still, await tab.page.locator("button:visible").count()

    assert window.run(go()) == (1, 0, 0)
