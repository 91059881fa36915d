"""What was measured of the way to one URL, as plain values: from the name to the certificate.

`failure` is "" where a step went well, else one of the words that its class names; `detail` is for a person, in the words of the
operating system or the library. Times are milliseconds. Nothing here holds a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Family = Literal[4, 6]


@dataclass(frozen=True)
class Lookup:
    """What the name servers say of one family of addresses; of a literal address one Lookup, which took no time.

    `failure`: unknown (there is no such name), none (the name has no address of this family), fails (a name server answers with
    an error), silent (no answer within the deadline, or none is reached; `detail` says why each is not), late (none was had within
    the deadline, and one of them answers at once where it is asked alone), unasked (this machine says that there is no such name,
    and a name server knows it).
    """

    family: Family
    addresses: tuple[str, ...] = ()
    took_ms: float = 0.0
    failure: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Dial:
    """One attempt to open a TCP connection to one address.

    `failure`: refused, reset, dropped (nothing came back), rejected (an ICMP message forbids it; `by` is who sent that, where
    known), no-route, refused-here (this machine's own firewall), other.
    """

    address: str
    port: int
    took_ms: float = 0.0
    failure: str = ""
    detail: str = ""
    by: str = ""


@dataclass(frozen=True)
class Hop:
    """The first machine that is connected to: the server itself, or the proxy before it."""

    host: str
    port: int
    lookups: tuple[Lookup, ...] = ()
    dials: tuple[Dial, ...] = ()


@dataclass(frozen=True)
class Tunnel:
    """What a proxy made of CONNECT. `login` says that name and password were sent, `logins` which kinds it takes, as `Basic`.

    `failure`: login (407 or 401), refused (another 4xx, or 3xx), unreached (5xx), silent, closed, not-http, no-proxy (an HTTP
    server that is none: 404, 405, 501, or a page in place of a way), tls (of an https proxy). `words` are its page's title or
    begin what it says; `server` is what it calls itself (Proxy-Agent, Via, Server).
    """

    status: int | None = None
    login: bool = False
    logins: tuple[str, ...] = ()
    server: str = ""
    words: str = ""
    took_ms: float = 0.0
    failure: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Certificate:
    """One certificate as shown: names in RFC 4514, dates in ISO 8601 (UTC)."""

    subject: str
    issuer: str
    names: tuple[str, ...] = ()
    begins: str = ""
    ends: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Handshake:
    """A TLS handshake with the server, judged by `store`, which is the one that requests trust.

    `failure`: issuer (nobody in the store vouches for it), self-signed, incomplete (its intermediate was not sent), name, ended,
    not-begun, unfit (OpenSSL refuses it by another rule, in the words of `detail`), strict (the same by a rule of which other
    programs, and Python before 3.13, know nothing), plain-http, not-tls (neither TLS nor HTTP; `detail` begins what came), silent,
    closed, version (`protocol` is the one that the server has), client-certificate, other. `chain` is what the server sent, its
    own certificate first. `roots`: how many certificates the store holds, 0 for a directory. `accepts`: which other stores of this
    machine would take it, as `certifi`, `SSL_CERT_FILE=/etc/ca.pem`, `the system's /etc/ssl/cert.pem`; where the store
    itself takes it, certifi alone is asked. `reader`: the product by whose issuer it is known that something reads along, "" for
    none known. `local_date` and `server_date`: both clocks where the dates were refused.
    """

    store: str
    protocol: str = ""
    chain: tuple[Certificate, ...] = ()
    accepts: tuple[str, ...] = ()
    reader: str = ""
    took_ms: float = 0.0
    failure: str = ""
    detail: str = ""
    local_date: str = ""
    server_date: str = ""
    roots: int = 0


@dataclass(frozen=True)
class Way:
    """The way to `host` and `port`, as far as it was gone.

    `route` is how (`directly`, `through http://***@proxy:3128 (HTTPS_PROXY)`), `variable` who decided that, `bypassed` that
    NO_PROXY did; `variable_failure` says what is wrong with a variable that decides, and then nothing was asked. `unmeasured` says
    why a part was left out (a SOCKS proxy). `spoken` is what else was found where plain
    HTTP failed: `TLS`, `HTTP`, or how what came begins.
    """

    host: str
    port: int
    tls: bool
    route: str = "directly"
    variable: str = ""
    bypassed: bool = False
    variable_failure: str = ""
    unmeasured: str = ""
    hop: Hop | None = None
    tunnel: Tunnel | None = None
    handshake: Handshake | None = None
    spoken: str = ""
    took_ms: float = 0.0

    @property
    def proxied(self) -> bool:
        """Whether a proxy stands between."""
        return self.route.startswith("through ")

    @property
    def open(self) -> bool:
        """Whether it was gone to its end: a connection, and a good handshake where there is TLS."""
        reached = self.hop is not None and any(not dial.failure for dial in self.hop.dials)
        shaken = self.handshake is not None and not self.handshake.failure
        return reached and (shaken or not self.tls)


def facts(way: Way) -> dict[str, Any]:
    """The same as values of JSON, for the facts of an observation."""
    import msgspec

    made: dict[str, Any] = msgspec.to_builtins(way)
    return made
