"""What is no HTTP is answered 400 or ends the connection, and the emulator has nothing to print of it."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

from rtdiag.emulator import Emulator
from tests.emulator.clients import MODEL
from tests.emulator.test_endings import all_of, frame, raw, upgrade

KEY = "sk-FAKE-replaced-by-the-emulators"
GET, HOST = b"GET /v1/models HTTP/1.1\r\n", b"Host: here\r\n"
SOCKET = upgrade(f"/realtime{MODEL}", KEY)
SOCKET_KEY = b"A" * 22 + b"=="
MUTATIONS = 400


def post(path: str, *headers: str) -> bytes:
    """The head of a request with the key."""
    lines = (f"POST /v1/realtime/{path} HTTP/1.1", "Host: here", f"Authorization: Bearer {KEY}", *headers, "", "")
    return "\r\n".join(lines).encode()


JSON, CHUNKED = "Content-Type: application/json", "Transfer-Encoding: chunked"
FORM = "Content-Type: multipart/form-data; boundary=b"

# What is sent, in one piece or in several, each when the one before has been read.
SENT: dict[str, Sequence[bytes]] = {
    "no-request-line": [b"NONSENSE\r\n\r\n"],
    "bad-version": [b"GET / HTTP/9.9\r\n" + HOST + b"\r\n"],
    "bad-method": [b"G@T / HTTP/1.1\r\n" + HOST + b"\r\n"],
    "bad-url": [b"GET http://[::1 HTTP/1.1\r\n" + HOST + b"\r\n"],
    "connect-without-version": [b"CONNECT here:443\r\n" + HOST + b"\r\n"],
    "no-colon": [GET + HOST + b"nothing\r\n\r\n"],
    "null-in-a-header": [GET + HOST + b"a: b\0c\r\n\r\n"],
    "huge-header": [GET + HOST + b"a: " + b"x" * 200_000 + b"\r\n\r\n"],
    "many-headers": [GET + HOST + b"".join(b"a%d: b\r\n" % n for n in range(5000)) + b"\r\n"],
    "huge-request-line": [b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"],
    "second-request-bad": [GET + HOST + b"\r\nNONSENSE\r\n\r\n"],
    "bad-chunk": [post("client_secrets", JSON, CHUNKED) + b"ZZZ\r\n"],
    "bad-chunk-later": [post("client_secrets", JSON, CHUNKED), b"ZZZ\r\n"],
    "bad-chunk-of-a-form": [post("calls", FORM, CHUNKED), b"5\r\n--b\r\n\r\nZZZ\r\n"],
    "bad-chunk-of-a-refused-body": [post("client_secrets", JSON, CHUNKED).replace(KEY.encode(), b"no"), b"ZZZ\r\n"],
    "no-gzip": [post("client_secrets", JSON, "Content-Encoding: gzip", "Content-Length: 5") + b"abcde"],
    "two-lengths": [post("client_secrets", JSON, "Content-Length: 5", "Content-Length: 6") + b"abcdef"],
    "length-and-chunks": [post("client_secrets", JSON, "Content-Length: 5", CHUNKED) + b"abcde"],
    "bad-disposition": [
        post("calls", FORM, "Connection: close", "Content-Length: 41"),
        b"--b\r\nContent-Disposition: \xff\r\n\r\nv=0\r\n--b--",
    ],
    "nulls": [b"\0" * 1_000_000],
    "tls": [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2],
    "http-2": [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"],
    "socket-without-key": [SOCKET.replace(b"Sec-WebSocket-Key", b"Sec-WebSocket-Nothing")],
    "socket-key-too-short": [SOCKET.replace(SOCKET_KEY, b"AAA=")],
    "socket-key-not-ascii": [SOCKET.replace(SOCKET_KEY, b"\xff\xff")],
    "socket-of-another-version": [SOCKET.replace(b"Version: 13", b"Version: 99")],
    "socket-without-connection": [SOCKET.replace(b"Connection: Upgrade\r\n", b"")],
    "no-frame": [SOCKET + b"\xff" * 1000],
    "frame-of-bad-text": [SOCKET + b"\x81\x82\0\0\0\0\xff\xff"],
    "frame-too-large": [SOCKET + b"\x81\xff\x7f" + b"\xff" * 7 + bytes(4)],
    "frame-of-no-deflate": [SOCKET[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n\xc1\x83\0\0\0\0\xff\xff\xff"],
    "frames-to-no-socket": [upgrade("/nowhere", KEY) + frame("hello") * 1000],
}  # fmt: skip


async def told(url: str, key: str, parts: Sequence[bytes], *, leaves: bool = False) -> bytes:
    """What the emulator answers until it, or the client, ends the connection."""
    async with raw(url) as (reader, writer):
        for part in parts:
            writer.write(part.replace(KEY.encode(), key.encode()))
            await writer.drain()
            for _ in range(10 if len(parts) > 1 else 0):
                await asyncio.sleep(0)
        if leaves:
            writer.write_eof()
        return await all_of(reader)


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is logged, not even when the collector finds a task that broke."""
    yield
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []


@pytest.mark.parametrize("how", SENT)
@pytest.mark.usefixtures("quiet")
def test_what_is_no_http_is_refused_in_silence(how: str) -> None:
    async def run() -> bytes:
        async with Emulator() as emulator:
            return await told(emulator.base_url, emulator.key, SENT[how])

    heard = asyncio.run(run())
    status = heard.split(b" ", 2)[1:2]
    assert status in ([], [b"101"], [b"400"], [b"401"], [b"404"])
    assert (b"\x88" in heard) == (status == [b"101"])  # a socket that was opened is closed with a code


def test_nothing_is_printed() -> None:
    """By a process of its own, whose warnings nobody catches."""
    command = [sys.executable, "-u", "-m", "rtdiag", "emulator"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        banner = dict(process.stdout.readline().strip().partition("=")[::2] for _ in range(3))
        url, key = banner["OPENAI_BASE_URL"], banner["OPENAI_API_KEY"]

        async def run() -> None:
            await asyncio.gather(*(told(url, key, parts) for parts in SENT.values()))

        asyncio.run(run())
        process.send_signal(signal.SIGINT)
        _, printed = process.communicate()
    assert not [word for word in ("Traceback", "Error", "Warning", "HTTP") if word in printed]


@pytest.mark.usefixtures("quiet")
def test_no_change_of_a_request_makes_the_emulator_stumble() -> None:
    chance = random.Random(0)
    pieces = (b"\0", b"\r\n", b"\xff", b":", b" ", b"\r\n\r\n", b"0", b";", b"\n", b"chunked", b"gzip", b"CONNECT ")

    def changed(sent: bytes) -> bytes:
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(sent))
            cut = chance.choice((0, 0, chance.randrange(20)))
            sent = sent[:place] + chance.choice(pieces) + sent[place + cut :]
        return sent

    async def run() -> list[bytes]:
        async with Emulator() as emulator:
            where = emulator.base_url, emulator.key
            sent = [changed(b"".join(SENT[how])[:5000]) for how in chance.choices(sorted(SENT), k=MUTATIONS)]
            return [await told(*where, [each], leaves=True) for each in sent]

    assert not [answer for answer in asyncio.run(run()) if b" 500 " in answer.partition(b"\r\n")[0]]
