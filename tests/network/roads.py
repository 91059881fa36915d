"""How roads are broken: each builds its servers on a ground, breaks what it breaks, and says whom to ask. These are shared."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from rtdiag.emulator.background import Running
from tests.network.certificates import Authority
from tests.network.fronts import Front
from tests.network.ground import Ground
from tests.network.namespaces import Hook, Side
from tests.network.runs import Asking
from tests.network.servers import Behaviour

Road = Callable[[Ground], Asking]

ELSEWHERE = "172.31.44.5"  # RFC 1918: routed nowhere here


def url(ground: Ground, port: int, scheme: str = "http", host: str = "") -> str:
    """The base URL of a server that stands here."""
    host = host or (f"[{ground.host}]" if ":" in ground.host else ground.host)
    return f"{scheme}://{host}:{port}/v1"


def port_of(emulator: Running) -> int:
    """Where it listens."""
    return urlsplit(emulator.base_url).port or 80


def fronted(ground: Ground, emulator: Running, **front: object) -> int:
    """The port of a front before the emulator."""
    return ground.serve(Front((ground.host, port_of(emulator)), **front).behaviour())  # type: ignore[arg-type]


def secured(ground: Ground, emulator: Running, tls: ssl.SSLContext | None = None) -> int:
    """The port of the emulator behind TLS, with this, or with a certificate for its address."""
    front = Front((ground.host, port_of(emulator)))
    return ground.serve(front.behaviour(), tls or ground.authority.server(ground.host))


def trusting(authority: Authority) -> dict[str, str]:
    """The variable by which that authority is trusted."""
    return {"SSL_CERT_FILE": str(authority.pem)}


def by_tls(ground: Ground, tls: ssl.SSLContext | None = None, given: Mapping[str, str] | None = None) -> Asking:
    """The emulator behind TLS, its authority trusted by SSL_CERT_FILE, or `given` variables in its place."""
    emulator = ground.emulator()
    port = secured(ground, emulator, tls)
    return Asking(url(ground, port, "https"), emulator.key, trusting(ground.authority) if given is None else given)


def server(behaviour: Behaviour, scheme: str = "http") -> Road:
    """A server that behaves so, on loopback."""
    return lambda ground: Asking(url(ground, ground.serve(behaviour), scheme))


def behind(**front: object) -> Road:
    """The emulator behind a front, on loopback."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        return Asking(url(ground, fronted(ground, emulator, **front)), emulator.key)

    return road


def apart(*families: int) -> Road:
    """Two namespaces with these families of IP, and nothing wrong between them."""

    def road(ground: Ground) -> Asking:
        ground.apart(*families)
        emulator = ground.emulator()
        return Asking(emulator.base_url, emulator.key)

    return road


def walled(*rules: str, side: Side = "far", hook: Hook = "input", family: int = 4) -> Road:
    """The same with a firewall there; {port} in its rules is the server's."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart(family)
        emulator = ground.emulator()
        pair.firewall(side, hook, *(rule.format(port=port_of(emulator)) for rule in rules))
        return Asking(emulator.base_url, emulator.key)

    return road


def with_fault(fault: str, *, apart: bool = True) -> Road:
    """The emulator with a fault of its own; sessions need it `apart`, since WebRTC offers no loopback."""

    def road(ground: Ground) -> Asking:
        if apart:
            ground.apart()
        emulator = ground.emulator(fault)
        return Asking(emulator.base_url, emulator.key)

    return road
