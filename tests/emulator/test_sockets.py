"""The WebSocket: which URL and credential opens which session, how it refuses, and what a frame may not be."""

from __future__ import annotations

import asyncio
import json
import re
import tracemalloc
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from aiohttp import web
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rtdiag.api.endpoints import KINDS, Kind
from rtdiag.emulator import Emulator
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.http.sockets import LARGEST_MESSAGE_BYTES, Socket, _close_code
from tests.emulator.clients import (
    INTENT,
    MODEL,
    SESSIONS,
    SHAPE,
    first_of,
    ga_token,
    http,
    refused,
    wire,
)

Json = dict[str, Any]

BETA = {"OpenAI-Beta": "realtime=v1"}
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def turned_away(query: str, faults: tuple[str, ...] = (), path: str = "/realtime") -> tuple[int, bytes]:
    """The HTTP answer in place of the upgrade."""

    async def run() -> tuple[int, bytes]:
        async with Emulator(faults=faults) as emulator:
            with pytest.raises(InvalidStatus) as caught:
                async with wire(emulator, path.removeprefix("/realtime") + query):
                    pass
            return caught.value.response.status_code, bytes(caught.value.response.body or b"")

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("query", "token", "kind"),
    [
        (MODEL, None, "realtime"),
        (INTENT, None, "transcription"),
        (INTENT, "transcription", "transcription"),
        ("", "transcription", "transcription"),
        ("", "realtime", "realtime"),
        (MODEL, "realtime", "realtime"),
        (INTENT, "realtime", "realtime"),
    ],
)
def test_which_session_a_url_and_a_credential_open(query: str, token: Kind | None, kind: Kind) -> None:
    created = first_of(query, kind=token)
    assert created["type"] == "session.created"
    session = created["session"]
    assert session["type"] == kind
    assert session["object"] == ("realtime.session" if kind == "realtime" else "realtime.transcription_session")
    if kind == "realtime":
        assert session["model"] == "gpt-realtime"
    else:
        assert session["audio"]["input"]["transcription"] is None
        assert "model" not in session


@pytest.mark.parametrize(
    ("query", "token", "code", "message"),
    [
        ("?model=gpt-nope", None, "invalid_model", 'Model "gpt-nope" is not supported in realtime mode'),
        ("?model=gpt-4o-transcribe", None, "invalid_model", '"gpt-4o-transcribe" is not supported in realtime mode'),
        ("?model=gpt-live-1", None, "invalid_model", 'Model "gpt-live-1" is not supported in realtime mode'),
        ("", None, "missing_model", "You must provide a model parameter, for example wss://api.openai.com/v1/realtime"),
        ("?model=", None, "missing_model", "You must provide a model parameter"),
        (INTENT + "&model=gpt-4o-transcribe", None, "invalid_model", "is not supported in transcription mode"),
        (INTENT + "&model=gpt-4o-transcribe", "transcription", "invalid_model", "not supported in transcription mode"),
        (
            *(INTENT + "&model=gpt-realtime", "transcription", "invalid_model"),
            "You must not provide a model parameter for transcription sessions.",
        ),
    ],
)
def test_which_combination_is_refused(query: str, token: Kind | None, code: str, message: str) -> None:
    error, close, reason = refused(query, kind=token)
    assert (error["type"], error["code"], error["param"]) == (SHAPE, code, None)
    assert message in error["message"]
    assert (close, reason) == (4000, f"{SHAPE}.{code}")


@pytest.mark.parametrize("intent", ["foo", "conversation", "Transcription", "transcription%20"])
@pytest.mark.parametrize("query", ["?intent=", f"{MODEL}&intent="])
@pytest.mark.parametrize("kind", [None, *KINDS])
def test_an_intent_that_is_none_is_refused(query: str, intent: str, kind: Kind | None) -> None:
    error, close, reason = refused(query + intent, kind=kind)
    told = {"type": SHAPE, "code": "invalid_intent", "message": "Invalid intent ", "param": None, "event_id": None}
    assert (error, close, reason) == (told, 4000, f"{SHAPE}.invalid_intent")


@pytest.mark.parametrize("query", [f"{MODEL}&intent=realtime", f"{MODEL}&intent="])
def test_an_intent_may_say_what_goes_without_saying(query: str) -> None:
    assert first_of(query)["session"]["type"] == "realtime"


def test_before_there_were_intents_none_is_looked_at() -> None:
    assert first_of("?model=gpt-4o-realtime-preview&intent=foo", date(2025, 3, 19), headers=BETA)["session"]


