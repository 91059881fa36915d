"""Clocks that differ: that is a warning, no fault of a token, and with TLS it may look like a bad certificate.

libfaketime costs a whole start of Python, so most rows move the server's clock in place of this machine's: it looks the same.
"""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from email.utils import formatdate
from time import time
from typing import Any

from tests.needs import needed
from tests.network.certificates import DAY
from tests.network.fronts import Change, Front
from tests.network.ground import Ground
from tests.network.kinds import NETWORK, TOKEN, Scenario, worse
from tests.network.roads import Road, behind, port_of, secured, trusting, url
from tests.network.runs import Asking
from tests.network.servers import Request

MINUTES_10, DAYS_2, YEARS_3 = timedelta(minutes=10), 2 * DAY, 3 * 365 * DAY


def dated(ahead: timedelta) -> Change:
    """The Date of every answer is off."""

    def changed(_: Request, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        said = b"Date: " + formatdate(time() + ahead.total_seconds(), usegmt=True).encode()
        return re.sub(rb"(?im)^date:[^\r]*", said, head), body

    return changed


def faked(offset: str) -> tuple[str, ...]:
    """What stands before a command whose clock is to be off, such as by "-2d"."""
    program = needed(shutil.which("faketime"), "faketime is not installed (apt-get install faketime)")
    return (program, "--exclude-monotonic", "-f", offset)


def own(offset: str, tls: bool = False) -> Road:
    """rtdiag's own clock is off; with `tls` a certificate is good for a day by the server's."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        if tls:
            where = url(ground, secured(ground, emulator), "https")
            return Asking(where, emulator.key, trusting(ground.authority), faked(offset))
        return Asking(emulator.base_url, emulator.key, before=faked(offset))

    return road


def servers(ahead: timedelta, tls: bool = False) -> Road:
    """The server's clock is off; with `tls` its certificate is good for a day by it."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator(clock=lambda: time() + ahead.total_seconds())
        if not tls:
            return Asking(emulator.base_url, emulator.key)
        made = ground.authority.server(ground.host, begins=ahead - DAY, ends=ahead + DAY)
        front = Front(
            (ground.host, port_of(emulator)), change=dated(ahead)
        )  # who asks for nothing of the API is dated, too
        port = ground.serve(front.behaviour(), made)
        return Asking(url(ground, port, "https"), emulator.key, trusting(ground.authority))

    return road


_OFF = "the own clock is off"
_NEVER = ("ephemeral-token-expired",)


def clock(name: str, fault: str, road: Road, **more: Any) -> Scenario:
    """A warning that is hardly sure."""
    return worse(name, fault, _OFF, road, at_most="low", never=_NEVER, options=(*NETWORK, *TOKEN), **more)


def unseen(name: str, fault: str, road: Road) -> Scenario:
    """Where the certificate would be good by the server's clock no request is answered."""
    return Scenario(name, fault, _OFF, road, never=_NEVER, says=("clock",), curl="60 000")


ROWS = (
    clock("clock-date-plus10min", "the header Date is 10 minutes ahead", behind(change=dated(MINUTES_10))),
    clock("clock-date-minus10min", "the header Date is 10 minutes behind", behind(change=dated(-MINUTES_10))),
    clock("clock-date-minus2d", "the header Date is 2 days behind", behind(change=dated(-DAYS_2))),
    clock("clock-faketime-minus2d", "this machine's clock is 2 days behind", own("-2d")),
    clock("clock-faketime-plus10min", "this machine's clock is 10 minutes ahead", own("+10m")),
    clock("clock-faketime-plus2d", "this machine's clock is 2 days ahead", own("+2d")),
    clock("x-server-clockplus600", "this machine's clock is 10 minutes behind", servers(MINUTES_10)),
    clock("x-server-clockplus2d", "this machine's clock is 2 days behind the server's", servers(DAYS_2)),
    clock("x-server-clockminus2d", "this machine's clock is 2 days ahead of the server's", servers(-DAYS_2)),
    clock("clock-3-years-behind", "this machine's clock is 3 years behind", servers(YEARS_3)),
    clock("clock-3-years-ahead", "this machine's clock is 3 years ahead", servers(-YEARS_3)),
    clock("clock-tls-10-minutes", "this machine's clock is 10 minutes behind, with TLS", servers(MINUTES_10, tls=True)),
    unseen("clock-faketime-minus2d-tls", "this machine's clock is 2 days behind, with TLS", own("-2d", tls=True)),
    Scenario(
        "clock-faketime-plus3y-tls", "this machine's clock is 3 years ahead, with TLS", _OFF, own("+3y", tls=True),
        never=_NEVER, says=("clock",), or_else="()",
    ),
    unseen(
        "clock-tls-behind", "this machine's clock is 2 days behind the server's, with TLS", servers(DAYS_2, tls=True),
    ),
    unseen(
        "clock-tls-ahead", "this machine's clock is 2 days ahead of the server's, with TLS", servers(-DAYS_2, tls=True),
    ),
    unseen("clock-tls-3-years-behind", "this machine's clock is 3 years behind, with TLS", servers(YEARS_3, tls=True)),
    unseen("clock-tls-3-years-ahead", "this machine's clock is 3 years ahead, with TLS", servers(-YEARS_3, tls=True)),
)  # fmt: skip
