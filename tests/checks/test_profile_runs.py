"""A run against the emulator as another server ends well: what that offers works, and nothing is said to be wrong."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from aiohttp import web

from rtdiag.emulator import EMULATOR_KEY, Emulator
from rtdiag.emulator.profiles import profiles
from rtdiag.model import CredentialShown, Report
from rtdiag.report import render
from rtdiag.testing import finding, run_on_emulator
from tests.checks.serving import served
from tests.checks.strangers import asked


@pytest.mark.parametrize("profile", profiles())
def test_a_healthy_server_is_found_so(profile: str) -> None:
    report = run_on_emulator(profile=profile)
    assert report.exit_code == 0
    assert not {r.finding.status for o in report.checks for r in o.rows} & {"fail", "inconclusive", "error"}


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("openai", []),
        ("litellm", ["offers a list of models, tokens, WebRTC, WebSockets, transcription"]),
        ("compatible", ["offers WebRTC, WebSockets; no list of models, no tokens, no transcription"]),
    ],
)
@pytest.mark.parametrize("form", ["table", "markdown"])
def test_what_a_stranger_offers_stands_where_it_is_said_who_it_is(profile: str, told: list[str], form: str) -> None:
    shown = render(run_on_emulator(profile=profile, only=["server"]), form)
    lines = [line.removeprefix("- ") for line in shown.splitlines()]
    assert [line for line in lines if line.startswith("offers ")] == told


def test_the_page_says_at_its_head_which_target_it_is_and_what_that_offers() -> None:
    report = run_on_emulator(profile="compatible", only=["server"])
    page = render(replace(report, target=replace(report.target, name="ours")), "html")
    head = re.search('class="asked">(.*?)</p>', page)
    assert head
    assert head[1].startswith("rtdiag asked ours: http://127.0.0.1:")
    assert head[1].endswith("; offers WebRTC, WebSockets; no list of models, no tokens, no transcription")


def test_a_run_without_a_key_says_so() -> None:
    report = run_on_emulator(only=["key.shape"])
    keyless = replace(report, credential=CredentialShown())
    assert "\nwithout a key\n" in render(keyless, "table")
    assert "- without a key\n" in render(keyless, "markdown")
    assert "<dd>without a key</dd>" in render(keyless, "html")


def test_an_upgrade_that_is_refused_where_nothing_else_is_there_is_no_websocket_for_certain() -> None:
    """So uvicorn answers at every URL that its program does not know: the base URL may be wrong as well as the key."""

    async def nowhere(request: web.Request) -> web.Response:
        if "upgrade" in request.headers:
            return web.Response(status=403)
        return web.json_response({"detail": "Not Found"}, status=404)

    async def ran() -> Report:
        async with served(nowhere) as base_url:
            return await asked(base_url, EMULATOR_KEY, ["server"])

    report = asyncio.run(ran())
    assert report.target.offers == {"models": False, "mint": False, "calls": False}
    assert finding(report, "server.websocket").measured == "403"


def test_what_is_refused_with_everything_else_is_not_told_as_missing() -> None:
    """A LiteLLM that does not know the key mints nothing at all, which says nothing of transcription."""

    async def ran() -> Report:
        async with Emulator(profile="litellm") as emulator:
            return await asked(emulator.base_url, EMULATOR_KEY + "1", ["server"])

    assert asyncio.run(ran()).target.offers == {"websocket": True, "mint": True}


def test_a_matrix_does_not_say_in_each_cell_why_a_door_is_not_there() -> None:
    shown = render(run_on_emulator(profile="compatible", only=["endpoint"]), "table", verbose=True)
    matrix = shown.partition("offer posted to")[2].partition("as expected in")[0]
    assert "not offered" in matrix
    assert "no tokens" not in matrix
