"""Whose server it is: what each answers otherwise than OpenAI's, and only it."""

from __future__ import annotations

import asyncio
import fnmatch
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from websockets.exceptions import InvalidStatus

from rtdiag.cli import main
from rtdiag.emulator import Emulator, UnknownFault
from rtdiag.emulator.bodies import all_bodies
from rtdiag.emulator.profiles import UnknownProfile, profiles
from tests.emulator.clients import MODEL, bearer, http, peer, until, wire

Json = dict[str, Any]

OFFERED = {"type": "realtime", "model": "gpt-realtime"}
ANSWER: Json = {"type": "response.create", "response": {"output_modalities": ["text"]}}


async def minted(emulator: Emulator, **headers: str) -> httpx.Response:
    async with http(emulator) as client:
        return await client.post("/realtime/client_secrets", headers=headers, json={"session": OFFERED})


async def answered(
    client: httpx.AsyncClient, offer: str, credential: str = "", kind: str = "application/sdp", query: str = ""
) -> httpx.Response:
    """The answer to an offer."""
    headers = {"Content-Type": kind, **(bearer(credential) if credential else {})}
    return await client.post(f"/realtime/calls{query}", headers=headers, content=offer)


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
    assert (done.exit_code, done.stderr) == (2, f"rtdiag: unknown profile 'x': there are {', '.join(profiles())}\n")


# --- LiteLLM: tried 2026-11-30, answer by answer, before this emulator

KEYLESS = {
    "error": {
        "message": "Authentication Error, No api key passed in.",
        "type": "auth_error",
        "param": "None",
        "code": "401",
    }
}
NO_DATABASE = {"error": {"message": "No connected db.", "type": "no_db_connection", "param": None, "code": "400"}}
WRAPPED = "\n\nLiteLLM: model group 'gpt-realtime' failed with the error above. No fallback was attempted."


@asynccontextmanager
async def litellm(*faults: str, now: list[float] | None = None) -> AsyncIterator[tuple[Emulator, httpx.AsyncClient]]:
    clock = now or [time.time()]
    async with Emulator(faults=faults, profile="litellm", clock=lambda: clock[0]) as emulator, http(emulator) as client:
        yield emulator, client


async def token_of(client: httpx.AsyncClient, emulator: Emulator) -> httpx.Response:
    return await client.post("/realtime/client_secrets", headers=bearer(emulator.key), json={"session": OFFERED})


def test_litellm_takes_its_tokens_at_calls_alone_and_its_key_everywhere_else() -> None:
    async def run() -> None:
        async with litellm() as (emulator, client), peer() as made:
            offer = await made.offer()
            nothing = await answered(client, offer)
            assert (nothing.status_code, nothing.json()) == (401, {"error": "Missing or invalid Authorization header"})
            key = await answered(client, offer, emulator.key, query=MODEL)
            assert (key.status_code, key.json()) == (401, {"error": "Invalid or expired token"})
            token = (await token_of(client, emulator)).json()["value"]
            assert re.fullmatch(r"[\w-]{230,250}", token)
            answer = await answered(client, offer, token, kind="text/plain")
            assert answer.status_code == 201
            assert "location" not in answer.headers
            assert answer.headers["server"] == "rtdiag-emulator (litellm)"
            assert await handshake(emulator, MODEL, token) == 403
            assert await handshake(emulator, MODEL, "") == 403
            async with wire(emulator):
                pass

    asyncio.run(run())


def test_litellm_refuses_keys_and_models_in_its_own_words() -> None:
    async def run() -> None:
        async with litellm() as (emulator, client):
            mint, sent = "/realtime/client_secrets", {"session": OFFERED}
            nothing = await client.post(mint, json=sent)
            assert (nothing.status_code, nothing.json()) == (401, KEYLESS)
            wrong = await client.post(mint, headers=bearer("sk-FAKE-none"), json=sent)
            assert (wrong.status_code, wrong.json()) == (400, NO_DATABASE)
            model = await client.post(
                mint, headers=bearer(emulator.key), json={"session": {"type": "realtime", "model": "x"}}
            )
            assert model.status_code == 400
            assert model.json()["error"]["message"].startswith(
                "400: {'error': '/realtime/client_secrets: Invalid model name passed in model=x. "
            )
            nowhere = await client.post("/realtime/sessions", headers=bearer(emulator.key), json={})
            assert (nowhere.status_code, nowhere.json()) == (404, {"detail": "Not Found"})
            async with wire(emulator, "?model=x") as made:
                (told,), code, reason = await made.end()
                assert told["error"]["message"].startswith(
                    "400: {'error': '_arealtime: Invalid model name passed in model=x. "
                )
                assert (code, (reason or "")[:20]) == (1011, "400: {'error': '_are")

    asyncio.run(run())


