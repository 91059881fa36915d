"""Whether the name resolves, a connection opens, and what IPv6 and the round trip are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from rtdiag.checks.network.gone import CONNECT, Gone, Told, dials, lookups, worst
from rtdiag.model import Finding

_NAMES: Mapping[str, Told] = {
    "unknown": ("the name does not exist", "the name servers know no such name: read the host letter by letter"),
    "none": ("the name does not exist", "the name exists and has no address: read the host letter by letter"),
    "fails": (
        "the name servers answer with an error",
        "the name servers, or the way to them, are in trouble: ask another one (`dig @1.1.1.1 HOST`)",
    ),
    "unasked": (
        "this machine does not ask its name servers",
        "a name server knows the name: look at the line `hosts:` of /etc/nsswitch.conf, which should hold `dns`",
    ),
    "late": (
        "a name server that does not answer is asked first",
        "programs wait for it before they ask the next, mostly 5 s each time: take it out of /etc/resolv.conf",
    ),
    "silent": (
        "the name servers do not answer",
        "no name server answered: look at /etc/resolv.conf, the VPN and the network, nothing was sent to the server",
    ),
}
_ONE_FAMILY: Told = (
    "one family of addresses is not answered by the name servers",
    "programs that wait for both families wait for this one each time: mend the name server, or use another",
)
_BLOCKED: Told = (
    "the name resolves to this machine",
    "an ad blocker, a DNS filter or /etc/hosts answers in place of the name server: take the host out of it",
)
_PRIVATE: Told = (
    "the name resolves to a private address",
    "this host is on the public internet: a DNS filter, a portal or a VPN answers in place of its name server",
)
_FAILS: Told = (
    "no connection comes about",
    "read the words of the failure; what the base URL names may be no address that a connection can have",
)
_BYPASSED: Told = (
    "NO_PROXY keeps the server from the proxy",
    "directly it is not reached: take the host out of NO_PROXY",
)
_LOCAL = ("localhost", ".localhost")


def names(seen: Gone) -> Finding:
    """Whether the name of the server resolves."""
    way, hop = seen.way, seen.way.hop
    if way.proxied:
        return Finding("names", "info", "the proxy looks the server's name up")
    if hop is None:
        return Finding("names", "info", "not looked up")
    if _is_address(way.host):
        return Finding("names", "pass", f"{way.host} is an address")
    found = [address for lookup in hop.lookups for address in lookup.addresses]
    measured = lookups(hop.lookups)
    if not found:
        failures = [lookup.failure for lookup in hop.lookups]
        return seen.ends(
            measured,
            _NAMES[next(f for f in ("unasked", "late", "silent", "fails", "unknown", "none") if f in failures)],
        )
    if not seen.answered and all(map(_is_ours, found)) and not way.host.endswith(_LOCAL):
        return seen.ends(measured, _BLOCKED, "an address of the server")
    if not seen.answered and seen.official and all(ip_address(a).is_private for a in found):
        return seen.ends(measured, _PRIVATE, "a public address")
    if any(lookup.failure == "silent" for lookup in hop.lookups):
        return Finding("names", "warn", measured, "an answer for both families", (_ONE_FAMILY[0],), _ONE_FAMILY[1])
    return Finding("names", "pass", measured)


def connect(seen: Gone) -> Finding:
    """Whether an address takes a connection."""
    way, hop = seen.way, seen.way.hop
    if hop is None or not hop.dials:
        return Finding("connect", "info", "not measured: the first request tells")
    opened = [dial for dial in hop.dials if not dial.failure]
    if opened or way.proxied:
        return Finding("connect", "pass", dials(opened or hop.dials))
    told = CONNECT.get(worst(hop.dials), _FAILS)
    if way.bypassed and worst(hop.dials) in ("dropped", "rejected", "no-route"):
        told = _BYPASSED
    return seen.ends(dials(hop.dials), told, "a connection")


def ipv6(seen: Gone) -> Finding:
    """What IPv6 is worth here, and what it costs."""
    hop = seen.way.hop
    if hop is None:
        return Finding("ipv6", "info", "not measured")
    four, six = ([d for d in hop.dials if (":" in d.address) is sixth] for sixth in (False, True))
    if not six:
        return Finding("ipv6", "info", "the host has no IPv6 address")
    works = [dial for dial in six if not dial.failure]
    if works and not four:
        return Finding("ipv6", "pass", f"IPv6 alone: {dials(works)}")
    if works:
        return Finding("ipv6", "pass", dials(works))
    if all(dial.failure == "no-route" for dial in six):
        return Finding("ipv6", "info", "this machine has no IPv6, the host has: nothing is lost")
    hint = "programs that race both families lose a quarter of a second each time, others wait until IPv6 has failed (RFC 8305)"
    return Finding("ipv6", "warn", dials(six), "IPv6 as good as IPv4", ("IPv6 is tried in vain",), hint)


def round_trip(seen: Gone) -> Finding:
    """How long a packet takes there and back, by the connections that opened."""
    took_ms = [dial.took_ms for dial in (seen.way.hop.dials if seen.way.hop else ()) if not dial.failure]
    if not took_ms:
        return Finding("round-trip", "info", "not measured")
    from statistics import median

    where = " to the proxy" if seen.way.proxied else ""
    return Finding("round-trip", "info", f"{median(took_ms):.1f} ms{where}, by opening a connection")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_ours(address: str) -> bool:
    found = ip_address(address)
    return found.is_loopback or found.is_unspecified
