"""Datagrams are counted by what stands between asyncio and whoever makes sockets, which changes nothing for either."""

from __future__ import annotations

import asyncio
import inspect
import select
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import aioice.ice
import pytest

from rtdiag.transport.candidates import candidates, elsewhere
from rtdiag.transport.datagrams import Datagrams, Traffic, watched
from tests.ports import free_port

HERE = "127.0.0.1"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="ICMP is told by Linux alone")


class Noting(asyncio.DatagramProtocol):
    """Somebody's protocol, as aioice's."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.errors: list[Exception] = []
        self.came: asyncio.Queue[bytes] = asyncio.Queue()
        self.failed = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.came.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        self.errors.append(exc)
        self.failed.set()


@asynccontextmanager
async def counted() -> AsyncIterator[tuple[Noting, Datagrams]]:
    """A protocol whose datagrams are counted; the transport that was returned is the one that it was told."""
    seen, loop = Datagrams(lambda: 0.0), asyncio.get_running_loop()
    with watched(seen):
        transport, made = await loop.create_datagram_endpoint(Noting, local_addr=(HERE, 0))
    assert transport is made.transport
    yield made, seen
    transport.close()


def of(seen: Datagrams) -> list[Traffic]:
    return list(seen.pairs.values())


def test_what_goes_and_comes_is_counted_per_pair_and_passed_on() -> None:
    async def work() -> None:
        async with counted() as (one, seen), counted() as (other, _):
            place = other.transport.get_extra_info("sockname")
            one.transport.sendto(b"hello", place)
            assert await other.came.get() == b"hello"
            other.transport.sendto(b"hello yourself", one.transport.get_extra_info("sockname"))
            assert await one.came.get() == b"hello yourself"
            assert seen.pairs == {(one.transport.get_extra_info("sockname"), place): Traffic(sent=1, received=1)}

    asyncio.run(work())


def test_sockets_of_others_are_left_alone_in_the_same_loop() -> None:
    async def work() -> type:
        async with counted():
            transport, made = await asyncio.get_running_loop().create_datagram_endpoint(Noting, local_addr=(HERE, 0))
            transport.close()
            return type(made.transport)

    assert asyncio.run(work()).__module__.startswith("asyncio.")


@LINUX
def test_a_rejection_says_which_way_and_by_whom_and_is_not_told_for_ever() -> None:
    async def work() -> None:
        async with counted() as (made, seen):
            made.transport.sendto(b"hello", (HERE, free_port()))
            await made.failed.wait()
            assert [dict(one.errors) for one in of(seen)] == [{f"rejected: port unreachable by {HERE}": 1}]
            poll = select.poll()
            poll.register(made.transport.get_extra_info("socket").fileno(), 0)
            assert poll.poll(0) == [], "the queue of errors is empty: epoll has nothing to tell"
            assert isinstance(made.errors[0], ConnectionRefusedError)

    asyncio.run(work())


@LINUX
def test_a_rejection_of_one_datagram_costs_no_other() -> None:
    async def work() -> None:
        async with counted() as (one, seen), counted() as (other, _):
            one.transport.sendto(b"lost", (HERE, free_port()))  # its error waits for the next that is sent
            one.transport.sendto(b"hello", other.transport.get_extra_info("sockname"))
            assert await other.came.get() == b"hello"
            assert [(traffic.sent, bool(traffic.errors)) for traffic in of(seen)] == [(1, True), (1, False)]

    asyncio.run(work())


@pytest.mark.parametrize("datagram", [b"\x01", b"\x01\x11\0\0\x21\x12\xa4\x42" + bytes(12), bytes(20), b"\xff" * 1200])
def test_what_is_no_stun_as_it_should_be_is_counted_all_the_same(datagram: bytes) -> None:
    seen = Datagrams(lambda: 1.0)
    seen.received((HERE, 1), (HERE, 2), datagram)
    assert (of(seen)[0].received, seen.last_ms) == (1, 1.0)


def test_what_is_remembered_of_a_peer_that_never_stops_is_bounded() -> None:
    seen = Datagrams(lambda: 1.0)
    for number in range(2000):
        check = b"\x00\x01\0\0\x21\x12\xa4\x42" + number.to_bytes(12, "big")
        seen.sent((HERE, 1), (HERE, 2), check)
        seen.received((HERE, 1), (HERE, 2), check)
        seen.refused((HERE, 1), (HERE, 2), "stun 401")
        seen.received((HERE, 1), (HERE, number + 3), b"from another port")
    assert len(seen.pairs) <= 100
    assert (of(seen)[0].asked, of(seen)[0].sent) == (2000, 2000)
    assert max(len(seen._asked), len(seen._asking), len(of(seen)[0].refused_ms)) <= 500


def test_checks_that_come_again_are_told_from_new_ones() -> None:
    seen = Datagrams(lambda: 1.0)
    for number in (1, 2, 2):
        seen.received((HERE, 1), (HERE, 2), b"\x00\x01\0\0\x21\x12\xa4\x42" + bytes([number]) * 12)
    assert (of(seen)[0].asked, of(seen)[0].asked_again) == (3, 1)


def test_aioice_still_counts_late_consents_by_the_name_that_is_widened_here() -> None:
    assert aioice.ice.CONSENT_FAILURES == 6
    assert "failures >= CONSENT_FAILURES" in inspect.getsource(aioice.ice.Connection.query_consent)


OWN = (ip_network("10.13.0.0/24"), ip_network("fd13::/64"))


@pytest.mark.parametrize(
    ("candidate", "reached", "away"),
    [
        ("172.31.44.5", "10.13.0.1", True),
        ("172.31.44.5", "1.1.1.1", True),
        ("169.254.10.1", "1.1.1.1", True),
        ("100.64.3.2", "1.1.1.1", True),
        ("fe80::1", "2606:4700::1111", True),
        ("127.0.0.1", "1.1.1.1", True),
        ("1.0.0.1", "1.1.1.1", False),
        ("10.13.0.7", "1.1.1.1", False),
        ("fd13::9", "10.13.0.1", False),
        ("172.31.44.5", "172.31.44.5", False),
        ("172.31.44.5", "10.77.0.1", False),  # private networks further away are reached here
        ("172.31.44.5", None, False),
        ("a-name.local", "1.1.1.1", False),
    ],
)
def test_an_address_leads_nowhere_only_where_that_is_known(candidate: str, reached: str | None, away: bool) -> None:
    assert elsewhere(candidate, reached, OWN) is away


def test_candidates_are_read_however_odd_the_others_are() -> None:
    sdp = "\r\n".join(
        [
            "a=candidate:1 1 UDP 1 192.0.2.1 3478 typ host",
            "a=candidate:2 1 tcp 1 2001:DB8::1 443 typ host tcptype passive",
            "a=candidate:3 1 tcp 1 192.0.2.1 9 typ host tcptype active",
            "a=candidate:4 1 udp 1 192.0.2.1 99x typ host",
            "a=candidate:",
        ]
    )
    found = list(candidates(sdp))
    assert [str(one) for one in found] == [
        "udp host 192.0.2.1:3478",
        "tcp host [2001:db8::1]:443",
        "tcp host 192.0.2.1:9",
    ]
    assert [one.passive for one in found] == [False, True, False]
