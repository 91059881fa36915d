"""What did the way cost?

Asks nothing: it reads the times of what the other checks have asked, so it is in every plan, and stands at its end. `names` is
looking names up; `connecting` is TCP with TLS, for each new connection; `round-trip` is the median of the TCP connects, of which
each is one round trip (a WebSocket's over TLS counts half, since it is two), or the quickest answer where that came sooner; `loss`
is what had to be sent again, by Linux's count of each connection and by SCTP's acknowledgements, and what is
missing of DTLS; `lost` is whether answers came to
the end. A warning is only given where something took unreasonably long by itself, and cost the run more than a second, or a third
of it; what cost that much without being unreasonable stands in `cost`, as whole. What stays on this machine is slow for no way.
Costs: nothing.
Sources: RFC 9293 section 3.5 (a connect is one round trip), RFC 8446 section 2 (a TLS 1.3 handshake is another), RFC 9260
section 6.3 (SCTP sends again what is not acknowledged), include/uapi/linux/tcp.h (struct tcp_info).
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit

from rtdiag.api.sessions import Json
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context
from rtdiag.model import THE_WAY, Evidence, Exchange, Finding, Observation, PeerTrace, counted
from rtdiag.transport.packets import Packets
from rtdiag.transport.recorder import Recorder

SLOW_NAMES = "looking names up takes long"
SLOW_CONNECTING = "connecting takes long"
LONG_ROUND_TRIP = "the round trip is long"
LOSS = "packets are lost"
LOST = "the way was lost in mid-run"

# What is unreasonable for one look-up, one TCP connection, one with TLS, and one round trip, in milliseconds.
_LOOK_UP_MS, _TCP_MS, _TLS_MS, _ROUND_TRIP_MS = 500, 1000, 2000, 300
# What the run may lose by that: a second, or a third of itself; what is less than the last nobody notices.
_LOST_MS, _PART, _LEAST_MS = 1000, 1 / 3, 100
# A handshake takes a few round trips; one that takes more is slow for another reason.
_TRIPS = 6
# Of packets, the part that may be lost, and how many that has to be: one that is lost now and then is no fault. Where waiting for
# them cost more than a second, a few are enough.
_LOSS, _MOST_LOST, _FEW_LOST = 0.05, 5, 3
# When what is lost is sent again at the soonest: Linux waits for 200 ms, SCTP for a second (RFC 9260 section 16).
_TCP_TIMER_MS, _SCTP_TIMER_MS = 190, 900
_BY_UDP = ("ice", "dtls", "channel")  # phases of a session
# Once its offer is answered a session takes so many: one for ICE, one for DTLS, three for SCTP and its channel, measured.
_SESSION_TRIPS = 5

_HINTS = {
    SLOW_NAMES: "every new connection waits for it: look at the name servers of this machine, and at what a VPN puts before them",
    SLOW_CONNECTING: "it is no long round trip: packets are lost, an address of the server is dead, or a proxy takes its time",
    LONG_ROUND_TRIP: "each request and event waits for it, and so does the speech of a session: try another network, without a VPN",
    LOSS: "each is waited for until it is sent again: try a cable in place of Wi-Fi, and without a VPN",
    LOST: "run again; if it stays, from another network: what was asked until then stands, the rest says nothing",
}
# What could not be done any more, by the phase that the last request ended in, else by how it failed.
_ENDED = {
    "dns": "its name was not resolved any more",
    "connect": "it took no connection any more",
    "proxy": "the proxy did not open the way any more",
    "tls": "TLS was not answered any more",
}
_FAILED = {
    "timeout": "what was asked stayed without an answer",
    "closed": "connections were closed in place of an answer",
}
# One connection that fails may be chance.
_UNCONNECTED = 2


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Add up what is written down already."""
    recorder = ctx.recorder
    asked, run_ms = [x for x in recorder.exchanges if _away(x)], recorder.now_ms()
    trip_ms, packets = _round_trip_ms(asked), _packets(recorder, asked)
    names = _spent(((x.at_ms, _looked_up(x), _looked_up(x) > _LOOK_UP_MS) for x in asked), run_ms)
    connecting = _spent(((x.at_ms + _looked_up(x), _connected(x), _slow(x, trip_ms)) for x in asked), run_ms)
    yield Observation("names", facts=names)
    yield Observation("connecting", facts=connecting)
    yield Observation("round-trip", facts={"ms": trip_ms, "connects": len(_trips(asked)), "requests": len(asked)})
    yield Observation("loss", facts={name: asdict(found) for name, found in packets.items()} if asked else {})
    yield Observation("lost", facts=_end(recorder.exchanges, ctx.options.base_url, given_up=bool(ctx.given_up)))
    took = {
        "names_ms": names["total_ms"],
        "connecting_ms": connecting["slow_ms"],
        "lost_ms": round(sum(way.waited_ms for way in packets.values()), 1),
    }
    waited = {"trip_ms": trip_ms, "trips_ms": _waited_ms(recorder, asked, trip_ms, run_ms)}
    yield Observation("cost", facts={**waited, **took, "run_ms": run_ms} if asked else {})


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case: numbers, and a warning where they are unreasonable."""
    for case, seen in evidence.seen.items():
        yield _JUDGES[case](seen.facts)


def _names(facts: Mapping[str, Any]) -> Finding:
    return _steps("names", facts, SLOW_NAMES)


def _connecting(facts: Mapping[str, Any]) -> Finding:
    return _steps("connecting", facts, SLOW_CONNECTING)


def _steps(case: str, facts: Mapping[str, Any], phrase: str) -> Finding:
    if not facts["count"]:
        return Finding(case, "info", "none that left this machine")
    what = counted(facts["count"], "look-up" if case == "names" else "connection")
    each = f"{_s(facts['longest_ms'])} at most, {_s(facts['total_ms'])} in all, {what}"
    if facts["slow"] == facts["count"] > 1:
        each = f"{_s(facts['longest_ms'])} each time, {_s(facts['total_ms'])} in all, {what}"
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


def _loss(facts: Mapping[str, Any]) -> Finding:
    ways = {name: way for name, way in facts.items() if way["sent"]}
    if not ways:
        return Finding("loss", "info", "not measured here" if facts else "nothing that left this machine tells it")
    measured = "; ".join(_lost_of(name, **way) for name, way in ways.items())
    if any(_many(**way) for way in ways.values()):
        return Finding("loss", "warn", measured, observed=(LOSS,), hint=_HINTS[LOSS])
    return Finding("loss", "info", measured)


def _lost_of(name: str, sent: int, lost: int, waited_ms: float) -> str:
    waited = f", and {_s(waited_ms)} waited for" if waited_ms else ""
    return f"{lost or 'none'} of {counted(sent, 'packet')} lost over {name}{waited}"


def _many(sent: int, lost: int, waited_ms: float) -> bool:
    """Whether so many are lost that it is no chance."""
    enough = _FEW_LOST if waited_ms > _LOST_MS else _MOST_LOST
    return lost >= enough and lost >= _LOSS * sent


def _lost(facts: Mapping[str, Any]) -> Finding:
    if not facts:
        return Finding("lost", "info", "not lost in mid-run")
    until = f"{counted(facts['answered'], 'request')} answered until {facts['until_s']:.1f} s, then none"
    measured = f"{until}: {_ENDED.get(facts['phase']) or _FAILED.get(facts['kind'], facts['kind'])}"
    return Finding("lost", "inconclusive", measured, "answers to the end", (LOST,), _HINTS[LOST])


def _cost(facts: Mapping[str, Any]) -> Finding:
    """What cost the run a second or a third of itself, whether that is unreasonable or not."""
    run_ms = facts.get("run_ms", 0.0)
    words = {
        "trips_ms": f"a round trip takes {_s(facts.get('trip_ms') or 0.0)}, and waiting for it cost about",
        "names_ms": "looking names up cost",
        "connecting_ms": "slow connections cost",
        "lost_ms": "waiting for lost packets cost about",
    }
    much = {what: ms for what in words if (ms := facts.get(what, 0.0)) > min(_LOST_MS, max(run_ms * _PART, _LEAST_MS))}
    if not much:
        return Finding("cost", "info", "nothing of it a second, or a third of the run")
    told = "; ".join(f"{words[what]} {_s(ms)}" for what, ms in much.items())
    return Finding("cost", "info", f"{told} of {_s(run_ms)}", observed=(THE_WAY,))


_JUDGES = {
    "names": _names,
    "connecting": _connecting,
    "round-trip": _trip,
    "loss": _loss,
    "lost": _lost,
    "cost": _cost,
}


def _end(exchanges: list[Exchange], base_url: str, *, given_up: bool) -> Json:
    """Where answers ended in mid-run: how many came, until when, and how the last request failed; {} where they came to the end.

    They have ended where the server was given up, so that a request, too, was not answered which had been before, or where it is
    not even connected to any more. A WebSocket may go another way, so what became of it decides nothing.
    """
    ours = [x for x in exchanges if x.url.startswith("http") and urlsplit(x.url).netloc == urlsplit(base_url).netloc]
    answered = [n for n, x in enumerate(ours) if x.status is not None]
    failures = [x.failure for x in ours[answered[-1] + 1 :] if x.failure] if answered else []
    after = [failure for failure in failures if failure.kind != "interrupted"]
    if not after or not (given_up or sum(failure.phase in _ENDED for failure in after) >= _UNCONNECTED):
        return {}
    last = ours[answered[-1]]
    until_ms = last.at_ms + last.timing_ms.get("total", 0.0)
    told = {"kind": after[-1].kind, "phase": after[-1].phase}
    return {"answered": len(answered), "until_s": round(until_ms / 1000, 1), **told}


def _waited_ms(recorder: Recorder, asked: list[Exchange], trip_ms: float | None, run_ms: float) -> float:
    """How long round trips alone were waited for: of requests, of sessions that opened, and of events; at once counts once."""
    trip_ms, waits = trip_ms or 0.0, list[tuple[float, float]]()
    for x in asked:
        begun_ms, trips = x.at_ms + _looked_up(x), 1 + ("connect" in x.timing_ms) + _has_tls(x)
        waits.append((begun_ms, min(trips * trip_ms, x.timing_ms.get("total", 0.0))))
    ended_ms = {x.id: x.at_ms + x.timing_ms.get("total", 0.0) for x in asked}
    for peer in recorder.peers.values():
        if "ice" in peer.phases_ms and peer.offered_in in ended_ms:
            waits.append((ended_ms[peer.offered_in], min(_SESSION_TRIPS * trip_ms, sum(peer.phases_ms.values()))))
    waits += [(event.at_ms, trip_ms) for event in recorder.events if event.direction == "sent"]
    return _in_all_ms((begun_ms, min(took_ms, run_ms - begun_ms)) for begun_ms, took_ms in waits)


def _in_all_ms(spans: Iterable[tuple[float, float]]) -> float:
    """How long these took, each from when on and how long; what was at the same time counts once."""
    in_all_ms = until_ms = 0.0
    for begun_ms, took_ms in sorted(spans):
        end_ms = begun_ms + took_ms
        in_all_ms += max(end_ms - max(begun_ms, until_ms), 0.0)
        until_ms = max(until_ms, end_ms)
    return round(in_all_ms, 1)


def _packets(recorder: Recorder, asked: list[Exchange]) -> Mapping[str, Packets]:
    """Those of each protocol; where several are lost, all that was late as by a timer was waiting for them."""
    answers_ms, sent_ms = list[tuple[float, float]](), dict[str, float]()
    for event in recorder.events:
        if event.direction == "sent" and ("UDP", event.channel.partition("/")[0]) in recorder.packets:
            sent_ms[event.channel] = event.at_ms
        elif event.channel in sent_ms:
            answers_ms.append((event.at_ms, event.at_ms - sent_ms.pop(event.channel)))
    over_tcp = [(x.at_ms + x.timing_ms.get("total", 0.0), _answered_ms(x)) for x in asked if x.status is not None]
    late_phases = [span for peer in recorder.peers.values() for span in _by_udp(peer) if span[1] > _SCTP_TIMER_MS]
    late_ms = {
        "TCP": _in_all_ms(_late(over_tcp, _TCP_TIMER_MS)),
        "UDP": _in_all_ms([*_late(answers_ms, _SCTP_TIMER_MS), *late_phases]),
    }
    counted = {name: recorder.by_protocol(name) for name in late_ms}
    return {
        name: replace(way, waited_ms=round(max(way.waited_ms, late_ms[name] if way.lossy else 0.0), 1))
        for name, way in counted.items()
    }


def _by_udp(peer: PeerTrace) -> Iterator[tuple[float, float]]:
    """From when on, and how long, each phase took that is asked by UDP; they come one after another."""
    begun_ms = peer.at_ms
    for name, ms in peer.phases_ms.items():
        if name in _BY_UDP:
            yield begun_ms, ms
        begun_ms += ms


def _late(answers_ms: list[tuple[float, float]], timer_ms: float) -> list[tuple[float, float]]:
    """The spans by which answers came later than is usual, of those that did by more than that timer: from when on, how long."""
    from statistics import median

    usual_ms = median([took_ms for _, took_ms in answers_ms] or [0.0])
    late_ms = [(ended_ms, took_ms - usual_ms) for ended_ms, took_ms in answers_ms]
    return [(ended_ms - ms, ms) for ended_ms, ms in late_ms if timer_ms < ms < math.inf]


def _has_tls(exchange: Exchange) -> bool:
    return "tls" in exchange.timing_ms or (exchange.url.startswith("wss:") and "connect" in exchange.timing_ms)


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


def _spent(spans: Iterable[tuple[float, float, bool]], run_ms: float) -> Json:
    """How often something took time, how long, how much of that was `slow`, and which part of the run that took."""
    every = [(begun_ms, ms, slow) for begun_ms, ms, slow in spans if ms]
    slow_ones = [(begun_ms, ms) for begun_ms, ms, slow in every if slow]
    slow_ms = _in_all_ms(slow_ones)
    return {
        "count": len(every),
        "total_ms": _in_all_ms((begun_ms, ms) for begun_ms, ms, _ in every),
        "longest_ms": max((ms for _, ms, _ in every), default=0.0),
        "slow": len(slow_ones),
        "slow_ms": slow_ms,
        "part": round(slow_ms / max(run_ms, 1.0), 2),
    }


def _trips(asked: Iterable[Exchange]) -> list[float]:
    """A round trip by each TCP connect; over TLS a WebSocket's holds two."""
    found = ((x.timing_ms.get("connect", 0.0), x.url.startswith("wss:")) for x in asked)
    return [ms / 2 if two else ms for ms, two in found if ms]


def _round_trip_ms(asked: list[Exchange]) -> float | None:
    """The median, or the quickest answer, which no round trip can be longer than; None where nothing tells."""
    from statistics import median

    trips = _trips(asked)
    if not trips:
        return None
    return round(min([median(trips), *(_answered_ms(x) for x in asked if x.status is not None)]), 1)


def _answered_ms(exchange: Exchange) -> float:
    """From the connection on to the end of the answer; `wait` alone begins late where this machine is busy."""
    timing_ms = exchange.timing_ms
    if "total" not in timing_ms:
        return timing_ms.get("wait", math.inf)
    return timing_ms["total"] - _looked_up(exchange) - _connected(exchange)


def _s(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


CHECK = Check(
    id="speed",
    title="What did the way cost?",
    cases=(
        Case("names", "are names looked up quickly?"),
        Case("connecting", "are connections made quickly?"),
        Case("round-trip", "is the round trip short enough?"),
        Case("loss", "do packets arrive?"),
        Case("lost", "is the way there to the end?"),
        Case("cost", "what did the way cost in all?"),
    ),
    probe=probe,
    judge=judge,
    order=990,
    always=True,
)
