"""Name servers that do not answer hold nothing back: no deadline, no cancelling, not the end of the loop."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rtdiag.model import Exchange
from rtdiag.redact import Mask, Secret
from rtdiag.transport import names
from rtdiag.transport.http import Credential, Http
from rtdiag.transport.recorder import Deadlines, Recorder
from rtdiag.transport.ways import Ways
from rtdiag.transport.websocket import Socket

SHORT_S = 0.2  # where nothing comes, and that is the point
KEY = Credential("api-key", Secret("sk-FAKE0000000000000000000000000000abcd"))


class Silence:
    """Name servers that say nothing until the test is over."""

    def __init__(self) -> None:
        self.asked, self.over = threading.Event(), threading.Event()
        self.waiting: list[threading.Thread] = []

    def ask(self, *_: Any, **__: Any) -> Any:
        self.waiting.append(threading.current_thread())
        self.asked.set()
        self.over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "over")

    @property
    def holds(self) -> bool:
        """Whether somebody still waits, in threads that no end of a process waits for."""
        return bool(self.waiting) and all(thread.is_alive() and thread.daemon for thread in self.waiting)


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[Silence]:
    made = Silence()
    monkeypatch.setattr(socket, "getaddrinfo", made.ask)
    yield made
    made.over.set()
    for thread in made.waiting:
        thread.join()


async def by_http(recorder: Recorder, deadlines: Deadlines) -> Exchange:
    http = Http("http://api.test/v1", recorder, deadlines)
    try:
        return (await http.send("GET", "/models", KEY)).exchange
    finally:
        await http.aclose()


async def by_websocket(recorder: Recorder, deadlines: Deadlines) -> Exchange:
    return await Socket("w1", recorder, deadlines).connect("http://api.test/v1/realtime", KEY, Ways())


@pytest.mark.parametrize("ask", [by_http, by_websocket])
def test_a_deadline_says_dns_and_the_loop_ends_while_the_name_servers_are_silent(ask: Any, silence: Silence) -> None:
    exchange = names.run(ask(Recorder(Mask()), Deadlines(connect_s=SHORT_S)))
    assert exchange.failure is not None
    assert (exchange.failure.kind, exchange.failure.phase) == ("dns", "dns")
    assert exchange.failure.detail == f"api.test: no name server answered within {SHORT_S:g} s"
    assert silence.holds


@pytest.mark.parametrize("ask", [by_http, by_websocket])
def test_cancelling_ends_a_look_up_at_once(ask: Any, silence: Silence) -> None:
    recorder = Recorder(Mask())

    async def cancelled() -> None:
        task = asyncio.ensure_future(ask(recorder, Deadlines()))
        await asyncio.to_thread(silence.asked.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    names.run(cancelled())
    assert [x.failure and x.failure.kind for x in recorder.exchanges] == ["interrupted"]
    assert silence.holds


def test_what_the_name_servers_say_is_what_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both() -> tuple[Any, Any]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(socket.gaierror(-2, "no")))
        with pytest.raises(socket.gaierror, match="no"):
            await loop.getaddrinfo("api.test", 80)
        return found, [told]

    told: list[bool] = []
    names.watching.set(told.append)
    found, _ = names.run(both())
    assert found == [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80))]
