"""The brief holds what a reader needs in a size that is read at once, however much was handed over, and no secret."""

from __future__ import annotations

import json

import pytest

from rtdiag.diagnosis.brief import MOST_TOKENS, brief, fitted, pieces, tokens
from rtdiag.diagnosis.explaining import Explained
from rtdiag.diagnosis.matching import causes_of_all
from rtdiag.diagnosis.situation import Situation
from rtdiag.model import Flaw, Piece
from rtdiag.report.explained import ANSWER, brief_as_json, brief_as_text
from tests.diagnosis.example import examples

REFUSED = Situation(
    '{"error": {"message": "Incorrect API key provided: undefined.", "code": "invalid_api_key"}}',
    method="POST",
    url="/v1/realtime/calls",
    credential="ek minted at /v1/realtime/sessions",
    status=401,
    where="request 3",
    sent="v=0",
    circumstances=("the clock is 3 s off", "said after it: It worked on Monday."),
)


def handed_over(*situations: Situation, form: str = "HAR", flaws: tuple[Flaw, ...] = ()) -> Explained:
    return Explained("a.har", form, causes_of_all(situations), flaws, situations=situations)


def test_it_tells_what_was_asked_what_came_back_and_what_is_known_each_with_its_place() -> None:
    assert list(pieces(handed_over(REFUSED))) == [
        Piece("request", "request 3", "POST /v1/realtime/calls with ek minted at /v1/realtime/sessions -> 401"),
        Piece("known", "request 3", "the clock is 3 s off"),
        Piece("person", "request 3", "said after it: It worked on Monday."),
        Piece("known", "request 3", "sent: v=0"),
        Piece("machine", "request 3", REFUSED.text),
    ]
    mixed = Situation(
        'I hear no sound at all.\nThere is no CORS error in the console.\n{"error": {"code": "invalid_value"}}'
    )
    assert [(p.kind, p.text) for p in pieces(handed_over(mixed, form="text"))] == [
        ("person", "I hear no sound at all.\nThere is no CORS error in the console."),
        ("machine", '{"error": {"code": "invalid_value"}}'),
    ]
    flaw = Flaw("app.js", 7, "cors", "high", "fetch(x)", "It is refused.", "", ())
    assert list(pieces(handed_over(flaws=(flaw,)))) == [Piece("code", "app.js:7", "fetch(x) (cors: It is refused.)")]


def test_it_lists_ten_causes_with_what_decides_and_what_speaks_against_them_and_the_form_of_an_answer() -> None:
    text = brief_as_text(brief([handed_over(REFUSED)]))
    assert "1. key-placeholder-not-a-key: What is sent as the key" in text
    assert "\n10. " in text
    assert "\n11. " not in text
    assert "   decides: " in text
    assert "   against: " in text
    assert "What decides between them: What does the message show of the credential" in text
    assert text.endswith(ANSWER + "\n")
    told = json.loads(brief_as_json(brief([handed_over(REFUSED)])))
    assert list(told) == ["evidence", "candidates", "decides", "answer"]
    assert told["evidence"][0]["kind"] == "request"
    assert len(told["candidates"]) == 10


def test_a_status_that_a_cause_is_not_known_with_speaks_against_it() -> None:
    told = Situation('{"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}', status=415)
    assert "it is not known with status 415" in {
        text for c in brief([handed_over(told)]).candidates for text in c.against
    }


LARGE = {
    "prose": "it does not work and i do not know why " * 600,
    "another script": "接続できません。" * 5_000,
    "one word": "A" * 40_000,
    "numbers": "0 " * 20_000,
    "lines": "error\n" * 7_000,
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
@pytest.mark.parametrize("number", [1, 30])
def test_it_is_as_short_however_much_was_handed_over(text: str, number: int) -> None:
    one = text[: len(text) // number]
    told = [Situation(f"{n} {one}", "POST", one, status=401, where=f"request {n}") for n in range(number)]
    given = Explained("a.har", "HAR", (), situations=tuple(told), note=one)
    text = brief_as_text(brief([given]))
    assert tokens(text) <= MOST_TOKENS
    assert tokens(text) >= MOST_TOKENS // 2 or "A" in one
    assert "request 0" in text
    assert number == 1 or f"request {number - 1}" in text


def test_the_briefs_of_examples_are_short() -> None:
    found = {str(one): tokens(brief_as_text(brief([handed_over(one.situation)]))) for one in examples()[::5]}
    assert {name: most for name, most in found.items() if most > MOST_TOKENS} == {}


def test_short_pieces_stay_whole_beside_long_ones() -> None:
    given = [Piece("machine", "line 1", "x " * 50_000), Piece("person", "line 2", "it worked yesterday")]
    long, short = fitted(given, 200)
    assert short == given[1]
    assert long.text.startswith("x x")
    assert "100000 characters in all" in long.text


@pytest.mark.parametrize(("text", "count"), [("", 0), ("abcd", 1), ("abcde", 2), ("é", 1), ("日本語", 3), ("ab語", 2)])
def test_what_is_not_plain_counts_by_itself(text: str, count: int) -> None:
    assert tokens(text) == count
