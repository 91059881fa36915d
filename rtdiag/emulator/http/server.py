"""The HTTP side: which path is alive on the day, what every answer carries, and the faults that answer in its place."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web
from yarl import URL

from rtdiag.api import endpoints
from rtdiag.api.models import Model
from rtdiag.api.sessions import model_of
from rtdiag.emulator.added_routes import added_route
from rtdiag.emulator.bodies import Refused, http_answer, masked, pretty, read_json
from rtdiag.emulator.faults import Answer
from rtdiag.emulator.http import call_control, calls, cors, mints, sockets
from rtdiag.emulator.http.gateway import PASSED_ON, admit, passed_on
from rtdiag.emulator.http.request_body import body_of
from rtdiag.emulator.said import JSON_TYPE, Over, placeholders, said
from rtdiag.emulator.service import Service
from rtdiag.emulator.timeline import Behaviour, models_alive

# Where offers go. That the others answer as GA's is assumed.
OFFERED = (endpoints.CALLS, endpoints.REALTIME, endpoints.TRANSLATION_CALLS)
_JSON = {"Content-Type": "application/json"}
Handler = Callable[[Service, web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Route:
    """One method and path glob below `/v1`, the handler, and on which days it is there."""

    method: str
    path: str
    handler: Handler
    alive: Callable[[Behaviour], bool] = lambda _: True

    def lies_at(self, below: str) -> bool:
        """Whether the path is this one's."""
        return self.path == below or ("*" in self.path and fnmatchcase(below, self.path))


async def list_models(service: Service, request: web.Request) -> web.Response:
    """The models of the day, each with its `shutdown_date` if it has one (openai 3.54.0 types/model.py:26)."""
    service.require_key(request)
    listed = {"object": "list", "data": [_listed(service, m) for m in service.models]}
    return web.Response(body=service.printed(listed).encode(), headers=_JSON)


async def one_model(service: Service, request: web.Request) -> web.Response:
    """The model of that id (openai 3.54.0 resources/models.py), or the 404 for what is not there or not the project's."""
    service.require_key(request)
    wanted = request.path.rpartition("/")[2]
    found = next((m for m in models_alive(service.as_of) if m.id == wanted), None)
    if found is None:
        raise Refused("no-such-model", model=wanted)
    return web.Response(body=service.printed(_listed(service, found)).encode(), headers=_JSON)


ROUTES = (
    Route("GET", endpoints.MODELS, list_models),
    Route("GET", endpoints.MODELS + "/*", one_model),
    Route("POST", endpoints.CLIENT_SECRETS, mints.client_secrets, lambda b: b.ga),
    Route("POST", endpoints.CALLS, calls.ga_calls, lambda b: b.ga),
    Route("POST", endpoints.CALLS + "/*/hangup", call_control.hangup, lambda b: b.ga),
    Route("POST", endpoints.CALLS + "/*/accept", call_control.accept, lambda b: b.ga),
    Route("POST", endpoints.CALLS + "/*/reject", call_control.reject, lambda b: b.ga),
    Route("POST", endpoints.CALLS + "/*/refer", call_control.refer, lambda b: b.ga),
    Route("POST", endpoints.TRANSLATION_SECRETS, mints.translation_secrets, lambda b: b.translations),
    Route("POST", endpoints.TRANSLATION_CALLS, calls.translation_calls, lambda b: b.translations),
    Route("GET", endpoints.TRANSLATIONS, sockets.translations, lambda b: b.translations),
    Route("POST", endpoints.BETA_SESSIONS, mints.beta_sessions, lambda b: b.beta and b.webrtc),
    Route(
        "POST",
        endpoints.BETA_TRANSCRIPTION_SESSIONS,
        mints.beta_transcription_sessions,
        lambda b: b.beta and b.transcription_sessions,
    ),
    Route("POST", endpoints.REALTIME, calls.beta_sdp, lambda b: b.webrtc),
    Route("GET", endpoints.REALTIME, sockets.realtime),
)
SOCKETS = (sockets.realtime, sockets.translations)


