"""What was measured of one STUN or TURN server, as a plain value, and which of the servers a session is given.

As in way.py: `failure` is "" where it went well, `detail` is for a person, times are milliseconds, nothing here holds a secret. The
`mapped` address is this machine's own, as the server sees it, so it is for a mask to learn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Literal

Transport = Literal["udp", "tcp", "tls"]
Failing = Literal[
    "", "name", "dropped", "silent", "refused", "reset", "rejected", "no-route", "refused-here", "tls", "login",
    "credentials", "forbidden", "quota", "error",
]  # fmt: skip


@dataclass(frozen=True)
class IceAnswer:
    """What one server made of being asked: of a STUN server a binding, of a TURN server a relay, which was given back.

    `failure`:
    name (it has no address), dropped (no connection came about), silent (asked, and no answer), refused (the port is closed),
    reset, rejected (an ICMP message forbids it), no-route, refused-here (this machine's own firewall), tls,
    login (401, and no credentials were given), credentials (they are refused), forbidden (403), quota (486, 508),
    error (all else that it said; `code` where it said one).

    `address` is the one that was asked, `login` says that credentials were sent, `apart` why no session can use this server
    though it can be asked. `mapped` and `relayed` are `host:port`.
    """

    url: str
    kind: Literal["stun", "turn"]
    transport: Transport
    address: str = ""
    login: bool = False
    mapped: str = ""
    relayed: str = ""
    took_ms: float = 0.0
    failure: Failing = ""
    code: int | None = None
    detail: str = ""
    apart: str = ""


@dataclass(frozen=True)
class Usable:
    """The servers for a session: at most one STUN and one TURN server, for the library takes no second one of either.

    `left_out` tells of each other one why; one that merely came second is not told of.
    """

    stun: str = ""
    turn: str = ""
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """Those that there are."""
        return tuple(filter(None, (self.stun, self.turn)))


def usable(answers: Iterable[IceAnswer]) -> Usable:
    """The best of those that answered: UDP before TCP before TLS, as media flows best, then the quickest.

    One that does not answer would cost every session 5 s (aioice 0.13).
    """
    answers = tuple(answers)
    well = sorted((one for one in answers if not one.failure and not one.apart), key=_rank)
    best = {one.kind: one.url for one in reversed(well)}
    left = ((one.url, one.apart or _why(one)) for one in answers if one.apart or one.failure)
    return Usable(best.get("stun", ""), best.get("turn", ""), tuple(left))


def _why(answer: IceAnswer) -> str:
    return f"it gave no relay ({answer.failure})" if answer.kind == "turn" else f"it did not answer ({answer.failure})"


def _rank(answer: IceAnswer) -> tuple[int, float]:
    return ("udp", "tcp", "tls").index(answer.transport), answer.took_ms


def own_addresses(answers: Iterable[IceAnswer]) -> set[str]:
    """This machine's addresses among what was measured, for a mask to learn; 127.0.0.1 says nothing of a machine."""
    hosts = (one.mapped.rpartition(":")[0].strip("[]") for one in answers if one.mapped)
    return {host for host in hosts if not ip_address(host).is_loopback}


def facts(answers: Iterable[IceAnswer]) -> list[dict[str, Any]]:
    """The same as values of JSON, for the facts of an observation."""
    import msgspec

    made: list[dict[str, Any]] = msgspec.to_builtins(tuple(answers))
    return made
