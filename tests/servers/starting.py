"""A server that others wrote, started on this machine; and another client of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
from websockets.asyncio.client import connect

from rtdiag.emulator import Emulator
from tests.installing import NotInstalledError, last_words
from tests.ports import free_port
from tests.servers.servers import HERE, Asked, Server

START_S = 90
ANSWER_S, SAYS_S = 15, 3


@asynccontextmanager
async def running(server: Server, folder: Path) -> AsyncIterator[str]:
    """Its base URL, while it runs in front of an emulator. Raises NotInstalledError where it does not start."""
    async with Emulator() as upstream:
        port = free_port()
        filled = {"port": port, "here": HERE, "upstream": upstream.base_url, "upstream_key": upstream.key}
        first, *rest = (word.format(**filled) for word in server.start)
        variables = {name: text.format(**filled) for name, text in server.variables.items()}
        async with _process([str(folder / first), *rest], variables, port):
            yield f"http://127.0.0.1:{port}/v1"


@asynccontextmanager
async def _process(command: list[str], variables: Mapping[str, str], port: int) -> AsyncIterator[None]:
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=asyncio.subprocess.STDOUT,
        env=os.environ | variables, start_new_session=True,
    )  # fmt: skip
    reading = asyncio.ensure_future(program.communicate())  # it must not wait for somebody to read what it says
    try:
        await _listens(port, reading)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        await reading


async def _listens(port: int, reading: asyncio.Future[tuple[bytes, bytes]]) -> None:
    for _ in range(10 * START_S):
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.wait([reading], timeout=0.1)
        if reading.done():
            said = reading.result()[0].decode(errors="replace")
            raise NotInstalledError(f"it did not start: {last_words(said)}")
    raise NotInstalledError(f"it does not listen after {START_S} s")


@asynccontextmanager
async def session(base_url: str) -> AsyncIterator[None]:
    """Another client has a session meanwhile."""
    async with connect(f"{base_url.replace('http', 'ws', 1)}/realtime", proxy=None) as socket:
        await socket.recv()
        yield


async def amiss(asked: Asked, base_url: str, key: str) -> str:
    """What is wrong with the answer to another client, "" for nothing."""
    method, path = asked.ask.split()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=ANSWER_S) as client:
        for _ in range(10 * SAYS_S):
            try:
                answer = await client.request(method, base_url + path, json=asked.body)
            except httpx.HTTPError as exc:
                return f"another client, {asked.ask}: {exc!r}"
            if answer.status_code != asked.status or asked.says in answer.text:
                break
            await asyncio.sleep(0.1)
    well = answer.status_code == asked.status and asked.says in answer.text
    return "" if well else f"another client, {asked.ask}: {answer.status_code} {answer.text[:200]}"
