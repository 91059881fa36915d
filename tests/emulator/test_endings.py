"""How connections end: no refusal is lost, whoever speaks when, nobody holds the emulator, and nothing is left of them."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from itertools import cycle, islice, product

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from rtdiag.emulator import Emulator
from rtdiag.emulator.background import Running, running
from rtdiag.emulator.http import endings, port, request_body, sockets
from tests.emulator.clients import MODEL, WAIT_S, bearer

Said = Sequence[str | bytes]
Heard = tuple[list[str], int | None]

WRONG = "sk-FAKE-nobody-has-this-key"
REFUSED: Heard = (["invalid_api_key"], 3000)
SAID: dict[str, Said] = {
    "one": ['{"type": "input_audio_buffer.clear"}'],
    "many": ['{"type": "input_audio_buffer.clear"}'] * 300,
    "large": ['{"type": "input_audio_buffer.append", "audio": "%s"}' % ("A" * 1_000_000)] * 5,
    "binary": [b"\0" * 100_000] * 20,
}
REFUSALS, AT_ONCE = 200, 40
MUCH = b"x" * 20_000_000
POST = b"POST /v1/realtime/calls HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 20000000\r\n\r\n"


async def by_websockets(url: str, key: str, said: Said) -> Heard:
    """Speaks right after the upgrade, then listens."""
    heard = []
    async with connect(url, additional_headers=bearer(key), proxy=None, max_size=None) as connection:
        with suppress(ConnectionClosed):
            for message in said:
                await connection.send(message)
        with suppress(ConnectionClosed):
            while True:
                heard.append(_code_of(await asyncio.wait_for(connection.recv(), WAIT_S)))
    return heard, connection.close_code


async def by_aiohttp(url: str, key: str, said: Said) -> Heard:
    """The same with another library."""
    heard, code = [], None
    async with aiohttp.ClientSession() as client, client.ws_connect(url, headers=bearer(key)) as connection:
        with suppress(ConnectionError):
            for message in said:
                text = isinstance(message, str)
                content = message.encode() if isinstance(message, str) else message
                await connection.send_frame(content, aiohttp.WSMsgType.TEXT if text else aiohttp.WSMsgType.BINARY)
        while (event := await connection.receive(WAIT_S)).type == aiohttp.WSMsgType.TEXT:
            heard.append(_code_of(event.data))
        if event.type == aiohttp.WSMsgType.CLOSE:
            code = event.data
    return heard, code


async def by_hand(url: str, key: str, said: Said, *, shuts: bool = False) -> Heard:
    """Speaks with the upgrade itself, reads when all is said, and never answers the close; `shuts` its side before it reads."""
    async with raw(url) as (reader, writer):
        with suppress(ConnectionError):
            writer.write(upgrade(url.partition("/v1")[2], key) + b"".join(map(frame, said)))
            await writer.drain()
            if shuts:
                writer.write_eof()
        return _heard(await all_of(reader))


async def by_hand_and_shut(url: str, key: str, said: Said) -> Heard:
    """A client that has no more to say, and waits for the answer."""
    return await by_hand(url, key, said, shuts=True)


@asynccontextmanager
async def raw(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the host and port of that URL."""
    host, number = url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(number))
    try:
        yield reader, writer
    finally:
        writer.close()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    """What comes until the other side ends; a broken connection ends it too."""
    heard = b""
    with suppress(ConnectionError):
        while part := await asyncio.wait_for(reader.read(65536), WAIT_S):
            heard += part
    return heard


def upgrade(path: str, key: str) -> bytes:
    """The request for a WebSocket."""
    lines = (f"GET /v1{path} HTTP/1.1", "Host: here", f"Authorization: Bearer {key}", "Connection: Upgrade")
    more = ("Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {'A' * 22}==", "", "")
    return "\r\n".join((*lines, *more)).encode()


def frame(message: str | bytes) -> bytes:
    """A client's frame, masked with zeros."""
    opcode, content = (b"\x81", message.encode()) if isinstance(message, str) else (b"\x82", message)
    return opcode + b"\xff" + len(content).to_bytes(8, "big") + bytes(4) + content


def _heard(received: bytes) -> Heard:
    """The codes of the errors in the frames behind the upgrade's answer, and the close code."""
    frames = received.partition(b"\r\n\r\n")[2]
    heard: list[str] = []
    while frames:
        long = 2 if frames[1] == 126 else 0
        end = 2 + long + (int.from_bytes(frames[2:4], "big") if long else frames[1])
        content = frames[2 + long : end]
        if frames[0] == 0x88:
            return heard, int.from_bytes(content[:2], "big")
        heard.append(_code_of(content))
        frames = frames[end:]
    return heard, None


def _code_of(event: str | bytes) -> str:
    parsed = json.loads(event)
    return str(parsed["error"]["code"]) if parsed["type"] == "error" else str(parsed["type"])


CLIENTS = (by_websockets, by_aiohttp, by_hand, by_hand_and_shut)


