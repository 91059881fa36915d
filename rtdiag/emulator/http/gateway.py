"""A gateway between the client and the API: what it looks at first, and what it makes of the API's refusals.

It knows its models by name, and lets one rest that failed for good: whoever asks for it then is refused, whatever was asked before.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from rtdiag.api import endpoints
from rtdiag.api.endpoints import Kind
from rtdiag.api.sessions import model_of
from rtdiag.emulator.bodies import Refused, all_bodies, read_json
from rtdiag.emulator.http.request_body import body_of
from rtdiag.emulator.profiles import Gateway
from rtdiag.emulator.said import Over, said
from rtdiag.emulator.service import Service

# Requests that are passed on; all others the gateway answers itself, or by a 404.
PASSED_ON = (
    endpoints.CLIENT_SECRETS,
    endpoints.BETA_TRANSCRIPTION_SESSIONS,
    endpoints.CALLS,
    endpoints.REALTIME,
)


async def admit(service: Service, gateway: Gateway, request: web.Request, below: str) -> None:
    """Raises Refused for a request with another credential, for no model of the gateway's, and for one that rests."""
    if below not in PASSED_ON:
        return
    token = service.require_key_or_token(request)
    model = token.model if token else await _model_of(gateway, request)
    if not model:
        raise Refused("missing-model-socket")
    if not any(known.id == model for known in service.models):
        route = "_arealtime" if request.method == "GET" else below
        raise Refused("model-unknown-here", model=model, route=route)
    if service.rests(model):
        raise Refused("model-rests", model=model, seconds=f"{gateway.rests_s:g}")


async def passed_on(service: Service, gateway: Gateway, request: web.Request, refused: Refused, below: str) -> Refused:
    """The refusal as the gateway passes it on, which may let the model rest; what it has own words for, it refused itself."""
    over: Over = "socket" if request.method == "GET" else "http"
    status = all_bodies()[refused.body_id].status or 400
    own = refused.body_id in gateway.own or (not refused.upstream and said(service.server.says, refused, over, below))
    if below not in PASSED_ON or own:
        return refused
    token = service.tokens.find(service.credential_of(request))
    model = token.model if token else await _model_of(gateway, request)
    passed = Refused(refused.body_id, **refused.values, group=model)
    passed.upstream = True
    if over == "http" and status in gateway.rests_after:
        service.rest(model, gateway.rests_s)
    return passed


async def _model_of(gateway: Gateway, request: web.Request) -> str:
    """The name by which the gateway looks for a model."""
    if request.method == "GET":
        transcribes = request.query.get("intent") == "transcription"
        return request.query.get("model") or (gateway.models["transcription"] if transcribes else "")
    try:
        body: Any = read_json(await body_of(request))
    except ValueError:
        raise Refused("invalid-json-body") from None
    session = body.get("session", body) if isinstance(body, dict) else {}
    session = session if isinstance(session, dict) else {}
    kind: Kind = "transcription" if session.get("type") == "transcription" else "realtime"
    return model_of(session) or gateway.models[kind]
