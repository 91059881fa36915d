"""Clients of either server: httpx for requests, websockets for a socket, aiortc for a call. Nothing of rtdiag is in between."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, cast

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.connection import Connection
from websockets.typing import Subprotocol

from tests.emulator.clients import Peer, bearer, peer

Json = dict[str, Any]
WAIT_S = 10.0
TOKEN_LIFE_S = 60

# The models of the capture of 2026-09-18 (record 69522944037). They end on 2027-01-20 and 2027-02-26: openai 3.54.0,
# types/realtime/call_accept_params.py and audio_transcription.py.
MODEL = "gpt-realtime-mini"
TRANSCRIPTION_MODEL = "gpt-4o-mini-transcribe"

REALTIME: Json = {"type": "realtime", "model": MODEL}
TRANSCRIPTION: Json = {"type": "transcription", "audio": {"input": {"transcription": {"model": TRANSCRIPTION_MODEL}}}}

MODEL_QUERY = f"?model={MODEL}"
INTENT_QUERY = "?intent=transcription"

CLIENT_SECRETS = "/realtime/client_secrets"
CALLS = "/realtime/calls"
SDP = "application/sdp"

MADE_UP_KEY = "sk-proj-FAKE0000000000000000000000000000000000000000"
MADE_UP_TOKEN = "ek_FAKE000000000000000000000000FAKE"


@dataclass(frozen=True)
class Api:
    """Who is asked. `base_url` ends in `/v1`; `key` is good there and is never shown."""

    kind: Literal["emulator", "live"]
    base_url: str
    key: str = field(repr=False)


def ask(api: Api, method: str, path: str, credential: str | None = None, **request: Any) -> httpx.Response:
    """One request below the base URL, `credential` as its bearer ("" sends none, None the key)."""
    credential = api.key if credential is None else credential
    headers = (bearer(credential) if credential else {}) | request.pop("headers", {})
    request |= {"headers": headers, "timeout": WAIT_S, "trust_env": False, "verify": _trusted()}
    return httpx.request(method, api.base_url + path, **request)


@cache
def _trusted() -> ssl.SSLContext:
    """Read once: it takes longer than most answers of the emulator."""
    return httpx.create_ssl_context()


def minted(api: Api, session: Json, life_s: int = TOKEN_LIFE_S) -> httpx.Response:
    """The answer of the mint to this session."""
    body = {"expires_after": {"anchor": "created_at", "seconds": life_s}, "session": session}
    return ask(api, "POST", CLIENT_SECRETS, json=body)


def token(api: Api, session: Json) -> str:
    """A client secret for this session."""
    answer = minted(api, session)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"])


def offered(api: Api, credential: str, offer_sdp: str, path: str = CALLS) -> httpx.Response:
    """The answer to a raw offer."""
    return ask(api, "POST", path, credential, content=offer_sdp, headers={"Content-Type": SDP})


def error_of(answer: httpx.Response) -> Json:
    """The `error` of an error body."""
    return cast(Json, answer.json()["error"])


async def offer() -> str:
    """A real offer: audio to receive and the channel `oai-events`, of a peer that is gone when this returns."""
    async with peer() as made:
        return await made.offer()


@dataclass(frozen=True)
class Call:
    """A call: this end of it, and the answer that opened it."""

    peer: Peer
    answer: httpx.Response


@asynccontextmanager
async def call(api: Api, session: Json) -> AsyncIterator[Call]:
    """A call on a token of its own; hung up afterwards. Requests block the loop, for the server is never in it."""
    async with peer() as made:
        answer = offered(api, token(api, session), await made.offer())
        assert answer.status_code == 201, answer.text
        try:
            await made.accept(answer.text)
            yield Call(made, answer)
        finally:
            hang_up(api, answer)


def hang_up(api: Api, answer: httpx.Response) -> httpx.Response:
    """Ends the call that this answer opened."""
    return ask(api, "POST", answer.headers["location"].removeprefix("/v1") + "/hangup")


@contextmanager
def socket(
    api: Api,
    query: str = "",
    credential: str | None = None,
    *,
    path: str = "/realtime",
    protocols: Sequence[str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Connection]:
    """A WebSocket on that path and query; `credential` as with `ask`. Raises InvalidStatus for an answer other than 101."""
    credential = api.key if credential is None else credential
    with connect(
        "ws" + api.base_url.removeprefix("http") + path + query,
        additional_headers={**(bearer(credential) if credential else {}), **(headers or {})},
        subprotocols=[Subprotocol(name) for name in protocols] if protocols else None,
        proxy=None,
        open_timeout=WAIT_S,
    ) as made:
        yield made


def receive(made: Connection) -> Json:
    """The next event."""
    return cast(Json, json.loads(made.recv(timeout=WAIT_S)))


def tell(made: Connection, event: Json | str | bytes) -> Json:
    """Sends an event, or a raw text or binary frame; returns the next event that comes."""
    made.send(json.dumps(event) if isinstance(event, dict) else event)
    return receive(made)


def closed(made: Connection) -> tuple[int | None, str | None]:
    """Close code and reason of a socket on which nothing more comes. Raises TimeoutError when it stays open."""
    try:
        more = made.recv(timeout=WAIT_S)
    except ConnectionClosed:
        return made.close_code, made.close_reason
    raise AssertionError(f"expected the close, got {more!r}")
