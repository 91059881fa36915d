"""README.md tells what the scenarios are, and where faults differ causes differ."""

from __future__ import annotations

import re
from collections import Counter

from tests.network.faults import ALIKE, FAULTS
from tests.network.make_page import PAGE, page, row, rows
from tests.network.runs import Ran
from tests.network.scenarios import GROUPS, SCENARIOS

_SAID = re.compile(r"`([^`]+)` \(\w+\): .")


def test_the_page_has_the_faults_of_the_scenarios() -> None:
    told = [(name, cells[1]) for name, cells in rows(PAGE.read_text(encoding="utf-8")).items()]
    assert told == [(one.id, one.fault) for scenarios in GROUPS.values() for one in scenarios]


def test_the_page_tells_what_the_scenarios_hold() -> None:
    told = rows(PAGE.read_text(encoding="utf-8"))
    found = []
    for one in SCENARIOS:
        _, _, said, _, code, _ = told[one.id]
        cause = match[1] if (match := _SAID.match(said)) else ""
        if code not in map(str, one.exits) or (one.cause is not None and not re.fullmatch(one.cause, cause)):
            found.append(f"{one.id}: exit {code}, {said}")
    assert found == []


def test_where_faults_differ_causes_differ() -> None:
    times = Counter(cause for cause in FAULTS.values() if cause)
    assert {cause for cause, number in times.items() if number > 1} == set(ALIKE)


def test_every_kind_of_fault_has_a_scenario() -> None:
    assert set(FAULTS) == {one.kind for one in SCENARIOS}


def test_a_page_is_made_of_all_rows() -> None:
    line = row(SCENARIOS[0], Ran(3, {}, "", "no | way\nError: nothing at 127.0.0.1:34567 for 12.5 ms"), 1.5)
    assert line.endswith("| none | Error: nothing at 127.0.0.1:… for … ms | 3 | 2 |")
    assert list(rows(page(dict.fromkeys((one.id for one in SCENARIOS), line)))) == [SCENARIOS[0].id]
