"""What a page in a browser asked is in the report, marked as its own, and in nothing that rtdiag reckons or asks of itself."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rtdiag.api.keys import MADE_UP_KEY, MADE_UP_TOKEN
from rtdiag.compare.diff import diff
from rtdiag.compare.diff.answer_changes import where
from rtdiag.compare.drift import as_cassette, compare
from rtdiag.engine import registry
from rtdiag.engine.asked_server import AskedServer
from rtdiag.engine.rejudge import replay
from rtdiag.engine.run_options import RunOptions
from rtdiag.model import Event, Failure, PeerTrace
from rtdiag.recorded import reading, unfolding
from rtdiag.redact import Mask
from rtdiag.report import curl, evidence, ledger, phrases, render, two_ways, waterfall
from rtdiag.testing import exchange
from rtdiag.transport.recorder import Recorder
from tests.report import browsers

CHECKS = {
    id: check for id, check in registry.load(()).checks.items() if id != "browser"
}  # whose cases are made by hand here
URL = "https://gateway.test/v1"


@pytest.mark.parametrize("form", ["json", "ndjson", "cassette"])
def test_who_asked_is_read_back_and_judged_again(form: str) -> None:
    report = browsers.run()
    again = reading.report_in(render(report, form))
    assert {(x.id, x.by) for x in again.exchanges} == {(x.id, x.by) for x in report.exchanges}
    assert {(p.id, p.by) for p in again.peers} == {(p.id, p.by) for p in report.peers}
    both, of_it = two_ways.of_run(again), two_ways.of_run(report)
    assert both
    assert of_it
    assert both.rows == of_it.rows
    assert [row.finding for row in replay(again, CHECKS).checks[-1].rows] == [
        row.finding for row in report.checks[-1].rows
    ]


def test_another_asker_is_refused() -> None:
    told = json.loads(render(browsers.run(), "json"))
    told["exchanges"][-1]["by"] = "somebody"
    with pytest.raises(Exception, match="by"):
        reading.report_in(json.dumps(told))


def test_a_cassette_plays_rtdiags_own_requests_alone() -> None:
    report = browsers.run()
    held = unfolding.parsed(render(report, "cassette"))["interactions"]
    assert len(held) == len(unfolding.parsed(render(browsers.without(), "cassette"))["interactions"])


def test_own_is_the_run_without_a_browser() -> None:
    report, plain = browsers.run(), browsers.without()
    assert (report.own.exchanges, report.own.events, report.own.peers) == (plain.exchanges, plain.events, plain.peers)
    assert plain.own is plain


def test_the_emulator_is_not_asked_what_a_browser_asked() -> None:
    with_one, plain = compare(browsers.run(live=False)), compare(browsers.without())
    assert (with_one.exchanges, with_one.events) == (plain.exchanges, plain.events)
    assert next((one.ids, one.why) for one in with_one.not_compared) == (
        ("x901", "x902", "x903"),
        "a page in a browser asked it",
    )
    assert with_one.answered == plain.answered
    assert "x901" not in as_cassette(with_one)


def test_two_runs_differ_in_the_browsers_own_answers_under_its_name() -> None:
    old = browsers.run()
    slow = {name: value * 100 for name, value in old.peers[-2].phases_ms.items()}
    new = browsers.run(phases_ms=slow)
    refused = replace(new.checks[-1].rows[2].seen.exchanges[0], status=403, body="", timing_ms={"total": 900.0})
    new = replace(
        new,
        exchanges=tuple(refused if x.id == refused.id else x for x in new.exchanges),
        checks=(
            *new.checks[:-1],
            replace(
                new.checks[-1],
                rows=tuple(
                    replace(r, seen=replace(r.seen, exchanges=(refused, r.seen.exchanges[1])))
                    if r.id == "answer"
                    else r
                    for r in new.checks[-1].rows
                ),
            ),
        ),
    )
    found = diff(old, new)
    assert {pace.where for pace in found.slower} == {"browser: WebRTC connections", "browser: POST /realtime/calls"}
    assert {change.where for change in found.answers} == {"browser: POST /realtime/calls"}
    assert not diff(old, old).answers


def test_the_port_of_the_pages_own_server_is_no_difference() -> None:
    url = "http://127.0.0.1:{}/<credential>/v1/realtime/calls"
    asked = [replace(exchange(404), url=url.format(port), by="browser") for port in (40001, 40002)]
    assert {where(browsers.run(), one) for one in asked} == {"browser: POST 127.0.0.1/<credential>/v1/realtime/calls"}


def test_an_answer_that_a_page_may_not_read_is_no_missing_one() -> None:
    report = browsers.run()
    opaque = replace(
        report.exchanges[-1], url=f"{URL}/models", status=None, failure=Failure("opaque", "answer", "it came")
    )
    report = replace(report, exchanges=(*report.exchanges[:-1], opaque))
    assert {e.source: e.what for e in ledger.entries(report)}[opaque.id].endswith(
        ": an answer that the page may not read"
    )
    assert evidence.asked(opaque) == f"browser: GET {URL}/models (token)"
    assert (
        evidence.ended(opaque, Failure("opaque", "answer", "it came"))
        == "an answer that the page may not read: it came"
    )
    untold = evidence.ended(opaque, Failure("untold", "answer", "TypeError: Failed to fetch"))
    assert untold == "no answer that the page is shown: TypeError: Failed to fetch"
    lanes = {lane.id: lane for group in waterfall.groups(report) for lane in group.lanes}
    assert lanes[opaque.id].bars[-1].kind == "rest"


def test_the_ledger_says_who_asked() -> None:
    found = {entry.source: entry.what for entry in ledger.entries(browsers.run())}
    assert found["x902"] == "browser: POST /v1/realtime/calls: 201"
    assert found["e901"] == f"browser: received session.created ({browsers.CHANNEL})"
    assert {id for id, what in found.items() if what.startswith("browser: ")} == {
        "x901",
        "x902",
        "x903",
        "e901",
        "e904",
    }


def test_the_lines_that_repeat_it_hold_no_secret_and_the_right_one_made_up() -> None:
    report = browsers.run()
    refused, offered, socket = (next(x for x in report.exchanges if x.id == id) for id in ("x901", "x902", "x903"))
    made_up = curl.line(refused, report)
    assert f"Bearer {MADE_UP_TOKEN}" in made_up
    assert MADE_UP_KEY not in made_up
    assert "-H 'origin: " in made_up
    for one in (offered, socket):
        line = curl.line(one, report)
        assert line.startswith("EPHEMERAL_TOKEN=$(curl ")
        assert "***" not in line
        assert "$EPHEMERAL_TOKEN" in line.partition("\n")[2]
    assert "origin" not in curl.line(report.exchanges[0], report)


def test_its_lanes_are_marked_and_its_steps_are_bars() -> None:
    lanes = {
        lane.id: lane for group in waterfall.groups(browsers.run()) if group.id == "browser" for lane in group.lanes
    }
    assert {lane.by for lane in lanes.values()} == {"browser"}
    assert [bar.kind for bar in lanes["x902"].bars] == ["dns", "connect", "tls", "wait", "rest"]
    assert lanes[browsers.PEER].what == "browser: session"
    assert len(lanes[browsers.PEER].ticks) == 3


def test_a_phase_of_the_browsers_is_not_ended_by_what_rtdiag_asks() -> None:
    """What was waited for in vain is as long as the page waited, whatever the command line does meanwhile."""
    report = browsers.run(**browsers.no_ice())
    other = replace(report.exchanges[0], id="x800", at_ms=browsers.BEGUN_MS + 220)
    report = replace(report, exchanges=(*report.exchanges, other))
    lane = next(one for one in waterfall.sessions_from_their_offers(report, (browsers.PEER,)))
    assert lane.bars[-1].kind == "failed"
    assert lane.bars[-1].end_ms == 550.0  # the page's own next request


def test_a_run_that_only_a_users_page_had_an_answer_in_was_not_answered() -> None:
    report = replace(browsers.run(), interrupted=True, events=())
    assert "nothing answered" not in phrases.reached(report)
    theirs = tuple(replace(x, by="page") for x in report.exchanges)
    assert "nothing answered" in phrases.reached(replace(report, exchanges=theirs))


def test_the_recorder_keeps_it_apart_and_the_server_is_not_known_by_it() -> None:
    recorder, options = Recorder(Mask()), RunOptions(base_url=URL)
    server = AskedServer(options, recorder)
    told = exchange(401, url=f"{URL}/realtime/calls", headers={"x-litellm-version": "1.2.3"}, by="browser")
    recorder.exchange(replace(told, id="x7"))
    recorder.exchange(replace(told, id="x3", by=""))
    recorder.exchange(replace(told, id="x5", by="page"))
    recorder.peer(PeerTrace("p8-page", by="page"))
    recorder.event(Event(recorder.next_event_id(), "p8-page/oai-events", "sent", 1.0, "session.update", "{}"))
    assert [x.id for x in recorder.exchanges] == ["x3"]
    assert (recorder.events, recorder.peers) == ([], {})
    assert [x.id for x in recorder.every_exchange] == ["x3", "x5", "x7"]
    assert recorder.next_event_id() == "e2"
    recorder.exchanges.clear()
    assert server.recognised.server.id == "unknown"


def test_what_a_page_was_not_answered_leaves_nothing_else_unasked() -> None:
    recorder = Recorder(Mask())
    part = recorder.begin_part()
    recorder.exchange(exchange(None, by="browser"))
    assert part.exchanges == []
