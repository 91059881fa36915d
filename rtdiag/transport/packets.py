"""How many packets were lost on the way, as far as the system, aiortc, or the numbers that they carry tell it.

Ours are lost where they had to be sent again; what the other side says it got twice was only late. Theirs are lost where a number
is missing. It judges nothing.
"""

from __future__ import annotations

import socket
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

# Where Linux has what in its struct tcp_info (include/uapi/linux/tcp.h), of which older kernels have less: how often the last one
# was sent in vain so far; how many were sent again, how many with something in them, and how many of those came twice.
_IN_VAIN, _AGAIN, _WITH_CONTENT, _TWICE = 2, 100, 156, 216
_MOST_BYTES = 256
_NUMBERS = 2**32  # those of SCTP begin anew after so many


ON_A_LOSSY_WAY = "on a way that loses packets"
_LOSSY, _FEW = 0.05, 2

# The records of DTLS 1.2: what is sent again gets a number of its own, too.
_RECORDS, _HEAD = range(20, 24), 13
_MOST_FLOWS = 100


@dataclass(frozen=True)
class Packets:
    """Of one connection: those `sent` that hold something, those of them `lost`, and how long was waited for these, if known.

    `lossy`: so many are lost that others may be waited for in vain.
    """

    sent: int = 0
    lost: int = 0
    waited_ms: float = 0.0

    def __add__(self, other: Packets) -> Packets:
        return Packets(self.sent + other.sent, self.lost + other.lost, self.waited_ms + other.waited_ms)

    @property
    def lossy(self) -> bool:
        return self.lost >= _FEW and self.lost >= _LOSSY * self.sent


def of_tcp(sock: Any) -> Packets | None:
    """What Linux has counted for a connection, with the packet that opened it; None elsewhere, on loopback, and once closed."""
    if sys.platform != "linux" or sock is None:
        return None
    try:
        if str(sock.getpeername()[0]).startswith(("127.", "::1")):
            return None
        told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _MOST_BYTES)
    except (OSError, IndexError):  # closed, or of no family that has addresses
        return None
    if len(told) < _WITH_CONTENT + 4:
        return None
    arrived = _number(told, _AGAIN) - told[_IN_VAIN]
    return Packets(1 + _number(told, _WITH_CONTENT), max(arrived - _number(told, _TWICE), 0))


def _number(told: bytes, at: int) -> int:
    return int.from_bytes(told[at : at + 4], sys.byteorder)


class Records:
    """The records of DTLS that came in, by whom and of which epoch: their numbers are in the clear (RFC 6347 section 4.1)."""

    def __init__(self) -> None:
        self._came: defaultdict[tuple[Any, int], list[int]] = defaultdict(lambda: [-1, -1, 0])  # first, last, how many

    @property
    def packets(self) -> Packets:
        """Those that were sent to us so far, and those whose numbers are missing."""
        came = [(last - first + 1, count) for first, last, count in self._came.values()]
        return Packets(sum(sent for sent, _ in came), sum(max(sent - count, 0) for sent, count in came))

    def heard(self, remote: Any, datagram: bytes) -> None:
        """That one came in, whatever it is."""
        for epoch, number in _numbers(datagram):
            if (remote, epoch) in self._came or len(self._came) < _MOST_FLOWS:
                flow = self._came[remote, epoch]
                flow[0] = number if flow[2] == 0 else min(number, flow[0])
                flow[1], flow[2] = max(number, flow[1]), flow[2] + 1


def _numbers(datagram: bytes) -> Iterator[tuple[int, int]]:
    """Epoch and number of each record."""
    at = 0
    while len(datagram) >= at + _HEAD and datagram[at] in _RECORDS:
        epoch, number = (int.from_bytes(datagram[at + a : at + b]) for a, b in ((3, 5), (5, 11)))
        yield epoch, number
        at += _HEAD + int.from_bytes(datagram[at + 11 : at + 13])


class Chunks:
    """The pieces of events that one SCTP association of aiortc sends, each in a datagram of its own (RFC 9260 section 3.3.1).

    What is not acknowledged yet is not counted: whether it will be lost, or the whole way is, is not known. What is acknowledged
    sooner than in `round_trip_ms`, the shortest that was seen, was sent before, and sent again in vain.
    """

    def __init__(self, now_ms: Callable[[], float], round_trip_ms: Callable[[], float | None] = lambda: None) -> None:
        self._now_ms, self._round_trip_ms = now_ms, round_trip_ms
        self._on_the_way: dict[int, list[float]] = {}  # when each was sent, by its number
        self._sent = self._again = self._twice = self._in_vain = 0
        self._waited_ms = self._waited_until_ms = 0.0

    @property
    def packets(self) -> Packets:
        """What was sent and acknowledged so far."""
        lost = max(self._again - max(self._twice, self._in_vain), 0)
        return Packets(self._sent, lost, round(self._waited_ms, 1) if lost else 0.0)

    def watch(self, sctp: Any) -> None:
        """Take note of what it sends from now on. aiortc tells that nowhere; where it has no such methods nothing is counted."""
        send, acknowledge = getattr(sctp, "_send_chunk", None), getattr(sctp, "_receive_sack_chunk", None)
        if send is None or acknowledge is None:
            return

        async def sending(chunk: Any) -> None:
            self.sent(getattr(chunk, "tsn", None))
            await send(chunk)

        async def acknowledging(chunk: Any) -> None:
            self.acknowledged(getattr(chunk, "cumulative_tsn", 0), len(getattr(chunk, "duplicates", ())))
            await acknowledge(chunk)

        sctp._send_chunk, sctp._receive_sack_chunk = sending, acknowledging

    def sent(self, number: int | None) -> None:
        """The piece of that number goes out; chunks without one are no pieces of events."""
        if number is not None:
            self._on_the_way.setdefault(number, []).append(self._now_ms())

    def acknowledged(self, last: int, twice: int = 0) -> None:
        """All up to that number arrived, and so many of them twice."""
        self._twice += twice
        gone_ms = self._now_ms() - (self._round_trip_ms() or 0.0)
        for number in [n for n in self._on_the_way if (last - n) % _NUMBERS < _NUMBERS // 2]:
            first_ms, *again_ms = self._on_the_way.pop(number)
            self._sent += 1 + len(again_ms)
            self._again += len(again_ms)
            needed_ms = [ms for ms in again_ms if ms <= gone_ms]
            self._in_vain += len(again_ms) - len(needed_ms)
            if needed_ms:
                self._waited_ms += max(needed_ms[-1] - max(first_ms, self._waited_until_ms), 0.0)
                self._waited_until_ms = max(needed_ms[-1], self._waited_until_ms)