def test_litellm_lets_a_model_rest_for_five_seconds_after_a_404_of_the_api_behind_it() -> None:
    async def run() -> None:
        now = [time.time()]
        async with litellm(now=now) as (emulator, client):
            session = {"input_audio_transcription": {"model": "gpt-realtime"}}
            found = await client.post("/realtime/transcription_sessions", headers=bearer(emulator.key), json=session)
            error = found.json()["error"]
            assert (found.status_code, error["code"]) == (404, "404")
            assert "Invalid URL (POST /v1/realtime/transcription_sessions)" in error["message"]
            resting = await token_of(client, emulator)
            assert (resting.status_code, resting.json()["error"]["type"]) == (429, "all_deployments_in_cooldown")
            async with wire(emulator) as made:
                (_,), code, reason = await made.end()
                assert (code, (reason or "")[:24]) == (1011, "No deployments available")
            now[0] += 5.1
            assert (await token_of(client, emulator)).status_code == 200

    asyncio.run(run())


def test_litellm_passes_on_what_the_api_behind_it_says_as_a_text_in_its_own() -> None:
    async def run() -> None:
        async with litellm("litellm-upstream-key-wrong") as (emulator, client):
            answer = await token_of(client, emulator)
            error = answer.json()["error"]
            assert (answer.status_code, error["type"], error["code"]) == (401, "authentication_error", "401")
            inner, after = error["message"][: -len(WRAPPED)], error["message"][-len(WRAPPED) :]
            assert (json.loads(inner)["error"]["code"], after) == ("invalid_api_key", WRAPPED)
        async with litellm("litellm-upstream-key-wrong") as (emulator, _), wire(emulator) as made:
            (theirs, own), code, reason = await made.end()
            assert theirs["error"]["code"] == "invalid_api_key"
            assert (
                own["error"]["message"]
                == "upstream websocket closed with code 3000: invalid_request_error.invalid_api_key"
            )
            assert (code, reason) == (3000, "invalid_request_error.invalid_api_key")

    asyncio.run(run())


def test_litellm_says_that_nobody_is_behind_it() -> None:
    async def run() -> None:
        async with litellm("litellm-upstream-dead") as (emulator, client):
            answer = await token_of(client, emulator)
            assert answer.status_code == 500
            assert "Connect call failed ('127.0.0.1', 9)" in answer.json()["error"]["message"]
            async with wire(emulator) as made:
                assert await made.end() == ([], 1011, "Internal server error: [Errno 111] Connection refused")
            assert (await token_of(client, emulator)).status_code == 500, (
                "what is not the API's answer lets no model rest"
            )

    asyncio.run(run())


# --- a plain server


def test_a_compatible_server_asks_for_no_key_has_one_slot_and_neither_mint_nor_list() -> None:
    async def run() -> None:
        async with Emulator(profile="compatible") as emulator, http(emulator) as client, peer() as made:
            for path in ("/models", "/realtime/client_secrets", "/realtime/sessions", "/nowhere"):
                method = "GET" if path == "/models" else "POST"
                nowhere = await client.request(method, path)
                assert (nowhere.status_code, nowhere.json()) == (404, {"detail": "Not Found"})
            async with wire(emulator, "", credential="") as first:
                assert (await first.event())["session"]["type"] == "realtime"
                async with wire(emulator, "?model=anything", credential="any text") as second:
                    (told,), code, reason = await second.end()
                    assert told["error"]["type"] == "session_limit_reached"
                    assert (code, reason) == (1008, "All session slots are in use")
                offer = await made.offer()
                full = await answered(client, offer)
                assert (full.status_code, full.json()["error"]["type"]) == (503, "session_limit_reached")
            answer = await answered(client, offer)
            assert (answer.status_code, answer.headers["content-type"]) == (201, "application/sdp")
            ended = await client.post(answer.headers["location"].removeprefix("/v1") + "/hangup")
            assert ended.status_code == 200

    asyncio.run(run())


async def handshake(
    emulator: Emulator, query: str, credential: str, header: str = "Authorization", told: str = ""
) -> int:
    """The status of an upgrade that is refused, with a body that tells that."""
    value = f"Bearer {credential}" if header == "Authorization" else credential
    with pytest.raises(InvalidStatus) as caught:
        async with wire(emulator, query, "", {header: value} if credential else {}):
            pass
    assert told in caught.value.response.body.decode()
    return caught.value.response.status_code


def test_a_fault_of_another_server_is_one_line() -> None:
    with pytest.raises(UnknownFault, match="is not one of openai: add --profile litellm"):
        Emulator(faults=["litellm-upstream-dead"])
    done = CliRunner().invoke(main, ["emulator", "--fault", "compatible-slot-taken"])
    told = "rtdiag: the fault compatible-slot-taken is not one of openai: add --profile compatible\n"
    assert (done.exit_code, done.stderr) == (2, told)


def test_what_servers_say_is_said_of_refusals_that_there_are() -> None:
    for server in profiles().values():
        for said in server.says:
            assert all(fnmatch.filter(all_bodies(), glob) for glob in said.of), said.of


# --- Azure, its Voice Live, and xAI


