"""A run under a fault beside the healthy emulator shows exactly what that fault changed, and a healthy run nothing."""

from __future__ import annotations

import re
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from rtdiag.compare.drift import as_cassette
from rtdiag.compare.drift import text as text_of
from rtdiag.engine import registry
from tests.checks.broken import WHOLE, grouped
from tests.drift.runs import Report, differing, drift, left_out, report

FAULTS = {fault.id: fault for fault in WHOLE.values() if not fault.profiles}  # the emulator that is asked is OpenAI's
CHECKS = registry.load(()).checks.values()
KINDS = {"api-key": "api-key", "made-up": "made-up", "none": "none"}

# What a switch may change, and where: a method and path, or an event or phase on a channel. A new switch is only held to be seen.
MINTS = r"POST /realtime/(client_secrets|(transcription_)?sessions)$"
OFFERS = r"POST /realtime(/calls)?([?].*)?$"
SOCKETS = r"w\d+-\S+ (unasked|close)$"
UPDATES = r"[pw]\d+-\S+ (transcription_)?session\.update$"
ERRORS = {"event", "code", "type", "param", "message"}
CHANGES: dict[str, tuple[set[str], str]] = {
    "takes_any_credential": ({"status", "event", "peer"}, rf"GET /models$|{MINTS}|{OFFERS}|{SOCKETS}"),
    "takes_made_up_tokens": ({"status"}, OFFERS),
    "model_shutdown": ({"body"}, r"GET /models$"),
    "lists_preferred_models": ({"body"}, r"GET /models$"),
    "clock_ahead_s": ({"clock"}, r"Date$"),
    "token_prefix": ({"body"}, MINTS),
    "token_life_s": ({"body"}, MINTS),
    "tokens_expire": ({"status"}, OFFERS),
    "tokens_reusable": ({"status", "event", "peer"}, rf"{OFFERS}|{SOCKETS}"),
    "takes_json_offers": ({"code", "param", "message"}, OFFERS),
    "offers_answered_with": ({"status"}, OFFERS),
    "answer_form": ({"header", "body", "sdp"}, OFFERS),
    "location_header": ({"header"}, OFFERS),
    "candidates": ({"sdp", "peer"}, rf"{OFFERS}|p\d+-\S+ ice$"),
    "true_ice_password": ({"peer"}, r"p\d+-\S+ ice$"),
    "true_fingerprint": ({"peer"}, r"p\d+-\S+ dtls$"),
    "answers_dtls": ({"peer"}, r"p\d+-\S+ dtls$"),
    "opens_channel": ({"peer"}, r"p\d+-\S+ channel$"),
    "first_event": ({"event"}, r"[pw]\d+-\S+ unasked$"),
    "answers_updates": ({"event"}, UPDATES),
    "applies_updates": ({"body"}, UPDATES),
    "update_error": (ERRORS, UPDATES),
    "turn_detection_refused": ({"status", "event"}, rf"{MINTS}|{UPDATES}"),
    "turn_detection_replaced": (
        {"body"},
        rf"{MINTS}|{UPDATES}|{SOCKETS}",
    ),  # sockets are opened with tokens of such mints
    "heeds_intent": ({"body", "event"}, rf"{SOCKETS}|{UPDATES}"),
    "checks_model_kind": ({"event", "peer"}, SOCKETS),
    "reads_subprotocols": ({"event", "peer"}, SOCKETS),
    "selects_subprotocol": ({"header"}, r"GET /realtime([?].*)?$"),
    "closes_early": ({"event", "peer"}, rf"{UPDATES}|{SOCKETS}"),
}

# What shows in audio alone, which no report carries.
ONLY_HEARD = {"hears_speech", "semantic_vad_effective", "silence_heeded", "transcribes", "offsets_late_ms"}


def visible(fault_id: str) -> bool:
    """Whether a case sees the fault that asks without audio."""
    silent = [f"{c.id}.{case.id}" for c in CHECKS if not c.cost.audio_seconds for case in c.cases]
    return any(fnmatchcase(case, glob) for case in silent for glob in FAULTS[fault_id].sees)


ANSWERED = [(f.id,) for f in FAULTS.values() if f.when]
SWITCHED = [(f.id,) for f in FAULTS.values() if f.set]
UNSHOWN = [(f.id,) for f in FAULTS.values() if f.set.keys() & ONLY_HEARD]
SEEN = [(f.id,) for f in FAULTS.values() if visible(f.id)]


def meant(fault_id: str) -> list[dict[str, Any]]:
    """The exchanges that a fault of `when` and `answer` means."""
    when, given = FAULTS[fault_id].when, report(fault_id)
    assert when is not None
    base = given["target"]["base_url"].partition(":")[2]
    return [
        x
        for x in given["exchanges"]
        if when.matches(
            x["method"],
            x["url"].partition(":")[2].removeprefix(base).partition("?")[0],
            KINDS.get(x["credential"], "ephemeral"),
            {"Content-Type": header(x, "content-type")},
        )
    ]


