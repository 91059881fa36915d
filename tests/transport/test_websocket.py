"""The WebSocket against real servers, good and bad: what came is kept, failures have names, no secret is written down."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from rtdiag.api.endpoints import KEY_SUBPROTOCOL
from rtdiag.api.sessions import CREATED, UPDATED
from rtdiag.model import Event, Exchange, Failure, PeerTrace
from rtdiag.redact import Mask, Secret
from rtdiag.transport.failures import KINDS
from rtdiag.transport.http import Credential
from rtdiag.transport.recorder import Deadlines, Recorder
from rtdiag.transport.ways import Ways
from rtdiag.transport.websocket import LARGEST_MESSAGE_BYTES, MOST_BYTES, Socket

KEY = "sk-proj-FAKE0000000000000000000000000000abcd"
TOKEN = "ek_FAKE0000000000000000000000000000"
CREATED_EVENT = json.dumps({"type": "session.created", "session": {"type": "realtime"}})
WRONG_KEY = json.dumps(
    {"type": "error", "error": {"code": "invalid_api_key", "message": "Incorrect API key provided."}}
)
MIB = 1024 * 1024
LONGEST_S = 10  # a bound that no test reaches
SILENCE_S = 0.5  # where nothing comes, and that is the point

Speaks = Callable[[ServerConnection], Awaitable[None]]
Refuses = Callable[[ServerConnection, Request], Response | None]
Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Came:
    """What a socket recorded: its upgrade, its events, its trace, and all that a report would hold as one text."""

    exchange: Exchange
    received: list[Event]
    trace: PeerTrace
    written: str
    answered: Event | None = None


async def visit(
    port: int,
    *,
    credential: Credential,
    update: bool = False,
    scheme: str = "http",
    longest_s: float = LONGEST_S,
    **how: Any,
) -> Came:
    """Connect, wait for the greeting, send an update if asked to, close."""
    mask = Mask()
    mask.learn(credential.secret.reveal())
    recorder = Recorder(mask)
    socket = Socket("w1-test", recorder, Deadlines.of(longest_s))
    url = f"{scheme}://127.0.0.1:{port}/v1/realtime?model=m"
    exchange = await socket.connect(url, credential, how.pop("ways", Ways()), **how)
    await socket.greeting(CREATED)
    trace, received, answered = socket.trace(), list(socket.received), None
    if update:
        answered = await socket.answer_to(socket.send({"type": "session.update", "session": {}}), UPDATED)
    await socket.close()
    assert not socket.open
    written = repr((recorder.exchanges, recorder.events, recorder.peers))
    return Came(exchange, received, trace, written, answered)


def meet(speaks: Speaks, *, refuses: Refuses | None = None, key: str = KEY, **how: Any) -> Came:
    """A visit to a WebSocket server of the library's own."""
    options = {"process_request": refuses, "subprotocols": how.pop("server_subprotocols", None)}
    options["compression"] = how.pop("compression", "deflate")

    async def work() -> Came:
        async with serve(speaks, "127.0.0.1", 0, logger=None, **options) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            return await visit(port, credential=Credential("api-key", Secret(key)), **how)

    return asyncio.run(work())


