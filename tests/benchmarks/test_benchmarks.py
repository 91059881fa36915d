"""What the benchmarks make of their figures; nothing is measured here."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.benchmarks.__main__ import command
from tests.benchmarks.measuring import OURS, Place, Row, Sample, Spread, Taken, in_turn, quantile, reached, taken
from tests.benchmarks.rows import ROWS
from tests.benchmarks.serving import most_within
from tests.benchmarks.shown import as_json, number, table
from tests.benchmarks.waits import Profile, Span, asleep, busy, explained, unasked
from tests.needs import needed

PLACE = Path("nowhere")
REPORT: dict[str, Any] = {
    "exchanges": [
        {"id": "x1", "method": "POST", "url": "http://a/v1/calls", "at_ms": 100, "timing_ms": {"total": 50}},
        {"id": "x2", "method": "GET", "url": "http://a/v1/models", "at_ms": 900, "timing_ms": {}},
    ],
    "peers": [{"id": "p1", "offered_in": "x1", "at_ms": 90, "phases_ms": {"answer": 10, "ice": 40, "dtls": 20}}],
    "events": [
        {"id": "e1", "channel": "p1/a", "direction": "sent", "at_ms": 300, "type": "session.update"},
        {"id": "e2", "channel": "p1/a", "direction": "received", "at_ms": 350, "type": "session.updated"},
        {"id": "e3", "channel": "w1/a", "direction": "sent", "at_ms": 800, "type": "session.update"},
    ],
}


def row(found: Mapping[str, Sample | str], *aims: str, **more: Any) -> Row:
    @contextmanager
    def bench(_: Place) -> Iterator[Mapping[str, Sample | str]]:
        yield found

    return Row("one", "what it is", "ms", bench, aims, **more)


def test_ours_and_the_anchors_are_measured_in_turn_after_a_warm_up() -> None:
    asked: list[str] = []

    def sample(name: str) -> Sample:
        def asks() -> float:
            asked.append(name)
            return len(asked)

        return asks

    found = taken(row({OURS: sample("ours"), "theirs": sample("theirs"), "gone": "not here"}), Place(PLACE), 2)
    assert asked == ["ours", "theirs"] * 3
    assert found.rounds == {OURS: [3, 5], "theirs": [4, 6]}
    assert found.missing == {"gone": "not here"}


def test_a_row_has_its_share_of_the_rounds_and_at_least_one() -> None:
    assert [row({}, share=share).rounds(11) for share in (1, 4, 0.5, 0.01)] == [11, 44, 6, 1]
    assert in_turn({OURS: lambda: 1.0}, 3) == {OURS: [1, 1, 1]}


def test_a_ratio_is_that_of_each_round() -> None:
    """The machine was five times slower in the second; medians alone would say 2.2."""
    assert Taken(row({}), {OURS: [1, 10, 2], "b": [1, 5, 1]}).ratio("b") == Spread(2, 1, 2, 2)
    assert Taken(row({}), {OURS: [1], "b": [0]}).ratio("b").median == math.inf


@pytest.mark.parametrize(
    ("aim", "well"),
    [
        ("≤ 3", True), ("≤ 2.9", False), ("≥ 3", True), ("≥ 4", False),
        ("≤ 1.5 × b", True), ("≤ 1.4 × b", False), ("≤ 1 × b + 1", True), ("≤ 1 × b + 0.5", False),
        ("≥ 1 × b", True), ("≥ 2 × b", False), ("≤ 2 × b at p90", True), ("≤ 1 × b at p90", False),
        ("≤ 1 × c", None),
    ],
)  # fmt: skip
def test_an_aim_is_kept_by_the_middle_round_or_by_the_slow_ones(aim: str, well: bool | None) -> None:
    assert reached(aim, {OURS: [2, 3, 9], "b": [1.5, 2, 6]}) is well


@pytest.mark.parametrize("aim", ["", "≤", "3", "≤ b", "< 3", "≤ 3 × ", "≤ 1 × b + ", "≤ -1"])
def test_an_aim_that_cannot_be_read_is_a_mistake(aim: str) -> None:
    with pytest.raises(ValueError, match="no aim"):
        reached(aim, {OURS: [1]})


def test_a_quantile_is_one_of_the_figures() -> None:
    assert [quantile(list(range(10, 0, -1)), part) for part in (0, 0.5, 0.9, 1)] == [1, 5, 9, 10]
    assert quantile([7], 0.9) == 7


def test_rows_have_names_of_their_own_and_aims_that_can_be_read() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert [reached(aim, {OURS: [1.0]}) for row in ROWS for aim in row.aims]


def test_what_this_machine_lacks_and_what_goes_wrong_is_told_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RTDIAG_CI", raising=False)

    def fails() -> float:
        raise TimeoutError("too long")

    skipped = taken(row({OURS: lambda: float(needed(None, "no root"))}), Place(PLACE), 1)
    failed = taken(row({OURS: fails}, "≤ 1"), Place(PLACE), 1)
    assert (skipped.skipped, failed.failed) == ("no root", "TimeoutError('too long')")
    assert failed.reached == {"≤ 1": None}
    assert "skipped: no root" in table([skipped])
    assert "failed: TimeoutError('too long')" in table([failed])


def test_the_table_and_the_json_say_the_same() -> None:
    found = Taken(row({}, "≤ 2 × b", "≤ 1"), {OURS: [10.0, 1234.0], "b": [10.0, 617.0]}, {"c": "not here"})
    assert [cell.strip() for cell in table([found]).splitlines()[2].split("|")[1:-1]] == [
        "one", "what it is", "ms", "622 (10–1,234)", "b 314 (10–617); c: not here", "b 1.50 (1.00–2.00)",
        "≤ 2 × b; ≤ 1", "yes; no",
    ]  # fmt: skip
    told = json.loads(json.dumps(as_json([found], {"cores": 2})))
    assert told["machine"] == {"cores": 2}
    [told] = told["rows"]
    assert (told["now"]["median"], told["now"]["rounds"]) == (622, [10, 1234])
    assert told["anchors"]["b"]["ratio"] == {"median": 1.5, "low": 1, "high": 2, "p90": 2}
    assert (told["missing"], told["aims"]) == ({"c": "not here"}, {"≤ 2 × b": True, "≤ 1": False})
    assert [number(figure) for figure in (0.123456, 12.345, 123.45, 12345)] == ["0.123", "12.3", "123", "12,345"]


@pytest.mark.parametrize("most", [0, 5, 15, 20, 85, 160, 315])
def test_how_many_go_well_is_found_to_the_nearest_five_below(most: int) -> None:
    assert most_within(lambda count: count <= most + 4) == most


def test_who_waits_for_a_core_is_busy_though_that_is_told_later() -> None:
    looks = [(1.0, {"1": 0.0}), (1.1, {"1": 0.1}), (1.2, {"1": 0.1, "2": 0.0}), (1.3, {"1": 0.1, "2": 0.1})]

    def found(last: Mapping[str, float]) -> list[int]:
        spans = busy([*looks[:3], (1.3, last)], 1.1)
        assert [round(edge) for span in spans for edge in (span.began_ms, span.ended_ms)] == [-100, 0, 0, 100, 100, 200]
        return [round(span.busy_ms) for span in spans]

    assert found(looks[3][1]) == [100, 0, 100]
    assert found({"1": 0.3, "2": 0.0}) == [100, 100, 100]
    assert found({"2": 0.0}) == [100, 0, 0], "the first thread has ended"


def test_asleep_are_spans_of_20_ms_and_more() -> None:
    spans = [Span(at, at + 10, ms) for at, ms in zip(range(0, 70, 10), (10, 0, 1, 5, 0, 2, 0.5), strict=True)]
    assert asleep(spans) == [Span(10, 30, 1)]
    assert asleep([*spans, Span(70, 90, 0)]) == [Span(10, 30, 1), Span(60, 90, 0.5)]


def test_where_nothing_is_under_way_is_told_to_the_end_of_the_run() -> None:
    report = {**REPORT, "events": REPORT["events"][:2], "started_at": "2026-11-30T00:00:00.000Z"}
    looks = [Span(-50, 50, 50), Span(50, 950, 0), Span(950, 1050, 100)]
    spans = [Span(0, 100, 25), Span(220, 300, 0), Span(350, 900, 0), Span(900, 1000, 50)]
    assert list(unasked({**report, "finished_at": "2026-11-30T00:00:01.000Z"}, looks)) == spans
    assert list(unasked({**report, "finished_at": "2026-11-30T00:00:00.910Z"}, looks)) == spans[:3]


@pytest.mark.parametrize(
    ("at_ms", "during"),
    [
        (-5, "before the first request"),
        (120, "x1 POST /calls"),
        (155, "answer of p1"),
        (180, "ice of p1"),
        (205, "dtls of p1"),
        (250, "nothing in flight, after x1 was begun"),
        (320, "e1 session.update of p1/a"),
        (950, "e3 session.update of w1/a, never answered"),
    ],
)
def test_what_was_in_flight_is_told_by_the_reports_own_times(at_ms: float, during: str) -> None:
    assert explained(REPORT, Span(at_ms - 10, at_ms + 10, 0)).during == during


def test_a_wait_that_is_written_down_is_explained_as_long_as_it_is_no_longer() -> None:
    spans = [Span(170, 190, 0), Span(20, 340, 0), Span(195, 215, 0)]
    assert [bool(explained(REPORT, span).why) for span in spans] == [True, False, False]
    waits = [explained(REPORT, span) for span in spans]
    assert explained(REPORT, spans[1]).during == "ice of p1"
    assert Profile(Span(0, 1000, 900), waits, ()).unexplained_ms == 340


def test_rows_are_listed_and_an_unknown_one_is_told() -> None:
    done = CliRunner().invoke(command, ["--list", "--rows", "start-v*"])
    assert (done.exit_code, done.output.split()[0]) == (0, "start-version")
    done = CliRunner().invoke(command, ["--rows", "nothing"])
    assert done.exit_code == 2
    assert "no row is named so: nothing" in done.output
