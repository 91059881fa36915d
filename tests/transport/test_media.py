"""What a session shows whose media find no way, word by word: each far end is broken in one way."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from aiortc import rtcsctptransport

from rtdiag.engine import registry
from rtdiag.model import Evidence, Exchange, Finding, Observation, PeerTrace
from rtdiag.redact import Mask
from rtdiag.transport.ice_search import Patience
from rtdiag.transport.recorder import Deadlines, Recorder
from rtdiag.transport.webrtc import IceServers, Session
from tests.network.namespaces import Pair, inside, pair
from tests.transport import far_end
from tests.transport.far_end import deaf, every_third, lite, once, over_udp, refuses, silence

SDP = registry.load(()).checks["sdp"]
SHORT = Deadlines(udp_s=0.3, ice_s=0.4, dtls_s=0.2)  # where nothing comes, and that is the point
REPEATED = replace(SHORT, udp_s=5)  # never reached: what is refused again and again ends it

NO_SERVERS = IceServers()
DTLS_HANDSHAKE = 22  # the first byte of a datagram of it

Ends = Callable[[str], AbstractAsyncContextManager[tuple[str, ...]]]


def judged(trace: PeerTrace, phase: str = "ice") -> Finding:
    seen = {f"{phase}-realtime": Observation(f"{phase}-realtime", peers=(trace,))}
    (found,) = SDP.judge(Evidence(seen, frozenset(["ga"]), official=False, today=date(2026, 11, 30)))
    return found


async def went(
    lines: Ends, deadlines: Deadlines = SHORT, servers: IceServers = NO_SERVERS, password: str = far_end.PASSWORD
) -> PeerTrace:
    """The trace of a session whose answer names what `lines` makes, at an address of this machine."""
    session = Session("p1", Recorder(Mask(keep_addresses=True)), deadlines, servers, host="10.13.0.1")
    try:
        offer = await session.offer()
        host = far_end.own_address(offer) if not servers.relay_only else "127.0.0.1"
        async with lines(host) as found:
            assert not await session.accept(await far_end.answer(offer, *found, password=password))
            return session.trace()
    finally:
        await session.close()


def trace_of(lines: Ends, deadlines: Deadlines = SHORT, **more: Any) -> PeerTrace:
    return asyncio.run(went(lines, deadlines, **more))


def ends(udp: far_end.Says | None = None, tcp: far_end.Says | None = None, beside: far_end.Says | None = None) -> Ends:
    """The candidates of a far end that speaks so, `beside` over UDP at another port."""

    @asynccontextmanager
    async def lines(host: str) -> AsyncIterator[tuple[str, ...]]:
        async with AsyncExitStack() as opened:
            kinds = ((far_end.udp, udp), (far_end.tcp, tcp), (far_end.udp, beside))
            yield tuple([await opened.enter_async_context(kind(host, says)) for kind, says in kinds if says])

    return lines


@pytest.mark.parametrize(
    ("udp", "tcp", "observed", "outcome"),
    [
        (silence, None, "nothing came back over UDP", None),
        (silence, lite, "nothing came back over UDP and TCP would carry it", "answered"),
        (
            silence,
            silence,
            "the server takes the connection and leaves authenticated checks unanswered",
            "ignored",
        ),
        (
            silence,
            deaf,
            "nothing came back over UDP and a check over TCP is taken and left unanswered",
            "connected",
        ),
        (silence, refuses, "the server refuses the ICE credentials", "stun 401"),
        (None, lite, "the answer offers no UDP candidate", "answered"),
    ],
)
def test_what_the_far_end_does_has_a_word(
    udp: far_end.Says | None, tcp: far_end.Says | None, observed: str, outcome: str | None
) -> None:
    trace = trace_of(ends(udp, tcp))
    found = judged(trace)
    assert (found.status, found.observed) == ("inconclusive", (observed,))
    assert [one.outcome for one in trace.ice_tcp] == ([outcome] if outcome else [])


@pytest.mark.parametrize(("udp", "tcp"), [(once, lite), (every_third, None)])
def test_where_there_is_a_choice_one_check_that_is_answered_is_no_way(
    udp: far_end.Says, tcp: far_end.Says | None
) -> None:
    assert judged(trace_of(ends(udp, tcp, beside=silence))).observed == ("datagrams are lost on the way",)


def test_where_there_is_none_the_first_check_that_is_answered_is_the_way() -> None:
    trace = trace_of(ends(once))
    assert (trace.failure and trace.failure.phase, list(trace.phases_ms)) == ("dtls", ["answer", "ice"])


def test_silence_is_told_with_its_numbers() -> None:
    trace = trace_of(ends(silence))
    tried = [one for one in trace.pairs if one.sent]
    assert [(one.received, one.errors) for one in tried] == [(0, {})] * 2  # ours of ICE, and those of the volley
    assert trace.last_datagram_ms is None
    (remote,) = {one.remote for one in tried}
    assert remote in trace.remote_candidates
    assert tried[0].local in trace.local_candidates
    place, sent = re.escape(remote.removeprefix("udp host ")), sum(one.sent for one in tried)
    assert re.fullmatch(rf"{sent} datagrams to {place} in [\d.]+ s, none came back", str(judged(trace).measured))


def test_a_wrong_password_is_not_blocked_udp_where_tcp_is_open() -> None:
    found = judged(trace_of(ends(lite, lite), password="FAKE-another-of-24-chars"))
    assert found.observed == ("the server takes the connection and leaves authenticated checks unanswered",)


def test_a_server_that_refuses_each_check_is_given_up_before_the_deadline() -> None:
    trace = trace_of(ends(refuses), REPEATED)
    assert judged(trace).observed == ("the server refuses the ICE credentials",)
    assert [one.errors for one in trace.pairs if one.sent] == [{"stun 401": 3}]


def test_a_closed_port_is_told_by_icmp_and_given_up_before_the_deadline() -> None:
    @asynccontextmanager
    async def lines(host: str) -> AsyncIterator[tuple[str, ...]]:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as one:
            one.bind((host, 0))
            port = one.getsockname()[1]
        yield (over_udp(host, port),)

    trace = trace_of(lines, REPEATED)
    (tried,) = [one for one in trace.pairs if one.errors]
    (word,) = tried.errors
    assert word.startswith("rejected: port unreachable by ")
    assert judged(trace).observed == ("UDP is rejected on the way",)


def test_dtls_that_is_not_answered_is_dtls() -> None:
    trace = trace_of(ends(lite))
    assert trace.failure is not None
    assert (trace.failure.phase, "ice" in trace.phases_ms) == ("dtls", True)
    assert judged(trace, "dtls").observed == ("DTLS gets no answer",)


ALERT, RUBBISH = bytes.fromhex("15fefd000000000000000000020228"), bytes.fromhex("16fefd")


@pytest.mark.parametrize(
    ("to_dtls", "observed", "measured"),
    [
        (ALERT, "the DTLS handshake is broken off", "broken off before a certificate came"),
        (RUBBISH, "the DTLS handshake begins and does not end", "of DTLS came back"),
    ],
)
def test_a_handshake_that_is_answered_and_fails_is_no_other_certificate(
    to_dtls: bytes, observed: str, measured: str
) -> None:
    class Answers(far_end.Udp):
        def datagram_received(self, data: bytes, addr: far_end.Address) -> None:
            if data[0] == DTLS_HANDSHAKE:
                self.transport.sendto(to_dtls, addr)
            else:
                super().datagram_received(data, addr)

    @asynccontextmanager
    async def lines(host: str) -> AsyncIterator[tuple[str, ...]]:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: Answers(lite), local_addr=(host, 0))
        yield (over_udp(host, transport.get_extra_info("sockname")[1]),)
        transport.close()

    found = judged(trace_of(lines), "dtls")
    assert (found.status, found.observed) == ("inconclusive", (observed,))
    assert measured in str(found.measured)


def test_an_answer_without_a_fingerprint_is_not_taken() -> None:
    async def taken() -> PeerTrace:
        session = Session("p1", Recorder(Mask()), SHORT)
        try:
            answer = await far_end.answer(await session.offer())
            assert not await session.accept(re.sub(r"(?m)^a=fingerprint:.*\r\n", "", answer))
            return session.trace()
        finally:
            await session.close()

    failure = asyncio.run(taken()).failure
    assert failure is not None
    assert "the answer names no DTLS fingerprint" in failure.detail


def test_without_a_relay_nothing_is_waited_for_where_only_a_relay_will_do() -> None:
    trace = trace_of(ends(silence), REPEATED, servers=IceServers(relay_only=True))
    assert judged(trace).observed == ("no relay was given",)
    assert not trace.pairs


@pytest.mark.parametrize(
    ("side", "hook", "rule", "word", "observed"),
    [
        ("near", "output", "drop", "refused here: EPERM", "this machine refuses to send UDP"),
        (
            "far",
            "input",
            "reject with icmp admin-prohibited",
            "rejected: admin-prohibited by 10.13.0.1",
            "UDP is rejected on the way",
        ),
    ],
)
def test_a_firewall_that_says_so_is_named(side: Any, hook: Any, rule: str, word: str, observed: str) -> None:
    with pair() as road:
        road.firewall(side, hook, f"meta l4proto udp {rule}")
        trace = between(road, over_udp(road.host, 3478), REPEATED)
    assert [set(one.errors) for one in trace.pairs if one.errors] == [{word}]
    assert judged(trace).observed == (observed,)


def test_a_private_address_of_another_network_leads_nowhere() -> None:
    with pair() as road:
        found = judged(between(road, over_udp("172.31.44.5", 3478)))
    assert found.observed == ("the candidate is an address that is not routed here",)
    assert "172.31.44.5:3478" in (found.hint or "")


def test_a_private_address_of_ones_own_network_may_be_blocked() -> None:
    with pair() as road:
        road.firewall("far", "input", "meta l4proto udp drop")
        found = judged(between(road, over_udp(road.host, 3478)))
    assert found.observed == ("nothing came back over UDP",)


def test_how_long_silence_lasts_is_known_by_the_slowest_connect_of_the_run() -> None:
    async def patience() -> Patience:
        recorder = Recorder(Mask())
        for name, took_ms in (("x1", 1.0), ("x2", 400.0), ("x3", 2.0)):
            recorder.exchange(Exchange(name, "GET", "http://192.0.2.1/v1", "none", timing_ms={"connect": took_ms}))
        session = Session("p1", recorder, SHORT)
        try:
            offer = await session.offer()
            async with ends(silence)(far_end.own_address(offer)) as found:
                await session.accept(await far_end.answer(offer, *found))
            return session._search.patience
        finally:
            await session.close()

    assert asyncio.run(patience()) == Patience.of(SHORT, 0.4) != Patience.of(SHORT)


def test_what_sctp_does_not_get_acknowledged_is_sent_again_after_a_second() -> None:
    usual_s = rtcsctptransport.SCTP_RTO_INITIAL

    async def first_wait_s() -> float:
        session = Session("p1", Recorder(Mask()), SHORT)
        try:
            await session.offer()
            assert session._peer
            assert session._peer.sctp
            return float(session._peer.sctp._rto)
        finally:
            await session.close()

    assert asyncio.run(first_wait_s()) == 1.0 < usual_s
    assert usual_s == rtcsctptransport.SCTP_RTO_INITIAL  # that of whoever else uses aiortc here


def between(road: Pair, line: str, deadlines: Deadlines = SHORT) -> PeerTrace:
    """The trace of a session in the near namespace whose answer has that candidate."""

    @asynccontextmanager
    async def lines(_: str) -> AsyncIterator[tuple[str, ...]]:
        yield (line,)

    with inside(road.near):
        return trace_of(lines, deadlines)
