"""How roads are broken: each road builds its servers on a ground, breaks what it breaks, and says whom to ask."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import formatdate
from time import time
from urllib.parse import urlsplit

from rtdiag.emulator.background import Running
from tests.needs import needed
from tests.network import turn
from tests.network.certificates import Authority
from tests.network.dns import Zone
from tests.network.fronts import Change, Front, Hold, on_calls
from tests.network.ground import Ground
from tests.network.link import Link
from tests.network.proxies import Proxy
from tests.network.runs import Asking
from tests.network.servers import Behaviour, Request, page, says, silent

Road = Callable[[Ground], Asking]

NAME = "api.road.test"
PASSWORD = "FAKE-passw0rd"
ELSEWHERE = "172.31.44.5"  # RFC 1918: routed nowhere here
DAYS_2, MINUTES_10 = 2 * 24 * 3600, 600


# --- what roads are made of


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


def secured(
    ground: Ground, emulator: Running, *names: str, begins: timedelta = -timedelta(1), ends: timedelta = timedelta(1)
) -> int:
    """The port of the emulator behind TLS, with a certificate for these names, or for its address."""
    tls = ground.authority.server(*(names or (ground.host,)), begins=begins, ends=ends)
    return ground.serve(Front((ground.host, port_of(emulator))).behaviour(), tls)


def trusting(authority: Authority) -> dict[str, str]:
    """The variable by which that authority is trusted."""
    return {"SSL_CERT_FILE": str(authority.pem)}


# --- the healthy road


def healthy(ground: Ground) -> Asking:
    """Two namespaces, and nothing wrong between them."""
    ground.apart()
    emulator = ground.emulator()
    return Asking(emulator.base_url, emulator.key)


def healthy_tls(ground: Ground) -> Asking:
    """TLS by an authority that SSL_CERT_FILE names."""
    emulator = ground.emulator()
    return Asking(url(ground, secured(ground, emulator), "https"), emulator.key, trusting(ground.authority))


def with_fault(fault: str, *, apart: bool = True) -> Road:
    """The emulator with a fault of its own; sessions need it `apart`, since WebRTC offers no loopback."""

    def road(ground: Ground) -> Asking:
        if apart:
            ground.apart()
        emulator = ground.emulator(fault)
        return Asking(emulator.base_url, emulator.key)

    return road


def ipv6_only(ground: Ground) -> Asking:
    """No IPv4 at all."""
    ground.apart(6)
    emulator = ground.emulator()
    return Asking(emulator.base_url, emulator.key)


def slow(delay_s: float, loss: float = 0) -> Road:
    """A link on which each way takes so long, and that loses such a part of all packets."""

    def road(ground: Ground) -> Asking:
        ground.apart()
        ground.slow(Link(delay_s, loss))
        emulator = ground.emulator()
        return Asking(emulator.base_url, emulator.key)

    return road


# --- names


def named(error: int = 0, *, silent: tuple[str, ...] = (), delay_s: float = 0, to: str = "", servers: int = 1) -> Road:
    """A name whose address has to be asked for; `to` is the address that is told in place of the right one."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        others = [f"10.13.0.{10 + number}" for number in range(servers - 1)]
        for other in others:
            pair.call("far", "ip", "address", "add", f"{other}/24", "dev", "wire")
        zone = Zone(a=(to or ground.host,), error=error, silent=frozenset(silent), delay_s=delay_s)
        ground.names(zone, ground.host, *others)
        return Asking(url(ground, port_of(emulator), host=NAME), emulator.key)

    return road


def offline(ground: Ground) -> Asking:
    """No network, and the API's own host: nothing of this leaves the namespace."""
    pair = ground.apart()
    pair.etc("resolv.conf", f"nameserver {ground.host}\n")
    pair.unplug()
    return Asking("https://api.openai.com/v1")


# --- TCP


def refused(ground: Ground) -> Asking:
    """Nothing listens."""
    return Asking(url(ground, ground.closed_port()))


def walled(rule: str) -> Road:
    """A firewall before the server does that with TCP."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        pair.firewall("far", "input", f"meta l4proto tcp {rule}")
        return Asking(emulator.base_url, emulator.key)

    return road


def server(behaviour: Behaviour, scheme: str = "http") -> Road:
    """A server that behaves so, on loopback."""
    return lambda ground: Asking(url(ground, ground.serve(behaviour), scheme))


# --- TLS


def unknown_issuer(ground: Ground) -> Asking:
    """Nobody here trusts the authority."""
    emulator = ground.emulator()
    return Asking(url(ground, secured(ground, emulator), "https"), emulator.key)


def wrong_name(ground: Ground) -> Asking:
    """The certificate is another host's."""
    emulator = ground.emulator()
    port = secured(ground, emulator, "another.road.test")
    return Asking(url(ground, port, "https"), emulator.key, trusting(ground.authority))