async def in_batches(work: Sequence[Callable[[], Awaitable[Heard]]]) -> list[Heard]:
    """What each of them heard, some at once."""
    heard: list[Heard] = []
    for first in range(0, len(work), AT_ONCE):
        heard += await asyncio.gather(*(one() for one in work[first : first + AT_ONCE]))
    return heard


def asking(emulator: Running, key: str) -> Callable[..., Callable[[], Awaitable[Heard]]]:
    """Makes of a client and what it says the work of asking that emulator."""
    url = f"{emulator.ws_url}/realtime{MODEL}"
    return lambda client, said: lambda: client(url, key, said)


def test_not_one_of_two_hundred_refusals_is_lost() -> None:
    """A reset would take them: its cause is unread data in the kernel when a socket is closed (RFC 9112 9.6)."""
    ways = list(islice(cycle(product(CLIENTS, SAID.values())), REFUSALS))
    with running() as emulator:
        ask = asking(emulator, WRONG)
        heard = asyncio.run(in_batches([ask(client, said) for client, said in ways]))
    assert heard == [REFUSED] * REFUSALS


@pytest.mark.parametrize(
    ("fault", "errors", "code"),
    [
        ("session-closed-early", ["session.created", "session_expired"], 1001),
        ("socket-rate-limited", ["rate_limit_exceeded"], 4000),
        ("socket-no-credit", ["credit_balance_exhausted"], 4000),
    ],
)
def test_what_a_fault_says_is_heard(fault: str, errors: list[str], code: int) -> None:
    ways = list(islice(cycle(product((by_aiohttp, by_hand), SAID.values())), AT_ONCE))
    with running(faults=[fault]) as emulator:
        ask = asking(emulator, emulator.key)
        heard = asyncio.run(in_batches([ask(client, said) for client, said in ways]))
    assert heard == [(errors, code)] * len(ways)


@pytest.mark.parametrize(
    ("head", "fault", "status"),
    [
        (POST, None, b"401"),
        (POST, "gateway-html", b"502"),
        (upgrade("/realtime/transcription_sessions", WRONG), None, b"403"),
        (upgrade("/nowhere", WRONG), None, b"404"),
        (upgrade("/realtime", WRONG), "socket-refused-over-http", b"401"),
        (b"NONSENSE\r\n\r\n", None, b"400"),
    ],
    ids=["401", "fault", "403-to-an-upgrade", "404-to-an-upgrade", "fault-to-an-upgrade", "no-http"],
)  # fmt: skip
def test_an_answer_before_the_end_of_the_request_is_heard(head: bytes, fault: str | None, status: bytes) -> None:
    async def ask(url: str) -> bytes:
        async with raw(url) as (reader, writer):
            with suppress(ConnectionError):
                writer.write(head + MUCH)
                await writer.drain()
            return await all_of(reader)

    async def run(url: str) -> list[bytes]:
        return await asyncio.gather(*(ask(url) for _ in range(4)))

    with running(faults=[fault] if fault else ()) as emulator:
        answers = asyncio.run(run(emulator.base_url))
    assert [answer.split(b" ", 2)[1:2] for answer in answers] == [[status]] * 4
    assert [answer.count(b"HTTP/1.") for answer in answers] == [1] * 4


def test_what_breaks_a_socket_does_not_overtake_what_was_said_on_it() -> None:
    async def run() -> Heard:
        async with Emulator() as emulator, raw(emulator.base_url) as (reader, writer):
            writer.write(upgrade(f"/realtime{MODEL}", emulator.key) + frame(SAID["one"][0]) + b"\xff" * 10)
            return _heard(await all_of(reader))

    assert asyncio.run(run()) == (["session.created", "input_audio_buffer.cleared"], 1002)


def test_who_speaks_while_the_emulator_stops_is_told() -> None:
    async def speak(url: str, key: str, open_: asyncio.Semaphore) -> int | None:
        """By a client that reads on, though nobody asks it for what comes."""
        async with connect(url, additional_headers=bearer(key), proxy=None, max_queue=None) as connection:
            await connection.recv()
            open_.release()
            with suppress(ConnectionClosed):
                while True:
                    await connection.send(SAID["binary"][0])
                    await asyncio.sleep(0)
            return connection.close_code

    async def run(stack: ExitStack) -> list[int | None]:
        emulator = stack.enter_context(running())
        url, open_ = f"{emulator.ws_url}/realtime{MODEL}", asyncio.Semaphore(0)
        speakers = [asyncio.ensure_future(speak(url, emulator.key, open_)) for _ in range(AT_ONCE)]
        for _ in speakers:
            await open_.acquire()
        await asyncio.to_thread(stack.close)
        return await asyncio.gather(*speakers)

    with ExitStack() as stack:
        assert asyncio.run(run(stack)) == [1001] * AT_ONCE


