"""How many packets of ours were lost on the way: what had to be sent again, as far as the system or aiortc tells it.

It judges nothing. What the other side says it got twice was late, not lost, so it is not counted.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Where Linux has what in its struct tcp_info (include/uapi/linux/tcp.h), of which older kernels have less: how often the last one
# was sent in vain so far; how many were sent again, how many with something in them, and how many of those came twice.
_IN_VAIN, _AGAIN, _WITH_CONTENT, _TWICE = 2, 100, 156, 216
_MOST_BYTES = 256
_NUMBERS = 2**32  # those of SCTP begin anew after so many


@dataclass(frozen=True)
class Packets:
    """Of one connection: those `sent` that hold something, those of them `lost`, and how long was waited for these, if known."""

    sent: int = 0
    lost: int = 0
    waited_ms: float = 0.0

    def __add__(self, other: Packets) -> Packets:
        return Packets(self.sent + other.sent, self.lost + other.lost, self.waited_ms + other.waited_ms)


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


class Chunks:
    """The pieces of events that one SCTP association of aiortc sends, each in a datagram of its own (RFC 9260 section 3.3.1).

    What is not acknowledged yet is not counted: whether it will be lost, or the whole way is, is not known.
    """

    def __init__(self, now_ms: Callable[[], float]) -> None:
        self._now_ms = now_ms
        self._on_the_way: dict[int, list[float]] = {}  # when each was sent, by its number
        self._sent = self._again = self._twice = 0
        self._waited_ms = self._waited_until_ms = 0.0

    @property
    def packets(self) -> Packets | None:
        """What was sent and acknowledged so far; None where nothing was, or could be watched."""
        lost = max(self._again - self._twice, 0)
        return Packets(self._sent, lost, round(self._waited_ms, 1) if lost else 0.0) if self._sent else None

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
        for number in [n for n in self._on_the_way if (last - n) % _NUMBERS < _NUMBERS // 2]:
            first_ms, *again_ms = self._on_the_way.pop(number)
            self._sent += 1 + len(again_ms)
            self._again += len(again_ms)
            if again_ms:
                self._waited_ms += max(again_ms[-1] - max(first_ms, self._waited_until_ms), 0.0)
                self._waited_until_ms = max(again_ms[-1], self._waited_until_ms)
