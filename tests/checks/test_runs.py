"""Whole runs against the emulator: green today, the founding thread, every date, nothing left behind, within the budget."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from rtdiag.emulator import Emulator
from rtdiag.engine import context, plan, registry, runner
from rtdiag.engine.context import RunOptions
from rtdiag.model import Cost, Report
from rtdiag.redact import Mask, Secret
from rtdiag.report import render
from rtdiag.testing import finding, row, run_on_emulator
from rtdiag.transport.http import Credential
from rtdiag.transport.recorder import Deadlines

THE_THREAD = date(2025, 3, 21)
BAD = {"fail", "error", "inconclusive"}


@cache
def run(as_of: date | None = None) -> Report:
    return run_on_emulator(as_of=as_of)


def statuses(report: Report) -> Counter[str]:
    return Counter(r.finding.status for o in report.checks for r in o.rows)


def test_today_all_is_well() -> None:
    report = run()
    assert [o.id for o in report.checks] == [one for one in registry.load(()).checks if one != "browser"]
    others = {o.id: o.status for o in report.checks if o.status != "pass"}
    assert others == {"vad-effect": "skip", "speed": "info"}, "speech has to be allowed, and nothing left this machine"
    assert not BAD & statuses(report).keys()
    assert report.exit_code == 0
    assert report.diagnosis == ()
    assert report.left_open == ()
    assert report.target.dialects == ("ga",)


def test_the_table_folds_what_is_well_and_says_what_it_asked_and_did_not_test() -> None:
    text = render(run(), "table")
    lines = text.splitlines()
    assert lines[1] == lines[-1] == "EMULATOR (as of 2026-11-13): nothing here was asked of the live API"
    passed = sum(outcome.status == "pass" for outcome in run().checks)
    assert sum(line.startswith("✓ ") for line in lines) == 1 + passed, "the verdict, and a line for each check"
    assert "not tested: a browser, CORS, ICE over TCP, your own code" in text
    told = render(run(), "table", verbose=True)
    for founding in ("post it to", "Invalid URL (POST /v1/realtime/transcription_sessions)"):
        assert (founding in told, founding in text) == (True, False), "a first run that is well shows no error"


def test_a_run_costs_what_the_checks_declare_and_hang_ups_are_in_it() -> None:
    declared = registry.load(()).checks
    hang_ups_of_its_sessions = Cost(requests=2)  # which are open until the check `websocket` wants the room
    tokens_that_are_left = Cost(requests=4, tokens_minted=4)  # by the check `vad`, for the check `websocket`
    apart = {"sdp": Cost() - hang_ups_of_its_sessions, "websocket": hang_ups_of_its_sessions - tokens_that_are_left}
    in_turn = run_on_emulator(at_once=1)
    for outcome in in_turn.checks:
        wanted = declared[outcome.id].cost + apart.get(outcome.id, Cost())
        assert outcome.cost == (wanted if outcome.status == "pass" else Cost())
    announced = plan.make(declared.values(), skip=["vad-effect"]).cost
    assert run().cost == in_turn.cost == announced


def test_the_page_says_what_a_run_costs() -> None:
    page = (Path(__file__).parents[2] / "checks" / "README.md").read_text(encoding="utf-8")
    found = re.search(
        r"about (\d+) requests, mints (\d+) tokens of 60 seconds, opens (\d+) sessions", " ".join(page.split())
    )
    assert found
    requests, *rest = map(int, found.groups())
    cost = run().cost
    assert rest == [cost.tokens_minted, cost.sessions_opened]
    assert abs(requests - cost.requests) <= requests // 20, "about as many"


@pytest.mark.parametrize(
    ("as_of", "faults", "status", "measured"),
    [
        (None, [], "pass", "401 ephemeral_token_already_used"),
        (None, ["token-taken-twice"], "info", "400 invalid_offer"),
        (None, ["token-used-by-any-request"], "pass", "401 ephemeral_token_already_used"),
        (date(2026, 7, 31), [], "info", "400 invalid_offer"),
        (date(2026, 7, 31), ["token-used-by-any-request"], "info", "401 ephemeral_token_already_used"),
    ],
)
def test_what_a_second_use_of_a_token_gets(as_of: date | None, faults: list[str], status: str, measured: str) -> None:
    report = run_on_emulator(as_of=as_of, faults=faults, only=["token", "endpoint", "sdp"])
    found = finding(report, "sdp.second-use")
    assert (found.status, found.measured, found.cause) == (status, f"after a real call: {measured}", None)
    assert finding(report, "sdp.created-transcription").status == "pass"
    assert report.exit_code == 0


def test_the_founding_401_is_shown_word_for_word() -> None:
    report = run(THE_THREAD)
    exchange = row(report, "endpoint.transcription-sessions-transcription-token").seen.exchanges[-1]
    assert exchange.status == 401
    assert exchange.error is not None
    assert exchange.error.code == "invalid_api_key"
    assert exchange.error.param is None
    assert exchange.error.type == "invalid_request_error"
    message = exchange.error.message or ""
    assert message.startswith("Incorrect API key provided: ek_")
    assert message.endswith(". You can find your API key at https://platform.openai.com/account/api-keys.")
    assert message.count("*") == 23, "the thread's own mask: eight characters, 23 stars, four characters"
    assert (exchange.body or "") in render(report, "table").replace("\n        ", "\n")


def test_on_the_threads_date_transcription_is_refused_and_that_is_the_verdict() -> None:
    report = run(THE_THREAD)
    assert report.exit_code == 1
    assert finding(report, "sdp.answer-transcription").status == "fail"
    assert finding(report, "sdp.created-realtime").status == "pass"
    assert [d.cause for d in report.diagnosis] == ["transcription-over-webrtc-refused"]
    flat = " ".join(render(report, "table").split())
    assert "no public source shows a URL that worked for transcription over WebRTC" in flat
    assert "What works today is a token of POST /v1/realtime/client_secrets" in flat


@pytest.mark.parametrize(
    ("as_of", "dialects", "code"),
    [
        (date(2024, 12, 17), ("beta",), 1),
        (date(2025, 3, 29), ("beta",), 0),
        (date(2025, 9, 1), ("ga", "beta"), 0),
        (date(2026, 5, 11), ("ga", "beta"), 0),
        (date(2026, 5, 12), ("ga",), 0),
    ],
)
def test_each_dialect_is_learned_and_judged_by_itself(as_of: date, dialects: tuple[str, ...], code: int) -> None:
    report = run(as_of)
    assert report.target.dialects == dialects
    assert report.exit_code == code


def test_which_dialects_are_spoken_is_learned_whatever_is_asked_for() -> None:
    report = run_on_emulator(as_of=date(2025, 9, 1), only=["endpoint"])
    assert report.target.dialects == ("ga", "beta")
    found = finding(report, "endpoint.model-realtime-token")
    assert (found.status, found.measured) == ("pass", "400 api_version_mismatch")


def test_before_transcription_existed_it_is_not_offered_rather_than_broken() -> None:
    report = run(date(2024, 12, 17))
    assert finding(report, "token.mint-transcription").status == "skip"
    assert "mints no tokens for transcription" in finding(report, "sdp.answer-transcription").measured
    assert {d.cause for d in report.diagnosis} == {"semantic-vad-not-accepted"}


def test_one_kind_alone_leaves_the_other_out() -> None:
    report = run_on_emulator(kinds=("transcription",), only=["sdp", "session-update"])
    cases = {f"{o.id}.{r.id}" for o in report.checks for r in o.rows}
    assert not [case for case in cases if "realtime" in case.replace("accepted-realtime", "")]
    assert finding(report, "session-update.transcription-ga").status == "pass"


def test_a_token_is_refused_after_its_end() -> None:
    report = run_on_emulator(only=["token.expired"], allow=["wait"])
    assert finding(report, "token.expired").status == "pass"
    assert finding(run(), "token.expired").measured == "opt in with --allow wait"


@pytest.mark.parametrize("at_once", [1, 6])
def test_a_rate_limit_ends_the_matrix(at_once: int) -> None:
    report = run_on_emulator(faults=["rate-limited-offers"], only=["endpoint"], at_once=at_once)
    assert 1 <= sum(x.status == 429 for x in report.exchanges) <= at_once, "those that were under way"
    assert {r.finding.status for o in report.checks if o.id == "endpoint" for r in o.rows} == {"inconclusive"}
    assert report.exit_code == 3


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("faults", [(), ("no-session-created",), ("hangup-refused",), ("gateway-html",)])
def test_nothing_is_left_after_a_run(faults: tuple[str, ...]) -> None:
    async def work() -> tuple[int, int]:
        async with Emulator(faults=faults) as emulator:
            options = RunOptions(emulator.base_url, Credential("api-key", Secret(emulator.key)))
            chosen = plan.make(registry.load(()).checks.values(), only=["sdp"])
            shown, soon = {"as_of": "", "faults": []}, Deadlines.of(1)
            await runner.run(chosen, options, mask=Mask(), emulator=shown, deadlines=soon)
            calls = emulator.open_calls
        return len(asyncio.all_tasks()), calls

    asyncio.run(work())  # imports and caches open files of their own, once
    files, threads = _open_files(), threading.active_count()
    tasks, calls = asyncio.run(work())
    assert (_open_files(), threading.active_count()) == (files, threads)
    assert tasks == 1, "the test itself"
    assert calls == 0 or "hangup-refused" in faults


class _Interrupter(runner.Silent):
    """Cancels a run as soon as it asks for a certain thing."""

    def __init__(self, at: str) -> None:
        self._at = at
        self.task: asyncio.Task[Report] | None = None

    def asking(self, what: str) -> None:
        if what == self._at and self.task is not None:
            self.task.cancel()


def test_nothing_is_left_after_an_interrupted_run() -> None:
    async def work() -> tuple[Report, int, int]:
        interrupter = _Interrupter("waiting for created")
        async with Emulator(faults=["no-session-created"]) as emulator:
            options = RunOptions(emulator.base_url, Credential("api-key", Secret(emulator.key)))
            chosen = plan.make(registry.load(()).checks.values(), only=["sdp"])
            shown = {"as_of": "", "faults": []}
            asked = runner.run(chosen, options, mask=Mask(), emulator=shown, observer=interrupter)
            interrupter.task = asyncio.ensure_future(asked)
            report = await interrupter.task
            calls = emulator.open_calls
        return report, len(asyncio.all_tasks()), calls

    asyncio.run(work())
    files, threads = _open_files(), threading.active_count()
    report, tasks, calls = asyncio.run(work())
    assert (_open_files(), threading.active_count()) == (files, threads)
    assert (tasks, calls, report.exit_code, report.left_open) == (1, 0, 130, ())


@pytest.mark.parametrize("at_once", [1, 6])
def test_a_run_that_is_interrupted_while_it_closes_a_session_has_its_report(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rtdiag.transport.webrtc import Session

    close = Session.close
    works: list[asyncio.Task[Report]] = []

    async def closing(self: Session) -> None:
        asyncio.get_running_loop().call_soon(works[0].cancel)
        await close(self)

    async def work() -> tuple[Report, int]:
        monkeypatch.setattr(Session, "close", closing)
        async with Emulator() as emulator:
            options = RunOptions(emulator.base_url, Credential("api-key", Secret(emulator.key)), at_once=at_once)
            chosen = plan.make(registry.load(()).checks.values(), only=["sdp", "websocket"])
            shown = {"as_of": "", "faults": []}
            works.append(asyncio.ensure_future(runner.run(chosen, options, mask=Mask(), emulator=shown)))
            return await works[0], emulator.open_calls

    report, calls = asyncio.run(work())
    assert (report.left_open, calls) == ((), 0)


@pytest.mark.parametrize("patience_s", [1.0, 0.0])
def test_an_offer_that_was_on_its_way_when_the_run_was_interrupted_is_hung_up_or_told(
    patience_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "_LAST_ANSWER_S", patience_s)

    async def work() -> tuple[Report, int]:
        interrupter = _Interrupter("POST /realtime/calls")
        async with Emulator() as emulator:
            options = RunOptions(emulator.base_url, Credential("api-key", Secret(emulator.key)))
            chosen = plan.make(registry.load(()).checks.values(), only=["sdp.multipart"], skip=["token.accepted-*"])
            shown = {"as_of": "", "faults": []}
            interrupter.task = asyncio.ensure_future(
                runner.run(chosen, options, mask=Mask(), emulator=shown, observer=interrupter)
            )
            return await interrupter.task, emulator.open_calls

    report, calls = asyncio.run(work())
    assert report.exit_code == 130
    if patience_s:
        assert [x.url.rpartition("/")[2] for x in report.exchanges[-2:]] == ["calls", "hangup"]
        assert (report.left_open, calls) == ((), 0)
    else:
        assert [x.failure.kind for x in report.exchanges if x.failure] == ["interrupted"]
        assert ["its offer was on the way" in left for left in report.left_open] == [True]


def test_a_call_without_a_name_is_told() -> None:
    report = run_on_emulator(faults=["no-location"], only=["sdp.multipart"])
    assert finding(report, "sdp.multipart").status == "pass"
    assert "names no Location" in report.left_open[0]


def test_what_could_not_be_closed_is_told() -> None:
    report = run_on_emulator(faults=["hangup-refused"], only=["sdp.answer-realtime"])
    assert len(report.left_open) == 1
    assert "hang-up answered 404" in report.left_open[0]
