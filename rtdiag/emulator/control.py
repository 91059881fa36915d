"""Faults switched from outside while the emulator runs: a second HTTP port, on loopback alone, off unless asked for.

`GET /faults` gives `{"on": [ids], "known": {id: story}}`; `PUT /faults` with a JSON list of ids turns on these and no others, and
answers the same, or 400 with `{"error": "one line"}` and nothing changed. Pages are refused, whoever serves them.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from aiohttp import web

from rtdiag.emulator.faults import UnknownFault, load_faults


def application(on: Callable[[], tuple[str, ...]], turn: Callable[..., None]) -> web.Application:
    """`on` tells the ids that are on, `turn(*ids)` replaces them and raises UnknownFault."""

    def shown() -> web.Response:
        known = {fault.id: fault.story for fault in load_faults().values()}
        return web.json_response({"on": list(on()), "known": known})

    async def get(request: web.Request) -> web.Response:
        return _page_refused(request) or shown()

    async def put(request: web.Request) -> web.Response:
        if refused := _page_refused(request):
            return refused
        try:
            turn(*_ids(await request.text()))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return shown()

    app = web.Application()
    app.add_routes([web.get("/faults", get), web.put("/faults", put)])
    return app


def _ids(body: str) -> list[str]:
    """Raises ValueError for anything but a JSON list of strings."""
    try:
        ids = json.loads(body)
    except ValueError:
        ids = None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise UnknownFault('send a JSON list of fault ids, such as ["key-revoked"]; [] turns all off')
    return ids


def _page_refused(request: web.Request) -> web.Response | None:
    return web.json_response({"error": "not for pages"}, status=403) if "Origin" in request.headers else None
