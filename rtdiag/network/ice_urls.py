"""The URLs of STUN and TURN servers (RFC 7064, RFC 7065): what is taken, and which of them a session can use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rtdiag.network.ice_answer import Transport
from rtdiag.transport.addresses import BadAddress, check_characters, host_and_port

PORT, TLS_PORT = 3478, 5349

# What can stand behind `?transport=`; turns: over UDP would be DTLS, which neither rtdiag nor its WebRTC library speaks.
_TRANSPORTS = {"stun": (), "stuns": (), "turn": ("udp", "tcp"), "turns": ("tcp",)}
_CREDENTIALS = (
    "a name and a password are no part of such a URL (RFC 7065): "
    "set RTDIAG_ICE_USERNAME and RTDIAG_ICE_CREDENTIAL to them"
)


@dataclass(frozen=True)
class IceUrl:
    """One such URL in its parts: `host` in lower case, in ASCII, without brackets; `given_port` and `given_transport` if named."""

    scheme: str
    host: str
    given_port: int | None = None
    given_transport: str = ""

    @property
    def turn(self) -> bool:
        """Whether it is a TURN server, which a relay is asked of."""
        return self.scheme.startswith("turn")

    @property
    def transport(self) -> Transport:
        """How it is asked: `udp`, `tcp` or `tls`."""
        return "tls" if self.scheme.endswith("s") else "tcp" if self.given_transport == "tcp" else "udp"

    @property
    def port(self) -> int:
        """The port, be it the usual one."""
        return self.given_port or (TLS_PORT if self.transport == "tls" else PORT)

    @property
    def apart(self) -> str:
        """Why no session of rtdiag's can use it, though it can be asked; "" where one can. Measured with aiortc 1.14 to 1.16."""
        if self.scheme == "stuns":
            return "rtdiag's WebRTC library speaks no stuns:, so it was asked and no session uses it"
        if ":" in self.host:
            return "rtdiag's WebRTC library takes no IPv6 address there: give a name that has one"
        return ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.given_port}" if self.given_port else ""
        return f"{self.scheme}:{host}{port}" + (f"?transport={self.given_transport}" if self.given_transport else "")


def read(url: str) -> IceUrl:
    """The parts of that URL. Raises BadAddress."""
    check_characters(url)
    scheme, _, after = url.partition(":")
    place, _, query = after.partition("?")
    scheme, query = scheme.lower(), query.lower()
    if scheme not in _TRANSPORTS:
        raise BadAddress("rtdiag knows stun:, stuns:, turn: and turns:")
    if "@" in after or (query and not re.fullmatch("transport=[a-z]*", query)):
        raise BadAddress(_CREDENTIALS)
    if place.startswith("/"):
        raise BadAddress("no // stands in it")
    transport = query.removeprefix("transport=")
    if query and transport not in _TRANSPORTS[scheme]:
        known = " or ".join(f"?transport={name}" for name in _TRANSPORTS[scheme]) or "nothing"
        raise BadAddress(f"behind the host of {scheme}: rtdiag knows {known}")
    host, port = host_and_port(place)
    return IceUrl(scheme, host, port, transport)
