"""A WebSocket as it happened: the upgrade as an exchange, every frame as an event, and how it was closed.

It judges nothing, and nothing that a network or a server can do raises. A 101 is no verdict: the API tells wrong keys and models
after it, by an `error` event and a close code (record 69522944037, 2026-09-18), so there is `greeting()`. No redirect is followed.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rtdiag.model import Event, Exchange, Failure, PeerTrace
from rtdiag.transport.channel import Channel
from rtdiag.transport.failures import from_close, from_websocket
from rtdiag.transport.http import (
    Credential,
    at,
    learn_own_address,
    masked_headers,
    overdue,
    place_of,
    recorded,
    user_agent,
)
from rtdiag.transport.names import LookUps, watching
from rtdiag.transport.packets import of_tcp
from rtdiag.transport.proxies import Route
from rtdiag.transport.recorder import Deadlines, Recorder
from rtdiag.transport.ways import Ways

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

LABEL = "websocket"

SUBPROTOCOL = "realtime"

# One message, and all messages of one socket: more is not read. The API's first events have a few kilobytes.
LARGEST_MESSAGE_BYTES = 1024 * 1024
MOST_BYTES = 2 * LARGEST_MESSAGE_BYTES
_NORMAL, _TOO_MUCH = 1000, 1009

# After so long an address that does not answer is no longer waited for alone, as httpx does it: RFC 8305 section 5.
_NEXT_ADDRESS_S = 0.25

_TELLING_HEADERS = ("x-request-id", "cf-ray", "openai-organization", "openai-project", "date")

# The library logs headers, and so keys, at its most talkative level, and takes note of broken peers on the screen.
_NO_LOG = logging.Logger("rtdiag.websocket", logging.CRITICAL + 1)


class Socket(Channel):
    """One WebSocket. Make it, `connect()`, look at `greeting()`, send events, `close()`.

    `exchange` is its upgrade, None before `connect`; `failure` what ended it other than the server's own close.
    """

    def __init__(self, socket_id: str, recorder: Recorder, deadlines: Deadlines) -> None:
        super().__init__(socket_id, LABEL, recorder, deadlines)
        self.exchange: Exchange | None = None
        self._began_ms = recorder.now_ms()
        self._states: list[tuple[float, str, str]] = []
        self._phases_ms: dict[str, float] = {}
        self._close: dict[str, str] | None = None
        self._ended = False
        self._heard_bytes = 0
        self._connection: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def connect(
        self,
        url: str,
        credential: Credential | None,
        ways: Ways,
        *,
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        as_subprotocol: str = "",
    ) -> Exchange:
        """Ask for the upgrade at `url` (http or ws) and record what came of it: 101, a refusal with its body, or a failure.

        The credential goes into its header, or behind `as_subprotocol`, where a browser puts it.
        """
        upgrade = _Upgrade(self._deadlines, "ws" + url.removeprefix("http").removeprefix("ws"), credential)
        recorder = self._recorder
        exchange_id = recorder.next_exchange_id()
        recorder.notice(f"{self.id}: GET {recorder.mask(url, 'screen')}")
        self._state("connecting")
        try:
            upgrade.offer(headers or {}, subprotocols, as_subprotocol)
            self._connection = await upgrade.ask(ways)
        except asyncio.CancelledError:
            upgrade.failure = Failure("interrupted", upgrade.phase, "the run was interrupted")
            raise
        except Exception as exc:
            upgrade.failure = None if upgrade.refused else upgrade.failed(exc)
        finally:
            self.exchange = recorder.exchange(upgrade.exchange(exchange_id, recorder, self._began_ms))
            self._state("open" if self.open else "closed")
        if self._connection is not None:
            recorder.counted("TCP", self.id, of_tcp(self._connection.transport.get_extra_info("socket")))
            self._reading = asyncio.ensure_future(self._read(self._connection))
        return self.exchange

    async def greeting(self, types: frozenset[str]) -> None:
        """Wait for the first event of `types`, an `error`, or the end; after an `error` also for the close that mostly follows.

        Where nothing of that comes within `event_s`, that silence is the failure.
        """
        if self._connection is None:
            return
        began_ms, limit_s = self._recorder.now_ms(), self._deadlines.event_s
        self._recorder.notice(f"{self.id}: waiting for the first event")
        await self._until(lambda: self._heard_of(types | {"error"}) or self.ending, limit_s)
        if self._heard_of(types):
            self._phases_ms["created"] = round(self._recorder.now_ms() - began_ms, 1)
        elif self._heard_of({"error"}):
            await self._until(lambda: self.ending, self._deadlines.close_s)
        if self.ending:
            await self._connection.close()  # what has begun to close is awaited, for `close_s`
            await self._until(lambda: not self.open, self._deadlines.close_s)
        elif not self._heard_of(types | {"error"}):
            self.failure = Failure(
                "silence", "created", f"open, and nothing that begins a session within {limit_s:g} s"
            )

    @property
    def open(self) -> bool:
        """Whether the socket takes events."""
        return self._connection is not None and not self._ended

    @property
    def ending(self) -> bool:
        """Whether one side has begun to close it, or it is closed."""
        return self._connection is None or self._connection.state.name != "OPEN" or self.failure is not None

    def trace(self) -> PeerTrace:
        """What this socket has gone through so far, masked, also written into the record."""
        mask, failure, close = self._recorder.mask, self.failure, self._close
        return self._recorder.peer(
            PeerTrace(
                id=self.id,
                states=tuple(self._states),
                phases_ms=dict(self._phases_ms),
                failure=failure and Failure(failure.kind, failure.phase, mask(failure.detail, "peers.failure")),
                close=close and {name: mask(text, "peers.close") for name, text in close.items()},
                offered_in=self.exchange.id if self.exchange else None,
                at_ms=self._began_ms,
            )
        )

    async def close(self) -> None:
        """Close with 1000 and stop reading; harmless where it is closed already. It takes no longer than `close_s`."""
        if self._connection is not None:
            self._recorder.counted("TCP", self.id, of_tcp(self._connection.transport.get_extra_info("socket")))
            await self._connection.close()
        pending = [*self._sending, *filter(None, [self._reading])]
        await asyncio.gather(*pending, return_exceptions=True)
        self.trace()

    def _put(self, text: str) -> None:
        assert self._connection is not None
        task = asyncio.ensure_future(self._connection.send(text))
        self._sending.add(task)

    async def _alive(self, unanswered: Event) -> bool:
        """Whether a ping is answered: that is done below the application (RFC 6455 section 5.5.2)."""
        if self._connection is None:
            return False
        try:
            async with asyncio.timeout(self._deadlines.close_s):
                await (await self._connection.ping())
        except Exception:  # closed meanwhile, or nothing came
            return False
        return True

    async def _read(self, connection: ClientConnection) -> None:
        """Take down every message until the end, and how it ended."""
        try:
            while True:
                message = await connection.recv()
                if self._heard_bytes > MOST_BYTES:
                    continue
                self._heard_bytes += len(message)
                self._heard(message)
                if self._heard_bytes > MOST_BYTES:
                    self.failure = Failure("too-large", "created", f"more than {MOST_BYTES} bytes; no more was read")
                    self._state("closing")
                    await connection.close(_TOO_MUCH)
        except Exception as exc:
            self.failure = self.failure or from_close(exc)
        finally:
            self._ended = True
            if not _done_by_us(connection):
                code, reason = connection.close_code, connection.close_reason
                self._close = {"code": str(code or 1006), "reason": reason or ""}
            self._state("closed")

    def _heard_of(self, types: frozenset[str] | set[str]) -> bool:
        return any(e.type in types for e in self.received)

    def _state(self, value: str) -> None:
        self._states.append((round(self._recorder.now_ms() - self._began_ms, 1), "readyState", value))
        self._changed.set()


class _Upgrade:
    """One upgrade on its way: what is sent, which phase it is in, and what came of it."""

    def __init__(self, deadlines: Deadlines, url: str, credential: Credential | None) -> None:
        self.phase = "connect"
        self.failure: Failure | None = None
        self.connection: ClientConnection | None = None
        self._deadlines = deadlines
        self._url = url
        self._credential = credential
        self._id = f"rtdiag-{uuid.uuid4()}"
        self._headers: dict[str, str] = {}
        self._subprotocols: list[str] = []
        self._route = Route()
        self._timing_ms: dict[str, float] = {}
        self._look_ups = LookUps()
        self._began_s = time.perf_counter()
        self._connected_s: float | None = None

    @property
    def refused(self) -> bool:
        """Whether an HTTP answer came in place of the upgrade."""
        response = self.connection.response if self.connection else None
        return response is not None and response.status_code != 101

    def failed(self, exc: Exception) -> Failure:
        """What this exception stands for, in the phase that it came in."""
        found = from_websocket(exc, self.phase, overdue(self.phase, self._deadlines))
        return at(found, self._url, self._route)

    def offer(self, headers: Mapping[str, str], subprotocols: Sequence[str], as_subprotocol: str) -> None:
        """Make up what is sent. Raises ValueError for what no header may hold."""
        credential = self._credential
        text = credential.secret.reveal() if credential else " "
        self._subprotocols = list(subprotocols)
        self._headers = {"X-Client-Request-Id": self._id, **headers}
        if as_subprotocol:
            self._subprotocols = [SUBPROTOCOL, as_subprotocol + text, *subprotocols]
        elif credential:
            self._headers = {**credential.headers, **self._headers}
        if not all(re.fullmatch(r"[\x20-\x7e]+", value) for value in (text, *self._headers.values())):
            raise ValueError("a header may not hold such a character")

    async def ask(self, ways: Ways) -> ClientConnection:
        """Connect and ask, each with its own deadline. Raises what the library raises, TimeoutError, and BadVariable."""
        from websockets.asyncio import client

        self._route = ways.to(self._url)
        tls = ways.tls(self._url, self._route)

        upgrade = self

        class Connection(client.ClientConnection):
            async def handshake(self, *args: Any, **kwargs: Any) -> None:
                upgrade._asking(self, limit)
                await super().handshake(*args, **kwargs)

        class Connect(client.connect):
            def process_redirect(self, exc: Exception) -> Exception:
                return exc

        options: dict[str, Any] = {
            "ssl": tls if self._url.startswith("wss:") else None,
            "proxy": self._route.for_websockets(),
            **({"proxy_ssl": tls} if self._route.shown.startswith("https:") else {}),
            "subprotocols": self._subprotocols or None,
            "user_agent_header": user_agent(),
            "happy_eyeballs_delay": _NEXT_ADDRESS_S,  # goes to whatever connects, to the server or to the proxy
        }
        watching.set(self._names)
        async with asyncio.timeout(self._deadlines.connect_s) as limit:
            return await Connect(
                self._url,
                additional_headers=self._headers,
                create_connection=Connection,
                open_timeout=None,
                close_timeout=self._deadlines.close_s,
                ping_interval=None,
                max_size=LARGEST_MESSAGE_BYTES,
                logger=_NO_LOG,
                **options,
            )

    def exchange(self, exchange_id: str, recorder: Recorder, at_ms: float) -> Exchange:
        """The upgrade as an exchange; an answer that came before a failure is in it."""
        mask, connection, failure = recorder.mask, self.connection, self.failure
        response = connection.response if connection else None
        learn_own_address(connection.local_address if connection else None, mask)
        sent = connection.request.headers.raw_items() if connection and connection.request else self._headers.items()
        shown = masked_headers(sent, mask, "exchanges.request_headers")
        got = [(k, v) for k, v in response.headers.raw_items()] if response else []
        answered = masked_headers(got, mask)
        body, encoding = recorded(bytes(response.body or b"") if response else b"", mask)
        correlation = {k.lower(): v for k, v in got if k.lower() in _TELLING_HEADERS}
        return Exchange(
            id=exchange_id,
            method="GET",
            url=mask(self._url, "exchanges.url"),
            credential=self._credential.name if self._credential else "none",
            request_headers=shown,
            status=response.status_code if response else None,
            response_headers=answered,
            body=body,
            body_encoding=encoding,
            failure=failure and Failure(failure.kind, failure.phase, mask(failure.detail, "exchanges.failure")),
            correlation={"x-client-request-id": self._id, **mask.values(correlation, "exchanges.correlation")},
            timing_ms=self._waited(),
            credential_from=self._credential.minted_in if self._credential else None,
            at_ms=at_ms,
            reached=mask(place_of(connection.remote_address if connection else None), "exchanges.reached"),
        )

    def _asking(self, connection: ClientConnection, limit: asyncio.Timeout) -> None:
        """The connection stands, with TLS where that is asked for: from here on it is the whole request's deadline."""
        self.phase, self.connection, self._connected_s = "answer", connection, time.perf_counter()
        took_s = self._connected_s - self._began_s
        self._timing_ms["connect"] = round(took_s * 1000 - (self._look_ups.took_ms or 0.0), 1)
        limit.reschedule(asyncio.get_running_loop().time() + self._deadlines.request_s - took_s)

    def _names(self, begins: bool) -> None:
        self.phase = "dns" if begins else "connect"
        self._look_ups.note(begins)

    def _waited(self) -> dict[str, float]:
        self._look_ups.note(False)
        now_s, dns_ms = time.perf_counter(), self._look_ups.took_ms
        looked_up = {} if dns_ms is None else {"dns": dns_ms}
        waited = {} if self._connected_s is None else {"wait": round((now_s - self._connected_s) * 1000, 1)}
        return {**looked_up, **self._timing_ms, **waited, "total": round((now_s - self._began_s) * 1000, 1)}


def _done_by_us(connection: ClientConnection) -> bool:
    """Whether it was we who ended it, for we were done: nothing that the server has said."""
    ended = connection.protocol
    return ended.close_sent is not None and not ended.close_rcvd_then_sent and ended.close_sent.code == _NORMAL
