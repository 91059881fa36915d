"""Real apps with watch.js in them: what they print, show and send is what they print, show and send without it."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pytest

from rtdiag.api.endpoints import BETA_TRANSCRIPTION_SESSIONS, CLIENT_SECRETS
from rtdiag.emulator import Emulator
from tests.browser.chromium import Tab, Window
from tests.browser.site import site, source
from tests.browser.test_agents import SESSION, bundle
from tests.browser.watching import account_in, watched, watching

__all__ = ["bundle"]

REALTIME = {"session": {"type": "realtime", "model": "gpt-realtime"}}
_CHANGING = re.compile(r"[\w+/=*-]{16,}|\d+(?:\.\d+)?")
_OF_ONE_CONNECTION = re.compile(
    r"(?m)^(?:o=|a=(?:ice-ufrag|ice-pwd|fingerprint|msid|ssrc|candidate|cname)\b|a=group).*\r?\n"
)
_UNSTEADY = {"host", "origin", "referer", "content-length", "accept-language"}


@dataclass(frozen=True)
class App:
    """A page of `pages/`: what is done in it, and how one sees that it is over."""

    page: str
    run: Callable[[Tab, str], Awaitable[Any]]
    body: Mapping[str, Any]
    mint: str = CLIENT_SECRETS
    as_of: date | None = None


async def _thread(tab: Tab, _: str) -> None:
    await tab.page.click("#record")
    await tab.shows("#status", "Error")


async def _corrected(tab: Tab, _: str) -> None:
    await tab.page.click("#record")
    await tab.shows("#status", "connected")
    await tab.shows("#events li", '"session.created"')
    await tab.page.evaluate(
        '() => send({ type: "session.update", session: { type: "realtime", instructions: "Be brief." } })'
    )
    await tab.shows("#events li", '"session.updated"')


async def _sound(tab: Tab, _: str) -> None:
    await tab.page.click("#listen")
    await tab.printed("counted ")


async def _agents(tab: Tab, url: str, transport: str) -> None:
    await tab.page.evaluate("([name, url]) => connect(name, url)", [transport, url])
    await tab.shows("#state", "connected")
    await tab.shows("#events li", '"session.updated"')


async def _agents_by_webrtc(tab: Tab, base_url: str) -> None:
    await _agents(tab, f"{base_url}/realtime/calls", "webrtc")


async def _agents_by_websocket(tab: Tab, base_url: str) -> None:
    await _agents(tab, f"{base_url.replace('http', 'ws', 1)}/realtime", "websocket")


APPS = {
    "thread": App("thread", _thread, {}, BETA_TRANSCRIPTION_SESSIONS, date(2025, 3, 21)),
    "corrected": App("corrected", _corrected, REALTIME),
    "sound": App("sound", _sound, REALTIME),
    "agents over WebRTC": App("agents", _agents_by_webrtc, {"session": SESSION}),
    "agents over WebSocket": App("agents", _agents_by_websocket, {"session": SESSION}),
}


@pytest.mark.parametrize("name", APPS)
def test_an_app_does_and_prints_the_same(window: Window, bundle: str, name: str) -> None:
    app = APPS[name]

    async def run() -> tuple[list[Any], list[Any], dict[str, Any]]:
        async with Emulator(as_of=app.as_of) if app.as_of else Emulator() as emulator, watching() as serving:
            html = source(f"{app.page}.html", emulator)
            scripts = {"plain.html": html, "watched.html": watched(html, serving.watch_line), "agents.js": bundle}
            async with site(emulator, mint=app.mint, body=app.body, scripts=scripts) as origin:
                plain, _ = await _looked_at(window, f"{origin}/plain.html", app, emulator)
                with_it, account = await _looked_at(window, f"{origin}/watched.html", app, emulator)
        return plain, with_it, account

    plain, with_it, account = window.run(run())
    assert with_it == plain
    assert account["requests"]
    assert account["peers"] or account["sockets"]


async def _looked_at(window: Window, url: str, app: App, emulator: Emulator) -> tuple[list[Any], dict[str, Any]]:
    """What crossed the wire, what was printed and what is shown, without what changes from one connection to the next."""
    wire: list[Any] = []
    asked: list[Any] = []
    async with window.tab() as tab:
        tab.page.on("request", lambda request: asked.append(request))
        tab.page.on("websocket", lambda own: own.on("framesent", lambda data: wire.append(_kind(data))))
        await tab.page.goto(url)
        await app.run(tab, emulator.base_url)
        account = json.loads(await account_in(tab)) if "watched" in url else {}
        for request in asked:
            path = urlsplit(request.url).path
            if not path.endswith((".html", "/watch.js", "/watched")):
                headers = {k: v for k, v in (await request.all_headers()).items() if k not in _UNSTEADY}
                wire.append((request.method, path, _steady(headers), _steady(request.post_data)))
        printed = [_steady(line.split("\n    at ")[0]) for line in tab.console]
        texts = [_steady(text) for text in await tab.page.locator("#status, #error, #state").all_inner_texts()]
        return [wire, printed, texts], account


def _kind(data: str | bytes) -> Any:
    return json.loads(data).get("type")


def _steady(value: Any) -> str:
    return _CHANGING.sub("#", _OF_ONE_CONNECTION.sub("", json.dumps(value) if not isinstance(value, str) else value))
