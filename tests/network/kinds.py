"""What a scenario is: a fault in words, a road that has it, how it is asked, and what must hold; and the usual ways to make one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rtdiag.model import Confidence
from tests.network.faults import FAULTS
from tests.network.roads import Road, server
from tests.network.servers import page, says

# What is never true, whatever the road.
ALWAYS_NEVER = ("Traceback", "rtdiag broke")

REACHED = "(?<!whether )the server was reached"
PORTAL = "log in to the network"
WELL = "all is well|nothing was wrong"

KEY = ("--only", "key")
NETWORK = ("--only", "network")
TOKEN = ("--only", "token")
ICE = ("--only", "sdp.ice-realtime")
DTLS = ("--only", "sdp.dtls-realtime")
SOCKET = ("--only", "websocket.model-key")
SOCKETS = ("--only", "websocket")


@dataclass(frozen=True)
class Scenario:
    """A road, how it is asked, and what must hold.

    `fault` says what is broken, `kind` which kind of fault that is (faults.py), by which the first cause is known; `or_else` is
    a pattern of causes that are true, too. `exits` are the exit codes that are right; `at_most` how sure of it the run may be.
    `says`: patterns of which each stands in what a person reads; `verdict`: each stands in what is said of the first cause;
    `never`: none of them is read anywhere. `interrupt`: Ctrl-C comes once a server was asked for something. `curl` holds what
    curl makes of the same road, exit code and status, so that it is known to be broken as it should.
    """

    id: str
    fault: str
    kind: str
    road: Road
    exits: tuple[int, ...] = (3,)
    or_else: str = ""
    at_most: Confidence = "medium"
    says: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    timeout_s: float = 10
    interrupt: bool = False
    curl: str | None = None

    @property
    def cause(self) -> str | None:
        """A pattern of the first cause."""
        cause = FAULTS[self.kind]
        return f"{cause}|{self.or_else}" if self.or_else else cause


def well(name: str, fault: str, road: Road, **more: Any) -> Scenario:
    """A road on which all is well, whatever is broken."""
    return Scenario(name, fault, "nothing", road, exits=(0,), **more)


def worse(name: str, fault: str, kind: str, road: Road, **more: Any) -> Scenario:
    """A road that leads there, and is worse than it should be."""
    return Scenario(name, fault, kind, road, **{"exits": (0,), **more})


def failed(name: str, fault: str, kind: str, road: Road, **more: Any) -> Scenario:
    """A road on which the server, or what the user gave, is at fault, which can be known."""
    return Scenario(name, fault, kind, road, exits=(1,), at_most="high", **more)


def unreached(name: str, fault: str, kind: str, road: Road, curl: str | None, *words: str, **more: Any) -> Scenario:
    """A road on which no server is ever reached; one where all is dropped has a short `timeout_s`."""
    made = {"timeout_s": 1 if curl == "28 000" else 10, **more}
    return Scenario(name, fault, kind, road, says=words, never=(REACHED,), curl=curl, **made)


def answered(name: str, fault: str, kind: str, raw: bytes, *words: str, **more: Any) -> Scenario:
    """A server that says the same to every request."""
    status = raw.split(b" ", 2)[1].decode()
    return Scenario(name, fault, kind, server(says(raw)), says=words, curl=f"0 {status}", **more)


def alike(name: str, fault: str, raw: bytes, words: str) -> Scenario:
    """A refusal that every key gets: it says nothing of this key, and the words that came are told."""
    return answered(name, fault, "every key is refused alike", raw, words)


def broken(status: str, **more: Any) -> Scenario:
    """A gateway's page that says that the server is broken, which is no network to log in to."""
    fault = f"a gateway's page says {status}"
    return answered(f"server-{status[:3]}", fault, "the server is broken", page(status), never=(PORTAL,), **more)


def late(name: str, fault: str, kind: str, road: Road, curl: str | None, **more: Any) -> Scenario:
    """A server that is reached and never done."""
    return Scenario(name, fault, kind, road, timeout_s=1, curl=curl, **more)


def interrupted(name: str, fault: str, road: Road, *never: str) -> Scenario:
    """Ctrl-C in a wait that is long."""
    never = (WELL, *never)
    return Scenario(name, fault, "Ctrl-C", road, exits=(130,), never=never, timeout_s=15, interrupt=True)


def unusable(name: str, fault: str, road: Road, *words: str, **more: Any) -> Scenario:
    """What is given cannot be used: one line, and nothing is asked."""
    return Scenario(name, fault, "what is given is unusable", road, exits=(2,), says=words, **more)
