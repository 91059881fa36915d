"""Reports: what is none, what of one cannot be asked again, and whose clock is whose."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pytest

from rtdiag.drift import compare, report_in
from tests.drift.runs import exchange, left_out, put, received, report


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"a": 1}', '{"log": {"entries": []}}', "[" * 100_000])
def test_what_is_no_report_is_one_clear_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a report of rtdiag: .+") as caught:
        report_in(text)
    assert "\n" not in str(caught.value)


def test_half_a_report_is_one_clear_line() -> None:
    given = report()
    del given["exchanges"][0]["url"]
    with pytest.raises(ValueError, match=r"^not a whole report of rtdiag: .*'url'$"):
        compare(given)


def test_a_report_is_read_back_from_its_text() -> None:
    assert report_in(json.dumps(report())) == report()


def test_what_cannot_be_asked_again_is_said() -> None:
    given = report()
    own, shop = exchange(given, "GET", "/models", 401), exchange(given, "GET", "/models", 200)
    own.update(credential="own-token", request_headers=[["authorization", "Bearer ek_**********************"]])
    shop.update(url="https://shop.example/token")
    cut = next(x for x in given["exchanges"] if x["url"].endswith("/hangup"))
    cut.update(status=None, failure={"kind": "interrupted", "phase": "answer", "detail": "the run was interrupted"})
    found = compare(given)
    assert found.differences == ()
    assert left_out(found) == {own["id"], shop["id"], cut["id"]}
    assert "it went to another server" in found.text()


def test_events_whose_channel_is_not_known_are_said() -> None:
    given = report()
    for peer in given["peers"]:
        peer["offered_in"] = None
    found = compare(given)
    assert found.differences == ()
    assert left_out(found) == {e["id"] for e in given["events"]}


def test_audio_is_no_difference_for_a_report_carries_none() -> None:
    given = report()
    event, _ = received(given, "session.created")
    place = given["events"].index(event)
    spoken = {**event, "id": "e900"}
    put(spoken, {"type": "input_audio_buffer.speech_started", "audio_start_ms": 12})
    given["events"].insert(place + 1, spoken)
    found = compare(given)
    assert found.differences == ()
    assert left_out(found) == {"e900"}


def test_a_servers_clock_is_its_own() -> None:
    given = report()
    for one in given["exchanges"]:
        one["response_headers"] = [[k, later(v) if k.lower() == "date" else v] for k, v in one["response_headers"]]
    found = [d for d in compare(given).differences if d.what == "clock"]
    assert [(d.id, d.here) for d in found] == [("run", "the clocks agree")]
    assert re.search(r" \+3[56]\d\d s off ", found[0].there), "an hour, less what the run took"


def later(moment: str) -> str:
    return format_datetime(parsedate_to_datetime(moment) + timedelta(hours=1), usegmt=True)
