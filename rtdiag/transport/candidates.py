"""What an offer or an answer says of where its media go: its candidates, and what its checks are signed with."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Private ranges, and whatever else is no address of the Internet, by ipaddress (IANA's registries of special addresses).
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Candidate:
    """One candidate: `kind` is host, srflx, prflx or relay, `protocol` udp or tcp, `passive` that a TCP one can be connected to."""

    kind: str
    protocol: str
    host: str
    port: int
    passive: bool = False

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, the host as the operating system spells it."""
        found = _ip(self.host)
        return (str(found) if found else self.host, self.port)

    @property
    def named(self) -> bool:
        """Whether it has a name in place of an address."""
        return _ip(self.host) is None

    def __str__(self) -> str:
        return f"{self.protocol} {self.kind} {shown(self.address)}"


def candidates(sdp: str) -> Iterator[Candidate]:
    """All that are spelt well, in their order; a bundled section may name them again."""
    for line in sdp.splitlines():
        parts = line.removeprefix("a=candidate:").split()
        if line.startswith("a=candidate:") and len(parts) > 7 and re.fullmatch("[0-9]{1,5}", parts[5]):
            yield Candidate(parts[7], parts[2].lower(), parts[4], int(parts[5]), "passive" in parts[8:])


def first(sdp: str, name: str) -> str:
    """The value of the first attribute of that name, which is that of a bundled transport; "" without one."""
    found = re.search(rf"^a={name}:([^\r\n]+)", sdp, re.MULTILINE)
    return found[1] if found else ""


def first_section(sdp: str) -> str:
    """The SDP as far as its first section, in which the transport stands that a bundle uses."""
    return "m=".join(re.split(r"^m=", sdp, maxsplit=2, flags=re.MULTILINE)[:2])


def may_pair(ours: Candidate, theirs: Candidate) -> bool:
    """Whether they are of one family of IP; which one a name is of is not known."""
    return theirs.named or (":" in ours.host) == (":" in theirs.host)


def nominated_at_once(sdp: str) -> str:
    """An answer that does not say ice-lite: to such aioice makes its first check with USE-CANDIDATE (RFC 5245 section 8.1.1.2).

    To a lite side it makes a second one, which is a round trip more, since the first may not be the pair to keep. That is no
    question where there is one pair. With several it is: pion's lite side keeps what was named last, and ends what is silent then.
    """
    return re.sub(r"^a=ice-lite[ \t]*(?:\r?\n|\Z)", "", sdp, flags=re.MULTILINE)


def shown(address: tuple[str, int]) -> str:
    """An address as it is read: `192.0.2.1:3478`, `[2001:db8::1]:3478`."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def elsewhere(host: str, reached: str | None, own: Iterable[Network]) -> bool:
    """Whether that address of an answer leads nowhere from here, as far as can be known.

    It is none of the Internet and in no network of `own`, while the server was `reached` over the Internet or in one of `own`:
    one that is reached in a private network further away shows that there are ways to such. Nobody is at an address of this
    machine alone, of none, or of many.
    """
    candidate, server, near = _ip(host), _ip(reached or ""), tuple(own)
    if candidate is None or server is None or candidate == server:
        return False
    if candidate.is_loopback or candidate.is_unspecified or candidate.is_multicast:
        return True
    if candidate.is_global or _in(candidate, near):
        return False
    return server.is_global or _in(server, near)


def own_networks() -> tuple[Network, ...]:
    """The networks that this machine has an address in."""
    import ifaddr

    found = (
        ipaddress.ip_network(f"{ip.ip if ip.is_IPv4 else ip.ip[0]}/{ip.network_prefix}", strict=False)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    )
    return tuple(network for network in found if network.prefixlen)


def _in(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
