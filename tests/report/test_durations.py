"""How long a check took: shown wherever it had its turn, also where that rounds to nothing, and nowhere else."""

from __future__ import annotations

import pytest

from rtdiag.model import Cost, Finding, Observation, Outcome, Row, Status
from rtdiag.report import html, table
from tests.report.test_ledger import report


def outcome(status: Status, duration_ms: float, *, requests: int = 0, rows: bool = True) -> Outcome:
    row = Row("one", "One", Finding("one", status, "as told"), Observation("one"))
    return Outcome("acme", "Acme is well", status, None, duration_ms, (), Cost(requests), (row,) if rows else ())


@pytest.mark.parametrize("duration_ms", [0.0, 0.04, 0.1, 0.6, 1.0])
def test_what_was_skipped_unasked_took_no_time(duration_ms: float) -> None:
    given = report(outcome("skip", duration_ms))
    assert " ms" not in table.render(given)
    assert " ms" not in html.render(given)


@pytest.mark.parametrize(
    ("duration_ms", "rounded", "fine"), [(0.0, "0 ms", "0.0 ms"), (0.4, "0 ms", "0.4 ms"), (7.0, "7 ms", "7.0 ms")]
)
def test_what_had_its_turn_took_some_time_also_none(duration_ms: float, rounded: str, fine: str) -> None:
    for given in (
        outcome("pass", duration_ms),
        outcome("error", duration_ms),
        outcome("skip", duration_ms, requests=1),
    ):
        assert f"  {rounded}\n" in table.render(report(given))
        assert f", {fine}<" in html.render(report(given))


def test_what_could_not_be_loaded_took_no_time() -> None:
    assert " ms" not in table.render(report(outcome("error", 0.0, rows=False)))
