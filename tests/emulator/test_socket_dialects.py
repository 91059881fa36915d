"""Beta and GA on one URL: which of them a socket speaks on which day, and what it may not bring along."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from rtdiag.emulator import Emulator
from tests.emulator.clients import (
    INTENT,
    MODEL,
    SESSIONS,
    SHAPE,
    beta_token,
    first_of,
    ga_token,
    http,
    refused,
    wire,
)

BOTH_DIALECTS = date(2025, 8, 28)


BETA_ONLY = date(2025, 8, 27)


LAST_BETA = date(2026, 5, 11)


BETA = {"OpenAI-Beta": "realtime=v1"}


BETA_MODEL = "?model=gpt-4o-realtime-preview"


@pytest.mark.parametrize("query", [MODEL, INTENT])
@pytest.mark.parametrize(
    "asked", [{"headers": BETA}, {"subprotocols": ["realtime", "openai-beta.realtime-v1"]}], ids=["header", "protocol"]
)
def test_the_beta_has_ended(query: str, asked: dict[str, Any]) -> None:
    error, close, reason = refused(query, **asked)
    assert (error["code"], error["param"]) == ("beta_api_shape_disabled", None)
    assert error["message"] == "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."
    assert (close, reason) == (4000, f"{SHAPE}.beta_api_shape_disabled")


@pytest.mark.parametrize("as_of", [BOTH_DIALECTS, LAST_BETA])
def test_both_dialects_live_side_by_side(as_of: date) -> None:
    async def run() -> None:
        model = BETA_MODEL if as_of < date(2026, 5, 7) else MODEL  # shut down a few days before the beta itself
        async with Emulator(as_of) as emulator:
            async with wire(emulator) as new, wire(emulator, model, headers=BETA) as old:
                ga, beta = (await new.event())["session"], (await old.event())["session"]
                assert ga["type"] == "realtime"
                assert ga["output_modalities"] == ["audio"]
                assert "type" not in beta
                assert beta["modalities"] == ["text", "audio"]
            async with wire(emulator, INTENT) as new, wire(emulator, INTENT, headers=BETA) as old:
                assert (await new.event())["type"] == "session.created"
                assert (await old.event())["type"] == "transcription_session.created"

    asyncio.run(run())


def test_before_general_availability_the_header_is_asked_for() -> None:
    error, close, reason = refused(BETA_MODEL, BETA_ONLY)
    assert (error["code"], close, reason) == ("invalid_beta", 4000, f"{SHAPE}.invalid_beta")
    assert first_of(BETA_MODEL, BETA_ONLY, headers=BETA)["session"]["model"] == "gpt-4o-realtime-preview"


def test_the_first_day_knows_conversations_alone() -> None:
    day = date(2024, 10, 1)
    assert first_of(BETA_MODEL, day, headers=BETA)["type"] == "session.created"
    error, _, _ = refused(INTENT, day, headers=BETA)
    assert error["code"] == "missing_model"
    assert first_of(INTENT, date(2025, 3, 20), headers=BETA)["type"] == "transcription_session.created"


def test_a_secret_of_the_other_dialect_is_a_version_mismatch() -> None:
    async def run() -> None:
        async with Emulator(BOTH_DIALECTS) as emulator, http(emulator) as client:
            new = await ga_token(client, emulator, SESSIONS["realtime"])
            old = await beta_token(client, emulator, "/realtime/sessions", {})
            for token, headers, words in (
                (new, BETA, "cannot start a Realtime beta session with a GA client secret"),
                (old, {}, "cannot start a Realtime GA session with a beta client secret"),
            ):
                async with wire(emulator, "", token, headers) as made:
                    (error,), code, reason = await made.end()
                assert words in error["error"]["message"]
                assert (code, reason) == (4000, f"{SHAPE}.api_version_mismatch")
            for token, headers in ((new, {}), (old, BETA)):
                async with wire(emulator, "", token, headers) as made:
                    assert (await made.event())["type"] == "session.created"

    asyncio.run(run())
