"""Translations: the mint, the calls and the sockets, from their day on; what a session hears and says."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import AbstractAsyncContextManager
from datetime import date
from functools import cache
from typing import Any, get_args

import httpx
import pytest
from pydantic import BaseModel
from websockets.exceptions import InvalidStatus

from rtdiag.api.endpoints import KINDS, Kind
from rtdiag.emulator import Emulator
from rtdiag.emulator.faults import switches
from rtdiag.emulator.session.ears import Resampler
from rtdiag.emulator.session.settings import Rules
from rtdiag.emulator.session.translation import Translation, translation
from rtdiag.emulator.timeline import behaviour, newest
from tests.clients.event_types import held
from tests.emulator.clients import SESSIONS, SHAPE, Wire, bearer, ga_token, http, peer, wire
from tests.speech import silence, speech

Json = dict[str, Any]

PATH = "/realtime/translations/client_secrets"
MODEL = {"model": "gpt-realtime-translate"}
CALLS = "/realtime/translations/calls"
NAMES = ("input_transcript", "output_transcript", "output_audio")
NOW_S = 1_800_000_000


@cache
def classes() -> dict[str, type[BaseModel]]:
    """The package's class of each event by its `type`."""
    from openai.types.realtime.realtime_translation_server_event import RealtimeTranslationServerEvent

    union = get_args(RealtimeTranslationServerEvent)[0]
    return {get_args(one.model_fields["type"].annotation)[0]: one for one in get_args(union)}


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


@pytest.mark.parametrize("path", [PATH, CALLS])
def test_a_model_in_the_url_is_refused(path: str) -> None:
    async def run() -> httpx.Response:
        async with Emulator() as emulator, http(emulator) as client:
            return await client.post(f"{path}?model=gpt-realtime-translate", headers=bearer(emulator.key), json={})

    assert asyncio.run(run()).status_code == 400


def test_a_token_of_theirs_is_used_once_and_mints_nothing() -> None:
    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client:
            secret = await token(client, emulator)
            assert (await client.post(PATH, headers=bearer(secret), json={"session": MODEL})).status_code == 401
            async with translating(emulator, "", secret) as made:
                await made.event()
            async with translating(emulator, "", secret) as made:
                (error,), _, _ = await made.end()
            assert error["error"]["code"] == "ephemeral_token_already_used"

    asyncio.run(run())


@pytest.mark.parametrize("place", ["/realtime", "/realtime/translations"])
def test_a_token_of_theirs_opens_a_translation_and_no_conversation(place: str) -> None:
    async def run() -> Json:
        async with Emulator() as emulator, http(emulator) as client:
            secret = await token(client, emulator, {**MODEL, "audio": {"output": {"language": "es"}}})
            async with translating(emulator, "", secret, place) as made:
                session: Json = (await made.event())["session"]
                return session

    session = asyncio.run(run())
    assert list(session) == ["id", "type", "expires_at", "model", "audio"]
    assert (session["type"], session["audio"]["output"]) == ("translation", {"language": "es"})


@pytest.mark.parametrize(
    ("query", "kind", "code"),
    [
        ("", None, "missing_model"),
        ("?model=", None, "missing_model"),
        ("?model=gpt-realtime", None, "invalid_model"),
        ("?model=gpt-realtime-translate", "realtime", "invalid_model"),
        ("?model=gpt-realtime-translate", "transcription", "invalid_model"),
    ],
)
def test_which_socket_is_refused(query: str, kind: Kind | None, code: str) -> None:
    async def run() -> tuple[list[Json], int | None, str | None]:
        async with Emulator() as emulator, http(emulator) as client:
            secret = await ga_token(client, emulator, SESSIONS[kind]) if kind else None
            async with translating(emulator, query, secret) as made:
                return await made.end()

    (error,), close, reason = asyncio.run(run())
    assert (error["error"]["code"], close, reason) == (code, 4000, f"{SHAPE}.{code}")


def test_there_is_no_socket_before_their_day() -> None:
    async def run() -> int:
        async with Emulator(date(2026, 5, 6)) as emulator:
            with pytest.raises(InvalidStatus) as caught:
                async with translating(emulator):
                    pass
            return caught.value.response.status_code

    assert asyncio.run(run()) == 404


