"""Pastes that are read whole, and are large: twice as much takes twice as long, and what a machine says in them still counts."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from rtdiag.diagnosis.features import features
from rtdiag.diagnosis.printed import straight
from rtdiag.diagnosis.readers import beside, event_lines, printed_values
from rtdiag.diagnosis.readers.console import read_console
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.situation import Situation

REFUSED = "POST https://api.openai.com/v1/realtime/calls/%d 401 (Unauthorized)\n"
BLOCKED = "Access to fetch at 'https://a.test/v1/realtime/calls/%d' from origin 'http://b.test' has been blocked by CORS policy\n"
SAID = "it does not work here at all"


def requests(times: int) -> None:
    read_console("".join(REFUSED % n for n in range(times)))


def refusals(times: int) -> None:
    read_console("".join(BLOCKED % n for n in range(times)))


def words_between(times: int) -> None:
    told, every = [Draft() for _ in range(times)], 10
    beside.attach(told, [n * every for n in range(times)], [(n, SAID) for n in range(times * every) if n % every])


def backslashes(times: int) -> None:
    straight("\\" * times * 100)


def blanks_behind_a_printed_text(times: int) -> None:
    printed_values.value_at("{'a': 'b'" + " " * times * 4 + "?", 0)


@pytest.mark.parametrize("read", [requests, refusals, words_between, backslashes, blanks_behind_a_printed_text])
def test_twice_as_much_takes_twice_as_long(read: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "taken_apart", lambda text: ())  # which takes most of the time, and has its own tests

    def seconds(times: int) -> float:
        began = time.process_time()
        read(times)
        return time.process_time() - began

    seconds(10)
    once, twice = (min(seconds(times) for _ in range(3)) for times in (1000, 2000))
    assert twice < 3 * once


def test_signs_look_at_a_part_of_a_large_text_and_at_a_machines_words_first() -> None:
    words = "I start the session and nothing is heard from the model.\n" * 4000
    told = features(Situation(f"{words}\nError: Unexpected server response: 403\n"))
    assert told["client"] == "upgrade refused 403"
    assert told["text"].startswith("I start")
    assert len(told["text"]) < len(words) / 2


def test_a_line_that_begins_with_its_event_is_not_searched_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    class Never:
        def finditer(self, row: str) -> None:
            raise AssertionError(row)

    monkeypatch.setattr(event_lines, "_PRINTED", Never())
    text = '{"type": "response.output_audio.delta", "event_id": "event_1", "delta": "AAAA"}\n' * 3
    assert len(event_lines.from_text(text)) == 3
