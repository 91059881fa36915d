"""A small server that resembles the API as far as its `Habits` say: aiohttp, and aiortc where it takes offers.

It shares nothing with the emulator, and counts what it was asked.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from tests.checks.zoo.talk import Shape, Talk

RIGHT_KEY = "sk-FAKE-right-0000000000000000000000000000"
WRONG_KEY = "sk-FAKE-wrong-0000000000000000000000000000"
_SUBPROTOCOLS = ("openai-insecure-api-key.", "xai-client-secret.")

Body = Mapping[str, Any] | list[Any] | str | bytes


@dataclass(frozen=True)
class Said:
    """An answer over HTTP: a mapping or a list becomes JSON, text is sent as `type`."""

    status: int
    body: Body = ""
    type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        text = self.body if isinstance(self.body, str | bytes) else json.dumps(self.body)
        body = text.encode() if isinstance(text, str) else text
        kind = self.type if isinstance(self.body, str | bytes) or self.type != "text/plain" else "application/json"
        return web.Response(status=self.status, body=body, headers={**self.headers, "Content-Type": kind})


@dataclass(frozen=True)
class Ended:
    """An end of a WebSocket after its upgrade, with or without an event before it."""

    code: int
    reason: str = ""
    event: Mapping[str, Any] | None = None

    async def end(self, request: web.Request) -> web.WebSocketResponse:
        socket = await upgraded(request)
        if self.event is not None:
            await socket.send_json(self.event)
        await socket.close(code=self.code, message=self.reason.encode())
        return socket


class Dropped:
    """The connection is closed without an answer."""


Refusal = Said | Ended | Dropped
NOT_FOUND = Said(404, {"detail": "Not Found"})
OPENAI_401 = Said(
    401,
    {"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error", "code": "invalid_api_key"}},
)


def models(*names: str) -> Said:
    """GET /models as the API answers it."""
    return Said(200, {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "me"} for name in names]})


_FULL = Said(503, {"error": {"message": "All session slots are in use", "type": "session_limit_reached"}})
_SHAPE = Shape()


@dataclass(frozen=True)
class Habits:
    """What a server of that kind does.

    `lists`: its GET /models. `key_header`: where it looks for a key, "" for nowhere. `refuses` and `socket_refuses`: what it says
    to a wrong key, `misses` and `socket_misses` to none. `unknown`: to every path that it has not; `guards_all`: even there a key
    comes first. `mints`: what is answered there, of the token, its end and the session wanted; `tokens_open`: what the tokens are
    good for. `calls`: where an offer goes; `calls_take`: as what. `socket`: where a WebSocket opens, None for nowhere.
    `needs_query`: without that parameter neither. `slots`: how many sessions at a time, `full`: what it says to one more;
    `frees_late`: a slot is given back after one more refusal. `limit`: so many requests, then 429; `locks_out_after` so many
    refused credentials it answers nobody. `before` may answer any request first.
    """

    lists: Refusal | None = None
    lists_openly: bool = False
    key_header: str = ""
    refuses: Refusal = OPENAI_401
    misses: Refusal | None = None
    socket_refuses: Refusal | None = None
    socket_misses: Refusal | None = None
    unknown: Refusal = NOT_FOUND
    guards_all: bool = False
    mints: Mapping[str, Callable[[str, int, Mapping[str, Any]], Body]] = field(default_factory=dict)
    tokens_open: tuple[Literal["calls", "socket"], ...] = ("calls", "socket")
    calls: str | None = None
    calls_take: Literal["sdp", "json", "any"] = "sdp"
    calls_status: int = 201
    answer_type: str = "application/sdp"
    hangs_up: bool = False
    socket: str | None = "/v1/realtime"
    shape: Shape = _SHAPE
    needs_query: str = ""
    models_known: tuple[str, ...] = ()
    model_unknown: Refusal | None = None
    slots: int | None = None
    full: Refusal = _FULL
    frees_late: bool = False
    mint_status: int = 200
    answers_json: bool = False
    limit: int | None = None
    locks_out_after: int | None = None
    server: str = ""
    before: Callable[[web.Request], Refusal | None] | None = None


class Stranger:
    """A server with those habits.

    `asked` counts what it was asked, by method and path, WebSockets as `WS`; `missed` what of that it has not.
    """

    def __init__(self, habits: Habits) -> None:
        self.habits = habits
        self.asked: Counter[str] = Counter()
        self.most_at_once = 0
        self.missed: Counter[str] = Counter()
        self._tokens: dict[str, str] = {}
        self._open = self._refusals = self._freeing = self._calls = 0
        self._peers: dict[str, Any] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        upgrade = "Upgrade" in request.headers
        self.asked[f"{'WS' if upgrade else request.method} {request.path}"] += 1
        answer = await self._answered(request, upgrade)
        return await sent(request, answer, {"Server": self.habits.server} if self.habits.server else {})

    async def close(self) -> None:
        await asyncio.gather(*(peer.close() for peer in self._peers.values()))

    async def _answered(self, request: web.Request, upgrade: bool) -> web.StreamResponse | Refusal:
        has, below = self.habits, request.path
        if has.limit is not None and self.asked.total() > has.limit:
            return Said(
                429, {"error": {"message": "Rate limit exceeded: too many in a minute.", "type": "rate_limit_error"}}
            )
        if has.locks_out_after is not None and self._refusals >= has.locks_out_after:
            return Said(403, {"error": {"message": "Too many failed attempts from this address.", "type": "forbidden"}})
        if has.before and (first := has.before(request)):
            return first
        if upgrade and below == has.socket:
            return self._refused(request, upgrade) or await self._socket(request)
        if has.guards_all and (refused := self._refused(request, False)):
            return refused
        if request.method == "GET" and below.endswith("/models") and has.lists:
            return (None if has.lists_openly else self._refused(request, False)) or has.lists
        if request.method == "POST" and below in has.mints:
            return self._refused(request, False, tokens=False) or await self._minted(request)
        if request.method == "POST" and below == has.calls:
            return self._refused(request, False, tokens="calls" in has.tokens_open) or await self._call(request)
        if request.method == "POST" and has.hangs_up and below.endswith("/hangup"):
            return await self._hung_up(below.split("/")[-2])
        self.missed[f"{'WS' if upgrade else request.method} {below}"] += 1
        return has.unknown

    def _refused(self, request: web.Request, socket: bool, tokens: bool | None = None) -> Refusal | None:
        has, given = self.habits, credential(request, self.habits.key_header)
        tokens = (not socket or "socket" in has.tokens_open) if tokens is None else tokens
        if (
            not has.key_header
            or given == RIGHT_KEY
            or (tokens and credential(request, "Authorization") in self._tokens)
        ):
            return None
        self._refusals += 1
        refuses = (has.socket_refuses if socket else None) or has.refuses
        return refuses if given else ((has.socket_misses if socket else None) or has.misses or refuses)

    async def _minted(self, request: web.Request) -> Said:
        try:
            wanted = json.loads(await request.read() or "{}")
        except ValueError:
            return Said(400, {"error": {"message": "We could not parse the JSON body of your request.", "code": None}})
        session = wanted.get("session") or {}
        token = f"ek_FAKE{len(self._tokens):028d}"
        self._tokens[token] = session.get("type", "realtime")
        ends = int(time.time()) + (wanted.get("expires_after") or {}).get("seconds", 600)
        return Said(self.habits.mint_status, self.habits.mints[request.path](token, ends, session))

    def _unfit(self, model: str | None) -> Refusal | None:
        has = self.habits
        if has.models_known and model and model not in has.models_known:
            return has.model_unknown
        if has.slots is None or self._open + self._freeing < has.slots:
            return None
        self._freeing = 0
        return has.full

    async def _socket(self, request: web.Request) -> web.StreamResponse | Refusal:
        if self.habits.needs_query and self.habits.needs_query not in request.query:
            return Said(
                400, {"error": {"code": "BadRequest", "message": f"Missing query parameter {self.habits.needs_query}"}}
            )
        if unfit := self._unfit(request.query.get("model")):
            return unfit
        socket = await upgraded(request)
        token = self._tokens.get(credential(request, "Authorization"))
        talk = Talk(self.habits.shape, request.query.get("model") or "", token or request.query.get("intent") or "")
        self._begin()
        try:
            await _say(socket, talk.opens(), self.habits.shape)
            async for message in socket:
                await _say(socket, talk.hears(message.data), self.habits.shape)
        finally:
            self._open -= 1
            self._freeing = int(self.habits.frees_late)
        return socket

    def _begin(self) -> None:
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)

    async def _call(self, request: web.Request) -> web.StreamResponse | Refusal:
        if self.habits.needs_query and self.habits.needs_query not in request.query:
            return Said(
                422,
                {"detail": [{"type": "missing", "loc": ["query", self.habits.needs_query], "msg": "Field required"}]},
            )
        sdp, model = await _offer(request, self.habits.calls_take)
        if not sdp.startswith("v=0"):
            return Said(
                400,
                {"error": {"message": "invalid SDP offer", "type": "invalid_request_error", "code": "invalid_offer"}},
            )
        if unfit := self._unfit(model):
            return unfit
        self._calls += 1
        call = f"rtc_{self._calls}"
        try:
            token = self._tokens.get(credential(request, "Authorization"))
            answer = await self._peer(call, sdp, Talk(self.habits.shape, model or "", token or ""))
        except Exception as exc:
            return Said(
                400, {"error": {"message": f"could not use the offer: {type(exc).__name__}", "code": "invalid_offer"}}
            )
        if self.habits.answers_json:
            return Said(200, {"sdp": answer, "type": "answer"})
        if self.habits.calls_take == "json":
            return Said(self.habits.calls_status, {"sdp": answer, "session_id": call})
        located = {"Location": f"{request.path}/{call}"} if self.habits.hangs_up else {}
        return Said(self.habits.calls_status, answer, self.habits.answer_type, located)

    async def _peer(self, call: str, sdp: str, talk: Talk) -> str:
        from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

        peer = self._peers[call] = RTCPeerConnection(RTCConfiguration([]))
        self._begin()

        def opened(channel: Any) -> None:
            def say(events: Iterable[Mapping[str, Any]]) -> None:
                for event in events:
                    channel.send(json.dumps(self._wrapped(event)))

            say(talk.opens())
            channel.on("message", lambda text: say(talk.hears(text)))

        def changed() -> None:
            if peer.connectionState in ("failed", "closed"):
                self._ended(call)

        peer.on("datachannel", opened)
        peer.on("connectionstatechange", changed)
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return peer.localDescription.sdp

    def _wrapped(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.habits.shape.envelope:
            return event
        return {"type": "full_message", "id": event["event_id"], "data": b64encode(json.dumps(event).encode()).decode()}

    def _ended(self, call: str) -> None:
        if self._peers.pop(call, None):
            self._open -= 1

    async def _hung_up(self, call: str) -> Said:
        if peer := self._peers.get(call):
            self._ended(call)
            await peer.close()
            return Said(200)
        return Said(
            404, {"error": {"message": "No session found for the provided call_id", "code": "call_id_not_found"}}
        )


async def _say(socket: web.WebSocketResponse, events: Iterable[Mapping[str, Any]], shape: Shape) -> None:
    for event in events:
        text = json.dumps(event)
        await (socket.send_bytes(text.encode()) if shape.binary else socket.send_str(text))


async def sent(
    request: web.Request, answer: web.StreamResponse | Refusal, headers: Mapping[str, str]
) -> web.StreamResponse:
    """That answer, with those headers where it has not begun."""
    if isinstance(answer, Ended):
        return await answer.end(request)
    if isinstance(answer, Dropped):
        if request.transport:
            request.transport.close()
        return web.Response()
    response = answer.response() if isinstance(answer, Said) else answer
    if not response.prepared:
        response.headers.update(headers)
    return response


async def upgraded(request: web.Request) -> web.WebSocketResponse:
    """The WebSocket, with the sub-protocol that clients of the API offer first."""
    socket = web.WebSocketResponse(protocols=("realtime",), timeout=0.2)
    await socket.prepare(request)
    return socket


def credential(request: web.Request, header: str) -> str:
    """What stands in that header or, for `Authorization`, in the sub-protocol too."""
    if header.lower() != "authorization":
        return request.headers.get(header, "") if header else ""
    for offered in request.headers.get("Sec-WebSocket-Protocol", "").split(","):
        for prefix in _SUBPROTOCOLS:
            if offered.strip().startswith(prefix):
                return offered.strip().removeprefix(prefix)
    return request.headers.get("Authorization", "").removeprefix("Bearer ").strip()


async def _offer(request: web.Request, taken: str) -> tuple[str, str | None]:
    text, model = await request.text(), request.query.get("model")
    if taken == "sdp" or (taken == "any" and request.content_type == "application/sdp"):
        return text, model
    try:
        given = json.loads(text)
        return str(given.get("sdp", "")), given.get("model")
    except (ValueError, AttributeError):
        return "", None
