"""The emulator as a server, beside aimock and bare aiortc: its first answer, sessions, peers at once, and its memory."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from urllib.parse import urlsplit

from rtdiag.emulator.tokens import EMULATOR_KEY
from tests.benchmarks.bare import MODEL
from tests.benchmarks.commands import PYTHON, ROOT, RTDIAG, variables
from tests.benchmarks.measuring import OURS, Bench, Place, Sample
from tests.benchmarks.opening import Worker
from tests.ports import free_port
from tests.servers.servers import HERE, known

SOCKETS, SOCKETS_FOR_MEMORY, PEERS_FOR_MEMORY, FIRST = 500, 12_000, 550, 100
AT_ONCE = 8
ONE_SECOND_MS, MOST_AT_ONCE, STEP = 1000, 320, 5
LOOPBACK = "127.0.0.1"
Command = Callable[[int], Sequence[str]]  # of the port that it shall listen at
_STARTS_S, _ENDS_S, _WAIT_S = 30, 10, 10
_POLL_S = 0.001
_UPGRADE = (
    "GET {path}/realtime?model={model} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {key}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_CLOSE = b"\x88\x80\0\0\0\0"
_AIMOCK = "no aimock (--aimock FOLDER, npm install --prefix FOLDER @copilotkit/aimock)"


@dataclass(frozen=True)
class Served:
    """A server in a process of its own: where and by which key it is asked."""

    pid: int
    base_url: str
    key: str

    @property
    def cpu_ms(self) -> float:
        """What it has had of the processor, in all its threads."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) * 1000 / os.sysconf("SC_CLK_TCK")

    @property
    def memory_mb(self) -> float:
        """What it holds of the memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def open_files(self) -> int:
        """Its open files and sockets."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


