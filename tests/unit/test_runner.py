"""The runner: exit codes and their precedence, crashes, chains of requirements, interruption."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from rtdiag.api.plugins import Broken
from rtdiag.engine import plan, results, runner
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, RunOptions, _shortened
from rtdiag.engine.findings import no_answer
from rtdiag.engine.rejudge import replay
from rtdiag.model import Cost, Evidence, Finding, Observation, Outcome, Report, Row, Status
from rtdiag.redact import Mask
from rtdiag.transport.ice_search import LATE_S
from rtdiag.transport.recorder import Deadlines

SECRET = "sk-proj-FAKE0000000000000000000000000000abcd"


def outcome(*statuses: Status) -> Outcome:
    rows = tuple(Row(str(n), "", Finding(str(n), s, ""), Observation(str(n))) for n, s in enumerate(statuses))
    return Outcome("x", "", statuses[0], None, 0.0, (), Cost(), rows)


@pytest.mark.parametrize(
    ("statuses", "fail_on", "code"),
    [
        (("pass",), "inconclusive", 0),
        (("pass", "warn", "info", "skip"), "inconclusive", 0),
        (("pass", "fail", "error", "inconclusive"), "inconclusive", 1),
        (("pass", "error", "inconclusive"), "inconclusive", 4),
        (("pass", "inconclusive"), "inconclusive", 3),
        (("info", "skip", "warn"), "inconclusive", 3),
        (("pass", "inconclusive"), "fail", 0),
        (("pass", "fail"), "fail", 1),
        (("pass", "warn"), "warn", 1),
        (("pass", "fail", "inconclusive"), "never", 0),
        (("fail", "error"), "never", 4),
        (("fail", "error"), "inconclusive", 1),
    ],
)
def test_exit_code(statuses: tuple[Status, ...], fail_on: results.FailOn, code: int) -> None:
    assert results.exit_code([outcome(*statuses)], interrupted=False, fail_on=fail_on) == code
    assert results.exit_code([outcome(*statuses)], interrupted=True, fail_on=fail_on) == 130


def test_nothing_selected_is_never_green() -> None:
    assert results.exit_code([], interrupted=False, fail_on="never") == 2


def run(*checks: Check, **more: Any) -> Report:
    made = plan.make(checks, skip=more.pop("skip", ()))
    return asyncio.run(runner.run(made, RunOptions("http://127.0.0.1:9/v1"), mask=Mask(), **more))


def scripted(name: str, statuses: Mapping[str, Status], *cases: Case, broken: BaseException | None = None) -> Check:
    """A check whose probe sees, and whose judge repeats, the statuses given; `broken` ends its probe."""

    async def probe(ctx: Context) -> AsyncIterator[Observation]:
        for case in statuses:
            yield Observation(case, facts={"note": SECRET})
        if broken:
            raise broken

    def judge(evidence: Evidence) -> Iterator[Finding]:
        for case in evidence.seen:
            yield Finding(case, statuses[case], "as scripted")

    return Check(name, name, cases, probe, judge)


def found(report: Report) -> dict[str, tuple[Status, str]]:
    return {f"{o.id}.{r.id}": (r.finding.status, r.finding.measured) for o in report.checks for r in o.rows}


def test_what_rests_on_a_failure_is_skipped_down_the_chain_with_its_root_and_the_rest_goes_on() -> None:
    first = scripted("a", {"bad": "fail", "good": "pass"}, Case("bad", ""), Case("good", ""))
    second = scripted(
        "b",
        {"on-good": "pass"},
        Case("on-bad", "", ("a.bad",)),
        Case("later", "", ("b.on-bad",)),
        Case("on-good", "", ("a.good",)),
    )
    third = scripted("c", {}, Case("last", "", ("b.later",)))
    report = run(first, second, third)
    assert found(report) == {
        "a.bad": ("fail", "as scripted"),
        "a.good": ("pass", "as scripted"),
        "b.on-bad": ("skip", "needs a.bad: it failed"),
        "b.later": ("skip", "needs a.bad: it failed"),
        "b.on-good": ("pass", "as scripted"),
        "c.last": ("skip", "needs a.bad: it failed"),
    }
    assert [(o.status, o.reason) for o in report.checks] == [
        ("fail", None),
        ("pass", None),
        ("skip", "needs a.bad: it failed"),
    ]


def test_a_case_that_the_user_left_out_blocks_nothing() -> None:
    first = scripted("a", {"one": "pass"}, Case("one", ""), Case("two", ""))
    second = scripted("b", {"one": "pass"}, Case("one", "", ("a.two",)))
    report = run(first, second, skip=["a.two"])
    assert found(report)["b.one"][0] == "pass"
    assert found(report)["a.two"] == ("skip", "left out by --skip")


def test_a_probe_that_breaks_keeps_what_it_saw_and_shows_no_secret() -> None:
    broken = scripted("a", {"one": "pass"}, Case("one", ""), Case("two", ""), broken=RuntimeError(f"with {SECRET}"))
    report = run(broken, scripted("b", {"one": "pass"}, Case("one", "")))
    assert found(report)["a.one"] == ("pass", "as scripted")
    status, reason = found(report)["a.two"]
    assert status == "error"
    assert reason.startswith("RuntimeError: with sk-proj-****")
    assert found(report)["b.one"][0] == "pass"
    assert report.exit_code == 4
    assert SECRET not in repr(report)


@pytest.mark.parametrize("broken", [RuntimeError("late"), SystemExit(0), KeyboardInterrupt(), BaseException("own")])
def test_a_probe_that_breaks_after_its_last_case_is_an_error_and_ends_nothing(broken: BaseException) -> None:
    report = run(
        scripted("a", {"one": "pass"}, Case("one", ""), broken=broken),
        scripted("b", {"one": "pass"}, Case("one", "")),
        scripted("c", {}, Case("one", "", ("a",))),
    )
    first, second, _ = report.checks
    assert (first.status, second.status, report.exit_code) == ("error", "pass", 4)
    assert (first.reason or "").startswith(f"{type(broken).__name__}: ")
    assert found(report)["a.one"] == ("pass", "as scripted")
    assert found(report)["c.one"] == ("skip", "needs a: it broke")


@pytest.mark.parametrize(
    "finding",
    [("green", "m", ()), ("pass", None, ()), ("pass", "m", "a text"), ("pass", "m", (5,)), ("fail", "m", "a-cause")],
)
def test_a_finding_that_no_report_can_hold_is_an_error(finding: tuple[Any, Any, Any]) -> None:
    status, measured, cause = finding

    def judge(_: Evidence) -> Iterator[Finding]:
        yield Finding("one", status, measured, **{"cause" if cause == "a-cause" else "observed": cause})

    good = scripted("a", {"one": "pass"}, Case("one", ""))
    report = run(Check("a", "a", good.cases, good.probe, judge))
    status, said = found(report)["a.one"]
    assert (status, report.exit_code) == ("error", 4)
    assert said.startswith("ValueError: a finding of the case 'one' ")


def test_a_judge_that_ends_the_program_is_an_error() -> None:
    def judge(_: Evidence) -> Iterator[Finding]:
        raise SystemExit(0)
        yield

    good = scripted("a", {"one": "pass"}, Case("one", ""))
    assert run(Check("a", "a", good.cases, good.probe, judge)).exit_code == 4


def test_a_case_of_which_nothing_is_said_is_an_error_not_a_pass() -> None:
    report = run(scripted("a", {"one": "pass"}, Case("one", ""), Case("forgotten", "")))
    assert found(report)["a.forgotten"] == ("error", "the check gave no finding for this case")


def test_a_broken_check_of_another_package_is_a_row() -> None:
    report = run(scripted("a", {"one": "pass"}, Case("one", "")), broken=[Broken("acme", "it cannot be loaded")])
    assert [(o.id, o.status, o.reason) for o in report.checks] == [
        ("acme", "error", "it cannot be loaded"),
        ("a", "pass", None),
    ]
    assert report.exit_code == 4


def test_an_interrupted_run_keeps_what_it_has_and_says_so() -> None:
    started = asyncio.Event()

    async def probe(ctx: Context) -> AsyncIterator[Observation]:
        yield Observation("one")
        started.set()
        await asyncio.Event().wait()

    def judge(evidence: Evidence) -> Iterator[Finding]:
        yield Finding("one", "pass", "seen")

    hanging = Check("a", "a", (Case("one", ""), Case("two", "")), probe, judge)
    after = scripted("b", {"one": "pass"}, Case("one", ""))

    async def interrupted() -> Report:
        task = asyncio.ensure_future(
            runner.run(plan.make([hanging, after]), RunOptions("http://127.0.0.1:9/v1"), mask=Mask())
        )
        await started.wait()
        task.cancel()
        return await task

    report = asyncio.run(interrupted())
    assert report.interrupted
    assert report.exit_code == 130
    assert found(report) == {
        "a.one": ("pass", "seen"),
        "a.two": ("skip", "the run was interrupted"),
        "b.one": ("skip", "the run was interrupted"),
    }
    assert [outcome.status for outcome in report.checks] == ["inconclusive", "skip"], "what passed makes no check pass"


def hanging(name: str, *cases: Case) -> Check:
    """A check that sees its first case and waits for ever for the second."""

    async def probe(ctx: Context) -> AsyncIterator[Observation]:
        yield Observation("one", facts={"note": ""})
        await asyncio.Event().wait()

    def judge(evidence: Evidence) -> Iterator[Finding]:
        for case in evidence.seen:
            yield Finding(case, "pass", "seen")

    return Check(name, name, cases, probe, judge)


def test_where_the_time_of_a_run_ends_what_is_asked_is_inconclusive_and_the_rest_is_skipped() -> None:
    cases = [Case(name, "") for name in ("one", "two", "three")]
    later = scripted("b", {"one": "pass"}, Case("one", ""), Case("rests", "", ("a.three",)))
    report = run(hanging("a", *cases), later, limit_s=0.1)
    over = "the time for the whole run (0.1 s) was over"
    assert found(report) == {
        "a.one": ("pass", "seen"),
        "a.two": ("inconclusive", f"{over} while this was asked"),
        "a.three": ("skip", f"{over} before this was asked"),
        "b.one": ("skip", over),
        "b.rests": ("skip", f"{over} before this was asked"),
    }
    assert (report.exit_code, report.interrupted) == (3, False)
    assert [d.cause for d in report.diagnosis] == ["time-budget-spent"]
    again = replay(report, {})
    assert (again.exit_code, found(again)) == (3, found(report))
    again = replay(report, {c.id: c for c in (hanging("a", *cases), later)})
    assert (again.exit_code, found(again)) == (3, found(report))


def test_a_time_out_of_a_probes_own_is_a_crash_not_the_end_of_the_run() -> None:
    report = run(
        scripted("a", {"one": "pass"}, Case("one", ""), broken=TimeoutError("own")), scripted("b", {}, Case("one", ""))
    )
    assert report.checks[0].status == "error"


async def _refusing() -> tuple[asyncio.Server, str]:
    """A server that closes each connection in place of an answer, and its base URL."""

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def test_a_network_that_fails_is_asked_three_times_and_once_more_and_then_no_longer() -> None:
    names = [str(number) for number in range(6)]

    async def probe(ctx: Context) -> AsyncIterator[Observation]:
        for name in names:
            yield Observation(name, (await ctx.request("GET", f"/{name}", None),))

    def judge(evidence: Evidence) -> Iterator[Finding]:
        for case, seen in evidence.seen.items():
            assert seen.exchange is not None
            yield no_answer(case, seen.exchange) or Finding(case, "pass", "answered")

    asking = Check("a", "a", tuple(Case(name, "") for name in names), probe, judge)
    after = scripted("b", {"one": "pass"}, Case("one", ""))

    async def work() -> tuple[Report, str]:
        server, base_url = await _refusing()
        async with server:
            return await runner.run(plan.make([asking, after]), RunOptions(base_url), mask=Mask()), base_url

    report, base_url = asyncio.run(work())
    where = base_url.removeprefix("http://").removesuffix("/v1")
    assert [x.url for x in report.exchanges] == [f"{base_url}/{path}" for path in ("0", "1", "2", "models")]
    skipped = ("skip", f"the network failed at {where}: closed (answer)")
    assert {case: said[0] for case, said in found(report).items()} == {
        **{f"a.{n}": "inconclusive" for n in names[:3]},
        **{f"a.{n}": "skip" for n in names[3:]},
        "b.one": "skip",
    }
    assert found(report)["a.3"] == found(report)["b.one"] == skipped
    assert report.exit_code == 3


def test_two_sessions_to_which_nothing_comes_back_are_given_up_together() -> None:
    assert _shortened(Deadlines()).udp_s == Deadlines().udp_s - LATE_S
    assert _shortened(Deadlines.of(2.2)).udp_s == 2
    assert _shortened(Deadlines.of(1)) == Deadlines.of(1)
