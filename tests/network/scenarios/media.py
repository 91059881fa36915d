"""The way of the media after a good answer: ICE, DTLS, and what becomes of open sessions."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.network.fronts import on_calls
from tests.network.ground import Ground
from tests.network.kinds import DTLS, ICE, Scenario, failed, well, worse
from tests.network.roads import ELSEWHERE, Road, fronted, url, walled, with_fault
from tests.network.runs import Asking
from tests.network.scenarios.links import slow
from tests.network.scenarios.mid_run import cut_after

_UDP = "meta l4proto udp"
_DTLS = "@th,64,8 20-63"  # the first byte of a datagram, RFC 7983 section 7
_NO_TCP, _NO_TCP_BACK = "meta l4proto tcp tcp dport != {port} drop", "meta l4proto tcp tcp sport != {port} drop"
CREATED = ("--only", "sdp.created-realtime")
_PASSIVE = f"{_UDP} ct state new drop"


def answers_changed(change: Callable[[bytes], bytes], *, passive: bool = False) -> Road:
    """The SDP of answers is changed on the way; a `passive` server sends no datagram before it got one."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        if passive:
            pair.firewall("far", "output", _PASSIVE)
        return Asking(url(ground, fronted(ground, emulator, change=on_calls(change))), emulator.key)

    return road


def unroutable(sdp: bytes) -> bytes:
    """Every candidate is at an address that leads nowhere."""
    return re.sub(rb"(?m)^(a=candidate:\S+ \d+ \S+ \d+ )\S+", rb"\g<1>" + ELSEWHERE.encode(), sdp)


def by_tcp_alone(sdp: bytes) -> bytes:
    """Every candidate is one of TCP, at a port where nothing listens."""
    return re.sub(
        rb"(?mi)^(a=candidate:\S+ \d+ )udp( \d+ \S+ )\d+( typ host)", rb"\g<1>tcp\g<2>9999\g<3> tcptype passive", sdp
    )


def wrong_password(sdp: bytes) -> bytes:
    """Another ice-pwd than the peer's."""
    return re.sub(rb"(?m)^(a=ice-pwd:)\S+", rb"\g<1>" + b"x" * 24, sdp)


def wrong_fragment(sdp: bytes) -> bytes:
    """Another ice-ufrag than the peer's."""
    return re.sub(rb"(?m)^(a=ice-ufrag:)\S+", rb"\g<1>" + b"wrong", sdp)


def candidates_at(host: str) -> Callable[[bytes], bytes]:
    """Every candidate is there."""
    return lambda sdp: re.sub(rb"(?m)^(a=candidate:\S+ \d+ \S+ \d+ )\S+", rb"\g<1>" + host.encode(), sdp)


def first_at(host: str) -> Callable[[bytes], bytes]:
    """One more candidate stands first, there."""
    return lambda sdp: re.sub(
        rb"(?mi)^(a=candidate:\S+ \d+ udp \d+ )\S+( .*)$", rb"\g<1>" + host.encode() + rb"\g<2>\n\g<0>", sdp, count=1
    )


def by_digest(sdp: bytes) -> bytes:
    """The fingerprints say to be by a digest that is rare."""
    return re.sub(rb"(?m)^a=fingerprint:\S+", b"a=fingerprint:sha3-256", sdp)


def without(line: str) -> Callable[[bytes], bytes]:
    """No line begins so."""
    return lambda sdp: re.sub(rb"(?m)^" + line.encode() + rb".*\r\n", b"", sdp)


def symmetric_nat(ground: Ground) -> Asking:
    """Each place that is spoken to sees another port, and nobody comes in who was not asked."""
    pair = ground.apart()
    emulator = ground.emulator()
    pair.call("near", "nft", "add table ip nat")
    pair.call("near", "nft", "add chain ip nat out { type nat hook postrouting priority 100 ; }")
    pair.call("near", "nft", f"add rule ip nat out {_UDP} masquerade random")
    pair.firewall("near", "input", _PASSIVE)
    return Asking(emulator.base_url, emulator.key)


def behind_nat(ground: Ground) -> Asking:
    """What goes out has other ports than it was sent from, and nobody comes in who was not asked."""
    pair = ground.apart()
    emulator = ground.emulator()
    rule = f"{_UDP} snat to 10.13.0.2:40000-40999"
    pair.call("near", "nft", "add table ip nat")
    pair.call("near", "nft", "add chain ip nat out { type nat hook postrouting priority 100 ; }")
    pair.call("near", "nft", f"add rule ip nat out {rule}")
    pair.firewall("far", "output", _PASSIVE)
    return Asking(emulator.base_url, emulator.key)


def ice(name: str, fault: str, kind: str, road: Road, **more: object) -> Scenario:
    """A road on which ICE does not end well."""
    return Scenario(name, fault, kind, road, options=ICE, timeout_s=3, **more)  # type: ignore[arg-type]


