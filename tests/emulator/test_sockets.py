"""The WebSocket: which URL and credential opens which session, how it refuses, the sideband, and that nothing is left."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from rtdiag.api.endpoints import KINDS, Kind
from rtdiag.emulator import Emulator
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.sockets import _close_code
from tests.emulator.clients import (
    INTENT,
    MODEL,
    SESSIONS,
    Wire,
    beta_token,
    call,
    ga_token,
    http,
    turned,
    types,
    wire,
)

Json = dict[str, Any]

BOTH_DIALECTS = date(2025, 8, 28)
BETA_ONLY = date(2025, 8, 27)
LAST_BETA = date(2026, 5, 11)
BETA = {"OpenAI-Beta": "realtime=v1"}
BETA_MODEL = "?model=gpt-4o-realtime-preview"
SHAPE = "invalid_request_error"


def first_of(query: str, as_of: date | None = None, kind: Kind | None = None, **request: Any) -> Json:
    """The first event of a socket that must stay open; with a new GA token of that kind, or with the key."""

    async def run() -> Json:
        async with Emulator(as_of) as emulator, AsyncExitStack() as stack:
            if kind:
                client = await stack.enter_async_context(http(emulator))
                request["credential"] = await ga_token(client, emulator, SESSIONS[kind])
            made = await stack.enter_async_context(wire(emulator, query, **request))
            first = await made.event()
            assert (await made.ask({"type": "nope"}))["error"]["param"] == "type"
            return first

    return asyncio.run(run())


def refused(query: str, as_of: date | None = None, kind: Kind | None = None, **request: Any) -> tuple[Json, int, str]:
    """The error, the close code and the reason of a socket that is upgraded and then refused."""

    async def run() -> tuple[Json, int, str]:
        async with Emulator(as_of, request.pop("faults", ())) as emulator, AsyncExitStack() as stack:
            if kind:
                client = await stack.enter_async_context(http(emulator))
                request["credential"] = await ga_token(client, emulator, SESSIONS[kind])
            made = await stack.enter_async_context(wire(emulator, query, **request))
            events, code, reason = await made.end()
            assert types(events) == ["error"]
            assert events[0]["error"]["event_id"] is None
            assert code is not None
            return events[0]["error"], code, str(reason)

    return asyncio.run(run())


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


@pytest.mark.parametrize("query", [MODEL, INTENT])
@pytest.mark.parametrize(
    "asked", [{"headers": BETA}, {"subprotocols": ["realtime", "openai-beta.realtime-v1"]}], ids=["header", "protocol"]
)
def test_the_beta_has_ended(query: str, asked: Json) -> None:
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


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        (b"{}", "invalid_event", None),
        ("{", "invalid_json", None),
        ('{"type": "input_audio_buffer.clear", "event_id": NaN}', "invalid_json", None),
        ('{"type": "transcription_session.update", "session": {}}', "invalid_value", "type"),
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


def test_a_sideband_speaks_for_its_call() -> None:
    async def run() -> None:
        async with Emulator() as emulator, call(emulator, SESSIONS["realtime"]) as caller:
            created = await caller.event()
            async with wire(emulator, f"?call_id={caller.call_id}") as beside:
                wanted = {"type": "realtime", "instructions": "Speak up."}
                mine = await beside.ask({"type": "session.update", "session": wanted})
                assert mine["type"] == "session.updated"  # and no session.created before it
                assert await caller.event() == mine
                assert mine["session"]["id"] == created["session"]["id"]
                assert emulator.session(caller.call_id).config["instructions"] == "Speak up."
                answer = await caller.ask({"type": "input_audio_buffer.clear"})
                assert await beside.event() == answer
            assert emulator.open_calls == 1
            assert (await caller.ask({"type": "input_audio_buffer.clear"}))["type"] == "input_audio_buffer.cleared"
            assert len(emulator._running().calls[caller.call_id].line._listeners) == 1

    asyncio.run(run())


def test_a_sideband_ends_with_its_call_and_is_for_the_key_alone() -> None:
    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client, call(emulator, SESSIONS["realtime"]) as caller:
            await caller.event()
            query = f"?call_id={caller.call_id}"
            token = await ga_token(client, emulator, SESSIONS["realtime"])
            async with wire(emulator, query, token) as wrong:
                (error,), code, _ = await wrong.end()
                assert (error["error"]["code"], code) == ("invalid_api_key", 3000)
            async with wire(emulator, query) as beside:
                url = f"/realtime/calls/{caller.call_id}/hangup"
                await beside.ask({"type": "input_audio_buffer.clear"})
                hung = await client.post(url, headers={"Authorization": f"Bearer {emulator.key}"})
                assert hung.status_code == 200
                assert (await beside.end())[1] == 1000

    asyncio.run(run())


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


def test_closing_early_ends_the_socket_at_the_first_message_while_more_comes_in() -> None:
    async def run() -> tuple[list[Json], int | None, str | None]:
        async with Emulator() as emulator, wire(emulator) as made:
            await made.event()
            turned(emulator, closes_early=True)
            for _ in range(20):
                await made.send({"type": "input_audio_buffer.append", "audio": "A" * 100_000})
            return await made.end()

    (error,), code, reason = asyncio.run(run())
    assert error["error"]["code"] == "session_expired"
    assert (code, reason) == (1001, "Your session hit the maximum duration of 60 minutes.")


def open_sockets() -> set[str]:
    """The sockets that this process holds, by the kernel's names."""
    found = (str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return {name for name in found if name.startswith("socket:")}


async def _opened(emulator: Emulator, stack: AsyncExitStack) -> list[Wire]:
    """A conversation, a transcription, a call's sideband, and the call itself, which nobody ends."""
    caller = await stack.enter_async_context(call(emulator, SESSIONS["realtime"]))
    await caller.event()
    queries = (MODEL, INTENT, f"?call_id={caller.call_id}")
    wires = [await stack.enter_async_context(wire(emulator, query)) for query in queries]
    await wires[0].event()
    await wires[1].event()
    await wires[2].ask({"type": "input_audio_buffer.clear"})
    return wires


def test_nothing_is_left_when_it_stops_before_its_clients() -> None:
    async def run() -> None:
        before, sockets = asyncio.all_tasks(), open_sockets()
        async with AsyncExitStack() as clients:
            async with Emulator() as emulator:
                wires = await _opened(emulator, clients)
            assert emulator.open_calls == 0
            for made in wires[:2]:
                assert (await made.end())[1] == 1001
            assert (await wires[2].end())[1] in (1000, 1001)
            with pytest.raises(OSError, match="Connect call failed"):
                async with wire(emulator):
                    pass
        assert asyncio.all_tasks() == before
        assert open_sockets() == sockets

    asyncio.run(run())


def test_a_client_that_never_answers_the_close_is_not_waited_for() -> None:
    async def run() -> None:
        before = asyncio.all_tasks()
        async with Emulator() as emulator:
            host, port = emulator.base_url.removeprefix("http://").removesuffix("/v1").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            lines = (
                f"GET /v1/realtime{MODEL} HTTP/1.1",
                f"Host: {host}",
                f"Authorization: Bearer {emulator.key}",
                *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
                "Sec-WebSocket-Key: " + "A" * 22 + "==",
            )
            writer.write("\r\n".join((*lines, "", "")).encode())
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 101 ")
            await reader.readuntil(b'"session.created"')
        assert asyncio.all_tasks() == before
        assert (await reader.read()).endswith(b"\x88\x02\x03\xe9")  # a close frame, 1001
        writer.close()

    asyncio.run(run())


def test_a_model_out_of_reach_has_a_close_code_of_its_own() -> None:
    assert _close_code(Refused("model-not-found", model="gpt-realtime")) == 4004


def test_an_upgrade_that_cannot_be_opens_nothing() -> None:
    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client:
            headers = {"Authorization": f"Bearer {emulator.key}", "Connection": "Upgrade", "Upgrade": "websocket"}
            answer = await client.get(f"/realtime{MODEL}", headers=headers)  # without a Sec-WebSocket-Key
            assert answer.status_code == 400
            assert not emulator._running().sockets

    asyncio.run(run())


def test_without_an_upgrade_there_is_nothing_to_get() -> None:
    async def run() -> int:
        async with Emulator() as emulator, http(emulator) as client:
            answer = await client.get(f"/realtime{MODEL}", headers={"Authorization": f"Bearer {emulator.key}"})
            assert json.loads(answer.text)["error"]["message"] == "Invalid method for URL (GET /v1/realtime)"
            return answer.status_code

    assert asyncio.run(run()) == 405
