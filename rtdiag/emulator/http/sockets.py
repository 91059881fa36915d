"""The WebSocket at `/realtime`: which session it opens, and how it refuses.

The API upgrades first and refuses then: 101, an `error` frame, and a close whose code is 3000 for credentials and 4000 for the
rest, with the error's type and code as reason, and no `x-request-id` on the upgrade (captures of 2026-09-18, record 69522944037,
probes 7 to 11). Only an unknown `?call_id=` is refused over HTTP (openai/openai-realtime-console#562, 2025-09-22), and a
socket to a path that belongs to transcription alone (403: record 55048801620). An upgrade over HTTP/2, which the API answers
with 405 (recorded in 2026), nobody can ask for here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import WSMsgType, web

from rtdiag.api.endpoints import BETA_SUBPROTOCOL, KEY_SUBPROTOCOL, Dialect, Kind
from rtdiag.api.models import find
from rtdiag.api.sessions import model_of
from rtdiag.emulator.bodies import Refused, all_bodies, error_object
from rtdiag.emulator.http.endings import Connection
from rtdiag.emulator.said import filled, placeholders, said
from rtdiag.emulator.service import Service, subprotocols
from rtdiag.emulator.session.open_session import OpenSession, refusal_event
from rtdiag.emulator.session.subscribers import Line
from rtdiag.emulator.session.translation import translation

Json = dict[str, Any]
Frame = Callable[[], Awaitable[None]]  # sends one that is no event

CLOSE_WAIT_S = 0.25  # for the peer's own close, before this side of the connection is shut (endings.py)
PING_S = 20.26  # record 69522944037 probe 9
LARGEST_MESSAGE_BYTES = 24 * 1024 * 1024  # 15 MiB of audio in base64 and its event: openai-openapi @ f85dbe2 line 46906
AUTH_CODE, SHAPE_CODE = 3000, 4000
MOST_REASON = 123  # RFC 6455 5.5: of a server that says a whole text there

# It would print what a client offers, and so the credential in a sub-protocol.
logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)


class Socket:
    """One client's socket as a listener of a session. `send` and `close` only queue; `serve` reads and writes to the end."""

    def __init__(self, ws: web.WebSocketResponse, connection: asyncio.Transport | None) -> None:
        self._ws, self._connection = ws, connection
        self._outbox: deque[Json | tuple[int, str] | Frame] = deque()
        self._busy = True  # somebody sends what is queued: until then whoever serves
        self._beside: asyncio.Task[None] | None = None  # what sends while the client is listened to
        self._over = False
        self._heard = True  # something, since the last ping

    def send(self, event: Json) -> None:
        """Queues one event; it becomes a text frame when its turn comes, for the events of many share their sound."""
        self._queue(event)

    def close(self, code: int, reason: str) -> None:
        """Queues the close, behind the events that came before."""
        self._queue((code, reason))

    async def serve(self, line: Line | None) -> None:
        """Sends what is queued, up to the close, and passes what comes in on to `line`; nobody hears one that is refused."""
        self._alarm = asyncio.get_running_loop().call_later(PING_S, self._ping)
        try:
            await self._send()
            while line and not self._over:
                await self._hear(line)
            await self._sent()
        finally:
            self._alarm.cancel()
            if self._beside:
                self._beside.cancel()
        if kept := self._ws.exception():  # with its frames it would keep the socket and itself
            kept.__traceback__ = None

    async def _hear(self, line: Line) -> None:
        """What comes in next, once all that was said has gone out: so nothing that breaks the socket overtakes it."""
        await self._sent()
        if self._over:
            return
        message = await self._ws.receive()
        mine, self._busy, self._heard = not self._busy, True, True
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            line.receive(message.data)
        elif message.type is WSMsgType.PING:
            self._queue(partial(self._ws.pong, message.data))
        elif message.type is not WSMsgType.PONG:
            if message.type is WSMsgType.CLOSE and isinstance(self._connection, Connection):
                self._connection.heard_out()
            self.close(1000, "")
        await (self._send() if mine else self._sent())

    def _ping(self) -> None:
        """Ends the connection of a client that has not even answered the last one."""
        if not self._heard and self._connection:
            self._connection.close()
            return
        self._heard = False
        self._queue(self._ws.ping)
        self._alarm = asyncio.get_running_loop().call_later(PING_S, self._ping)

    def _queue(self, what: Json | tuple[int, str] | Frame) -> None:
        self._outbox.append(what)
        if not self._busy:
            self._busy = True
            self._beside = asyncio.ensure_future(self._send())

    async def _sent(self) -> None:
        while self._beside:
            beside, self._beside = self._beside, None
            await beside

    async def _send(self) -> None:
        """All that is queued. After the close nothing is sent any more."""
        end: tuple[int, str] | None = None
        try:
            while self._outbox and end is None:
                if isinstance(queued := self._outbox.popleft(), dict):
                    await self._ws.send_str(json.dumps(queued))
                elif isinstance(queued, tuple):
                    end = queued
                else:
                    await queued()
        except ConnectionError:
            end = 1000, ""
        if end is None:
            self._busy = False
            return
        self._over = True
        await self._ws.close(code=end[0], message=end[1].encode())


