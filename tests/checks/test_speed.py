"""What the way cost: numbers of the record, and a warning where something is unreasonable by itself and cost the run its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from rtdiag.engine import plan, registry, runner
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, RunOptions
from rtdiag.model import Event, Evidence, Exchange, Failure, Finding, Observation, PeerTrace
from rtdiag.redact import Mask
from rtdiag.testing import judge, run_on_emulator
from rtdiag.transport.packets import Packets
from rtdiag.transport.recorder import Recorder
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


def recorded(*exchanges: Exchange, run_ms: float = 20_000.0, given_up: str | None = None) -> SimpleNamespace:
    """What the probe looks at."""
    recorder = Recorder(Mask())
    recorder.exchanges += exchanges
    recorder.now_ms = lambda: run_ms  # type: ignore[method-assign]
    options = RunOptions(base_url="https://api.test/v1")
    return SimpleNamespace(recorder=recorder, options=options, given_up=given_up)


def judged(ctx: SimpleNamespace) -> Mapping[str, Finding]:
    async def seen() -> list[Observation]:
        return [one async for one in SPEED.probe(ctx)]  # type: ignore[arg-type]

    return judge(SPEED, asyncio.run(seen()))


def test_what_a_browser_asked_is_no_part_of_what_the_way_cost() -> None:
    ctx = recorded(asked(connect=20.0, total=60.0))
    alone = judged(ctx)
    ctx.recorder.exchange(replace(asked(dns=9000.0, connect=9000.0, total=19_000.0), id="x7", by="browser"))
    ctx.recorder.peer(PeerTrace("p8-browser", phases_ms={"ice": 5000.0}, offered_in="x7", by="browser"))
    ctx.recorder.event(Event("e1", "p8-browser/oai-events", "sent", 9000.0, "session.update", "{}"))
    assert judged(ctx) == alone


def in_turn(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """The same, each begun when the one before it has ended."""
    at_ms = 0.0
    for one in exchanges:
        yield replace(one, at_ms=at_ms)
        at_ms += max(sum(ms for name, ms in one.timing_ms.items() if name != "total"), one.timing_ms.get("total", 0.0))


def found(*exchanges: Exchange, run_ms: float = 20_000.0) -> Mapping[str, Finding]:
    return judged(recorded(*in_turn(exchanges), run_ms=run_ms))


def test_what_is_waited_for_at_the_same_time_costs_once() -> None:
    slow = [asked(dns=2000.0), *[asked(connect=2300.0, wait=4.0)] * 5]
    together, apart = judged(recorded(*slow, run_ms=20_000)), found(*slow, run_ms=20_000)
    assert together["names"].measured == apart["names"].measured == "2.0 s at most, 2.0 s in all, 1 look-up"
    assert together["connecting"].measured == "2.3 s each time, 2.3 s in all, 5 connections"
    assert apart["connecting"].measured == "2.3 s each time, 11.5 s in all, 5 connections"


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
        ("round-trip", [asked(connect=3000.0, wait=640.0), asked(wait=4.0, total=40.0)], 20_000, "info", "40 ms, by 1 connection"),
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


@pytest.mark.parametrize(
    ("tcp", "udp", "status", "measured"),
    [
        (Packets(155), Packets(244, 52), "warn", "none of 155 packets lost over TCP; 52 of 244 packets lost over UDP"),
        (Packets(187, 37), None, "warn", "37 of 187 packets lost over TCP"),
        (Packets(20, 4), None, "info", "4 of 20 packets lost over TCP"),
        (Packets(400, 19), None, "info", "19 of 400 packets lost over TCP"),
        (Packets(9), Packets(20, 3, 3100.0), "warn",
         "none of 9 packets lost over TCP; 3 of 20 packets lost over UDP, and 3.1 s waited for"),
        (Packets(9), Packets(20, 1, 3100.0), "info",
         "none of 9 packets lost over TCP; 1 of 20 packets lost over UDP, and 3.1 s waited for"),
        (None, None, "info", "not measured here"),
    ],
)  # fmt: skip
def test_loss_is_a_warning_where_it_is_no_chance(
    tcp: Packets | None, udp: Packets | None, status: str, measured: str
) -> None:
    ctx = recorded(asked(connect=2.0))
    ctx.recorder.counted("TCP", "one", tcp)
    ctx.recorder.counted("UDP", "p1", udp)
    one = judged(ctx)["loss"]
    assert (one.status, one.measured) == (status, measured)
    assert one.observed == (("packets are lost",) if status == "warn" else ())


def failed(kind: str, phase: str, url: str = "https://api.test/v1/models") -> Exchange:
    return Exchange("x2", "GET", url, "api-key", failure=Failure(kind, phase, ""), at_ms=3200.0)


_SILENT, _UNCONNECTED = failed("timeout", "answer"), failed("timeout", "connect")
_UNTIL = "2 requests answered until 3.1 s, then none: "


@pytest.mark.parametrize(
    ("after", "given_up", "measured"),
    [
        ([_SILENT] * 4, "the network failed", f"{_UNTIL}what was asked stayed without an answer"),
        ([_SILENT, _UNCONNECTED, _UNCONNECTED], None, f"{_UNTIL}it took no connection any more"),
        ([failed("dns", "dns")] * 2, None, f"{_UNTIL}its name was not resolved any more"),
        ([failed("closed", "answer")] * 4, "the network failed", f"{_UNTIL}connections were closed in place of an answer"),
    ],
)  # fmt: skip
def test_a_way_that_ends_in_mid_run_is_told_from_a_silent_server(
    after: list[Exchange], given_up: str | None, measured: str
) -> None:
    before = Exchange(
        "x1", "GET", "https://api.test/v1/models", "api-key", status=401, timing_ms={"total": 100.0}, at_ms=3000.0
    )
    one = judged(recorded(before, before, *after, given_up=given_up))["lost"]
    assert (one.status, one.measured, one.observed) == ("inconclusive", measured, ("the way was lost in mid-run",))


@pytest.mark.parametrize(
    ("exchanges", "given_up"),
    [
        ([], None),
        ([_SILENT] * 4, "the network failed"),
        ([asked(), *[_SILENT] * 4, asked()], None),
        ([asked(), *[_SILENT] * 3], None),
        ([asked(), _UNCONNECTED], None),
        ([asked(), *[failed("interrupted", "connect")] * 2], None),
        ([asked(), *[failed("timeout", "connect", "https://other.test/token")] * 4], None),
        ([asked(), *[failed("timeout", "connect", "wss://api.test/v1/realtime")] * 4], None),
    ],
    ids=["nothing", "from the first on", "one kind", "unprobed", "once", "Ctrl-C", "elsewhere", "WebSockets"],
)  # fmt: skip
def test_a_server_that_leaves_something_unanswered_is_not_lost(exchanges: list[Exchange], given_up: str | None) -> None:
    assert judged(recorded(*exchanges, given_up=given_up))["lost"].status == "info"


def test_what_the_way_cost_is_told_where_it_is_no_warning() -> None:
    exchanges = [
        Exchange(f"x{n}", "GET", "https://api.test/v1/models", "api-key", status=200, at_ms=n * 200.0,
                 timing_ms={**({"total": 110.0} if n else {"total": 210.0, "connect": 100.0})}, reached=AWAY)
        for n in range(15)
    ]  # fmt: skip
    ctx = recorded(*exchanges, run_ms=6000.0)
    cost = judged(ctx)["cost"]
    assert (cost.status, cost.observed) == ("info", ("the way",))
    assert cost.measured == "a round trip takes 100 ms, and waiting for it cost about 1.6 s of 6.0 s"
    ctx.recorder.event(Event("e1", "p1/oai-events", "sent", 4000.0, "session.update", "{}"))
    ctx.recorder.event(Event("e2", "p1/oai-events", "sent", 4010.0, "session.update", "{}"))
    ctx.recorder.peer(PeerTrace("p1", phases_ms={"ice": 100.0, "dtls": 300.0}, offered_in="x14"))
    assert "cost about 2.1 s of 6.0 s" in judged(ctx)["cost"].measured


@pytest.mark.parametrize(("protocol", "cost_ms"), [("TCP", 2000), ("UDP", 3000)])
def test_late_answers_are_lost_packets_where_many_are(protocol: str, cost_ms: int) -> None:
    exchanges = [asked(connect=2.0, total=12.0)] * 5 + [asked(total=2010.0)]
    ctx = recorded(*exchanges)
    ctx.recorder.counted("UDP", "p1", Packets(100))
    for at_ms, took_ms in ((4000.0, 10.0), (5000.0, 10.0), (6000.0, 3010.0)):
        ctx.recorder.event(Event("e1", "p1/oai-events", "sent", at_ms, "session.update", "{}"))
        ctx.recorder.event(Event("e2", "p1/oai-events", "received", at_ms + took_ms, "session.updated", "{}"))
    ctx.recorder.counted(protocol, "p1", Packets(100, 1))
    assert judged(ctx)["cost"].observed == ()
    ctx.recorder.counted(protocol, "p1", Packets(100, 20))
    assert judged(ctx)["cost"].measured == f"waiting for lost packets cost about {cost_ms / 1000} s of 20.0 s"


@pytest.mark.parametrize(("run_ms", "told"), [(500.0, True), (2000.0, False)])
def test_a_third_of_a_short_run_is_told_too(run_ms: float, told: bool) -> None:
    one = asked(connect=100.0, tls=110.0, total=340.0)
    assert bool(found(one, run_ms=run_ms)["cost"].observed) is told


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