def test_who_has_much_to_say_when_the_emulator_stops_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CLOSE_WAIT_S", 0)

    async def speak(url: str, key: str, speaking: asyncio.Semaphore) -> bool:
        async with raw(url) as (reader, writer):
            writer.write(upgrade(f"/realtime{MODEL}", key))
            await reader.readuntil(b"session.created")
            writer.write(frame(b"\0" * 1000) * 5000)
            speaking.release()
            with suppress(ConnectionError):
                await writer.drain()
            return (await all_of(reader)).endswith(b"\x88\x02\x03\xe9")  # a close frame, 1001

    async def run(stack: ExitStack) -> list[bool]:
        emulator, speaking = stack.enter_context(running()), asyncio.Semaphore(0)
        speakers = [asyncio.ensure_future(speak(emulator.base_url, emulator.key, speaking)) for _ in range(20)]
        for _ in speakers:
            await speaking.acquire()
        await asyncio.to_thread(stack.close)
        return await asyncio.gather(*speakers)

    with ExitStack() as stack:
        assert asyncio.run(run(stack)) == [True] * 20


@pytest.mark.parametrize(("seconds", "most_bytes"), [(0, 10**15), (10**6, 0)], ids=["by-time", "by-bytes"])
def test_a_client_that_never_stops_is_not_held(seconds: int, most_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "LINGER_S", seconds)
    monkeypatch.setattr(endings, "MOST_DROPPED_BYTES", most_bytes)

    async def run() -> None:
        async with Emulator() as emulator, raw(emulator.base_url) as (_, writer):
            writer.write(upgrade(f"/realtime{MODEL}", WRONG))
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(_speak_for_ever(writer), WAIT_S)
            await nothing_held(emulator)

    asyncio.run(run())


async def _speak_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(frame(b"\0" * 100_000))
        await writer.drain()


def test_half_a_request_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "IDLE_S", 0.001)

    async def run() -> bytes:
        async with Emulator() as emulator, raw(emulator.base_url) as (reader, writer):
            writer.write(b"GET /v1/models HTTP/1.1\r\nHo")
            return await all_of(reader)

    assert asyncio.run(run()) == b""


def test_half_a_body_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "BODY_WAIT_S", 0)
    monkeypatch.setattr(port, "UNREAD_S", 0)

    async def run() -> bytes:
        async with Emulator() as emulator, raw(emulator.base_url) as (reader, writer):
            writer.write(half_of_a_mint(emulator.key))
            return await all_of(reader)

    assert asyncio.run(run()).startswith(b"HTTP/1.1 400 ")


def half_of_a_mint(key: str) -> bytes:
    """A request that promises more than it holds."""
    lines = (f"Authorization: Bearer {key}", "Content-Type: application/json", "Content-Length: 100000")
    return "\r\n".join(("POST /v1/realtime/client_secrets HTTP/1.1", "Host: here", *lines, "", "x" * 50_000)).encode()


# What is sent, with the key given, and what is read before the client goes.
HALF_WAY: dict[str, tuple[Callable[[str], bytes], bytes]] = {
    "connected": (lambda _: b"", b""),
    "half-a-header": (lambda _: b"GET /v1/models HTTP/1.1\r\nAuth", b""),
    "half-a-body": (half_of_a_mint, b""),
    "half-a-body-refused": (lambda _: half_of_a_mint(WRONG), b" 401 "),
    "a-socket": (lambda key: upgrade(f"/realtime{MODEL}", key), b"session.created"),
    "half-a-frame": (lambda key: upgrade(f"/realtime{MODEL}", key) + frame(b"\0" * 100_000)[:50_000], b" 101 "),
    "a-refused-socket": (lambda _: upgrade(f"/realtime{MODEL}", WRONG), b""),
}


@pytest.mark.parametrize("how", HALF_WAY)
def test_nothing_is_left_of_clients_that_went_half_way(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted with the collector off for what holds a body: what only it could free would stay for long."""
    monkeypatch.setattr(port, "UNREAD_S", 10**6)

    async def run() -> None:
        before = asyncio.all_tasks()
        async with Emulator() as emulator:
            idle = asyncio.all_tasks()
            for _ in range(5):
                async with asyncio.TaskGroup() as group:
                    for _ in range(20):
                        group.create_task(_go_half_way(emulator, *HALF_WAY[how]))
                await nothing_held(emulator)
            async with asyncio.timeout(WAIT_S):
                while asyncio.all_tasks() != idle:  # noqa: ASYNC110 - no wait
                    await asyncio.sleep(0)
            assert how not in ("half-a-body", "half-a-body-refused") or _alive("RequestHandler") == 0
        assert asyncio.all_tasks() == before

    gc.collect()
    gc.disable()
    try:
        asyncio.run(run())
    finally:
        gc.enable()


async def _go_half_way(emulator: Emulator, said: Callable[[str], bytes], awaited: bytes) -> None:
    async with raw(emulator.base_url) as (reader, writer):
        writer.write(said(emulator.key))
        await writer.drain()
        if awaited:
            await reader.readuntil(awaited)


def _alive(name: str) -> int:
    return sum(type(one).__name__ == name for one in gc.get_objects())


async def nothing_held(emulator: Emulator) -> None:
    """Returns when the emulator holds no connection, socket or call, one turn of the loop at a time."""
    service, (served, *_) = emulator._running(), emulator._ports
    server = served._runner.server
    assert server
    async with asyncio.timeout(WAIT_S):
        while served.connections or server.connections or service.sockets or service.calls:  # noqa: ASYNC110 - no wait
            await asyncio.sleep(0)
