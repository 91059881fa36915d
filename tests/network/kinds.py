"""What a scenario is: a road, how it is asked, and what must hold; and the kinds of it that the table is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rtdiag.model import Confidence
from tests.network import roads
from tests.network.proxies import Proxy
from tests.network.roads import Road
from tests.network.servers import page, says

# What is never true, whatever the road.
ALWAYS_NEVER = ("Traceback", "rtdiag broke")

REACHED = "(?<!whether )the server was reached"
PORTAL = "log in to the network"
WELL = "all is well|nothing was wrong"

# First causes, as patterns.
UNREACHED = r"network-\S+|proxy-\S+|tls-\S+"
NETWORK = rf"{UNREACHED}|no-answer-in-time|connection-closed-early"
MEDIA = r"ice-\S+|network-\S+"
NOT_THE_API = "answer-not-from-the-api"
BROKEN = "server-unavailable|generic-server-error"

KEY = ("--only", "key")
TOKEN = ("--only", "token")
ICE = ("--only", "sdp.ice-realtime")
SOCKET = ("--only", "websocket.model-key")
SOCKETS = ("--only", "websocket")


@dataclass(frozen=True)
class Scenario:
    """A road, how it is asked, and what must hold.

    `exits` are the exit codes that are right; `cause` a pattern of the first cause, "" where none may be named, None where it
    does not matter; `at_most` how sure of it the run may be. `says`: patterns of which each stands in what a person reads;
    `verdict`: each stands in what is said of the first cause; `never`: none of them is read anywhere. `interrupt`: Ctrl-C
    comes once a server was asked for something. `curl` holds what curl makes of the same road, exit code and status, so that
    it is known to be broken as it should.
    """

    id: str
    road: Road
    exits: tuple[int, ...] = (3,)
    cause: str | None = NETWORK
    at_most: Confidence = "medium"
    says: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    timeout_s: float = 10
    interrupt: bool = False
    curl: str | None = None


def well(name: str, road: Road, **more: Any) -> Scenario:
    """A road on which all is well."""
    return Scenario(name, road, exits=(0,), cause="", **more)


def failed(name: str, road: Road, cause: str, **more: Any) -> Scenario:
    """A road on which the server, or what the user gave, is at fault, which can be known."""
    return Scenario(name, road, exits=(1,), cause=cause, at_most="high", **more)


def unreached(name: str, road: Road, curl: str, *words: str, **more: Any) -> Scenario:
    """A road on which no server is ever reached; one where all is dropped has a short `timeout_s`."""
    timeout_s = 1 if curl.startswith("28") else 10
    return Scenario(name, road, cause=UNREACHED, says=words, never=(REACHED,), curl=curl, timeout_s=timeout_s, **more)


def answered(name: str, raw: bytes, cause: str | None, *words: str, **more: Any) -> Scenario:
    """A server that says the same to every request."""
    status = raw.split(b" ", 2)[1].decode()
    return Scenario(name, roads.server(says(raw)), cause=cause, says=words, curl=f"0 {status}", **more)


def alike(name: str, raw: bytes, words: str) -> Scenario:
    """A refusal that every key gets: it says nothing of this key, and the words that came are told."""
    return answered(name, raw, "refused-alike", words)


def broken(status: str) -> Scenario:
    """A gateway's page that says that the server is broken, which is no network to log in to."""
    return answered(f"server-{status[:3]}", page(status), BROKEN, never=(PORTAL,))


def late(name: str, road: Road, curl: str, **more: Any) -> Scenario:
    """A server that is reached and never done."""
    return Scenario(name, road, timeout_s=1, curl=curl, **more)


def interrupted(name: str, road: Road, *never: str) -> Scenario:
    """Ctrl-C in a wait that is long."""
    return Scenario(name, road, exits=(130,), cause=None, never=(WELL, *never), timeout_s=15, interrupt=True)


def proxy_refuses(name: str, status: str) -> Scenario:
    """A proxy that answers CONNECT so, with a page."""
    road = roads.proxied(Proxy(says=page(status)))
    return Scenario(name, road, cause="proxy-refuses-connect", says=(status[:3],), never=(PORTAL,), curl="56 000")


def proxy_variable(name: str, curl: str, variable: str, value: str) -> Scenario:
    """A variable that cannot be used is named, and nothing else is blamed."""
    road = roads.variables({variable: value})
    return Scenario(name, road, cause="proxy-variable-malformed", verdict=(variable,), curl=curl)


def ice_url(name: str, url: str) -> Scenario:
    """A URL of --ice-server that cannot be used: one line, nothing is asked, and no password is shown."""
    return Scenario(name, roads.ice_url(url), exits=(2,), cause=None, says=("--ice-server",), never=("FAKE",))


def clock(name: str, road: Road, **more: Any) -> Scenario:
    """Clocks that differ: that is a warning, and no fault of a token."""
    never = ("ephemeral-token-expired",)
    return Scenario(name, road, exits=(0,), cause="local-clock-off", at_most="low", never=never, options=TOKEN, **more)


def cut(name: str, road: Road) -> Scenario:
    """A network that dies in mid-run: what was asked before stands, what comes after is not asked, and nobody is blamed."""
    says, never = (
        ("the network failed at|the time for the whole run", r"\b16 s\b"),
        ("check-broke", "session-update-unanswered"),
    )
    return Scenario(name, road, says=says, never=never, timeout_s=2)


def lost(name: str, road: Road) -> Scenario:
    """Sessions whose media die: an update that nobody can have got is not unanswered."""
    return Scenario(name, road, cause="network-lost-in-session", never=("session-update-unanswered",), timeout_s=3)


def blocked(name: str, road: Road, **more: Any) -> Scenario:
    """Something between begins to refuse everything, or refuses one thing alone: neither credential nor session is at fault."""
    never = ("credential-refused-at-websocket-alone", "semantic-vad-not-accepted", "token-of-another-issuer")
    return Scenario(name, road, **{"cause": "refused-alike|answer-not-from-the-api", "never": never, **more})