@pytest.mark.parametrize(("as_of", "form"), [(None, UUID), (date(2026, 8, 31), "[A-Za-z0-9]{21}")])
@pytest.mark.parametrize(("query", "faults"), [("", ()), (MODEL, ["error-after-connect"])])
def test_the_event_of_a_session_that_never_begins_has_an_id_of_its_own(
    query: str, faults: list[str], as_of: date | None, form: str
) -> None:
    async def run() -> Json:
        async with Emulator(as_of, faults) as emulator, wire(emulator, query) as made:
            return await made.event()

    event = asyncio.run(run())
    assert list(event) == ["type", "event_id", "error"]
    assert re.fullmatch(f"event_{form}", event["event_id"])


@pytest.mark.parametrize(
    ("query", "event", "code", "param"),
    [
        (MODEL, {"session": {"type": "transcription"}}, "invalid_parameter", ""),
        (INTENT, {"session": {"type": "realtime"}}, "invalid_parameter", ""),
        (MODEL, {"session": {}}, "missing_required_parameter", "session.type"),
        (
            *(INTENT, {"session": {"type": "transcription", "audio": {"input": {"transcription": {}}}}}),
            *("missing_required_parameter", "session.audio.input.transcription.model"),
        ),
        (MODEL, {"session": {"type": "realtime", "bogus_field": 1}}, "unknown_parameter", "session.bogus_field"),
    ],
)
def test_an_update_that_is_refused_leaves_the_socket_open(query: str, event: Json, code: str, param: str) -> None:
    async def run() -> None:
        async with Emulator() as emulator, wire(emulator, query) as made:
            before = (await made.event())["session"]
            error = (await made.ask({"type": "session.update", "event_id": "mine", **event}))["error"]
            assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
            good = {"type": "session.update", "session": {"type": before["type"]}}
            assert (await made.ask(good))["session"] == before

    asyncio.run(run())


def test_a_wrong_key_and_none_are_told_after_the_upgrade() -> None:
    key = "sk-proj-FAKE-of-nobody-0000000AAAA"
    error, close, reason = refused(MODEL, credential=key)
    assert (error["code"], close, reason) == ("invalid_api_key", 3000, f"{SHAPE}.invalid_api_key")
    assert error["message"].startswith(f"Incorrect API key provided: {key[:8]}*")
    assert key not in error["message"]
    error, close, reason = refused(MODEL, credential="")
    assert (error["code"], error["param"], close, reason) == (None, None, 3000, SHAPE)
    assert error["message"] == "Missing bearer or basic authentication in header"


def test_an_expired_token_is_refused() -> None:
    async def run() -> tuple[list[Json], int | None, str | None]:
        now_s = [1_800_000_000.0]
        async with Emulator(clock=lambda: now_s[0]) as emulator, http(emulator) as client:
            token = await ga_token(client, emulator, SESSIONS["realtime"])
            now_s[0] += 600
            async with wire(emulator, "", token) as made:
                return await made.end()

    events, close, _ = asyncio.run(run())
    assert events[0]["error"]["message"] == "Ephemeral token expired"
    assert close == 3000


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_a_page_gives_its_credential_as_a_subprotocol(kind: Kind | None) -> None:
    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client:
            secret = await ga_token(client, emulator, SESSIONS[kind]) if kind else emulator.key
            offered = ["realtime", f"openai-insecure-api-key.{secret}", "openai-project.proj_fake"]
            async with wire(emulator, "" if kind else MODEL, "", subprotocols=offered) as made:
                assert made.connection.subprotocol == "realtime"
                assert (await made.event())["session"]["type"] == (kind or "realtime")

    asyncio.run(run())


def test_a_wrong_key_in_a_subprotocol_is_refused_like_any() -> None:
    offered = ["realtime", "openai-insecure-api-key.sk-FAKE-wrong-0000000000"]
    error, close, _ = refused(MODEL, credential="", subprotocols=offered)
    assert (error["code"], close) == ("invalid_api_key", 3000)


def test_no_subprotocol_is_chosen_where_none_is_offered() -> None:
    async def run() -> None:
        async with Emulator() as emulator, wire(emulator) as made:
            assert made.connection.subprotocol is None
            response = made.connection.response
            assert response is not None
            assert response.status_code == 101
            assert "x-request-id" not in response.headers
            assert response.headers["server"] == "rtdiag-emulator"
            assert response.headers["sec-websocket-extensions"].startswith("permessage-deflate")

    asyncio.run(run())


