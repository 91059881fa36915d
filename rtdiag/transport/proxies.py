"""Which proxy a URL gets by the variables of the environment, which of them decided, and what they hold that cannot be used.

It is what curl, requests and httpx have in common. Where they differ:

- `https_proxy` decides for https and wss, `http_proxy` for http and ws, and where it is not set, or empty, `all_proxy`.
- Small letters come before capitals. `HTTP_PROXY` in capitals counts, as in requests and httpx, but not beside REQUEST_METHOD:
  under CGI a stranger's header `Proxy:` gets there (CVE-2016-1000110), which is why curl never reads it.
- A proxy without a scheme is http; without a port it is asked at 80, for https 443, for SOCKS 1080, as the Python libraries do;
  curl takes 1080 for all but https.
- `no_proxy` holds names, which stand for all below them too, a dot before or behind them ignored; IP addresses, with CIDR as in
  curl from 7.86 on; `*` for everything; with commas or blanks between them. A port behind one stands for that port, as in requests
  and httpx; curl finds no such entry. An IPv6 address has no brackets there, as in curl. What cannot be used is left out, as in
  curl, and told as a note.

What a system keeps elsewhere, such as in a registry, is not looked at. Sources: curl's lib/url.c and lib/noproxy.c as of
2025-12-19; requests 2.34 utils.py; httpx 0.28 _utils.py; websockets 17.4 proxy.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import quote, unquote, urlsplit

from rtdiag.redact import Secret
from rtdiag.transport.addresses import BadAddress, host_and_port, read, shown
from rtdiag.transport.failures import BadVariable

_BY_SCHEME = {"https": "https_proxy", "wss": "https_proxy", "http": "http_proxy", "ws": "http_proxy"}
_ALL, _NONE = "all_proxy", "no_proxy"

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
# What httpx and websockets each need for SOCKS.
_SOCKS_PACKAGES = ("socksio", "python_socks")
_QUOTES = "\"'"
_MOST_NOTES = 5


@dataclass(frozen=True)
class Route:
    """How one URL is reached: through `proxy`, a URL with name and password, for the wire alone; or, where it is None, directly.

    `variable` is the one that decided, as it is spelt in the environment, "" where none did; `shown` the proxy for a person;
    `notes` what else is worth knowing of the variables.
    """

    proxy: Secret | None = None
    variable: str = ""
    shown: str = ""
    notes: tuple[str, ...] = ()

    def for_websockets(self) -> str | None:
        """The proxy as the library websockets takes it, with its secrets; None for directly.

        Until 17.1 it sends name and password as they stand in the URL, so they must stand there unquoted. Raises BadVariable for
        what no URL can hold so.
        """
        if self.proxy is None or _unquotes():
            return self.proxy.reveal() if self.proxy else None
        address = read(self.proxy.reveal())
        userinfo = unquote(address.userinfo)
        if not re.fullmatch(r"[ -~]*", userinfo) or re.search(r"[/?#\[\]]", userinfo):
            what = "this websockets cannot send a / ? # [ ] or a character outside ASCII in a proxy's name or password"
            raise BadVariable(self.variable, f"{what}: `pip install 'websockets>=17.2'`")
        return str(replace(address, userinfo=userinfo))

    def __str__(self) -> str:
        """`through http://***@proxy.corp:3128 (HTTPS_PROXY)`, or `directly (NO_PROXY)`."""
        way = f"through {self.shown}" if self.proxy else "directly"
        return f"{way} ({self.variable})" if self.variable else way


@dataclass(frozen=True)
class Proxies:
    """The variables about proxies, as they were set: name in small letters -> its spelling, and its value."""

    _set: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Proxies:
        """Take what is about proxies from the environment; nothing of it is looked at before a URL needs it."""
        found = {}
        for name in (*_BY_SCHEME.values(), _ALL, _NONE):
            for spelling in (name, name.upper()):
                value = environment.get(spelling, "").strip()
                if value and name not in found and not (spelling == "HTTP_PROXY" and "REQUEST_METHOD" in environment):
                    found[name] = spelling, value
        return cls(found)

    def of(self, url: str) -> Route:
        """The way to `url` (http, https, ws, wss). Raises BadVariable where the variable that decides cannot be used."""
        parts = urlsplit(url)
        spelling, value = self._set.get(_BY_SCHEME.get(parts.scheme, _ALL)) or self._set.get(_ALL) or ("", "")
        if not value:
            return Route()
        port = parts.port or _PORTS["https" if parts.scheme in ("https", "wss") else "http"]
        exempt, notes = self._exempt(parts.hostname or "", port)
        if exempt:
            return Route(variable=self._set[_NONE][0], notes=notes)
        try:
            return _route(spelling, value, notes)
        except BadAddress as exc:
            raise BadVariable(spelling, f"{exc}: {shown(value.strip(_QUOTES))}") from None

    def _exempt(self, host: str, port: int) -> tuple[bool, tuple[str, ...]]:
        """Whether `no_proxy` names that host, and a note for each entry that stands for nothing."""
        spelling, value = self._set.get(_NONE, ("", ""))
        found, notes = False, []
        for text in filter(None, re.split(r"[,\s]+", value)):
            try:
                found = _entry(text).names(host, port) or found
            except BadAddress as exc:
                notes.append(f"{spelling}: {shown(text)!r} stands for nothing: {exc}")
        return found, tuple(notes[:_MOST_NOTES])


@dataclass(frozen=True)
class _Entry:
    """One entry of `no_proxy`: a name, or a network, or, with neither, everything; at every port where `port` is None."""

    name: str = ""
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def names(self, host: str, port: int) -> bool:
        """Whether it names that host, which is in small letters and without brackets, at that port."""
        if self.port not in (None, port):
            return False
        if not self.name and not self.network:
            return True
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            host = host.removesuffix(".")
            return bool(self.name) and (host == self.name or host.endswith(f".{self.name}"))
        return self.network is not None and address in self.network


def _entry(text: str) -> _Entry:
    """What an entry of `no_proxy` stands for. Raises BadAddress."""
    if text == "*":
        return _Entry()
    if text.startswith("["):
        raise BadAddress("an IPv6 address has no brackets there")
    if network := _network(text):
        return _Entry(network=network)
    if "*" in text or "/" in text:
        raise BadAddress("a name has no *, scheme or path there; .example.com is all names below it")
    name, port = host_and_port(text.removeprefix("."))
    network = None if text.startswith(".") else _network(name)
    return _Entry("" if network else name.removesuffix("."), network, port)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """The network that an IP address, with or without a number of bits behind it, stands for; None for what is no address."""
    address, slash, bits = text.partition("/")
    try:
        most = ip_address(address).max_prefixlen
    except ValueError:
        return None
    if slash and not (re.fullmatch(r"[0-9]{1,3}", bits) and 0 < int(bits) <= most):
        raise BadAddress(f"behind the / stands no number from 1 to {most}")
    return ip_network((address.partition("%")[0], int(bits or most)), strict=False)


def _route(variable: str, value: str, notes: tuple[str, ...]) -> Route:
    """The way through the proxy that the variable names. Raises BadAddress."""
    if value[0] in _QUOTES:
        raise BadAddress("the quotes are part of its value")
    if re.match(r"(?i:https?|socks\w*):(?!//|\d+\Z)", value):
        raise BadAddress("the // is missing behind the scheme")
    if re.search(r"[,;][^@]*\Z", value):
        raise BadAddress("it names more than one proxy, or what no host holds: a variable takes one")
    address = read(value if "://" in value else f"http://{value}")
    if address.scheme not in _PORTS:
        raise BadAddress(f"rtdiag has no way through such a proxy, only through {', '.join(_PORTS)}")
    if address.scheme.startswith("socks") and not all(map(find_spec, _SOCKS_PACKAGES)):
        raise BadAddress(f"a way through SOCKS needs `pip install {' '.join(_SOCKS_PACKAGES).replace('_', '-')}`")
    if address.port is None:
        port = _PORTS[address.scheme]
        notes += (f"{variable} names no port, so {port} is taken",)
        address = replace(address, port=port)
    address = replace(address, userinfo=_quoted(address.userinfo), rest="")
    return Route(Secret(str(address)), variable, shown(str(address)), notes)


def _quoted(userinfo: str) -> str:
    """Name and password as every library takes them: with a colon, and all but letters, digits and `_.-~` quoted."""
    if not userinfo:
        return ""
    try:
        name, password = (unquote(part, errors="strict") for part in (userinfo.partition(":")[::2]))
    except UnicodeDecodeError:
        raise BadAddress("its name or its password is no UTF-8") from None
    if ":" in name:
        raise BadAddress("its name holds a colon, which HTTP cannot send")  # RFC 7617 section 2
    return f"{quote(name, safe='')}:{quote(password, safe='')}"


def _unquotes() -> bool:
    """Whether websockets takes the quoting off a proxy's name."""
    module = import_module("websockets.proxy" if find_spec("websockets.proxy") else "websockets.uri")
    return bool(module.parse_proxy("http://%61:b@c").username == "a")
