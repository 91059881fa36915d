"""The data files of the emulator: complete, sourced, in order, and refused when they are not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from rtdiag import emulator
from rtdiag.api.own_yaml import converted
from rtdiag.emulator import Emulator, NoSuchDate, UnknownFault, load_faults
from rtdiag.emulator.bodies import Refused, all_bodies, error_object, http_answer, masked
from rtdiag.emulator.faults import Fault
from rtdiag.emulator.session.shapes import all_shapes, complete
from rtdiag.emulator.timeline import Behaviour, Steps, behaviour, newest, timeline

WHOLE = {"id": "x", "story": "s", "source": "s", "sees": ["a"], "status": "fail", "cause": "c"}


def test_an_emulator_has_read_its_data_before_it_serves() -> None:
    read = (all_bodies, all_shapes, load_faults, timeline)
    for one in read:
        one.cache_clear()
    Emulator()
    assert all(one.cache_info().currsize for one in read)


def test_every_body_says_where_it_is_from() -> None:
    for body in all_bodies().values():
        assert body.source
        assert body.kind in {"verbatim", "reconstructed", "assumed"}
        assert {"message", "type", "code"} <= body.error.keys()


def test_every_body_that_is_used_exists_and_every_one_is_used() -> None:
    assert set(in_code()) | set(in_faults()) == all_bodies().keys()


def in_code() -> Iterator[str]:
    """The bodies that the emulator refuses with by name: `Refused("…")`, or one of two by a condition."""
    for path in Path(emulator.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused":
                named = node.args[0]
                one_of = (named.body, named.orelse) if isinstance(named, ast.IfExp) else (named,)
                yield from (str(one.value) for one in one_of if isinstance(one, ast.Constant))


def in_faults() -> Iterator[str]:
    """The bodies that faults answer with, or put in the place of something."""
    for one in load_faults().values():
        if one.answer and one.answer.body:
            yield one.answer.body
        said = {one.set.get(switch) for switch in ("offers_answered_with", "update_error", "first_event")}
        yield from map(str, said - {None, "none"})


def test_the_timeline_is_sorted_and_sourced() -> None:
    days = [entry.date for entry in timeline()]
    assert days == sorted(set(days))
    assert all(entry.source and entry.what for entry in timeline())


def test_behaviours_add_up_by_date() -> None:
    assert taken(date(2024, 10, 1)) == {"beta"}
    assert taken(date(2024, 12, 17)) == {"beta", "webrtc"}
    spring = behaviour(date(2025, 3, 21))
    assert (spring.transcription_sessions, spring.transcription_over_webrtc) == (True, False)
    both = behaviour(date(2025, 9, 1))
    assert (both.beta, both.ga) == (True, True)
    assert not behaviour(date(2026, 5, 12)).beta


def taken(day: date) -> set[str]:
    """The steps that the API of that day has behind it."""
    return {name for name in Steps.__struct_fields__ if getattr(behaviour(day), name)}


def test_a_day_before_the_first_is_refused_in_one_line() -> None:
    with pytest.raises(NoSuchDate, match="the first date is 2024-10-01") as caught:
        Emulator(as_of=date(2024, 9, 30))
    assert "\n" not in str(caught.value)


def test_without_a_date_the_newest_entry_is_in_force() -> None:
    assert Emulator().as_of == newest() == timeline()[-1].date


def test_every_fault_has_a_story_a_source_and_is_seen() -> None:
    for one in load_faults().values():
        assert one.story
        assert one.source
        assert (one.cause is not None) or one.status == "info"
        assert one.status in {"fail", "warn", "inconclusive", "info"}


def test_an_unknown_fault_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownFault, match="'vad-refusd': did you mean vad-refused"):
        Emulator(faults=["vad-refusd"])


@pytest.mark.parametrize(
    ("half", "why"),
    [
        ({}, "it needs when with answer, or set"),
        ({"when": {}}, "it needs when with answer, or set"),
        ({"answer": {"status": 500}}, "it needs when with answer, or set"),
        ({"set": {"no_such_switch": True}}, "set.no_such_switch: unknown key"),
        ({"set": {"update_error": "no-such-body"}}, "set: there is no body no-such-body"),
        ({"set": {"takes_any_credential": 1}}, "set.takes_any_credential: expected bool, got int"),
        ({"when": {}, "answer": {"status": 500, "body": "no-such-body"}}, "answer: there is no body no-such-body"),
        ({"when": {"verb": "GET"}, "answer": {"status": 500}}, "when.verb: unknown key"),
    ],
)
def test_a_fault_that_cannot_be_carried_out_is_refused(half: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        converted(WHOLE | half, Fault)


@pytest.mark.parametrize(
    ("credential", "shown"),
    [
        ("undefined", "undefined"),
        ("ek_67e7a" + "0" * 23 + "26ea", "ek_67e7a" + "*" * 23 + "26ea"),
        ("sk-12345678", "sk-12345678"),
    ],
)
def test_the_masked_credential_looks_like_the_posted_one(credential: str, shown: str) -> None:
    assert masked(credential) == shown


def test_a_body_is_printed_as_the_api_prints_it() -> None:
    status, text = http_answer(Refused("incorrect-api-key", credential="undefined"))
    assert status == 401
    assert text.startswith('{\n    "error": {\n        "message": "Incorrect API key provided: undefined. ')


def test_an_error_event_has_no_placeholder_left() -> None:
    error = error_object(Refused("below-min", number="integer", param="a.b", limit=1, value=0))
    assert error["code"] == "integer_below_min_value"
    assert error["param"] == "a.b"


def test_the_defaults_are_the_live_ones() -> None:
    realtime = complete(all_shapes()["ga-realtime"], {}, {}, Behaviour())["audio"]
    assert realtime["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    assert realtime["output"]["voice"] == "alloy"
    transcription = complete(all_shapes()["ga-transcription"], {}, {}, Behaviour())
    assert transcription["include"] is None
    assert transcription["audio"]["input"]["transcription"] is None
    assert len(transcription["audio"]["input"]["turn_detection"]) == 4
