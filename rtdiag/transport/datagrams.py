"""What crosses the UDP sockets of one peer: datagrams per pair of addresses, answers, and who refuses them how.

aioice tells none of it and takes no notice of errors. But its sockets are made by the event loop, so they are watched there: a
protocol and a transport stand between asyncio and aioice, pass everything on, and count.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rtdiag.transport.packets import Records

Address = tuple[str, int]

# Linux tells what ICMP said, and by whom it was said, in a queue of its own (ip(7), ipv6(7)); Python names none of the three.
_IP_RECVERR, _IPV6_RECVERR, _MSG_ERRQUEUE = 11, 25, 0x2000
_ICMP, _ICMPV6 = 2, 3  # SO_EE_ORIGIN_ICMP and _ICMP6
_ERROR = struct.Struct(
    "=IBBB"
)  # sock_extended_err: errno, origin, type, code; 16 bytes with the rest, then who said it
_WORDS = {
    (_ICMP, 3, 0): "net unreachable",
    (_ICMP, 3, 1): "host unreachable",
    (_ICMP, 3, 2): "protocol unreachable",
    (_ICMP, 3, 3): "port unreachable",
    (_ICMP, 3, 9): "admin-prohibited",
    (_ICMP, 3, 10): "admin-prohibited",
    (_ICMP, 3, 13): "admin-prohibited",
    (_ICMP, 11, 0): "time exceeded",
    (_ICMPV6, 1, 0): "net unreachable",
    (_ICMPV6, 1, 1): "admin-prohibited",
    (_ICMPV6, 1, 3): "host unreachable",
    (_ICMPV6, 1, 4): "port unreachable",
    (_ICMPV6, 1, 5): "admin-prohibited",
    (_ICMPV6, 1, 6): "admin-prohibited",
    (_ICMPV6, 3, 0): "time exceeded",
}
_REJECTED, _REFUSED_HERE, _NO_ROUTE, _STUN = "rejected: ", "refused here: ", "no route: ", "stun "
_WHY = {errno.EPERM: _REFUSED_HERE, errno.EACCES: _REFUSED_HERE}
_WHY |= dict.fromkeys((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EINVAL), _NO_ROUTE)

_COOKIE, _HEAD = bytes.fromhex("2112a442"), 20  # of every STUN message (RFC 8489 section 5)
_REQUEST, _ANSWER, _REFUSAL = 0, 2, 3
_MOST_REMEMBERED = 500
_MOST_PAIRS = 100  # a stranger may send from as many addresses as it likes


@dataclass
class Traffic:
    """What went between two addresses.

    `answered`: checks of ours that were; `asked`: checks of theirs that came, `asked_again` those that came again, though they
    were answered. `errors` counts by word: `rejected: port unreachable by 192.0.2.1`, `refused here: EPERM`, `stun 401`.
    """

    sent: int = 0
    received: int = 0
    answered: int = 0
    asked: int = 0
    asked_again: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    refused_ms: list[float] = field(default_factory=list)

    def refused(self, why: str, at_ms: float) -> None:
        """One datagram less that can have arrived, or have done any good."""
        self.errors[why] += 1
        if len(self.refused_ms) < _MOST_REMEMBERED:
            self.refused_ms.append(at_ms)


class Datagrams:
    """Those of one peer: `pairs` by (local, remote), `last_ms` when the last one came in, `round_trip_ms` the shortest."""

    def __init__(self, now_ms: Callable[[], float]) -> None:
        self.pairs: dict[tuple[Address, Address], Traffic] = {}
        self.last_ms: float | None = None
        self.round_trip_ms: float | None = None
        self.records = Records()
        self._now_ms = now_ms
        self._asked: dict[bytes, float] = {}
        self._asking: set[bytes] = set()

    def between(self, local: Address, remote: Address) -> Traffic:
        """The traffic of that pair."""
        traffic = self.pairs.get((local, remote))
        if traffic is None:
            traffic = Traffic()
            if len(self.pairs) < _MOST_PAIRS:
                self.pairs[local, remote] = traffic
        return traffic

    def sent(self, local: Address, remote: Address, datagram: bytes) -> None:
        """That one went out."""
        self.between(local, remote).sent += 1
        if _stun(datagram) == _REQUEST and len(self._asked) < _MOST_REMEMBERED:
            self._asked.setdefault(datagram[8:_HEAD], self._now_ms())

    def received(self, local: Address, remote: Address, datagram: bytes) -> None:
        """That one came in."""
        traffic = self.between(local, remote)
        traffic.received += 1
        self.last_ms = self._now_ms()
        self.records.heard(remote, datagram)
        kind = _stun(datagram)
        if kind == _REQUEST:
            self._note_asked(traffic, datagram[8:_HEAD])
        elif kind == _ANSWER:
            traffic.answered += 1
            self._note_answer(datagram[8:_HEAD])
        elif kind == _REFUSAL:
            traffic.refused(f"{_STUN}{_code(datagram)}", self.last_ms)

    def refused(self, local: Address, remote: Address, why: str) -> None:
        """One that was sent, or should have been, is not taken."""
        self.between(local, remote).refused(why, self._now_ms())

    def _note_asked(self, traffic: Traffic, transaction: bytes) -> None:
        traffic.asked += 1
        traffic.asked_again += transaction in self._asking
        if len(self._asking) < _MOST_REMEMBERED:
            self._asking.add(transaction)

    def _note_answer(self, transaction: bytes) -> None:
        asked_ms = self._asked.pop(transaction, None)
        if asked_ms is not None and self.last_ms is not None:
            took_ms = self.last_ms - asked_ms
            self.round_trip_ms = took_ms if self.round_trip_ms is None else min(took_ms, self.round_trip_ms)


_watching: ContextVar[Datagrams | None] = ContextVar("datagrams", default=None)


@contextmanager
def watched(by: Datagrams) -> Iterator[None]:
    """The UDP sockets that this task makes meanwhile, and those that it starts, are watched for as long as they are open."""
    loop = asyncio.get_running_loop()
    make = loop.create_datagram_endpoint
    if getattr(make, "func", None) is not _endpoint:
        with suppress(AttributeError):  # a loop that is not Python's may not let it be replaced: nothing is counted
            loop.create_datagram_endpoint = partial(_endpoint, make)  # type: ignore[method-assign]
    token = _watching.set(by)
    try:
        yield
    finally:
        _watching.reset(token)


async def _endpoint(make: Callable[..., Any], factory: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
    """As the loop's own, whose protocol and transport it returns; they are watched where somebody does."""
    by = _watching.get()
    if by is None:
        return await make(factory, *args, **kwargs)
    _, between = await make(lambda: _Protocol(factory(), by), *args, **kwargs)
    return between.transport, between.inner


