"""A name server as small as it can be: what it answers to A and to AAAA is said apart, and so is when."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PORT = 53
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5
_TYPES = {1: "A", 28: "AAAA"}
_TTL_S = 1


@dataclass(frozen=True)
class Zone:
    """What every name has: addresses by type, or an error of DNS in their place, or, `silent`, no answer to those types.

    `errors` are errors of one type alone. Where `knows` is a name there is no other. An answer comes after `delay_s`; where it
    is `truncated` the whole is to be had over TCP, which nobody serves here.
    """

    a: tuple[str, ...] = ()
    aaaa: tuple[str, ...] = ()
    error: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    knows: str = ""
    silent: frozenset[str] = frozenset()
    delay_s: float = 0
    truncated: bool = False


class Server(asyncio.DatagramProtocol):
    """Answers every question from one zone; `asked` is called for each."""

    def __init__(self, zone: Zone, asked: Callable[[], None]) -> None:
        self._zone, self._asked = zone, asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._asked()
        kind = _TYPES.get(_question(data)[1], "")
        if kind not in self._zone.silent:
            said = _answer(data, self._zone)
            asyncio.get_running_loop().call_later(self._zone.delay_s, self._transport.sendto, said, addr)


def _question(query: bytes) -> tuple[int, int]:
    """Where the first question ends, and the type that it asks for."""
    place = 12
    while query[place]:
        place += 1 + query[place]
    return place + 5, struct.unpack_from("!H", query, place + 1)[0]


def _answer(query: bytes, zone: Zone) -> bytes:
    end, kind = _question(query)
    named = _TYPES.get(kind, "")
    known = not zone.knows or _packed(zone.knows) == query[12 : end - 4]
    error = zone.errors.get(named, zone.error) if known else NXDOMAIN
    hosts = {"A": zone.a, "AAAA": zone.aaaa}.get(named, ())
    records = [_record(kind, host) for host in hosts if not error]
    head = struct.pack("!2sHHHHH", query[:2], 0x8180 | 0x200 * zone.truncated | error, 1, len(records), 0, 0)
    return head + query[12:end] + b"".join(records)


def _packed(name: str) -> bytes:
    """As it stands in a question."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _record(kind: int, host: str) -> bytes:
    packed = ipaddress.ip_address(host).packed
    return struct.pack("!HHHIH", 0xC00C, kind, 1, _TTL_S, len(packed)) + packed