def application(service: Service, merge_slashes: bool = False) -> web.Application:
    """The application of one emulator."""

    async def respond(request: web.Request) -> web.StreamResponse:
        if merge_slashes:
            request = _merged(request)
        started_s = time.perf_counter()
        try:
            response = await _fault_or_answer(service, request)
        except ConnectionResetError as gone:  # the client has gone before it was answered
            gone.__traceback__ = None  # aiohttp keeps the exception, and with its frames the request
            return web.Response()
        except web.HTTPException as refused:
            if sockets.is_upgrade(request):
                refused.force_close()
            raise
        if response.prepared:  # a WebSocket that has come to its end
            return response
        if sockets.is_upgrade(request):  # what follows was meant for a WebSocket
            response.force_close()
        response.headers.update(service.headers())
        if response.headers.pop(_NOT_THE_API, None) is None:
            _sign(service, request, response, started_s)
            offered = _below(service, request) in OFFERED
            cors.let_read(request, response, service.server, service.switches, offered=offered)
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    return app


_NOT_THE_API = "x-rtdiag-not-the-api"  # marks a response inside this module; never sent


async def _fault_or_answer(service: Service, request: web.Request) -> web.StreamResponse:
    """The answer of the first fault that means this request, else the API's."""
    try:
        for fault in service.faults:
            if fault.when and fault.answer and _meant(service, request, fault.when.matches):
                if fault.answer.body and cors.is_preflight(request):
                    continue  # the API answers preflights before it looks at anything (assumed); a gateway does not
                return await _given(service, fault.answer, request)
        if cors.is_preflight(request) and service.server.exposed:  # who lets no page read knows no preflight
            return cors.preflight(request, service.server, service.switches)
        return await _dispatch(service, request)
    except Refused as refused:
        below = _below(service, request)
        if gateway := service.server.gateway:
            refused = await passed_on(service, gateway, request, refused, below)
        if own := _said(service, request, refused, below):
            return own
        if sockets.is_upgrade(request):
            return await sockets.refuse(service, request, refused)
        status, text = http_answer(refused)
        return web.Response(status=status, body=text.encode(), headers=_JSON)


def _said(service: Service, request: web.Request, refused: Refused, below: str) -> web.Response | None:
    """The refusal in this server's own words, None where it has none, or says them at a socket that is open."""
    over: Over = "socket" if sockets.is_upgrade(request) else "http"
    found = said(service.server.says, refused, over, below, request.headers)
    if found is None or (over == "socket" and found.status is None):
        return None
    status, _ = http_answer(refused)
    types = service.server.gateway.error_types if service.server.gateway else {}
    kind = {"Content-Type": JSON_TYPE} if found.json is not None else {}
    body = found.body(placeholders(refused, types)).encode()
    return web.Response(status=found.status or status, body=body, headers={**kind, **found.headers})


async def _dispatch(service: Service, request: web.Request) -> web.StreamResponse:
    """404 and 405 come before the credential is looked at (assumed)."""
    below, server = _below(service, request), service.server
    here = [r for r in ROUTES if r.lies_at(below) and r.alive(service.behaviour) and server.has(r.method, r.path)]
    if sockets.is_upgrade(request) and not any(r.handler in SOCKETS for r in here):
        return sockets.elsewhere(service, below)
    if not here and (added := added_route(request.method, below)):
        if added.needs_key:
            service.require_key(request)
        return await _given(service, added.answer, request)
    if not here or not server.has(request.method, below):
        raise await _nowhere(service, request, below)
    for route in here:
        if route.method == request.method:
            service.require_fitting(request, below)
            if server.gateway:
                await admit(service, server.gateway, request, below)
            return await route.handler(service, request)
    raise Refused("invalid-method", method=request.method, path=request.path)


async def _nowhere(service: Service, request: web.Request, below: str) -> Refused:
    """The 404 of a path; of one that a gateway passes on the API's, which it gets there."""
    refused = Refused("invalid-url", method=request.method, path=request.path)
    if service.server.gateway and below in PASSED_ON and service.server.has(request.method, below):
        await admit(service, service.server.gateway, request, below)
        refused.upstream = True
    return refused


