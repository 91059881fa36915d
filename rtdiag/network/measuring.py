"""The way to a URL, gone once as a request would go it: the name, the connection, the proxy, TLS. Then everything is closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rtdiag.network.connecting import Dialling, connection
from rtdiag.network.resolving import in_order, look_up
from rtdiag.network.securing import Lenient, answer_to_hello, handshake, leads_to_tls, shaken
from rtdiag.network.streams import Stream, Tls, in_words
from rtdiag.network.tunnelling import tunnel
from rtdiag.network.way import Handshake, Hop, Tunnel, Way
from rtdiag.transport.addresses import Address, BadAddress, read
from rtdiag.transport.failures import BadVariable
from rtdiag.transport.proxies import Route
from rtdiag.transport.recorder import Deadlines
from rtdiag.transport.ways import Ways

if TYPE_CHECKING:
    import ssl

_GLANCE_S = 1.0
_SOCKS_5 = b"\x05"  # RFC 1928 section 3
SOCKS = "what lies behind a SOCKS proxy is not measured"


async def measure(url: str, ways: Ways, deadlines: Deadlines) -> Way:
    """The way to `url` as far as it goes. It sends nothing but what opens connections, and the login of a proxy to that proxy."""
    began = time.perf_counter()
    try:
        target = read(url)
    except BadAddress as exc:
        return Way("", 0, False, unmeasured=str(exc))
    tls = target.scheme in ("https", "wss")
    way = Way(target.host, target.port or (443 if tls else 80), tls)
    try:
        route = ways.to(url)
        context = ways.tls(url, route)
    except BadVariable as exc:
        return replace(way, variable=exc.variable, variable_failure=str(exc))
    way = replace(way, route=str(route), variable=route.variable, bypassed=bool(route.variable and not route.proxy))
    gone = await _Road(way, _proxy_of(route), ways, context, deadlines).go()
    return replace(gone, took_ms=round((time.perf_counter() - began) * 1000, 1))


async def spoken_at(way: Way, ways: Ways, deadlines: Deadlines) -> str:
    """What is spoken where plain HTTP failed: `TLS`, `HTTP`, or how else what comes begins, "" for nothing.

    One ClientHello is sent, the same way. It never raises, and trusts nobody.
    """
    if way.proxied or way.hop is None or all(dial.failure for dial in way.hop.dials):
        return ""
    road = _Road(way, None, ways, Lenient().context, deadlines)
    came = b""
    with suppress(OSError):  # a deadline that passes is one
        async with asyncio.timeout(deadlines.connect_s):
            stream = await road.again()
            try:
                came = await answer_to_hello(stream, way.host, deadlines.connect_s)
            finally:
                stream.close()
    if leads_to_tls(came):
        return "TLS"
    return "HTTP" if came.startswith(b"HTTP/") else in_words(came)


async def _greeted(stream: Stream) -> bytes:
    """What answers to a client of SOCKS 5 that has no login."""
    async with asyncio.timeout(_GLANCE_S):
        await stream.send(_SOCKS_5 + b"\x01\0")
        return await stream.receive()


def _proxy_of(route: Route) -> Address | None:
    return read(route.proxy.reveal()) if route.proxy else None


@dataclass
class _Road:
    """From here to a server. `address` is the one of the first machine's addresses that opened, "" before one did."""

    way: Way
    proxy: Address | None
    ways: Ways
    context: ssl.SSLContext | None
    deadlines: Deadlines
    address: str = ""

    @property
    def first(self) -> tuple[str, int]:
        """The machine that is connected to."""
        return (self.proxy.host, self.proxy.port or 80) if self.proxy else (self.way.host, self.way.port)

    async def go(self) -> Way:
        """The way with all that was measured of it."""
        host, port = self.first
        lookups = await look_up(host, port, self.deadlines.connect_s)
        dialling = Dialling(in_order(lookups), port, self.deadlines.connect_s)
        way = self.way
        try:
            if opened := await dialling.opened():
                self.address, connected = opened
                try:
                    way = await self._beyond(Stream(connected))
                finally:
                    connected.close()
            return replace(way, hop=Hop(host, port, lookups, await dialling.dials()))
        finally:
            dialling.close()

    async def _beyond(self, stream: Stream) -> Way:
        """What lies behind the first connection: a tunnel where there is a proxy, then TLS."""
        if self.proxy and self.proxy.scheme.startswith("socks"):
            return replace(self.way, unmeasured=SOCKS)
        if not self.way.tls:
            return self.way
        opened = None
        if self.proxy:
            stream, opened = await self._tunnelled(stream, self.proxy)
            if opened.failure:
                return replace(self.way, tunnel=opened)
        return replace(self.way, tunnel=opened, handshake=await self._secured(stream))

    async def _tunnelled(self, stream: Stream, proxy: Address) -> tuple[Stream, Tunnel]:
        if proxy.scheme == "https" and self.context:
            stream = tls = Tls(stream, self.context, proxy.host)
            failure, detail = await shaken(tls, self.deadlines.connect_s)
            if failure not in ("", "late"):
                said = f"it answers in plain HTTP: {detail}" if failure == "plain-http" else detail
                return stream, Tunnel(failure="tls", detail=said)
        opened = await tunnel(stream, proxy, self.way.host, self.way.port, self.deadlines.request_s)
        if proxy.scheme == "http" and opened.failure in ("closed", "not-http"):
            opened = await self._otherwise(opened, proxy)
        return stream, opened

    async def _otherwise(self, opened: Tunnel, proxy: Address) -> Tunnel:
        """The same where nothing else is spoken by what was asked for CONNECT in vain; else that it speaks TLS, or SOCKS."""
        if leads_to_tls(await self._answer(proxy, lambda stream: answer_to_hello(stream, proxy.host, _GLANCE_S))):
            return replace(opened, failure="tls", detail="it speaks TLS, and the variable begins with http://")
        if (await self._answer(proxy, _greeted)).startswith(_SOCKS_5):
            return replace(opened, failure="not-http", words="SOCKS, and the variable begins with http://")
        return opened

    async def _answer(self, proxy: Address, ask: Callable[[Stream], Awaitable[bytes]]) -> bytes:
        """What the proxy answers over a connection of its own, b"" for nothing."""
        with suppress(OSError):  # a deadline that passes is one
            async with asyncio.timeout(self.deadlines.connect_s):
                stream = Stream(await connection(self.address or proxy.host, proxy.port or 80))
                try:
                    return await ask(stream)
                finally:
                    stream.close()
        return b""

    async def _secured(self, stream: Stream) -> Handshake:
        ways, host = self.ways, self.way.host
        return await handshake(stream, host, ways.trust(), ways.environment, self.again, self.deadlines.connect_s)

    async def again(self) -> Stream:
        """One more connection to the server. Raises OSError where there is none any more."""
        host, port = self.first
        stream = Stream(await connection(self.address or host, port))
        try:
            if self.proxy:
                stream, opened = await self._tunnelled(stream, self.proxy)
                if opened.failure:
                    raise ConnectionError(opened.failure)
        except BaseException:
            stream.close()
            raise
        return stream
