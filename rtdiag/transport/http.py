"""HTTP as it happened: one request, the bytes that came back, and how long each step took."""

from __future__ import annotations

import asyncio
import base64
import codecs
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from rtdiag.model import Exchange, Failure, counted
from rtdiag.redact import Mask, Secret
from rtdiag.transport.failures import BadVariable, from_http
from rtdiag.transport.names import LookUps, watching
from rtdiag.transport.packets import Packets, of_tcp
from rtdiag.transport.proxies import Route
from rtdiag.transport.recorder import Deadlines, Recorder
from rtdiag.transport.ways import Ways

if TYPE_CHECKING:
    import httpx

# A body is recorded up to this size; no answer of the API that rtdiag asks for comes near it. A little more is read, so that a
# secret across the cut is whole when it is searched for.
LARGEST_BODY_BYTES = 1024 * 1024
_BEYOND_BYTES = 16 * 1024
_BEARER = "authorization"

# Whether what is asked now is one of many: these share connections of their own, so that what others wait for finds one free.
one_of_many: ContextVar[bool] = ContextVar("one_of_many", default=False)


@dataclass(frozen=True)
class Credential:
    """A secret, its name in the record, where it came from, and the exchange that minted it.

    It is sent as a bearer, unless `header` names another header that takes it as it is.
    """

    name: str
    secret: Secret
    source: str = ""
    minted_in: str | None = None
    header: str = _BEARER

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries it."""
        text = self.secret.reveal()
        return {self.header: f"Bearer {text}" if self.header == _BEARER else text}


@dataclass(frozen=True)
class Reply:
    """An exchange as recorded, beside the unmasked bytes that the next step needs (a token, an SDP answer)."""

    exchange: Exchange
    body: bytes


class Http:
    """A client for one base URL. `send` never raises for anything that a network, a server or a variable can do."""

    def __init__(
        self,
        base_url: str,
        recorder: Recorder,
        deadlines: Deadlines,
        ways: Ways | None = None,
        headers: Mapping[str, Secret] | None = None,
    ) -> None:
        """`headers` go along with every request to the base URL's own host, and to no other."""
        self.base_url = base_url.rstrip("/")
        self._headers = headers or {}
        self._recorder = recorder
        self._deadlines = deadlines
        self.ways = ways or Ways()
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def send(
        self,
        method: str,
        path: str,
        credential: Credential | None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json_body: Any = None,
        files: Mapping[str, tuple[None, bytes, str]] | None = None,
        find_secrets: Callable[[bytes], Iterable[str]] = lambda _: (),
    ) -> Reply:
        """Send one request to `path` (below the base URL, or a whole URL) and record what came of it.

        `files` makes it multipart: name -> (None, content, content type). `find_secrets` names the secrets in the answer's body
        before it is recorded. Redirects are not followed and nothing is retried. It ends `request_s` after its beginning, whatever
        the server does meanwhile.
        """
        recorder = self._recorder
        exchange_id, at_ms = recorder.next_exchange_id(), recorder.now_ms()
        recorder.notice(f"{method} {recorder.mask(path, 'screen')}")
        client_request_id = f"rtdiag-{uuid.uuid4()}"
        url = path if "://" in path else self.base_url + path
        sent = {
            "accept-encoding": "identity",
            "user-agent": user_agent(),
            "x-client-request-id": client_request_id,
            **self.own_headers(url),
            **(credential.headers if credential else {}),
            **(headers or {}),
        }
        timer, draft, route = _Timer(), _Draft(), Route()
        try:
            if json_body is not None:
                content, sent["content-type"] = json.dumps(json_body).encode(), "application/json"
            route = self.ways.to(url)
            client = self._opened(url, route)
            timer.begin()  # making the client, once in a run, is no part of its first request
            at_ms = recorder.now_ms()
            request = client.build_request(
                method, url, headers=sent, content=content, files=files, extensions={"trace": timer.trace}
            )
            draft.request = request
            watching.set(timer.names)
            async with asyncio.timeout(self._deadlines.request_s):
                await draft.receive(client, request)
        except asyncio.CancelledError:
            draft.failure = Failure("interrupted", timer.phase, "the run was interrupted")
            raise
        except Exception as exc:
            late = overdue(timer.phase, self._deadlines, len(draft.body))
            draft.failure = at(from_http(exc, timer.phase, late), url, route)
        finally:
            timer.stop()
            for secret in find_secrets(bytes(draft.body)):
                recorder.mask.learn(secret, "ephemeral")
            exchange = self._exchange(exchange_id, method, url, credential, draft, timer, client_request_id, at_ms)
            recorder.exchange(exchange)
            recorder.counted("TCP", f"{draft.client_address} {draft.server_address}", draft.packets)
        return Reply(exchange, bytes(draft.body[:LARGEST_BODY_BYTES]))

    @property
    def directly(self) -> bool:
        """Whether no proxy stands between, as far as variables say."""
        try:
            return self.ways.to(self.base_url).proxy is None
        except BadVariable:
            return False

    def own_headers(self, url: str) -> dict[str, str]:
        """The user's own headers, where that URL lies at the base URL's host."""
        own = urlsplit(url)[:2] == urlsplit(self.base_url)[:2]
        return {name: value.reveal() for name, value in self._headers.items()} if own else {}

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()

    def _opened(self, url: str, route: Route) -> httpx.AsyncClient:
        """The client for that way, and for one of many or not; where no part of it is TLS, none is set up. Raises BadVariable."""
        tls, proxy = self.ways.tls(url, route), route.proxy.reveal() if route.proxy else None
        way = f"{'TLS' if tls else 'plain'} {proxy} {one_of_many.get()}"
        if way not in self._clients:
            import httpx

            self._clients[way] = httpx.AsyncClient(
                verify=tls or False,
                trust_env=False,
                proxy=httpx.Proxy(proxy, ssl_context=tls if proxy.startswith("https:") else None) if proxy else None,
                timeout=httpx.Timeout(
                    None, connect=self._deadlines.connect_s
                ),  # httpx's others begin anew with every byte
            )
        return self._clients[way]

    def _exchange(
        self,
        exchange_id: str,
        method: str,
        url: str,
        credential: Credential | None,
        draft: _Draft,
        timer: _Timer,
        client_request_id: str,
        at_ms: float,
    ) -> Exchange:
        mask = self._recorder.mask
        learn_own_address(draft.client_address, mask)
        sent = masked_headers(draft.request_headers(), mask, "exchanges.request_headers")
        got = masked_headers(draft.headers, mask)  # before the body, which may tell a cookie again
        body, encoding = recorded(bytes(draft.body), mask)
        failure = draft.failure
        return Exchange(
            id=exchange_id,
            method=method,
            url=mask(url, "exchanges.url"),
            credential=credential.name if credential else "none",
            request_headers=sent,
            request_body=mask(draft.request_text(), "exchanges.request_body") or None,
            status=draft.status,
            response_headers=got,
            body=body,
            body_encoding=encoding,
            failure=failure and Failure(failure.kind, failure.phase, mask(failure.detail, "exchanges.failure")),
            correlation={
                "x-client-request-id": client_request_id,
                **mask.values(draft.correlation(), "exchanges.correlation"),
            },
            timing_ms=timer.timing_ms,
            credential_from=credential.minted_in if credential else None,
            at_ms=at_ms,
            reached=mask(place_of(draft.server_address or timer.server_address), "exchanges.reached"),
        )


