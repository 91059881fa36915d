"""The client against real sockets that misbehave: every failure is data with a name, and what arrived before it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from rtdiag.engine.findings import no_answer
from rtdiag.model import Exchange
from rtdiag.redact import Mask, Secret
from rtdiag.transport.failures import KINDS
from rtdiag.transport.http import LARGEST_BODY_BYTES, Credential, Http
from rtdiag.transport.recorder import Deadlines, Recorder

KEY = "sk-proj-FAKE0000000000000000000000000000abcd"
LONGEST_S = 10  # a bound that no test reaches
SILENCE_S = 0.3  # where nothing comes, and that is the point
Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(*parts: bytes) -> Server:
    """A server that reads the request's head, says these bytes, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
        await writer.drain()

    return serve


async def blurts(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that speaks plain HTTP before it is asked."""
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that takes everything and never answers."""
    await reader.read()


def ask(
    server: Server,
    *,
    scheme: str = "http",
    key: str = KEY,
    longest_s: float = LONGEST_S,
    deadlines: Deadlines | None = None,
) -> Exchange:
    served: list[asyncio.Future[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done = asyncio.get_running_loop().create_future()
        served.append(done)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await server(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        done.set_result(None)

    async def work() -> Exchange:
        mask = Mask()
        mask.learn(key)
        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        http = Http(
            f"{scheme}://127.0.0.1:{port}/v1",
            Recorder(mask),
            deadlines or Deadlines.of(longest_s),
        )
        async with listening:
            exchange = (await http.send("GET", "/models", Credential("api-key", Secret(key)))).exchange
            await http.aclose()
            await asyncio.gather(*served)
        return exchange

    return asyncio.run(work())


def ok(body: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"content-length: %d" % len(body), *headers, b"", body])


@pytest.mark.parametrize(
    ("server", "kind", "status", "body"),
    [
        (says(), "closed", None, ""),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "protocol", None, ""),
        (says(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"da"), "closed", 200, '{"da'),
        (silent, "timeout", None, ""),
        (says(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * (LARGEST_BODY_BYTES + 1)), "too-large", 200, "x" * LARGEST_BODY_BYTES),
    ],
)  # fmt: skip
def test_a_failure_has_a_name_and_keeps_what_arrived(server: Server, kind: str, status: int | None, body: str) -> None:
    exchange = ask(server, longest_s=SILENCE_S if kind == "timeout" else LONGEST_S)
    assert exchange.failure is not None
    assert (exchange.failure.kind, exchange.status, exchange.body) == (kind, status, body)
    assert kind in KINDS
    found = no_answer("x", exchange)
    assert found is not None
    assert (found.status, found.hint) == ("inconclusive", KINDS[kind])


def trickle(*first: bytes, again: bytes) -> Server:
    """A server that says these bytes, and then a few more for ever, always before a read could be given up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.writelines(first)
        while not reader.at_eof():
            writer.write(again)
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), SILENCE_S / 10)

    return serve


@pytest.mark.parametrize(
    ("server", "phase", "status"),
    [
        (silent, "answer", None),
        (trickle(b"HTTP/1.1 200 OK\r\n", again=b"x-more: 1\r\n"), "answer", None),
        (trickle(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", again=b" "), "body", 200),
        (trickle(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", again=b"1\r\n \r\n"), "body", 200),
        (trickle(again=b"HTTP/1.1 102 Processing\r\n\r\n"), "answer", None),
    ],
)
def test_whatever_trickles_in_a_request_ends_at_its_deadline(server: Server, phase: str, status: int | None) -> None:
    exchange = ask(server, longest_s=SILENCE_S)
    assert exchange.failure is not None
    assert (exchange.failure.kind, exchange.failure.phase, exchange.status) == ("timeout", phase, status)
    assert f"within {SILENCE_S:g} s" in exchange.failure.detail


def test_a_server_that_takes_the_connection_and_not_the_handshake() -> None:
    exchange = ask(silent, scheme="https", deadlines=Deadlines(connect_s=SILENCE_S))
    assert exchange.failure is not None
    assert (exchange.failure.kind, exchange.failure.phase) == ("timeout", "tls")
    assert exchange.failure.detail.startswith("127.0.0.1:")


def test_a_server_that_speaks_no_tls() -> None:
    exchange = ask(blurts, scheme="https")
    assert exchange.failure is not None
    assert (exchange.failure.kind, exchange.failure.phase) == ("tls", "tls")


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\nx: y", KEY.replace("FAKE", "FÄKE")])
def test_a_key_that_no_header_may_hold_is_not_sent_and_not_shown(key: str) -> None:
    exchange = ask(says(ok(b"{}")), key=key)
    assert exchange.failure is not None
    assert exchange.failure.kind == "request"
    assert "0000000000" not in repr(exchange)


def test_bytes_come_back_as_they_were() -> None:
    exchange = ask(
        says(ok('{"é": "…"}\r\n'.encode(), b"Content-Type: application/json", b"Set-Cookie: a=1", b"Set-Cookie: b=2"))
    )
    assert exchange.body == '{"é": "…"}\r\n'
    assert [v for k, v in exchange.response_headers if k.lower() == "set-cookie"] == ["a=*", "b=*"]
    assert exchange.ok
    assert set(exchange.timing_ms) == {"connect", "wait", "total"}


def test_what_is_not_utf8_is_kept_in_base64() -> None:
    exchange = ask(says(ok(b"\xff\xfe\x00")))
    assert (exchange.body, exchange.body_encoding) == ("//4A", "base64")
    assert exchange.json is None


def test_an_error_is_read_from_whatever_shape_it_has() -> None:
    for body, words in (
        (
            b'{"error": {"code": "invalid_api_key", "type": null, "message": "no", "param": null}}',
            "invalid_api_key: no",
        ),
        (b'{"error": "quota"}', "quota"),
        (b'{"error": {"message": "", "type": "", "code": "", "param": ""}}', "an error with empty fields"),
        (b'{"error": {"code": 500, "message": "x"}}', "500: x"),
    ):
        error = ask(says(ok(body))).error
        assert error is not None
        assert str(error) == words
    for body in (b"", b"[]", b'"error"', b"{", b"[" * 100_000):
        assert ask(says(ok(body))).error is None


def test_a_redirect_is_not_followed() -> None:
    exchange = ask(says(b"HTTP/1.1 302 Found\r\nlocation: https://elsewhere.test/\r\ncontent-length: 0\r\n\r\n"))
    assert exchange.status == 302


def test_each_request_carries_an_id_of_its_own_and_asks_for_plain_bytes() -> None:
    exchange = ask(says(ok(b"{}", b"x-request-id: req_1", b"date: Sun, 22 Nov 2026 12:00:00 GMT")))
    sent = dict(exchange.request_headers)
    assert sent["x-client-request-id"] == exchange.correlation["x-client-request-id"]
    assert sent["accept-encoding"] == "identity"
    assert sent["authorization"] == "Bearer sk-proj-" + "*" * (len(KEY) - 12) + KEY[-4:]
    assert exchange.correlation["x-request-id"] == "req_1"
