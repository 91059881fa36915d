"""ICE over TCP (RFC 6544): a passive listener at each address of this machine, which all calls of an emulator share.

A connection belongs to the call whose ICE fragment its first STUN request names. From then on it is one more socket of aioice's: it
carries that call's datagrams, each behind its length in two bytes (RFC 4571).
"""

from __future__ import annotations

import asyncio

from aioice import Candidate, Connection, stun
from aioice.candidate import candidate_foundation
from aioice.ice import StunProtocol

from rtdiag.emulator.media.ice import NONSENSE, pass_over_nonsense

PRIORITY = 1671430143  # as recorded; below that of UDP, 2130706431
MOST_NAMELESS, NAMED_WITHIN_S = 100, 10  # connections whose call is not known yet, and how long one may be so
MOST_OF_A_CALL = 8
MOST_FRAME_BYTES = 8192  # what pion reads at most
MOST_UNSENT_BYTES = 262_144  # more is dropped, as datagrams are


class Door:
    """The listeners, open from the first call on."""

    def __init__(self) -> None:
        self.nameless: set[_Stream] = set()
        self._calls: dict[str, Connection] = {}
        self._servers: dict[str, asyncio.Server | None] = {}
        self._opening = asyncio.Lock()

    async def port(self, address: str) -> int | None:
        """The port at that address, None where none can be had."""
        async with self._opening:
            if address not in self._servers:
                self._servers[address] = await self._listen(address)
        server = self._servers[address]
        return int(server.sockets[0].getsockname()[1]) if server else None

    def expect(self, fragment: str, connection: Connection) -> None:
        """Who names that fragment is let in."""
        self._calls[fragment] = connection

    def forget(self, fragment: str) -> None:
        """No more are let in; those that are end with the connection."""
        self._calls.pop(fragment, None)

    def close(self) -> None:
        """Ends the listeners, and what never said whom it wants."""
        for server in filter(None, self._servers.values()):
            server.close()
        for stream in tuple(self.nameless):
            stream.abort()

    def called(self, frame: bytes) -> Connection | None:
        """Whom the first frame of a connection is for, if there is room."""
        try:
            user = stun.parse_message(frame).attributes.get("USERNAME", "")
        except NONSENSE:
            return None
        found = self._calls.get(user.partition(":")[0])
        return found if found and len(_streams(found)) < MOST_OF_A_CALL else None

    async def _listen(self, address: str) -> asyncio.Server | None:
        try:
            return await asyncio.get_running_loop().create_server(lambda: _Stream(self), address, 0)
        except OSError:
            return None


class _Stream(asyncio.Protocol):
    """One connection, and the transport of datagrams that aioice takes it for."""

    _tcp: asyncio.Transport
    _patience: asyncio.TimerHandle

    def __init__(self, door: Door) -> None:
        self._door, self._unread = door, bytearray()
        self._ice: StunProtocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._tcp = transport
        self._patience = asyncio.get_running_loop().call_later(NAMED_WITHIN_S, self.abort)
        self._door.nameless.add(self)
        if len(self._door.nameless) > MOST_NAMELESS:
            self.abort()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while len(self._unread) >= 2 and not self._tcp.is_closing():
            end = 2 + int.from_bytes(self._unread[:2], "big")
            if end > 2 + MOST_FRAME_BYTES:
                return self.abort()
            if len(self._unread) < end:
                return None
            frame = bytes(self._unread[2:end])
            del self._unread[:end]
            self._take(frame)
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """The call goes on: its client may come back, over this way or another, until it has been silent for too long."""
        self._patience.cancel()
        self._door.nameless.discard(self)
        if self._ice:
            connection = self._ice.receiver
            connection._protocols = [each for each in connection._protocols if each is not self._ice]

    def sendto(self, datagram: bytes, _: object) -> None:
        """To the client; nothing where it is gone, or does not read."""
        if not self._tcp.is_closing() and self._tcp.get_write_buffer_size() < MOST_UNSENT_BYTES:
            self._tcp.write(len(datagram).to_bytes(2, "big") + datagram)

    def close(self) -> None:
        """With the call."""
        if self._tcp.get_write_buffer_size():
            self.abort()  # who does not read would hold it open
        self._tcp.close()
        if self._ice:
            self._ice.connection_lost(None)

    def abort(self) -> None:
        """At once."""
        self._tcp.abort()

    def _take(self, frame: bytes) -> None:
        self._ice = self._ice or self._joined(frame)
        if self._ice:
            self._ice.datagram_received(frame, self._tcp.get_extra_info("peername"))
        else:
            self.abort()

    def _joined(self, frame: bytes) -> StunProtocol | None:
        """From now on a socket of the call that the frame names."""
        connection = self._door.called(frame)
        if connection is None:
            return None
        self._patience.cancel()
        self._door.nameless.discard(self)
        ice = StunProtocol(connection)
        ice.connection_made(self)  # type: ignore[arg-type]
        ice.local_candidate = _candidate(*self._tcp.get_extra_info("sockname")[:2])
        pass_over_nonsense(ice)
        connection._protocols.append(ice)
        return ice


def foundation(address: str) -> str:
    """Of the candidate at that address, as aioice makes those of UDP."""
    return candidate_foundation("host", "tcp", address)


def _candidate(address: str, port: int) -> Candidate:
    return Candidate(foundation(address), 1, "tcp", PRIORITY, address, port, "host", tcptype="passive")


def _streams(connection: Connection) -> list[StunProtocol]:
    return [each for each in connection._protocols if each.local_candidate.transport == "tcp"]
