"""Names: what the name servers say of the host, or do not say."""

from __future__ import annotations

from collections.abc import Callable

from tests.network.dns import NXDOMAIN, REFUSED, SERVFAIL, Zone
from tests.network.ground import Ground
from tests.network.kinds import KEY, NETWORK, REACHED, SOCKET, interrupted, unreached, well, worse
from tests.network.namespaces import Pair
from tests.network.roads import Road, fronted, port_of, url
from tests.network.runs import Asking

NAME = "api.road.test"
_DEAD, _DEAD_6 = "10.13.0.9", "2001:db8:13::9"  # the far end's, too, and behind its firewall
_BOTH = frozenset({"A", "AAAA"})


def named(zone: Zone | None = None, *, host: str = NAME, servers: int = 1, resolv: str = "") -> Road:
    """A name whose address has to be asked for: of a zone, else the right one; `resolv` are more lines of resolv.conf."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        others = [f"10.13.0.{10 + number}" for number in range(servers - 1)]
        for other in others:
            pair.add("far", f"{other}/24")
        ground.names(zone or Zone(a=(ground.host,)), ground.host, *others, lines=resolv)
        return Asking(url(ground, port_of(emulator), host=host), emulator.key)

    return road


def told(*hosts: str) -> Road:
    """The name has these addresses."""
    fours, sixes = ([host for host in hosts if (":" in host) is six] for six in (False, True))
    return named(Zone(a=tuple(fours), aaaa=tuple(sixes)))


def in_hosts_file(ground: Ground) -> Asking:
    """/etc/hosts sends the name to this machine."""
    pair = ground.apart()
    pair.etc("hosts", f"127.0.0.1 localhost\n127.0.0.1 {NAME}\n")
    return Asking(url(ground, 8100, host=NAME))


def files_alone(ground: Ground) -> Asking:
    """nsswitch.conf knows of files alone, and a name server knows the name."""
    pair = ground.apart()
    ground.names(Zone(a=(ground.host,)))
    pair.etc("nsswitch.conf", "hosts: files\n")
    return Asking(url(ground, 8100, host=NAME))


def api_is_private(ground: Ground) -> Asking:
    """The API's own name has a private address that leads nowhere: nothing of this leaves the namespace."""
    pair = ground.apart()
    ground.names(Zone(a=("192.168.77.1",)))
    pair.firewall("far", "input", "ip daddr 192.168.77.1 drop")
    pair.add("far", "192.168.77.1/24")
    return Asking("https://api.openai.com/v1")


def offline(ground: Ground) -> Asking:
    """No network, and the API's own host: nothing of this leaves the namespace."""
    pair = ground.apart()
    pair.etc("resolv.conf", f"nameserver {ground.host}\n")
    pair.unplug()
    return Asking("https://api.openai.com/v1")


def without_name_servers(ground: Ground) -> Asking:
    """resolv.conf names nobody."""
    ground.apart().etc("resolv.conf", "")
    return Asking(url(ground, 8100, host=NAME))


def first_is_dead(ground: Ground) -> Asking:
    """The first of two name servers is behind a firewall; the other knows the name."""
    pair = ground.apart()
    emulator = ground.emulator()
    pair.add("far", f"{_DEAD}/24")
    pair.firewall("far", "input", f"ip daddr {_DEAD} udp dport 53 drop")
    ground.names(Zone(a=(ground.host,)), _DEAD, ground.host)
    return Asking(url(ground, port_of(emulator), host=NAME), emulator.key)


def two(zone: Callable[[str], Zone], spoil: Callable[[Pair], None] = lambda pair: None) -> Road:
    """A server that is reached by IPv4 and IPv6, and what its name has; `spoil` breaks something between."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart(4, 6)
        emulator = ground.emulator()
        port = fronted(ground, emulator)
        ground.serve_too("2001:db8:13::1", port)
        pair.add("far", f"{_DEAD}/24")
        pair.add("far", f"{_DEAD_6}/64")
        pair.firewall("far", "input", f"ip daddr {_DEAD} drop", f"ip6 daddr {_DEAD_6} meta l4proto tcp drop")
        ground.names(zone(ground.host))
        spoil(pair)
        return Asking(url(ground, port, host=NAME), emulator.key)

    return road


def rejecting_6(how: str) -> Callable[[Pair], None]:
    """The far end's firewall rejects what comes over IPv6."""
    return lambda pair: pair.firewall("far", "input", f"ip6 daddr 2001:db8:13::1 meta l4proto tcp reject with {how}")


