"""Many sessions in one emulator: fifty at once are each their own, and a thousand in a row leave neither memory nor files."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any

import aiohttp
import pytest
from aiortc import MediaStreamTrack
from av import AudioFrame

from rtdiag.emulator import Emulator
from rtdiag.emulator import service as service_module
from rtdiag.emulator import tokens as tokens_module
from rtdiag.emulator.faults import Switches
from rtdiag.emulator.media import peer as server_side
from rtdiag.emulator.service import Service
from rtdiag.emulator.session import open_session, subscribers
from rtdiag.emulator.session.settings import Rules, configured
from rtdiag.emulator.session.state import Session
from rtdiag.emulator.timeline import behaviour, newest
from rtdiag.emulator.tokens import REMEMBERED_S, Tokens
from tests.emulator.clients import MODEL, SESSIONS, WAIT_S, Peer, bearer, http, peer, until

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]

SESSION = SESSIONS["realtime"]
SDP = "application/sdp"
WARM_UP, IN_A_ROW, AT_ONCE, VANISHING = 400, 400, 8, 5
CALLS_BEFORE, CALLS = 150, 200
SILENT_S = 8  # in place of 30; a client that is there asks every 4 to 6 s
SOON = f"from rtdiag.emulator.media import ice; ice.MOST_SILENT_S = {SILENT_S}; from rtdiag.cli import main; main()"
MOST_BYTES, MOST_BYTES_OF_A_SOCKET = 20 * 1024, 4 * 1024  # of memory per closed session
SILENCE_WAIT_S = 120  # a bound
VANISH = "import sys; from tests.emulator.test_load import stay; stay(*sys.argv[1:])"

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Server:
    """`rtdiag emulator` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        told = dict(process.stdout.readline().strip().partition("=")[::2] for _ in range(3))
        self.base_url, self.key = told["OPENAI_BASE_URL"], told["OPENAI_API_KEY"]
        self.port = int(self.base_url.split(":")[2].removesuffix("/v1"))
        self._proc = Path("/proc") / str(process.pid)

    @property
    def memory_bytes(self) -> int:
        """What it holds of this machine's memory."""
        pages = int((self._proc / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def cpu_s(self) -> float:
        """The time that it has had of the processor, in all its threads."""
        user, system = (self._proc / "stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @property
    def open_files(self) -> int:
        """Its open files and sockets."""
        return len(list((self._proc / "fd").iterdir()))


@contextmanager
def server(*options: str, code: str = "from rtdiag.cli import main; main()") -> Iterator[Server]:
    """Stopped afterwards, which it must survive."""
    command = [sys.executable, "-u", "-c", code, "emulator", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0


@asynccontextmanager
async def web(base_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that costs less than httpx; it keeps no connection, so that none is counted. Paths begin with /v1."""
    connector, timeout = aiohttp.TCPConnector(force_close=True), aiohttp.ClientTimeout(WAIT_S)
    async with aiohttp.ClientSession(base_url.removesuffix("/v1"), connector=connector, timeout=timeout) as client:
        yield client


@asynccontextmanager
async def opened(
    client: aiohttp.ClientSession, key: str, track: MediaStreamTrack | None = None
) -> AsyncIterator[tuple[Peer, Json]]:
    """A call with a token of its own, and its `session.created`; the client closes it, and says what `track` says."""
    async with peer(track) as made:
        async with client.post("/v1/realtime/client_secrets", headers=bearer(key), json={"session": SESSION}) as answer:
            token = (await answer.json())["value"]
        headers, offer = bearer(token, SDP), await made.offer()
        async with client.post("/v1/realtime/calls", headers=headers, data=offer) as answer:
            assert answer.status == 201
            made.call_id = answer.headers["Location"].rpartition("/")[2]
            await made.accept(await answer.text())
        created = await made.event()
        assert created["type"] == "session.created"
        yield made, created


async def spoken_to(made: Peer) -> None:
    """Returns when its response has begun to be heard."""
    made.channel.send(json.dumps({"type": "response.create"}))
    await until(made, "output_audio_buffer.started")
    frame = await made.pc.getReceivers()[0].track.recv()
    assert isinstance(frame, AudioFrame)


async def hang_up(client: aiohttp.ClientSession, key: str, call_id: str) -> None:
    """Ends a call from outside."""
    async with client.post(f"/v1/realtime/calls/{call_id}/hangup", headers=bearer(key)) as answer:
        assert answer.status == 200


async def in_a_row(count: int, work: Callable[[int], Awaitable[None]]) -> None:
    """Does it `count` times, a few at once."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())


async def settled(served: Server, files: int) -> None:
    """Returns when it has no more files open than that. Each question, over one connection, lets it do what it still has to."""
    reading, writing = await asyncio.open_connection("127.0.0.1", served.port)
    async with asyncio.timeout(WAIT_S):
        while served.open_files > files + 1:  # that connection
            writing.write(b"HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await reading.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 ")
    writing.close()
    await writing.wait_closed()


def at_rest(served: Server) -> int:
    """How many files it has open when nothing is; from the first call on ICE is taken over TCP, too."""
    return served.open_files + len(Emulator().media_addresses)


async def growth_bytes(served: Server, one: Callable[[int], Awaitable[None]]) -> float:
    """By how much the server grows for each of many, when all is loaded that it needs; all its files are closed again."""
    files = at_rest(served)
    async with web(served.base_url) as client, opened(client, served.key):
        pass
    await in_a_row(WARM_UP, one)
    await settled(served, files)
    before = served.memory_bytes
    await in_a_row(IN_A_ROW, one)
    await settled(served, files)
    return (served.memory_bytes - before) / IN_A_ROW


def stay(base_url: str, key: str, count: str) -> None:
    """In a process that will be killed: opens calls, prints their ids, and waits."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(web(base_url))
            for _ in range(int(count)):
                made, _ = await stack.enter_async_context(opened(client, key))
                sys.stdout.write(f"{made.call_id}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()

    asyncio.run(run())


def vanished(served: Server) -> list[str]:
    """The ids of calls whose client was killed: no goodbye in any layer."""
    command = [sys.executable, "-c", VANISH, served.base_url, served.key, str(VANISHING)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ids = [process.stdout.readline().strip() for _ in range(VANISHING)]
        process.kill()
    return ids


async def until_over(client: aiohttp.ClientSession, key: str, call_id: str) -> None:
    """Waits beside the call for its end."""
    async with client.ws_connect(f"/v1/realtime?call_id={call_id}", headers=bearer(key)) as socket:
        over = await socket.receive(SILENCE_WAIT_S)
    assert over.type == aiohttp.WSMsgType.CLOSE


@linux
def test_fifty_at_once_are_each_their_own() -> None:
    async def run(served: Server) -> None:
        async with web(served.base_url) as client, AsyncExitStack() as stack:
            opening = (stack.enter_async_context(opened(client, served.key)) for _ in range(50))
            sessions = await asyncio.gather(*opening)
            assert len({created["session"]["id"] for _, created in sessions}) == 50
            mine = {"type": "session.update", "session": {"type": "realtime", "instructions": "Mine alone."}}
            updated = await sessions[0][0].ask(mine)
            assert updated["session"]["instructions"] == "Mine alone."
            nothing = {"type": "session.update", "session": {"type": "realtime"}}
            shown = await asyncio.gather(*(made.ask(nothing) for made, _ in sessions[1:]))
            assert [event["session"]["id"] for event in shown] == [c["session"]["id"] for _, c in sessions[1:]]
            assert "Mine alone." not in {event["session"]["instructions"] for event in shown}
            await asyncio.gather(*(spoken_to(made) for made, _ in sessions))

    with server() as served:
        asyncio.run(run(served))


@linux
def test_hundreds_of_calls_in_a_row_leave_neither_memory_nor_files() -> None:
    """Half hang up over HTTP, the others close, half of each while they are spoken to.

    Some vanish, which the server finds out by their silence.
    """

    async def run(served: Server) -> tuple[int, int]:
        async with web(served.base_url) as client:

            async def one(number: int) -> None:
                async with opened(client, served.key) as (made, _):
                    if number % 4 < 2:
                        await spoken_to(made)
                    if number % 2:
                        await hang_up(client, served.key, made.call_id)

            files = at_rest(served)
            await in_a_row(CALLS_BEFORE, one)
            await settled(served, files)
            before = served.memory_bytes
            gone = [asyncio.ensure_future(until_over(client, served.key, each)) for each in vanished(served)]
            await in_a_row(CALLS - VANISHING, one)
            await asyncio.gather(*gone)
            await settled(served, files)
            return before, served.memory_bytes

    with server("--pace", "0", code=SOON) as served:
        before, after = asyncio.run(run(served))
    assert (after - before) / CALLS < MOST_BYTES


@linux
def test_hundreds_of_sockets_in_a_row_leave_neither_memory_nor_files() -> None:
    """Half close, the others break the connection."""

    async def run(served: Server) -> float:
        async with web(served.base_url) as client:

            async def one(number: int) -> None:
                async with client.ws_connect(f"/v1/realtime{MODEL}", headers=bearer(served.key)) as connection:
                    assert (await connection.receive_json())["type"] == "session.created"
                    if number % 2:
                        connection.get_extra_info("socket").shutdown(SHUT_RDWR)

            return await growth_bytes(served, one)

    with server() as served:
        assert asyncio.run(run(served)) < MOST_BYTES_OF_A_SOCKET


@linux
def test_a_thousand_bodies_that_never_end_leave_neither_memory_nor_files() -> None:
    async def run(served: Server) -> float:
        lines = (f"Authorization: Bearer {served.key}", "Content-Type: application/json", "Content-Length: 100000")
        half = "\r\n".join(
            ("POST /v1/realtime/client_secrets HTTP/1.1", "Host: here", *lines, "", "x" * 50_000)
        ).encode()
        host, port = served.base_url.split("/")[2].split(":")

        async def one(_: int) -> None:
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(half)
            writer.write_eof()
            assert await reader.read() == b"", "nobody is there to be answered"
            writer.close()

        return await growth_bytes(served, one)

    with server() as served:
        assert asyncio.run(run(served)) < MOST_BYTES_OF_A_SOCKET


def test_a_client_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its offer promises candidates that never follow: aiortc alone would wait for ever."""
    monkeypatch.setattr(server_side, "CONNECT_WAIT_S", 0)

    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            offer = "".join(line for line in (await made.offer()).splitlines(keepends=True) if "candidate" not in line)
            answer = await client.post(f"/realtime/calls{MODEL}", headers=bearer(emulator.key, SDP), content=offer)
            assert answer.status_code == 201
            await none_open(emulator)

    asyncio.run(run())


def test_a_line_that_nobody_listens_to_ends_with_its_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a call whose channel never opened does not stay for ever."""
    monkeypatch.setattr(open_session, "SESSION_LIFE_S", {"ga": 0})

    async def run() -> None:
        over = asyncio.Event()
        rules = Rules(behaviour(newest()), Switches(), time.time)
        subscribers.Line(Session("realtime", "ga", configured("realtime", "ga", SESSION, {}, rules), rules), over.set)
        await asyncio.wait_for(over.wait(), WAIT_S)

    asyncio.run(run())


def test_tokens_that_are_long_over_are_forgotten() -> None:
    now_s = 0
    tokens = Tokens(lambda: now_s)
    first, second = (tokens.mint("realtime", "ga", {}, life_s) for life_s in (10, 20))
    now_s = 20
    tokens.mint("realtime", "ga", {}, 10)
    assert all(tokens.find(token.value) is token and tokens.expired(token) for token in (first, second))
    now_s = REMEMBERED_S + 10
    tokens.mint("realtime", "ga", {}, 10)
    assert (tokens.find(first.value), tokens.find(second.value)) == (None, second)


def test_however_many_are_minted_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "MOST_TOKENS", 3)
    tokens = Tokens(lambda: 0)
    minted = [tokens.mint("realtime", "ga", {}, 600) for _ in range(5)]
    assert [tokens.find(token.value) for token in minted] == [None, None, *minted[2:]]


def test_however_often_it_rings_so_many_calls_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "MOST_PHONE_CALLS", 3)
    service = Service(newest(), ())
    rung = [service.ring(()).call_id for _ in range(5)]
    assert list(service.phone) == rung[2:]


def test_nothing_is_held_of_calls_that_are_over() -> None:
    """What is left of aiortc's is cycles, which the collector takes."""

    def held() -> Counter[str]:
        gc.collect()
        found = (type(one) for one in gc.get_objects())
        return Counter(kind.__name__ for kind in found if str(kind.__module__).startswith("rtdiag.emulator"))

    async def run() -> tuple[Counter[str], Counter[str]]:
        async with Emulator(pace=0) as emulator, web(emulator.base_url) as client:

            async def one(number: int) -> None:
                async with opened(client, emulator.key) as (made, _):
                    if number % 2:
                        await hang_up(client, emulator.key, made.call_id)

            await in_a_row(4, one)
            await none_open(emulator)
            before, service = held(), emulator._running()
            await in_a_row(12, one)
            await none_open(emulator)
            await asyncio.gather(*service._closing)
            assert not service.calls
            assert not service.lines
            assert service._door and not service._door._calls  # noqa: PT018
            return before, held()

    before, after = asyncio.run(run())
    assert {name: after[name] - before[name] for name in after if after[name] > before[name]} == {"Token": 12}


async def none_open(emulator: Emulator) -> None:
    """Returns when no call is left, one turn of the loop at a time."""
    async with asyncio.timeout(WAIT_S):
        while emulator.open_calls:  # noqa: ASYNC110 - no wait
            await asyncio.sleep(0)
