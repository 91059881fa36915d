"""The body of a request, read within bounds: one that is broken, or does not come, is answered 400 and ends its connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

BODY_WAIT_S = 10


async def body_of(request: web.Request) -> bytes:
    """All of it. Raises HTTPBadRequest, and HTTPRequestEntityTooLarge for more than a MiB."""
    async with within_bounds(request):
        return await request.read()


@asynccontextmanager
async def within_bounds(request: web.Request) -> AsyncIterator[None]:
    """For what reads the body in another way. Raises HTTPBadRequest where it cannot be read to its end."""
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            yield
    except (TimeoutError, web.RequestPayloadError):
        broken = web.HTTPBadRequest(text="The body of this request is broken, or did not come in time.\n")
        broken.force_close()
        raise broken from None
