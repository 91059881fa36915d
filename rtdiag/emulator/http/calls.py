"""Where offers go: GA `/realtime/calls`, translations', and the beta's `/realtime`.

The order is: credential, dialect, content type, offer, session. Credential before body is inferred from record
57945624825 (2026-05-13: a good credential and a bad offer get `invalid_offer`); the rest of the order is assumed.
"""

from __future__ import annotations

import warnings
from typing import Any

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, web

from rtdiag.api.endpoints import Kind
from rtdiag.api.sessions import model_of
from rtdiag.emulator.bodies import Refused, pretty, read_json
from rtdiag.emulator.http.mints import no_model
from rtdiag.emulator.http.request_body import body_of, within_bounds
from rtdiag.emulator.media.sdp_answer import bundles_what_is_there
from rtdiag.emulator.service import Service
from rtdiag.emulator.session.open_session import OpenSession
from rtdiag.emulator.session.settings import configured
from rtdiag.emulator.session.translation import translation
from rtdiag.emulator.tokens import Token

Json = dict[str, Any]

# aiohttp's, of a form that a client wrote badly: it is refused, and nobody need be warned.
_BAD_FORM = (BadContentDispositionHeader, BadContentDispositionParam)
for _warning in _BAD_FORM:
    warnings.filterwarnings("ignore", category=_warning)


async def ga_calls(service: Service, request: web.Request) -> web.Response:
    """A raw offer with a token, multipart `sdp` and `session` with the key, or a raw offer with the key and `?model=`."""
    token = service.require_key_or_webrtc_token(request)
    if token and token.dialect == "beta":
        raise Refused("beta-secret-on-ga")
    offer, given = await _ga_offer(service, request)
    offer = _checked(offer)
    return await _connect(service, request, _ga_session(service, request, token, given), offer, token)


async def translation_calls(service: Service, request: web.Request) -> web.Response:
    """An offer for a translation: raw with a token of its mint, as in the guide, or multipart with the key, as in GA (assumed).

    Source: developers.openai.com/api/docs/guides/realtime-translation; all that it does not say is as in GA (assumed).
    """
    token = service.require_key_or_token(request)
    if token and not token.translates:
        raise Refused("model-not-for-translation", model=model_of(token.config) or token.kind)
    no_model(request)
    offer, given = await _ga_offer(service, request)
    offer = _checked(offer)
    if given is None and token is None:
        raise Refused("missing-model")
    config = token.config if token else translation(given, {}, service.rules)
    return await _connect(service, request, service.new_translation(config, "webrtc"), offer, token)


async def beta_sdp(service: Service, request: web.Request) -> web.Response:
    """The beta's `/realtime?model=` and `?intent=transcription`; after its end every offer here gets the same 400.

    The 400 is public for `?model=` (record 59828301012, 2026-07-08), for the other query it is assumed.
    """
    token = service.require_key_or_webrtc_token(request)
    if not service.behaviour.beta:
        raise Refused("beta-disabled")
    if token and token.dialect == "ga":
        raise Refused("ga-secret-on-beta")
    offer = _checked(await _beta_offer(service, request))
    return await _connect(service, request, _beta_session(service, request, token), offer, token)