def is_upgrade(request: web.Request) -> bool:
    """Whether a WebSocket is asked for."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


async def realtime(service: Service, request: web.Request) -> web.StreamResponse:
    """`?model=`, `?intent=transcription`, none of them with a token, or `?call_id=` beside a call."""
    if not is_upgrade(request):
        raise Refused("invalid-method", method=request.method, path=request.path)
    if "call_id" in request.query:
        return await _sideband(service, request)
    return await _serve(service, request, Line(_session(service, request)), begins=True)


async def translations(service: Service, request: web.Request) -> web.StreamResponse:
    """`/realtime/translations?model=` with the key, or with a token of its mint, beside which a model is ignored (assumed)."""
    if not is_upgrade(request):
        raise Refused("invalid-method", method=request.method, path=request.path)
    token = service.require_key_or_token(request)
    _dialect(service, request)
    if token and not token.translates:
        raise Refused("model-not-for-translation", model=model_of(token.config) or token.kind)
    if not token and not request.query.get("model"):
        raise Refused("missing-model-socket")
    config = token.config if token else translation({"model": request.query["model"]}, {}, service.rules)
    session = service.new_translation(config, "websocket")
    if token:
        token.used = True
    return await _serve(service, request, Line(session), begins=True)


async def refuse(service: Service, request: web.Request, refused: Refused) -> web.StreamResponse:
    """101, the error as a frame, and the close; from what is behind a gateway that passes it on, or in a server's own words."""
    ws, socket = await _upgraded(service, request)
    error = error_object(refused)
    code, reason = _close_code(refused), ".".join(part for part in (error["type"], error["code"]) if part)
    own = said(service.server.says, refused, "socket")
    if refused.upstream or own is None:
        socket.send(refusal_event(refused, service.behaviour))
    if own:
        values = {**placeholders(refused, {}), "close": code, "close_reason": reason}
        if own.json is not None:
            socket.send(filled(own.json, values))
        code, reason = own.close or code, own.reason.format_map(values)[:MOST_REASON] or reason
    socket.close(code, reason)
    await _until_closed(service, socket, None)
    return ws


def elsewhere(service: Service, path: str) -> web.Response:
    """The answer to a WebSocket at another path: no public source tells what decides between 403 and 404."""
    if service.server.says:
        return web.Response(status=403, text="")  # uvicorn
    return web.Response(status=403 if path.startswith("/realtime/transcription") else 404)


async def _sideband(service: Service, request: web.Request) -> web.StreamResponse:
    """A second way into a call, with the key; no `session.created` comes (pydantic-ai PR 6676, 2026-08-11)."""
    service.require_key(request)
    _dialect(service, request)  # the beta's header is refused here too (assumed)
    call = service.calls.get(request.query["call_id"])
    if call is None:
        return web.Response(status=404)
    return await _serve(service, request, call.line, begins=False)


async def _serve(service: Service, request: web.Request, line: Line, *, begins: bool) -> web.StreamResponse:
    if begins:
        service.lines.add(line)
    try:
        ws, socket = await _upgraded(service, request)
        line.join(socket)
        if begins:
            line.begin()
        await _until_closed(service, socket, line)
    finally:
        if begins:
            service.lines.discard(line)
            line.close()
        else:
            line.leave(socket)
    return ws


