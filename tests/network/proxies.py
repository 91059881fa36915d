"""HTTP proxies: one that works, and what they refuse, hang at, or read along."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.network.fronts import joined, without
from tests.network.servers import Behaviour, Request, page, request_of


def asks_login(*challenges: str) -> bytes:
    """A 407 with these challenges, or with none."""
    return page("407 Proxy Authentication Required", "", *(f"proxy-authenticate: {one}" for one in challenges))


_OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
_BASIC = asks_login('Basic realm="corp"')


@dataclass(frozen=True)
class Proxy:
    """Carries CONNECT and whole URLs.

    `login` is the "user:password" it wants; `says` are bytes that it answers with in place of doing anything; `hangs`: it
    takes a request and never answers; `reads`: it ends TLS with that and reads along; `within`: it says these bytes in a tunnel
    that it opened; `drops` are headers that it takes out of requests; `keeps`: it is a cache that looks at URLs alone.
    """

    login: str = ""
    says: bytes = b""
    hangs: bool = False
    reads: ssl.SSLContext | None = None
    within: bytes = b""
    drops: tuple[str, ...] = ()
    keeps: bool = False

    def behaviour(self) -> Behaviour:
        """What it does with a connection."""

        kept: dict[str, bytes] = {}

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = await request_of(reader)
            if self.hangs:
                await reader.read()
            elif self.within:
                writer.write(_OPEN)
                await reader.read(65536)
                writer.write(self.within)
                await writer.drain()
            elif refused := self.says or self._refused(request):
                writer.write(refused)
                await writer.drain()
            elif request.method == "CONNECT":
                await self._tunnel(request, reader, writer)
            else:
                given = kept.get(request.target) or await _fetched(request, self.drops)
                if self.keeps:
                    kept[request.target] = _aged(given)
                writer.write(given)
                await writer.drain()

        return serve

    def _refused(self, request: Request) -> bytes:
        wanted = "Basic " + b64encode(self.login.encode()).decode()
        return _BASIC if self.login and request.header("proxy-authorization") != wanted else b""

    async def _tunnel(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = request.target.rpartition(":")
        ours = ssl._create_unverified_context() if self.reads else None
        there, back = await asyncio.open_connection(host.strip("[]"), int(port), ssl=ours)
        try:
            writer.write(_OPEN)
            await writer.drain()
            if self.reads:
                await writer.start_tls(self.reads)
            await joined((reader, writer), (there, back))
        finally:
            back.close()


def _aged(answer: bytes) -> bytes:
    """As a cache gives it."""
    head, end, body = answer.partition(b"\r\n\r\n")
    return without(head + end, "age").replace(b"\r\n", b"\r\nAge: 7\r\n", 1) + body


async def _fetched(request: Request, drops: tuple[str, ...]) -> bytes:
    """The answer to a request with a whole URL, which is sent on to its host without these headers."""
    url = urlsplit(request.target)
    there, back = await asyncio.open_connection(url.hostname, url.port or 80)
    try:
        path = url.path + (f"?{url.query}" if url.query else "")
        head = request.head.replace(request.target.encode("latin-1"), path.encode("latin-1"), 1)
        head = without(head, "connection", "proxy-authorization", "proxy-connection", *drops)
        back.write(head.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1) + request.body)
        return await there.read()
    finally:
        back.close()
