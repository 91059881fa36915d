"""STUN and TURN servers on loopback that do as they are told, over UDP and TCP, and what they may say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aioice import stun
from aioice.turn import make_integrity_key

Says = Callable[[stun.Message], bytes | None]

USER, PASSWORD, REALM = "someone", "FAKE-credential-7", "realm.test"
MAPPED, RELAYED = ("203.0.113.7", 4711), ("203.0.113.9", 50000)


class Server:
    """What it was asked, in order, and where it listens."""

    def __init__(self, says: Says) -> None:
        self.asked: list[stun.Message] = []
        self.port = 0
        self._says = says

    def answer(self, data: bytes) -> bytes | None:
        self.asked.append(stun.parse_message(data))
        return self._says(self.asked[-1])


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if answer := self._server.answer(data):
            self._transport.sendto(answer, addr)


@asynccontextmanager
async def over_udp(says: Says, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    server = Server(says)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(server), local_addr=(host, 0))
    server.port = transport.get_extra_info("sockname")[1]
    try:
        yield server
    finally:
        transport.close()


@asynccontextmanager
async def over_tcp(says: Says) -> AsyncIterator[Server]:
    """Says nothing more, and ends the connection, where it has no answer."""
    server = Server(says)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(20):
            answer = server.answer(head + await reader.readexactly(int.from_bytes(head[2:4])))
            if answer is None:
                break
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


def success(request: stun.Message, **attributes: Any) -> bytes:
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    return bytes(stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id, named))


def error(request: stun.Message, code: int, reason: str = "", **attributes: Any) -> bytes:
    named = {"ERROR-CODE": (code, reason), **attributes}
    return bytes(stun.Message(request.message_method, stun.Class.ERROR, request.transaction_id, named))


def bound(request: stun.Message) -> bytes:
    """A STUN server that is well."""
    return success(request, XOR_MAPPED_ADDRESS=MAPPED)


def relaying(request: stun.Message, nonce: bytes = b"one") -> bytes:
    """A TURN server that is well: 401 with realm and nonce, then what is signed right."""
    if "MESSAGE-INTEGRITY" not in request.attributes:
        return error(request, 401, "Unauthorized", REALM=REALM, NONCE=nonce)
    assert request.check_message_integrity(make_integrity_key(USER, REALM, PASSWORD))
    if request.attributes["NONCE"] != nonce:
        return error(request, 438, "Stale Nonce", REALM=REALM, NONCE=nonce)
    if request.message_method == stun.Method.REFRESH:
        return success(request, LIFETIME=0)
    return success(request, XOR_MAPPED_ADDRESS=MAPPED, XOR_RELAYED_ADDRESS=RELAYED, LIFETIME=600)


def refusing(code: int, reason: str) -> Says:
    """A TURN server that says so to what is signed."""

    def says(request: stun.Message) -> bytes:
        if "MESSAGE-INTEGRITY" not in request.attributes:
            return relaying(request)
        return error(request, code, reason, REALM=REALM, NONCE=b"one")

    return says


def handing_on(host: str, port: int) -> Says:
    """A TURN server that names another (300, ALTERNATE-SERVER)."""

    def says(request: stun.Message) -> bytes:
        plain = error(request, 300, "Try Alternate")
        place = stun.pack_address((host, port))
        return stun.set_body_length(
            plain + (0x8023).to_bytes(2) + len(place).to_bytes(2) + place, len(plain) - 20 + 4 + len(place)
        )

    return says
