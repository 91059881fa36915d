"""The search for the fields that a server refuses: against servers of one line, every place, and random sets of bad fields."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from itertools import combinations
from typing import Any

import pytest

from rtdiag.model import ApiError
from rtdiag.remedy.json_paths import Place, at, dotted, fate, fields, leaves, named, without
from rtdiag.session.field_search import MOST_ASKED, Answer, Found, search

SESSION: dict[str, Any] = {
    "type": "realtime",
    "model": "gpt-realtime",
    "instructions": "Hello.",
    "output_modalities": ["audio"],
    "max_output_tokens": 100,
    "tool_choice": "auto",
    "truncation": "auto",
    "tools": [{"type": "function", "name": "one"}, {"type": "function", "name": "two", "strict": True}],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "gpt-transcribe", "language": "en", "prompt": "names"},
            "noise_reduction": {"type": "near_field"},
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "silence_duration_ms": 200,
                "create_response": True,
            },
        },
        "output": {"voice": "marin", "speed": 1.0},
    },
}
REQUIRED: tuple[Place, ...] = (("type",), ("model",))
LEAVES = [place for place, _ in leaves(SESSION)]
BAD = [place for place in LEAVES if place[-1] not in ("type", "model")]  # the others go with the object that needs them


def test_the_session_has_twenty_leaves() -> None:
    assert len(LEAVES) == 20


Says = Callable[[Collection[Place]], ApiError]


def silent(_: Collection[Place]) -> ApiError:
    return ApiError("invalid_request_error", None, "The request is bad.", None)


def names(bad: Collection[Place]) -> ApiError:
    param = f"session.{dotted(min(bad, key=str))}"
    return ApiError("invalid_request_error", "unknown_parameter", f"Unknown parameter: '{param}'.", param)


def says_it_in_words(bad: Collection[Place]) -> ApiError:
    return ApiError(None, None, f"We do not like 'session.{dotted(min(bad, key=str))}' here", None)


def lies(_: Collection[Place]) -> ApiError:
    return ApiError(None, "invalid_value", "Bad.", "session.instructions")


def asked_of(answer: Callable[[dict[str, Any]], Answer], session: Any = SESSION, most: int = MOST_ASKED) -> Found:
    """The result of a search against a server that answers so; every answer is counted."""
    hunt = search(session, answer(session).error, required=REQUIRED, most=most)
    asked = 0
    try:
        sent = next(hunt)
        while asked < 1000:
            asked += 1
            sent = hunt.send(answer(sent))
    except StopIteration as done:
        found: Found = done.value
    assert found.asked == asked
    return found


def looked_for(bad: Collection[Place], says: Says, *, most: int = MOST_ASKED, session: Any = None) -> Found:
    """The result, against a server that refuses whatever holds one of these places, and has its own way to say so."""
    whole = SESSION if session is None else session

    def answer(asked: dict[str, Any]) -> Answer:
        held = [place for place in bad if at(asked, place) is not ...]
        return Answer(False, says(held)) if held else Answer(True)

    found = asked_of(answer, whole, most)
    assert found.asked <= most
    assert found.taken is None or answer(found.taken).taken, "what is called taken was taken"
    return found


@pytest.mark.parametrize("place", BAD, ids=dotted)
@pytest.mark.parametrize("says", [names, says_it_in_words], ids=["by param", "in words"])
def test_a_field_that_the_error_names_costs_one_answer(place: Place, says: Says) -> None:
    found = looked_for({place}, says)
    assert [c.place for c in found.culprits] == [place]
    assert (found.asked, found.undecided, found.taken) == (1, (), without(SESSION, [place]))
    assert found.culprits[0].error == says([place])


@pytest.mark.parametrize("place", BAD, ids=dotted)
@pytest.mark.parametrize("says", [silent, lies], ids=["silent", "lying"])
def test_a_field_that_no_error_names_is_found_by_halves(place: Place, says: Says) -> None:
    found = looked_for({place}, says)
    assert [c.place for c in found.culprits] == [place]
    assert (found.undecided, found.taken) == ((), without(SESSION, [place]))
    assert found.asked <= 10


@pytest.mark.parametrize("says", [names, says_it_in_words, silent, lies])
def test_up_to_three_of_twenty_are_named_exactly_or_left_open(says: Says) -> None:
    every = [set(bad) for size in (2, 3) for bad in combinations(BAD, size)]
    exact = 0
    for bad in random.Random(6).sample(every, 300):
        found = looked_for(bad, says)
        named_ones = {c.place for c in found.culprits}
        assert named_ones <= bad, "no field is blamed that is taken"
        assert named_ones == bad or found.undecided, "what is not named is said to be open"
        assert bad - named_ones <= set_of(found.undecided, bad)
        exact += named_ones == bad
    assert exact == 300 or says in (silent, lies)


def set_of(undecided: Collection[Place], bad: Collection[Place]) -> set[Place]:
    return {b for b in bad if any(b[: len(u)] == u for u in undecided)}


@pytest.mark.parametrize("bad", [{}, *[set(pair) for pair in combinations(BAD, 2)][::17]])
def test_with_answers_enough_nothing_is_left_open(bad: Any) -> None:
    found = looked_for(bad or {("tools",)}, silent, most=60)
    assert {c.place for c in found.culprits} == (bad or {("tools",)})
    assert found.undecided == ()


def test_a_member_of_an_array_goes_alone_where_the_error_names_it() -> None:
    found = looked_for({("tools", 1, "strict")}, names)
    assert dotted(found.culprits[0].place) == "tools[1].strict"
    assert found.taken is not None
    assert [tool["name"] for tool in found.taken["tools"]] == ["one", "two"]


@pytest.mark.parametrize(("name", "asked"), [("type", 1), ("rate", 2)])
def test_an_object_that_cannot_be_without_its_field_goes_with_it(name: str, asked: int) -> None:
    whole: Place = ("audio", "input", "format")

    def answer(sent: dict[str, Any]) -> Answer:
        if at(sent, whole) is ...:
            return Answer(True)
        code = "invalid_value" if at(sent, (*whole, name)) is not ... else "missing_required_parameter"
        return Answer(False, ApiError("invalid_request_error", code, "no", f"session.audio.input.format.{name}"))

    found = asked_of(answer)
    assert [(c.place, c.left_out) for c in found.culprits] == [((*whole, name), whole)]
    assert found.culprits[0].error == answer(SESSION).error
    assert (found.taken, found.asked) == (without(SESSION, [whole]), asked)


@pytest.mark.parametrize("says", [names, silent])
def test_what_must_stay_is_blamed_only_where_the_error_names_it(says: Says) -> None:
    found = looked_for({("model",)}, says)
    assert found.taken is None
    assert [c.place for c in found.culprits] == ([("model",)] if says is names else [])
    assert found.undecided == ()


def test_no_answer_ends_the_search() -> None:
    hunt = search(SESSION, silent([]), required=REQUIRED)
    next(hunt)
    with pytest.raises(StopIteration) as done:
        hunt.send(None)
    found: Found = done.value.value
    assert (found.culprits, found.taken, found.asked) == ((), None, 0)
    assert set(found.undecided) == set(fields(SESSION)) - set(REQUIRED)


def test_an_innocent_field_that_an_error_named_on_the_way_is_put_back() -> None:
    bad = ("audio", "output", "speed")

    def answer(asked: dict[str, Any]) -> Answer:  # names an innocent one first, and then the right one
        if at(asked, bad) is ...:
            return Answer(True)
        named_one = "instructions" if "instructions" in asked else dotted(bad)
        return Answer(False, ApiError(None, "invalid_value", "no", f"session.{named_one}"))

    found = asked_of(answer)
    assert [c.place for c in found.culprits] == [bad]
    assert found.taken == without(SESSION, [bad])


@pytest.mark.parametrize(
    ("param", "message", "expected"),
    [
        ("session.audio.input.turn_detection.threshold", None, "audio.input.turn_detection.threshold"),
        ("audio.output.voice", None, "audio.output.voice"),
        ("session.tools[1].strict", "", "tools[1].strict"),
        ("session.tools[1].nothing", "", "tools[1]"),
        ("session.audio.input.format.missing", None, "audio.input.format"),
        ("session.audio.input.missing", None, None),
        ("session.missing", "Missing required parameter: 'session.missing'.", None),
        (None, "Invalid type for 'session.audio.input.format': expected one", "audio.input.format"),
        (None, "Supported values are: 'server_vad' and 'semantic_vad'.", None),
        (None, None, None),
        ("[]..", "''", None),
        ("session", None, None),
    ],
)
def test_the_field_that_an_error_names(param: str | None, message: str | None, expected: str | None) -> None:
    place = named(SESSION, param, message)
    assert (None if place is None else dotted(place)) == expected


@pytest.mark.parametrize(
    ("sent", "echoed", "expected"),
    [
        (1, 1, "same"),
        (1, 1.0, "same"),
        (1, True, "other"),
        (False, 0, "other"),
        ("low", "high", "other"),
        ("auto", "medium", "same"),
        (None, ..., "absent"),
        (None, None, "same"),
        ({}, {"type": "server_vad"}, "same"),
        ([{"name": "one"}], [{"name": "one", "type": "function"}], "same"),
        ([{"name": "one"}], [], "other"),
        (["audio", "text"], ["text", "audio"], "same"),
        (["audio", "text"], ["text"], "other"),
    ],
)
def test_what_an_echo_made_of_a_field(sent: Any, echoed: Any, expected: str) -> None:
    assert fate(sent, echoed) == expected


def test_without_takes_away_what_it_empties_and_touches_nothing_else() -> None:
    session = {"audio": {"input": {"format": {"rate": 1}}, "output": {}}, "tools": [{"a": 1}, {"b": 2}]}
    before = str(session)
    assert without(session, [("audio", "input", "format", "rate"), ("tools", 0)]) == {
        "audio": {"output": {}},
        "tools": [{"b": 2}],
    }
    assert str(session) == before
    assert without(session, [("audio",), ("tools", 0, "a"), ("tools", 1, "b")]) == {}
