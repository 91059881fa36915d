"""What a page of another origin may ask: the answer to a browser's preflight, and the headers that let a page read an answer.

A preflight that names a header outside the list is answered all the same; it is the browser that then refuses the request, as in
openclaw/openclaw#76435 (2026-05-03). `Location` is exposed, for @openai/agents-realtime 0.20.0 reads it in the page
(openaiRealtimeWebRtc.mjs:415). The methods, the 200 and the age are those of Starlette, whose methods in this order were measured
in Chrome at /v1/responses (record 60377961003, 2026-08-24); the rest of the allowed headers is assumed. Any origin may read, so no
answer varies by it, and a browser keeps what was asked with its cookies from every page; the API's address is public, so none asks
to be let into a private network (both assumed).

Without an Origin only an answer to an offer names one, and every answer of the API exposes `CF-Ray`, on a line of its own: recorded
in July and September 2026, pydantic-ai's cassettes test_webrtc_sideband_text_turn, test_webrtc_hang_up_ends_the_call and
test_agent_create_client_secret. So do refusals of an offer: in March 2025 a page read a 401 (community.openai.com 1148799). At
/v1/responses a page could not (the same measurement): the fault `browser-errors-hidden`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from aiohttp import web

from rtdiag.emulator.faults import Switches
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
ALLOWED_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
PREFLIGHT_AGE_S = 600
ANYBODY, NOBODYS = "*", "https://app.invalid"


def is_preflight(request: web.Request) -> bool:
    """Whether a browser asks if it may ask (the Fetch standard, CORS-preflight request)."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def preflight(request: web.Request, server: Profile, switches: Switches) -> web.Response:
    """What is allowed at every path."""
    if switches.lets_pages_read == "none":
        return web.Response()
    named = [name.strip() for name in request.headers.get("Access-Control-Request-Headers", "").split(",")]
    refused = [glob.lower() for glob in switches.page_headers_refused]
    known = named if server.takes_any_header else ALLOWED_HEADERS
    allowed = [name for name in known if not any(fnmatchcase(name.lower(), glob) for glob in refused)]
    headers = {
        "Access-Control-Allow-Methods": ", ".join(ALLOWED_METHODS),
        "Access-Control-Allow-Headers": ", ".join(allowed),
        "Access-Control-Max-Age": str(PREFLIGHT_AGE_S),
    }
    return web.Response(headers=headers)


def let_read(
    request: web.Request, response: web.StreamResponse, server: Profile, switches: Switches, *, offered: bool
) -> None:
    """Lets pages read this answer; `offered`: it was asked where offers go, and any page may time it, too."""
    if switches.lets_pages_read == "none":
        return
    offered = offered and server.marks_offers
    if offered:
        response.headers["Timing-Allow-Origin"] = "*"
    if server.exposed and (offered or "Origin" in request.headers):
        for origin in _readers(switches, request, response):
            response.headers.add("Access-Control-Allow-Origin", origin)
        response.headers.add("Access-Control-Expose-Headers", _exposed(server, switches))
    if server.exposed_by_the_edge:
        response.headers.add("Access-Control-Expose-Headers", server.exposed_by_the_edge)


def _readers(switches: Switches, request: web.Request, response: web.StreamResponse) -> Iterator[str]:
    """The origins whose pages may read it, each as a header of its own."""
    match switches.lets_pages_read:
        case "anothers":
            yield NOBODYS
        case "twice":
            yield from (ANYBODY, ANYBODY)
        case "all-but-errors" if response.status >= 400:
            pass
        case "preflights-alone" if not is_preflight(request):
            pass
        case _:
            yield ANYBODY


def _exposed(server: Profile, switches: Switches) -> str:
    names = (name.strip() for name in server.exposed.split(","))
    return server.exposed if switches.exposes_location else ", ".join(name for name in names if name != "Location")
