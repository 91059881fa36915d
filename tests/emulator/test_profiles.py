"""Whose server it is: what Azure answers otherwise, and only Azure."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from rtdiag.cli import main
from rtdiag.emulator import Emulator
from rtdiag.emulator.profiles import UnknownProfile, profiles
from tests.emulator.clients import bearer, http, peer, until, wire

Json = dict[str, Any]

OFFERED = {"type": "realtime", "model": "gpt-realtime"}
ANSWER: Json = {"type": "response.create", "response": {"output_modalities": ["text"]}}


async def minted(emulator: Emulator, **headers: str) -> httpx.Response:
    async with http(emulator) as client:
        return await client.post("/realtime/client_secrets", headers=headers, json={"session": OFFERED})


async def parts(profile: str) -> list[Json]:
    """The events of a content part."""
    async with Emulator(profile=profile, pace=0) as emulator, wire(emulator) as made:
        await made.send(ANSWER)
        return [e for e in await until(made, "response.done") if e["type"].startswith("response.content_part.")]


@pytest.mark.parametrize("profile", profiles())
def test_a_part_is_said_twice_by_azure_alone(profile: str) -> None:
    told = asyncio.run(parts(profile))
    assert len(told) == 2
    for event in told:
        assert ("content" in event) == (profile == "azure")
        assert profile != "azure" or (event["content"] == event["part"] and list(event)[-2:] == ["part", "content"])


def test_azure_lies_elsewhere_and_takes_its_own_header() -> None:
    async def run() -> None:
        async with Emulator(profile="azure") as emulator:
            assert emulator.base_url.endswith("/openai/v1")
            answer = await minted(emulator, **{"api-key": emulator.key})
            assert answer.status_code == 200
            assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["apim-request-id"])
            assert not {name for name in answer.headers if name.startswith("access-control-")}
            assert (await minted(emulator)).status_code == 401
            async with httpx.AsyncClient(trust_env=False) as client:
                elsewhere = emulator.base_url.replace("/openai", "")
                assert (await client.get(f"{elsewhere}/models", headers=bearer(emulator.key))).status_code == 404
        async with Emulator() as emulator:
            assert (await minted(emulator, **{"api-key": emulator.key})).status_code == 401

    asyncio.run(run())


def test_a_call_of_azure_has_no_region() -> None:
    async def run() -> None:
        async with Emulator(profile="azure") as emulator, http(emulator) as client, peer() as made:
            headers = bearer(emulator.key, "application/sdp")
            answer = await client.post(
                "/realtime/calls?model=gpt-realtime", headers=headers, content=await made.offer()
            )
            assert re.fullmatch(r"/v1/realtime/calls/rtc_[0-9a-f]{32}", answer.headers["location"])
            assert answer.headers["access-control-expose-headers"] == "Location,X-Request-Id"
            assert answer.headers["openai-version"]
            assert "a=ice-lite" not in answer.text

    asyncio.run(run())


def test_the_fragment_names_the_region_of_the_call() -> None:
    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            headers = bearer(emulator.key, "application/sdp")
            answer = await client.post(
                "/realtime/calls?model=gpt-realtime", headers=headers, content=await made.offer()
            )
            region = answer.headers["location"].split("_")[1]
            assert f"/{region}/" in answer.text

    asyncio.run(run())


def test_a_profile_that_is_none_is_one_line() -> None:
    with pytest.raises(UnknownProfile, match="did you mean azure"):
        Emulator(profile="azur")
    done = CliRunner().invoke(main, ["emulator", "--profile", "x"])
    assert (done.exit_code, done.stderr) == (2, "rtdiag: unknown profile 'x': there are openai, azure, gateway\n")
