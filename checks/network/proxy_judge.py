"""What a proxy made of being asked for the way. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rtdiag.checks.network.gone import Gone, Told, dials, lookups, worst
from rtdiag.engine.findings import NO_PASSWORD, PORTAL
from rtdiag.model import Finding
from rtdiag.network.way import Hop, Tunnel

_PROXY_HOP: Mapping[str, Told] = {
    "name": ("the name of the proxy does not resolve", "read the proxy's host in the variable letter by letter"),
    "refused": ("the proxy's port is closed", "nothing listens there: read the proxy's port, and look whether it runs"),
    "": (
        "the proxy takes no connection",
        "this machine does not reach the proxy: look at the network, the VPN, the variable",
    ),
}
_LOGIN: Told = (
    "the proxy wants a login",
    "name, colon, password and @ stand before the proxy's host in the variable",
)
_PORTAL: Told = (
    PORTAL,
    "it is the proxy that sends there: log in with a browser that uses it, or ask whoever runs it",
)
_OTHER_LOGIN: Told = (
    NO_PASSWORD,
    "a program that knows that login has to stand between, such as px or cntlm; nothing in the variable helps",
)
TUNNEL: Mapping[str, Told] = {
    "login": (
        "the proxy refuses the login",
        "name or password in the variable are wrong, or it wants another kind of login; # is %23 and @ is %40 there",
    ),
    "refused": ("the proxy refuses the server", "ask whoever runs it to let this host through"),
    "unreached": (
        "the proxy does not reach the server",
        "the proxy is there and cannot get through to this host: ask whoever runs it",
    ),
    "silent": ("the proxy does not answer", "it took the connection and lets the request wait: ask whoever runs it"),
    "closed": ("the proxy does not answer", "it took the connection and closed it: is that the port of a proxy?"),
    "no-proxy": (
        "what the variable names is no proxy",
        "it answers as a web server does, or as a proxy that lets nobody through by CONNECT: read host and port",
    ),
    "not-http": ("what the variable names is no proxy", "what listens there speaks no HTTP: read the port"),
    "tls": (
        "TLS with the proxy itself fails",
        "it is the proxy's own port and certificate, not the server's: most proxies are spoken to by http://",
    ),
}
REFUSAL = re.compile(r"HTTP/\S+ (?!400)[3-5]")  # 400 is what a server of plain HTTP says to TLS


def proxy(seen: Gone) -> Finding:
    """Which way the requests take, and whether the proxy opens it."""
    way = seen.way
    if not way.proxied:
        return Finding("proxy", "info", f"none: the requests go {way.route}")
    if way.unmeasured:
        return Finding("proxy", "info", f"{way.route}; {way.unmeasured}")
    if missed := _unreached(seen, way.hop):
        return missed
    tunnel = way.tunnel
    if tunnel is None:
        return Finding("proxy", "pass", f"{way.route}: it takes connections; plain HTTP needs no CONNECT")
    if not tunnel.failure:
        return Finding("proxy", "pass", f"{way.route}: the way was open in {tunnel.took_ms:.0f} ms")
    who = f" ({tunnel.server})" if tunnel.server else ""
    if tunnel.failure == "tls":
        return seen.ends(f"{way.route}: {tunnel.detail}", TUNNEL["tls"], "a handshake with the proxy")
    return seen.ends(f"{way.route}{who}: CONNECT got {_refusal(tunnel)}", _of_tunnel(tunnel), "200")


def _of_tunnel(tunnel: Tunnel) -> Told:
    """What a tunnel that was not opened comes to; without a word of Basic no name and no password help."""
    if tunnel.status == 511 or (tunnel.status or 0) // 100 == 3:
        return _PORTAL
    if tunnel.failure != "login":
        return TUNNEL[tunnel.failure]
    if tunnel.logins and "basic" not in map(str.lower, tunnel.logins):
        return _OTHER_LOGIN
    return TUNNEL["login"] if tunnel.login else _LOGIN


def _refusal(tunnel: Tunnel) -> str:
    """`407 Proxy Authentication Required; it takes NTLM, Negotiate`."""
    status, words = str(tunnel.status or ""), tunnel.words
    said = words if status and words.startswith(status) else " ".join(filter(None, (status, words)))
    takes = f"; it takes {', '.join(tunnel.logins)}" if tunnel.logins and tunnel.failure == "login" else ""
    return (said or tunnel.detail or "nothing, and the end of the connection") + takes


def _unreached(seen: Gone, hop: Hop | None) -> Finding | None:
    """The finding of a proxy that is not reached."""
    if hop is None or any(not dial.failure for dial in hop.dials):
        return None
    place = f"the proxy {hop.host}:{hop.port}"
    if not any(lookup.addresses for lookup in hop.lookups):
        return seen.ends(f"{place}: {lookups(hop.lookups)}", _PROXY_HOP["name"])
    told = _PROXY_HOP.get(worst(hop.dials), _PROXY_HOP[""])
    return seen.ends(f"{place}: {dials(hop.dials)}", told)