@asynccontextmanager
async def serving(raw: Raw) -> AsyncIterator[int]:
    """The port of a server that is free to break every rule; at the end it waits until each visit is over."""
    served: list[asyncio.Future[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(done := asyncio.get_running_loop().create_future())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await raw(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        done.set_result(None)

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*served)


def meet_raw(raw: Raw, **how: Any) -> Came:
    """A visit to such a server."""

    async def work() -> Came:
        async with serving(raw) as port:
            return await visit(port, credential=Credential("api-key", Secret(KEY)), **how)

    return asyncio.run(work())


def says(*parts: bytes) -> Raw:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
        await writer.drain()

    return answer


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def greets(ws: ServerConnection) -> None:
    await ws.send(CREATED_EVENT)
    async for message in ws:
        await ws.send(json.dumps({"type": "session.updated", "session": json.loads(message)["session"]}))


async def waits(ws: ServerConnection) -> None:
    await ws.wait_closed()


async def refuses_after_101(ws: ServerConnection) -> None:
    await ws.send(WRONG_KEY)
    await ws.close(3000, "invalid_request_error.invalid_api_key")


def test_a_session_begins_takes_an_update_and_is_closed_by_us() -> None:
    came = meet(greets, update=True)
    assert (came.exchange.status, came.exchange.failure) == (101, None)
    assert came.exchange.url.startswith("ws://127.0.0.1:")
    assert set(came.exchange.timing_ms) == {"connect", "wait", "total"}
    assert [e.type for e in came.received] == ["session.created"]
    assert came.received[0].channel == "w1-test/websocket"
    assert came.answered is not None
    assert came.answered.type == "session.updated"
    assert [value for _, _, value in came.trace.states] == ["connecting", "open"]
    assert (came.trace.close, came.trace.failure, set(came.trace.phases_ms)) == (None, None, {"created"})
    assert "'code'" not in came.written, "an end of our own says nothing of the server"


def test_a_refusal_after_the_101_is_an_event_and_a_close_and_no_failure() -> None:
    came = meet(refuses_after_101)
    assert came.exchange.status == 101
    assert [e.error.code for e in came.received if e.error] == ["invalid_api_key"]
    assert came.trace.close == {"code": "3000", "reason": "invalid_request_error.invalid_api_key"}
    assert came.trace.failure is None
    assert came.trace.phases_ms == {}


def test_after_an_error_the_close_is_waited_for() -> None:
    async def work() -> tuple[bool, Mapping[str, str] | None]:
        heard, closing = asyncio.Event(), asyncio.Event()

        async def refuses_slowly(ws: ServerConnection) -> None:
            await ws.send(WRONG_KEY)
            await (await ws.ping())
            heard.set()
            await closing.wait()
            await ws.close(3000, "slow")

        socket = Socket("w1-test", Recorder(Mask()), Deadlines.of(LONGEST_S))
        async with serve(refuses_slowly, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/v1/realtime"
            await socket.connect(url, Credential("api-key", Secret(KEY)), Ways())
            greeting = asyncio.ensure_future(socket.greeting(CREATED))
            await heard.wait()
            too_early = greeting.done()
            closing.set()
            await greeting
            close = socket.trace().close
            await socket.close()
        return too_early, close

    assert asyncio.run(work()) == (False, {"code": "3000", "reason": "slow"})


def test_silence_after_the_101_is_a_failure() -> None:
    came = meet(waits, longest_s=SILENCE_S)
    assert came.exchange.status == 101
    assert came.trace.failure is not None
    assert (came.trace.failure.kind, came.trace.failure.phase) == ("silence", "created")
    assert came.trace.close is None


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1008, "policy"), (1011, "x"), (4000, "y")])
def test_a_close_without_an_event_keeps_its_code(code: int, reason: str) -> None:
    async def closes(ws: ServerConnection) -> None:
        await ws.close(code, reason)

    came = meet(closes)
    assert came.trace.close == {"code": str(code), "reason": reason}
    assert (came.trace.failure, came.received) == (None, [])


def refusing(status: HTTPStatus, body: str, **headers: str) -> Refuses:
    def refuse(ws: ServerConnection, _: Request) -> Response:
        response = ws.respond(status, body)
        for name, value in headers.items():
            response.headers[name] = value
        return response

    return refuse


@pytest.mark.parametrize(
    "status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.BAD_GATEWAY, HTTPStatus.OK]
)
def test_an_http_answer_in_place_of_the_upgrade_is_kept_whole(status: HTTPStatus) -> None:
    body = json.dumps({"error": {"code": "invalid_api_key", "message": f"no: {KEY}"}})
    came = meet(waits, refuses=refusing(status, body, Date="Sun, 22 Nov 2026 12:00:00 GMT"))
    assert (came.exchange.status, came.exchange.failure) == (status, None)
    assert came.exchange.error is not None
    assert came.exchange.error.code == "invalid_api_key"
    assert came.exchange.correlation["date"].startswith("Sun, ")
    assert (came.received, came.trace.close) == ([], None)
    assert [value for _, _, value in came.trace.states] == ["connecting", "closed"]


def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def moved(ws: ServerConnection, request: Request) -> Response | None:
        asked.append(request.path)
        return refusing(HTTPStatus.FOUND, "", Location="/elsewhere")(ws, request)

    came = meet(waits, refuses=moved)
    assert asked == ["/v1/realtime?model=m"]
    assert came.exchange.status == 302
    assert came.exchange.header("location") == "/elsewhere"


