"""Opens WebRTC sessions whenever it is told to, and says in ms how long that took: one line in, one line out.

    python -m tests.benchmarks.opening URL KEY

`{"do": "one"}` is a session of rtdiag's own, `{"do": "burst", "count": 50, "audio": true}` so many of aiortc's at the same moment,
of which the time of the last counts, `{"do": "row", "count": 550}` so many, a few at once. For one the way is warm already.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp

from rtdiag.redact import Mask, Secret
from rtdiag.transport.audio import Encoded, Voice, track
from rtdiag.transport.http import Credential, Http
from rtdiag.transport.recorder import Deadlines, Recorder
from rtdiag.transport.webrtc import Session
from tests.benchmarks.bare import MODEL
from tests.benchmarks.commands import PYTHON, ROOT, variables
from tests.emulator.clients import Peer, bearer, peer

CALLS = f"/realtime/calls?model={MODEL}"
SDP = "application/sdp"
NEVER_MS = 30_000.0  # what does not open counts so much
_WAIT_S = 10
_AT_ONCE = 8


async def one(base_url: str, key: str) -> float:
    """From the making of the peer to `session.created`."""
    recorder, deadlines = Recorder(Mask()), Deadlines()
    http, credential = Http(base_url, recorder, deadlines), Credential("key", Secret(key))
    await http.send("GET", "/models", credential)
    session = Session("p1", recorder, deadlines)
    try:
        began = time.perf_counter()
        offer = await session.offer()
        reply = await http.send("POST", CALLS, credential, headers={"content-type": SDP}, content=offer)
        opened = await session.accept(reply.body.decode())
        return (time.perf_counter() - began) * 1000 if opened else NEVER_MS
    finally:
        await session.close()
        await http.aclose()


async def burst(base_url: str, key: str, count: int, audio: bool) -> float:
    """From the moment that all offers, which are ready, are posted to the last `session.created`; NEVER_MS where one fails."""
    silence = Encoded(b"")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as web, AsyncExitStack() as stack:
        tracks = [track(Voice(silence, lambda: 0.0)) if audio else None for _ in range(count)]
        made = [await stack.enter_async_context(peer(one)) for one in tracks]
        offers = await asyncio.gather(*(one.offer() for one in made))
        began = time.perf_counter()
        try:
            await asyncio.gather(*(_open(web, base_url, key, *pair) for pair in zip(made, offers, strict=True)))
        except (TimeoutError, AssertionError, aiohttp.ClientError):
            return NEVER_MS
        return (time.perf_counter() - began) * 1000


async def row(base_url: str, key: str, count: int) -> float:
    """So many that are closed again."""
    began, numbers = time.perf_counter(), iter(range(count))
    async with aiohttp.ClientSession() as web, asyncio.TaskGroup() as group:

        async def several() -> None:
            for _ in numbers:
                async with peer() as made:
                    await _open(web, base_url, key, made, await made.offer())

        for _ in range(_AT_ONCE):
            group.create_task(several())
    return (time.perf_counter() - began) * 1000


async def _open(web: aiohttp.ClientSession, base_url: str, key: str, made: Peer, offer: str) -> None:
    async with asyncio.timeout(_WAIT_S):
        async with web.post(base_url + CALLS, headers=bearer(key, SDP), data=offer) as answer:
            assert answer.status == 201, answer.status
            await made.accept(await answer.text())
        assert (await made.event())["type"] == "session.created"


class Worker:
    """A process that does a task for each line it is given, and says how long it took."""

    def __init__(self, url: str, key: str) -> None:
        command = [PYTHON, "-m", "tests.benchmarks.opening", url, key]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=variables())

    def ask(self, **task: Any) -> float:
        """What it says. Raises ValueError where it has ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()


async def main(base_url: str, key: str) -> None:
    """Until there is no further line."""
    loop = asyncio.get_running_loop()
    works: dict[str, Callable[..., Awaitable[float]]] = {"one": one, "burst": burst, "row": row}
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = json.loads(line)
        took_ms = await works[task.pop("do")](base_url, key, **task)
        sys.stdout.write(f"{took_ms}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
