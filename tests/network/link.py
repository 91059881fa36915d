"""A slow or lossy link: two TUN devices, one in each namespace, between which every packet is carried by hand.

This stands in for `tc netem`, which not every kernel has.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import socket
import struct
from dataclasses import dataclass

DEVICE = "slow"
_OPEN = 0x400454CA  # TUNSETIFF
_TUN_WITHOUT_HEADER = 0x1001  # IFF_TUN | IFF_NO_PI
_MOST_BYTES = 65536
_PROTOCOL = 9  # where IPv4 names what it carries


@dataclass(frozen=True)
class Link:
    """`delay_s` is that of one way, `datagrams_s` that of UDP; `loss` the part of packets that is lost, each run the same."""

    delay_s: float = 0
    datagrams_s: float | None = None
    loss: float = 0

    def _delay_s(self, packet: bytes) -> float:
        return self.delay_s if self.datagrams_s is None or packet[_PROTOCOL] != socket.IPPROTO_UDP else self.datagrams_s

    async def join(self, one: int, other: int) -> None:
        """Carries packets between these two devices, until it is cancelled."""
        lost = random.Random(13)
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def carry(source: int, target: int) -> None:
            packet = os.read(source, _MOST_BYTES)
            if lost.random() >= self.loss:
                loop.call_later(self._delay_s(packet), put, target, packet)

        def put(device: int, packet: bytes) -> None:
            if not ended.is_set():  # else the number of the device may be another file's by now
                _put(device, packet)

        loop.add_reader(one, carry, one, other)
        loop.add_reader(other, carry, other, one)
        try:
            await loop.create_future()
        finally:
            ended.set()
            for device in (one, other):
                loop.remove_reader(device)
                os.close(device)


def opened() -> int:
    """A TUN device in the namespace of this thread; it lasts as long as this descriptor is open."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _OPEN, struct.pack("16sH22x", DEVICE.encode(), _TUN_WITHOUT_HEADER))
    return device


def _put(device: int, packet: bytes) -> None:
    try:
        os.write(device, packet)
    except OSError:  # the device is gone, or its queue is full
        return
