"""Pages that ask an emulator what rtdiag's own page asks, in a browser as rtdiag starts it: what each has told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from rtdiag.api.keys import MADE_UP_TOKEN
from rtdiag.browser.account import ACCOUNT, Account, account_of
from rtdiag.browser.opening import Headless, NoSuchBrowserError, browser
from rtdiag.emulator import Emulator
from tests.browser.site import PAGES
from tests.emulator.clients import SESSIONS, ga_token, http
from tests.needs import needed

Json = dict[str, Any]
SCRIPTS = PAGES.parents[2] / "rtdiag" / "browser" / "page"
WAIT_S = 15  # for each page
CASES = (
    *("secure", "microphone", "webrtc", "reached", "same-path"),
    *(
        "cors-offer",
        "cors-agents",
        "cors-beta",
        "cors-client",
        "cors-mint",
        "answer",
        "location",
        "ice",
        "dtls",
        "channel",
    ),
    *("created", "update", "pair", "sound", "websocket", "blocked"),
)
UPDATE = {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}}}
RESPOND = {"type": "response.create", "response": {"instructions": "Say yes."}}
WAITS_MS: Mapping[str, int] = dict.fromkeys(
    ("request", "ice", "dtls", "channel", "event", "sound", "microphone"), 10_000
)
PAGE = """<!doctype html><meta charset="utf-8"><title>asked</title><script>
const tracks = [];
const added = [];
const { getUserMedia } = globalThis.MediaDevices?.prototype ?? {};
const { clone } = MediaStreamTrack.prototype;
const { addTrack } = RTCPeerConnection.prototype;
const keep = (one) => (tracks.push(one), one);
MediaStreamTrack.prototype.clone = function () { return keep(clone.call(this)); };
MediaDevices.prototype.getUserMedia = async function (wanted) {
  const stream = await getUserMedia.call(this, wanted);
  stream.getTracks().forEach(keep);
  return stream;
};
RTCPeerConnection.prototype.addTrack = function (track, ...streams) {
  added.push(track.enabled);
  return addTrack.call(this, track, ...streams);
};
%s</script><script src="watch.js"></script>
<script type="module">
import { ask } from "./questions.js";
const own = fetch; // which is written down: more than rtdiag's page does
const json = (url, told) => own(url, { method: "POST", body: JSON.stringify(told ?? {}) }).then((answer) => answer.json());
const shown = {};
const account = await ask(await json("plan"), {
  token: (name) => json("token", { case: name }),
  began: (name) => (shown[name] = ["asks"]),
  ended: (name, status, words, { answers }) => (shown[name] = name in answers ? [status, words] : ["untold"]),
});
const live = tracks.filter(({ readyState }) => readyState === "live").length;
const { next } = await json("told", { account, shown, live, added });
if (next) location.href = next;
</script>"""


@dataclass(frozen=True)
class Wish:
    """One page: the emulator's faults, a script that comes before all others, its cases, how long it waits where that is less
    than 10 s, and why it gets no token.
    """

    faults: Sequence[str] = ()
    before: str = ""
    cases: Sequence[str] = CASES
    waits_ms: Mapping[str, int] = field(default_factory=dict)
    no_token: str = ""


@dataclass(frozen=True)
class Told:
    """What a page has told: its account, as it came and as it is read, and by case what stood on the screen.

    `live` is how many tracks of the microphone it has left on, `added` whether each that it gave to a peer was open then.
    """

    raw: str
    account: Account
    shown: dict[str, list[str]]
    live: int
    added: list[bool]

    def facts(self, case: str) -> Json:
        """Of one case."""
        return self.account.answers[case].facts

    def looking(self, status: str) -> set[str]:
        """The cases that looked so on the screen."""
        return {case for case, (found, *_) in self.shown.items() if found == status}


class _Site:
    """The pages by their numbers; each sends its browser to the next."""

    def __init__(self, wishes: Sequence[Wish], emulators: Sequence[Emulator]) -> None:
        self._wishes, self._emulators = wishes, emulators
        self.told: list[Told] = []
        self.done = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        number, name = int(request.match_info["number"]), request.match_info["name"]
        if request.method == "GET":
            text = (SCRIPTS / name).read_text(encoding="utf-8") if name else PAGE % self._wishes[number].before
            return web.Response(text=text, content_type="text/javascript" if name else "text/html")
        known = {"plan": self._plan, "token": self._token, "told": self._hear}
        if name not in known:
            return web.Response(status=404)
        return web.json_response(await known[name](number, await request.text()))

    async def _plan(self, number: int, _: str) -> Json:
        emulator = self._emulators[number]
        base = emulator.base_url
        return {
            "auto": True,
            "cases": list(self._wishes[number].cases),
            "base_url": base,
            "calls_url": f"{base}/realtime/calls",
            "mint_url": f"{base}/realtime/client_secrets",
            "socket_url": f"{emulator.ws_url}/realtime?model=gpt-realtime",
            "model": "gpt-realtime",
            "update": UPDATE,
            "respond": RESPOND,
            "ice_servers": [],
            "invalid_offer": "v=0",
            "made_up_token": MADE_UP_TOKEN,
            "waits_ms": {**WAITS_MS, **self._wishes[number].waits_ms},
        }

    async def _token(self, number: int, _: str) -> Json:
        if self._wishes[number].no_token:
            return {"why": self._wishes[number].no_token}
        emulator = self._emulators[number]
        async with http(emulator) as client:
            return {"value": await ga_token(client, emulator, SESSIONS["realtime"]), "expires_at": 1}

    async def _hear(self, number: int, text: str) -> Json:
        told = json.loads(text)
        raw = json.dumps(told["account"])
        self.told.append(Told(raw, account_of(raw), told["shown"], told["live"], told["added"]))
        if len(self.told) == len(self._wishes):
            self.done.set()
            return {"next": None}
        return {"next": f"/{number + 1}/"}


@asynccontextmanager
async def _served(wishes: Sequence[Wish]) -> AsyncIterator[tuple[_Site, str]]:
    async with AsyncExitStack() as opened:
        emulators = [await opened.enter_async_context(Emulator(faults=list(wish.faults))) for wish in wishes]
        site, app = _Site(wishes, emulators), web.Application(client_max_size=ACCOUNT.most_bytes)
        app.router.add_route("*", "/{number}/{name:.*}", site.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        opened.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield site, f"http://127.0.0.1:{runner.addresses[0][1]}/0/"


async def asked(name: str, *wishes: Wish) -> list[Told]:
    """What these pages tell in that browser (`chromium`, `firefox`), which is started once."""
    try:
        chosen = browser(name)
    except NoSuchBrowserError as exc:
        needed(None, str(exc))
        raise
    async with _served(wishes) as (site, origin):
        headless = Headless(chosen, str, site.done.set)
        await headless.start(origin)
        try:
            await asyncio.wait_for(site.done.wait(), WAIT_S * len(wishes))
        finally:
            await headless.end()
    assert len(site.told) == len(wishes), headless.ended
    return site.told
