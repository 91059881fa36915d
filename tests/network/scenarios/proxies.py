"""Proxies: variables, logins, what CONNECT is answered, and who reads along."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tests.network.certificates import Authority
from tests.network.dns import Zone
from tests.network.ground import Ground
from tests.network.kinds import KEY, NETWORK, PORTAL, SOCKET, Scenario, interrupted, late, unreached, well, worse
from tests.network.proxies import Proxy, asks_login
from tests.network.roads import Road, by_tls, secured, trusting, url
from tests.network.runs import Asking
from tests.network.servers import Behaviour, answer, blurts, closes, page, says, silent

PASSWORD = "FAKE-passw0rd"
_LOGIN = f"someone:{PASSWORD}"
_CLOSED = "http://127.0.0.1:{closed}"


def proxied(proxy: Proxy | Behaviour, login: str = "", no_proxy: str = "", scheme: str = "http://") -> Road:
    """HTTPS through that proxy; `login` and `scheme` are what the variable holds before the host."""

    def road(ground: Ground) -> Asking:
        behaviour = proxy.behaviour() if isinstance(proxy, Proxy) else proxy
        variables = {"HTTPS_PROXY": f"{scheme}{login}{ground.host}:{ground.serve(behaviour)}"}
        if no_proxy:
            variables["NO_PROXY"] = no_proxy
        return by_tls(ground, given=trusting(ground.authority) | variables)

    return road


def tunnel_to_nowhere(ground: Ground) -> Asking:
    """A proxy opens the way, and nothing comes through."""
    proxy = ground.serve(Proxy().behaviour())
    given = {"HTTPS_PROXY": f"http://{ground.host}:{proxy}"}
    return Asking(url(ground, ground.serve(silent), "https"), env=given)


def by_https(*names: str, scheme: str = "https") -> Road:
    """The proxy itself is spoken to by TLS; its certificate is for these names, else for its address; the variable has `scheme`."""

    def road(ground: Ground) -> Asking:
        tls = ground.authority.server(*(names or (ground.host,)))
        port = ground.serve(Proxy().behaviour(), tls)
        return by_tls(ground, given=trusting(ground.authority) | {"HTTPS_PROXY": f"{scheme}://{ground.host}:{port}"})

    return road


def plainly(proxy: Proxy) -> Road:
    """Plain HTTP through that proxy."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        proxies = f"http://{ground.host}:{ground.serve(proxy.behaviour())}"
        return Asking(emulator.base_url, emulator.key, {"HTTP_PROXY": proxies, "http_proxy": proxies})

    return road


def variables(given: Mapping[str, str]) -> Road:
    """Such variables before a server that is reached without; {closed} in them is a port where nothing listens."""

    def road(ground: Ground) -> Asking:
        closed = ground.closed_port()
        set_so = {name: value.format(closed=closed) for name, value in given.items()}
        return by_tls(ground, given=trusting(ground.authority) | set_so)

    return road


def elsewhere(host: str, rule: str = "") -> Road:
    """A proxy at another name or address than the server's, and what a firewall does with all that goes there."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        ground.names(Zone(error=3))
        if rule:
            pair.firewall("far", "input", rule)
        return by_tls(ground, given=trusting(ground.authority) | {"HTTPS_PROXY": f"http://{host}:3128"})

    return road


def needed(given: Callable[[str], dict[str, str]]) -> Road:
    """The network lets nobody out but through its proxy, whose URL `given` makes variables of."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        port, proxy = secured(ground, emulator), ground.serve(Proxy().behaviour())
        pair.firewall("near", "output", f"tcp dport {port} drop")
        variables = given(f"http://{ground.host}:{proxy}")
        return Asking(url(ground, port, "https"), emulator.key, trusting(ground.authority) | variables)

    return road


