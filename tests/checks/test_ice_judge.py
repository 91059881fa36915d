"""What is said of ICE that found no way, by what a trace holds: never more than that."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from rtdiag.engine import registry
from rtdiag.model import Evidence, Failure, Finding, Observation, Pair, PeerTrace, TcpCheck
from rtdiag.transport.ice_search import NO_RELAY

SDP = registry.load(()).checks["sdp"]
OURS, THEIRS, OTHER = "udp host 192.0.2.2:5000", "udp host 192.0.2.1:3478", "udp host 172.31.44.5:3478"
CROSSED = "28 datagrams to 192.0.2.1:3478 in 4.0 s, none came back"
SEEN = {"local-udp-host": 1, "remote-udp-host": 1}
EPERM, ICMP, AWAY = "refused here: EPERM", "rejected: port unreachable by 192.0.2.1", "no route: ENETUNREACH"

LOOPBACK, BY_US = "udp host 127.0.0.1:3478", "rejected: port unreachable by 127.0.0.1"
TURN = "192.0.2.9:3478"
RELAYED = {"candidates": {"local-udp-relay": 1, "remote-udp-host": 1}, "remote_candidates": (THEIRS,)}
BY_ITSELF = "rejected: port unreachable by 172.31.44.5"


def tcp(outcome: str) -> tuple[TcpCheck, ...]:
    return (TcpCheck("tcp host 192.0.2.1:443", outcome, 3.2),)


def judged(*pairs: Pair, candidates: Any = SEEN, **more: Any) -> Finding:
    trace = PeerTrace("p1", candidates=candidates, pairs=pairs, failure=Failure("ice", "ice", CROSSED), **more)
    seen = {"ice-realtime": Observation("ice-realtime", peers=(trace,))}
    (found,) = SDP.judge(Evidence(seen, frozenset(["ga"]), official=False, today=date(2026, 11, 30)))
    return found


def pair(sent: int = 7, received: int = 0, answered: int = 0, remote: str = THEIRS, **more: Any) -> Pair:
    return Pair(OURS, remote, sent, received, answered, **more)


NOTHING = "nothing came back over UDP"
EITHER = f"{NOTHING} and a check over TCP is taken and left unanswered"
CREDENTIALS = "the server takes the connection and leaves authenticated checks unanswered"
REFUSES = "the server refuses the ICE credentials"
REJECTED, REFUSED_HERE = "UDP is rejected on the way", "this machine refuses to send UDP"
NOT_ROUTED = "the candidate is an address that is not routed here"
LOSSY, SLOW = "datagrams are lost on the way", "checks are answered too late"


@pytest.mark.parametrize(
    ("observed", "pairs", "more"),
    [
        (NOTHING, [pair()], {}),
        (NOTHING, [pair()], {"ice_tcp": tcp("dropped")}),
        (NOTHING, [pair()], {"ice_tcp": tcp("refused")}),
        (EITHER, [pair()], {"ice_tcp": tcp("closed")}),
        (EITHER, [pair()], {"ice_tcp": tcp("connected")}),
        (f"{NOTHING} and TCP would carry it", [pair()], {"ice_tcp": tcp("answered")}),
        (CREDENTIALS, [pair()], {"ice_tcp": tcp("ignored")}),
        (REFUSES, [pair()], {"ice_tcp": tcp("stun 401")}),
        (REFUSES, [pair(received=3, errors={"stun 400": 3})], {}),
        # their checks come: once, and what answers them arrives; again, and it does not
        (CREDENTIALS, [pair(received=1, asked=1)], {}),
        (NOTHING, [pair(sent=2, received=1, asked=1)], {}),
        (NOTHING, [pair(received=4, asked=4, asked_again=3)], {}),
        (NOTHING, [pair(received=4, asked=4, asked_again=3)], {"ice_tcp": tcp("ignored")}),
        # each pair refused, or not each
        (REFUSED_HERE, [pair(0, errors={EPERM: 3})], {}),
        (REFUSED_HERE, [pair(0, 2, asked=2, errors={EPERM: 3})], {}),
        (NOTHING, [pair(0, errors={EPERM: 3}), pair()], {}),
        (REJECTED, [pair(errors={ICMP: 3})], {}),
        (REJECTED, [pair(errors={ICMP: 3}), pair(0, errors={EPERM: 3})], {}),
        (NOTHING, [pair(errors={ICMP: 3}), pair()], {}),
        (NOT_ROUTED, [pair(0, errors={AWAY: 3})], {}),
        (NOTHING, [pair(0, errors={AWAY: 3}), pair()], {}),
        # addresses that lead nowhere, all of them
        (NOT_ROUTED, [pair(remote=OTHER)], {"elsewhere": (OTHER,)}),
        (NOT_ROUTED, [pair(remote=OTHER, errors={ICMP: 3})], {"elsewhere": (OTHER,)}),
        (REJECTED, [pair(remote=OTHER, errors={BY_ITSELF: 3})], {"elsewhere": (OTHER,)}),
        (NOTHING, [pair(remote=OTHER), pair()], {"elsewhere": (OTHER,)}),
        (f"{NOTHING} and TCP would carry it", [pair(remote=OTHER)], {"elsewhere": (OTHER,), "ice_tcp": tcp("answered")}),
        (NOT_ROUTED, [], {"local_candidates": (OURS,), "remote_candidates": ("udp host [2001:db8::1]:3478",)}),
        ("ICE finds no way", [], {"local_candidates": (OURS,), "remote_candidates": (THEIRS,)}),
        ("the TURN server does not relay to the answer's address", [pair(remote=TURN, errors={"stun 403": 1})], RELAYED),
        ("nothing comes back through the relay", [pair(remote=TURN, answered=3)], RELAYED),
        ("the answer's candidates are names", [], {"remote_candidates": ("udp host 3a5c9a1e.local:3478",)}),
        (NOT_ROUTED, [pair(remote=LOOPBACK, errors={BY_US: 3})], {"elsewhere": (LOOPBACK,)}),
        (LOSSY, [pair(12, 2, 2)], {}),
        (SLOW, [pair(12, 10, 10)], {}),
        ("the answer offers no UDP candidate", [], {"candidates": {"local-udp-host": 1, "remote-tcp-host": 1}}),
    ],
)  # fmt: skip
def test_what_crossed_has_one_word(observed: str, pairs: list[Pair], more: dict[str, Any]) -> None:
    found = judged(*pairs, **more)
    assert (found.status, found.observed) == ("inconclusive", (observed,))


def test_a_quota_that_is_used_up_is_no_missing_relay() -> None:
    trace = PeerTrace("p1", pairs=(pair(remote=TURN, errors={"stun 486": 2}),), failure=Failure("ice", "ice", NO_RELAY))
    seen = {"ice-realtime": Observation("ice-realtime", peers=(trace,))}
    (found,) = SDP.judge(Evidence(seen, frozenset(["ga"]), official=False, today=date(2026, 11, 30)))
    assert (found.status, found.observed) == ("inconclusive", ("the TURN server has no relay left",))


def test_what_a_stun_server_refuses_is_not_the_servers_refusal() -> None:
    found = judged(pair(), Pair(OURS, "192.0.2.9:3478", 1, 1, errors={"stun 401": 1}))
    assert found.observed == (NOTHING,)


@pytest.mark.parametrize(
    ("outcome", "told", "hint"),
    [
        ("answered", "TCP to 192.0.2.1:443 answered a check (3 ms)", "browsers will get through over TCP"),
        ("dropped", "TCP to 192.0.2.1:443 got no answer (3 ms)", "over TCP a browser gets no further, either"),
        ("stun 401", "TCP to 192.0.2.1:443 said stun 401 (3 ms)", "over TCP a browser gets no further, either"),
    ],
)
def test_what_tcp_came_to_is_told_beside_what_crossed(outcome: str, told: str, hint: str) -> None:
    found = judged(pair(), candidates={**SEEN, "remote-tcp-host": 1}, ice_tcp=tcp(outcome))
    assert found.measured == f"{CROSSED}; {told}"
    assert hint in (found.hint or "")
