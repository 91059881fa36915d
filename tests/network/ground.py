"""What a scenario is built on: the place where its servers stand, loopback or, once it is `apart`, a namespace of their own."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, TypeVar

from rtdiag.emulator.background import Running, running
from tests.network import dns, namespaces
from tests.network.certificates import Authority
from tests.network.fronts import Front
from tests.network.link import DEVICE, Link, opened
from tests.network.runs import Asking
from tests.network.servers import Behaviour

T = TypeVar("T")

_WAIT_S = 30  # a bound that is never reached


class Ground:
    """`with Ground(folder) as ground`; everything that it started is gone after the block.

    `host` is the address of the servers, `pair` the two namespaces, None on loopback. `reached` is set once somebody asked
    one of these servers (not the emulator) for something.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = "127.0.0.1"
        self.pair: namespaces.Pair | None = None
        self.reached = Event()
        self._stack = ExitStack()

    def __enter__(self) -> Ground:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def apart(self, *families: int) -> namespaces.Pair:
        """From now on servers stand in a namespace of their own, and rtdiag is started in another; `families` are those of IP."""
        self.pair = self._stack.enter_context(namespaces.pair(*families))
        self.host = self.pair.host
        return self.pair

    def emulator(self, *faults: str, clock: Callable[[], float] = time.time) -> Running:
        """The project's own emulator, where the servers stand."""
        with self._there():
            return self._stack.enter_context(running(faults=faults, host=self.host, clock=clock))

    def serve(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None, port: int = 0) -> int:
        """A server with that behaviour; its port."""
        return self._loop.do(self._loop.listening(self._noted(behaviour), self.host, port, tls))

    def serve_too(self, host: str, port: int) -> None:
        """The same as at that port of the servers' address, at another address."""
        front = Front((self.host, port)).behaviour()
        self._loop.do(self._loop.listening(self._noted(front), host, port, None))

    def names(self, zone: dns.Zone, *servers: str, lines: str = "") -> None:
        """A name server, and a resolv.conf that names it, or these addresses of it, and has these lines more."""
        assert self.pair, "names are for namespaces"
        self._loop.do(self._loop.answering(partial(dns.Server, zone, self.reached.set), "", dns.PORT))
        named = [f"nameserver {host}" for host in servers or (self.host,)]
        self.pair.etc("resolv.conf", "\n".join([*named, lines, ""]))

    def trusted_by_system(self, authority: Authority) -> None:
        """The authority is in the store of the machine that rtdiag is started on, as curl sees it."""
        assert self.pair, "a store of its own is for namespaces"
        pem = authority.pem.read_text(encoding="ascii")
        asked = ["openssl", "x509", "-noout", "-hash", "-in", str(authority.pem)]
        name = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        for file in ("ca-certificates.crt", f"{name}.0"):
            self.pair.etc(f"ssl/certs/{file}", pem)

    def slow(self, link: Link) -> None:
        """From now on the servers' address is at the other end of that link."""
        assert self.pair, "links are for namespaces"
        devices = []
        for name in (self.pair.near, self.pair.far):
            with namespaces.inside(name):
                devices.append(opened())
        self.host = self.pair.join(DEVICE)
        self._loop.do(self._loop.working(link.join(*devices)))

    def closed_port(self) -> int:
        """A port where nothing listens."""
        return self._loop.do(self._loop.free(self.host))

    def asking(self, asking: Asking) -> Asking:
        """The same, asked from where rtdiag stands."""
        return replace(asking, namespace=self.pair.near) if self.pair else asking

    def keep(self, thing: AbstractContextManager[T]) -> T:
        """Enters something that is to last as long as the ground."""
        with self._there():
            return self._stack.enter_context(thing)

    @cached_property
    def authority(self) -> Authority:
        """Whoever signs the certificates here."""
        return Authority(self.folder)

    def _there(self) -> AbstractContextManager[None]:
        return namespaces.inside(self.pair.far) if self.pair else nullcontext()

    @cached_property
    def _loop(self) -> _Loop:
        with self._there():
            return self._stack.enter_context(_loop())

    def _noted(self, behaviour: Behaviour) -> Behaviour:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.reached.set()
            await behaviour(reader, writer)

        return serve


class _Loop:
    """An event loop in a thread of its own, and what listens there."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="road", daemon=True)
        self._thread.start()
        self._open: list[asyncio.Server | asyncio.BaseTransport] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: list[asyncio.Future[None]] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Does it there and waits for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_WAIT_S)

    async def listening(self, behaviour: Behaviour, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Serves there; the port."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            with suppress(OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
                await behaviour(reader, writer)
            writer.close()

        server = await asyncio.start_server(serve, host, port, ssl=tls, limit=1 << 20)
        self._open.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def answering(self, made: Callable[[], asyncio.DatagramProtocol], host: str, port: int) -> None:
        """Takes datagrams there."""
        where = (host or "0.0.0.0", port)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(made, local_addr=where)
        self._open.append(transport)

    async def working(self, work: Coroutine[Any, Any, None]) -> None:
        """Does that until the end."""
        self._tasks.append(asyncio.ensure_future(work))

    async def free(self, host: str) -> int:
        """A port that was free just now."""
        async with await asyncio.start_server(lambda reader, writer: None, host) as server:
            return int(server.sockets[0].getsockname()[1])

    async def end(self) -> None:
        """Closes what listens, what is open, and what still works on that."""
        for one in self._open:
            one.close()
        for writer in self._writers:
            writer.transport.abort()
        working = asyncio.all_tasks() - {asyncio.current_task()}
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()

    def stop(self) -> None:
        """Ends the thread."""
        self.do(self.end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def _loop() -> Iterator[_Loop]:
    made = _Loop()
    try:
        yield made
    finally:
        made.stop()