@contextmanager
def served(command: Command, key: str = "none", host: str = LOOPBACK) -> Iterator[Served]:
    """That server, from its first answer on; ended afterwards, with all that it started. Raises TimeoutError."""
    port, quiet = free_port(), subprocess.DEVNULL
    process = subprocess.Popen(
        command(port), env=variables(), cwd=ROOT, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        _answers(host, port)
        yield Served(process.pid, f"http://{host}:{port}/v1", key)
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ENDS_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(host: str, port: int) -> None:
    until_s = time.monotonic() + _STARTS_S
    while time.monotonic() < until_s:
        with suppress(ConnectionError), create_connection((host, port), _WAIT_S) as there:
            there.sendall(b"GET /v1/models HTTP/1.1\r\nHost: here\r\n\r\n")
            if there.recv(1):
                return
        time.sleep(_POLL_S)
    raise TimeoutError(f"nothing answers at {host}:{port} after {_STARTS_S} s")


def emulator(host: str = LOOPBACK) -> AbstractContextManager[Served]:
    """`rtdiag emulator`."""
    return served(lambda port: [*RTDIAG, "emulator", "--host", host, "--port", str(port)], EMULATOR_KEY, host)


def bare_aiortc() -> AbstractContextManager[Served]:
    """What answers calls with aiortc and aiohttp, and does no more."""
    return served(lambda port: [PYTHON, "-m", "tests.benchmarks.bare", "serve", str(port)])


def aimock(folder: Path) -> AbstractContextManager[Served]:
    """aimock, with any key."""
    first, *rest = known().servers["aimock-keyless"].start
    return served(lambda port: [str(folder / first), *(word.format(port=port, here=HERE) for word in rest)])


def first_answer(place: Place) -> dict[str, Sample | str]:
    """From the start of its process to the first byte of an answer."""

    def sample(make: Callable[[], AbstractContextManager[Served]]) -> float:
        began = time.perf_counter()
        with make():
            return (time.perf_counter() - began) * 1000

    folder = place.aimock
    return {OURS: lambda: sample(emulator), "aimock": (lambda: sample(lambda: aimock(folder))) if folder else _AIMOCK}


def sockets(figure: Callable[[Served], float]) -> Callable[[Place], Bench]:
    """That figure of each, which stays the same server all the while."""

    @contextmanager
    def bench(place: Place) -> Iterator[Mapping[str, Sample | str]]:
        with ExitStack() as stack:
            ours = stack.enter_context(emulator())
            theirs = stack.enter_context(aimock(place.aimock)) if place.aimock else None
            yield {OURS: lambda: figure(ours), "aimock": (lambda: figure(theirs)) if theirs else _AIMOCK}

    return bench


def sockets_per_s(served: Served) -> float:
    """Opened, `session.created`, closed; eight at once."""
    began = time.perf_counter()
    asyncio.run(_sockets(served, SOCKETS))
    return SOCKETS / (time.perf_counter() - began)


def cpu_ms_per_socket(served: Served) -> float:
    """What the server has of the processor for each."""
    before = served.cpu_ms
    asyncio.run(_sockets(served, SOCKETS))
    return (served.cpu_ms - before) / SOCKETS


async def _sockets(served: Served, count: int, at_once: int = AT_ONCE) -> None:
    where, numbers = urlsplit(served.base_url), iter(range(count))
    asked = _UPGRADE.format(path=where.path, model=MODEL, key=served.key).encode()

    async def several() -> None:
        for _ in numbers:
            async with asyncio.timeout(_WAIT_S):
                await _socket(str(where.hostname), int(where.port or 80), asked)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(several())


async def _socket(host: str, port: int, asked: bytes) -> None:
    """By hand, so that the client costs less than any server."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(asked)
        await reader.readuntil(b"\r\n\r\n")
        length = (await reader.readexactly(2))[1]
        if length >= 126:
            length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
        first = await reader.readexactly(length)
        assert b'"session.created"' in first, first[:200]
        writer.write(_CLOSE)
        await reader.read()
    finally:
        writer.close()


def at_once(*, audio: bool) -> Callable[[Place], Bench]:
    """How many peers that are opened at the same moment are all open within a second, to the nearest five below."""

    @contextmanager
    def bench(_: Place) -> Iterator[Mapping[str, Sample | str]]:
        with ExitStack() as stack:
            found: dict[str, Sample | str] = {}
            for name, make in ((OURS, emulator), ("bare aiortc", bare_aiortc)):
                served = stack.enter_context(make())
                worker = stack.enter_context(closing(Worker(served.base_url, served.key)))
                found[name] = _most(worker, audio)
            yield found

    return bench


def _most(worker: Worker, audio: bool) -> Sample:
    return lambda: most_within(lambda count: worker.ask(do="burst", count=count, audio=audio) <= ONE_SECOND_MS)


def most_within(well: Callable[[int], bool]) -> float:
    """The most that went well: twice as many until one does not, then half the way between, in steps of five."""
    good, bad = 0, 4 * STEP
    while bad <= MOST_AT_ONCE and well(bad):
        good, bad = bad, 2 * bad
    while bad - good > STEP:
        tried = (good + bad) // (2 * STEP) * STEP
        good, bad = (tried, bad) if well(tried) else (good, tried)
    return good


def growth_of_sockets(place: Place) -> dict[str, Sample | str]:
    """What the memory grows by after the first hundred, in MB."""

    def growth(served: Served) -> float:
        return _growth(served, lambda count: asyncio.run(_sockets(served, count, FIRST)), SOCKETS_FOR_MEMORY)

    def of_ours(served: Served) -> float:
        with closing(
            Worker(served.base_url, served.key)
        ) as worker:  # what calls need is loaded behind the first answers
            worker.ask(do="row", count=1)
        return growth(served)

    folder = place.aimock
    return {OURS: _with(emulator, of_ours), "aimock": _with(lambda: aimock(folder), growth) if folder else _AIMOCK}


def growth_of_peers(_: Place) -> dict[str, Sample | str]:
    """The same by WebRTC."""

    def growth(served: Served) -> float:
        with closing(Worker(served.base_url, served.key)) as worker:
            return _growth(served, lambda count: worker.ask(do="row", count=count), PEERS_FOR_MEMORY)

    return {OURS: _with(emulator, growth), "bare aiortc": _with(bare_aiortc, growth)}


def _with(make: Callable[[], AbstractContextManager[Served]], figure: Callable[[Served], float]) -> Sample:
    def sample() -> float:
        with make() as served:
            return figure(served)

    return sample


def _growth(served: Served, opened: Callable[[int], object], count: int) -> float:
    idle = served.open_files
    opened(FIRST)
    before = _settled_mb(served, idle)
    opened(count - FIRST)
    return _settled_mb(served, idle) - before


def _settled_mb(served: Served, files: int) -> float:
    """Its memory once it has let go of what was open, and of a few that it keeps from the first session on."""
    until_s = time.monotonic() + _ENDS_S
    while served.open_files > files + 4 and time.monotonic() < until_s:
        time.sleep(_POLL_S)
    return served.memory_mb
