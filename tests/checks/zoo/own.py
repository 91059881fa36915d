"""Servers with sessions of their own, each as it answers according to public knowledge: `source` where it is a product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from tests.checks.zoo.rights import (
    ALIKE,
    ALL,
    FULL,
    KEY,
    MODEL,
    NO_KEY,
    NOT_APPLIED,
    NOTHING,
    SILENT,
    SOCKET,
    SOCKETS,
    Kind,
    Right,
    broken,
    keyless,
    nothing,
    works,
)
from tests.checks.zoo.skeleton import Dropped, Ended, Habits, Refusal, Said, models
from tests.checks.zoo.talk import Shape, beta, ga, merge

_BEARER = Habits(lists=models("gpt-realtime-2.1"), key_header="Authorization")


def bearer(**more: Any) -> Habits:
    """A GA server of WebSockets with a key in `Authorization`, and a list of models."""
    return replace(_BEARER, **more)


def ga_mint(token: str, ends: int, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """GA's answer: the session as it will be."""
    session = ga("gpt-realtime-2.1", wanted.get("type", "realtime"))
    merge(session, wanted)
    return {"value": token, "expires_at": ends, "session": session}


def _detail(text: str, status: int = 401) -> Said:
    return Said(status, {"detail": text})


_HTML_403 = Said(
    403, "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>", "text/html"
)
_SPA = Said(
    200,
    '<!doctype html><html><head><title>My Voice App</title></head><body><div id="root"></div></body></html>',
    "text/html",
)