def test_speech_is_translated_while_it_is_spoken_and_silence_is_not() -> None:
    async def run() -> list[Json]:
        async with Emulator() as emulator, translating(emulator) as made:
            await made.event()
            wish = {"audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}}
            assert (await made.ask({"type": "session.update", "session": wish}))["type"] == "session.updated"
            for pcm in (silence(1), speech(2), silence(1)):
                await made.send({"type": "session.input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})
            await made.send({"type": "session.close"})
            events, code, _ = await made.end()
            assert code == 1000
            return events

    *events, closed = asyncio.run(run())
    assert closed["type"] == "session.closed"
    assert [misfit for event in (*events, closed) for misfit in held(classes()[event["type"]], event)] == []
    told = {name: [e for e in events if e["type"] == f"session.{name}.delta"] for name in NAMES}
    assert len(events) == sum(map(len, told.values()))
    assert len({len(found) for found in told.values()}) == 1
    text = "".join(e["delta"] for e in told["output_transcript"])
    assert text.startswith("This is the rtdiag emulator")
    assert {e["elapsed_ms"] % 200 for e in events} == {0}
    assert min(e["elapsed_ms"] for e in events) > 1000
    assert max(e["elapsed_ms"] for e in events) <= 3400
    assert (events[-1]["sample_rate"], events[-1]["channels"], events[-1]["format"]) == (24000, 1, "pcm16")


def test_the_python_package_is_translated_for() -> None:
    from openai import AsyncOpenAI

    async def run() -> list[str]:
        async with Emulator() as emulator:
            client = AsyncOpenAI(base_url=emulator.base_url, api_key=emulator.key)
            async with client, client.realtime.translations.connect(model="gpt-realtime-translate") as connection:
                await connection.send({"type": "session.close"})
                return [event.type async for event in connection]

    assert asyncio.run(run()) == ["session.created", "session.closed"]


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({"type": "response.create"}, "invalid_value", "type"),
        ({"type": "input_audio_buffer.append", "audio": ""}, "invalid_value", "type"),
        ({"type": {}}, "invalid_value", "type"),
        ({}, "missing_required_parameter", "type"),
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.update", "session": MODEL}, "unknown_parameter", "session.model"),
        ({"type": "session.input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "session.input_audio_buffer.append", "audio": "%"}, "invalid_value", "audio"),
    ],
)
def test_what_a_session_does_not_take(event: Json, code: str, param: str) -> None:
    async def run() -> Json:
        async with Emulator() as emulator, translating(emulator) as made:
            await made.event()
            error: Json = (await made.ask({**event, "event_id": "mine"}))["error"]
            return error

    error = asyncio.run(run())
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")


def test_a_session_expires() -> None:
    now = [0.0]
    rules = Rules(behaviour(newest()), switches(()), lambda: NOW_S, now=lambda: now[0])
    session = Translation(translation(MODEL, {}, rules), rules)
    assert session.next_in_s == 3600
    now[0] = 3600
    (told,) = session.tick()
    assert told["error"]["code"] == "session_expired"
    assert session.ended
    assert session.receive('{"type": "session.close"}') == []


@pytest.mark.parametrize(("path", "by_token"), [(CALLS, True), (CALLS, False), ("/realtime/calls", True)])
def test_an_offer_opens_a_translation(path: str, by_token: bool) -> None:
    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            if by_token:
                headers = bearer(await token(client, emulator), "application/sdp")
                answer = await client.post(path, headers=headers, content=await made.offer())
            else:
                parts = {"sdp": (None, await made.offer()), "session": (None, json.dumps(MODEL))}
                answer = await client.post(path, headers=bearer(emulator.key), files=parts)
            assert answer.status_code == 201, answer.text
            assert answer.headers["location"].startswith("/v1/realtime/calls/rtc_u")
            await made.accept(answer.text)
            created = await made.event()
            assert (created["type"], created["session"]["type"]) == ("session.created", "translation")
            assert (await made.ask({"type": "session.close"}))["type"] == "session.closed"

    asyncio.run(run())


def test_over_webrtc_the_sound_is_no_event_but_is_heard() -> None:
    class Speaker:
        plays = 0

        def play(self) -> None:
            self.plays += 1

        def clear(self) -> None:
            raise AssertionError("nothing stops it")

    rules = Rules(behaviour(newest()), switches(()), lambda: NOW_S)
    session = Translation(translation(MODEL, {}, rules), rules)
    session.playback.speaker = speaker = Speaker()
    told = session.hear(Resampler().of_bytes(speech(1), "audio/pcm"))
    assert {event["type"] for event in told} == {"session.output_transcript.delta"}
    assert speaker.plays == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_of_another_kind_opens_none(kind: Kind) -> None:
    async def run() -> httpx.Response:
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            headers = bearer(await ga_token(client, emulator, SESSIONS[kind]), "application/sdp")
            return await client.post(CALLS, headers=headers, content=await made.offer())

    answer = asyncio.run(run())
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_model")


async def token(client: httpx.AsyncClient, emulator: Emulator, session: Json | None = None) -> str:
    """A new client secret for a translation."""
    answer = await client.post(PATH, headers=bearer(emulator.key), json={"session": session or MODEL})
    return str(answer.json()["value"])


def translating(
    emulator: Emulator,
    query: str = "?model=gpt-realtime-translate",
    credential: str | None = None,
    place: str = "/realtime/translations",
) -> AbstractAsyncContextManager[Wire]:
    """A socket to a translation."""
    return wire(emulator, place.removeprefix("/realtime") + query, credential)
