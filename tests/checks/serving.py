"""A handler of aiohttp on a port of its own, and a WebSocket that hands on what another one says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

Handler = Callable[[web.Request], Any]
_Socket = web.WebSocketResponse | ClientWebSocketResponse


@asynccontextmanager
async def served(handler: Handler, path: str = "/v1") -> AsyncIterator[str]:
    """That handler at every path; yields its root with that path."""
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
    finally:
        await runner.cleanup()


async def piped(mine: web.WebSocketResponse, url: str, headers: Mapping[str, str]) -> web.WebSocketResponse:
    """Texts go both ways between that socket and one at that URL, until the latter ends; so does the code of its close."""
    async with ClientSession() as client, client.ws_connect(url, headers=headers) as theirs:
        there = asyncio.ensure_future(_copied(mine, theirs))
        await _copied(theirs, mine)
        there.cancel()
        await asyncio.gather(there, return_exceptions=True)
    await mine.close(code=theirs.close_code or 1000)
    return mine


async def _copied(source: _Socket, sink: _Socket) -> None:
    async for message in source:
        if message.type == WSMsgType.TEXT:
            await sink.send_str(message.data)
    await sink.close()
