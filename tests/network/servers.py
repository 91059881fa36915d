"""Servers that misbehave: each is what it does with one connection, bytes as they are."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

DRIP_S = 0.05  # between two bytes of a server that is slow for ever
PAGE = "<!doctype html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


@dataclass(frozen=True)
class Request:
    """One request as it came: its head up to and with the empty line, and its body."""

    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        """What stands behind the method: a path, a whole URL for a proxy, or host and port after CONNECT."""
        return self.head.split(b" ", 2)[1].decode("latin-1")

    def header(self, name: str) -> str:
        """The value of the first header of that name, "" without one."""
        lines = (line.partition(":") for line in self.head.decode("latin-1").split("\r\n")[1:])
        return next((value.strip() for given, _, value in lines if given.lower() == name), "")

    @property
    def upgrades(self) -> bool:
        """Whether it asks for a WebSocket."""
        return self.header("upgrade").lower() == "websocket"


async def request_of(reader: asyncio.StreamReader) -> Request:
    """Reads one request. Raises IncompleteReadError where none comes."""
    head = await reader.readuntil(b"\r\n\r\n")
    length, chunked = Request(head, b"").header("content-length"), Request(head, b"").header("transfer-encoding")
    body = b""
    if length:
        body = await reader.readexactly(int(length))
    elif chunked:
        while not body.endswith(b"0\r\n\r\n"):
            body += await reader.readuntil(b"\r\n")
    return Request(head, body)


def answer(status: str, body: str | bytes = "", kind: str = "application/json", *headers: str) -> bytes:
    """A whole answer; `status` is such as "403 Forbidden", `kind` its content type, "" for none."""
    raw = body.encode() if isinstance(body, str) else body
    named = [f"content-type: {kind}"] if kind else []
    lines = [f"HTTP/1.1 {status}", *named, f"content-length: {len(raw)}", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + raw


def page(status: str, title: str = "", *headers: str) -> bytes:
    """An answer that is a web page."""
    return answer(status, PAGE.format(title or status), "text/html; charset=utf-8", *headers)


def says(raw: bytes) -> Behaviour:
    """Reads a request, says these bytes, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(raw)
        await writer.drain()

    return serve


def says_anew(made: Callable[[str], bytes]) -> Behaviour:
    """The same with an id of its own in each answer, as gateways have it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(made(str(uuid.uuid4())))
        await writer.drain()

    return serve


def blurts(raw: bytes) -> Behaviour:
    """Says these bytes before it is asked, and listens."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await reader.readline()

    return serve


def after_a_flight(raw: bytes) -> Behaviour:
    """Reads what comes first, whatever it is, says these bytes, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(raw)
        await writer.drain()

    return serve


closes_after_a_flight = after_a_flight(b"")


async def resets_after_a_flight(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads what comes first and resets the connection."""
    await reader.read(65536)
    reset(writer)


def handshakes(context: ssl.SSLContext) -> Behaviour:
    """Does a TLS handshake, says why where it fails (asyncio closes without a word), and waits for the other to close."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(coming, going, server_side=True)
        while _wants_more(tls):
            writer.write(going.read())
            coming.write(await reader.read(65536))
            if reader.at_eof():
                return
        writer.write(going.read())
        writer.write_eof()
        while await reader.read(65536):
            pass

    return serve


def _wants_more(tls: ssl.SSLObject) -> bool:
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return True
    except ssl.SSLError:
        return False
    return False


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes what was just opened."""
    writer.close()


async def resets_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Resets what was just opened."""
    reset(writer)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything and never answers."""
    while await reader.read(65536):
        pass


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes a request and resets the connection."""
    await request_of(reader)
    reset(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with RST."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def drips(at_once: bytes, part: bytes) -> Behaviour:
    """Takes a request, says the one, and then the other again and again, without end: each read gets a byte in good time."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(at_once)
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(DRIP_S)

    return serve


def drips_at_once(part: bytes) -> Behaviour:
    """Says that again and again, without end and without being asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(DRIP_S)

    return serve


_LONG = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
slow_body = drips(_LONG + b"content-length: 1000000\r\n\r\n", b" ")
slow_head = drips(_LONG + b"x-slow: ", b"x")
endless_chunks = drips(_LONG + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n")
