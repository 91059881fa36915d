"""What becomes of a call: one that rings is accepted or rejected, one by telephone is referred, any can be hung up.

Each takes the key and answers 200 with nothing, as openai 3.54.0 resources/realtime/calls.py expects, or 404 for a call that is not
there, as a hang-up was recorded to do on 2026-09-29 (pydantic-ai's cassette test_webrtc_hang_up_ends_the_call). Assumed: the call
is looked for before the body; what is no telephone call, or in another state, is not there; an accepted session without a model has
the mint's. That errors call the session `session`: record 52676812328 (2026-02).
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.http.mints import json_of
from rtdiag.emulator.phone import PhoneCall
from rtdiag.emulator.service import Service
from rtdiag.emulator.session.settings import configured
from rtdiag.emulator.session.shapes import all_shapes, check

DECLINED = 603


async def accept(service: Service, request: web.Request) -> web.Response:
    """A whole realtime session, which the call then has."""
    call = _by_phone(service, request, "ringing")
    config = configured("realtime", "ga", await json_of(request), {}, service.rules)
    session = service.new_session("realtime", "ga", {"model": service.default_model, **config}, "webrtc")
    service.accept(call, session)
    return web.Response()


async def reject(service: Service, request: web.Request) -> web.Response:
    """`{status_code?}`, a SIP status."""
    call = _by_phone(service, request, "ringing")
    asked = await _asked(service, request, "reject")
    call.state, call.told = "rejected", asked.get("status_code", DECLINED)
    return web.Response()


async def refer(service: Service, request: web.Request) -> web.Response:
    """`{target_uri}`, such as `tel:+14155550123`."""
    call = _by_phone(service, request, "accepted")
    asked = await _asked(service, request, "refer")
    call.state, call.told = "referred", asked["target_uri"]
    service.end_call(call.call_id)
    return web.Response()


async def hangup(service: Service, request: web.Request) -> web.Response:
    """Ends a call, also one that still rings (assumed)."""
    service.require_key(request)
    call_id = _call_id(request)
    ringing = service.ringing(call_id)
    if ringing:
        ringing.state = "ended"
    elif not service.end_call(call_id):
        raise Refused("call-not-found")
    return web.Response()


def _by_phone(service: Service, request: web.Request, state: str) -> PhoneCall:
    """The call that the request means, in that state. Raises Refused."""
    service.require_key(request)
    call = service.phone.get(_call_id(request))
    if call is None or call.state != state:
        raise Refused("call-not-found")
    return call


def _call_id(request: web.Request) -> str:
    return request.path.split("/")[-2]


async def _asked(service: Service, request: web.Request, what: str) -> dict[str, Any]:
    """The body, which may be left out. Raises Refused for what it may not hold, and for what it lacks."""
    asked = await json_of(request) if request.can_read_body else {}
    check(all_shapes()[what], asked, "", {}, service.behaviour)
    return asked
