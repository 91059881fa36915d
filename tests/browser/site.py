"""The author's own server: it hands out the pages and, at `/token`, a token minted with the API key.

It lies on a port of its own, so for the browser the API is another origin. The pages name https://api.openai.com, as
published ones do; that one name is replaced by the emulator's while a page is handed out.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from aiohttp import web

from rtdiag.api.endpoints import CLIENT_SECRETS
from rtdiag.emulator import Emulator

PAGES = Path(__file__).with_name("pages")
OFFICIAL = "https://api.openai.com"
_TYPES = {".html": "text/html", ".js": "text/javascript"}


def source(name: str, emulator: Emulator) -> str:
    """A page or script of `pages/` as it is handed out."""
    return (PAGES / name).read_text(encoding="utf-8").replace(OFFICIAL, origin_of(emulator.base_url))


def origin_of(url: str) -> str:
    """`http://127.0.0.1:8000` of any URL there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@asynccontextmanager
async def site(
    emulator: Emulator,
    *,
    mint: str = CLIENT_SECRETS,
    body: Mapping[str, Any] | None = None,
    scripts: Mapping[str, str] | None = None,
    told: Callable[[Any], object] = lambda _: None,
) -> AsyncIterator[str]:
    """The site's origin. `/token` posts `body` to `mint`; `scripts` are files by name, beside those of `pages/`.

    `told` gets what a page posts to `/told`, as JSON; the fault that it posts to `/under` is on from then on, and no other.
    """

    async def token(_: web.Request) -> web.Response:
        return web.json_response(await _minted(emulator, mint, dict(body or {})))

    async def tell(request: web.Request) -> web.Response:
        told(json.loads(await request.text()))
        return web.Response(status=204)

    async def turn(request: web.Request) -> web.Response:
        emulator.set_faults(*(await request.text()).split())
        return web.Response(status=204)

    async def page(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        text = (scripts or {}).get(name) or source(name, emulator)
        return web.Response(text=text, content_type=_TYPES[Path(name).suffix])

    app = web.Application()
    app.router.add_route("*", "/token", token)
    app.router.add_post("/told", tell)
    app.router.add_post("/under", turn)
    app.router.add_get("/{name}", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _minted(emulator: Emulator, mint: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the page uses `.value` of: GA's answer, or the `client_secret` in the beta's."""
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": f"Bearer {emulator.key}", "Content-Type": "application/json"}
        answer = await client.post(emulator.base_url + mint, headers=headers, content=json.dumps(body))
    answer.raise_for_status()
    minted: dict[str, Any] = answer.json()
    secret: dict[str, Any] = minted.get("client_secret", minted)
    return secret