def dtls(name: str, fault: str, road: Road) -> Scenario:
    """A road on which ICE ends well and DTLS does not."""
    return Scenario(name, fault, "DTLS is dropped", road, options=DTLS, timeout_s=3)


def lost(name: str, fault: str, road: Road, kind: str = "cut in the session") -> Scenario:
    """Sessions whose media die: an update that nobody can have got is not unanswered."""
    never = ("session-update-unanswered",)
    return Scenario(name, fault, kind, road, never=never, timeout_s=3)


def losing(part: str) -> Road:
    """Of the datagrams that come back these are lost, such as "5 == 0": every fifth."""
    return walled(f"{_UDP} numgen inc mod {part} drop", side="near")


_DROPPED, _REJECTED, _LOST = "UDP is dropped", "UDP is rejected", "some packets are lost"
_UNSEEN = "ice-udp-blocked/rejected"
ROWS = (
    well(
        "x-passive-server-control", "nothing: the server sends no datagram first",
        answers_changed(lambda sdp: sdp, passive=True), options=ICE,
    ),
    well("udp-nat", "a NAT changes ports, and lets nobody in who was not asked", behind_nat, options=ICE),
    ice(
        "udp-dropped", "a firewall drops UDP and what is not for the server's own port", _DROPPED,
        walled(f"{_UDP} drop", _NO_TCP),
    ),
    ice("udp-dropped-v6", "the same over IPv6", _DROPPED, walled(f"{_UDP} drop", _NO_TCP, family=6)),
    ice(
        "udp-dropped-inbound-only", "of that what comes back is dropped", _DROPPED,
        walled(f"{_UDP} drop", _NO_TCP_BACK, side="near"),
    ),
    ice(
        "udp-dropped-at-server", "what the server sends of that is dropped there", _DROPPED,
        walled(f"{_UDP} drop", _NO_TCP_BACK, hook="output"),
    ),
    ice(
        "udp-dropped-tcp-open", "a firewall drops UDP, and TCP is open", "UDP is dropped and TCP is open",
        walled(f"{_UDP} drop"),
    ),
    ice(
        "udp-dropped-inbound-tcp-open", "what comes back over UDP is dropped, and TCP is open",
        "UDP is dropped and TCP is open", walled(f"{_UDP} drop", side="near"),
    ),
    well("udp-late", "a datagram takes a second each way", slow(0, datagrams_s=1), options=ICE, timeout_s=3),
    ice("udp-rejected", "a firewall rejects UDP: port unreachable", _REJECTED, walled(f"{_UDP} reject")),
    ice(
        "udp-rejected-admin", "a firewall rejects UDP: administratively prohibited", _REJECTED,
        walled(f"{_UDP} reject with icmp type admin-prohibited"),
    ),
    ice(
        "udp-rejected-host", "a router answers UDP: host unreachable", _REJECTED,
        walled(f"{_UDP} reject with icmp type host-unreachable"), or_else=r"ice-udp-blocked/unroutable",
    ),
    ice(
        "udp-rejected-v6", "a firewall rejects UDP over IPv6: administratively prohibited", _REJECTED,
        walled(f"{_UDP} reject with icmpv6 type admin-prohibited", family=6), or_else=r"ice-udp-blocked/refused-here",
    ),
    ice(
        "udp-local-firewall-eperm", "this machine's own firewall forbids UDP", "UDP is forbidden on this machine",
        walled(f"{_UDP} drop", side="near", hook="output"),
    ),
    ice(
        "udp-local-reject", "this machine's own firewall rejects UDP", "UDP is forbidden on this machine",
        walled(f"{_UDP} reject with icmp type admin-prohibited", side="near", hook="output"), or_else=_UNSEEN,
    ),
    lost("udp-cut-after-0-6s", "after 50 requests UDP is dropped", cut_after(50, _UDP)),
    lost(
        "udp-cut-before-an-answer", "after 30,000 bytes UDP that comes back is dropped",
        walled(f"{_UDP} quota over 30000 bytes drop", side="near"),
    ),
    lost(
        "udp-cut-outwards", "after 25,000 bytes UDP that goes out is dropped",
        walled(f"{_UDP} quota over 25000 bytes drop"), "cut outwards in the session",
    ),
    failed(
        "media-wrong-fingerprint", "the certificate is not the one that the answer names", "another fingerprint",
        with_fault("wrong-fingerprint"), options=DTLS,
    ),
    dtls("dtls-dropped", "STUN passes, DTLS is dropped", walled(f"{_UDP} {_DTLS} drop")),
    dtls(
        "dtls-dropped-inbound", "STUN passes, DTLS that comes back is dropped",
        walled(f"{_UDP} {_DTLS} drop", side="near"),
    ),
    dtls(
        "dtls-big-packets-lost", "datagrams of more than 250 bytes are lost",
        walled(f"{_UDP} meta length > 250 drop", side="near"),
    ),
    Scenario(
        "udp-limited", "no more than one datagram of UDP in three seconds comes through", "lost before the session",
        walled(f"{_UDP} limit rate over 20/minute burst 1 packets drop"), or_else=r"dtls-no-answer\S*|ice-udp-blocked/lossy",
        options=CREATED, timeout_s=3,
    ),
    Scenario(
        "udp-big-packets-lost", "of what comes back datagrams of more than 1000 bytes are lost",
        "lost before the session", walled(f"{_UDP} meta length > 1000 drop", side="near"), options=CREATED, timeout_s=3,
    ),
    Scenario(
        "sctp-dropped", "handshakes pass, and what DTLS carries is dropped", "SCTP is dropped",
        walled(f"{_UDP} @th,64,8 23 drop"), (1,), says=("firewall",), options=CREATED, timeout_s=3,
    ),
    ice(
        "media-unroutable-candidate", "the answer's candidate leads nowhere", "a candidate that is not routed",
        answers_changed(unroutable), says=(re.escape(ELSEWHERE),),
    ),
    ice(
        "x-privcand-passive-server", "the answer's candidate leads nowhere, and the server sends nothing first",
        "a candidate that is not routed", answers_changed(unroutable, passive=True), says=(re.escape(ELSEWHERE),),
    ),
    ice(
        "x-tcpcand-passive-server", "the answer has candidates of TCP alone, where nothing listens", "no UDP candidate",
        answers_changed(by_tcp_alone, passive=True),
    ),
    ice(
        "media-tcp-only", "the answer has candidates of TCP alone, and they are good", "no UDP candidate",
        with_fault("tcp-only"),
    ),
    failed(
        "media-no-candidates", "the answer has no candidate", "no candidate", with_fault("no-candidates"), options=ICE,
    ),
    ice(
        "media-wrong-ice-pwd", "the answer's ICE password is wrong", "ICE credentials", answers_changed(wrong_password),
    ),
    ice(
        "media-wrong-ice-ufrag", "the answer's ICE user name is wrong", "ICE credentials or a firewall",
        answers_changed(wrong_fragment),
    ),
    ice(
        "udp-dropped-tcp-eaten", "a firewall drops UDP, and over TCP what carries data",
        "ICE credentials or a firewall",
        walled(f"{_UDP} drop", "meta l4proto tcp tcp dport != {port} meta length > 100 drop"),
    ),
    ice(
        "media-candidate-loopback", "the answer's candidate is 127.0.0.1", "a candidate that is not routed",
        answers_changed(candidates_at("127.0.0.1"), passive=True), says=("127.0.0.1",),
    ),
    ice(
        "media-candidate-mdns", "the answer's candidate is a name of mDNS", "candidates are names",
        answers_changed(candidates_at("3a5c9a1e-0f3f-4a5d-a6b7-0d2ad3bfc001.local"), passive=True), says=(".local",),
    ),
    well(
        "media-first-candidate-dead", "of two candidates the first leads nowhere",
        answers_changed(first_at(ELSEWHERE), passive=True), options=ICE,
    ),
    well(
        "media-first-candidate-v6", "of two candidates the first is of IPv6, which is not here",
        answers_changed(first_at("2001:db8:ffff::5"), passive=True), options=ICE,
    ),
    well(
        "media-without-end", "the answer has no a=end-of-candidates",
        answers_changed(without("a=end-of-candidates"), passive=True), options=ICE,
    ),
    well("udp-nat-symmetric", "a NAT gives each place another port", symmetric_nat, options=ICE),
    ice(
        "udp-3478-alone", "UDP passes to port 3478 alone, and the answer names another",
        "UDP is dropped and TCP is open", walled(f"{_UDP} udp dport != 3478 drop"),
    ),
    Scenario(
        "dtls-digest-unknown", "the answer's fingerprint is by a rare digest", "a digest nobody compares",
        answers_changed(by_digest), options=DTLS, timeout_s=3,
    ),
    failed(
        "dtls-no-fingerprint", "the answer has no fingerprint", "no fingerprint",
        answers_changed(without("a=fingerprint:")), options=DTLS,
    ),
    worse("udp-loss-5", "one of 20 datagrams is lost", _LOST, losing("20 == 0"), options=ICE, or_else="()"),
    worse("udp-loss-20", "one of 5 datagrams is lost", _LOST, losing("5 == 0"), options=ICE, or_else="()"),
    Scenario(
        "udp-loss-40", "two of 5 datagrams are lost", "many datagrams are lost", losing("5 < 2"), (0, 3),
        r"slow-way/loss|()", options=ICE,
    ),
    Scenario(
        "udp-loss-50", "each five of ten datagrams are lost", "many datagrams are lost", losing("10 < 5"), (0, 3),
        r"slow-way/loss|()", options=ICE, timeout_s=3,
    ),
)  # fmt: skip