class _Draft:
    """What is known of an exchange so far; whatever arrived before a failure is kept."""

    def __init__(self) -> None:
        self.request: httpx.Request | None = None
        self.status: int | None = None
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.failure: Failure | None = None
        self.client_address: Any = None
        self.server_address: Any = None
        self.packets: Packets | None = (
            None  # of the connection, until the answer began: by then the request had arrived
        )

    async def receive(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        response = await client.send(request, stream=True)
        try:
            self.status = response.status_code
            self.headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers.raw]
            if stream := response.extensions.get("network_stream"):
                self.client_address = stream.get_extra_info("client_addr")
                self.server_address = stream.get_extra_info("server_addr")
                self.packets = of_tcp(stream.get_extra_info("socket"))
            async for chunk in response.aiter_raw():
                self.body += chunk
                if len(self.body) > LARGEST_BODY_BYTES + _BEYOND_BYTES:
                    break
            if len(self.body) > LARGEST_BODY_BYTES:
                self.failure = Failure(
                    "too-large", "answer", f"more than {LARGEST_BODY_BYTES} bytes; the rest was not read"
                )
        finally:
            await response.aclose()

    def request_headers(self) -> list[tuple[str, str]]:
        if self.request is None:
            return []
        return [(k.decode("latin-1"), v.decode("latin-1")) for k, v in self.request.headers.raw]

    def request_text(self) -> str:
        try:
            return self.request.content.decode("utf-8", "replace") if self.request is not None else ""
        except RuntimeError:  # httpx.RequestNotRead: a streamed body, as multipart is
            return self.request.read().decode("utf-8", "replace") if self.request is not None else ""

    def correlation(self) -> dict[str, str]:
        names = ("x-request-id", "cf-ray", "openai-organization", "openai-project", "location", "date")
        return {k.lower(): v for k, v in self.headers if k.lower() in names}


