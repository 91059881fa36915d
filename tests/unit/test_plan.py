"""What a plan holds: selection, requirements, opt-ins, and what may be asked at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from rtdiag.engine import plan
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context
from rtdiag.model import Cost, Evidence, Finding, Observation


async def _probe(_: Context) -> AsyncIterator[Observation]:
    yield Observation("one")


def _judge(_: Evidence) -> Iterator[Finding]:
    yield Finding("one", "pass", "")


def check(name: str, *cases: Case) -> Check:
    return Check(name, name, cases, _probe, _judge, Cost(requests=1))


A = check("a", Case("one", "a.one"), Case("two", "a.two", ("a.one",)))
B = check("b", Case("one", "b.one", ("a.two",)), Case("slow", "b.slow", allow="wait"))
C = check("c", Case("one", "c.one", kind="transcription"))
ALL = (A, B, C)


def ids(made: plan.Plan) -> list[str]:
    return [f"{s.check.id}.{c.id}" for s in made.steps for c in s.cases]


def test_all_is_planned_but_what_needs_an_opt_in() -> None:
    made = plan.make(ALL)
    assert ids(made) == ["a.one", "a.two", "b.one", "c.one"]
    assert made.steps[1].left_out == {"slow": "opt in with --allow wait"}
    assert made.cost == Cost(requests=3)


def test_only_adds_what_it_requires_and_says_so() -> None:
    made = plan.make(ALL, only=["b.one"])
    assert ids(made) == ["a.one", "a.two", "b.one"]
    assert made.added == ("a",)


PAGE = check("page", Case("one", "page.one", ("a.one",), allow="browser"))


def test_a_check_for_a_browser_is_there_only_where_one_is_opened_or_where_it_is_named() -> None:
    assert [s.check.id for s in plan.make((*ALL, PAGE)).steps] == ["a", "b", "c"]
    assert [s.check.id for s in plan.make((*ALL, PAGE), only=["*"]).steps] == ["a", "b", "c"]
    opened = plan.make((*ALL, PAGE), allow=["browser"])
    assert "page.one" in ids(opened)
    assert opened.wants_a_browser
    assert not plan.make((*ALL, PAGE), allow=["browser"], skip=["page"]).wants_a_browser
    for named in ("page", "page.one"):
        made = plan.make((*ALL, PAGE), only=[named])
        assert (ids(made), made.steps[-1].left_out) == (["a.one"], {"one": "opt in with --browser"})


def test_cases_that_ask_nothing_cost_nothing_by_themselves() -> None:
    both = check("d", Case("asks", "d.asks"), Case("looks", "d.looks", asks=False))
    assert plan.make([both]).cost == Cost(requests=1)
    assert plan.make([both], only=["d.looks"]).cost == Cost()


def test_only_takes_globs_over_checks_and_cases() -> None:
    assert ids(plan.make(ALL, only=["*.two"])) == ["a.one", "a.two"]
    assert ids(plan.make(ALL, only=["c"])) == ["c.one"]


def test_skip_leaves_a_case_in_the_table_with_the_reason() -> None:
    made = plan.make(ALL, skip=["a.two", "c"])
    assert ids(made) == ["a.one", "b.one"]
    assert made.steps[0].left_out == {"two": "left out by --skip"}
    assert made.cost == Cost(requests=2)


def test_a_kind_that_is_not_asked_for_is_not_there() -> None:
    assert "c.one" not in ids(plan.make(ALL, kinds=["realtime"]))


def test_an_opt_in_is_planned_when_given() -> None:
    assert "b.slow" in ids(plan.make(ALL, allow=["wait"]))


LOUD = check(
    "loud", Case("one", "loud.one", ("a.two",), allow="audio"), Case("two", "loud.two", ("loud.one",), allow="audio")
)


@pytest.mark.parametrize(
    ("only", "planned"),
    [
        (["loud"], ["a.one", "a.two", "loud.one", "loud.two"]),
        (["loud.one"], ["a.one", "a.two", "loud.one"]),
        (["loud.two"], ["a.one", "a.two", "loud.one", "loud.two"]),
        (["lou?"], ["a.one", "a.two"]),
        (["*"], ["a.one", "a.two"]),
        (["loud.*"], ["a.one", "a.two"]),
        ([], ["a.one", "a.two"]),
    ],
)
def test_audio_is_sent_where_it_is_named_in_full_and_costs_nothing_or_is_allowed(
    only: list[str], planned: list[str]
) -> None:
    assert ids(plan.make((A, LOUD), only=only, emulated=True)) == planned
    assert not [i for i in ids(plan.make((A, LOUD), only=only)) if i.startswith("loud")]
    assert "loud.one" in ids(plan.make((A, LOUD), only=only, allow=["audio"]))


def test_a_wait_is_never_free() -> None:
    assert "b.slow" not in ids(plan.make(ALL, only=["b", "b.slow"], emulated=True))


def test_a_longer_clip_costs_more_in_each_session_that_hears_it() -> None:
    one = replace(LOUD, cost=Cost(sessions_opened=5, audio_seconds=100))
    made = plan.make((A, one), allow=["audio"])
    assert (made.cost.audio_seconds, made.costing(2.5).audio_seconds) == (100, 112.5)
    assert plan.make((A, one)).costing(2.5).audio_seconds == 0


def test_a_glob_that_matches_nothing_is_told() -> None:
    assert plan.unknown(["a", "b.one", "nope", "x.*"], ALL) == ["nope", "x.*"]


ALWAYS = replace(check("z", Case("one", "z.one"), Case("two", "z.two")), cost=Cost(), always=True)


def test_what_is_asked_always_is_in_every_plan_unless_it_is_skipped() -> None:
    every = (*ALL, ALWAYS)
    assert ids(plan.make(every, only=["c"])) == ["c.one", "z.one", "z.two"]
    assert plan.make(every, only=["c"]).added == ()
    assert plan.make(every).cost == plan.make(ALL).cost
    assert ids(plan.make(every, only=["c"], skip=["z.one"])) == ["c.one", "z.two"]
    assert ids(plan.make(every, skip=["z"])) == ids(plan.make(ALL))
    assert ids(plan.make(every, only=["z.two"])) == ["z.one", "z.two"]


def test_what_is_asked_always_is_no_plan_by_itself() -> None:
    every = (*ALL, ALWAYS)
    assert ids(plan.make(every, only=["c"], skip=["c"])) == []
    assert ids(plan.make(every, skip=["a", "b", "c"])) == []
    assert ids(plan.make(every, only=["c"], kinds=["realtime"])) == []
