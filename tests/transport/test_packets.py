"""Packets that are lost are counted: by what is sent again, and by numbers that are missing."""

from __future__ import annotations

import asyncio
import socket
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from rtdiag.transport.packets import Chunks, Packets, Records, of_tcp


def record(number: int, epoch: int = 1, kind: int = 23, content: bytes = b"xyz") -> bytes:
    """A record of DTLS 1.2."""
    return bytes([kind, 254, 253]) + epoch.to_bytes(2) + number.to_bytes(6) + len(content).to_bytes(2) + content


def heard(*datagrams: bytes) -> Packets:
    records = Records()
    for one in datagrams:
        records.heard(("192.0.2.1", 3478), one)
    return records.packets


@pytest.mark.parametrize(
    ("datagrams", "sent", "lost"),
    [
        ([], 0, 0),
        ([record(n) for n in range(5)], 5, 0),
        ([record(n) for n in (0, 1, 4)], 5, 2),
        ([record(n) for n in (3, 0, 1, 2)], 4, 0),
        ([record(7), record(9)], 3, 1),
        ([record(0) + record(1), record(2)], 3, 0),
        ([record(0), record(5, epoch=0), record(7, epoch=0)], 4, 1),
        ([record(0), record(0)], 1, 0),
        ([b"\x80" * 40, b"\x00\x01", record(0)[:12], b""], 0, 0),
        ([record(0, content=b"")[:-2] + b"\xff\xff"], 1, 0),
    ],
    ids=["none", "all", "missing", "late", "begun later", "two in one", "a handshake", "twice", "others", "cut short"],
)
def test_a_number_that_is_missing_is_a_packet_that_is_lost(datagrams: list[bytes], sent: int, lost: int) -> None:
    assert heard(*datagrams) == Packets(sent, lost)


def test_strangers_fill_no_memory() -> None:
    records = Records()
    for port in range(1000):
        records.heard(("192.0.2.1", port), record(0))
    assert records.packets.sent == 100


class Association:
    """What is used of aiortc's."""

    async def _send_chunk(self, chunk: Any) -> None:
        """Sends."""

    async def _receive_sack_chunk(self, chunk: Any) -> None:
        """Takes note."""


def chunks(*steps: tuple[float, str, int] | tuple[float, str, int, int], round_trip_ms: float | None = None) -> Packets:
    """What is counted of pieces that are sent, and acknowledged with how many that came twice, each at a time in ms."""
    clock = [0.0]
    counted, association = Chunks(lambda: clock[0], lambda: round_trip_ms), Association()
    counted.watch(association)
    for at_ms, step, number, *twice in steps:
        clock[0] = at_ms
        if step == "sent":
            asyncio.run(association._send_chunk(SimpleNamespace(tsn=number)))
        else:
            sack = SimpleNamespace(cumulative_tsn=number, duplicates=[number] * sum(twice))
            asyncio.run(association._receive_sack_chunk(sack))
    return counted.packets


def test_what_is_sent_again_was_lost() -> None:
    found = chunks(
        (0, "sent", 1), (10, "acknowledged", 1), (20, "sent", 2), (1020, "sent", 2), (1030, "acknowledged", 2)
    )
    assert found == Packets(3, 1, 1000.0)


def test_what_came_twice_was_only_late() -> None:
    assert chunks((0, "sent", 1), (1000, "sent", 1), (1600, "acknowledged", 1, 1)) == Packets(2, 0, 0.0)


@pytest.mark.parametrize(
    ("acknowledged", "found"),
    [
        ([(2000, "acknowledged", 1)], Packets(2, 0, 0.0)),  # the first one was, and the second is on its way
        ([(2000, "acknowledged", 1), (3000, "acknowledged", 1, 1)], Packets(2, 0, 0.0)),
        ([(2000, "sent", 1), (3000, "acknowledged", 1)], Packets(3, 1, 1000.0)),  # the second was
    ],
)
def test_what_is_acknowledged_sooner_than_in_a_round_trip_was_sent_again_in_vain(
    acknowledged: list[Any], found: Packets
) -> None:
    assert chunks((0, "sent", 1), (1000, "sent", 1), *acknowledged, round_trip_ms=2000.0) == found


def test_what_is_waited_for_at_once_counts_once() -> None:
    again = chunks(
        (0, "sent", 1), (0, "sent", 2), (1000, "sent", 1), (1000, "sent", 2), (1010, "acknowledged", 2)
    )  # fmt: skip
    assert again == Packets(4, 2, 1000.0)


def test_whether_the_way_is_gone_is_not_known_by_what_is_sent_in_vain() -> None:
    assert chunks(*((n * 1000.0, "sent", 1) for n in range(20))) == Packets()


def test_numbers_begin_anew() -> None:
    last = 2**32 - 1
    assert chunks((0, "sent", last), (1, "sent", 0), (2, "sent", 0), (3, "acknowledged", 0)) == Packets(3, 1, 1.0)


def test_aiortc_still_has_what_is_watched() -> None:
    from aiortc.rtcsctptransport import DataChunk, RTCSctpTransport, SackChunk

    assert callable(RTCSctpTransport._send_chunk)
    assert callable(RTCSctpTransport._receive_sack_chunk)
    assert {"tsn"} <= set(vars(DataChunk()))
    assert {"cumulative_tsn", "duplicates"} <= set(vars(SackChunk()))
    bare = object()
    Chunks(lambda: 0.0).watch(bare)  # and where it has not, nothing is counted


class Linux:
    """A socket that says what Linux would."""

    def __init__(self, again: int, sent: int, twice: int, in_vain: int = 0, peer: str = "192.0.2.1", size: int = 232):
        told = bytearray(232)
        told[2] = in_vain
        for at, number in ((100, again), (156, sent), (216, twice)):
            told[at : at + 4] = number.to_bytes(4, sys.byteorder)
        self._told, self._peer = bytes(told[:size]), peer

    def getpeername(self) -> tuple[str, int]:
        return (self._peer, 443)

    def getsockopt(self, *_: int) -> bytes:
        return self._told


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it")
@pytest.mark.parametrize(
    ("sock", "found"),
    [
        (Linux(5, 20, 2), Packets(21, 3)),
        (Linux(5, 20, 2, in_vain=3), Packets(21, 0)),
        (Linux(5, 20, 0, size=200), Packets(21, 5)),
        (Linux(5, 20, 0, size=104), None),
        (Linux(5, 20, 0, peer="127.0.0.1"), None),
        (Linux(5, 20, 0, peer="::1"), None),
        (None, None),
    ],
)
def test_of_a_connection_linux_tells_it(sock: Any, found: Packets | None) -> None:
    assert of_tcp(sock) == found


def test_of_one_that_is_closed_nobody_tells_it() -> None:
    sock = socket.socket()
    sock.close()
    assert of_tcp(sock) is None


@pytest.mark.parametrize(("sent", "lost", "lossy"), [(0, 0, False), (10, 1, False), (10, 2, True), (100, 4, False)])
def test_one_that_is_lost_makes_no_lossy_way(sent: int, lost: int, lossy: bool) -> None:
    assert Packets(sent, lost).lossy is lossy
