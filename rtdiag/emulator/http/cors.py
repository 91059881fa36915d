"""What a page of another origin may ask: the answer to a browser's preflight, and the headers that let a page read an answer.

A preflight that names a header outside the list is answered all the same; it is the browser that then refuses the request, as in
openclaw/openclaw#76435 (2026-05-03). `Location` is exposed, for @openai/agents-realtime 0.20.0 reads it in the page
(openaiRealtimeWebRtc.mjs:415). The rest of the allowed headers, the 200 and the age are assumed.

Without an Origin only an answer to an offer names one, and every answer of the API exposes `CF-Ray`, on a line of its own: recorded
in July and September 2026, pydantic-ai's cassettes test_webrtc_sideband_text_turn, test_webrtc_hang_up_ends_the_call and
test_agent_create_client_secret. So do refusals of an offer (assumed).
"""

from __future__ import annotations

from aiohttp import web

from rtdiag.emulator.profiles import Profile

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


def let_read(request: web.Request, response: web.StreamResponse, server: Profile, *, offered: bool) -> None:
    """Lets a page of any origin read this answer; `offered`: it was asked where offers go, and any page may time it, too."""
    offered = offered and server.marks_offers
    if offered:
        response.headers["Timing-Allow-Origin"] = "*"
    if server.exposed and (offered or "Origin" in request.headers):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers.add("Access-Control-Expose-Headers", server.exposed)
    if server.exposed_by_the_edge:
        response.headers.add("Access-Control-Expose-Headers", server.exposed_by_the_edge)
