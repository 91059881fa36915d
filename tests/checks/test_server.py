"""What server it is and what it offers: what is found out, what that costs, and in which form each server is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from rtdiag.emulator import Emulator
from rtdiag.engine import plan, registry
from rtdiag.engine.config import Config
from rtdiag.engine.rejudge import replay
from rtdiag.model import NOT_OFFERED, Exchange, Finding, Report
from rtdiag.testing import finding
from rtdiag.whole_run import run
from tests.checks.serving import served
from tests.checks.strangers import CHECKS, asked

STRANGERS = ("azure", "azure-voice-live", "compatible", "gateway", "litellm", "xai")
FORMS = ("Authorization", "api-key")


def played(profile: str, *only: str, **wished: Any) -> Report:
    """A run on the embedded emulator of that profile."""
    return run(Config(emulator=True, profile=profile, only=only, **wished))


async def _against(played_as: str, key: str | None, only: tuple[str, ...], **wished: Any) -> Report:
    async with Emulator(profile=played_as) as emulator:
        return await asked(emulator.base_url, key or emulator.key, only, **wished)


def statuses(report: Report) -> dict[str, tuple[str, str | None]]:
    return {f"{o.id}.{r.id}": (r.finding.status, r.finding.cause) for o in report.checks for r in o.rows}


def sent(exchange: Exchange) -> dict[str, str]:
    """The headers that carry a key, by their names, in small letters."""
    return {k.lower(): v for k, v in exchange.request_headers if k.lower() in {form.lower() for form in FORMS}}


def test_nothing_more_is_asked_of_the_emulator_than_without_it() -> None:
    report = run(Config(emulator=True, only=["server"]))
    assert {x.url.rpartition("/")[2] for x in report.exchanges} == {"models"}
    assert (finding(report, "server.who").status, report.target.offers) == ("pass", {})
    steps = plan.make(CHECKS.values())
    assert steps.costing(stranger=True).requests > steps.costing().requests


@pytest.mark.parametrize("profile", STRANGERS)
def test_what_is_told_of_a_strangers_doors_is_what_was_seen_there(profile: str) -> None:
    report = played(profile, "server")
    rows = {r.id: r for o in report.checks if o.id == "server" for r in o.rows}
    for case, there in report.target.offers.items():
        assert (NOT_OFFERED in rows[case].finding.observed) is not there, case
    assert not any(case.finding.status in ("fail", "inconclusive", "error") for case in rows.values())


@pytest.mark.parametrize("profile", STRANGERS)
def test_what_is_not_offered_is_told_once_and_not_asked(profile: str) -> None:
    report = played(profile)
    assert report.exit_code == 0
    absent = [case for case, there in report.target.offers.items() if not there and case != "models"]
    for case in absent:
        told = finding(report, f"server.{case}").measured
        behind = [f for o in report.checks for r in o.rows if (f := r.finding).measured == f"{NOT_OFFERED}: {told}"]
        assert behind, case
        assert {f.status for f in behind} == {"skip"}


@pytest.mark.parametrize("profile", STRANGERS)
def test_a_replay_judges_a_stranger_as_the_run_did(profile: str) -> None:
    report = played(profile)
    assert statuses(replay(report, registry.load(()).checks)) == statuses(report)


@pytest.mark.parametrize(
    ("key", "header"),
    [("f" * 32, "api-key"), ("eyJFAKE." + "e" * 40 + ".FAKE", "authorization")],
    ids=["a key of the resource", "a token of Entra"],
)
def test_azure_is_sent_each_credential_in_its_own_header(key: str, header: str) -> None:
    report = asyncio.run(_against("azure", key, ("key", "websocket.model-key"), profile="azure"))
    with_key = [x for x in report.exchanges if x.credential == "api-key"]
    assert with_key
    assert {name for x in with_key for name in sent(x)} == {header}
    assert all(key not in value for x in with_key for value in sent(x).values())


def test_the_preview_of_azure_is_asked_for_a_deployment_of_a_version() -> None:
    report = asyncio.run(
        _against("azure", None, ("websocket.model-key",), profile="azure-preview", realtime_model="mine")
    )
    asked_for = [x.url.partition("?")[2] for x in report.exchanges if x.url.startswith("ws")]
    assert asked_for
    assert set(asked_for) == {"deployment=mine&api-version=2025-04-01-preview"}


def test_a_token_of_xai_goes_behind_its_own_sub_protocol() -> None:
    report = played("xai", "websocket.model-subprotocol")
    offered = [v for x in report.exchanges for k, v in x.request_headers if k.lower() == "sec-websocket-protocol"]
    assert [one.startswith("realtime, xai-client-secret.") for one in offered] == [True]
    assert finding(report, "websocket.model-subprotocol").status == "pass"


async def _keyless(handler: Any) -> Report:
    async with served(handler) as base_url:
        return await asyncio.to_thread(run, Config(base_url=base_url, timeout_s=5))


def test_a_server_is_asked_without_a_key_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    seen: list[str | None] = []

    async def refuses(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({"detail": "Not authenticated"}, status=401)

    report = asyncio.run(_keyless(refuses))
    assert None in seen
    assert report.exit_code == 1
    assert [d.cause for d in report.diagnosis][:1] == ["no-credential-sent/not-given"]
    assert "OpenAI" not in f"{report.diagnosis[0].summary} {report.diagnosis[0].fix}".replace("OPENAI_API_KEY", "")


def test_where_the_model_is_unknown_the_hint_names_those_of_the_list() -> None:
    found: Finding = finding(played("litellm", "token.mint-realtime", model="none-such"), "token.mint-realtime")
    assert (found.status, found.cause) == ("fail", "model-unknown-at-gateway")
    assert "gpt-realtime-2.1, " in (found.hint or "")
    assert "--model" in (found.hint or "")


@pytest.mark.parametrize("fault", ["litellm-upstream-key-wrong", "litellm-upstream-quota", "litellm-upstream-dead"])
def test_where_the_upstream_is_at_fault_no_other_model_is_advised(fault: str) -> None:
    report = played("litellm", "token", "websocket", faults=[fault])
    assert report.diagnosis[0].cause.startswith("upstream-")
    assert "--model" not in report.diagnosis[0].fix


def test_what_answers_everything_with_a_page_is_not_told_as_a_server_without_sessions() -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!DOCTYPE html><title>Log in</title>", content_type="text/html")

    async def work() -> Report:
        async with served(page) as base_url:
            return await asked(base_url, "sk-FAKE0000000000000000000000000000abcd", longest_s=2)

    report = asyncio.run(work())
    assert report.exit_code == 3
    assert "no-realtime-api-here" not in {d.cause for d in report.diagnosis}


@pytest.mark.parametrize(
    ("status", "body", "exit_code", "cause"),
    [
        (401, {"detail": "Invalid API key"}, 1, "key-wrong-or-revoked"),
        (403, {"message": "Forbidden"}, 3, "refused-alike"),
        (404, {"detail": "Not Found"}, 3, "url-not-known-here"),
        (500, {"detail": "Oops"}, 3, "server-unavailable"),
    ],
)
def test_where_the_key_alone_is_asked_about_no_answer_that_tells_nothing_is_well(
    status: int, body: dict[str, str], exit_code: int, cause: str
) -> None:
    async def says(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    async def work() -> Report:
        async with served(says) as base_url:
            return await asked(base_url, "sk-FAKE0000000000000000000000000000abcd", ["key"])

    report = asyncio.run(work())
    assert report.exit_code == exit_code
    assert report.diagnosis[0].cause == cause
