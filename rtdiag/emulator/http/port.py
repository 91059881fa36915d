"""One port of the emulator: aiohttp's server, with bounds on what a client may do, and nothing printed of what it does wrong."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError
from yarl import URL

from rtdiag.emulator.http.endings import Connection

MOST_HEADER_BYTES = 65536  # developers.openai.com/api/reference/overview (2026-11)
IDLE_S = 75  # for a connection without a request, or with half of one
UNREAD_S = 2  # for the rest of a body that nobody read, before its connection ends
HANDSHAKE_S = 10  # of TLS
STOP_S = 0.5  # for requests that are being answered when the port is closed
LEAVE_S, QUIET_S = (
    2,
    0.1,
)  # then for the peers of connections that are ending: for all, and for those that say nothing more


class Port:
    """Serves one application; `connections` are those whose sockets are not closed yet."""

    def __init__(self, app: web.Application) -> None:
        self.connections: set[Connection] = set()
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_LOG,
            shutdown_timeout=STOP_S,
            keepalive_timeout=IDLE_S,
            lingering_time=UNREAD_S,
            max_field_size=MOST_HEADER_BYTES,
            max_line_size=MOST_HEADER_BYTES,
        )

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listens there, with `tls` over TLS; the port that it took, a free one for 0. Raises OSError where it is taken."""
        await self._runner.setup()
        assert self._runner.server
        self._runner.server.request_factory = partial(_request, self._runner.server.request_factory)
        await _Site(self._runner, host, port, self.connections, tls).start()
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Ends what is served here; nothing of it is left afterwards."""
        await self._runner.cleanup()
        for handshake in self._handshakes():
            handshake.cancel()
        await self._hear_out()
        left = tuple(self.connections)
        for connection in left:
            connection.abort()
        await asyncio.gather(*(c.gone for c in left))

    def _handshakes(self) -> list[asyncio.Task[Any]]:
        """The tasks of asyncio in which peers of this port have not yet come to speak TLS: nobody else knows of those peers."""
        frames = [(task, getattr(task.get_coro(), "cr_frame", None)) for task in asyncio.all_tasks()]
        begun = [(task, frame.f_locals.get("protocol")) for task, frame in frames if frame]
        return [task for task, one in begun if isinstance(one, Connection) and one.among is self.connections]

    async def _hear_out(self) -> None:
        """Waits for the connections that are ending, as long as their peers speak."""
        loop = asyncio.get_running_loop()
        until_s, speaking = loop.time() + LEAVE_S, True
        while self.connections and speaking and loop.time() < until_s:
            before_bytes = self._dropped_bytes
            await asyncio.wait([c.gone for c in self.connections], timeout=QUIET_S)
            speaking = self._dropped_bytes != before_bytes

    @property
    def _dropped_bytes(self) -> int:
        return sum(c.dropped_bytes for c in self.connections)


class _Site(web.BaseSite):
    """As aiohttp's TCPSite, but that its connections end in stages."""

    def __init__(
        self, runner: web.BaseRunner, host: str, port: int, connections: set[Connection], tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(runner, ssl_context=tls)
        self._host, self._port, self._connections = host, port, connections

    @property
    def name(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        await super().start()
        tls = self._ssl_context
        self._server = await asyncio.get_running_loop().create_server(
            self._connected,
            self._host,
            self._port,
            backlog=self._backlog,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_S if tls else None,
            ssl_shutdown_timeout=LEAVE_S if tls else None,
        )

    def _connected(self) -> Connection:
        assert self._runner.server
        return Connection(self._runner.server(), self._connections)


def _request(make: Callable[..., web.BaseRequest], message: Any, *rest: Any) -> web.BaseRequest:
    """A request whose connection knows of it, if it is one that ends: no upgrade, and not aiohttp's stand-in for what is no HTTP.

    aiohttp reads a CONNECT without a version as one without a URL, and would break on it.
    """
    request = make(message if message.url else message._replace(url=URL("/")), *rest)
    if isinstance(request.transport, Connection) and not message.upgrade and message.method != "UNKNOWN":
        request.transport.asked(request.content)
    return request


def _is_defect(record: logging.LogRecord) -> bool:
    """Whether aiohttp logs a defect of the emulator, and not that a client speaks no HTTP."""
    return not (record.exc_info and isinstance(record.exc_info[1], (HttpProcessingError, web.RequestPayloadError)))


_LOG = logging.getLogger("rtdiag.emulator")
_LOG.addFilter(_is_defect)