async def _upgraded(service: Service, request: web.Request) -> tuple[web.WebSocketResponse, Socket]:
    by_token = service.server.subprotocol if service.server.subprotocol != KEY_SUBPROTOCOL else "realtime"
    chosen = (name for name in subprotocols(request) if name.startswith(by_token))
    offered = tuple(chosen) if service.switches.selects_subprotocol else ()
    ws = web.WebSocketResponse(
        protocols=offered,
        timeout=CLOSE_WAIT_S,
        max_msg_size=LARGEST_MESSAGE_BYTES,
        autoclose=False,
        autoping=False,
    )
    ws.headers.update(service.headers())
    try:
        await ws.prepare(request)
    except ValueError:  # aiohttp, of a key that is not ASCII
        raise web.HTTPBadRequest(text="Handshake error") from None
    return ws, Socket(ws, request.transport)


async def _until_closed(service: Service, socket: Socket, line: Line | None) -> None:
    service.sockets.add(socket)
    try:
        await socket.serve(line)
    finally:
        service.sockets.discard(socket)


def _close_code(refused: Refused) -> int:
    body = all_bodies()[refused.body_id]
    return body.close or (AUTH_CODE if body.status in (401, 403) else SHAPE_CODE)


def _session(service: Service, request: web.Request) -> OpenSession:
    """The session that this socket opens. The credential is looked at before the dialect (assumed).

    So is it that a token of translations opens one here too: it is no bad credential, and a token's kind is kept.
    """
    token = service.require_key_or_token(request)
    dialect = _dialect(service, request)
    if token and token.dialect != dialect:
        raise Refused("ga-secret-on-beta" if dialect == "beta" else "beta-secret-on-ga")
    asked: Kind = "transcription" if _intent(service, request) == "transcription" else "realtime"
    kind: Kind = token.kind if token else asked  # a token's kind is kept whatever the query says (assumed)
    if token and token.translates:
        token.used = True
        return service.new_translation(dict(token.config), "websocket")
    model = service.model_asked(request) or (None if token or service.switches.heeds_intent else service.default_model)
    bound = token is not None and not service.server.bare_tokens
    _check_model(kind, model, bound=bound)
    config = dict(token.config) if token and bound else service.opened_as(kind, dialect, model)
    if kind == "realtime" and not bound:
        config["model"] = model
    session = service.new_session(kind, dialect, config, "websocket")
    if token:
        token.used = True
    return session


def _intent(service: Service, request: web.Request) -> str:
    """What `?intent=` asks for, "" for nothing. Raises Refused for what it may not be (BerriAI/litellm#13471, 2025-08-09)."""
    intent = request.query.get("intent", "") if service.behaviour.transcription_sessions else ""
    if intent not in ("", "realtime", "transcription"):
        raise Refused("invalid-intent")
    return intent if service.switches.heeds_intent else ""


def _dialect(service: Service, request: web.Request) -> Dialect:
    """The beta is asked for by a header, or by a sub-protocol that is taken for the same (assumed)."""
    asked = "realtime=v1" in request.headers.get("OpenAI-Beta", "") or BETA_SUBPROTOCOL in subprotocols(request)
    asked = asked and not service.server.any_model
    if asked and not service.behaviour.beta:
        raise Refused("beta-disabled")
    if not asked and not service.behaviour.ga:
        raise Refused("beta-header-missing")
    return "beta" if asked else "ga"


def _check_model(kind: Kind, model: str | None, *, bound: bool) -> None:
    """Which `?model=` is refused: captures of 2026-08-01 (record 60202052155) and 2026-09-18 (record 69522944037 11b).

    Beside a token of a realtime session any is ignored (assumed).
    """
    if kind == "realtime" and model is None and not bound:
        raise Refused("missing-model-socket")
    if kind == "transcription" and model is not None:
        known = find(model)
        transcribes = known is not None and known.kind == "transcription"
        raise Refused("model-not-for-transcription" if transcribes else "model-beside-transcription", model=model)
