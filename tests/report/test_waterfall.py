"""The waterfall: what stands where in time, by hand-made records and by whole runs, and as the SVG of the HTML report says it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rtdiag.model import Event, Exchange, Failure, PeerTrace, Report
from rtdiag.report import html, waterfall
from rtdiag.report.lanes import STEPS, Bar, Lane
from rtdiag.testing import run_on_emulator
from tests.checks.broken import grouped, run
from tests.report.tree import Node, read

RUNS = grouped([("key-revoked",), ("ice-blocked",), ("no-answer",), ("vad-refused",)])


def asked(exchange_id: str, at_ms: float, **timing_ms: float) -> Exchange:
    return Exchange(
        exchange_id,
        "POST",
        "http://api.test/v1/realtime/calls?a=b",
        "api-key",
        status=201,
        timing_ms=timing_ms,
        at_ms=at_ms,
    )


def lanes(*exchanges: Exchange, peers: tuple[PeerTrace, ...] = (), events: tuple[Event, ...] = ()) -> list[Lane]:
    """The lanes of a run that saw nothing but these, which no case shows."""
    base = run("key-revoked")
    report = replace(
        base,
        checks=(),
        exchanges=exchanges,
        peers=peers,
        events=events,
        finished_at=base.started_at + timedelta(seconds=9),
    )
    return [lane for group in waterfall.groups(report) for lane in group.lanes]


def test_a_requests_steps_follow_each_other_and_what_is_left_is_rest() -> None:
    (lane,) = lanes(asked("x1", 100, connect=10, tls=20, wait=30, total=75))
    assert lane.bars == (Bar("connect", 100, 10), Bar("tls", 110, 20), Bar("wait", 130, 30), Bar("rest", 160, 15))
    assert (lane.what, lane.result) == ("POST /v1/realtime/calls?a=b", "201, 75.0 ms")


def test_a_request_without_an_answer_ends_with_what_was_waited_for_in_vain() -> None:
    (lane,) = lanes(
        replace(asked("x1", 5, connect=1, total=2000), status=None, failure=Failure("time-out", "answer", "15 s"))
    )
    assert lane.bars == (Bar("connect", 5, 1), Bar("failed", 6, 1999))
    assert lane.result == "time-out, 2.00 s"


def test_a_request_of_which_no_time_is_known_is_still_there() -> None:
    (lane,) = lanes(asked("x1", 7))
    assert lane.bars == (Bar("rest", 7, 0),)


def test_phases_begin_when_the_answer_was_taken() -> None:
    states = (
        (2.0, "signalingState", "have-local-offer"),
        (50.0, "signalingState", "stable"),
        (400.0, "connectionState", "closed"),
    )
    phases = {"answer": 4.0, "ice": 20.0, "dtls": 5.0}
    peer = PeerTrace("p1", states, phases_ms=phases, offered_in="x1", at_ms=1000)
    (session,) = [lane for lane in lanes(asked("x1", 1010, total=30), peers=(peer,)) if lane.kind == "session"]
    assert session.bars == (Bar("answer", 1046, 4), Bar("ice", 1050, 20), Bar("dtls", 1070, 5))
    assert session.open_ms == (1000, 1400)


def test_without_that_state_they_begin_after_the_exchange_that_carried_the_offer() -> None:
    peer = PeerTrace("p1", phases_ms={"answer": 4.0}, offered_in="x1", at_ms=1000)
    (session,) = [lane for lane in lanes(asked("x1", 1010, total=30), peers=(peer,)) if lane.kind == "session"]
    assert session.bars == (Bar("answer", 1040, 4),)
    assert session.open_ms == (1000, 9000)


def test_a_phase_that_never_ended_is_waited_for_until_the_next_thing_begins() -> None:
    peer = PeerTrace(
        "p1", phases_ms={"answer": 4.0}, failure=Failure("ice", "ice", "not done"), offered_in="x1", at_ms=1000
    )
    found = lanes(asked("x1", 1010, total=30), asked("x2", 2050, total=1), peers=(peer,))
    (session,) = [lane for lane in found if lane.kind == "session"]
    assert session.bars[-1] == Bar("failed", 1044, 1006)
    assert session.result == "no ice"


def test_events_stand_on_their_session_and_where_another_check_shows_them() -> None:
    report = healthy()
    found = {(group.id, lane.id): lane for group in waterfall.groups(report) for lane in group.lanes}
    of_kind = {name.partition("-")[2]: name for _, name in found}
    assert [tick.type for tick in found["sdp", of_kind["realtime"]].ticks] == ["session.created"]
    assert found["session-update", of_kind["transcription"]].kind == "events"
    assert sum(len(lane.ticks) for lane in found.values()) == len(report.events)


@pytest.mark.parametrize(
    ("url", "path"), [("http://h:1/v1/a?b=/c", "/v1/a?b=/c"), ("http://h", "h"), ("http://[", "["), ("", "")]
)
def test_the_path_of_any_url(url: str, path: str) -> None:
    assert waterfall.path_of(url) == path


@pytest.mark.parametrize("fault", RUNS)
def test_the_page_shows_every_request_where_and_as_long_as_it_was(fault: str) -> None:
    report = run(fault)
    drawn = drawings(report)
    for exchange in report.exchanges:
        (svg,) = [svg for name, svg in drawn if name == exchange.id]
        bars = list(svg.all("rect"))
        assert number(bars[0], "x") == pytest.approx(exchange.at_ms, abs=0.05)
        assert sum(number(bar, "width") for bar in bars) == pytest.approx(exchange.timing_ms["total"], abs=0.25)
        steps = {b.attributes["class"]: number(b, "width") for b in bars if b.attributes["class"] in STEPS}
        assert steps == {k: pytest.approx(v, abs=0.05) for k, v in exchange.timing_ms.items() if k != "total"}
    phases = {b.attributes["class"] for name, svg in drawn if name.startswith("p1") for b in svg.all("rect")}
    assert phases == {p for peer in report.peers if peer.id.startswith("p1") for p in peer.phases_ms} | (
        {"failed"} if any(peer.failure for peer in report.peers if peer.id.startswith("p1")) else set()
    )


@pytest.mark.parametrize("fault", RUNS)
def test_each_groups_lines_begin_in_the_order_of_time_and_within_its_axis(fault: str) -> None:
    section = read(html.render(run(fault)).removeprefix("<!DOCTYPE html>")).section("waterfall")
    groups = list(section.all("ol", "lanes"))
    assert len(groups) > 1
    for group in groups:
        svgs = [svg for svg in group.all("svg") if "viewbox" in svg.attributes]
        (box,) = {svg.attributes["viewbox"] for svg in svgs}
        begin, _, span, _ = map(float, box.split())
        times = [(number(bar, "x"), number(bar, "width")) for svg in svgs for bar in svg.all("rect")]
        assert all(begin <= x and x + width <= begin + span for x, width in times)
        marks = [float(text.text.replace(",", "")) for text in group.one("svg").all("text")]
        assert (marks[0], marks[-1]) == (begin, begin + span)
        assert 2 <= len(marks) <= 6
    for group in groups[1:]:
        first = [number(next(svg.all("rect")), "x") for svg in group.all("svg") if any(svg.all("rect"))]
        assert first == sorted(first)


def healthy() -> Report:
    return run_on_emulator(only=["key", "token", "endpoint", "sdp", "session-update", "vad"])


def drawings(report: Report) -> list[tuple[str, Node]]:
    """Each line's svg under the id that its label shows, without the overview."""
    section = read(html.render(report).removeprefix("<!DOCTYPE html>")).section("waterfall")
    lines = [li for group in section.all("details", "group") for li in group.all("li", "lane")]
    found = [(line.one("span", "quiet").text, line.one("svg")) for line in lines]
    for _, svg in found:
        assert svg.attributes["role"] == "img"
        assert svg.one("title").text
        assert svg.one("desc").text.startswith("from ")
    return found


def number(node: Node, name: str) -> float:
    return float(node.attributes[name])


def test_a_session_of_which_nothing_is_known_but_its_beginning_is_left_out() -> None:
    assert lanes(peers=(PeerTrace("p1", at_ms=5),)) == []
