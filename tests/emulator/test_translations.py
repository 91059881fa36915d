"""Translations: the mint, from its day on, and that its tokens open no conversation."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import httpx
import pytest

from rtdiag.emulator import Emulator
from tests.emulator.clients import bearer, http, wire

Json = dict[str, Any]

PATH = "/realtime/translations/client_secrets"
MODEL = {"model": "gpt-realtime-translate"}
NOW_S = 1_800_000_000


def minted(body: Json, as_of: date | None = None) -> httpx.Response:
    async def run() -> httpx.Response:
        async with Emulator(as_of, clock=lambda: NOW_S) as emulator, http(emulator) as client:
            return await client.post(PATH, headers=bearer(emulator.key), json=body)

    return asyncio.run(run())


def test_the_answer_is_that_of_the_api() -> None:
    asked = {
        **MODEL,
        "audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}, "output": {"language": "es"}},
    }
    answer = minted({"session": asked, "expires_after": {"anchor": "created_at", "seconds": 60}})
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"value", "expires_at", "session"}
    assert body["value"].startswith("ek_")
    assert body["expires_at"] == NOW_S + 60
    session = body["session"]
    assert (session["type"], session["model"]) == ("translation", "gpt-realtime-translate")
    assert session["id"].startswith("sess_")
    assert session["audio"]["output"] == {"language": "es"}
    assert session["audio"]["input"]["noise_reduction"] is None
    assert session["audio"]["input"]["transcription"]["model"] == "gpt-realtime-whisper"


def test_what_is_not_named_has_its_default() -> None:
    body = minted({"session": MODEL}).json()
    assert body["expires_at"] == NOW_S + 600
    assert body["session"]["audio"]["input"] == {"transcription": None, "noise_reduction": None}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_required_parameter", "session"),
        ({"session": {}}, "missing_required_parameter", "session.model"),
        ({"session": {**MODEL, "type": "translation"}}, "unknown_parameter", "session.type"),
        ({"session": MODEL, "expires_after": {"seconds": 9}}, "integer_below_min_value", "expires_after.seconds"),
    ],
)
def test_what_is_refused(body: Json, code: str, param: str) -> None:
    answer = minted(body)
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == (code, param)


@pytest.mark.parametrize(("day", "status"), [(date(2026, 5, 6), 404), (date(2026, 5, 7), 200)])
def test_they_begin_on_their_day(day: date, status: int) -> None:
    assert minted({"session": MODEL}, day).status_code == status


def test_a_token_of_theirs_opens_no_conversation() -> None:
    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client:
            token = (await client.post(PATH, headers=bearer(emulator.key), json={"session": MODEL})).json()["value"]
            async with wire(emulator, "", token) as made:
                (error,), code, _ = await made.end()
            assert (error["error"]["code"], code) == ("invalid_api_key", 3000)
            assert (await client.post(PATH, headers=bearer(token), json={"session": MODEL})).status_code == 401

    asyncio.run(run())
