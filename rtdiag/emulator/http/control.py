"""What a test does to the emulator from outside while it runs: a second HTTP port, on loopback alone, off unless asked for.

`GET /faults` gives `{"on": [ids], "known": {id: story}}`; `PUT /faults` with a JSON list of ids turns on these and no others, and
answers the same, or 400 with `{"error": "one line"}` and nothing changed. `POST /calls` with `{"sip_headers": {name: value}}`, or
nothing, lets a call by telephone ring, and answers the webhook's event; `GET /calls` gives `{id: state}` of all. Pages are
refused, whoever serves them and under whatever name they reach this machine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from rtdiag.emulator.bodies import read_json
from rtdiag.emulator.faults import UnknownFault, load_faults
from rtdiag.emulator.loopback import is_loopback
from rtdiag.emulator.service import Service

LARGEST_BODY_BYTES = 64 * 1024
_WANTED = 'send a JSON list of fault ids, such as ["key-revoked"]; [] turns all off'
_CALL = 'send nothing, or the headers of the INVITE, such as {"sip_headers": {"From": "sip:+14155550123@example.com"}}'

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(on: Callable[[], tuple[str, ...]], turn: Callable[..., None], service: Service) -> web.Application:
    """`on` tells the ids that are on, `turn(*ids)` replaces them and raises UnknownFault; the calls are the service's."""

    def shown() -> web.Response:
        known = {fault.id: fault.story for fault in load_faults().values()}
        return web.json_response({"on": list(on()), "known": known})

    async def get(_: web.Request) -> web.Response:
        return shown()

    async def put(request: web.Request) -> web.Response:
        try:
            turn(*_ids(await request.read() if _is_unicode(request) else b""))
        except UnknownFault as error:
            return web.json_response({"error": str(error)}, status=400)
        except web.HTTPRequestEntityTooLarge:
            return web.json_response({"error": _WANTED}, status=413)
        except web.RequestPayloadError:
            return web.json_response({"error": f"the body does not come as its headers say; {_WANTED}"}, status=400)
        return shown()

    async def states(_: web.Request) -> web.Response:
        return web.json_response({call.call_id: call.state for call in service.phone.values()})

    async def ring(request: web.Request) -> web.Response:
        try:
            headers = _sip_headers(await request.read() or b"{}")
        except (ValueError, web.RequestPayloadError, web.HTTPRequestEntityTooLarge):
            return web.json_response({"error": _CALL}, status=400)
        return web.json_response(service.ring(headers).webhook)

    app = web.Application(middlewares=[_no_pages], client_max_size=LARGEST_BODY_BYTES)
    app.add_routes([web.get("/faults", get), web.put("/faults", put)])
    app.add_routes([web.get("/calls", states), web.post("/calls", ring)])
    return app


def _is_unicode(request: web.Request) -> bool:
    """JSON is (RFC 8259 8.1), and which Unicode it is its bytes tell."""
    return (request.charset or "utf-8").lower().startswith("utf")


def _ids(body: bytes) -> list[str]:
    """Raises UnknownFault for anything but a JSON list of strings."""
    try:
        ids = read_json(body)
    except ValueError:
        ids = None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise UnknownFault(_WANTED)
    return ids


def _sip_headers(body: bytes) -> list[tuple[str, str]]:
    """Raises ValueError for what is no call."""
    asked = read_json(body)
    headers = asked.get("sip_headers", {}) if isinstance(asked, dict) and asked.keys() <= {"sip_headers"} else None
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise ValueError(_CALL)
    return list(headers.items())


@web.middleware
async def _no_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses what a browser sends for a page: with an `Origin`, or to a name of the page's own that leads here (DNS rebinding)."""
    if "Origin" in request.headers or not _names_loopback(request.headers.get("Host", "")):
        return web.json_response({"error": "not for pages"}, status=403)
    return await handler(request)


def _names_loopback(host: str) -> bool:
    """Whether a `Host` header, with or without a port, means this machine and no other."""
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
