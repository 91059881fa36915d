"""What did the way cost?

Asks nothing: it reads the times of what the other checks have asked, so it is in every plan, and stands at its end. `names` is
looking names up; `connecting` is TCP with TLS, for each new connection; `round-trip` is the median of the TCP connects, of which
each is one round trip (a WebSocket's over TLS counts half, since it is two), or the quickest answer where that came sooner.
A warning is only given where something took unreasonably long by itself, and cost the run more than a second, or a third of
it. What stays on this machine is not looked at.
Costs: nothing.
Sources: RFC 9293 section 3.5 (a connect is one round trip), RFC 8446 section 2 (a TLS 1.3 handshake is another).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from statistics import median
from typing import Any

from rtdiag.api.sessions import Json
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context
from rtdiag.model import Evidence, Exchange, Finding, Observation, counted

SLOW_NAMES = "looking names up takes long"
SLOW_CONNECTING = "connecting takes long"
LONG_ROUND_TRIP = "the round trip is long"

# What is unreasonable for one look-up, one TCP connection, one with TLS, and one round trip, in milliseconds.
_LOOK_UP_MS, _TCP_MS, _TLS_MS, _ROUND_TRIP_MS = 500, 1000, 2000, 300
# What the run may lose by that: a second, or a third of itself.
_LOST_MS, _PART = 1000, 1 / 3
# A handshake takes a few round trips; one that takes more is slow for another reason.
_TRIPS = 6

_HINTS = {
    SLOW_NAMES: "every new connection waits for it: look at the name servers of this machine, and at what a VPN puts before them",
    SLOW_CONNECTING: "it is no long round trip: packets are lost, an address of the server is dead, or a proxy takes its time",
    LONG_ROUND_TRIP: "each request and event waits for it, and so does the speech of a session: try another network, without a VPN",
}


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Add up what is written down already."""
    asked, run_ms = [x for x in ctx.recorder.exchanges if _away(x)], ctx.recorder.now_ms()
    trip_ms = _round_trip_ms(asked)
    yield Observation("names", facts=_spent(((ms, ms > _LOOK_UP_MS) for ms in map(_looked_up, asked)), run_ms))
    yield Observation("connecting", facts=_spent(((_connected(x), _slow(x, trip_ms)) for x in asked), run_ms))
    yield Observation("round-trip", facts={"ms": trip_ms, "connects": len(_trips(asked)), "requests": len(asked)})


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case: numbers, and a warning where they are unreasonable."""
    phrases = {"names": SLOW_NAMES, "connecting": SLOW_CONNECTING}
    for case, seen in evidence.seen.items():
        yield _steps(case, seen.facts, phrases[case]) if case in phrases else _trip(seen.facts)


def _steps(case: str, facts: Mapping[str, Any], phrase: str) -> Finding:
    if not facts["count"]:
        return Finding(case, "info", "none that left this machine")
    what = counted(facts["count"], "look-up" if case == "names" else "connection")
    each = f"{_s(facts['longest_ms'])} at most, {_s(facts['total_ms'])} in all, {what}"
    if facts["slow"] == facts["count"] > 1:
        each = f"{_s(facts['total_ms'] / facts['count'])} each time, {_s(facts['total_ms'])} in all, {what}"
    if facts["slow_ms"] > _LOST_MS or facts["part"] > _PART:
        return Finding(case, "warn", each, observed=(phrase,), hint=_HINTS[phrase])
    return Finding(case, "info", each)


def _trip(facts: Mapping[str, Any]) -> Finding:
    if facts["ms"] is None:
        return Finding("round-trip", "info", "nothing that left this machine tells it")
    measured = f"{_s(facts['ms'])}, by {counted(facts['connects'], 'connection')}"
    if facts["ms"] > _ROUND_TRIP_MS and facts["ms"] * facts["requests"] > _LOST_MS:
        return Finding("round-trip", "warn", measured, observed=(LONG_ROUND_TRIP,), hint=_HINTS[LONG_ROUND_TRIP])
    return Finding("round-trip", "info", measured)


def _away(exchange: Exchange) -> bool:
    """Whether it left this machine: of no connection it is not known, and one to loopback is only as slow as the machine."""
    return exchange.reached != "" and not exchange.reached.startswith(("127.", "[::1]"))


def _looked_up(exchange: Exchange) -> float:
    return exchange.timing_ms.get("dns", 0.0)


def _connected(exchange: Exchange) -> float:
    return exchange.timing_ms.get("connect", 0.0) + exchange.timing_ms.get("tls", 0.0)


def _slow(exchange: Exchange, trip_ms: float | None) -> bool:
    """Whether connecting took unreasonably long, and not only for a long round trip."""
    tls = exchange.url.startswith(("https:", "wss:"))
    tcp_ms = 0.0 if exchange.url.startswith("wss:") else exchange.timing_ms.get("connect", 0.0)
    long = tcp_ms > _TCP_MS or _connected(exchange) > (_TLS_MS if tls else _TCP_MS)
    return long and _connected(exchange) > _TRIPS * (trip_ms or 0.0)


def _spent(times: Iterable[tuple[float, bool]], run_ms: float) -> Json:
    """How often something took time, how long, how much of that was `slow`, and which part of the run that took."""
    all_ms = [(ms, slow) for ms, slow in times if ms]
    slow_ms = [ms for ms, slow in all_ms if slow]
    return {
        "count": len(all_ms),
        "total_ms": round(sum(ms for ms, _ in all_ms), 1),
        "longest_ms": max((ms for ms, _ in all_ms), default=0.0),
        "slow": len(slow_ms),
        "slow_ms": round(sum(slow_ms), 1),
        "part": round(sum(slow_ms) / max(run_ms, 1.0), 2),
    }


def _trips(asked: Iterable[Exchange]) -> list[float]:
    """A round trip by each TCP connect; over TLS a WebSocket's holds two."""
    found = ((x.timing_ms.get("connect", 0.0), x.url.startswith("wss:")) for x in asked)
    return [ms / 2 if two else ms for ms, two in found if ms]


def _round_trip_ms(asked: list[Exchange]) -> float | None:
    """The median, or the quickest answer, which no round trip can be longer than; None where nothing tells."""
    trips = _trips(asked)
    if not trips:
        return None
    waits = (x.timing_ms["wait"] for x in asked if x.status is not None and "wait" in x.timing_ms)
    return round(min([median(trips), *waits]), 1)


def _s(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


CHECK = Check(
    id="speed",
    title="What did the way cost?",
    cases=(
        Case("names", "are names looked up quickly?"),
        Case("connecting", "are connections made quickly?"),
        Case("round-trip", "is the round trip short enough?"),
    ),
    probe=probe,
    judge=judge,
    order=990,
    always=True,
)
