"""Updates sent ahead give what they give one after another, in few round trips; under every fault: test_at_once.py."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Any

import pytest

from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.session import open_session
from rtdiag.emulator.session.open_session import OpenSession, error_event
from rtdiag.model import Event, Finding, Report
from rtdiag.testing import row, run_on_emulator
from tests.checks.broken import HEALTHY_S, SILENCE_S, SILENT
from tests.checks.strangers import through_gateway

CHECKS = ("session-update", "vad", "vad-rules")
TODAY, IN_THE_BETA = None, date(2025, 4, 10)


def asked(at_once: int, *faults: str, as_of: date | None = TODAY) -> Report:
    limit_s = SILENCE_S if SILENT.intersection(faults) else HEALTHY_S
    return run_on_emulator(faults=faults, as_of=as_of, only=CHECKS, at_once=at_once, longest_s=limit_s)


def findings(report: Report) -> Iterator[tuple[str, Finding]]:
    for check in report.checks:
        if check.id in CHECKS:
            yield from ((f"{check.id}.{r.id}", r.finding) for r in check.rows)


def at_a_time(report: Report, channel: str) -> list[int]:
    """How many events were sent before one came, each time."""
    events = [e for e in report.events if e.channel.startswith(channel)]
    runs = groupby(events, key=lambda e: e.direction)
    return [len([*of_one]) for direction, of_one in runs if direction == "sent"]


def pair(seen: tuple[Event, ...]) -> bool:
    """Whether an event and its answer are about the same: an error names it, an echo shows it."""
    sent, answer = (e.json for e in seen[-2:])
    if answer["type"] == "error":
        return bool(answer["error"]["event_id"] == sent["event_id"])
    return bool(seen[-2].at_ms <= seen[-1].at_ms)


@pytest.mark.parametrize("as_of", [TODAY, IN_THE_BETA, date(2025, 9, 1), date(2026, 5, 12)])
def test_a_day_gives_the_same_both_ways(as_of: date | None) -> None:
    assert dict(findings(asked(1, as_of=as_of))) == dict(findings(asked(6, as_of=as_of)))


@pytest.mark.parametrize("faults", [("refused-update-applies-half",), ("other-mode-field-taken",)])
def test_in_the_beta_too(faults: tuple[str, ...]) -> None:
    one, many = (dict(findings(asked(n, *faults, as_of=IN_THE_BETA))) for n in (1, 6))
    assert one == many


def test_a_server_that_names_no_event_gives_the_same_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing tells whose an error is, and one is asked after another: so much is sent ahead once, and no more."""
    monkeypatch.setattr(open_session, "error_event", lambda refused, _=None: error_event(refused))
    one, many = asked(1), asked(6)
    assert dict(findings(one)) == dict(findings(many))
    assert [trip for trip in at_a_time(many, "p1-") if trip > 1] == [2]


def test_what_was_sent_ahead_and_not_believed_has_changed_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """One error has no name. What was sent behind it is asked again, of a session that is set to the good settings again."""
    nameless = "decimal_max_decimal_places_exceeded"

    def told(refused: Refused, name: object = None) -> dict[str, Any]:
        return error_event(refused, None if error_event(refused)["error"]["code"] == nameless else name)

    monkeypatch.setattr(open_session, "error_event", told)
    one, many = (dict(findings(asked(n))) for n in (1, 6))
    assert {case: (f.status, f.cause) for case, f in one.items()} == {c: (f.status, f.cause) for c, f in many.items()}
    assert many["vad-rules.realtime-refused-whole"].status == "pass"


def test_an_answer_that_comes_when_nobody_waits_any_more_is_to_nothing_that_is_asked_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One of vad's updates is left out; the answer to the last of them comes once something is asked again."""
    left_out, late = 7, 9
    receive, read, kept = OpenSession.receive, Counter[str](), list[dict[str, Any]]()

    def hears(session: OpenSession, message: str | bytes) -> list[dict[str, Any]]:
        answers, before = receive(session, message), kept[:]
        read[session.id] += 1
        kept[:] = answers if read[session.id] == late else []
        return before + (answers if read[session.id] not in (left_out, late) else [])

    monkeypatch.setattr(OpenSession, "receive", hears)
    report = run_on_emulator(only=["session-update", "vad"], kinds=("realtime",), longest_s=SILENCE_S)
    told, *rest = [f for case, f in findings(report) if case.startswith("vad.update-")]
    assert (told.status, told.measured) == ("fail", "no answer"), "an event has got none, perhaps this"
    assert {f.measured for f in rest} == {"not sent: the session has left an earlier event unanswered"}


def test_a_session_is_asked_in_few_round_trips() -> None:
    report = asked(6)
    for channel in ("p1-", "p2-"):
        trips = at_a_time(report, channel)
        assert trips[0] == 1, "the first shows whether it can be told whose an answer is"
        assert len(trips) <= 5, trips
        assert sum(trips) > 30


def test_one_at_a_time_nothing_is_sent_before_the_last_is_answered() -> None:
    report = asked(1)
    assert {*at_a_time(report, "p1-"), *at_a_time(report, "p2-")} == {1}


def test_a_stranger_is_asked_one_at_a_time() -> None:
    report, _ = asyncio.run(through_gateway(CHECKS, kinds=("realtime",)))
    assert {*at_a_time(report, "p")} == {1}


def test_each_case_shows_the_event_that_it_is_about_with_its_answer() -> None:
    report = asked(6)
    shown = [row(report, case).seen.events for case, _ in findings(report)]
    shown = [events for events in shown if events]
    assert len(shown) > 50
    assert all(pair(events) for events in shown)
