"""Reports that differ in one thing, as a live server's might: each thing is listed once, and what hangs on it is not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.drift.runs import compare, exchange, put, received, report

MINT = "/realtime/client_secrets"
Told = tuple[str, str, str, str]


def told(given: dict[str, Any]) -> list[Told]:
    """What differs: the kind, the name within the answer, there, here."""
    return [(d.what, d.of, d.there, d.here) for d in compare(given).differences]


def change_all(given: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """The report with a text replaced wherever a server said it."""
    for one in given["exchanges"]:
        one["body"] = (one["body"] or "").replace(old, new)
    for event in given["events"]:
        if event["direction"] == "received":
            event["raw"] = event["raw"].replace(old, new)
    return given


def test_another_default_is_listed_where_it_is_first_shown_and_not_again() -> None:
    given = change_all(report(), '"voice": "marin"', '"voice": "alloy"')
    found = compare(given).differences
    assert {(d.what, d.of, d.there, d.here) for d in found} == {
        ("body", "session.audio.output.voice", '"alloy"', '"marin"')
    }
    mints = [x["id"] for x in given["exchanges"] if '"voice"' in (x["body"] or "")]
    first = {e["channel"]: e["id"] for e in reversed(given["events"]) if "alloy" in e["raw"]}
    assert sorted(d.id for d in found) == sorted([*mints, *first.values()])


def test_an_update_that_only_the_other_server_refused_is_one_difference() -> None:
    given = report()
    event = next(e for e in given["events"] if e["type"] == "session.updated" and '"instructions"' in e["raw"])
    opened = next(e for e in given["events"] if e["type"] == "session.created" and e["channel"] == event["channel"])
    later = [e for e in given["events"] if e["channel"] == event["channel"]]
    for one in later[later.index(event) + 1 :]:
        one["raw"] = one["raw"].replace(instructions(event), instructions(opened))
    said = json.loads(event["raw"])
    put(event, {"type": "error", "event_id": said["event_id"], "error": {"type": "server_error", "message": "No."}})
    assert told(given) == [("event", "", "error server_error: No.", "session.updated")]


def test_answers_to_updates_that_were_sent_at_once_are_told_apart_also_without_their_names() -> None:
    given = report()
    refused = [e for e in given["events"] if e["type"] == "error" and not e["channel"].startswith("w")]
    waiting = given["events"][given["events"].index(refused[-1]) - 1]
    assert waiting["direction"] == "received", "several were on their way"
    for event in refused:
        said = json.loads(event["raw"])
        put(event, said | {"error": said["error"] | {"event_id": None}})
    found = compare(given).differences
    assert sorted((d.id, d.of) for d in found) == sorted((e["id"], "error.event_id") for e in refused)


def instructions(event: dict[str, Any]) -> str:
    return str(json.loads(event["raw"])["session"]["instructions"])


@pytest.mark.parametrize(("later_s", "expected"), [(3, []), (600, [("body", "expires_at", "+60 s from then")])])
def test_the_end_of_a_token_is_a_time_from_its_answer_on(later_s: int, expected: list[tuple[str, str, str]]) -> None:
    given = report()
    one = exchange(given, "POST", MINT, 200)
    one["body"] = re.sub(r'"expires_at": (\d{5,})', lambda m: f'"expires_at": {int(m[1]) + later_s}', one["body"])
    assert [(what, of, here) for what, of, _, here in told(given)] == expected


def test_a_message_differs_by_its_shape_and_not_by_its_numbers_and_names() -> None:
    given = report()
    one = exchange(given, "GET", "/models", 401)
    one["body"] = one["body"].replace("sk-proj-", "sk-live-").replace("You can find", "Look for")
    ((what, _, there, here),) = told(given)
    assert what == "message"
    assert "Look for" in there
    assert "You can find" in here


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("x-ratelimit-limit-requests", "3", [("header", "x-ratelimit-limit-requests", "present", "absent")]),
        ("cf-ray", "9a0-FRA", []),
        ("openai-processing-ms", "12", []),
    ],
)
def test_a_header_more(name: str, value: str, expected: list[Told]) -> None:
    given = report()
    exchange(given, "GET", "/models", 200)["response_headers"].append([name, value])
    assert told(given) == expected


def test_another_content_type_and_no_request_id() -> None:
    given = report()
    one = exchange(given, "GET", "/models", 200)
    left = [[k, v] for k, v in one["response_headers"] if k.lower() not in ("x-request-id", "content-type")]
    one["response_headers"] = [*left, ["Content-Type", "application/json; charset=utf-8"]]
    assert told(given) == [
        ("header", "content-type", "application/json;charset=utf-8", "application/json"),
        ("header", "x-request-id", "absent", "present"),
    ]


def test_models_differ_by_id_and_end_and_those_of_other_apis_do_not_matter() -> None:
    given = report()
    one = exchange(given, "GET", "/models", 200)
    listed = json.loads(one["body"])
    listed["data"].reverse()
    listed["data"][0]["created"] = 1
    listed["data"][0]["shutdown_date"] = "2031-01-01"
    listed["data"] += [{"id": "gpt-9-codex"}, {"id": "gpt-realtime-9"}]
    one["body"] = json.dumps(listed)
    assert {(of, there) for _, of, there, _ in told(given)} == {
        (f"{listed['data'][0]['id']}.shutdown_date", '"2031-01-01"'),
        ("gpt-realtime-9", '{"shutdown_date": null}'),
    }


def test_an_event_more_another_order_and_another_type() -> None:
    given = report()
    event, said = received(given, "session.created")
    place = given["events"].index(event)
    extra = {**event, "id": "e900"}
    put(extra, {"type": "rate_limits.updated"})
    given["events"].insert(place + 1, extra)
    assert told(given) == [("event", "", "rate_limits.updated", "nothing")]
    put(event, {**said, "type": "conversation.created"})
    assert ("event", "", "conversation.created, rate_limits.updated", "session.created") in told(given)


def test_an_answer_that_is_shaped_otherwise_line_by_line() -> None:
    given = report()
    one = next(x for x in given["exchanges"] if x["status"] == 201)
    one["body"] = one["body"].replace("a=setup:passive", "a=setup:active", 1).replace("a=ice-lite\r\n", "")
    one["body"] += "a=candidate:1 1 tcp 1671430143 192.0.2.1 443 typ host tcptype passive\r\n"
    assert told(given) == [
        ("sdp", "application a=candidate … tcp … typ host", "present", "absent"),
        ("sdp", "audio a=setup:active", "present", "absent"),
        ("sdp", "audio a=setup:passive", "absent", "present"),
        ("sdp", "session a=ice-lite", "absent", "present"),
    ]


def test_a_location_elsewhere_is_a_difference() -> None:
    given = report()
    one = next(x for x in given["exchanges"] if x["status"] == 201)
    one["response_headers"] = [[k, v.replace("/realtime/", "/live/")] for k, v in one["response_headers"]]
    assert told(given) == [
        ("header", "location", "/v1/live/calls/<id>", "/v1/realtime/calls/<id>"),
    ]


def test_a_section_that_only_one_answer_has_is_one_difference() -> None:
    given = report()
    one = next(x for x in given["exchanges"] if x["status"] == 201)
    one["body"] += "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=inactive\r\n"
    assert told(given) == [("sdp", "video, the whole section", "present", "absent")]


def test_a_mint_without_an_answer_is_one_difference() -> None:
    given = report()
    one = exchange(given, "POST", MINT, 200)
    one.update(status=None, body=None, failure={"kind": "timeout", "phase": "answer", "detail": "not done"})
    (found,) = compare(given).differences
    assert (found.id, found.what, found.there) == (one["id"], "status", "no answer: timeout in answer")


def test_the_same_events_in_another_order_are_one_difference_of_order() -> None:
    given = report()
    event, _ = received(given, "session.created")
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
    sent = {**event, "id": "e900", "direction": "sent"}
    put(sent, {"type": "conversation.item.create", "item": item})
    given["events"].append(sent)
    ((what, _, there, here),) = told(given)
    assert (what, there) == ("event", "nothing")
    turned = list(reversed(here.split(", ")))
    for number, kind in enumerate(turned):
        answer = {**event, "id": f"e{901 + number}"}
        put(answer, {"type": kind})
        given["events"].append(answer)
    assert len(turned) > 1
    assert ("order", "", ", ".join(turned), here) in told(given)
    assert "event" not in {what for what, *_ in told(given)}