@pytest.mark.parametrize(
    ("profile", "header", "told"),
    [
        ("azure", "api-key", "Access denied due to invalid subscription key"),
        ("azure", "Authorization", "Unauthorized. Access token is missing"),
        ("azure-voice-live", "api-key", "Access denied due to invalid subscription key"),
    ],
)
def test_azure_refuses_a_socket_before_it_is_one(profile: str, header: str, told: str) -> None:
    async def run() -> None:
        async with Emulator(profile=profile) as emulator:
            assert await handshake(emulator, MODEL, "FAKE-of-nobody", header, told) == 401
            assert await handshake(emulator, MODEL, "") == 401
            with pytest.raises(InvalidStatus):  # a sub-protocol is not looked at
                async with wire(
                    emulator, MODEL, "", subprotocols=["realtime", f"openai-insecure-api-key.{emulator.key}"]
                ):
                    pass
            async with wire(emulator, MODEL, "", {"api-key": emulator.key}) as made:
                assert (await made.event())["type"] == "session.created"

    asyncio.run(run())


def test_azure_does_not_know_a_deployment() -> None:
    async def run() -> None:
        async with Emulator(profile="azure", faults=["azure-deployment-unknown"]) as emulator:
            assert await handshake(emulator, MODEL, emulator.key, told="DeploymentNotFound") == 404

    asyncio.run(run())


def test_voice_live_is_a_socket_alone_and_speaks_as_the_beta_did() -> None:
    async def run() -> None:
        async with Emulator(profile="azure-voice-live", pace=0) as emulator, http(emulator) as client:
            assert emulator.base_url.endswith("/voice-live")
            assert {
                (await client.post(path)).status_code for path in ("/realtime/client_secrets", "/realtime/calls")
            } == {404}
            async with wire(emulator, "?api-version=2026-04-10&model=gpt-realtime") as made:
                session = (await made.event())["session"]
                assert (session["voice"], session["turn_detection"]["silence_duration_ms"]) == (
                    {"name": "alloy", "type": "openai"},
                    200,
                )
                updated = await made.ask(
                    {"type": "session.update", "session": {"turn_detection": {"type": "server_vad"}}}
                )
                assert updated["session"]["turn_detection"]["silence_duration_ms"] == 500
                await made.send({"type": "response.create"})
                kinds = {e["type"] for e in await until(made, "response.done")}
                assert {"conversation.item.created", "response.audio.delta", "response.audio_transcript.done"} <= kinds
                assert not {kind for kind in kinds if "output_audio" in kind}

    asyncio.run(run())


def test_xai_begins_with_three_events_and_shows_what_it_was_given() -> None:
    async def run() -> None:
        async with Emulator(profile="xai") as emulator, wire(emulator, "?model=grok-voice-latest") as made:
            first = [await made.event() for _ in range(3)]
            assert [e["type"] for e in first] == ["session.created", "conversation.created", "ping"]
            assert list(first[0]["session"]) == [
                *("id", "object", "instructions", "voice", "modalities", "turn_detection", "tools", "model")
            ]
            assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first[0]["event_id"])
            given = {"instructions": "Be short.", "turn_detection": {"type": "server_vad", "create_response": True}}
            updated = await made.ask({"type": "session.update", "session": given})
            assert updated["session"]["turn_detection"] == given["turn_detection"]
            assert (updated["session"]["temperature"], updated["session"]["model"]) == (-1.0, "grok-voice-latest")
            assert "id" not in updated["session"]

    asyncio.run(run())


def test_xai_knows_its_ids_again() -> None:
    async def run() -> None:
        async with Emulator(profile="xai") as emulator, wire(emulator, "?model=grok-voice-latest") as made:
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
            await made.send({"type": "conversation.item.create", "item": item})
            added = (await until(made, "conversation.item.added"))[-1]
            deleted = await made.ask({"type": "conversation.item.delete", "item_id": added["item"]["id"]})
            assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", added["item"]["id"])

    asyncio.run(run())


def test_xai_mints_tokens_of_no_session_that_a_page_puts_into_a_sub_protocol() -> None:
    async def run() -> None:
        async with Emulator(profile="xai") as emulator, http(emulator) as client:
            body = {"expires_after": {"seconds": 300}}
            answer = await client.post("/realtime/client_secrets", headers=bearer(emulator.key), json=body)
            assert list(answer.json()) == ["value", "expires_at"]
            assert answer.json()["value"].startswith("xai-realtime-client-secret-")
            assert 290 <= answer.json()["expires_at"] - time.time() <= 301
            named = f"xai-client-secret.{answer.json()['value']}"
            async with wire(emulator, "?model=grok-voice-latest", "", subprotocols=[named]) as made:
                assert (made.connection.subprotocol, (await made.event())["type"]) == (named, "session.created")
            assert (await client.post("/realtime/calls", headers=bearer(emulator.key))).status_code == 404

    asyncio.run(run())


def test_xai_refuses_with_a_code_and_a_text() -> None:
    async def run() -> None:
        async with Emulator(profile="xai") as emulator, http(emulator) as client:
            answer = await client.get("/models", headers=bearer("sk-proj-FAKE-of-another"))
            told = "Incorrect API key provided. You can obtain an API key from https://console.x.ai."
            assert answer.status_code == 400
            assert answer.json() == {"code": "Client specified an invalid argument", "error": told}
            assert await handshake(emulator, "?model=grok-voice-latest", "sk-proj-FAKE-of-another", told=told) == 400

    asyncio.run(run())
