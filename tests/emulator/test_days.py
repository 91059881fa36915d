"""What is there on which day: models and their announced ends, fields, sessions' lives."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import httpx
import pytest

from rtdiag.emulator import Emulator
from tests.emulator.clients import MODEL, SESSIONS, bearer, call, ga_token, http, wire

Json = dict[str, Any]
BETA = {"OpenAI-Beta": "realtime=v1"}


def listed(as_of: date) -> dict[str, Json]:
    async def run() -> Json:
        async with Emulator(as_of) as emulator, http(emulator) as client:
            found: Json = (await client.get("/models", headers=bearer(emulator.key))).json()
            return found

    return {model["id"]: model for model in asyncio.run(run())["data"]}


@pytest.mark.parametrize(
    ("model", "first", "before"),
    [
        ("gpt-4o-realtime-preview-2024-10-01", date(2024, 10, 1), None),
        ("gpt-4o-realtime-preview-2025-06-03", date(2025, 6, 3), date(2025, 6, 2)),
        ("gpt-4o-mini-realtime-preview-2024-12-17", date(2024, 12, 17), date(2024, 12, 16)),
        ("gpt-realtime-mini-2025-10-06", date(2025, 10, 6), date(2025, 10, 5)),
        ("gpt-4o-mini-transcribe-2025-12-15", date(2025, 12, 15), date(2025, 12, 14)),
    ],
)
def test_a_snapshot_is_there_from_its_day_on(model: str, first: date, before: date | None) -> None:
    assert model in listed(first)
    assert before is None or model not in listed(before)


@pytest.mark.parametrize(
    ("model", "silent", "told"),
    [
        ("whisper-1", date(2026, 8, 25), date(2026, 8, 26)),
        ("gpt-realtime", date(2026, 7, 19), date(2026, 7, 20)),
        ("gpt-4o-realtime-preview", date(2025, 9, 14), date(2025, 9, 15)),
    ],
)
def test_an_end_is_shown_when_it_is_announced(model: str, silent: date, told: date) -> None:
    assert "shutdown_date" not in listed(silent)[model]
    assert listed(told)[model]["shutdown_date"]


def test_one_model_is_shown_or_refused() -> None:
    async def run() -> tuple[httpx.Response, httpx.Response]:
        async with Emulator() as emulator, http(emulator) as client:
            headers = bearer(emulator.key)
            return await client.get("/models/gpt-realtime", headers=headers), await client.get(
                "/models/gpt-nope", headers=headers
            )

    there, nowhere = asyncio.run(run())
    assert there.json()["id"] == "gpt-realtime"
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("as_of", "shown"),
    [
        (date(2024, 12, 17), set()),
        (date(2025, 3, 20), {"input_audio_noise_reduction"}),
        (date(2025, 6, 3), {"input_audio_noise_reduction", "speed", "tracing"}),
    ],
)
def test_a_field_of_the_beta_is_there_from_its_day_on(as_of: date, shown: set[str]) -> None:
    async def run() -> tuple[Json, Json]:
        async with Emulator(as_of) as emulator, http(emulator) as client:
            headers = bearer(emulator.key)
            made = await client.post("/realtime/sessions", headers=headers, json={})
            tried = await client.post("/realtime/sessions", headers=headers, json={"speed": 1.1})
            return made.json(), tried.json()

    made, tried = asyncio.run(run())
    assert made.keys() & {"input_audio_noise_reduction", "speed", "tracing"} == shown
    assert ("error" in tried) == ("speed" not in shown)


def test_a_transcription_model_is_refused_before_its_day() -> None:
    async def minted(as_of: date) -> int:
        session = {"type": "transcription", "audio": {"input": {"transcription": {"model": "gpt-live-transcribe"}}}}
        async with Emulator(as_of) as emulator, http(emulator) as client:
            headers = bearer(emulator.key)
            return (
                await client.post("/realtime/client_secrets", headers=headers, json={"session": session})
            ).status_code

    assert asyncio.run(minted(date(2026, 7, 27))) == 400
    assert asyncio.run(minted(date(2026, 7, 28))) == 200


def test_the_beta_header_is_refused_beside_a_call_too() -> None:
    async def run() -> Json:
        async with Emulator() as emulator, call(emulator, {"type": "realtime", "model": "gpt-realtime"}) as made:
            await made.event()
            async with wire(emulator, f"?call_id={made.call_id}", headers=BETA) as beside:
                return await beside.event()

    assert asyncio.run(run())["error"]["code"] == "beta_api_shape_disabled"


@pytest.mark.parametrize(("as_of", "headers", "minutes"), [(date(2025, 9, 1), BETA, 30), (date(2025, 9, 1), {}, 60)])
def test_a_session_of_the_beta_lives_half_an_hour(as_of: date, headers: dict[str, str], minutes: int) -> None:
    now_s = 1_800_000_000.0

    async def run() -> Json:
        async with (
            Emulator(as_of, clock=lambda: now_s) as emulator,
            wire(emulator, MODEL, headers=headers) as socket,
        ):
            return await socket.event()

    assert asyncio.run(run())["session"]["expires_at"] == now_s + minutes * 60


def test_a_token_opens_one_session_since_august_2026() -> None:
    async def twice(as_of: date) -> list[str]:
        async with Emulator(as_of=as_of) as emulator, http(emulator) as client:
            token = await ga_token(client, emulator, SESSIONS["realtime"])
            events = []
            for _ in range(2):
                async with wire(emulator, "", token) as socket:
                    events.append(await socket.event())
        return [event.get("error", {}).get("code") or event["type"] for event in events]

    assert asyncio.run(twice(date(2026, 7, 31))) == ["session.created", "session.created"]
    assert asyncio.run(twice(date(2026, 8, 1))) == ["session.created", "ephemeral_token_already_used"]


@pytest.mark.parametrize(
    ("model", "voice", "silence_ms"),
    [("gpt-realtime-2.1", "marin", 500), ("gpt-realtime-2.1-mini", "marin", 500), ("gpt-realtime", "alloy", 200)],
)
def test_a_session_opens_as_its_model_does(model: str, voice: str, silence_ms: int) -> None:
    async def opened(emulator: Emulator, query: str, token: str) -> Any:
        async with wire(emulator, query, token) as socket:
            return (await socket.event())["session"]

    async def run() -> list[Any]:
        async with Emulator() as emulator, http(emulator) as client:
            minted = await ga_token(client, emulator, {"type": "realtime", "model": model})
            named = {"type": "realtime", "model": model, "audio": {"output": {"voice": "sage"}}}
            return [
                await opened(emulator, f"?model={model}", emulator.key),
                await opened(emulator, "", minted),
                await opened(emulator, "", await ga_token(client, emulator, named)),
            ]

    by_key, by_token, own = asyncio.run(run())
    for session in (by_key, by_token):
        audio = session["audio"]
        assert (audio["output"]["voice"], audio["input"]["turn_detection"]["silence_duration_ms"]) == (
            voice,
            silence_ms,
        )
        assert "reasoning" not in session
    assert own["audio"]["output"]["voice"] == "sage"
