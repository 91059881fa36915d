"""When waiting for ICE is of no more use, by what crossed; no network, and a clock of the test's own."""

from __future__ import annotations

import pytest

from rtdiag.transport.candidates import nominated_at_once
from rtdiag.transport.datagrams import Datagrams
from rtdiag.transport.ice_search import NO_CANDIDATE, NO_RELAY, NO_UDP, Patience, Search
from rtdiag.transport.recorder import Deadlines

OURS, THEIRS, SERVER = ("192.0.2.2", 5000), ("192.0.2.1", 3478), ("192.0.2.9", 3478)
OFFER = "v=0\r\nm=audio 9 x 0\r\na=candidate:1 1 udp 1 192.0.2.2 5000 typ host\r\n"
RELAY = OFFER + "a=candidate:2 1 udp 1 192.0.2.9 6000 typ relay raddr 192.0.2.2 rport 5000\r\n"
ANSWER = "v=0\r\nm=audio 9 x 0\r\na=candidate:1 1 udp 1 192.0.2.1 3478 typ host\r\n"
TCP = ANSWER.replace(" udp ", " tcp ")


class At:
    """A search whose time is set."""

    def __init__(self, offer: str = OFFER, answer: str = ANSWER, *, relay_only: bool = False) -> None:
        self.now_ms = 0.0
        self.seen = Datagrams(lambda: self.now_ms)
        self.seen.sent(OURS, SERVER, b"to a STUN server")
        self.seen.received(OURS, SERVER, b"from it")
        self.search = Search(self.seen, Deadlines(), relay_only=relay_only)
        self.search.offered(offer)
        self.search.answered(answer)

    def check(self, number: int, *, theirs: bool = False, answered: bool = False) -> None:
        """A check goes out, or comes in, and is answered."""
        head, rest = b"\x01\x01" if answered else b"\x00\x01", b"\0\0\x21\x12\xa4\x42" + bytes([number]) * 12
        if theirs or answered:
            self.seen.received(OURS, THEIRS, head + rest)
        else:
            self.seen.sent(OURS, THEIRS, head + rest)

    def useless_from(self) -> float | None:
        """From how many seconds on waiting is of no use, in tenths."""
        return next((tenths / 10 for tenths in range(400) if self.search.useless(tenths / 10)), None)


def test_silence_is_waited_for_four_seconds() -> None:
    at = At()
    at.check(1)
    assert at.useless_from() == 4.0
    assert at.search.told(4.0) == "1 datagram to 192.0.2.1:3478 in 4.0 s, none came back"


@pytest.mark.parametrize(
    ("connect_s", "timeout_s", "otherwise_s", "silence_s"),
    [
        (None, None, 1.0, 4.0),  # nothing is known of the way
        (0.001, None, 0.5, 2.5),
        (0.1, None, 0.5, 2.5),
        (0.3, None, 0.6, 2.5),
        (0.6, None, 1.0, 3.0),
        (3.0, None, 1.0, 4.0),
        (0.001, 30.0, 0.5, 5.0),  # who asks for patience gets it
        (0.001, 3.0, 0.5, 2.5),
        (0.001, 1.0, 0.5, 1.0),
    ],
)
def test_silence_is_waited_for_less_where_requests_were_quick(
    connect_s: float | None, timeout_s: float | None, otherwise_s: float, silence_s: float
) -> None:
    assert Patience.of(Deadlines.of(timeout_s), connect_s) == Patience(otherwise_s, silence_s)


def test_where_packets_are_lost_a_quick_connect_shortens_nothing() -> None:
    assert Patience.of(Deadlines(), 0.001, lossy=True) == Patience.of(Deadlines())


def test_patience_is_what_a_search_ends_by_and_through_a_relay_twice_that() -> None:
    for offer, answer, from_s in ((OFFER, ANSWER, 2.5), (RELAY, ANSWER, 5.0)):
        at = At(offer, answer)
        at.search.patience = Patience(0.5, 2.5)
        assert at.useless_from() == from_s
    at = At(answer="v=0\r\n")
    at.search.patience = Patience(0.5, 2.5)
    assert (at.useless_from(), at.search.useless(2.6)) == (2.6, NO_CANDIDATE)


def test_an_answered_check_gives_it_as_much_time_whatever_the_patience() -> None:
    at = At()
    at.search.patience = Patience(0.5, 2.5)
    at.check(1)
    at.check(1, answered=True)
    assert at.search.useless(2.4) is None
    assert at.search.useless(22.3) is None


