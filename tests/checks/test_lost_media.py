"""Whole runs whose media find no way, or lose it: both kinds are waited for together, and a session says when it was lost."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rtdiag.engine import runner
from rtdiag.engine.findings import GIVEN_UP, NO_LIFE, NOT_HEARD, STOPPED, not_sent, unanswered
from rtdiag.model import PeerTrace, Report, TcpCheck
from rtdiag.redact import Mask
from rtdiag.testing import run_on_emulator
from rtdiag.transport.recorder import Recorder

SHORT_S = 1.5


def waited(peer: PeerTrace) -> tuple[float, float]:
    """From when until when a session waited for ICE, in ms since the run began."""
    assert peer.failure is not None
    begins_ms = peer.at_ms
    return begins_ms, begins_ms + peer.phases_ms["answer"] + 1000 * SHORT_S


def sessions(report: Report) -> list[PeerTrace]:
    return [peer for peer in report.peers if "multipart" not in peer.id]


def test_both_kinds_wait_for_ice_side_by_side() -> None:
    one, other = sessions(run_on_emulator(only=["sdp"], faults=["ice-blocked"], longest_s=SHORT_S))
    assert max(waited(one)[0], waited(other)[0]) < min(waited(one)[1], waited(other)[1])


def test_they_do_where_they_are_offered_one_after_the_other() -> None:
    report = run_on_emulator(only=["sdp"], faults=["ice-blocked"], longest_s=SHORT_S, at_once=1)
    one, other = sessions(report)
    assert waited(one)[0] < waited(other)[0] < waited(one)[1]
    offers = [x for x in report.exchanges if x.method == "POST" and x.url.endswith("/realtime/calls")]
    assert all(a.at_ms + a.timing_ms["total"] <= b.at_ms for a, b in pairwise(offers))


def test_where_there_is_room_for_one_the_first_is_waited_for() -> None:
    report = run_on_emulator(only=["sdp"], faults=["ice-blocked", "one-session-slot"], longest_s=SHORT_S)
    found = {row.id: row.finding for outcome in report.checks for row in outcome.rows}
    assert [found[f"ice-{kind}"].status for kind in ("realtime", "transcription")] == ["inconclusive"] * 2
    assert [peer.failure.phase for peer in sessions(report) if peer.failure] == ["ice", "ice"]


def test_a_session_that_works_is_done_before_the_next_is_offered() -> None:
    report = run_on_emulator(only=["sdp.created-*"], at_once=1)
    one, other = sessions(report)
    assert one.at_ms + sum(one.phases_ms.values()) <= other.at_ms


def test_tcp_is_no_longer_untested_once_it_was_tried() -> None:
    recorder = Recorder(Mask())
    recorder.peer(PeerTrace("p1"))
    assert runner.OVER_TCP in runner.not_tested(recorder)
    recorder.peer(PeerTrace("p1", ice_tcp=(TcpCheck("tcp host 192.0.2.1:443", "refused"),)))
    assert runner.OVER_TCP not in runner.not_tested(recorder)


def test_a_session_cut_in_the_middle_says_when_its_last_datagram_came() -> None:
    fault = "media-cut"
    report = run_on_emulator(only=["session-update.realtime-ga"], faults=[fault], longest_s=1)
    (found,) = [r.finding for o in report.checks for r in o.rows if r.id == "realtime-ga"]
    assert STOPPED in found.observed
    assert "the last datagram came" in str(found.measured)


LOST = {"last_s": 12.3, "silent_s": 0.4, "alive": True}


@pytest.mark.parametrize(("alive", "observed"), [(True, GIVEN_UP), (False, STOPPED)])
def test_who_ended_a_session_decides_what_is_said_of_it(alive: bool, observed: str) -> None:
    facts = {"asked": True, "ended": True, "cut": False, "lost": LOST | {"alive": alive}}
    found = unanswered("one", facts, "session.updated")
    assert (found.status, observed in found.observed) == ("inconclusive", True)
    assert str(found.measured) == (
        "the last datagram came 12.3 s after the session began, 0.4 s before aioice ended the session"
    )


def test_a_way_that_is_cut_outwards_alone_is_told_so() -> None:
    facts = {"asked": True, "ended": False, "cut": True, "lost": LOST | {"alive": False, "outwards": True}}
    found = unanswered("one", facts, "session.updated")
    assert found.observed == (NO_LIFE, NOT_HEARD)
    assert str(found.measured) == (
        "datagrams still come in, the last one 0.4 s before the event was given up, and none of ours is acknowledged"
    )


def test_after_a_session_was_lost_nothing_is_skipped_as_if_it_were_in_order() -> None:
    lost = not_sent("one", {"asked": False, "ended": True, "cut": False, "lost": LOST})
    ended = not_sent("one", {"asked": False, "ended": True, "cut": False})
    assert [one and one.status for one in (lost, ended)] == ["inconclusive", "skip"]
