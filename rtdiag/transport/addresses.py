"""What an address holds that a user gave: its host and port, looked at before a library does, and how it may be shown.

The libraries stumble over odd ones late, each in its own words, and with the whole address in them. What passes here they all take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from urllib.parse import quote

from rtdiag.api.expressions import expression

LONGEST = 8192  # characters: httpx takes more, servers mostly do not
_MOST_SHOWN = 100

_LABEL, _LONGEST_NAME = expression(r"[a-z0-9_-]{1,63}"), 253  # RFC 1035 section 2.3.4; names of containers hold `_`
_LIKE_IPV4 = expression(r"[0-9]+.[0-9]+.[0-9]+.[0-9]+")  # what httpx takes for one, be it `10-0-0-1`
_USERINFO = "%:!$&'()*+,;=~"  # RFC 3986 section 3.2.1

_SCHEME = expression(r"(?i:[a-z][a-z0-9+.-]*://|(?:stun|turn)s?:(?://)?|)")
_PLACE = expression(r"(?:\[[0-9A-Fa-f:.]*\]|[^\[\]:]*)(?::[0-9]*)?")


class BadAddress(Exception):  # noqa: N818 - what the address is
    """The address cannot be used. The text says why in a few words and holds nothing of it, for it may hold secrets."""


@dataclass(frozen=True)
class Address:
    """An address in its parts: `host` in lower case, in ASCII and without brackets; `userinfo` quoted; `rest` as it was given."""

    scheme: str
    host: str
    port: int | None
    userinfo: str = ""
    rest: str = ""

    def __str__(self) -> str:
        """The whole address again, secrets too."""
        userinfo = f"{self.userinfo}@" if self.userinfo else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{userinfo}{host}{port}{self.rest}"


def read(url: str) -> Address:
    """The parts of `scheme://userinfo@host:port/rest`. Raises BadAddress."""
    check_characters(url)
    scheme, mark, after = url.partition("://")
    if not mark:
        raise BadAddress("it does not begin as http:// does")
    authority = re.split(r"[/?#]", after, maxsplit=1)[0]
    userinfo, _, place = authority.rpartition("@")
    host, port = host_and_port(place)
    return Address(scheme.lower(), host, port, quote(userinfo, safe=_USERINFO), after[len(authority) :])


def check_characters(text: str) -> None:
    """Raises BadAddress for what no address holds anywhere."""
    if len(text) > LONGEST:
        raise BadAddress(f"it is longer than {LONGEST} characters")
    if not all(c.isprintable() and not c.isspace() for c in text):
        raise BadAddress("it holds a blank or a character that cannot be seen")


def host_and_port(place: str) -> tuple[str, int | None]:
    """The host, spelt as in `Address`, and the port, None where none is given. Raises BadAddress."""
    if bracketed := re.fullmatch(r"\[([^\[\]]*)\](?::(.*))?", place):
        return _ipv6(bracketed[1]), _port(bracketed[2] or "")
    if re.search(r"[\[\]]|:.*:", place):
        raise BadAddress("an IPv6 address stands in brackets, with the port behind them, such as [::1]:8080")
    host, _, port = place.partition(":")
    return _name(host), _port(port)


def is_own(host: str) -> bool:
    """Whether that host is on this machine, or by its address in a network of the user's own (RFC 1918, RFC 4193)."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_private


def shown(url: str) -> str:
    """`url` for a person: no name and password, no query, in a port's place nothing but a port, and not long."""
    after = _SCHEME.sub("", url, count=1)
    authority = re.split(r"[/?#]", after, maxsplit=1)[0]
    _, at, place = authority.rpartition("@")
    path, _, query = after[len(authority) :].replace("#", "?").partition("?")
    if "@" in path + query:  # then it stands behind a password that holds one of these characters
        place, path, query = "***", "", ""
    elif not _PLACE.fullmatch(place):
        place, path = place.partition(":")[0] + ":***", ""
    path = "/***" if ":" in path else path
    text = url[: len(url) - len(after)] + ("***@" if at else "") + place + path + ("?***" if query else "")
    return printable(text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…")


def printable(text: str) -> str:
    """`text` without what moves a cursor, turns the direction of writing, or is no character at all."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _name(host: str) -> str:
    name = _in_ascii(host).lower()
    labels = name.removesuffix(".").split(".")
    if not host:
        raise BadAddress("the host is missing")
    if _LIKE_IPV4.fullmatch(name) and not _is_ipv4(name):
        raise BadAddress("the host looks like an IPv4 address and is none")
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise BadAddress("the host is no name: letters, digits and hyphens, at most 63 between two dots")
    return name


def _in_ascii(host: str) -> str:
    """The host as httpx asks for it, an international name in Punycode; one that httpx cannot read again is refused."""
    if host.isascii() and not host.lower().startswith("xn--"):
        return host
    import httpx

    try:
        name = httpx.URL(f"http://{host}").raw_host.decode("ascii")
        return name if httpx.URL(f"http://{name}").host else ""
    except (httpx.InvalidURL, UnicodeError):
        raise BadAddress("the host is no international name") from None


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _ipv6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise BadAddress("what stands in brackets is no IPv6 address") from None


def _port(text: str) -> int | None:
    if text and not (re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) < 65536):
        raise BadAddress("the port is no number from 1 to 65535")
    return int(text) if text else None
