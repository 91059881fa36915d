"""httpx and websockets on the ways that the variables name, with TLS as they say: through a proxy with a login, or past it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import httpx
from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from rtdiag.transport.proxies import Proxies, Route
from rtdiag.transport.trust import trust
from tests.transport.proxy import certificate, proxying

HOST = "api.test"  # no name server knows it: whoever reaches it went through the proxy
LOGIN, QUOTED = "me:p@ss %41", "me:p%40ss%20%2541"


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def plain(connection: ServerConnection, request: Request) -> Response | None:
    """An answer to what asks for no upgrade."""
    return None if "Upgrade" in request.headers else connection.respond(HTTPStatus.OK, request.path)


@asynccontextmanager
async def api(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server for HTTP and WebSockets, and its port."""
    server: Server
    async with serve(echo, "127.0.0.1", 0, ssl=context, process_request=plain) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def get(url: str, route: Route, context: ssl.SSLContext) -> str:
    proxy = httpx.Proxy(route.proxy.reveal()) if route.proxy else None
    async with httpx.AsyncClient(verify=context, trust_env=False, proxy=proxy) as client:
        return (await client.get(url)).text


async def echoed(url: str, route: Route, context: ssl.SSLContext) -> str:
    tls = context if url.startswith("wss:") else None
    async with connect(url, ssl=tls, proxy=route.for_websockets()) as socket:
        await socket.send("hello")
        return str(await socket.recv())


async def all_four(host: str, environment: Mapping[str, str], folder: Path) -> list[tuple[str, str]]:
    """Ask over http, https, ws and wss, each on its way; what the proxy was asked."""
    pem, certified = certificate(folder, HOST if host == HOST else "localhost")
    context = trust({"SSL_CERT_FILE": str(pem)}).context
    async with proxying(LOGIN) as proxy, api() as plain_port, api(certified) as tls_port:
        known = {name: value.replace("PORT", str(proxy.port)) for name, value in environment.items()}
        for scheme, port in (("http", plain_port), ("https", tls_port)):
            url = f"{scheme}://{host}:{port}/v1"
            assert await get(url, Proxies.read(known).of(url), context) == "/v1"
            url = url.replace("http", "ws", 1)
            assert await echoed(url, Proxies.read(known).of(url), context) == "hello"
        return [
            (line.replace(str(plain_port), "80").replace(str(tls_port), "443"), login) for line, login in proxy.asked
        ]


def test_through_a_proxy_that_asks_for_a_login(tmp_path: Path) -> None:
    asked = asyncio.run(all_four(HOST, {"ALL_PROXY": f"http://{QUOTED}@127.0.0.1:PORT"}, tmp_path))
    assert asked == [
        ("GET http://api.test:80/v1 HTTP/1.1", LOGIN),
        ("CONNECT api.test:80 HTTP/1.1", LOGIN),
        ("CONNECT api.test:443 HTTP/1.1", LOGIN),
        ("CONNECT api.test:443 HTTP/1.1", LOGIN),
    ]


def test_past_it(tmp_path: Path) -> None:
    environment = {"ALL_PROXY": "http://127.0.0.1:PORT", "NO_PROXY": "[::1], localhost"}
    assert asyncio.run(all_four("localhost", environment, tmp_path)) == []
