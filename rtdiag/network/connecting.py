"""Connections to all addresses of a name at once, and what stands in the way of each.

An errno does not tell a closed port from a firewall, nor who rejects. On Linux a socket's error queue does: it holds the ICMP
message and its sender (ip(7), IP_RECVERR). The constants are those of linux/errqueue.h and linux/in.h.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

from rtdiag.network.way import Dial

MOST_ADDRESSES = 8
# How long an address that clients try before waits for its answer once another one is open: RFC 8305 section 8.
_HEAD_START_S = 0.25
# And how long all others do: a SYN is sent again after one second, so a lost one is not taken for a wall.
_AFTERWARDS_S = 2.5

_RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
_OF_ICMP = {2: 3, 3: 1}  # origin in the queue -> the type of ICMP that is "destination unreachable"
# Its codes that forbid: protocol, port, administratively prohibited (RFC 1812 section 5.2.7.1; RFC 4443 section 3.1).
_FORBIDS = {2: {2, 3, 9, 10, 13}, 3: {1, 4, 5, 6}}
_ERRORS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ETIMEDOUT: "dropped",
    errno.ENETUNREACH: "no-route",
    errno.EHOSTUNREACH: "no-route",
    errno.ENETDOWN: "no-route",
    errno.EADDRNOTAVAIL: "no-route",
    errno.EAFNOSUPPORT: "no-route",
    errno.EINVAL: "no-route",  # a route that is a black hole
    errno.EPERM: "refused-here",
    errno.EACCES: "refused-here",
}


class Dialling:
    """Dials each address, at most eight; `opened` gives one connection, `dials` what became of all. `close` ends what is left."""

    def __init__(self, addresses: Sequence[str], port: int, within_s: float) -> None:
        self._within_s = within_s
        self._calls = [_Call(address, port, within_s) for address in addresses[:MOST_ADDRESSES]]
        self._tasks = [asyncio.ensure_future(call.dial()) for call in self._calls]

    async def opened(self) -> tuple[str, socket.socket] | None:
        """The address that a client would get, and its connection, which is the caller's now; None where none opens."""
        waiting = set(self._tasks)
        while waiting and not any(call.open for call in self._calls):
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not any(call.open for call in self._calls):
            return None
        place = next(place for place, call in enumerate(self._calls) if call.open)
        if place:
            await asyncio.wait(self._tasks[:place], timeout=_HEAD_START_S)
        for call in self._calls:
            call.hurry(_AFTERWARDS_S)
        return next((call.address, call.taken()) for call in self._calls if call.open)

    async def dials(self) -> tuple[Dial, ...]:
        """What became of each, once that is known of all."""
        await asyncio.gather(*self._tasks)
        return tuple(call.dialled for call in self._calls)

    def close(self) -> None:
        """Ends what still waits, and closes what is open and was not taken."""
        for task, call in zip(self._tasks, self._calls, strict=True):
            task.cancel()
            call.close()


class _Call:
    """One attempt. `dialled` says what became of it; `open` that there is a connection."""

    def __init__(self, address: str, port: int, within_s: float) -> None:
        self.address = address
        self.dialled = Dial(address, port)
        self.open = self._ended = False
        self._port = port
        self._limit = asyncio.timeout(within_s)
        self._socket: socket.socket | None = None

    async def dial(self) -> None:
        """Never raises but for cancelling."""
        began, failed = time.perf_counter(), _Failed()
        try:
            self._socket = _made(self.address)
            async with self._limit:
                await asyncio.get_running_loop().sock_connect(self._socket, (self.address, self._port))
            self.open = True
        except OSError as exc:
            failed = _reason(exc, self.address, self._socket)
        took_ms = round((time.perf_counter() - began) * 1000, 1)
        self._ended = True
        self.dialled = Dial(self.address, self._port, took_ms, failed.failure, failed.detail, failed.by)
        if not self.open:
            self.close()

    def hurry(self, left_s: float) -> None:
        """It has no longer than that from now on."""
        soonest = asyncio.get_running_loop().time() + left_s
        if not self._ended and (when := self._limit.when()) is not None and when > soonest:
            self._limit.reschedule(soonest)

    def taken(self) -> socket.socket:
        """The connection, which is closed by whoever takes it."""
        assert self._socket is not None, "it is open"
        found, self._socket = self._socket, None
        return found

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


@dataclass(frozen=True)
class _Failed:
    failure: str = ""
    detail: str = ""
    by: str = ""


async def connection(address: str, port: int) -> socket.socket:
    """One more connection to an address that opened before. Raises OSError."""
    made = _made(address)
    try:
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


def _made(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    if sys.platform == "linux":
        with suppress(OSError):
            made.setsockopt(*_RECVERR[family], 1)
    return made


def _reason(exc: OSError, address: str, connection: socket.socket | None) -> _Failed:
    if isinstance(exc, TimeoutError):
        return _Failed("dropped", "nothing came back")
    detail = os.strerror(exc.errno) if exc.errno else str(exc)  # asyncio has words of its own
    if connection is not None and (told := _icmp(connection)):
        return _by_icmp(told, address, connection, detail)
    return _Failed(_ERRORS.get(exc.errno or 0, "other"), detail)


@dataclass(frozen=True)
class _Icmp:
    """A message of ICMP that an error came from: whether it forbids, and whose it is."""

    forbids: bool
    by: str


def _by_icmp(told: _Icmp, address: str, connection: socket.socket, detail: str) -> _Failed:
    """Who says of itself that it cannot be reached is a firewall; a router that says so of another has no route."""
    if told.by and told.by == connection.getsockname()[0] != address:
        return _Failed("refused-here" if told.forbids else "no-route", detail, told.by)
    return _Failed("rejected" if told.forbids or told.by == address else "no-route", detail, told.by)


def _icmp(connection: socket.socket) -> _Icmp | None:
    """The message in the error queue, None where there is none, as after RST."""
    if sys.platform != "linux":
        return None
    try:
        _, told, _, _ = connection.recvmsg(512, 512, socket.MSG_ERRQUEUE)
    except OSError:
        return None
    return next((_read(value) for level, kind, value in told if (level, kind) == _RECVERR[connection.family]), None)


def _read(value: bytes) -> _Icmp | None:
    """struct sock_extended_err, and behind it the sockaddr of the sender."""
    _, origin, kind, code = struct.unpack_from("=IBBB", value)
    if _OF_ICMP.get(origin) != kind:
        return None
    start, length = (20, 4) if origin == 2 else (24, 16)
    return _Icmp(code in _FORBIDS[origin], str(ip_address(value[start : start + length])))