async def _ga_offer(service: Service, request: web.Request) -> tuple[str, object]:
    """The offer and the session that came with it, None when none did. A charset parameter is taken (assumed)."""
    content_type = request.headers.get("Content-Type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/sdp" or service.server.any_content_type:
        return await _text_of(request), None
    if media_type == "multipart/form-data" and not service.server.raw_offers:
        return await _multipart_of(request)
    if service.switches.takes_json_offers:
        return _unwrapped(await _text_of(request)), None
    raise Refused("only-sdp-or-multipart", content_type=content_type)


async def _beta_offer(service: Service, request: web.Request) -> str:
    """The beta compares the whole header: a charset parameter is refused (record 33323316245, 2025-01)."""
    content_type = request.headers.get("Content-Type", "")
    if content_type == "application/sdp":
        return await _text_of(request)
    if service.switches.takes_json_offers:
        return _unwrapped(await _text_of(request))
    raise Refused("only-sdp", content_type=content_type)


async def _text_of(request: web.Request) -> str:
    return (await body_of(request)).decode("utf-8", "replace")


async def _multipart_of(request: web.Request) -> tuple[str, object]:
    """`sdp` is required, `session` optional, nothing else allowed: openai-openapi @ f85dbe2 line 49788."""
    try:
        async with within_bounds(request):
            form = {name: _part(value) for name, value in (await request.post()).items()}
    except (ValueError, LookupError, RuntimeError, *_BAD_FORM):  # aiohttp, of parts that it cannot read
        raise Refused("invalid-offer") from None
    if unknown := form.keys() - {"sdp", "session"}:
        raise Refused("unknown-parameter", param=min(unknown))
    if "sdp" not in form:
        raise Refused("missing-parameter", param="sdp")
    try:
        return form["sdp"], read_json(form["session"]) if "session" in form else None
    except ValueError:
        raise Refused("invalid-json-body") from None


def _part(value: str | bytearray | bytes | web.FileField) -> str:
    if isinstance(value, web.FileField):
        value = value.file.read()
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _unwrapped(text: str) -> str:
    """The offer inside `{"sdp": …}` (LocalAI's shape), or the text itself."""
    try:
        wrapped = read_json(text)
    except ValueError:
        return text
    return str(wrapped.get("sdp", "")) if isinstance(wrapped, dict) else text


def _checked(offer: str) -> str:
    """The offer with CRLF at its ends of line. Raises Refused for what the API refuses before any peer is made."""
    lines = offer.replace("\r\n", "\n")
    if not lines.startswith("v=") or "\nm=audio " not in lines:
        raise Refused("invalid-offer")
    if not lines.endswith("\n"):
        raise Refused("offer-eof")  # ACM-VIT/ExamCooker#589: a trimmed offer
    offer = lines.replace("\n", "\r\n")
    if not bundles_what_is_there(offer):
        raise Refused("invalid-offer")
    return offer


def _ga_session(service: Service, request: web.Request, token: Token | None, given: object) -> OpenSession:
    """The session of the multipart part, else of the token, else of `?model=` with the key; else missing_model.

    A token of translations opens one here too: OpenAI's package for Ruby posts it here.
    A `?model=` beside a token is ignored (assumed); a transcription session in the multipart part is taken (assumed).
    """
    if token and token.translates:
        return service.new_translation(token.config, "webrtc")
    if token and token.kind == "transcription" and not service.switches.calls_transcribe:
        raise Refused("unknown-parameter", param="session.model")
    if given is None and token:
        return service.new_session(token.kind, "ga", token.config, "webrtc")
    if given is None:
        model = service.model_asked(request)
        if model is None:
            raise Refused("missing-model")
        given = {"type": "realtime", "model": model}
    kind: Kind = "transcription" if isinstance(given, dict) and given.get("type") == "transcription" else "realtime"
    current = token.config if token and token.kind == kind else {}
    return service.new_session(kind, "ga", configured(kind, "ga", given, current, service.rules), "webrtc")


def _beta_session(service: Service, request: web.Request, token: Token | None) -> OpenSession:
    """The token's session, or a default one by the query; a query of the other kind gets the empty error.

    Source: community.openai.com 1334200 (a transcription token with `?model=`); its mirror image is assumed.
    """
    model = request.query.get("model")
    intent = request.query.get("intent") if service.behaviour.transcription_sessions else None
    asked: Kind | None = "transcription" if intent == "transcription" else "realtime" if model else None
    if token and asked not in (None, token.kind):
        raise Refused("empty-fields")
    if not token and asked is None:
        raise Refused("missing-model")
    kind = token.kind if token else asked or "realtime"
    config = dict(token.config) if token else configured(kind, "beta", {}, {}, service.rules, path="")
    config = {**config, "model": model} if model and kind == "realtime" else config
    return service.new_session(kind, "beta", config, "webrtc")


async def _connect(
    service: Service, request: web.Request, session: OpenSession, offer: str, token: Token | None
) -> web.Response:
    """201, the answer as text/plain, a relative Location: pydantic-ai's cassette test_webrtc_sideband_text_turn (2026-07-22).

    In the beta 201 is assumed, and no Location is sent: nobody wrote of one.
    """
    if service.switches.offers_answered_with:
        raise Refused(service.switches.offers_answered_with)
    call_id, answer = await service.open_call(session, offer, from_page="Origin" in request.headers)
    if token:
        token.used = True
    headers = {"Content-Type": service.server.answers_calls_with}
    if service.switches.location_header and session.dialect == "ga":
        headers["Location"] = f"/v1/realtime/calls/{call_id}"
    if service.switches.answer_form == "json":
        headers["Content-Type"] = "application/json"
        answer = pretty({"sdp": answer, "session_id": session.id})
    elif service.switches.answer_form == "truncated":
        answer = answer[: len(answer) // 2]
    return web.Response(status=201, body=answer.encode(), headers=headers)
