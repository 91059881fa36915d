"""The way to a server, measured in a test: with the variables that it is given, and deadlines that nothing waits for in vain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rtdiag.network.measuring import measure
from rtdiag.network.way import Handshake, Tunnel, Way
from rtdiag.transport import names
from rtdiag.transport.recorder import Deadlines
from rtdiag.transport.ways import Ways

SHORT_S = 0.3  # where nothing comes, and that is the point
LONG_S = 20.0  # where something comes


def walked(url: str, variables: Mapping[str, str] | None = None, within_s: float = LONG_S) -> Way:
    """What was measured."""
    return names.run(measure(url, Ways(variables), Deadlines(request_s=within_s, connect_s=within_s)))


def secured(
    port: int, authority: Path | None = None, within_s: float = LONG_S, variables: Mapping[str, str] | None = None
) -> Handshake:
    """The handshake with a server of loopback; `authority` is whom it is to be believed."""
    given = dict(variables or {}) | ({"SSL_CERT_FILE": str(authority)} if authority else {})
    found = walked(f"https://127.0.0.1:{port}/v1", given, within_s).handshake
    assert found is not None
    return found


def tunnelled(proxy: str, within_s: float = LONG_S) -> Tunnel:
    """What a proxy made of CONNECT to a host that nobody has."""
    found = walked("https://api.test/v1", {"HTTPS_PROXY": proxy}, within_s)
    assert found.handshake is None
    assert found.tunnel is not None
    return found.tunnel
