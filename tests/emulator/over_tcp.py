"""What a browser does and aiortc does not: ICE over TCP. A bridge carries aiortc's datagrams to the answer's TCP candidate."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

CANDIDATE = re.compile(r"a=candidate:\S+ 1 tcp \d+ (\S+) (\d+) typ host tcptype passive ufrag \S+\r\n")
_ANY = re.compile(r"a=candidate:.*\r\n")


def door(answer: str) -> tuple[str, int]:
    """Where the first TCP candidate of an answer lies."""
    found = CANDIDATE.search(answer)
    assert found, answer
    return found[1], int(found[2])


def framed(datagram: bytes) -> bytes:
    """Behind its length (RFC 4571)."""
    return len(datagram).to_bytes(2, "big") + datagram


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """The next datagram. Raises IncompleteReadError at the end."""
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._transport: Any = None
        self._client: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._client = addr
        self._writer.write(framed(data))

    async def back(self, reader: asyncio.StreamReader) -> None:
        """What comes over TCP, to who spoke last, until its end."""
        try:
            while True:
                self._transport.sendto(await read_frame(reader), self._client)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass


@asynccontextmanager
async def bridged(answer: str) -> AsyncIterator[tuple[str, asyncio.StreamWriter]]:
    """The answer with one candidate, that of a bridge, and the bridge's connection."""
    address, port = door(answer)
    reader, writer = await asyncio.open_connection(address, port)
    loop = asyncio.get_running_loop()
    transport, udp = await loop.create_datagram_endpoint(lambda: _Udp(writer), local_addr=(address, 0))
    back = asyncio.ensure_future(udp.back(reader))
    here = transport.get_extra_info("sockname")[1]
    one = f"a=candidate:1 1 udp 2130706431 {address} {here} typ host\r\n"
    try:
        yield _ANY.sub("", answer.replace(CANDIDATE.search(answer)[0], "@\r\n", 1)).replace("@\r\n", one), writer  # type: ignore[index]
    finally:
        back.cancel()
        transport.close()
        writer.close()