def test_the_upgrade_is_dated_by_the_clock_of_the_emulator() -> None:
    async def run() -> str:
        async with Emulator(clock=lambda: 1_800_000_000.0) as emulator, wire(emulator) as made:
            response = made.connection.response
            assert response is not None
            return response.headers["date"]

    assert asyncio.run(run()) == "Fri, 15 Jan 2027 08:00:00 GMT"


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        (b"{}", "invalid_event", None),
        ("{", "invalid_json", None),
        ('{"type": "input_audio_buffer.clear", "event_id": NaN}', "invalid_json", None),
        ('{"type": "transcription_session.update", "session": {}}', "invalid_value", "type"),
        ('{"type": "output_audio_buffer.clear"}', "invalid_value", "type"),
        ('{"type": "input_audio_buffer.append", "audio": "%%%"}', "invalid_value", "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "\\u00e9"}', "invalid_value", "audio"),
        ('{"type": "input_audio_buffer.append", "audio": 7}', "invalid_value", "audio"),
        ('{"type": "input_audio_buffer.append"}', "missing_required_parameter", "audio"),
        ('{"type": "input_audio_buffer.commit"}', "input_audio_buffer_commit_empty", None),
    ],
)
def test_what_a_frame_may_not_be(message: str | bytes, code: str, param: str | None) -> None:
    async def run() -> Json:
        async with Emulator() as emulator, wire(emulator) as made:
            await made.event()
            await made.connection.send(message)
            error: Json = (await made.event())["error"]
            assert (await made.ask({"type": "session.update", "session": {"type": "realtime"}}))["session"]
            return error

    error = asyncio.run(run())
    assert (error["code"], error["param"]) == (code, param)
    if isinstance(message, bytes):
        assert error["message"] == "Expected a text WebSocket message; binary frames are not supported."


def test_the_largest_append_is_taken() -> None:
    async def run() -> None:
        async with Emulator() as emulator, wire(emulator) as made:
            await made.event()
            await made.send({"type": "input_audio_buffer.append", "audio": "A" * (15 * 1024 * 1024)})
            assert (await made.ask({"type": "input_audio_buffer.clear"}))["type"] == "input_audio_buffer.cleared"

    asyncio.run(run())


def test_a_message_over_the_largest_ends_the_socket() -> None:
    async def run() -> tuple[list[Json], int | None, str | None]:
        async with Emulator() as emulator, wire(emulator) as made:
            await made.event()
            with suppress(ConnectionClosed):  # it closes while this is still being sent
                await made.connection.send("A" * (LARGEST_MESSAGE_BYTES + 1))
            return await made.end()

    events, code, _ = asyncio.run(run())
    assert (events, code) == ([], 1009)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/realtime", "?call_id=rtc_u1_unknown", 404),
        ("/realtime/transcription_sessions", "", 403),
        ("/realtime/transcription", "", 403),
        ("/realtime/nowhere", "", 404),
    ],
)
def test_what_is_refused_before_the_upgrade(path: str, query: str, status: int) -> None:
    assert turned_away(query, path=path) == (status, b"")


@pytest.mark.parametrize(
    ("name", "code", "close"),
    [
        ("key-revoked", "invalid_api_key", 3000),
        ("key-wrong-region", "incorrect_hostname", 3000),
        ("country-unsupported", "unsupported_country_region_territory", 3000),
        ("rate-limited", "rate_limit_exceeded", 4000),
    ],
)
def test_a_fault_with_a_body_of_the_api_comes_after_the_upgrade(name: str, code: str, close: int) -> None:
    error, closed, reason = refused(MODEL, faults=(name,))
    assert (error["code"], closed) == (code, close)
    assert reason == f"{error['type']}.{code}"


@pytest.mark.parametrize(("name", "status"), [("gateway-html", 502), ("captive-portal", 200)])
def test_a_fault_of_a_gateway_comes_before_the_upgrade(name: str, status: int) -> None:
    answered, body = turned_away(MODEL, (name,))
    assert answered == status
    assert b"<html>" in body


def test_a_model_out_of_reach_has_a_close_code_of_its_own() -> None:
    assert _close_code(Refused("model-not-found", model="gpt-realtime")) == 4004


def test_without_an_upgrade_there_is_nothing_to_get() -> None:
    async def run() -> int:
        async with Emulator() as emulator, http(emulator) as client:
            answer = await client.get(f"/realtime{MODEL}", headers={"Authorization": f"Bearer {emulator.key}"})
            assert json.loads(answer.text)["error"]["message"] == "Invalid method for URL (GET /v1/realtime)"
            return answer.status_code

    assert asyncio.run(run()) == 405


def test_what_waits_for_a_slow_reader_is_there_once() -> None:
    """As text each event would hold a copy of the sound that all responses share."""
    socket, sound = Socket(web.WebSocketResponse(), None), "A" * 100_000
    tracemalloc.start()
    try:
        for _ in range(100):
            socket.send({"type": "response.output_audio.delta", "delta": sound})
        assert tracemalloc.get_traced_memory()[1] < 10 * len(sound)
    finally:
        tracemalloc.stop()
