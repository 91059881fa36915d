"""What a page of another origin may ask: the answer to a browser's preflight, and the headers that let a page read an answer.

A preflight that names a header outside the list is answered all the same; it is the browser that then refuses the request, as in
openclaw/openclaw#76435 (2026-05-03). `Location` is exposed, for @openai/agents-realtime 0.20.0 reads it in the page
(openaiRealtimeWebRtc.mjs:415). The rest of the two lists, the 200 and the age are assumed.
"""

from __future__ import annotations

from aiohttp import web

# X-OpenAI-Agents-SDK: @openai/agents-realtime 0.20.0 openaiRealtimeWebRtc.mjs:393; OpenAI-Safety-Identifier, -Organization and
# -Project: developers.openai.com/api/reference/overview (2026); X-Client-Request-Id: livekit/agents PR 6917 (2026-08-19).
ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "OpenAI-Beta",
    "OpenAI-Organization",
    "OpenAI-Project",
    "OpenAI-Safety-Identifier",
    "X-Client-Request-Id",
    "X-OpenAI-Agents-SDK",
)
EXPOSED_HEADERS = ("Location", "X-Request-Id")
PREFLIGHT_AGE_S = 600


def is_preflight(request: web.Request) -> bool:
    """Whether a browser asks if it may ask (the Fetch standard, CORS-preflight request)."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def preflight(request: web.Request) -> web.Response:
    """What is allowed at every path."""
    headers = {
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": ", ".join(ALLOWED_HEADERS),
        "Access-Control-Max-Age": str(PREFLIGHT_AGE_S),
    }
    return web.Response(headers=headers)


def let_read(response: web.StreamResponse) -> None:
    """Lets a page of any origin read this answer."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED_HEADERS)
