"""Several slashes in a path: several by default, one where that is asked for."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rtdiag.emulator import Emulator
from tests.emulator.clients import SESSIONS, WAIT_S, bearer, ga_token, http, peer


def url(emulator: Emulator, path: str) -> str:
    """That path at the root of the emulator, as it stands."""
    return emulator.base_url.removesuffix("/v1") + path


@pytest.mark.parametrize("path", ["/v1//models", "//v1/models", "/v1///models"])
@pytest.mark.parametrize(("merge", "status"), [(False, 404), (True, 200)])
def test_slashes_are_merged_where_it_is_asked_for(path: str, merge: bool, status: int) -> None:
    async def run() -> httpx.Response:
        async with Emulator(merge_slashes=merge) as emulator, httpx.AsyncClient(trust_env=False) as client:
            return await client.get(url(emulator, path), headers=bearer(emulator.key))

    answer = asyncio.run(run())
    assert answer.status_code == status
    if not merge:
        assert answer.json()["error"]["message"] == f"Invalid URL (GET {path})"


def test_a_socket_keeps_its_query() -> None:
    async def run(merge: bool) -> str:
        async with Emulator(merge_slashes=merge) as emulator:
            path = url(emulator, "/v1//realtime?model=gpt-realtime&intent=realtime").replace("http", "ws", 1)
            async with connect(path, additional_headers=bearer(emulator.key), proxy=None) as made:
                return str(json.loads(await asyncio.wait_for(made.recv(), WAIT_S))["session"]["model"])

    assert asyncio.run(run(True)) == "gpt-realtime"
    with pytest.raises(InvalidStatus, match="404"):
        asyncio.run(run(False))


def test_a_body_and_a_call_are_found_behind_them() -> None:
    async def run() -> int:
        async with Emulator(merge_slashes=True) as emulator, http(emulator) as client, peer() as made:
            headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), "application/sdp")
            answer = await client.post(
                url(emulator, "/v1//realtime//calls"), headers=headers, content=await made.offer()
            )
            assert answer.status_code == 201, answer.text
            hangup = url(emulator, answer.headers["location"].replace("/rtc_", "//rtc_") + "//hangup")
            return (await client.post(hangup, headers=bearer(emulator.key))).status_code

    assert asyncio.run(run()) == 200
