"""Which hosts are this machine's alone."""

from __future__ import annotations

LOOPBACK = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether that name or address is this machine's alone."""
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