def certificate(begins_d: int, ends_d: int, clock: str = "") -> Road:
    """A certificate for these days; rtdiag's own clock is off by `clock`."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        port = secured(ground, emulator, begins=timedelta(begins_d), ends=timedelta(ends_d))
        before = faked(clock) if clock else ()
        return Asking(url(ground, port, "https"), emulator.key, trusting(ground.authority), before)

    return road


def tls_to_plain_port(ground: Ground) -> Asking:
    """https:// where plain HTTP is spoken."""
    emulator = ground.emulator()
    return Asking(url(ground, port_of(emulator), "https"), emulator.key)


def big_packets_lost(ground: Ground) -> Asking:
    """Small packets pass and big ones do not, so that no certificate arrives: a tunnel with a wrong MTU."""
    pair = ground.apart()
    emulator = ground.emulator()
    port = secured(ground, emulator)
    pair.firewall("near", "input", f"tcp sport {port} meta length > 600 drop")
    return Asking(url(ground, port, "https"), emulator.key, trusting(ground.authority))


def portal_with_tls(ground: Ground) -> Asking:
    """A sign-in page that answers in place of the API, with a certificate of its own."""
    tls = ground.authority.server("portal.road.test")
    return Asking(url(ground, ground.serve(says(page("200 OK", "Hotel")), tls), "https"))


def plain_to_tls_port(ground: Ground) -> Asking:
    """http:// where TLS is spoken."""
    emulator = ground.emulator()
    return Asking(url(ground, secured(ground, emulator)), emulator.key)


def _in_system_store(ground: Ground, authority: Authority) -> None:
    """The authority is trusted by this machine, as curl sees it."""
    assert ground.pair
    pem = authority.pem.read_text(encoding="ascii")
    asked = ["openssl", "x509", "-noout", "-hash", "-in", str(authority.pem)]
    name = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    for file in ("ca-certificates.crt", f"{name}.0"):
        ground.pair.etc(f"ssl/certs/{file}", pem)


def in_system_store(ground: Ground) -> Asking:
    """The machine trusts the authority, and Python's own list does not."""
    ground.apart()
    emulator = ground.emulator()
    _in_system_store(ground, ground.authority)
    return Asking(url(ground, secured(ground, emulator), "https"), emulator.key)


def certificate_file_missing(ground: Ground) -> Asking:
    """SSL_CERT_FILE names a file that is not there."""
    emulator = ground.emulator()
    missing = {"SSL_CERT_FILE": str(ground.folder / "no-such.pem")}
    return Asking(url(ground, secured(ground, emulator), "https"), emulator.key, missing)


# --- proxies


def proxied(proxy: Proxy, login: str = "", no_proxy: str = "", scheme: str = "http://") -> Road:
    """HTTPS through that proxy; `login` and `scheme` are what the variable holds before the host."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        port = secured(ground, emulator)
        variables = {"HTTPS_PROXY": f"{scheme}{login}{ground.host}:{ground.serve(proxy.behaviour())}"}
        if no_proxy:
            variables["NO_PROXY"] = no_proxy
        return Asking(url(ground, port, "https"), emulator.key, trusting(ground.authority) | variables)

    return road


def tunnel_to_nowhere(ground: Ground) -> Asking:
    """A proxy opens the way, and nothing comes through."""
    proxy = ground.serve(Proxy().behaviour())
    given = {"HTTPS_PROXY": f"http://{ground.host}:{proxy}"}
    return Asking(url(ground, ground.serve(silent), "https"), env=given)


def proxied_plainly(proxy: Proxy) -> Road:
    """Plain HTTP through that proxy."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        proxies = f"http://{ground.host}:{ground.serve(proxy.behaviour())}"
        return Asking(emulator.base_url, emulator.key, {"HTTP_PROXY": proxies, "http_proxy": proxies})

    return road


def variables(given: Mapping[str, str]) -> Road:
    """Such variables before a server that is reached without; {closed} in them is a port where nothing listens."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        closed = ground.closed_port()
        set_so = {name: value.format(closed=closed) for name, value in given.items()}
        port = secured(ground, emulator)
        return Asking(url(ground, port, "https"), emulator.key, trusting(ground.authority) | set_so)

    return road


def proxy_elsewhere(host: str, rule: str = "") -> Road:
    """A proxy at another name or address than the server's, and what a firewall does with all that goes there."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        ground.names(Zone(error=3))
        if rule:
            pair.firewall("far", "input", rule)
        given = trusting(ground.authority) | {"HTTPS_PROXY": f"http://{host}:3128"}
        return Asking(url(ground, secured(ground, emulator), "https"), emulator.key, given)

    return road


def proxy_needed(given: Callable[[str], dict[str, str]]) -> Road:
    """The network lets nobody out but through its proxy, whose URL `given` makes variables of."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        port, proxy = secured(ground, emulator), ground.serve(Proxy().behaviour())
        pair.firewall("near", "output", f"tcp dport {port} drop")
        variables = given(f"http://{ground.host}:{proxy}")
        return Asking(url(ground, port, "https"), emulator.key, trusting(ground.authority) | variables)

    return road


def read_along(*, by_variable: bool) -> Road:
    """A proxy that ends TLS with a root of its own, which is trusted by SSL_CERT_FILE, or by the machine alone."""

    def road(ground: Ground) -> Asking:
        if not by_variable:
            ground.apart()
        emulator = ground.emulator()
        (ground.folder / "corp").mkdir()
        corp = Authority(ground.folder / "corp", "Corporate Inspection Root")
        proxy = ground.serve(Proxy(reads=corp.server(ground.host)).behaviour())
        if not by_variable:
            _in_system_store(ground, corp)
        given = {"HTTPS_PROXY": f"http://{ground.host}:{proxy}"} | (trusting(corp) if by_variable else {})
        return Asking(url(ground, secured(ground, emulator), "https"), emulator.key, given)

    return road


# --- what comes back


def behind(**front: object) -> Road:
    """The emulator behind a front, on loopback."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        return Asking(url(ground, fronted(ground, emulator, **front)), emulator.key)

    return road