class _Protocol(asyncio.DatagramProtocol):
    """Stands before `inner` and tells `by` what comes."""

    def __init__(self, inner: Any, by: Datagrams) -> None:
        self.inner = inner
        self.by = by
        self.transport: _Transport
        self.local: Address
        self.sending: Address | None = None
        self.again = False  # what was to be sent was not, for an error of another datagram was told in its place

    def connection_made(self, transport: Any) -> None:
        self.local = transport.get_extra_info("sockname")[:2]
        self._socket = transport.get_extra_info("socket")
        _ask_for_icmp(self._socket)
        self.transport = _Transport(transport, self)
        self.inner.connection_made(self.transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.by.received(self.local, addr[:2], data)
        self.inner.datagram_received(data, addr)

    def error_received(self, exc: OSError) -> None:  # type: ignore[override]
        rejections = list(_rejections(self._socket))
        for remote, why in rejections:
            self.by.refused(self.local, remote, why)
        here = exc.errno in (errno.EPERM, errno.EACCES)
        self.again = bool(rejections) and not here
        if self.sending and not self.again:
            name = errno.errorcode.get(exc.errno or 0, type(exc).__name__)
            self.by.refused(self.local, self.sending, f"{_WHY.get(exc.errno or 0, 'not sent: ')}{name}")
            self.sending = None
        self.inner.error_received(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()


class _Transport:
    """asyncio's, which tells what is sent; all else is passed on."""

    def __init__(self, inner: Any, protocol: _Protocol) -> None:
        self._inner = inner
        self._protocol = protocol
        self._peer = inner.get_extra_info("peername")

    def sendto(self, data: bytes, addr: Any = None) -> None:
        protocol, remote = self._protocol, (addr or self._peer)[:2]
        protocol.sending, protocol.again = remote, False
        self._inner.sendto(data, addr)
        if protocol.again:
            protocol.again = False
            self._inner.sendto(data, addr)
        if protocol.sending is not None:
            protocol.by.sent(protocol.local, remote, data)
            protocol.sending = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _stun(datagram: bytes) -> int | None:
    """The class of a STUN message; None for any other datagram."""
    if len(datagram) < _HEAD or datagram[0] > 0x3F or datagram[4:8] != _COOKIE:
        return None
    return (datagram[0] & 1) << 1 | datagram[1] >> 4 & 1


def _code(datagram: bytes) -> int | str:
    from aioice import stun

    try:
        return stun.parse_message(datagram).error_code or "error"
    except (ValueError, struct.error):
        return "error"


def _ask_for_icmp(sock: Any) -> None:
    if sys.platform != "linux" or sock is None:
        return
    six = sock.family == socket.AF_INET6
    level, option = (socket.IPPROTO_IPV6, _IPV6_RECVERR) if six else (socket.IPPROTO_IP, _IP_RECVERR)
    with suppress(OSError):
        sock.setsockopt(level, option, 1)


def _rejections(sock: Any) -> Iterator[tuple[Address, str]]:
    """What ICMP said of datagrams of this socket, which is taken out of its queue: epoll tells of it until that is empty."""
    if sys.platform != "linux" or sock is None:
        return
    with suppress(OSError), sock.dup() as own:
        while True:
            _, ancillary, _, to = own.recvmsg(1, 512, _MSG_ERRQUEUE)
            for level, kind, told in ancillary:
                if (level, kind) in ((socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)):
                    yield from ((to[:2], why) for why in _said(told))


def _said(told: bytes) -> Iterator[str]:
    _, origin, kind, code = _ERROR.unpack_from(told)
    words = _WORDS.get((origin, kind, code))
    if words:
        yield f"{_REJECTED}{words} by {_offender(told[16:])}"


def _offender(told: bytes) -> str:
    """A sockaddr as text."""
    family = int.from_bytes(told[:2], sys.byteorder)
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, told[4:8])
    if family == socket.AF_INET6:
        return socket.inet_ntop(socket.AF_INET6, told[8:24])
    return "somebody"
