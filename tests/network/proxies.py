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


_BASIC = asks_login('Basic realm="corp"')


@dataclass(frozen=True)
class Proxy:
    """Carries CONNECT and whole URLs.

    `login` is the "user:password" it wants; `says` are bytes that it answers with in place of doing anything; `hangs`: it
    takes a request and never answers; `reads`: it ends TLS with that and reads along.
    """

    login: str = ""
    says: bytes = b""
    hangs: bool = False
    reads: ssl.SSLContext | None = None

    def behaviour(self) -> Behaviour:
        """What it does with a connection."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = await request_of(reader)
            if self.hangs:
                await reader.read()
            elif refused := self.says or self._refused(request):
                writer.write(refused)
                await writer.drain()
            elif request.method == "CONNECT":
                await self._tunnel(request, reader, writer)
            else:
                await _fetched(request, reader, writer)

        return serve

    def _refused(self, request: Request) -> bytes:
        wanted = "Basic " + b64encode(self.login.encode()).decode()
        return _BASIC if self.login and request.header("proxy-authorization") != wanted else b""

    async def _tunnel(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = request.target.rpartition(":")
        ours = ssl._create_unverified_context() if self.reads else None
        there, back = await asyncio.open_connection(host.strip("[]"), int(port), ssl=ours)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            if self.reads:
                await writer.start_tls(self.reads)
            await joined((reader, writer), (there, back))
        finally:
            back.close()


async def _fetched(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A request with a whole URL, sent on to its host; the answer is carried back until its end."""
    url = urlsplit(request.target)
    there, back = await asyncio.open_connection(url.hostname, url.port or 80)
    try:
        path = url.path + (f"?{url.query}" if url.query else "")
        head = request.head.replace(request.target.encode("latin-1"), path.encode("latin-1"), 1)
        head = without(head, "connection", "proxy-authorization", "proxy-connection")
        back.write(head.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1) + request.body)
        writer.write(await there.read())
        await writer.drain()
    finally:
        back.close()
