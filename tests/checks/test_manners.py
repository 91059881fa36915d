"""What a run may do to a server that is not OpenAI's: nothing of history, one session at a time, nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import pytest
from aiohttp import web

from rtdiag.api.endpoints import KINDS, Kind
from rtdiag.emulator import Emulator
from rtdiag.engine import plan, runner
from rtdiag.engine.check import Check
from rtdiag.engine.context import Context, RunOptions
from rtdiag.model import Exchange, Finding, Observation, Report
from rtdiag.redact import Mask, Secret
from rtdiag.testing import finding, run_on_emulator
from rtdiag.transport.http import Credential
from tests.checks.serving import served
from tests.checks.strangers import CHECKS, Gateway, OneSlot, TakesAll, asked, through_gateway

IN_THE_BETA = date(2025, 4, 10)
# What is about history, or about the mistakes of others.
NOT_OF_STRANGERS = (
    "token.second-use",
    "token.elsewhere",
    "token.beta-mint-realtime",
    "token.beta-mint-transcription",
    "endpoint.sessions-api-key",
    "endpoint.model-realtime-token",
    "endpoint.client-secrets-realtime-token",
    "endpoint.transcription-model-made-up",
    "sdp.second-use",
    "sdp.wrong-content-type",
    "sdp.charset",
    "websocket.transcription-model",
    "websocket.beta-header",
)


def findings(report: Report) -> dict[str, Finding]:
    return {f"{o.id}.{r.id}": r.finding for o in report.checks for r in o.rows}


@pytest.mark.parametrize("faults", [(), ("token-used-by-any-request",)], ids=["tokens for many uses", "tokens for one"])
def test_a_run_shuts_no_model_off_at_a_gateway(faults: tuple[str, ...]) -> None:
    report, gateway = asyncio.run(through_gateway(faults=faults))
    assert gateway.shut_off_by == []
    assert report.exit_code == 0
    assert not [x for x in report.exchanges if x.status == 429]
    assert finding(report, "sdp.created-transcription").status == "pass"


def test_what_is_not_asked_of_a_stranger_says_how_to_ask_it() -> None:
    found = findings(asyncio.run(through_gateway())[0])
    for case in NOT_OF_STRANGERS:
        assert (found[case].status, found[case].measured) == ("info", "not asked of this server"), case
        assert "--only" in (found[case].hint or "")
    assert found["endpoint.calls-realtime-token"].status == "pass"


@pytest.mark.parametrize("only", ["token.beta-mint-realtime", "token.beta-mint-*", "token.*"])
def test_what_only_names_is_asked_of_a_stranger_all_the_same(only: str) -> None:
    report, gateway = asyncio.run(through_gateway([only]))
    assert finding(report, "token.beta-mint-realtime").expected == "404 since 2026-05-12"
    assert gateway.shut_off_by[0] == "POST /v1/realtime/sessions"


@pytest.mark.parametrize("only", ["token", "tok*", "*"])
def test_a_whole_check_names_none_of_its_cases(only: str) -> None:
    report, gateway = asyncio.run(through_gateway([only]))
    assert finding(report, "token.beta-mint-realtime").measured == "not asked of this server"
    assert gateway.shut_off_by == []


def test_an_emulator_that_was_started_apart_is_known_by_what_it_calls_itself() -> None:
    async def work() -> Report:
        async with Emulator(IN_THE_BETA) as emulator:
            return await asked(emulator.base_url, emulator.key)

    report = asyncio.run(work())
    assert report.target.dialects == ("beta",)
    assert finding(report, "sdp.created-transcription").status == "pass"
    assert "not asked of this server" not in {f.measured for f in findings(report).values()}


def test_a_gateway_of_the_beta_alone_is_told_of_and_asked_when_named() -> None:
    report, gateway = asyncio.run(through_gateway(["token"], as_of=IN_THE_BETA, kinds=("realtime",)))
    assert gateway.shut_off_by == ["POST /v1/realtime/client_secrets"], "GA's mint is what everybody asks for today"
    found = finding(report, "token.beta-mint-realtime")
    assert (found.status, "404" in found.measured) == ("info", True)
    assert "--only 'token.beta-mint-*'" in (found.hint or "")
    assert finding(report, "token.mint-realtime").status == "skip"
    assert (
        finding(report, "token.shape-realtime").measured
        == "not offered by this server: no tokens are minted (404 Invalid URL)"
    )


def test_a_server_of_the_beta_that_nothing_shuts_off_is_asked_in_full_when_its_mints_are_named() -> None:
    async def work(*only: str) -> Report:
        async with Emulator(IN_THE_BETA) as emulator:
            gateway = Gateway(emulator)

            async def patient(request: object) -> object:
                gateway.shut_off_by.clear()
                return await gateway.handle(request)  # type: ignore[arg-type]

            async with served(patient) as base_url:
                return await asked(base_url, emulator.key, only)

    assert asyncio.run(work()).target.dialects == ()
    named = asyncio.run(work("token.beta-mint-*", "token.mint-*"))
    assert named.target.dialects == ("beta",)
    assert finding(named, "token.mint-realtime").measured == "200, beta dialect"


def test_a_session_in_the_betas_shape_goes_to_gas_mint_of_a_stranger() -> None:
    flat = {"voice": "alloy", "turn_detection": {"type": "server_vad"}}
    report, gateway = asyncio.run(through_gateway(["vad.own-*"], session=flat))
    assert gateway.shut_off_by == []
    assert finding(report, "vad.own-mint").cause == "session-type-missing-ga"


def test_nothing_at_all_is_never_green() -> None:
    async def work() -> Report:
        async def nothing(request: object) -> object:
            from aiohttp import web

            listed = getattr(request, "path", "") == "/v1/models"
            authorized = "FAKE" in getattr(request, "headers", {}).get("Authorization", "")
            return web.json_response({"data": []} if listed else {}, status=200 if listed and authorized else 404)

        async with served(nothing) as base_url:
            return await asked(base_url, "sk-FAKE0000000000000000000000000000abcd")

    report = asyncio.run(work())
    assert report.exit_code == 1
    assert [(d.cause, d.confidence) for d in report.diagnosis] == [("no-realtime-api-here", "high")]
    assert not [c for c, f in findings(report).items() if c.startswith("endpoint.") and f.status == "pass"]


@pytest.mark.parametrize(("at_once", "refused"), [(1, 1), (6, 2)])
def test_one_slot_is_enough_for_a_whole_run(at_once: int, refused: int) -> None:
    report = run_on_emulator(faults=["one-session-slot"], at_once=at_once)
    assert (report.exit_code, report.diagnosis, report.left_open) == (0, (), ())
    full = [x for x in report.exchanges if x.status == 503]
    assert 1 <= len(full) <= refused, "then it is known, and no two are asked for again"


def test_a_session_that_made_room_is_opened_anew_however_soon_the_server_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hang_up = Context.hang_up

    async def and_the_server_ends_it_at_once(ctx: Context, exchange: Exchange) -> Exchange:
        answer = await hang_up(ctx, exchange)
        for session in ctx._sessions:
            await session.until(lambda: False, 5)
        return answer

    monkeypatch.setattr(Context, "hang_up", and_the_server_ends_it_at_once)
    report = run_on_emulator(only=["session-update", "vad", "vad-rules"])
    assert "not sent: no session is open" not in {f.measured for f in findings(report).values()}
    assert report.exit_code == 0


@pytest.mark.parametrize("late", [0, 2])
def test_a_slot_that_is_given_back_late_is_waited_for(late: int) -> None:
    async def work() -> tuple[Report, OneSlot]:
        server = OneSlot(late)
        async with served(server.handle) as base_url:
            return await asked(base_url, "sk-FAKE0000000000000000000000000000abcd", ["websocket"]), server

    report, server = asyncio.run(work())
    assert finding(report, "websocket.model-key").status in ("pass", "info")
    assert finding(report, "websocket.intent-key").status in ("pass", "info")
    assert server.begun == 5, "a first look at each kind, the two ways with a key, and a made-up one"
    assert "no-session-slot-free" not in {d.cause for d in report.diagnosis}


def test_a_slot_that_somebody_else_holds_is_no_wrong_key_and_asked_for_once() -> None:
    async def work() -> Report:
        async with served(OneSlot(somebody_else=True).handle) as base_url:
            return await asked(base_url, "sk-FAKE0000000000000000000000000000abcd", ["websocket"])

    report = asyncio.run(work())
    assert [(d.cause, d.confidence) for d in report.diagnosis] == [("no-session-slot-free", "medium")]
    assert report.exit_code == 3
    assert sum(x.url.startswith("ws") for x in report.exchanges) == 2, "a first look, and the first way"


def test_what_a_server_opens_though_it_should_not_is_hung_up() -> None:
    async def work() -> tuple[Report, TakesAll]:
        async with Emulator() as emulator:
            server = TakesAll(emulator)
            async with served(server.handle) as base_url:
                only = ["token", "sdp", "sdp.wrong-content-type", "sdp.charset", "endpoint"]
                return await asked(base_url, emulator.key, only), server

    report, server = asyncio.run(work())
    assert server.opened > len(server.open) == 0
    assert report.left_open == ()


def test_a_check_that_breaks_leaves_nothing_open() -> None:
    async def probe(ctx: Context) -> AsyncIterator[Observation]:
        await ctx.opened("realtime")
        yield Observation("one")
        await ctx.socket("own", "?model=gpt-realtime-2.1", ctx.key, "ga")
        raise RuntimeError("broken")

    async def work() -> tuple[Report, int]:
        async with Emulator() as emulator:
            broken = replace(CHECKS["session-update"], probe=probe)
            chosen = plan.make([CHECKS["key"], CHECKS["token"], CHECKS["sdp"], broken], only=["session-update"])
            options = RunOptions(emulator.base_url, Credential("api-key", Secret(emulator.key)))
            report = await runner.run(chosen, options, mask=Mask(), emulator={"as_of": "", "faults": []})
            return report, emulator.open_sessions

    report, sessions = asyncio.run(work())
    assert (report.exit_code, report.left_open, sessions) == (4, (), 0)


def test_of_a_check_no_more_than_its_own_cases_are_named() -> None:
    assert plan.named_in_full(_checks(), ["a.one", "b.*", "c"]) == {"a.one", "b.one"}
    assert plan.named_in_full(_checks(), ["*", "?"]) == frozenset()
    assert plan.named_in_full(_checks(), ["?.one"]) == {"a.one", "b.one", "c.one"}


def _checks() -> list[Check]:
    one = CHECKS["key"]
    case = replace(one.cases[0], id="one")
    return [replace(one, id=name, cases=(case,)) for name in "abc"]


async def _ends_every_session(request: web.Request) -> web.StreamResponse:
    """A list of models, and a WebSocket that ends before anything was said."""
    if request.path.endswith("/models"):
        known = request.headers.get("Authorization") == "Bearer sk-FAKE-right"
        error = {"message": "Unknown key", "type": "invalid_request_error", "code": "invalid_api_key"}
        return web.json_response(
            {"object": "list", "data": []} if known else {"error": error}, status=200 if known else 401
        )
    if "Upgrade" not in request.headers:
        return web.json_response({"detail": "Not Found"}, status=404)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.close()
    return socket


@pytest.mark.parametrize("kinds", [KINDS, ("realtime",), ("transcription",)], ids=" and ".join)
def test_a_stranger_where_no_session_opens_is_not_well_whatever_kind_is_asked_about(kinds: tuple[Kind, ...]) -> None:
    async def report() -> Report:
        async with served(_ends_every_session) as base_url:
            return await asked(base_url, "sk-FAKE-right", kinds=kinds)

    assert asyncio.run(report()).exit_code != 0


def test_a_token_is_not_judged_by_a_url_that_is_not_there() -> None:
    async def report() -> Report:
        async with served(_ends_every_session) as base_url:
            own = Credential("own-token", Secret("odd-token-of-a-stranger-7"), "RTDIAG_TOKEN")
            return await asked(base_url, "sk-FAKE-right", only=("token.own",), own_token=own)

    found = finding(asyncio.run(report()), "token.own")
    assert (found.status, found.cause) == ("inconclusive", "url-not-known-here")
