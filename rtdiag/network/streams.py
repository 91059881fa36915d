"""Bytes over an open connection, and TLS over that or over other TLS, with what asyncio's own streams hide: what came, and when."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rtdiag.api.expressions import expression
from rtdiag.transport.addresses import printable

if TYPE_CHECKING:
    import socket

_AT_ONCE_BYTES = 16 * 1024
_MOST_KEPT_BYTES = 256
_MOST_SHOWN = 60
HTTP2 = "HTTP/2"
# The first frame of a server of HTTP/2 is SETTINGS, or GOAWAY where it heard something else: of stream 0, RFC 9113 section 4.1.
_HTTP2 = re.compile(rb"(?s)\0..[\x04\x07]\0\0{4}")
_NO_TEXT = expression("[\0-\x08\x0b-\x1f\x7f\N{REPLACEMENT CHARACTER}]")


def in_words(raw: bytes) -> str:
    """How what came begins, for a person: its first line, or what it is where that is no text; "" for nothing."""
    line = raw.splitlines()[0].decode("utf-8", "replace") if raw else ""
    if _HTTP2.match(raw):
        return HTTP2
    return "something binary" if _NO_TEXT.search(line) else printable(line)[:_MOST_SHOWN]


class Stream:
    """An open connection. What it waits for has no deadline of its own; cancelling leaves it to be closed."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._ahead = b""

    async def send(self, raw: bytes) -> None:
        """All of it. Raises OSError."""
        await asyncio.get_running_loop().sock_sendall(self._socket, raw)

    async def receive(self) -> bytes:
        """What comes next, b"" at the end. Raises OSError."""
        if self._ahead:
            raw, self._ahead = self._ahead, b""
            return raw
        return await self._receive()

    def unread(self, raw: bytes) -> None:
        """What was received and belongs to what comes next."""
        self._ahead = raw

    async def _receive(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._socket, _AT_ONCE_BYTES)

    def close(self) -> None:
        self._socket.close()


class Tls(Stream):
    """TLS over another stream. `came` begins what was received, as it crossed the wire."""

    def __init__(self, under: Stream, context: ssl.SSLContext, host: str) -> None:
        super().__init__(under._socket)
        self._under = under
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl = context.wrap_bio(self._in, self._out, server_hostname=host)
        self.came = b""
        self.took_ms = 0.0

    async def shake(self) -> None:
        """The handshake; `took_ms` says how long that was. Raises OSError, of which ssl.SSLError is one."""
        began = time.perf_counter()
        try:
            await self._shake()
        finally:
            self.took_ms = round((time.perf_counter() - began) * 1000, 1)

    async def _shake(self) -> None:
        while True:
            try:
                self.ssl.do_handshake()
                return await self._flush()
            except ssl.SSLWantReadError:
                await self._turn()
            except ssl.SSLError:
                with suppress(OSError):
                    await self._flush()  # the alert that tells the server why
                raise

    async def glance(self) -> None:
        """Takes what the server says of its own after the handshake, a ticket or an alert. Raises OSError."""
        if not self._in.pending:
            await self._turn()
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            self.unread(self.ssl.read(_AT_ONCE_BYTES))

    async def send(self, raw: bytes) -> None:
        self.ssl.write(raw)
        await self._flush()

    async def _receive(self) -> bytes:
        while True:
            try:
                return self.ssl.read(_AT_ONCE_BYTES)
            except ssl.SSLWantReadError:
                await self._turn()
            except ssl.SSLZeroReturnError:
                return b""

    async def _turn(self) -> None:
        """Sends what is to be sent, and takes what comes."""
        await self._flush()
        raw = await self._under.receive()
        self.came = (self.came + raw)[:_MOST_KEPT_BYTES]
        if raw:
            self._in.write(raw)
        else:
            self._in.write_eof()

    async def _flush(self) -> None:
        if raw := self._out.read():
            await self._under.send(raw)
