"""What the way cost: numbers of the record, and a warning where something is unreasonable by itself and cost the run its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from rtdiag.engine import plan, registry, runner
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, RunOptions
from rtdiag.model import Evidence, Exchange, Finding, Observation
from rtdiag.redact import Mask
from rtdiag.testing import judge, run_on_emulator
from tests.network.dns import Zone
from tests.network.ground import Ground
from tests.network.roads import Road
from tests.network.runs import run
from tests.network.scenarios import links, names

SPEED = registry.load(()).checks["speed"]
AWAY = "203.0.113.7:443"
SLOW_NAMES, SLOW_CONNECTING = ("looking names up takes long",), ("connecting takes long",)
LONG_TRIP = ("the round trip is long",)


def asked(url: str = "https://api.test/v1/models", reached: str = AWAY, **timing_ms: float) -> Exchange:
    return Exchange("x1", "GET", url, "api-key", status=200, timing_ms={"wait": 20.0, **timing_ms}, reached=reached)


def found(*exchanges: Exchange, run_ms: float = 20_000.0) -> Mapping[str, Finding]:
    recorder = SimpleNamespace(exchanges=exchanges, now_ms=lambda: run_ms)

    async def seen() -> list[Observation]:
        return [one async for one in SPEED.probe(SimpleNamespace(recorder=recorder))]  # type: ignore[arg-type]

    return judge(SPEED, asyncio.run(seen()))


def test_it_asks_nothing_and_is_in_every_run() -> None:
    report = run_on_emulator(only=["key.shape"])
    assert report.checks[-1].id == "speed"
    assert report.checks[-1].cost.requests == len(report.exchanges) == 0
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("case", "exchanges", "run_ms", "status", "measured"),
    [
        ("names", [asked(dns=3000.0, connect=2.0)] * 9, 40_000, "warn", "3.0 s each time, 27.0 s in all, 9 look-ups"),
        ("names", [asked(dns=1200.0, connect=2.0)], 40_000, "warn", "1.2 s at most, 1.2 s in all, 1 look-up"),
        ("names", [asked(dns=600.0, connect=2.0)], 40_000, "info", "600 ms at most, 600 ms in all, 1 look-up"),
        ("names", [asked(dns=600.0, connect=2.0)], 1500, "warn", "600 ms at most, 600 ms in all, 1 look-up"),
        ("names", [asked(dns=400.0, connect=2.0)] * 30, 20_000, "info", "400 ms at most, 12.0 s in all, 30 look-ups"),
        ("names", [asked()], 20_000, "info", "none that left this machine"),
        ("connecting", [asked(connect=1100.0, tls=30.0), asked(connect=20.0)], 20_000, "warn",
         "1.1 s at most, 1.1 s in all, 2 connections"),
        ("connecting", [asked(connect=30.0, tls=2500.0)], 20_000, "warn", "2.5 s at most, 2.5 s in all, 1 connection"),
        ("connecting", [asked("wss://api.test/v1/realtime", connect=1500.0)], 20_000, "info",
         "1.5 s at most, 1.5 s in all, 1 connection"),
        ("connecting", [asked(connect=1100.0, tls=1200.0, wait=1300.0)] * 5, 20_000, "info",
         "2.3 s at most, 11.5 s in all, 5 connections"),
        ("round-trip", [asked(connect=610.0, wait=640.0)] * 4, 20_000, "warn", "610 ms, by 4 connections"),
        ("round-trip", [asked("wss://api.test/v1/realtime", connect=1220.0, wait=640.0)] * 4, 20_000, "warn",
         "610 ms, by 4 connections"),
        ("round-trip", [asked(connect=3000.0, wait=640.0), asked(wait=40.0)], 20_000, "info", "40 ms, by 1 connection"),
        ("round-trip", [asked(connect=310.0, wait=640.0)], 20_000, "info", "310 ms, by 1 connection"),
        ("round-trip", [], 20_000, "info", "nothing that left this machine tells it"),
    ],
)  # fmt: skip
def test_what_is_unreasonable_and_cost_the_run_its_time_is_a_warning(
    case: str, exchanges: list[Exchange], run_ms: float, status: str, measured: str
) -> None:
    one = found(*exchanges, run_ms=run_ms)[case]
    assert (one.status, one.measured) == (status, measured)
    phrases = {"names": SLOW_NAMES, "connecting": SLOW_CONNECTING, "round-trip": LONG_TRIP}
    assert one.observed == (phrases[case] if status == "warn" else ())


@pytest.mark.parametrize("reached", ["127.0.0.1:8080", "[::1]:8080", ""])
def test_a_machine_that_is_slow_itself_is_not_the_way(reached: str) -> None:
    all_slow = [asked(reached=reached, dns=9000.0, connect=9000.0, tls=9000.0, wait=9000.0)] * 9
    assert {one.status for one in found(*all_slow).values()} == {"info"}


async def _cuts_itself(_: Context) -> AsyncIterator[Observation]:
    task = asyncio.current_task()
    assert task
    task.cancel()
    await asyncio.sleep(0)
    yield Observation("one")


def test_a_run_that_is_interrupted_says_what_it_saw() -> None:
    cut = Check("cut", "cut", (Case("one", "one"),), _cuts_itself, lambda evidence: [])
    later = Check("later", "later", (Case("one", "one"),), _cuts_itself, lambda evidence: [])
    report = asyncio.run(
        runner.run(plan.make([cut, later, SPEED]), RunOptions(base_url="http://127.0.0.1:9/v1"), mask=Mask())
    )
    assert report.interrupted
    assert report.exit_code == 130
    assert [o.id for o in report.checks] == ["cut", "later", "speed"]
    assert {row.finding.status for row in report.checks[-1].rows} == {"info"}


def test_it_is_judged_again_by_its_numbers() -> None:
    seen = Observation("round-trip", facts={"ms": 700.0, "connects": 2, "requests": 9})
    (again,) = SPEED.judge(Evidence({"round-trip": seen}, frozenset(), False, date(2026, 11, 30)))
    assert again.status == "warn"


@pytest.mark.parametrize(
    ("road", "case", "phrase"),
    [
        (names.named(Zone(a=("10.13.0.1",), delay_s=1.2)), "names", SLOW_NAMES),
        (links.slow(0.3), "round-trip", LONG_TRIP),
    ],
    ids=["names", "round-trip"],
)
def test_on_a_slow_road(road: Road, case: str, phrase: tuple[str, ...], tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        ran = run(ground.asking(road(ground)), tmp_path, 15, ("--only", "key"))
    warned = {one["id"]: one.get("observed") for one in ran.cases if one["status"] == "warn"}
    assert warned == {f"speed.{case}": list(phrase)}
    assert ran.code == 0
