"""Connections: what becomes of the first packets, and what answers that speaks no HTTP."""

from __future__ import annotations

from tests.network.ground import Ground
from tests.network.kinds import ICE, Scenario, interrupted, late, unreached
from tests.network.roads import Road, server, url, walled
from tests.network.runs import Asking
from tests.network.servers import blurts, closes, drips_at_once, resets, resets_at_once, says, silent


def refused(ground: Ground) -> Asking:
    """Nothing listens."""
    return Asking(url(ground, ground.closed_port()))


def rejected(how: str, family: int = 4) -> Road:
    """A firewall before the server answers so."""
    return walled(f"meta l4proto tcp reject with {how}", family=family)


def routed(kind: str) -> Road:
    """This machine's own table of routes has that for the server."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        pair.call("near", "ip", "route", "add", kind, ground.host)
        return Asking(url(ground, 8100))

    return road


def without_route(ground: Ground) -> Asking:
    """This machine has no route to the outside."""
    ground.apart().call("near", "ip", "route", "delete", "default")
    return Asking("http://192.0.2.1:8100/v1")


def nobody_there(ground: Ground) -> Asking:
    """An address of the own network that nobody has: ARP is not answered."""
    ground.apart()
    return Asking("http://10.13.0.77:8100/v1")


_REJECTED, _NO_ROUTE, _NO_HTTP = "rejected", "no route", "no HTTP"
_EITHER = r"network-unreachable/(rejected|no-route)"
_H2 = bytes.fromhex("000012 04 00 00000000 0003 00000064 0004 00010000 0005 00004000")  # RFC 9113 section 6.5: SETTINGS
ROWS = (
    unreached("tcp-refused", "nothing listens there", "nothing listens", refused, "7 000", "refused|listens|closed"),
    unreached(
        "tcp-syn-reset", "a firewall resets each new connection", "nothing listens", rejected("tcp reset"), "7 000",
    ),
    unreached(
        "tcp-syn-reset-v6", "a firewall resets each new connection over IPv6", "nothing listens",
        rejected("tcp reset", 6), "7 000",
    ),
    unreached(
        "tcp-dropped", "a firewall drops all packets", "dropped", walled("meta l4proto tcp drop"), "28 000",
        r"10\.13\.0\.1",
    ),
    unreached(
        "tcp-dropped-v6", "a firewall drops all packets of IPv6", "dropped", walled("meta l4proto tcp drop", family=6),
        "28 000", "2001:db8:13::1",
    ),
    unreached(
        "tcp-dropped-answers", "a firewall drops all that comes back", "dropped",
        walled("meta l4proto tcp drop", side="near"), "28 000",
    ),
    unreached(
        "tcp-dropped-here", "this machine's own firewall drops all packets", "dropped",
        walled("meta l4proto tcp drop", side="near", hook="output"), "28 000",
        or_else="network-unreachable/refused-here",
    ),
    unreached(
        "tcp-icmp-admin", "a firewall answers: administratively prohibited", _REJECTED,
        rejected("icmp type admin-prohibited"), "7 000",
    ),
    unreached(
        "tcp-icmp-host-prohibited", "a firewall answers: host prohibited", _REJECTED,
        rejected("icmp type host-prohibited"), "7 000",
    ),
    unreached(
        "tcp-icmp-port", "a firewall answers: port unreachable", _REJECTED, rejected("icmp type port-unreachable"),
        "7 000", or_else="network-unreachable/refused",
    ),
    unreached(
        "tcp-icmp-host", "a router answers: host unreachable", _NO_ROUTE, rejected("icmp type host-unreachable"),
        "7 000", or_else=_EITHER,
    ),
    unreached(
        "tcp-icmp-net", "a router answers: network unreachable", _NO_ROUTE, rejected("icmp type net-unreachable"),
        "7 000", or_else=_EITHER,
    ),
    unreached(
        "tcp-icmp6-admin", "a firewall answers over IPv6: administratively prohibited", _REJECTED,
        rejected("icmpv6 type admin-prohibited", 6), None,
    ),
    unreached(
        "tcp-icmp6-port", "a firewall answers over IPv6: port unreachable", _REJECTED,
        rejected("icmpv6 type port-unreachable", 6), None, or_else="network-unreachable/refused",
    ),
    unreached(
        "tcp-icmp6-no-route", "a router answers over IPv6: no route", _NO_ROUTE, rejected("icmpv6 type no-route", 6),
        None, or_else=_EITHER,
    ),
    unreached("tcp-no-route", "this machine has no default route", _NO_ROUTE, without_route, "7 000"),
    unreached(
        "tcp-route-unreachable", "this machine's routes call the server unreachable", _NO_ROUTE, routed("unreachable"),
        "7 000",
    ),
    unreached(
        "tcp-route-prohibited", "this machine's routes forbid the server", "forbidden on this machine",
        routed("prohibit"), "7 000",
    ),
    unreached(
        "tcp-nobody-there", "nobody has that address in the own network", _NO_ROUTE, nobody_there, "28 000",
        timeout_s=5,
    ),
    Scenario(
        "tcp-closed-at-once", "each connection is closed as soon as it is open", "closed before the answer is whole",
        server(closes), or_else="network-unreachable/reset",
    ),
    Scenario(
        "tcp-reset-at-once", "each connection is reset as soon as it is open", "reset as it begins",
        server(resets_at_once), or_else="connection-closed-early",
    ),
    Scenario(
        "tcp-closed-after-request", "the connection is closed where an answer should come",
        "closed before the answer is whole", server(says(b"")), timeout_s=3, curl="52 000",
    ),
    Scenario(
        "tcp-reset-after-request", "the connection is reset where an answer should come",
        "closed before the answer is whole", server(resets), timeout_s=3, curl="56 000",
    ),
    Scenario(
        "tcp-ssh-banner", "an SSH server listens there", _NO_HTTP,
        server(blurts(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")), curl="1 000",
    ),
    Scenario(
        "tcp-smtp-banner", "a mail server listens there", _NO_HTTP, server(blurts(b"220 mail.road.test ESMTP\r\n")),
        curl="1 000",
    ),
    Scenario(
        "tcp-http-0.9", "what answers sends a page without status and header", _NO_HTTP,
        server(says(b"<html><body>It works</body></html>\r\n")), or_else="connection-closed-early", timeout_s=3,
        curl="1 000",
    ),
    Scenario(
        "tcp-http2-only", "the server speaks HTTP/2 alone", _NO_HTTP, server(blurts(_H2)), says=("HTTP/2 alone",),
        curl="1 000",
    ),
    Scenario(
        "tcp-binary-banner", "a database greets, not in words", _NO_HTTP, server(blurts(b"J\0\0\0\n8.0.35\0\x08")),
        says=("something binary",), curl="1 000",
    ),
    late(
        "tcp-tarpit", "a tarpit sends a byte now and then", _NO_HTTP, server(drips_at_once(b"x")), None,
        or_else="no-answer-in-time",
    ),
    late("tcp-silent", "the connection opens, and nothing is ever answered", "no answer", server(silent), "28 000"),
    late(
        "tcp-dropped-with-payload", "connections open, and packets with content are dropped", "no answer",
        walled("tcp flags & psh == psh drop"), "28 000",
    ),
    late(
        "tcp-big-packets-lost", "packets to the server of more than 700 bytes are lost", "no answer",
        walled("meta l4proto tcp meta length > 700 drop"), None, options=ICE, says=("smaller MTU",),
    ),
    interrupted("tcp-silent-interrupted", "Ctrl-C while the server is silent", server(silent)),
)  # fmt: skip
