"""Gateways and proxies in front of an emulator, well and with what goes wrong behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiohttp import web

from tests.checks.zoo.front import Front
from tests.checks.zoo.rights import (
    ALIKE,
    ALL,
    KEY,
    MODEL,
    SOCKETS,
    UPSTREAM_GONE,
    UPSTREAM_KEY,
    UPSTREAM_QUOTA,
    Kind,
    Right,
    broken,
    works,
)
from tests.checks.zoo.skeleton import NOT_FOUND, Ended, Refusal, Said, models


def _apim(status: int, message: str) -> Said:
    return Said(status, {"statusCode": status, "message": message})


def _sockets_alone(request: web.Request, upgrade: bool) -> Refusal | None:
    return None if upgrade and request.path.endswith("/realtime") else NOT_FOUND


def _nested(status: int, body: bytes) -> Said:
    text = f"litellm.AuthenticationError: OpenAIException - {body.decode()}" if status == 401 else body.decode()
    return Said(status, {"error": {"message": text, "type": None, "param": None, "code": str(status)}})


def _wrapped_502(status: int, body: bytes) -> Said:
    return Said(
        502, {"error": {"message": f"upstream returned {status}", "type": "upstream_error", "upstream": body.decode()}}
    )


def _always(
    answer: Refusal,
    over_socket: Refusal | None = None,
    listed: tuple[str, ...] = ("gpt-realtime-2.1", "gpt-transcribe"),
) -> Callable[[web.Request, bool], Refusal | None]:
    def first(request: web.Request, upgrade: bool) -> Refusal | None:
        if request.path.endswith("/models"):
            return models(*listed)
        return (over_socket or answer) if upgrade else answer

    return first


def _socket_alone(over_socket: Refusal) -> Callable[[web.Request, bool], Refusal | None]:
    return _always(NOT_FOUND, over_socket)


def _event(code: str, message: str) -> dict[str, Any]:
    return {
        "type": "error",
        "error": {"type": "invalid_request_error", "code": code, "message": message, "param": None},
    }


def _new_api(request: web.Request, upgrade: bool) -> Refusal | None:
    if upgrade or request.path.endswith("/models"):
        return None
    text = f"Invalid URL ({request.method} {request.path})"
    return Said(404, {"error": {"message": text, "type": "invalid_request_error", "param": "", "code": ""}})


def _portkey(request: web.Request, upgrade: bool) -> Refusal | None:
    if "x-portkey-provider" in request.headers or "x-portkey-config" in request.headers:
        return None
    return Said(
        400, {"status": "failure", "message": "Either x-portkey-config or x-portkey-provider header is required"}
    )


def _bifrost(request: web.Request, upgrade: bool) -> Refusal | None:
    if upgrade and "/" not in request.query.get("model", "/"):
        return Said(
            400,
            {
                "is_bifrost_error": False,
                "status_code": 400,
                "error": {"message": "model should be in provider/model format"},
            },
        )
    return None


_DEAD_1011 = Ended(1011, "[Errno 111] Connect call failed ('127.0.0.1', 9)")
_NGINX_502 = Said(
    502,
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx/1.27.3</center>\r\n</body>\r\n</html>\r\n",
    "text/html",
)
_ENVOY = Said(
    503,
    "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure "
    "reason: delayed connect error: Connection refused",
)
_QUOTA = Said(
    429,
    {
        "error": {
            "message": 'OpenAIException - {"error": {"message": "You exceeded your current quota, please check your plan and '
            'billing details.", "type": "insufficient_quota", "code": "insufficient_quota"}}',
            "code": "429",
        }
    },
)
_COOLED = Said(
    429,
    {
        "error": {
            "message": "No deployments available for selected model, Try again in 5 seconds. Passed "
            "model=gpt-realtime-2.1. pre-call-checks=False, cooldown_list=['b1c2']",
            "type": "None",
            "code": "429",
        }
    },
)
_NO_CHANNEL = Said(
    503,
    {
        "error": {
            "message": "No available channel for model gpt-realtime-2.1 under group default (distributor) "
            "(request id: 20261130)",
            "type": "new_api_error",
            "code": "model_not_found",
        }
    },
)
_UPSTREAM_401 = Said(
    401,
    {
        "error": {
            "message": 'OpenAIException - {\n  "error": {\n    "message": "Incorrect API key provided: sk-UPSTR****9f3c. '
            'You can find your API key at https://platform.openai.com/account/api-keys.",\n    "type": '
            '"invalid_request_error",\n    "code": "invalid_api_key"\n  }\n}',
            "type": None,
            "code": "401",
        }
    },
)
_BAD_KEY = "sk-FAKE-upstream-0000000000000000000000009f3c"

_KONG = Front(
    key_header="apikey",
    server="kong/3.9.0",
    misses=Said(401, {"message": "No API key found in request"}),
    refuses=Said(401, {"message": "Unauthorized"}),
    tokens_open=False,
)

# How gateways and servers say that they do not know a model, each over HTTP and at the WebSocket.
_NO_SUCH_MODEL: dict[str, tuple[Refusal, Refusal | None]] = {
    "ollama": (Said(404, {"error": "model 'my-vioce' not found"}), None),
    "vllm": (
        Said(
            404,
            {
                "object": "error",
                "message": "The model `my-vioce` does not exist.",
                "type": "NotFoundError",
                "code": 404,
            },
        ),
        None,
    ),
    "openrouter": (Said(400, {"error": {"message": "my-vioce is not a valid model ID", "code": 400}}), None),
    "event": (NOT_FOUND, Ended(1008, "", _event("model_not_found", "The model `my-vioce` does not exist."))),
    "close": (NOT_FOUND, Ended(4004, "Model my-vioce not found")),
    "azure": (
        Said(
            404,
            {
                "error": {
                    "code": "DeploymentNotFound",
                    "message": "The API deployment for this resource does not exist.",
                }
            },
        ),
        None,
    ),
}
# How a gateway says that what stands behind it cannot be reached.
_DEAD: dict[str, tuple[Refusal, Refusal | None]] = {
    "504-html": (
        Said(504, "<html><head><title>504 Gateway Time-out</title></head><body></body></html>", "text/html"),
        None,
    ),
    "dns": (Said(500, {"error": "getaddrinfo ENOTFOUND realtime.upstream.internal"}), None),
    "1014": (NOT_FOUND, Ended(1014, "Bad gateway")),
    "1011-words": (NOT_FOUND, Ended(1011, "Failed to connect to upstream")),
    "event": (
        NOT_FOUND,
        Ended(1011, "", _event("upstream_connection_error", "Could not connect to the upstream server")),
    ),
}
_CREDITS = Said(402, {"error": {"message": "Insufficient credits. Add more using your dashboard", "code": 402}})
_UPSTREAM_WORDS = (
    "Incorrect API key provided: sk-UPSTR****9f3c. You can find your API key at https://platform.openai.com."
)

FRONTS: dict[str, Kind] = {
    "nginx": Kind(
        Front(key_header="", passes_credentials=True, server="nginx/1.27.3"),
        {"well": Right(offers=ALL), "wrong": broken(*KEY, offers=ALL)},
    ),
    "nginx-dead": Kind(
        Front(key_header="", passes_credentials=True, server="nginx/1.27.3", first=lambda *_: _NGINX_502),
        {"well": broken(*UPSTREAM_GONE, "server-unavailable")},
        "nginx.org: the page of a 502",
    ),
    "nginx-no-upgrade": Kind(
        Front(key_header="", passes_credentials=True, server="nginx/1.27.3", passes_sockets=False),
        {
            "well": broken(
                "proxy-websocket-route-missing",
                "websocket-upgrade-refused",
                "websocket-on-rest-path",
                offers=ALL - {"websocket"},
            )
        },
        "nginx.org/en/docs/http/websocket.html: Upgrade is not passed unless told",
    ),
    "envoy-dead": Kind(
        Front(key_header="", server="envoy", first=lambda *_: _ENVOY),
        {"well": broken(*UPSTREAM_GONE, "server-unavailable")},
        "envoyproxy.io: the text of a 503",
    ),
    "envoy-no-host": Kind(
        Front(key_header="", server="envoy", first=lambda *_: Said(503, "no healthy upstream")),
        {"well": broken(*UPSTREAM_GONE, "server-unavailable")},
    ),
    "kong-key": Kind(
        replace(_KONG, passes_credentials=True),
        {"well": Right(offers=ALL)},
        header="apikey",
    ),
    "apim-key": Kind(
        Front(
            key_header="Ocp-Apim-Subscription-Key",
            server="Microsoft-IIS/10.0",
            tokens_open=False,
            passes_credentials=True,
        ),
        {"well": Right(offers=ALL)},
        header="Ocp-Apim-Subscription-Key",
    ),
    "portkey-key": Kind(
        Front(key_header="", passes_credentials=True, server="cloudflare", first=_portkey),
        {"well": Right(offers=ALL)},
        header="x-portkey-provider",
    ),
    "kong": Kind(
        _KONG,
        {"well": broken("gateway-header-missing")},
        "developer.konghq.com: key-auth",
    ),
    "apim": Kind(
        Front(
            key_header="Ocp-Apim-Subscription-Key",
            server="Microsoft-IIS/10.0",
            tokens_open=False,
            misses=_apim(
                401,
                "Access denied due to missing subscription key. Make sure to include subscription key when making requests "
                "to an API.",
            ),
        ),
        {"well": broken("gateway-header-missing")},
        "learn.microsoft.com/azure/api-management: subscription keys",
    ),
    "portkey": Kind(
        Front(key_header="", passes_credentials=True, server="cloudflare", first=_portkey),
        {"well": broken("gateway-header-missing")},
        "portkey.ai/docs: which provider is asked is a header",
    ),
    "cloudflare": Kind(
        Front(
            server="cloudflare",
            first=_sockets_alone,
            root="/v1/account/gateway/openai",
            refuses=Said(
                401,
                {"success": False, "result": [], "messages": [], "error": [{"code": 2009, "message": "Unauthorized"}]},
            ),
        ),
        works(refused=ALIKE),
        base="/v1/account/gateway/openai",
        source="developers.cloudflare.com/ai-gateway/usage/websockets-api/realtime-api",
    ),
    "websocket-proxy": Kind(
        Front(server="uvicorn", first=_sockets_alone, refuses=Said(401, {"detail": "Invalid token"})), works()
    ),
    "websocket-proxy-keyless": Kind(
        Front(key_header="", server="uvicorn", first=_sockets_alone),
        {"well": Right(offers=SOCKETS), "none": Right(offers=SOCKETS)},
    ),
    "new-api": Kind(
        Front(
            server="",
            first=_new_api,
            refuses=Said(401, {"error": {"message": "无效的令牌 (request id: 20261130)", "type": "new_api_error"}}),
            misses=Said(401, {"error": {"message": "未提供令牌 (request id: 20261130)", "type": "new_api_error"}}),
        ),
        works(refused=ALIKE),
        "QuantumNous/new-api @ 009910b controller/relay.go: RelayNotFound",
    ),
    "new-api-no-channel": Kind(
        Front(server="", first=_always(_NO_CHANNEL)),
        {"well": broken(*MODEL)},
        "QuantumNous/new-api: no channel has the model",
    ),
    "bifrost": Kind(
        Front(
            server="fasthttp",
            first=_bifrost,
            token=lambda token: f"ek_bf_{token[3:]}",
            refuses=Said(
                401, {"is_bifrost_error": True, "status_code": 401, "error": {"message": "virtual key not found"}}
            ),
        ),
        {
            "well": broken("model-parameter-missing", *MODEL, offers=ALL, exits=(0, 1, 3), must=False),
            "wrong": broken(*KEY, offers=ALL),
        },
        "docs.getbifrost.ai/api-reference/realtime",
    ),
    "gateway": Kind(Front(), works(ALL)),
    "gateway-own-tokens": Kind(Front(token=lambda token: f"gw-{token[3:]}"), works(ALL)),
    "bad-upstream-key": Kind(Front(upstream_key=_BAD_KEY), {"well": broken(*UPSTREAM_KEY)}),
    "bad-upstream-key-nested": Kind(Front(first=_always(_UPSTREAM_401)), {"well": broken(*UPSTREAM_KEY)}),
    "bad-upstream-key-502": Kind(Front(upstream_key=_BAD_KEY, told=_wrapped_502), {"well": broken(*UPSTREAM_KEY)}),
    "dead-1011": Kind(
        Front(
            first=_always(
                Said(500, {"error": {"message": "Connection error.", "type": "internal_server_error", "code": "500"}}),
                _DEAD_1011,
            )
        ),
        {"well": broken(*UPSTREAM_GONE)},
    ),
    "dead-502-json": Kind(
        Front(
            first=_always(
                Said(
                    502,
                    {
                        "error": {
                            "message": "Upstream connection failed: ECONNREFUSED 10.0.0.5:443",
                            "type": "upstream_error",
                        }
                    },
                )
            )
        ),
        {"well": broken(*UPSTREAM_GONE)},
    ),
    "over-quota": Kind(Front(first=_always(_QUOTA)), {"well": broken(*UPSTREAM_QUOTA)}),
    "cooled-down": Kind(
        Front(first=_always(_COOLED)),
        {"well": broken("model-cooled-down", "upstream-rate-limited", "rate-limit")},
    ),
    "unknown-model": Kind(
        Front(
            first=_always(
                Said(
                    400,
                    {
                        "error": {
                            "message": "/realtime: Invalid model name passed in model=gpt-realtime-2.1. Call `/v1/models` "
                            "to view available models for your key.",
                            "type": "invalid_request_error",
                            "code": "400",
                        }
                    },
                )
            )
        ),
        {"well": broken(*MODEL)},
    ),
    "bad-upstream-key-event": Kind(
        Front(first=_socket_alone(Ended(1008, "", _event("invalid_api_key", _UPSTREAM_WORDS)))),
        {"well": broken(*UPSTREAM_KEY)},
    ),
    "over-quota-event": Kind(
        Front(first=_socket_alone(Ended(1011, "", _event("insufficient_quota", "You exceeded your current quota")))),
        {"well": broken(*UPSTREAM_QUOTA)},
    ),
    "credits-402": Kind(
        Front(first=_always(_CREDITS)), {"well": broken(*UPSTREAM_QUOTA)}, "openrouter.ai/docs: errors"
    ),
    **{
        f"dead-{name}": Kind(Front(first=_always(*answers)), {"well": broken(*UPSTREAM_GONE)})
        for name, answers in _DEAD.items()
    },
    **{
        f"no-model-{name}": Kind(
            Front(first=_always(*answers, listed=("my-voice", "my-ears"))), {"well": broken(*MODEL)}, model="my-vioce"
        )
        for name, answers in _NO_SUCH_MODEL.items()
    },
}