_SILENT, _FAIL, _HERE = "name servers are silent", "name servers fail", "the name leads to this machine"
_V6 = "IPv6 in vain"
ROWS = (
    unreached(
        "dns-nxdomain", "the name does not exist", "no such name", named(Zone(error=NXDOMAIN)), "6 000", "resolv|exist",
    ),
    unreached("dns-nodata", "the name exists and has no address", "no such name", named(Zone()), "6 000"),
    unreached(
        "dns-servfail", "the name server answers SERVFAIL", _FAIL, named(Zone(error=SERVFAIL)), "6 000",
        "resolv|name server",
    ),
    unreached(
        "dns-refused", "the name server answers REFUSED", _FAIL, named(Zone(error=REFUSED)), "6 000",
        "resolv|name server",
    ),
    unreached(
        "dns-truncated", "the name server answers in part, and nobody answers over TCP", _FAIL,
        named(Zone(truncated=True)), "6 000", "TCP port 53",
    ),
    unreached(
        "dns-no-server", "resolv.conf names no name server", _FAIL, without_name_servers, "6 000",
        or_else="network-\\S+/name-servers-silent",
    ),
    unreached(
        "x-offline-default-url", "there is no network at all", _SILENT, offline, "6 000",
        or_else=r"network-unreachable/(name-servers-fail|no-route)",
    ),
    unreached(
        "dns-sinkhole-loopback", "the name server says 127.0.0.1", _HERE, told("127.0.0.1"), "7 000", r"127\.0\.0\.1",
    ),
    unreached("dns-sinkhole-zero", "the name server says 0.0.0.0", _HERE, told("0.0.0.0"), "7 000", r"0\.0\.0\.0"),
    unreached(
        "dns-sinkhole-both", "the name server says 0.0.0.0 and ::", _HERE, told("0.0.0.0", "::"), "7 000",
        r"0\.0\.0\.0",
    ),
    unreached(
        "dns-hosts-file", "/etc/hosts says 127.0.0.1", _HERE, in_hosts_file, "7 000", r"127\.0\.0\.1", timeout_s=1,
    ),
    unreached(
        "dns-not-asked", "nsswitch.conf does not ask the name servers", "name servers are not asked", files_alone, "6 000",
        "nsswitch",
    ),
    unreached(
        "dns-private", "the API's name has a private address", "the name leads to a private address", api_is_private,
        "28 000", r"192\.168\.77\.1",
    ),
    unreached(
        "dns-silent", "the name server never answers", _SILENT, named(Zone(silent=_BOTH)), "28 000",
        "resol|DNS|name server",
    ),
    unreached(
        "x-dns-silent-3ns", "three name servers never answer", _SILENT, named(Zone(silent=_BOTH), servers=3), "28 000",
        "resol|DNS|name server",
    ),
    unreached(
        "dns-first-dead", "the first of two name servers is behind a firewall", "a name server is waited for",
        first_is_dead, "28 000", r"10\.13\.0\.9 does not answer",
    ),
    unreached(
        "dns-aaaa-silent", "the name server never answers for AAAA", "one family of addresses is silent",
        named(Zone(a=("10.13.0.1",), silent=frozenset({"AAAA"}))), "28 000", "AAAA|IPv6",
    ),
    unreached(
        "dns-a-silent", "the name server never answers for A", "one family of addresses is silent",
        two(lambda host: Zone(aaaa=("2001:db8:13::1",), silent=frozenset({"A"}))), "28 000", r"\bA\b|IPv4",
    ),
    well(
        "dns-aaaa-servfail", "the name server answers SERVFAIL for AAAA alone",
        named(Zone(a=("10.13.0.1",), errors={"AAAA": SERVFAIL})), options=(*NETWORK, *KEY), curl="0 401",
    ),
    well(
        "dns-aaaa-nxdomain", "the name server denies the name for AAAA alone",
        named(Zone(a=("10.13.0.1",), errors={"AAAA": NXDOMAIN})), options=(*NETWORK, *KEY), curl="0 401",
    ),
    interrupted(
        "dns-silent-interrupted", "Ctrl-C while three name servers are silent", named(Zone(silent=_BOTH), servers=3),
        REACHED,
    ),
    worse(
        "dns-slow-3s", "the name server takes 3 s", "names are slow", named(Zone(a=("10.13.0.1",), delay_s=3)),
        options=(*NETWORK, *KEY), says=("name",),
    ),
    well(
        "dns-search-domain", "the name is short, and the search domain completes it",
        named(Zone(a=("10.13.0.1",), knows=NAME), host="api", resolv="search road.test"), options=(*NETWORK, *KEY),
        curl="0 401",
    ),
    unreached(
        "dns-search-missing", "the name is short, and nothing completes it", "no such name",
        named(Zone(a=("10.13.0.1",), knows=NAME), host="api"), "6 000",
    ),
    well(
        "dns-two-one-dropped", "of two addresses one is behind a firewall", two(lambda host: Zone(a=(_DEAD, host))),
        options=(*NETWORK, *KEY), or_else=r"slow-way/\S+",
    ),
    well(
        "dns-two-one-refused", "at one of two addresses nothing listens", two(lambda host: Zone(a=("10.13.0.2", host))),
        options=(*NETWORK, *KEY, *SOCKET), curl="0 401",
    ),
    unreached(
        "dns-two-both-dropped", "both addresses are behind a firewall", "dropped",
        two(lambda host: Zone(a=(_DEAD,), aaaa=(_DEAD_6,))), "28 000", r"10\.13\.0\.9", "2001:db8:13::9",
    ),
    worse(
        "dns-blackhole-v6", "the IPv6 address leads nowhere, the IPv4 one is good", _V6,
        two(lambda host: Zone(a=(host,), aaaa=(_DEAD_6,))), options=(*NETWORK, *KEY, *SOCKET), curl="0 401",
        says=("IPv6",),
    ),
    worse(
        "dns-rejected-v6", "IPv6 is rejected by ICMP, IPv4 is good", _V6,
        two(lambda host: Zone(a=(host,), aaaa=("2001:db8:13::1",)), rejecting_6("icmpv6 type admin-prohibited")),
        options=(*NETWORK, *KEY, *SOCKET), curl="0 401", or_else="()",
    ),
    worse(
        "dns-reset-v6", "IPv6 is reset, IPv4 is good", _V6,
        two(lambda host: Zone(a=(host,), aaaa=("2001:db8:13::1",)), rejecting_6("tcp reset")),
        options=(*NETWORK, *KEY, *SOCKET), curl="0 401", or_else="()",
    ),
    well(
        "dns-v6-without-route", "the name has an IPv6 address, and this machine has no IPv6",
        told("2001:db8::1", "10.13.0.1"), options=(*NETWORK, *KEY, *SOCKET), curl="0 401",
    ),
)  # fmt: skip