def begun(given: Report, ids: set[str]) -> set[str]:
    """The exchanges among these, and for events and peers those that they began with."""
    began = {p["id"]: p["offered_in"] for p in given["peers"]}
    began |= {e["id"]: began[e["channel"].partition("/")[0]] for e in given["events"]}
    return {began.get(i, i) for i in ids}


def header(exchange: dict[str, Any], name: str) -> str:
    return next((str(v) for k, v in exchange["request_headers"] if k.lower() == name), "")


def answer(given: Report, exchange: dict[str, Any]) -> tuple[object, ...]:
    """Status, and what the body, or the first frame after an upgrade, says without its numbers, ids and credentials."""
    opened = [p["id"] for p in given["peers"] if p["offered_in"] == exchange["id"] and exchange["status"] == 101]
    frames = [e["raw"] for e in given["events"] if e["channel"].partition("/")[0] in opened]
    said = (
        frames[0].partition('"event_id"')[0] + frames[0].partition('"error"')[2] if frames else exchange["body"] or ""
    )
    return exchange["status"], re.sub(r"\d+|[\w-]*\*{4,}\w*|\b[se]k[-_][\w-]+|\b(event|sess)_\w+", "", said)


def asked(exchange: dict[str, Any]) -> tuple[object, ...]:
    """What makes two requests the same for this purpose."""
    path = re.sub(r"calls/[^/]+|^\w+://[^/]+", "", exchange["url"])
    form = header(exchange, "content-type").partition(";")[0]
    return exchange["method"], path, exchange["credential"], form, "m=audio" in (exchange["request_body"] or "")


@cache
def healthy_answers() -> dict[tuple[object, ...], list[tuple[object, ...]]]:
    found: dict[tuple[object, ...], list[tuple[object, ...]]] = {}
    given = report()
    for exchange in given["exchanges"]:
        found.setdefault(asked(exchange), []).append(answer(given, exchange))
    return found


@pytest.mark.parametrize("as_of", [None, date(2025, 3, 21), date(2025, 10, 1), date(2026, 6, 1)])
def test_a_healthy_run_shows_nothing(as_of: date | None) -> None:
    found, given = drift(None, as_of), report(None, as_of)
    assert found.differences == ()
    assert found.not_compared == ()
    assert found.exchanges == len(given["exchanges"])
    assert found.events == len(given["events"])
    assert as_cassette(found) == ""
    assert ": no difference." in text_of(found)


@pytest.mark.parametrize("fault_id", grouped(ANSWERED))
def test_exactly_the_answers_that_a_fault_put_in_place_differ(fault_id: str) -> None:
    wrong, given, healthy = FAULTS[fault_id].answer, report(fault_id), healthy_answers()
    assert wrong is not None
    wanted = meant(fault_id)
    sure = {x["id"] for x in wanted if asked(x) in healthy and answer(given, x) not in healthy[asked(x)]}
    assert sure <= begun(given, differing(drift(fault_id))) <= {x["id"] for x in wanted}
    for difference in drift(fault_id).differences:
        if difference.what == "status" and not (wrong.breaks or wrong.delay_s):
            assert difference.there.startswith(str(wrong.status))


@pytest.mark.parametrize("fault_id", grouped(SWITCHED))
def test_a_fault_changes_what_it_is_about_and_nothing_else(fault_id: str) -> None:
    for difference in drift(fault_id).differences:
        kinds, where = zip(*(CHANGES.get(name, ({difference.what}, "")) for name in FAULTS[fault_id].set), strict=True)
        assert difference.what in set[str]().union(*kinds), difference
        assert re.match("|".join(where), difference.where), difference


@pytest.mark.parametrize("fault_id", grouped(UNSHOWN))
def test_what_audio_alone_would_show_is_no_difference(fault_id: str) -> None:
    assert drift(fault_id).differences == ()


@pytest.mark.parametrize("fault_id", grouped(SEEN))
def test_what_a_case_turned_red_for_differs(fault_id: str) -> None:
    found, given = drift(fault_id), report(fault_id)
    named = differing(found) | left_out(found)
    assert found.differences
    assert red(fault_id, given)
    for case in red(fault_id, given):
        assert {*case["exchanges"], *case["events"], *case["peers"]} & named or "run" in named, case["id"]


def red(fault_id: str, given: Report) -> list[dict[str, Any]]:
    """The cases that see the fault in this run, with something recorded that they rest on."""
    fault = FAULTS[fault_id]
    return [
        case
        for check in given["checks"]
        for case in check["cases"]
        if any(fnmatchcase(case["id"], glob) for glob in fault.sees)
        and (case["status"], case["cause"]) == (fault.status, fault.cause)
        and (case["exchanges"] or case["events"] or case["peers"])
    ]
