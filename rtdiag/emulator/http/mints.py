"""The mints: GA `/realtime/client_secrets`, and the two of the beta."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from rtdiag.api import sessions as dialects
from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.emulator.bodies import Refused, read_json
from rtdiag.emulator.http.request_body import body_of
from rtdiag.emulator.service import Service
from rtdiag.emulator.session.server_events import new_id
from rtdiag.emulator.session.settings import configured, shown
from rtdiag.emulator.session.shapes import all_shapes, check, complete, quoted
from rtdiag.emulator.tokens import BETA_LIFE_S, Token

Json = dict[str, Any]


async def client_secrets(service: Service, request: web.Request) -> web.Response:
    """GA: `{expires_after?, session?}` to `{value, expires_at, session}`.

    Without a session: realtime by default (assumed).
    """
    service.require_key(request)
    body = await json_of(request, any_type=service.server.any_content_type)
    if service.server.bare_tokens:
        return _bare(service, body)
    check(all_shapes()["ga-mint"], body, "", {}, service.behaviour)
    session = body.get("session", {"type": "realtime"})
    if session.get("type") not in ("realtime", "transcription"):
        _refuse_type(session)
    kind: Kind = session["type"]
    config = configured(kind, "ga", session, {}, service.rules)
    if kind == "realtime":
        config = {"model": service.default_model, **config}
    token = _mint(
        service, kind, "ga", config, body.get("expires_after", {}).get("seconds", service.server.token_life_s)
    )
    # `session.expires_at` is 0 in the published answer: openai-openapi @ f85dbe2 line 17020.
    session_shown = shown(kind, "ga", new_id("sess"), config, 0)
    return _answer(service, {"value": token.value, "expires_at": token.expires_at, "session": session_shown})


def _bare(service: Service, body: Json) -> web.Response:
    """A token of no session; what else is asked for is not looked at (assumed)."""
    asked = body.get("expires_after")
    life_s = asked.get("seconds") if isinstance(asked, dict) else None
    token = _mint(service, "realtime", "ga", {}, life_s if isinstance(life_s, int) else service.server.token_life_s)
    return _answer(service, {"value": token.value, "expires_at": token.expires_at})


async def translation_secrets(service: Service, request: web.Request) -> web.Response:
    """Translations: `{expires_after?, session}` as in GA, but for the session's type (openai-openapi @ f85dbe2 line 17194)."""
    service.require_key(request)
    no_model(request)
    body = await json_of(request)
    check(all_shapes()["translation-mint"], body, "", {}, service.behaviour)
    session = complete(all_shapes()["translation-mint"], body, {}, service.behaviour)["session"]
    token = _mint(
        service, "realtime", "ga", session, body.get("expires_after", {}).get("seconds", service.server.token_life_s)
    )
    token.translates = True
    session_shown = {"id": new_id("sess"), "type": "translation", "expires_at": 0, **session}
    return _answer(service, {"value": token.value, "expires_at": token.expires_at, "session": session_shown})


def no_model(request: web.Request) -> None:
    """Raises Refused for a `?model=`: the mint and the calls of translations answer 400 (record 65799956494); what, is assumed."""
    if "model" in request.query:
        raise Refused("unknown-parameter", param="model")


async def beta_sessions(service: Service, request: web.Request) -> web.Response:
    """Beta: the flat session to the session with its `client_secret`."""
    return await _beta(service, request, "realtime", "expires_after")


async def beta_transcription_sessions(service: Service, request: web.Request) -> web.Response:
    """Beta: the same for transcription, where the token's life goes by another name (OAS @ f85dbe2 line 55642)."""
    return await _beta(service, request, "transcription", "expires_at")


async def _beta(service: Service, request: web.Request, kind: Kind, life_field: str) -> web.Response:
    service.require_key(request)
    body = await json_of(request)
    check(all_shapes()[f"beta-{kind}-mint"], body, "", {}, service.behaviour)
    life_s = body.pop("client_secret", {}).get(life_field, {}).get("seconds", BETA_LIFE_S)
    modalities = {"modalities": body.pop("modalities", ["audio", "text"])} if kind == "transcription" else {}
    _check_semantic_vad(service, kind, body)
    config = configured(kind, "beta", body, {}, service.rules, path="")
    if kind == "realtime":
        config = {"model": service.default_model, **config}
    token = _mint(service, kind, "beta", config, life_s)
    secret = {"value": token.value, "expires_at": token.expires_at}
    return _answer(service, {**shown(kind, "beta", new_id("sess"), config, 0), **modalities, "client_secret": secret})


def _check_semantic_vad(service: Service, kind: Kind, body: Json) -> None:
    """Refused at the transcription mint until 2025-04-02: community.openai.com 1148799."""
    wanted = dialects.turn_detection_of(body)
    semantic = isinstance(wanted, dict) and wanted.get("type") == "semantic_vad"
    if semantic and kind == "transcription" and not service.behaviour.semantic_vad_at_transcription_mint:
        raise Refused("semantic-vad-refused", param="turn_detection")


def _mint(service: Service, kind: Kind, dialect: Dialect, config: Json, asked_s: int) -> Token:
    forced_s = service.switches.token_life_s
    life_s = asked_s if forced_s is None else forced_s
    prefix, sealed = service.server.token_prefix or service.switches.token_prefix, service.server.sealed_tokens
    token = service.tokens.mint(kind, dialect, config, life_s, prefix, sealed=sealed)
    token.used = service.switches.tokens_handed_out_used
    return token


def _refuse_type(session: Json) -> None:
    if "type" not in session:
        raise Refused("missing-parameter", param="session.type")
    supported = quoted(("realtime", "transcription"))
    raise Refused("invalid-value", value=session["type"], supported=supported, param="session.type")


async def json_of(request: web.Request, *, any_type: bool = False) -> Json:
    """The request's JSON object.

    Raises Refused for another content type, unless `any_type` will do, for no JSON, and for JSON that is no object.
    """
    content_type = request.headers.get("Content-Type", "")
    if not any_type and content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refused("only-json", content_type=content_type)
    try:
        body = read_json(await body_of(request))
    except ValueError:
        raise Refused("invalid-json-body") from None
    if not isinstance(body, dict):
        raise Refused("invalid-json-body")
    return body


def _answer(service: Service, body: Json) -> web.Response:
    return web.Response(body=service.printed(body).encode(), headers={"Content-Type": "application/json"})