SIX = "a=candidate:2 1 udp 1 2001:db8::{} 5000 typ host\r\n"


@pytest.mark.parametrize(
    ("one_pair", "offer", "answer"),
    [
        (True, OFFER, ANSWER),
        (True, OFFER, ANSWER + ANSWER.partition("m=")[2]),  # a bundled section names it again
        (True, OFFER, ANSWER + TCP.partition("x 0\r\n")[2]),
        (True, OFFER + SIX.format(2), ANSWER),  # no one speaks over IPv6 with IPv4
        (True, OFFER.replace("host", "srflx") + OFFER.partition("x 0\r\n")[2], ANSWER),
        (False, OFFER + SIX.format(2), ANSWER + SIX.format(1)),
        (False, OFFER, ANSWER + ANSWER.partition("x 0\r\n")[2].replace("3478", "3479")),
        (False, OFFER + OFFER.partition("x 0\r\n")[2].replace("192.0.2.2", "192.0.2.3"), ANSWER),
        (False, RELAY, ANSWER),
        (False, OFFER, TCP),
        (False, OFFER + SIX.format(2), ANSWER.replace("192.0.2.1", "a.local")),
    ],
)
def test_there_is_a_choice_where_more_than_two_addresses_may_speak(one_pair: bool, offer: str, answer: str) -> None:
    assert At(offer, answer).search.one_pair is one_pair


@pytest.mark.parametrize("line", ["a=ice-lite\r\n", "a=ice-lite\n", "a=ice-lite \r\n"])
def test_nothing_but_ice_lite_is_left_out(line: str) -> None:
    assert nominated_at_once(f"v=0\r\n{line}a=ice-lite-not\r\nm=x\r\n") == "v=0\r\na=ice-lite-not\r\nm=x\r\n"
    assert nominated_at_once("v=0\r\na=ice-lite") == "v=0\r\n"


def test_what_a_stun_server_said_is_nothing_that_came_back() -> None:
    assert At().useless_from() == 4.0


def test_checks_of_theirs_alone_give_it_no_more_time() -> None:
    at = At()
    at.check(1, theirs=True)
    assert at.useless_from() == 4.0


def test_a_check_that_was_answered_gives_it_twenty_seconds_more() -> None:
    at = At()
    at.check(1)
    at.check(1, answered=True)
    assert at.search.answers
    assert at.search.useless(3.0) is None
    assert at.search.useless(22.9) is None
    assert at.search.useless(23.0)


def test_what_crosses_a_relay_over_tcp_is_not_seen() -> None:
    assert At(RELAY).useless_from() == 8.0


@pytest.mark.parametrize(
    ("why", "offer", "answer", "relay_only"), [(NO_UDP, OFFER, TCP, False), (NO_RELAY, OFFER, ANSWER, True)]
)
def test_where_there_is_nothing_to_try_nothing_is_waited_for(
    why: str, offer: str, answer: str, relay_only: bool
) -> None:
    assert At(offer, answer, relay_only=relay_only).search.useless(0.0) == why


def test_one_relay_is_enough_where_only_a_relay_will_do() -> None:
    assert At(RELAY, relay_only=True).useless_from() == 8.0


def test_what_this_machine_does_not_send_ends_it_once_every_pair_was_begun() -> None:
    at = At()
    at.seen.refused(OURS, THEIRS, "refused here: EPERM")
    assert at.useless_from() == 0.4
    assert at.search.told(0.4) == "nothing could be sent to 192.0.2.1:3478, 1 × refused here: EPERM"


def test_a_rejection_ends_it_only_when_it_is_repeated_and_of_every_pair() -> None:
    at = At()
    at.check(1)
    for at.now_ms in (0, 500, 1500):
        assert at.useless_from() == 4.0
        at.seen.refused(OURS, THEIRS, "rejected: port unreachable by 192.0.2.1")
    assert at.useless_from() == 0.4
    at.seen.sent(OURS, ("192.0.2.1", 3479), b"\0" * 20)
    assert at.useless_from() == 4.0


def test_a_server_that_asks_before_its_answer_is_read_is_no_stun_server() -> None:
    at = At()
    at.search.offered(OFFER)
    at.check(1, theirs=True)
    at.search.answered(ANSWER)
    at.check(2)
    assert "1 came back" in at.search.told(1.0)
