"""The other end of a session's media as a test wants it: what it answers over UDP and over TCP, and the answer that names it.

It knows STUN alone, and takes part as an ICE-lite server does: it never asks first.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from aioice import stun
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

Address = tuple[str, int]
# What is answered to a check, None for nothing; `number` is how many came before.
Says = Callable[[stun.Message, Address, int], stun.Message | None]

FRAGMENT, PASSWORD = "fake", "FAKE-password-of-24-chars"


def silence(request: stun.Message, sender: Address, number: int) -> stun.Message | None:
    """Nothing is ever answered."""
    return None


def deaf(request: stun.Message, sender: Address, number: int) -> stun.Message | None:
    """The same, and what is no STUN is not ended either, as a firewall has it that takes everything away."""
    return None


def every_third(request: stun.Message, sender: Address, number: int) -> stun.Message | None:
    """Of what comes later than a library's first checks every third is answered: the rest is lost."""
    return lite(request, sender, number) if number > 2 and number % 3 == 0 else None


def lite(request: stun.Message, sender: Address, number: int) -> stun.Message | None:
    """What is signed with the password is answered, all else is dropped, as pion does."""
    if not request.check_message_integrity(PASSWORD.encode()):
        return None
    answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id)
    answer.attributes["XOR-MAPPED-ADDRESS"] = sender
    answer.add_message_integrity(PASSWORD.encode())
    return answer


def once(request: stun.Message, sender: Address, number: int) -> stun.Message | None:
    """The first check alone is answered: what comes after is lost."""
    return lite(request, sender, number) if number == 0 else None


def refuses(request: stun.Message, sender: Address, number: int) -> stun.Message | None:
    """Every check is refused as one without credentials."""
    answer = stun.Message(stun.Method.BINDING, stun.Class.ERROR, transaction_id=request.transaction_id)
    answer.attributes["ERROR-CODE"] = (401, "Unauthenticated")
    answer.add_fingerprint()
    return answer


class Udp(asyncio.DatagramProtocol):
    """Answers as `says`."""

    def __init__(self, says: Says) -> None:
        self.says, self.number = says, 0
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        answer = answered(data, addr[:2], self.says, self.number)
        self.number += 1
        if answer:
            self.transport.sendto(answer, addr)


def answered(data: bytes, sender: Address, says: Says, number: int) -> bytes | None:
    """What goes back for these bytes."""
    try:
        request = stun.parse_message(data)
    except ValueError:
        return None
    answer = says(request, sender, number) if request.message_class == stun.Class.REQUEST else None
    return bytes(answer) if answer else None


@asynccontextmanager
async def udp(host: str, says: Says) -> AsyncIterator[str]:
    """Takes datagrams at that address; its candidate."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Udp(says), local_addr=(host, 0))
    yield over_udp(host, transport.get_extra_info("sockname")[1])
    transport.close()


@asynccontextmanager
async def tcp(host: str, says: Says) -> AsyncIterator[str]:
    """Takes connections at that address, and answers what comes in frames; its candidate."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                frame = await reader.readexactly(length)
                if frame[0] > 0x3F and says is not deaf:
                    return writer.transport.abort()
                answer = answered(frame, writer.get_extra_info("peername")[:2], says, 0)
                if answer:
                    writer.write(struct.pack("!H", len(answer)) + answer)
        except (EOFError, ConnectionError):
            writer.transport.abort()

    async with await asyncio.start_server(serve, host) as server:
        yield over_tcp(host, server.sockets[0].getsockname()[1])


def over_udp(host: str, port: int) -> str:
    """The line of a candidate."""
    return f"a=candidate:1 1 udp 2130706431 {host} {port} typ host"


def over_tcp(host: str, port: int) -> str:
    """The line of one that is connected to."""
    return f"a=candidate:2 1 tcp 1671430143 {host} {port} typ host tcptype passive"


async def answer(offer: bytes, *lines: str, password: str = PASSWORD) -> str:
    """An answer to the offer with these candidates, by aiortc for all that is not ICE."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    await peer.setRemoteDescription(RTCSessionDescription(offer.decode(), "offer"))
    sdp = (await peer.createAnswer()).sdp.replace("a=setup:active", "a=setup:passive")
    await peer.close()
    sdp = re.sub(r"(?m)^a=ice-ufrag:.*$", f"a=ice-ufrag:{FRAGMENT}\r", sdp)
    sdp = re.sub(r"(?m)^a=ice-pwd:.*$", f"a=ice-pwd:{password}\r", sdp)
    sdp = re.sub(r"(?m)^a=(candidate:.*|end-of-candidates)\r\n", "", sdp)
    ways = "".join(f"{line}\r\n" for line in lines)
    return re.sub(r"(?m)^a=ice-pwd:.*\r\n", lambda found: found[0] + ways, sdp).replace(
        "t=0 0", "t=0 0\r\na=ice-lite", 1
    )


def own_address(offer: bytes) -> str:
    """An address of this machine that aioice uses, which is not loopback."""
    found = re.search(rb"^a=candidate:\S+ \d udp \d+ ([\d.]+) \d+ typ host", offer, re.MULTILINE)
    assert found, "this machine has no address but loopback"
    return found[1].decode()
