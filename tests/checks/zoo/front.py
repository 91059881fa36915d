"""A server in front of another: it asks its upstream, an emulator, and may answer itself first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import ClientSession, web

from tests.checks.serving import piped
from tests.checks.zoo.skeleton import RIGHT_KEY, Refusal, Said, credential, sent, upgraded

_HOP = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "server", "date", "upgrade", "authorization"}
)


_REFUSED = Said(401, {"error": {"message": "Authentication Error", "type": "auth_error"}})


@dataclass(frozen=True)
class Front:
    """What a gateway does.

    `key_header`: where it looks for its own key, "" for nowhere. `passes_credentials`: the caller's goes on, RIGHT_KEY as the
    emulator's; else `upstream_key` does, the emulator's where none is given. `refuses` and `misses`: what it says to a wrong key
    and to none. `first` may answer what has passed, being told whether it is an upgrade; `told`: what it makes of an upstream's
    refusal. `token`: its own name of an upstream's token. `server`: its header `Server`. `root`: where the API is below it.
    `passes_sockets`: else an upgrade arrives as a plain GET.
    """

    key_header: str = "Authorization"
    refuses: Refusal = _REFUSED
    misses: Refusal | None = None
    first: Callable[[web.Request, bool], Refusal | None] | None = None
    told: Callable[[int, bytes], Said] | None = None
    token: Callable[[str], str] | None = None
    tokens_open: bool = True
    server: str = "gateway"
    root: str = "/v1"
    headers: Mapping[str, str] = field(default_factory=dict)
    passes_sockets: bool = True
    upstream_key: str | None = None
    passes_credentials: bool = False


class InFront:
    """A gateway with those ways, in front of the API at `upstream` (with `/v1`), which takes `key`."""

    def __init__(self, front: Front, upstream: str, key: str) -> None:
        self._front, self._upstream = front, upstream
        self._key = front.upstream_key or key
        self._tokens: dict[str, str] = {}
        self.asked: Counter[str] = Counter()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        front, upgrade = self._front, "Upgrade" in request.headers
        self.asked[f"{'WS' if upgrade else request.method} {request.path}"] += 1
        first = self._refused(request) or (front.first(request, upgrade) if front.first else None)
        answer = first or await (self._piped if upgrade and front.passes_sockets else self._passed_on)(request)
        return await sent(request, answer, {"Server": front.server, **front.headers})

    async def close(self) -> None:
        """Nothing is left."""

    def _refused(self, request: web.Request) -> Refusal | None:
        front = self._front
        if not front.key_header:
            return None
        given = credential(request, front.key_header)
        if given == RIGHT_KEY or (front.tokens_open and credential(request, "Authorization") in self._tokens):
            return None
        return front.refuses if given else front.misses or front.refuses

    def _asks_with(self, request: web.Request) -> dict[str, str]:
        given = credential(request, "Authorization")
        if not self._front.passes_credentials:
            return {"Authorization": f"Bearer {self._tokens.get(given, self._key)}"}
        return {"Authorization": f"Bearer {self._key if given == RIGHT_KEY else given}"} if given else {}

    def _url(self, request: web.Request) -> str:
        return self._upstream + request.path_qs.removeprefix(self._front.root)

    async def _passed_on(self, request: web.Request) -> web.StreamResponse | Refusal:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        headers = {name: value for name, value in headers.items() if not name.lower().startswith("sec-websocket")}
        async with (
            ClientSession() as client,
            client.request(
                request.method,
                self._url(request),
                data=await request.read(),
                headers=headers | self._asks_with(request),
            ) as upstream,
        ):
            body = await upstream.read()
        if upstream.status >= 400 and self._front.told:
            return self._front.told(upstream.status, body)
        if upstream.status == 200 and "client_secrets" in request.path and not self._front.passes_credentials:
            body = self._own_token(body)
        passed = {name: value for name, value in upstream.headers.items() if name.lower() not in _HOP}
        return web.Response(status=upstream.status, body=body, headers=passed)

    def _own_token(self, body: bytes) -> bytes:
        made = json.loads(body)
        own = self._front.token(made["value"]) if self._front.token else made["value"]
        self._tokens[own] = made["value"]
        return json.dumps(made | {"value": own}).encode()

    async def _piped(self, request: web.Request) -> web.StreamResponse | Refusal:
        url = self._url(request).replace("http", "ws", 1)
        return await piped(await upgraded(request), url, self._asks_with(request))
