"""Ports of this machine that are free."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack, suppress


def free_port(host: str = "127.0.0.1") -> int:
    """Free for UDP and for TCP, and below what the system gives to whoever asks for any: it is free a moment later too."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with ExitStack() as both, suppress(OSError):
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                both.enter_context(socket.socket(socket.AF_INET, kind)).bind((host, port))
            return port
    raise AssertionError("of a hundred ports none is free")
