"""What an exception of a library stands for, in the words that say most."""

from __future__ import annotations

import errno
import os

import httpx
import pytest

from rtdiag.transport.failures import from_http


def raised(*numbers: int) -> httpx.ConnectError:
    """As anyio and httpx tell that no address of a name could be connected to."""
    system = [OSError(number, os.strerror(number)) for number in numbers]
    try:
        try:
            raise OSError("All connection attempts failed") from ExceptionGroup("multiple", system)
        except OSError as exc:
            raise httpx.ConnectError(str(exc)) from exc
    except httpx.ConnectError as exc:
        return exc


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EHOSTUNREACH, "unreachable", "All connection attempts failed: [Errno 113] No route to host"),
        (errno.EPERM, "unreachable", "All connection attempts failed: [Errno 1] Operation not permitted"),
        (errno.ECONNREFUSED, "refused", "All connection attempts failed"),
    ],
)
def test_the_operating_system_says_why_no_connection_came_about(number: int, kind: str, words: str) -> None:
    failure = from_http(raised(number), "connect", "too late")
    assert (failure.kind, failure.phase, failure.detail) == (kind, "connect", words)
