"""Servers that are neither OpenAI's nor the emulator: a gateway that shuts models off, one with one slot, one that takes all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from aiohttp import ClientSession, web

from rtdiag.api.endpoints import CALLS, KEY_SUBPROTOCOL, KINDS, Kind
from rtdiag.emulator import Emulator
from rtdiag.engine import plan, registry, runner
from rtdiag.engine.context import RunOptions
from rtdiag.model import Report
from rtdiag.redact import Mask, Secret
from rtdiag.transport.http import Credential
from rtdiag.transport.recorder import Deadlines
from tests.checks.serving import piped, served

CHECKS = registry.load(()).checks
# What an upstream's refusal costs behind litellm 1.108: router_utils/cooldown_handlers.py, `_is_cooldown_required`.
COOLS_DOWN = frozenset({401, 402, 404, 408})
_HOP = frozenset({"host", "content-length", "transfer-encoding", "connection", "server", "date"})


async def no_sleep(_: float) -> None:
    """Waits for nothing, but lets others go on."""
    await asyncio.sleep(0)


async def asked(
    base_url: str,
    key: str,
    only: Collection[str] = (),
    kinds: tuple[Kind, ...] = KINDS,
    longest_s: float = 5.0,
    **wished: Any,
) -> Report:
    """A run against a server that is named by its base URL alone."""
    options = RunOptions(
        base_url,
        Credential("api-key", Secret(key), "OPENAI_API_KEY"),
        named=plan.named_in_full(CHECKS.values(), only),
        kinds=kinds,
        **wished,
    )
    chosen = plan.make(CHECKS.values(), only=only, kinds=kinds)
    return await runner.run(chosen, options, mask=Mask(), deadlines=Deadlines.of(longest_s), sleep=no_sleep)


class Gateway:
    """In front of an emulator, as litellm is: once its upstream has refused with one of `COOLS_DOWN`, everybody gets 429.

    `shut_off_by` says by which requests. Models, keys and tokens that it did not hand out are its own matter.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.shut_off_by: list[str] = []
        self._emulator = emulator
        self._tokens: set[str] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        bearer = _bearer(request)
        known = bearer == self._emulator.key or bearer in self._tokens
        if not known:
            return web.json_response({"error": {"message": "Authentication Error", "type": "auth_error"}}, status=401)
        if self.shut_off_by:
            return web.json_response(
                {"error": {"message": "All deployments are in cooldown", "code": "429"}}, status=429
            )
        if request.headers.get("Upgrade"):
            return await self._piped(request)
        return await self._passed_on(request)

    async def _passed_on(self, request: web.Request) -> web.Response:
        url = self._emulator.base_url.removesuffix("/v1") + request.path_qs
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        async with (
            ClientSession() as client,
            client.request(request.method, url, data=await request.read(), headers=headers) as upstream,
        ):
            body = await upstream.read()
        if upstream.status in COOLS_DOWN or upstream.status >= 500:
            self.shut_off_by.append(f"{request.method} {request.path_qs}")
        if upstream.status == 200 and "client_secrets" in request.path:
            self._tokens.add(json.loads(body)["value"])
        passed = {name: value for name, value in upstream.headers.items() if name.lower() not in _HOP}
        return web.Response(status=upstream.status, body=body, headers=passed)

    async def _piped(self, request: web.Request) -> web.WebSocketResponse:
        url = self._emulator.ws_url.removesuffix("/v1") + request.path_qs
        mine = web.WebSocketResponse(protocols=("realtime",))
        await mine.prepare(request)
        return await piped(mine, url, {"Authorization": f"Bearer {_bearer(request)}"})


def _bearer(request: web.Request) -> str:
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    named = [p.strip().removeprefix(KEY_SUBPROTOCOL) for p in offered if p.strip().startswith(KEY_SUBPROTOCOL)]
    return named[0] if named else request.headers.get("Authorization", "").removeprefix("Bearer ")


async def through_gateway(
    only: Collection[str] = (),
    faults: Sequence[str] = (),
    as_of: date | None = None,
    kinds: tuple[Kind, ...] = KINDS,
    **wished: Any,
) -> tuple[Report, Gateway]:
    """A run against a gateway before the emulator, and the gateway."""
    async with Emulator(as_of, faults) as emulator:
        gateway = Gateway(emulator)
        async with served(gateway.handle) as base_url:
            return await asked(base_url, emulator.key, only, kinds, **wished), gateway


class OneSlot:
    """A server of WebSockets alone with one slot, as speech-to-speech is; it lets go of a slot after `late` more refusals.

    `somebody_else` holds the slot all the time. It asks for no key and has no list of models.
    """

    def __init__(self, late: int = 0, *, somebody_else: bool = False) -> None:
        self.begun = 0
        self._late, self._held, self._until_free = late, somebody_else, 0
        self._somebody_else = somebody_else

    def _free(self) -> bool:
        if self._held and not self._somebody_else and self._until_free > 0:
            self._until_free -= 1
            self._held = self._until_free > 0
            return False
        return not self._held

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/v1/realtime" or not request.headers.get("Upgrade"):
            return web.json_response({"detail": "Not Found"}, status=404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if not self._free():
            full = {"type": "session_limit_reached", "code": None, "message": "All 1 session slots are in use."}
            await socket.send_json({"type": "error", "error": full})
            await socket.close(code=1008, message=b"All session slots are in use")
            return socket
        self._held, self._until_free, self.begun = True, self._late, self.begun + 1
        kind = "transcription" if "intent" in request.query else "realtime"
        session: dict[str, Any] = {"type": kind, "audio": {}}
        await socket.send_json({"type": "session.created", "session": session})
        async for message in socket:
            session |= json.loads(message.data).get("session", {})
            await socket.send_json({"type": "session.updated", "session": session})
        self._held = self._until_free > 0
        return socket


class TakesAll:
    """A server that mints, and opens a call for whatever is posted to `/realtime/calls`; `open` are those not hung up."""

    def __init__(self, emulator: Emulator) -> None:
        self.open: set[str] = set()
        self.opened = 0
        self._gateway = Gateway(emulator)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        below = request.path.removeprefix("/v1")
        if below == CALLS and request.method == "POST":
            self.opened += 1
            call = f"rtc_{self.opened}"
            self.open.add(call)
            return web.Response(status=201, text="v=0\r\n", headers={"Location": f"/v1/realtime/calls/{call}"})
        if below.endswith("/hangup"):
            self.open.discard(below.split("/")[-2])
            return web.Response()
        return await self._gateway.handle(request)