def upgraded(*frames: bytes) -> Raw:
    """A server that upgrades rightly and then sends these bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import base64
        import hashlib
        import re

        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        found = re.search(r"Sec-WebSocket-Key: (\S+)", head)
        assert found is not None
        accept = base64.b64encode(hashlib.sha1(f"{found[1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + b"".join(frames))
        await writer.drain()
        if frames:
            await reader.read(1)  # what the client closes with

    return answer


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (says(), "closed", None),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "protocol", None),
        (says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "protocol", 101),
        (says(b"HTTP/1.1 404 Not Found\r\ncontent-length: 99\r\n\r\nno"), "closed", None),
        (says(b"HTTP/1.1 404 Not Found\r\n\r\n" + b"x" * (2 * MIB)), "too-large", None),
        (silent, "timeout", None),
    ],
)
def test_an_upgrade_that_fails_has_a_name(raw: Raw, kind: str, status: int | None) -> None:
    came = meet_raw(raw, longest_s=SILENCE_S if kind == "timeout" else LONGEST_S)
    assert came.exchange.failure is not None
    assert (came.exchange.failure.kind, came.exchange.status) == (kind, status)
    assert kind in KINDS
    assert came.received == []


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (upgraded(), "closed"),
        (upgraded(b"\x83\x00"), "protocol"),
        (upgraded(b"\x81\x02\xff\xfe"), "protocol"),
        (upgraded(b"\x81\x7f" + (LARGEST_MESSAGE_BYTES + 1).to_bytes(8, "big"), b"x" * 1024), "too-large"),
    ],
)
def test_an_open_socket_that_breaks_has_a_name(raw: Raw, kind: str) -> None:
    came = meet_raw(raw)
    assert (came.exchange.status, came.exchange.failure) == (101, None)
    assert came.trace.failure is not None
    assert (came.trace.failure.kind, came.trace.failure.phase) == (kind, "created")
    assert came.trace.close is not None


def test_a_server_that_never_stops_talking_is_left() -> None:
    async def talks(ws: ServerConnection) -> None:
        with suppress(Exception):
            while True:
                await ws.send(json.dumps({"type": "noise", "text": "x" * (MIB // 2)}))

    came = meet(talks, compression=None)
    assert came.trace.failure is not None
    assert came.trace.failure.kind == "too-large"
    assert sum(len(e.raw) for e in came.received) <= MOST_BYTES + MIB


@pytest.mark.parametrize("message", ["[", "[" * 100_000, '"session.created"', b"\xff\xfe", '{"type": 7}', "{}"])
def test_a_message_that_is_no_event_is_kept_and_begins_nothing(message: str | bytes) -> None:
    async def blurts(ws: ServerConnection) -> None:
        await ws.send(message)
        await ws.wait_closed()

    came = meet(blurts, longest_s=SILENCE_S)
    assert len(came.received) == 1
    assert came.trace.failure is not None
    assert came.trace.failure.kind == "silence"


def sent_headers(came: Came) -> dict[str, str]:
    return {name.lower(): value for name, value in came.exchange.request_headers}


def test_the_credential_is_a_bearer_or_a_sub_protocol_and_never_written_down() -> None:
    seen: list[dict[str, str]] = []

    async def notes(ws: ServerConnection) -> None:
        assert ws.request is not None
        seen.append({k.lower(): v for k, v in ws.request.headers.raw_items()})
        await ws.send(json.dumps({"type": "session.created", "leak": [KEY, TOKEN]}))
        await ws.close(1000, f"bye {TOKEN}")

    header = meet(notes)
    assert seen[0]["authorization"] == f"Bearer {KEY}"
    assert "sec-websocket-protocol" not in seen[0]
    assert sent_headers(header)["authorization"] == "Bearer sk-proj-" + "*" * (len(KEY) - 12) + KEY[-4:]

    browser = meet(
        notes,
        key=TOKEN,
        as_subprotocol=KEY_SUBPROTOCOL,
        subprotocols=["openai-beta.realtime-v1"],
        server_subprotocols=[f"openai-insecure-api-key.{TOKEN}"],
    )
    assert "authorization" not in seen[1]
    offered = f"realtime, openai-insecure-api-key.{TOKEN}, openai-beta.realtime-v1"
    assert seen[1]["sec-websocket-protocol"] == offered
    hidden = "openai-insecure-api-key.ek_" + "*" * 28 + TOKEN[-4:]
    assert sent_headers(browser)["sec-websocket-protocol"] == f"realtime, {hidden}, openai-beta.realtime-v1"
    assert browser.exchange.header("sec-websocket-protocol") == hidden
    for came in (header, browser):
        assert "0000000000" not in came.written


def test_headers_of_ones_own_are_sent_and_each_upgrade_has_an_id() -> None:
    came = meet(greets, headers={"OpenAI-Beta": "realtime=v1"})
    assert sent_headers(came)["openai-beta"] == "realtime=v1"
    assert sent_headers(came)["user-agent"].startswith("rtdiag/")
    assert sent_headers(came)["x-client-request-id"] == came.exchange.correlation["x-client-request-id"]


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\nx: y", KEY.replace("FAKE", "FÄKE")])
def test_a_key_that_no_header_may_hold_is_not_sent_and_not_shown(key: str) -> None:
    came = meet(greets, key=key)
    assert came.exchange.failure is not None
    assert (came.exchange.failure.kind, came.exchange.status) == ("request", None)
    assert "0000000000" not in came.written


@pytest.mark.parametrize("raw", [says(f"{KEY} HTTP/1.1 101\r\n\r\n".encode()), says(f"{KEY}\r\n\r\n".encode())])
def test_an_upgrade_that_fails_with_the_key_in_its_words_hides_it(raw: Raw) -> None:
    came = meet_raw(raw)
    assert came.exchange.failure is not None
    assert "sk-proj-***" in came.exchange.failure.detail
    assert "0000000000" not in came.written


def test_a_failure_and_a_close_with_the_key_in_their_words_hide_it() -> None:
    async def closes(ws: ServerConnection) -> None:
        await ws.close(3000, f"no: {KEY}")

    came = meet(closes)
    assert (came.trace.close or {})["reason"].startswith("no: sk-proj-***")
    assert "0000000000" not in came.written
    socket = Socket("w1-test", Recorder(Mask()), Deadlines())
    socket.failure = Failure("closed", "created", f"sent 1011 (internal error) {KEY}")
    assert "0000000000" not in repr(socket.trace())


def test_the_librarys_log_of_headers_is_off(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="websockets"):
        meet(greets)
    assert [record for record in caplog.records if record.name != "websockets.server"] == []


async def blurts_http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_server_that_speaks_no_tls() -> None:
    came = meet_raw(blurts_http, scheme="https")
    assert came.exchange.url.startswith("wss://")
    assert came.exchange.failure is not None
    assert (came.exchange.failure.kind, came.exchange.failure.phase) == ("tls", "tls")


def certificate(place: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    signed = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = place / "certificate.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + signed.public_bytes(pem),
    )
    return file


@pytest.mark.parametrize("trusted", [True, False])
def test_tls_is_verified_as_for_every_other_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    async def work() -> Came:
        async with serve(greets, "127.0.0.1", 0, ssl=context, logger=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            credential = Credential("api-key", Secret(KEY))
            return await visit(port, credential=credential, scheme="https", ways=Ways(os.environ if trusted else {}))

    came = asyncio.run(work())
    assert came.exchange.status == (101 if trusted else None)
    assert (came.exchange.failure.kind if came.exchange.failure else None) == (None if trusted else "tls")


def test_nobody_listens() -> None:
    async def work() -> Came:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return await visit(port, credential=Credential("api-key", Secret(KEY)))

    came = asyncio.run(work())
    assert came.exchange.failure is not None
    assert (came.exchange.failure.kind, came.exchange.failure.phase) == ("refused", "connect")


@pytest.mark.parametrize("heeded", [True, False])
def test_a_proxy_of_the_environment_is_asked_only_where_it_is_to_be_trusted(
    monkeypatch: pytest.MonkeyPatch, heeded: bool
) -> None:
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async def work() -> Came:
        async with serving(proxy) as proxy_port, serve(greets, "127.0.0.1", 0) as there:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy_port}")
            port = next(iter(there.sockets)).getsockname()[1]
            return await visit(
                port, credential=Credential("api-key", Secret(KEY)), ways=Ways(os.environ if heeded else {})
            )

    came = asyncio.run(work())
    assert (came.exchange.failure.kind if came.exchange.failure else None) == ("proxy" if heeded else None)
    assert [line.split()[0] for line in asked] == ([b"CONNECT"] if heeded else [])
    assert not any(KEY.encode() in line for line in asked)


def test_an_interrupted_upgrade_is_in_the_record() -> None:
    async def work() -> Exchange:
        recorder, asked = Recorder(Mask()), asyncio.Event()
        socket = Socket("w1-test", recorder, Deadlines())

        async def mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await reader.read()

        async with serving(mute) as port:
            url, credential = f"http://127.0.0.1:{port}/v1/realtime", Credential("api-key", Secret(KEY))
            task = asyncio.ensure_future(socket.connect(url, credential, Ways()))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await socket.close()
        return recorder.exchanges[0]

    exchange = asyncio.run(work())
    assert exchange.failure is not None
    assert exchange.failure.kind == "interrupted"
