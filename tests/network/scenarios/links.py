"""Links that are good, far, or lossy, and families of IP."""

from __future__ import annotations

from tests.network.ground import Ground
from tests.network.kinds import ICE, KEY, NETWORK, SOCKET, well, worse
from tests.network.link import Link
from tests.network.roads import Road, apart, walled
from tests.network.runs import Asking


def slow(delay_s: float, loss: float = 0, datagrams_s: float | None = None) -> Road:
    """A link on which each way takes so long, datagrams of UDP another time, and that loses such a part of all packets."""

    def road(ground: Ground) -> Asking:
        ground.apart()
        ground.slow(Link(delay_s, datagrams_s, loss))
        emulator = ground.emulator()
        return Asking(emulator.base_url, emulator.key)

    return road


_FAR, _ALL = "a long round trip", (*KEY, *ICE, *SOCKET)
ROWS = (
    well("healthy", "nothing", apart(), timeout_s=15, curl="0 401"),
    well("ipv6-only", "nothing: IPv6 alone", apart(6), options=_ALL, curl="0 401"),
    well("ipv4-and-ipv6", "nothing: IPv4 and IPv6", apart(4, 6), options=_ALL, curl="0 401"),
    well("rtt-40", "a round trip takes 40 ms", slow(0.02), options=(*NETWORK, *ICE), curl="0 401"),
    well(
        "rtt-100", "a round trip takes 100 ms", slow(0.05), options=(*NETWORK, *ICE), or_else=r"slow-way/\S+",
        curl="0 401",
    ),
    worse(
        "rtt-300", "a round trip takes 300 ms", _FAR, slow(0.15), options=(*NETWORK, *ICE),
        or_else=r"slow-way/connecting", says=("round trip",),
    ),
    worse(
        "rtt-600", "a round trip takes 600 ms", _FAR, slow(0.3), options=(*NETWORK, *ICE),
        or_else=r"slow-way/connecting", says=("round trip",),
    ),
    worse(
        "connecting-slow", "two of three first packets of connections are lost", "connecting is slow",
        walled("tcp flags & (syn | ack) == syn numgen inc mod 3 < 2 drop"), options=NETWORK,
    ),
    well(
        "loss-5", "a round trip takes 40 ms, and 5 % of all packets are lost", slow(0.02, 0.05),
        options=(*NETWORK, *ICE), or_else=r"slow-way/\S+",
    ),
    worse(
        "loss-20", "a round trip takes 40 ms, and 20 % of all packets are lost", "some packets are lost",
        slow(0.02, 0.2), options=("--only", "endpoint", "--only", "websocket"), says=("lost over TCP",), exits=(0, 3),
    ),
)  # fmt: skip
