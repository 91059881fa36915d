"""The Python package openai, unmodified, pointed at the emulator by `base_url`: it mints, calls, connects and is echoed."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from rtdiag.api.endpoints import KINDS, Kind
from rtdiag.emulator import Emulator
from tests.clients.event_types import held, unexplained
from tests.emulator.clients import SESSIONS, WAIT_S, peer
from tests.speech import silence, speech

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.resources.realtime.realtime import AsyncRealtimeConnection
    from openai.types.realtime import (
        RealtimeConversationItemUserMessageParam,
        RealtimeTranscriptionSessionCreateRequestParam,
    )

Json = dict[str, Any]
ASKED: dict[Kind, Any] = dict(SESSIONS.items())  # as the package types them, each kind is a class of its own
INSTRUCTIONS = "Speak like a pirate."
HELLO: RealtimeConversationItemUserMessageParam = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "Hello"}],
}
TRANSCRIBE: RealtimeTranscriptionSessionCreateRequestParam = {
    "type": "transcription",
    "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}},
}


def client(emulator: Emulator, credential: str | None = None) -> AsyncOpenAI:
    """The package's client, with the emulator's key unless another credential is given."""
    from openai import AsyncOpenAI

    return AsyncOpenAI(base_url=emulator.base_url, api_key=credential or emulator.key, timeout=WAIT_S, max_retries=0)


async def until(connection: AsyncRealtimeConnection, type_: str) -> Json:
    """The first event of that type. Every event on the way there fits the package's types, and is no error."""
    async with asyncio.timeout(WAIT_S):
        while True:
            event: Json = json.loads(await connection.recv_bytes())
            assert (unexplained(event), event.get("error")) == ([], None)
            if event["type"] == type_:
                return event


@pytest.mark.parametrize("kind", KINDS)
def test_it_mints(kind: Kind) -> None:
    from openai.types.realtime import ClientSecretCreateResponse

    async def run() -> None:
        async with Emulator() as emulator, client(emulator) as openai:
            answer = await openai.realtime.client_secrets.with_raw_response.create(
                session=ASKED[kind], expires_after={"anchor": "created_at", "seconds": 60}
            )
            secret = answer.parse()
            assert secret.value.startswith("ek_")
            assert secret.session.type == kind
            assert held(ClientSecretCreateResponse, json.loads(answer.text)) == []

    asyncio.run(run())


def test_it_lists_the_models() -> None:
    from openai.types import Model

    async def run() -> None:
        async with Emulator() as emulator, client(emulator) as openai:
            models = (await openai.models.list()).data
            assert [misfit for model in models for misfit in held(Model, model.to_dict())] == []
            assert "gpt-realtime" in {model.id for model in models}

    asyncio.run(run())


def test_it_calls_and_hangs_up() -> None:
    async def run() -> None:
        async with Emulator() as emulator, client(emulator) as openai, peer() as made:
            answer = await openai.realtime.calls.create(
                sdp=await made.offer(),
                session={"type": "realtime", "model": "gpt-realtime", "instructions": INSTRUCTIONS},
            )
            await made.accept(answer.text)
            created = await made.event()
            assert created["session"]["instructions"] == INSTRUCTIONS
            await openai.realtime.calls.hangup(answer.response.headers["location"].rpartition("/")[2])
            await made.state("connectionState", {"closed", "failed"})
            assert emulator.open_calls == 0

    asyncio.run(run())


def test_a_made_up_key_is_an_authentication_error() -> None:
    from openai import AuthenticationError

    async def run() -> None:
        async with Emulator() as emulator, client(emulator, "sk-fake-made-up") as openai:
            with pytest.raises(AuthenticationError) as refused:
                await openai.realtime.client_secrets.create()
            assert refused.value.code == "invalid_api_key"

    asyncio.run(run())


def test_it_connects_and_its_update_is_echoed() -> None:
    async def run() -> None:
        async with (
            Emulator() as emulator,
            client(emulator) as openai,
            openai.realtime.connect(model="gpt-realtime") as connection,
        ):
            created = await until(connection, "session.created")
            assert created["session"]["model"] == "gpt-realtime"
            await connection.session.update(session={"type": "realtime", "instructions": INSTRUCTIONS})
            updated = await until(connection, "session.updated")
            assert updated["session"]["instructions"] == INSTRUCTIONS

    asyncio.run(run())


def test_it_talks() -> None:
    async def run() -> None:
        async with (
            Emulator() as emulator,
            client(emulator) as openai,
            openai.realtime.connect(model="gpt-realtime") as connection,
        ):
            await connection.conversation.item.create(item=HELLO)
            await connection.response.create(response={"output_modalities": ["text"]})
            done = await until(connection, "response.done")
            assert done["response"]["output"][0]["content"][0]["type"] == "output_text"

    asyncio.run(run())


def test_a_transcription_session_hears_and_transcribes() -> None:
    """`intent=transcription` and no model: developers.openai.com/api/docs/guides/realtime-transcription (2026)."""

    async def run() -> None:
        async with (
            Emulator() as emulator,
            client(emulator) as openai,
            openai.realtime.connect(extra_query={"intent": "transcription"}) as connection,
        ):
            await connection.session.update(session=TRANSCRIBE)
            echoed = (await until(connection, "session.updated"))["session"]["audio"]["input"]["transcription"]
            assert echoed == {"model": "gpt-4o-mini-transcribe", "language": None, "prompt": None}
            audio = base64.b64encode(speech(1) + silence(1)).decode()
            await connection.input_audio_buffer.append(audio=audio)
            await until(connection, "input_audio_buffer.committed")
            heard = await until(connection, "conversation.item.input_audio_transcription.completed")
            assert heard["transcript"]

    asyncio.run(run())


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_alone_opens_its_own_session(kind: Kind) -> None:
    """No model and no intent: the session is the token's (record 60202052155, 2026-08-01)."""

    async def run() -> None:
        async with Emulator() as emulator, client(emulator) as openai:
            token = (await openai.realtime.client_secrets.create(session=ASKED[kind])).value
            async with client(emulator, token) as holder, holder.realtime.connect() as connection:
                assert (await until(connection, "session.created"))["session"]["type"] == kind

    asyncio.run(run())


# openai 3.54.0 opens its synchronous socket in a way that websockets 17.1 deprecates; its asynchronous one does not.
@pytest.mark.filterwarnings("ignore:connect.. must be used as a context manager:DeprecationWarning:openai")
def test_the_synchronous_client_does_the_same() -> None:
    from openai import OpenAI

    def talk(emulator: Emulator) -> list[str]:
        with OpenAI(base_url=emulator.base_url, api_key=emulator.key, timeout=WAIT_S, max_retries=0) as openai:
            secret = openai.realtime.client_secrets.create(session=ASKED["realtime"])
            with openai.realtime.connect(model="gpt-realtime") as connection:
                connection.session.update(session={"type": "realtime", "instructions": INSTRUCTIONS})
                return [secret.value[:3], connection.recv().type, connection.recv().type]

    async def run() -> list[str]:
        async with Emulator() as emulator:
            return await asyncio.to_thread(talk, emulator)

    assert asyncio.run(run()) == ["ek_", "session.created", "session.updated"]