ODD_LISTS = {
    "models-400": Said(400, {"error": {"message": "Invalid request", "type": "invalid_request_error"}}),
    "models-403-html": _HTML_403,
    "models-405": Said(405, {"detail": "Method Not Allowed"}),
    "models-500": Said(500, "Internal Server Error"),
    "models-501": Said(
        501, {"error": {"message": "API not implemented", "type": "new_api_error", "code": "api_not_implemented"}}
    ),
    "models-empty-object": Said(200, {}),
    "models-empty-list": Said(200, []),
    "models-html": _SPA,
    "models-ollama": Said(
        200, {"models": [{"name": "llama3.2:latest", "model": "llama3.2:latest", "size": 2019393189}]}
    ),
    "models-strings": Said(200, ["voice-1", "voice-2"]),
    "models-data-strings": Said(200, {"data": ["voice-1"]}),
    "models-data-null": Said(200, {"object": "list", "data": None}),
    "models-names": Said(200, {"data": [{"name": "voice-1"}]}),
    "models-204": Said(204),
    "models-401-always": Said(401, {"error": {"message": "Admin key required to list models", "type": "auth_error"}}),
    "models-429": Said(
        429, {"error": {"message": "Too many requests", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}
    ),
}

REFUSALS = {
    "says-detail": _detail("Invalid API key"),
    "says-code-error": Said(401, {"code": 401, "error": "invalid token"}),
    "says-problem": Said(
        401,
        {"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "The bearer token is not valid."},
        "application/problem+json",
    ),
    "says-challenge": Said(401, headers={"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'}),
    "says-403": Said(403, {"error": {"message": "Forbidden: API key not allowed", "type": "forbidden"}}),
}
VAGUE_REFUSALS = {
    "says-basic": Said(401, "401 Unauthorized", headers={"WWW-Authenticate": 'Basic realm="voice"'}),
    "says-message": Said(401, {"message": "Unauthorized"}),
    "says-plain": Said(401, "Unauthorized"),
    "says-403-bare": Said(403),
    "says-html": Said(
        401,
        "<html><head><title>401 Authorization Required</title></head><body><center><h1>401 Authorization Required</h1>"
        "</center><hr><center>nginx</center></body></html>",
        "text/html",
    ),
}

CLOSES = {
    "closes-1008": Ended(1008, "Authentication failed"),
    "closes-4001": Ended(4001, "Unauthorized"),
    "closes-4401": Ended(4401, ""),
    "closes-1000": Ended(1000, "Unauthorized"),
    "closes-3000": Ended(
        3000,
        "invalid_request_error.invalid_api_key",
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "code": "invalid_api_key",
                "message": "Incorrect API key provided.",
            },
        },
    ),
}


def _no_upgrade_426(request: web.Request) -> Refusal | None:
    text = (
        "Failed to open a WebSocket connection: invalid Connection header: keep-alive.\n\nYou cannot access a WebSocket server "
        "directly with a browser. You need a WebSocket client.\n"
    )
    if "Upgrade" in request.headers:
        return None
    return Said(426, text, headers={"Upgrade": "websocket"}) if request.method == "GET" else Dropped()


def _ws_library(request: web.Request) -> Refusal | None:
    return None if "Upgrade" in request.headers else Said(426, "Upgrade Required")


def _aws(request: web.Request) -> Refusal | None:
    return None if "Upgrade" in request.headers else Said(403, {"message": "Missing Authentication Token"})


def _python_http(request: web.Request) -> Refusal | None:
    if request.method == "GET":
        return None
    return Said(
        501,
        f"<!DOCTYPE HTML><html><head><title>Error response</title></head><body><p>Error code: 501</p><p>Message: Unsupported "
        f"method ('{request.method}').</p></body></html>",
        "text/html",
    )


def _spa(request: web.Request) -> Refusal | None:
    return None if "Upgrade" in request.headers else _SPA


def _slashes(request: web.Request) -> Refusal | None:
    if request.path == "/v1/realtime/calls":
        return Said(307, headers={"Location": "/v1/realtime/calls/"})
    return None


def _no_plan(request: web.Request) -> Refusal | None:
    if "realtime" not in request.path:
        return None
    return Said(
        403,
        {
            "error": {
                "message": "Your plan does not include realtime models. Upgrade to Pro.",
                "type": "permission_error",
            }
        },
    )


def _query_token(request: web.Request) -> Refusal | None:
    return None if "token" in request.query else Said(401, {"error": "token query parameter required"})


def _login(request: web.Request) -> Refusal | None:
    return Said(302, headers={"Location": "/oauth2/start?rd=%2Fv1"}) if request.path.startswith("/v1") else _SPA


def _origin(request: web.Request) -> Refusal | None:
    return Said(403, "Origin not allowed") if "Upgrade" in request.headers else None


_SPEACHES = Habits(
    lists=models("Systran/faster-whisper-small"),
    key_header="Authorization",
    refuses=_detail("Invalid API key", 403),
    misses=_detail("Not authenticated", 403),
    socket_refuses=Said(403),
    socket_misses=Said(403),
    calls="/v1/realtime",
    calls_status=200,
    answer_type="text/plain charset=utf-8",
    shape=Shape("beta", kinds=("realtime",), envelope=True),
    needs_query="model",
    server="uvicorn",
)
_TWO_MODELS = bearer(
    lists=models("my-voice", "my-ears"),
    models_known=("my-voice", "my-ears"),
    model_unknown=Said(404, {"error": {"message": "The model does not exist", "code": "model_not_found"}}),
)
_KEYLESS = Habits(lists=models("qwen-omni"))

OWN: dict[str, Kind] = {
    "speaches": Kind(
        replace(_SPEACHES, key_header=""),
        {
            condition: Right((0, 1, 3), (*SILENT, "event-type-unknown", "event-envelope-malformed"), SOCKET, must=False)
            for condition in ("well", "none")
        },
        "speaches-ai/speaches @ 9aca787 src/speaches/routers/realtime_ws.py, _rtc.py: flat sessions; over WebRTC events "
        "come in an envelope of its own",
    ),
    "speaches-key": Kind(
        replace(_SPEACHES, calls=None),
        works(SOCKET, ALIKE),
        "the same: a close before the upgrade is a 403 without a body under uvicorn",
    ),
    "localai": Kind(
        Habits(
            lists=models("gpt-realtime", "whisper-1"),
            mints={
                "/v1/realtime/sessions": lambda token, *_: {
                    "object": "realtime.session",
                    "id": "sess_1",
                    "ephemeral_token": f"lai-sess:{token}",
                    "expires_at": "2100-01-01T00:00:00Z",
                    "seconds_left": 60,
                },
                "/v1/realtime/transcription_session": lambda token, *_: {
                    "object": "realtime.transcription_session",
                    "ephemeral_token": f"lai-sess:{token}",
                },
            },
            calls="/v1/realtime/calls",
            calls_take="json",
            unknown=Said(404, {"error": {"code": 404, "message": "Not Found", "type": ""}}),
        ),
        keyless(),
        "mudler/LocalAI @ 0c8bba1 core/http/endpoints/openai/realtime_webrtc.go, realtime.go: an offer of application/sdp is "
        "taken since; here the one before, which took JSON alone",
    ),
    "localai-sdp": Kind(
        Habits(
            lists=models("gpt-realtime", "whisper-1"),
            calls="/v1/realtime/calls",
            calls_take="any",
            unknown=Said(404, {"error": {"code": 404, "message": "Not Found", "type": ""}}),
        ),
        keyless(SOCKETS | {"calls"}),
        "the same, as it is now",
    ),
    "vllm": Kind(
        Habits(
            lists=models("mistralai/Voxtral-Mini-4B-Realtime"),
            shape=Shape(first="bare", updates="refused"),
            server="uvicorn",
        ),
        {
            "well": Right(
                (0, 1, 3), ("update-not-applied", "session-update-unanswered", "unexpected-answer"), SOCKET, must=False
            ),
            "none": Right(
                (0, 1, 2, 3),
                ("update-not-applied", "session-update-unanswered", "unexpected-answer"),
                SOCKET,
                must=False,
            ),
        },
        "vllm-project/vllm @ 0787aaa entrypoints/openai/realtime/connection.py: no session in session.created",
    ),
    "inworld": Kind(
        bearer(
            lists=None,
            calls="/v1/realtime/calls",
            socket_refuses=Ended(1000, "Unauthorized"),
            refuses=Said(401, {"code": 16, "message": "Invalid authorization credentials", "details": []}),
            unknown=Said(404, {"code": 5, "message": "Not Found", "details": []}),
            shape=Shape(kinds=("realtime",)),
        ),
        works(SOCKET | {"calls"}),
        "docs.inworld.ai/api-reference/realtimeAPI/realtime/realtime-webrtc: offers go with the key, no mint",
    ),
    "xai-like": Kind(
        bearer(
            lists=models("grok-voice"),
            mints={"/v1/realtime/client_secrets": lambda token, ends, _: {"value": token, "expires_at": ends}},
            shape=Shape(first="conversation", kinds=("realtime",)),
            refuses=Said(
                400,
                {
                    "code": "invalid-argument",
                    "error": "Incorrect API key provided: sk-***. You can obtain an API key from https://console.x.ai.",
                },
            ),
        ),
        works(SOCKET | {"mint"}),
        "docs.x.ai: conversation.created comes first; a wrong key is 400",
    ),
    "azure-like": Kind(
        bearer(
            key_header="api-key",
            refuses=Said(
                401,
                {
                    "error": {
                        "code": "401",
                        "message": "Access denied due to invalid subscription key or wrong API endpoint. "
                        "Make sure to provide a valid key for an active subscription and use a correct regional API endpoint "
                        "for your resource.",
                    }
                },
            ),
            mints={"/v1/realtime/client_secrets": ga_mint},
            calls="/v1/realtime/calls",
        ),
        {"well": Right(offers=ALL), "wrong": broken(*KEY, "azure-auth-or-url")},
        "learn.microsoft.com: the header api-key",
    ),
    "moshi": Kind(
        Habits(socket="/api/chat", unknown=Said(404, "404: Not Found")), nothing(), "kyutai-labs/moshi: /api/chat alone"
    ),
    "fastrtc": Kind(
        Habits(socket=None, calls="/webrtc/offer", calls_take="json"),
        nothing(),
        "gradio-app/fastrtc: POST /webrtc/offer, JSON",
    ),
    "openrouter": Kind(
        bearer(lists_openly=True, socket=None, unknown=Said(404, {"error": {"message": "Not Found", "code": 404}})),
        nothing(),
        "openrouter.ai: its list of models asks for no key; no realtime route",
    ),
    "ollama": Kind(
        Habits(socket=None, lists=models("llama3.2:latest"), unknown=Said(404, "404 page not found")),
        nothing(),
        "ollama/ollama: /v1/models, no realtime route",
    ),
    "keyless": Kind(_KEYLESS, keyless(), ""),
    "keyless-no-models": Kind(Habits(), keyless()),
    "keyless-calls": Kind(replace(_KEYLESS, calls="/v1/realtime/calls", hangs_up=True), keyless(SOCKETS | {"calls"})),
    "keyless-full": Kind(
        replace(_KEYLESS, calls="/v1/realtime/calls", hangs_up=True, mints={"/v1/realtime/client_secrets": ga_mint}),
        keyless(ALL),
    ),
    "full": Kind(
        bearer(calls="/v1/realtime/calls", hangs_up=True, mints={"/v1/realtime/client_secrets": ga_mint}), works(ALL)
    ),
    "calls-only": Kind(bearer(socket=None, calls="/v1/realtime/calls"), works(frozenset({"calls"}))),
    "mint-only": Kind(
        bearer(lists=None, socket=None, mints={"/v1/realtime/client_secrets": ga_mint}),
        {**works(frozenset({"mint"})), "well": Right((0, 1, 3), NOTHING, frozenset({"mint"}), must=False)},
    ),
    "mints-refuses": Kind(
        bearer(mints={"/v1/realtime/client_secrets": ga_mint}, tokens_open=()), works(SOCKETS | {"mint"})
    ),
    "mints-as-the-beta": Kind(
        bearer(
            mints={
                "/v1/realtime/client_secrets": lambda token, ends, _: {
                    "client_secret": {"value": token, "expires_at": ends}
                }
            }
        ),
        works(SOCKETS | {"mint"}),
    ),
    "beta-only": Kind(
        bearer(
            shape=Shape("beta", kinds=("realtime",)),
            calls="/v1/realtime",
            mints={
                "/v1/realtime/sessions": lambda token, ends, _: (
                    beta("gpt-realtime-2.1", "realtime") | {"client_secret": {"value": token, "expires_at": ends}}
                )
            },
        ),
        works(SOCKET),
    ),
    "one-slot": Kind(replace(_KEYLESS, slots=1), keyless(SOCKETS)),
    "one-slot-calls": Kind(replace(_KEYLESS, slots=1, calls="/v1/realtime/calls"), keyless(SOCKETS | {"calls"})),
    "two-slots": Kind(replace(_KEYLESS, slots=2, calls="/v1/realtime/calls"), keyless(SOCKETS | {"calls"})),
    "slots-close": Kind(
        replace(_KEYLESS, slots=1, full=Ended(1013, "Server is busy, try again later")), keyless(SOCKETS)
    ),
    "all-taken": Kind(
        replace(_KEYLESS, slots=0), {"well": broken(*FULL, offers=SOCKET), "none": broken(*FULL, exits=(1, 3))}
    ),
    "all-taken-1008": Kind(
        replace(_KEYLESS, slots=0, full=Ended(1008, "Too many connections")),
        {"well": broken(*FULL, "websocket-closed-by-policy", "rate-limit")},
    ),
    "x-api-key": Kind(
        bearer(key_header="x-api-key", refuses=Said(401, {"error": "Missing X-API-Key header"})),
        {"well": broken(*NO_KEY, *KEY, must=False)},
    ),
    "api-version": Kind(
        bearer(needs_query="api-version"),
        {
            "well": broken(
                "azure-auth-or-url", "url-not-known-here", "unexpected-answer", "websocket-upgrade-refused", must=False
            )
        },
    ),
    "guards-all": Kind(bearer(guards_all=True), works()),
    "aws-403": Kind(
        bearer(before=_aws, lists=None),
        {"well": Right(offers=SOCKETS), "wrong": broken(*KEY)},
        "docs.aws.amazon.com/apigateway: an unknown route is 403 Missing Authentication Token",
    ),
    "websockets-426": Kind(
        Habits(before=_no_upgrade_426), keyless(), "python-websockets: HTTP is 426, another method is cut off"
    ),
    "ws-npm": Kind(Habits(before=_ws_library), keyless(), "npm ws: HTTP is 426"),
    "python-501": Kind(replace(_KEYLESS, before=_python_http), keyless(), "http.server: methods it has not are 501"),
    "posts-405": Kind(replace(_KEYLESS, unknown=_detail("Method Not Allowed", 405)), keyless()),
    "unknown-401": Kind(
        bearer(unknown=Said(401, {"error": "unauthorized"})), {"well": Right(offers=SOCKETS), "wrong": broken(*KEY)}
    ),
    "spa": Kind(Habits(before=_spa, socket=None, unknown=Said(404)), nothing("answer-not-from-the-api")),
    "spa-socket": Kind(Habits(before=_spa), keyless()),
    "echo": Kind(Habits(shape=Shape(first="echo")), nothing(*SILENT, "answer-not-from-the-api")),
    "silent": Kind(Habits(shape=Shape(first="silence")), {"well": broken(*SILENT, *NOTHING)}),
    "another-protocol": Kind(
        Habits(shape=Shape(first="text")), nothing(*SILENT, "answer-not-from-the-api", "event-type-unknown")
    ),
    "created-late": Kind(
        replace(_KEYLESS, shape=Shape(first="after-update")), {"well": Right((0, 1, 3), SILENT, SOCKETS, must=False)}
    ),
    "ignores-updates": Kind(
        replace(_KEYLESS, shape=Shape(updates="ignored")), {"well": Right((0, 1, 3), SILENT, SOCKETS, must=False)}
    ),
    "unchanged": Kind(
        replace(_KEYLESS, shape=Shape(updates="unchanged")),
        {"well": Right((0, 1, 3), NOT_APPLIED, SOCKETS, must=False)},
    ),
    "wants-type": Kind(replace(_KEYLESS, shape=Shape(wants_type=True)), keyless()),
    "binary-frames": Kind(replace(_KEYLESS, shape=Shape(binary=True)), keyless()),
    "hello-first": Kind(
        replace(_KEYLESS, shape=Shape(first="hello")), keyless(), "an event of its own comes before session.created"
    ),
    "pings": Kind(
        replace(_KEYLESS, shape=Shape(pings=True)), keyless(), "an event of its own comes before every answer"
    ),
    "mint-201": Kind(
        bearer(mints={"/v1/realtime/client_secrets": ga_mint}, mint_status=201), works(SOCKETS | {"mint"})
    ),
    "mint-own-token": Kind(
        bearer(mints={"/v1/realtime/client_secrets": lambda token, ends, _: {"value": f"tok-{token[3:]}"}}),
        works(SOCKETS | {"mint"}),
        "its tokens have no ek_, and no end is told",
    ),
    "mint-iso": Kind(
        bearer(
            mints={
                "/v1/realtime/client_secrets": lambda token, ends, _: {
                    "value": token,
                    "expires_at": "2100-01-01T00:00:00Z",
                }
            }
        ),
        works(SOCKETS | {"mint"}),
        "the end is a day",
    ),
    "mint-own-shape": Kind(
        bearer(mints={"/v1/realtime/client_secrets": lambda token, ends, _: {"token": token, "expires_in": 60}}),
        {"well": Right((0, 1, 3), ("token-not-in-answer",), SOCKETS, must=False)},
        "{token, expires_in}",
    ),
    "calls-json-answer": Kind(
        bearer(calls="/v1/realtime/calls", calls_take="any", answers_json=True),
        {"well": Right((0, 1, 3), ("answer-not-sdp", "error-json-used-as-sdp-answer"), SOCKETS, must=False)},
        "the offer is taken as SDP, the answer is {sdp, type}",
    ),
    "calls-want-model": Kind(
        bearer(calls="/v1/realtime/calls", needs_query="model", hangs_up=True, shape=Shape(kinds=("realtime",))),
        works(SOCKET | {"calls"}),
    ),
    "slashes": Kind(
        bearer(before=_slashes, calls="/v1/realtime/calls/", lists=None),
        works(SOCKETS),
        "starlette: redirect_slashes, a 307 to the path with a slash",
    ),
    "no-plan": Kind(
        bearer(socket_refuses=None, before=_no_plan),
        {
            "well": broken(
                "account-without-realtime-access",
                "missing-permission-scope",
                "model-not-found-or-no-access",
                "gateway-key-refused",
                must=False,
            )
        },
    ),
    "limit-of-6": Kind(
        bearer(limit=6), {"well": Right((0, 3), ("rate-limit",), frozenset())}, "a gateway that counts requests"
    ),
    "locks-out": Kind(
        bearer(locks_out_after=5, calls="/v1/realtime/calls", hangs_up=True),
        {"well": Right(offers=SOCKETS | {"calls"})},
        "five refused credentials, and an address is shut out",
    ),
    "late-slot": Kind(replace(_KEYLESS, slots=1, frees_late=True), keyless()),
    "query-token": Kind(
        bearer(before=_query_token, lists=None), {"well": broken(*NO_KEY, *ALIKE, must=False)}, "only ?token= counts"
    ),
    "login-page": Kind(
        bearer(before=_login),
        {"well": broken("network-login-required", "answer-not-from-the-api", must=False)},
        "oauth2-proxy: a 302",
    ),
    "origin": Kind(
        replace(_KEYLESS, before=_origin),
        {"well": broken("websocket-upgrade-refused", must=False)},
        "no Origin, no WebSocket",
    ),
    "any-intent": Kind(replace(_KEYLESS, shape=Shape(kinds=("realtime",))), keyless(SOCKET)),
    "model-listed": Kind(_TWO_MODELS, works()),
    "model-misspelt": Kind(_TWO_MODELS, {"well": broken(*MODEL, offers=SOCKET)}, model="my-vioce"),
    **{name: Kind(replace(_KEYLESS, lists=answer), keyless()) for name, answer in ODD_LISTS.items()},
    **{
        f"{name}-key": Kind(bearer(lists=answer), works())
        for name, answer in ODD_LISTS.items()
        if name in ("models-400", "models-403-html")
    },
    **{name: Kind(bearer(refuses=answer), works()) for name, answer in REFUSALS.items()},
    **{name: Kind(bearer(refuses=answer), works(refused=ALIKE)) for name, answer in VAGUE_REFUSALS.items()},
    **{name: Kind(bearer(socket_refuses=end), works()) for name, end in CLOSES.items()},
    **{f"{name}-alone": Kind(bearer(socket_refuses=end, lists=None), works()) for name, end in CLOSES.items()},
}