class _Timer:
    """The steps of one request, from httpx's `trace` extension: dns, connect, tls, wait (until the first byte), total.

    `server_address` is that of a connection made for it. `phase` is where it stands: dns, connect, proxy (while one is asked to
    open the way), tls, answer, body.
    """

    _STEPS: Mapping[str, Literal["connect", "tls", "wait"]] = {
        "connection.connect_tcp": "connect",
        "connection.start_tls": "tls",
        "http11.receive_response_headers": "wait",
    }
    _PHASES: Mapping[str, str] = {
        "connection.start_tls.started": "tls",
        "http11.send_request_headers.started": "answer",
        "http11.receive_response_body.started": "body",
    }

    def __init__(self) -> None:
        self.timing_ms: dict[str, float] = {}
        self.phase = "connect"
        self.server_address: Any = None
        self._look_ups = LookUps()
        self.begin()
        self._started: dict[str, float] = {}

    def begin(self) -> None:
        """Count from now on."""
        self._began = time.perf_counter()

    def names(self, begins: bool) -> None:
        """A name is being looked up, or is no more."""
        self.phase = "dns" if begins else "connect"
        self._look_ups.note(begins)

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        event, _, stage = name.rpartition(".")
        self.phase = self._PHASES.get(name, self.phase)
        if name == "http11.send_request_headers.started" and info["request"].method == b"CONNECT":
            self.phase = "proxy"
        step = self._STEPS.get(event)
        if step and stage == "started":
            self._started[step] = time.perf_counter()
        elif step and stage == "complete":
            self.timing_ms[step] = round((time.perf_counter() - self._started[step]) * 1000, 1)
        if step == "connect" and stage == "complete":
            self.timing_ms[step] = round(max(self.timing_ms[step] - (self._look_ups.took_ms or 0.0), 0.0), 1)
            self.server_address = info["return_value"].get_extra_info("server_addr")

    def stop(self) -> None:
        self._look_ups.note(False)
        if self._look_ups.took_ms is not None:
            self.timing_ms = {"dns": self._look_ups.took_ms, **self.timing_ms}
        self.timing_ms["total"] = round((time.perf_counter() - self._began) * 1000, 1)


def overdue(phase: str, deadlines: Deadlines, came_bytes: int = 0) -> str:
    """What it means that a deadline passed in this phase, for a person."""
    connect, whole = f"within {deadlines.connect_s:g} s", f"within {deadlines.request_s:g} s"
    return {
        "dns": f"no name server answered {connect}",
        "connect": f"no connection {connect}",
        "proxy": f"the proxy took the connection and did not open the way {whole}",
        "tls": f"it took the connection and did not answer the TLS handshake {connect}",
        "body": f"the answer was not whole {whole}; {counted(came_bytes, 'byte')} of its body came",
    }.get(phase, f"no answer {whole}")


def at(failure: Failure, url: str, route: Route) -> Failure:
    """The failure with the place in its words, where it happened before there was a connection: the host, or the proxy."""
    if failure.phase not in ("dns", "connect", "proxy", "tls"):
        return failure
    host, way = urlsplit(url).netloc.rpartition("@")[2], f" ({route})" if route.variable else ""
    place = f"the proxy {route.shown}" if route.proxy and failure.phase != "tls" else f"{host}{way}"
    return replace(failure, detail=f"{place}: {failure.detail}")


def recorded(body: bytes, mask: Mask) -> tuple[str, Literal["utf-8", "base64"]]:
    """A body as the record holds it, masked, then cut: as text, or in base64 where it is no UTF-8, masked as bytes before that."""
    whole = len(body) <= LARGEST_BODY_BYTES
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(body, final=whole)
    except UnicodeDecodeError:
        hidden = mask(body.decode("latin-1"), "exchanges.body").encode("latin-1", "replace")
        return base64.b64encode(hidden[:LARGEST_BODY_BYTES]).decode("ascii"), "base64"
    masked = mask(text, "exchanges.body")
    return masked if whole else masked.encode()[:LARGEST_BODY_BYTES].decode("utf-8", "ignore"), "utf-8"


def learn_own_address(address: Any, mask: Mask) -> None:
    """Hide the address that this machine has on a connection, as a socket tells it: a server may name it. Loopback is nobody's."""
    host = str(address[0]).partition("%")[0] if isinstance(address, tuple) and address else ""
    if host and not host.startswith("127.") and host != "::1":
        mask.learn_address(host)


def place_of(address: Any) -> str:
    """An address as a socket tells it, as a URL holds it: `192.0.2.1:443`, `[2001:db8::1]:443`; "" for none."""
    if not isinstance(address, tuple) or len(address) < 2:
        return ""
    host, port = str(address[0]), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def masked_headers(
    headers: Iterable[tuple[str, str]], mask: Mask, where: str = "exchanges.response_headers"
) -> tuple[tuple[str, str], ...]:
    """Headers as the record holds them: a server can put anything into their names, too."""
    return tuple(mask.header(name, value, where) for name, value in headers)


def user_agent() -> str:
    """What rtdiag calls itself."""
    from rtdiag import __version__

    return f"rtdiag/{__version__}"
