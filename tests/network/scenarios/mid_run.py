"""Networks that die, or begin to refuse, in mid-run: what was asked before stands, what comes after is not asked."""

from __future__ import annotations

from typing import Any

from tests.network.fronts import Hold
from tests.network.ground import Ground
from tests.network.kinds import Scenario
from tests.network.roads import Road, behind, fronted, url
from tests.network.runs import Asking
from tests.network.scenarios.answers import LIMITED, POLICY
from tests.network.scenarios.sockets import NEVER
from tests.network.servers import Request, page


def to_calls(request: Request, _: int) -> bool:
    """Requests that carry an offer."""
    return request.method == "POST" and request.target.partition("?")[0].endswith("/realtime/calls")


def to_mints(request: Request, _: int) -> bool:
    """Requests for a token."""
    return request.method == "POST" and request.target.endswith("/realtime/client_secrets")


def after(number: int) -> Hold:
    """All but the first so many requests."""
    return lambda _, before: before >= number


def cut_after(number: int, what: str = "") -> Road:
    """Once so many requests were made all is dropped both ways, or all of `what`: what is open and what is new."""

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()

        def asked(before: int) -> None:
            if before == number:
                pair.firewall("near", "input", f"{what} drop")
                pair.firewall("far", "input", f"{what} drop")

        return Asking(url(ground, fronted(ground, emulator, asked=asked)), emulator.key)

    return road


_TOLD = "the network failed at|the time for the whole run"


def cut(name: str, fault: str, told: str, road: Road) -> Scenario:
    """A network that dies in mid-run: nobody is blamed, and it is `told` how that was seen."""
    never = ("check-broke", "session-update-unanswered")
    says = (_TOLD, r"\b8 s\b", rf"requests answered until [\d.]+ s, then none: {told}")
    return Scenario(name, fault, "cut in mid-run", road, says=says, never=never, timeout_s=1)


def blocked(name: str, fault: str, kind: str, road: Road, **more: Any) -> Scenario:
    """Something between begins to refuse everything, or refuses one thing alone: neither credential nor session is at fault."""
    return Scenario(name, fault, kind, road, never=NEVER, **more)


_ALIKE, _NOT = "every key is refused alike", "not the API"
ROWS = (
    Scenario("x-hangcalls", "no offer is ever answered", "no answer", behind(hold=to_calls), timeout_s=1),
    Scenario("mints-hang", "no mint is ever answered", "no answer", behind(hold=to_mints), timeout_s=1),
    cut("x-cut20", "after 20 requests nothing is answered", "what was asked stayed", behind(hold=after(20))),
    cut("cut-dropped-after-2", "after 2 requests all packets are dropped", "it took no connection", cut_after(2)),
    cut("cut-dropped-after-50", "after 50 requests all packets are dropped", "it took no connection", cut_after(50)),
    cut(
        "cut-reset-after-20", "after 20 requests every one is reset", "connections were closed",
        behind(hold=after(20), resets=True),
    ),
    blocked(
        "blocked-after-20", "after 20 requests a blocker says 403", _ALIKE, behind(hold=after(20), says=POLICY),
        or_else="answer-not-from-the-api",
    ),
    blocked(
        "blocked-after-50", "after 50 requests a blocker says 403", _ALIKE, behind(hold=after(50), says=POLICY),
        or_else="answer-not-from-the-api",
    ),
    blocked(
        "portal-after-20", "after 20 requests a portal answers", _NOT,
        behind(hold=after(20), says=page("200 OK", "Hotel")), or_else="refused-alike|network-login-required",
    ),
    blocked(
        "limited-after-20", "after 20 requests it is too many", "too many requests",
        behind(hold=after(20), says=LIMITED), says=("17 s",),
    ),
    blocked(
        "blocked-calls", "a blocker says 403 to each offer", _ALIKE, behind(hold=to_calls, says=POLICY),
        or_else="answer-not-from-the-api",
    ),
)  # fmt: skip