async def speaks_socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a proxy of SOCKS 5 does: it answers to its own greeting, and hangs up for any other."""
    if (await reader.readexactly(3))[0] == 5:
        writer.write(b"\x05\0")
        await reader.read()


def read_along(issuer: str, *, by_variable: bool) -> Road:
    """A proxy ends TLS with a root of its own, which is trusted by SSL_CERT_FILE, or by the machine alone."""

    def road(ground: Ground) -> Asking:
        if not by_variable:
            ground.apart()
        (ground.folder / "corp").mkdir()
        corp = Authority(ground.folder / "corp", issuer)
        proxy = ground.serve(Proxy(reads=corp.server(ground.host)).behaviour())
        if not by_variable:
            ground.trusted_by_system(corp)
        given = {"HTTPS_PROXY": f"http://{ground.host}:{proxy}"} | (trusting(corp) if by_variable else {})
        return by_tls(ground, given=given)

    return road


def read_without_proxy(issuer: str) -> Road:
    """The same without a variable: a firewall ends TLS on the way."""
    return lambda ground: by_tls(ground, Authority(ground.folder, issuer).server(ground.host), {})


def refusing(status: str, kind: str) -> Scenario:
    """A proxy that answers CONNECT so, with a page."""
    return Scenario(
        f"proxy-connect-{status[:3]}-html", f"the proxy answers CONNECT with {status} and a page", kind,
        proxied(Proxy(says=page(status))), says=(status[:3],), never=(PORTAL,), curl="56 000",
    )  # fmt: skip


def variable(name: str, fault: str, curl: str | None, variable: str, value: str) -> Scenario:
    """A variable that cannot be used is named, and nothing else is blamed."""
    kind, road = "the proxy variable is unusable", variables({variable: value})
    return Scenario(name, fault, kind, road, verdict=(variable,), curl=curl)


_WANTS, _WRONG = "the proxy wants a login", "the proxy refuses the login"
_OTHER = "the proxy takes no password"
_REFUSES, _UPSTREAM, _SILENT = (
    "the proxy refuses the server",
    "the proxy does not reach the server",
    "the proxy is silent",
)
_NONE, _READ, _ITS_TLS = "no proxy answers there", "read along", "TLS with the proxy fails"
_ANY = r"proxy-\S+"
ROWS = (
    well(
        "proxy-password-right", "a proxy wants a password and gets it", proxied(Proxy(login=_LOGIN), f"{_LOGIN}@"),
        never=(PASSWORD,), options=(*KEY, *SOCKET), curl="0 401",
    ),
    Scenario(
        "proxy-password-missing-407", "the proxy wants a password and gets none", _WANTS, proxied(Proxy(login=_LOGIN)),
        says=("407",), verdict=("log ?in|password|credential|authenticat",), curl="56 000", at_most="high",
    ),
    Scenario(
        "proxy-login-wrong", "the proxy wants another password", _WRONG,
        proxied(Proxy(login=_LOGIN), "someone:FAKE-wrong@"), never=("FAKE-wrong",), curl="56 000", at_most="high",
    ),
    Scenario(
        "proxy-ntlm", "the proxy takes NTLM and Negotiate alone, and gets no login", _OTHER,
        proxied(Proxy(says=asks_login("NTLM", "Negotiate"))), says=("NTLM|Negotiate",), curl="56 000", at_most="high",
    ),
    Scenario(
        "proxy-ntlm-password", "the proxy takes NTLM and Negotiate alone, and gets a password", _OTHER,
        proxied(Proxy(says=asks_login("NTLM", "Negotiate")), f"{_LOGIN}@"), says=("NTLM|Negotiate",), never=(PASSWORD,),
        curl="56 000", at_most="high",
    ),
    Scenario(
        "proxy-407-bare", "the proxy says 407 and not what login it takes", _WANTS,
        proxied(Proxy(says=answer("407 Proxy Authentication Required"))), says=("407",), curl="56 000", at_most="high",
    ),
    refusing("403 Forbidden", _REFUSES),
    refusing("405 Method Not Allowed", _NONE),
    refusing("502 Bad Gateway", _UPSTREAM),
    refusing("503 Service Unavailable", _UPSTREAM),
    refusing("504 Gateway Timeout", _UPSTREAM),
    Scenario(
        "proxy-connect-403-words", "the proxy says 403 and whose rule it is", _REFUSES,
        proxied(Proxy(says=page("403 Forbidden", "Category: AI tools"))), says=("Category: AI tools",), curl="56 000",
    ),
    Scenario(
        "proxy-302-login", "the proxy sends to a page to log in to", "the network wants a login",
        proxied(Proxy(says=answer("302 Found", "", "", "location: http://portal.road.test/login"))),
        says=("portal.road.test/login",), curl="56 000",
    ),
    Scenario(
        "proxy-511", "the proxy says that the network wants a login", "the network wants a login",
        proxied(Proxy(says=page("511 Network Authentication Required"))), says=("511",), curl="56 000",
    ),
    Scenario(
        "proxy-digest", "the proxy takes Digest alone", _OTHER,
        proxied(Proxy(says=asks_login('Digest realm="a, Basic b", nonce="c"'))), says=("it takes Digest",),
        curl="56 000",
    ),
    Scenario(
        "proxy-page-in-the-way", "the proxy opens the way and says 403 in it", _REFUSES,
        proxied(Proxy(within=page("403 Forbidden", "Blocked"))), says=("through http://", "403 Forbidden"),
        curl="35 000",
    ),
    Scenario(
        "proxy-speaks-socks", "http:// in the variable, and the proxy speaks SOCKS", _NONE, proxied(speaks_socks),
        says=("got SOCKS", "socks5://"), curl=None,
    ),
    Scenario(
        "proxy-speaks-tls", "http:// in the variable, and the proxy speaks TLS", _ITS_TLS, by_https(scheme="http"),
        says=("it speaks TLS",), curl=None,
    ),
    Scenario(
        "proxy-keeps-answers", "the proxy gives one key's answer to another", "every key is refused alike",
        plainly(Proxy(keeps=True)), says=("from a cache",), never=("key-wrong-or-revoked",),
    ),
    Scenario(
        "proxy-drops-authorization", "the proxy takes the key out of each request", "the key does not arrive",
        plainly(Proxy(drops=("authorization",))), verdict=("proxy",),
    ),
    variable(
        "proxy-two-named", "the variable names two proxies", None, "HTTPS_PROXY",
        "http://127.0.0.1:{closed},http://127.0.0.1:{closed}",
    ),
    late(
        "proxy-tunnel-to-nowhere", "the proxy opens the way, and nothing comes through",
        "the handshake is not answered", tunnel_to_nowhere, "28 000",
    ),
    late(
        "proxy-hang", "the proxy takes CONNECT and never answers", _SILENT, proxied(Proxy(hangs=True)), "28 000",
        says=("proxy",),
    ),
    Scenario(
        "proxy-closes", "the proxy closes where CONNECT should be answered", _SILENT, proxied(Proxy(says=b" ")),
        or_else=_ANY, curl=None,
    ),
    Scenario(
        "proxy-closes-at-once", "what the variable names closes each connection", _NONE, proxied(closes), or_else=_ANY,
        curl=None,
    ),
    Scenario(
        "proxy-ssh", "what the variable names is an SSH server", _NONE, proxied(blurts(b"SSH-2.0-OpenSSH_9.2p1\r\n")),
        or_else="proxy-refuses-connect", curl=None,
    ),
    Scenario(
        "proxy-web-server", "what the variable names is a web server that knows no CONNECT", _NONE,
        proxied(says(page("200 OK", "It works"))), or_else=r"tls-or-proxy/(plain-port|broken-off)", curl=None,
    ),
    unreached(
        "proxy-refused", "nothing listens at the proxy's port", "no proxy listens", variables({"HTTPS_PROXY": _CLOSED}),
        "7 000", "proxy",
    ),
    unreached(
        "proxy-name-unknown", "the proxy's name does not exist", "the proxy's name is unknown",
        elsewhere("proxy.road.test"), "5 000", "proxy.road.test",
    ),
    unreached(
        "proxy-dropped", "packets to the proxy are dropped", "the proxy is not reached",
        elsewhere("10.13.0.1", "tcp dport 3128 drop"), "28 000", verdict=("proxy",),
    ),
    unreached(
        "proxy-rejected", "a firewall rejects what goes to the proxy", "the proxy is not reached",
        elsewhere("10.13.0.1", "tcp dport 3128 reject with icmp type admin-prohibited"), "7 000", verdict=("proxy",),
    ),
    unreached(
        "proxy-demanded-but-unset", "the network demands a proxy, and no variable names it", "dropped",
        needed(lambda _: {}), "28 000", verdict=("proxy",),
    ),
    unreached(
        "proxy-no-proxy-hides-needed", "the network demands a proxy, and NO_PROXY hides it", "NO_PROXY hides the proxy",
        needed(lambda proxy: {"HTTPS_PROXY": proxy, "NO_PROXY": "10.13.0.1"}), "28 000", "NO_PROXY", verdict=("proxy",),
    ),
    unreached(
        "proxy-no-proxy-star", "the network demands a proxy, and NO_PROXY=* hides it", "NO_PROXY hides the proxy",
        needed(lambda proxy: {"HTTPS_PROXY": proxy, "NO_PROXY": "*"}), "28 000", "NO_PROXY", verdict=("proxy",),
    ),
    well("proxy-https", "the proxy is spoken to by TLS", by_https(), options=KEY, curl=None),
    Scenario(
        "proxy-https-wrong-name", "the proxy is spoken to by TLS, and its certificate is another's", _ITS_TLS,
        by_https("another.road.test"), says=("mismatch",), curl=None,
    ),
    Scenario(
        "proxy-https-to-plain", "https:// in the variable, and the proxy speaks no TLS", _ITS_TLS,
        proxied(Proxy(), scheme="https://"), says=("http://",), curl=None, timeout_s=1,
    ),
    Scenario(
        "proxy-plain-http-403-html", "a proxy for plain HTTP answers 403 with a page", "not the API",
        plainly(Proxy(says=page("403 Forbidden", "Blocked"))), or_else=r"refused-alike|proxy-\S+", curl="0 403",
    ),
    Scenario(
        "proxy-plain-http-407", "a proxy for plain HTTP wants a password", _WANTS, plainly(Proxy(login=_LOGIN)),
        says=("407",), curl="0 407", at_most="high",
    ),
    Scenario(
        "proxy-plain-http-ntlm", "a proxy for plain HTTP takes NTLM and Negotiate alone", _OTHER,
        plainly(Proxy(says=asks_login("NTLM", "Negotiate"))), says=("it takes NTLM, Negotiate",), curl="0 407",
    ),
    well(
        "proxy-plain-http-ok", "a proxy for plain HTTP works", plainly(Proxy()), options=(*KEY, *SOCKET), curl="0 401",
    ),
    well(
        "proxy-without-scheme", "the variable names a good proxy without http://", proxied(Proxy(), scheme=""),
        options=(*KEY, *SOCKET), curl="0 401",
    ),
    variable(
        "proxy-socks-env", "the variable names a SOCKS proxy, and the package for it is missing", "7 000", "ALL_PROXY",
        "socks5://127.0.0.1:{closed}",
    ),
    variable(
        "proxy-env-bad-port", "the port in the variable is no number", "5 000", "HTTPS_PROXY", "http://127.0.0.1:31x8",
    ),
    variable(
        "proxy-env-unknown-scheme", "the scheme in the variable is unknown", "7 000", "HTTPS_PROXY",
        "htp://127.0.0.1:{closed}",
    ),
    variable(
        "proxy-env-quotes", "the variable has quotes around its value", None, "HTTPS_PROXY",
        '"http://127.0.0.1:{closed}"',
    ),
    interrupted("proxy-hang-interrupted", "Ctrl-C while the proxy is silent", proxied(Proxy(hangs=True))),
    well(
        "proxy-no-proxy-v6-brackets", "NO_PROXY has an IPv6 address in brackets, beside a good proxy",
        proxied(Proxy(), no_proxy="localhost,[::1]"), options=KEY, curl="0 401",
    ),
    well(
        "x-no-proxy-v6-only-env", "NO_PROXY is an IPv6 address in brackets", variables({"NO_PROXY": "[::1]"}),
        options=(*KEY, *SOCKET), curl="0 401",
    ),
    Scenario(
        "mitm-ca-in-system-store", "a proxy reads along, and the machine's store trusts it", "trusted by another store",
        read_along("Corporate Inspection Root", by_variable=False), exits=(0, 3), or_else="()",
        options=(*NETWORK, *KEY), curl="0 401",
    ),
    Scenario(
        "mitm-zscaler-in-system-store", "Zscaler reads along, and the machine's store trusts it", _READ,
        read_along("Zscaler Root CA", by_variable=False), exits=(0, 3), or_else="tls-or-proxy/trusted-elsewhere",
        says=("Zscaler",), options=(*NETWORK, *KEY), curl="0 401",
    ),
    Scenario(
        "mitm-fortinet-untrusted", "a FortiGate reads along, and nobody here trusts it", _READ,
        read_without_proxy("Fortinet_CA_SSL"), or_else="tls-or-proxy/issuer-unknown", says=("Fortinet",), curl="60 000",
    ),
    worse(
        "mitm-trusted", "a proxy reads along, and SSL_CERT_FILE trusts it", _READ,
        read_along("Corporate Inspection Root", by_variable=True), or_else="()", says=("Corporate Inspection Root",),
        options=(*NETWORK, *KEY, *SOCKET), curl="0 401",
    ),
    worse(
        "mitm-zscaler-trusted", "Zscaler reads along, and SSL_CERT_FILE trusts it", _READ,
        read_along("Zscaler Root CA", by_variable=True), says=("Zscaler",), options=(*NETWORK, *KEY, *SOCKET),
        curl="0 401",
    ),
)  # fmt: skip
