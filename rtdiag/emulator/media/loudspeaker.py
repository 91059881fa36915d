"""A call's outgoing audio: the spoken sentence as RTP at the speed at which it plays, and nothing while nothing is said.

What it hands out was encoded before, once for all calls, and aiortc sends it as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from aiortc import MediaStreamTrack
from av import Packet

from rtdiag.emulator.media.sdp_answer import TRACK_ID
from rtdiag.emulator.session import spoken

PACKET_S = spoken.PACKET_MS / 1000
MOST_LATE = 10  # packets: so much is caught up with, after more it goes on from now

# 20 ms that are heard as nothing: Opus as libopus writes it (RFC 6716 3.1: CELT, full band, one frame), and the zero of each law.
SILENCE: Mapping[str, bytes] = {
    "audio/opus": b"\xf8\xff\xfe",
    "audio/pcmu": b"\xff" * 8 * spoken.PACKET_MS,
    "audio/pcma": b"\xd5" * 8 * spoken.PACKET_MS,
}
# aiortc's MIME types: the clock of their RTP (RFC 7587 4.1, RFC 3551 4.5.14), and the sentence's packets.
CODECS: Mapping[str, tuple[int, Callable[[], tuple[bytes, ...]]]] = {
    "audio/opus": (48000, spoken.packets),
    "audio/pcmu": (8000, lambda: spoken.g711_packets("audio/pcmu")),
    "audio/pcma": (8000, lambda: spoken.g711_packets("audio/pcma")),
}


class Loudspeaker(MediaStreamTrack):
    """The track of one call, in the codec that was agreed on. KeyError for one that is not in CODECS.

    A `silent` one says nothing for as long.

    A packet has the time of its 20 ms by the loop's clock: so timestamps advance through pauses too (RFC 3550 5.1), and all
    calls keep step, that one waking serves them all.
    """

    kind = "audio"

    def __init__(self, mime_type: str, *, silent: bool = False) -> None:
        super().__init__()
        self._id = TRACK_ID
        self._rate_hz, self._packets = CODECS[mime_type.lower()]
        self._silence = SILENCE[mime_type.lower()] if silent else None
        self._base = Fraction(1, self._rate_hz)
        self._left = 0  # packets still to be sent, of as many sentences as were asked for
        self._asked = asyncio.Event()
        self._slot = 0  # the 20 ms of the newest packet

    def play(self) -> None:
        """Say the sentence, behind what is still being said."""
        self._left += len(self._packets())
        self._asked.set()

    def clear(self) -> None:
        """Stop, and say nothing more of what was asked."""
        self._left = 0

    async def recv(self) -> Packet[Any]:
        """The next packet, when it is due."""
        clock = asyncio.get_running_loop().time
        while True:
            if not self._left:
                self._asked.clear()
                await self._asked.wait()
            self._slot = _next_slot(self._slot, int(clock() / PACKET_S))
            await asyncio.sleep(self._slot * PACKET_S - clock())
            if self._left:
                return self._next()

    def _next(self) -> Packet[Any]:
        packets = self._packets()
        packet: Packet[Any] = Packet(self._silence or packets[-self._left % len(packets)])
        packet.pts, packet.time_base = self._slot * self._rate_hz * spoken.PACKET_MS // 1000, self._base
        self._left -= 1
        return packet


def _next_slot(last: int, now: int) -> int:
    return last + 1 if last >= now - MOST_LATE else now + 1