def _merged(request: web.Request) -> web.Request:
    """The same, asked of a path in which no slash follows another: some clients join their base URL so (semantic-kernel)."""
    url = request.rel_url
    path = re.sub("/{2,}", "/", url.raw_path)
    return request.clone(rel_url=URL.build(path=path, query_string=url.raw_query_string, encoded=True))


def _below(service: Service, request: web.Request) -> str:
    """The path below the API's root, "" for one that does not lie there."""
    root = service.server.root
    return request.path.removeprefix(root) if request.path.startswith(root + "/") else ""


def _meant(service: Service, request: web.Request, matches: Callable[[str, str, str, Mapping[str, str]], bool]) -> bool:
    credential = service.kind_of(service.credential_of(request))
    path = request.path.removeprefix(service.server.root)
    return matches(request.method, path, credential, request.headers)


async def _given(service: Service, answer: Answer, request: web.Request) -> web.Response:
    """The answer of a fault, or of a route that a package adds: a body of the API's, or what is not and so signs nothing."""
    await asyncio.sleep(answer.delay_s)
    if answer.breaks and request.transport:
        request.transport.abort()
    if answer.body is None:
        text, kind = (answer.text or "", {}) if answer.json is None else (pretty(answer.json), _JSON)
        headers = {**kind, **answer.headers, _NOT_THE_API: "1"}
        text += " " * answer.padding_bytes
        return web.Response(status=answer.status, body=text.encode(), headers=headers)
    refused = Refused(answer.body, **await _values(service, request))
    if gateway := service.server.gateway:
        await admit(service, gateway, request, _below(service, request))
        refused.upstream = answer.body not in gateway.own and _below(service, request) in PASSED_ON
    if sockets.is_upgrade(request) or service.server.says:
        raise refused
    _, text = http_answer(refused)
    return web.Response(status=answer.status, body=text.encode(), headers={**_JSON, **answer.headers})


async def _values(service: Service, request: web.Request) -> dict[str, str]:
    """What a fault's body may speak of."""
    try:
        body: Any = read_json(await body_of(request))
    except ValueError:
        body = None
    session = body.get("session", body) if isinstance(body, dict) else {}
    model = model_of(session) if isinstance(session, dict) else None
    return {
        "credential": masked(service.credential_of(request)),
        "method": request.method,
        "path": request.path,
        "content_type": request.headers.get("Content-Type", ""),
        "model": model or "gpt-realtime",
    }


def _sign(service: Service, request: web.Request, response: web.StreamResponse, started_s: float) -> None:
    """The headers of every answer of the API: developers.openai.com/api/reference/overview (2026).

    What answers offers and hang-ups names neither a version nor its time: recorded in July and September 2026, pydantic-ai's
    cassettes test_webrtc_sideband_text_turn and test_webrtc_hang_up_ends_the_call.
    """
    if not service.server.signs:
        return
    response.headers["x-request-id"] = f"req_{secrets.token_hex(16)}"
    response.headers["openai-organization"] = "rtdiag-emulator-fake"
    below = _below(service, request)
    if (below in OFFERED or below.startswith(endpoints.CALLS)) and not service.server.signs_offers:
        return
    response.headers["openai-version"] = "2020-10-01"
    response.headers["openai-processing-ms"] = str(int((time.perf_counter() - started_s) * 1000))


def _listed(service: Service, model: Model) -> dict[str, Any]:
    known = model.announced is None or model.announced <= service.as_of
    shutdown, changed = model.shutdown if known else None, service.switches.model_shutdown
    if model.preferred and changed is not None:
        shutdown = service.as_of + timedelta(days=changed) if isinstance(changed, int) else changed
    created = int(datetime(model.released.year, model.released.month, model.released.day, tzinfo=UTC).timestamp())
    listed: dict[str, Any] = {"id": model.id, "object": "model", "created": created, "owned_by": "system"}
    if service.server.listed:
        mode = {"mode": service.server.modes[model.kind]} if model.kind in service.server.modes else {}
        return {**listed, **service.server.listed, **mode}
    return listed | ({"shutdown_date": shutdown.isoformat()} if shutdown else {})
