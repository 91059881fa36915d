"""Is UDP blocked, or only lossy? A volley of signed checks to each UDP candidate, from sockets of its own.

aioice sends a check at once, after 0.5 s and after 1.5 s: where every second datagram is lost mostly none is answered by then.
What comes of these is counted as all datagrams of the peer are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from rtdiag.transport.candidates import Candidate
from rtdiag.transport.ice_tcp import MOST, Credentials, request

CHECKS = 20
_PART = 0.4  # of the time that there is, in which they are sent


async def volley(found: Iterable[Candidate], signed: Credentials, within_s: float) -> None:
    """Send them to all candidates at once, and listen until `within_s` is over. Never raises for what the network does."""
    places = list(dict.fromkeys(one.address for one in found if one.protocol == "udp" and not one.named))[:MOST]
    await asyncio.gather(*(_volley(place, signed, within_s) for place in places))


async def _volley(place: tuple[str, int], signed: Credentials, within_s: float) -> None:
    transport: Any = None
    with suppress(OSError, ValueError):
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=place
        )
    if transport is None:
        return
    try:
        for _ in range(CHECKS):
            transport.sendto(bytes(request(signed)))
            await asyncio.sleep(within_s * _PART / CHECKS)
        await asyncio.sleep(within_s * (1 - _PART))
    finally:
        transport.close()