def to_calls(request: Request, _: int) -> bool:
    """Requests that carry an offer."""
    return request.method == "POST" and request.target.partition("?")[0].endswith("/realtime/calls")


def to_mints(request: Request, _: int) -> bool:
    """Requests for a token."""
    return request.method == "POST" and request.target.endswith("/realtime/client_secrets")


def upgrades(request: Request, _: int) -> bool:
    """Requests for a WebSocket."""
    return request.upgrades


def after(number: int) -> Hold:
    """All but the first so many requests."""
    return lambda _, before: before >= number


def cut_after(number: int, what: str = "") -> Road:
    """Once so many requests were made all is dropped both ways, or all of `what`: what is open and what is new."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()

        def asked(before: int) -> None:
            if before == number:
                pair.firewall("near", "input", f"{what} drop")
                pair.firewall("far", "input", f"{what} drop")

        return Asking(url(ground, fronted(ground, emulator, asked=asked)), emulator.key)

    return road


# --- media


def media(side: str, hook: str, rule: str) -> Road:
    """A firewall does that with UDP."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        pair.firewall(side, hook, f"meta l4proto udp {rule}")  # type: ignore[arg-type]
        return Asking(emulator.base_url, emulator.key)

    return road


def answers_changed(change: Callable[[bytes], bytes], *, passive: bool = False) -> Road:
    """The SDP of answers is changed on the way; a `passive` server sends no datagram before it got one."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        if passive:
            pair.firewall("far", "output", "meta l4proto udp ct state new drop")
        return Asking(url(ground, fronted(ground, emulator, change=on_calls(change))), emulator.key)

    return road


def unroutable(sdp: bytes) -> bytes:
    """Every candidate is at an address that leads nowhere."""
    return re.sub(rb"(?m)^(a=candidate:\S+ \d+ \S+ \d+ )\S+", rb"\g<1>" + ELSEWHERE.encode(), sdp)


def wrong_password(sdp: bytes) -> bytes:
    """Another ice-pwd than the peer's."""
    return re.sub(rb"(?m)^(a=ice-pwd:)\S+", rb"\g<1>" + b"x" * 24, sdp)


# --- STUN and TURN


def ice_servers(*urls: str, open_net: bool = True) -> Road:
    """coturn beside the emulator; {host} in the URLs is its address. Without `open_net` UDP goes to coturn alone."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        ground.keep(turn.coturn(ground.host, ground.authority.files(ground.host)))
        if not open_net:
            pair.firewall("near", "output", f"udp dport != {turn.PORT} drop")
        given = [part for one in urls for part in ("--ice-server", one.format(host=ground.host))]
        return Asking(emulator.base_url, emulator.key, options=tuple(given))

    return road


def ice_url(given: str) -> Road:
    """A URL for --ice-server that is none."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        return Asking(emulator.base_url, emulator.key, options=("--ice-server", given, "--only", "sdp.ice-realtime"))

    return road


def stun_dead(ground: Ground) -> Asking:
    """A STUN server that never answers."""
    pair = ground.apart()
    emulator = ground.emulator()
    pair.firewall("far", "input", f"udp dport {turn.PORT} drop")
    return Asking(emulator.base_url, emulator.key, options=("--ice-server", f"stun:{ground.host}:{turn.PORT}"))


# --- clocks


def dated(ahead_s: int) -> Change:
    """The Date of every answer is off."""

    def changed(_: Request, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        said = b"Date: " + formatdate(time() + ahead_s, usegmt=True).encode()
        return re.sub(rb"(?im)^date:[^\r]*", said, head), body

    return changed


def server_clock(ahead_s: int) -> Road:
    """The server's clock is off."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator(clock=lambda: time() + ahead_s)
        return Asking(emulator.base_url, emulator.key)

    return road


def faked(offset: str) -> tuple[str, ...]:
    """What stands before a command whose clock is to be off, such as by "-2d"."""
    program = needed(shutil.which("faketime"), "faketime is not installed (apt-get install faketime)")
    return (program, "--exclude-monotonic", "-f", offset)


def own_clock(offset: str) -> Road:
    """rtdiag's own clock is off."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        return Asking(emulator.base_url, emulator.key, before=faked(offset))

    return road


# --- base URLs


def base_url(change: Callable[[str], str]) -> Road:
    """The base URL is not quite that."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        return Asking(change(emulator.base_url), emulator.key)

    return road
