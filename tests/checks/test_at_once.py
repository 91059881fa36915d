"""What is asked at the same time says the same, costs the same, and is no burden to the server."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from rtdiag.cli.run import command
from rtdiag.emulator import Emulator
from rtdiag.engine import plan, registry, runner
from rtdiag.engine.asked_server import AskedServer
from rtdiag.engine.check import Case, Check
from rtdiag.engine.config import Config, make
from rtdiag.engine.context import Context
from rtdiag.engine.run_options import RunOptions
from rtdiag.model import Cost, Evidence, Exchange, Finding, Observation, Report
from rtdiag.redact import Mask, Secret
from rtdiag.testing import finding, row, run_on_emulator
from rtdiag.transport.http import Credential, Http, Reply
from tests.checks.broken import HEARD, WHOLE, asked, grouped, run

# At home, where alone things are asked at the same time. What needs speech is played to all its sessions at once anyway.
FAULTS = [fault.id for fault in WHOLE.values() if not fault.profiles]


def together(exchanges: list[Exchange]) -> int:
    """How many were under way at the same moment, at most."""
    begun = [(x.at_ms, 1) for x in exchanges]
    ended = [(x.at_ms + x.timing_ms.get("total", 0.0), -1) for x in exchanges]
    return max(itertools.accumulate(change for _, change in sorted(begun + ended, key=lambda at: (at[0], at[1]))))


# What is known of a way that was cut is when.
CUT = "media-cut"


def of_updates(report: Report) -> dict[str, Finding]:
    asked_ahead = ("session-update", "vad", "vad-rules")
    return {f"{o.id}.{r.id}": r.finding for o in report.checks if o.id in asked_ahead for r in o.rows}


def verdicts(report: Report) -> dict[str, tuple[str, str | None]]:
    return {f"{o.id}.{r.id}": (r.finding.status, r.finding.cause) for o in report.checks for r in o.rows}


@pytest.mark.parametrize("fault_id", grouped((fault,) for fault in FAULTS))
def test_every_fault_gives_the_same_verdict_one_at_a_time(fault_id: str) -> None:
    apart, at_once = asked(fault_id, at_once=1), asked(fault_id) if fault_id in HEARD else run(fault_id)
    assert verdicts(at_once) == verdicts(apart)
    assert [(d.cause, d.confidence) for d in at_once.diagnosis] == [(d.cause, d.confidence) for d in apart.diagnosis]
    assert (at_once.exit_code, len(at_once.left_open)) == (apart.exit_code, len(apart.left_open))
    if fault_id != CUT:
        assert of_updates(at_once) == of_updates(apart), "word for word, since it is known whose each answer is"


def test_a_healthy_run_costs_the_same_and_says_the_same_in_the_same_order() -> None:
    at_once, apart = run_on_emulator(), run_on_emulator(at_once=1)
    assert at_once.cost == apart.cost
    assert list(verdicts(at_once).items()) == list(verdicts(apart).items())
    assert [x.id for x in at_once.exchanges] == [f"x{n}" for n in range(1, at_once.cost.requests + 1)]
    assert together([*apart.exchanges]) == 1
    assert together([*at_once.exchanges]) > 2


@pytest.mark.parametrize("most", [2, 6])
def test_no_more_requests_are_under_way_than_the_user_wishes_beside_those_that_open_sessions(most: int) -> None:
    report = run_on_emulator(at_once=most, only=["endpoint", "vad"])
    polite = [x for x in report.exchanges if "/calls" in x.url or "client_secrets" in x.url or "realtime" in x.url]
    assert 2 <= together(polite) <= most + _OPENING


# A session of each kind is opened beside them, with the mint and the control that it needs.
_OPENING = 4


def test_what_was_asked_ahead_on_a_way_that_is_shut_is_in_the_record_and_no_evidence() -> None:
    report = run_on_emulator(faults=["connection-cut"])
    assert [x.credential for x in report.exchanges] == ["made-up", "api-key"]
    assert row(report, "key.accepted").finding.status == "skip"
    assert row(report, "key.accepted").seen.exchanges == ()


class Changing(runner.Silent):
    """The faults of an emulator, from the nth time on that something is asked."""

    def __init__(self, emulator: Emulator, what: str, turns: Mapping[int, Sequence[str]]) -> None:
        self._emulator, self._what, self._turns, self._asked = emulator, what, turns, 0

    def asking(self, what: str) -> None:
        self._asked += self._what in what
        if self._what in what and self._asked in self._turns:
            self._emulator.set_faults(*self._turns[self._asked])


def of_one_apart(what: str, turns: Mapping[int, Sequence[str]], at_once: int) -> tuple[Report, int]:
    """A run against an emulator that was started apart and changes meanwhile, and how many calls it leaves there."""

    async def work() -> tuple[Report, int]:
        async with Emulator() as emulator:
            key = Credential("api-key", Secret(emulator.key))
            options = RunOptions(emulator.base_url, key, at_once=at_once, today=emulator.as_of)
            chosen = plan.make(registry.load().checks.values(), skip=["vad-effect"])
            changing = Changing(emulator, what, turns)
            return await runner.run(chosen, options, mask=Mask(), observer=changing, limit_s=600), emulator.open_calls

    return asyncio.run(work())


@pytest.mark.parametrize("at_once", [1, 6])
def test_where_no_more_tokens_are_minted_those_that_were_used_up_are_no_cause(at_once: int) -> None:
    report, _ = of_one_apart("POST /realtime/client_secrets", {3: ["mint-server-error"]}, at_once)
    assert [d.cause for d in report.diagnosis] == ["generic-server-error"]
    assert finding(report, "token.accepted-realtime").status == "pass"
    assert finding(report, "sdp.created-realtime").status == "pass", "the shared one opens one"
    told = finding(report, "websocket.model-token")
    assert (told.status, told.measured) == (
        "skip",
        "no other token was to be had: POST /v1/realtime/client_secrets got 500",
    )


@pytest.mark.parametrize("nth", [12, 30])
def test_what_is_asked_at_once_stays_so_though_another_answers_in_between(
    nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, note = itertools.count(1), AskedServer.note

    def noted(self: AskedServer, exchange: Exchange, credential: Credential | None) -> None:
        note(self, replace(exchange, response_headers=()) if next(answers) == nth else exchange, credential)

    monkeypatch.setattr(AskedServer, "note", noted)
    report, calls = of_one_apart("", {}, at_once=6)
    assert {d.cause for d in report.diagnosis} == set()
    assert {r.finding.status for o in report.checks for r in o.rows} <= {"pass", "info", "skip"}
    assert (calls, report.left_open) == (0, ())


@pytest.mark.parametrize("at_once", [1, 6])
@pytest.mark.parametrize("session", [None, {"type": "realtime", "nope": 1}])
def test_a_session_that_has_said_its_end_is_sent_no_more(at_once: int, session: dict[str, Any] | None) -> None:
    asked = ["vad.update-*"] if session is None else ["vad.own-*", "session-update"]
    report = run_on_emulator(faults=["session-closed-early"], only=asked, session=session, at_once=at_once)
    assert "session-duration-cap" in {d.cause for d in report.diagnosis}
    assert "session-update-unanswered" not in {d.cause for d in report.diagnosis}
    ended = [e for e in report.events if e.error and e.error.code == "session_expired"]
    assert not [e for end in ended for e in report.events if e.channel == end.channel and e.at_ms > end.at_ms]


@pytest.mark.parametrize("at_once", [1, 6])
def test_a_key_that_was_one_request_too_many_beside_another_is_asked_once_more_alone(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, send = Counter[str](), Http.send

    async def one_at_a_time(self: Http, method: str, path: str, credential: Credential | None, **content: Any) -> Reply:
        under_way[path] += 1
        refused = under_way["/models"] > 1
        reply = await send(self, method, path, credential, **content)
        under_way[path] -= 1
        return replace(reply, exchange=replace(reply.exchange, status=429)) if refused else reply

    monkeypatch.setattr(Http, "send", one_at_a_time)
    report = run_on_emulator(only=["key"], at_once=at_once)
    assert [x.credential for x in report.exchanges] == ["made-up", "api-key", "api-key"][: 2 if at_once == 1 else 3]
    assert finding(report, "key.accepted").status == "pass"


def test_where_every_request_is_one_too_many_none_is_asked_again() -> None:
    report = run_on_emulator(faults=["rate-limited"], only=["key"])
    assert [x.credential for x in report.exchanges] == ["made-up", "api-key"]


async def using_what_is_opened(ctx: Context) -> AsyncIterator[Observation]:
    async with ctx.using("realtime") as used:
        yield Observation("asked", facts={"well": used is await ctx.opened("realtime")})


async def many_within_many(ctx: Context) -> AsyncIterator[Observation]:
    async def asked() -> AsyncGenerator[bool]:
        yield (await ctx.request("GET", "/models", ctx.key)).ok

    async def within() -> AsyncGenerator[bool]:
        async for one in ctx.politely(asked(), asked()):
            yield one

    every = [one async for one in ctx.politely(*(within() for _ in range(2 * ctx.options.at_once)))]
    yield Observation("asked", facts={"well": all(every)})


def goes_well(evidence: Evidence) -> Iterator[Finding]:
    yield from (Finding(case, "pass" if seen.facts["well"] else "fail", "") for case, seen in evidence.seen.items())


@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize("probe", [using_what_is_opened, many_within_many])
def test_the_check_of_another_package_does_not_wait_for_itself(
    probe: Callable[[Context], AsyncIterator[Observation]], at_once: int
) -> None:
    case = Case("asked", "is it asked?", requires=("token.mint-realtime",))
    added = Check("added", "Is it asked?", (case,), probe, goes_well, Cost(), order=25, beside=True)
    checks = {**registry.load(()).checks, "added": added}
    report = run_on_emulator(checks=checks, only=["added"], at_once=at_once, longest_s=0.5)
    assert finding(report, "added.asked").status == "pass"


@pytest.mark.parametrize("profile", ["litellm", "compatible"])
def test_a_stranger_is_asked_one_thing_at_a_time_but_for_the_key_beside_a_made_up_one(profile: str) -> None:
    report = run_on_emulator(profile=profile)
    beside, asked_next = report.exchanges[:2], report.exchanges[2:]
    assert {x.credential for x in beside} == {"made-up", "api-key"}
    assert together([*asked_next]) == 1


def test_the_command_asks_as_much_at_once_as_a_program_does_and_one_thing_where_that_is_wanted() -> None:
    default = next(option.default for option in command.params if option.name == "at_once")
    assert default == Config().at_once == make(Config(emulator=True), {}).options.at_once
    assert make(Config(emulator=True, at_once=9, one_at_a_time=True), {}).options.at_once == 1
