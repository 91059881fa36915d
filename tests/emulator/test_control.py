"""Faults switched while the emulator runs: by the method, and over the second port."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from rtdiag.emulator import Emulator, UnknownFault, load_faults
from tests.emulator.clients import WAIT_S, bearer, http, wire

Json = dict[str, Any]


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=False, trust_env=False, timeout=WAIT_S)


async def status(emulator: Emulator) -> int:
    """Of a request that is in order."""
    async with http(emulator) as asking:
        return (await asking.get("/models", headers=bearer(emulator.key))).status_code


def test_it_is_off_unless_asked_for() -> None:
    async def run() -> None:
        async with Emulator() as emulator:
            assert emulator.control_url is None
            assert "control" not in emulator.banner
            async with http(emulator) as asking:
                assert (await asking.get(emulator.base_url.replace("/v1", "/faults"))).status_code == 404

    asyncio.run(run())


def test_faults_are_listed_turned_on_and_off() -> None:
    async def run() -> None:
        async with Emulator(faults=["key-revoked"], control_port=0) as emulator, client() as asking:
            url = str(emulator.control_url)
            assert url.startswith("http://127.0.0.1:")
            assert f"control: {url}\n" in emulator.banner
            first = (await asking.get(url)).json()
            assert first["on"] == ["key-revoked"]
            assert first["known"] == {one.id: one.story for one in load_faults().values()}
            assert await status(emulator) == 401
            changed = await asking.put(url, json=["rate-limited", "no-location"])
            assert changed.json()["on"] == ["rate-limited", "no-location"]
            assert emulator.faults == ("rate-limited", "no-location")
            assert await status(emulator) == 429
            assert (await asking.put(url, json=[])).json()["on"] == []
            assert await status(emulator) == 200

    asyncio.run(run())


def test_a_fault_reaches_a_session_that_is_open() -> None:
    async def run() -> None:
        async with Emulator(control_port=0) as emulator, client() as asking, wire(emulator) as made:
            await made.event()
            update = {"type": "session.update", "session": {"type": "realtime"}}
            assert (await made.ask(update))["type"] == "session.updated"
            await asking.put(str(emulator.control_url), json=["update-server-error"])
            assert (await made.ask(update))["error"]["type"] == "server_error"
            await asking.put(str(emulator.control_url), json=[])
            assert (await made.ask(update))["type"] == "session.updated"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'["vad-refusd"]', "unknown fault 'vad-refusd': did you mean vad-refused"),
        (b'["key-revoked", "x"]', "unknown fault 'x'"),
        (b"{", "send a JSON list of fault ids"),
        (b"", "send a JSON list of fault ids"),
        (b'{"on": []}', "send a JSON list of fault ids"),
        (b"[1]", "send a JSON list of fault ids"),
        (b'"key-revoked"', "send a JSON list of fault ids"),
        (b"\xff", "send a JSON list of fault ids"),
        (b"[" * 5_000 + b"]" * 5_000, "send a JSON list of fault ids"),
        (b"[" + b"9" * 5_000 + b"]", "send a JSON list of fault ids"),
        (b'["' + b"x" * 50_000 + b'"]', "unknown fault 'xxx"),
        (b'["\\ud800"]', "unknown fault '\\ud800'"),
    ],
)
def test_what_cannot_be_turned_changes_nothing(body: bytes, words: str) -> None:
    async def run() -> httpx.Response:
        async with Emulator(faults=["no-location"], control_port=0) as emulator, client() as asking:
            answer = await asking.put(str(emulator.control_url), content=body)
            assert emulator.faults == ("no-location",)
            assert await status(emulator) == 200
            return answer

    answer = asyncio.run(run())
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert words in error
    assert "\n" not in error
    assert len(error) < 300


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_faults_are_turned_in_each_encoding_that_tells_itself(encoding: str) -> None:
    async def run() -> None:
        async with Emulator(control_port=0) as emulator, client() as asking:
            answer = await asking.put(str(emulator.control_url), content='["key-revoked"]'.encode(encoding))
            assert (answer.status_code, emulator.faults) == (200, ("key-revoked",))

    asyncio.run(run())


def test_a_body_that_is_too_large_is_one_line() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield b" " * 65536

    async def run() -> httpx.Response:
        async with Emulator(control_port=0) as emulator, client() as asking:
            return await asking.put(str(emulator.control_url), content=parts())

    answer = asyncio.run(run())
    assert (answer.status_code, answer.json()["error"][:11]) == (413, "send a JSON")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=nonsense"},
        {"Content-Type": "application/json; charset=hex"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_a_body_that_cannot_be_read_is_one_line_and_changes_nothing(headers: dict[str, str]) -> None:
    async def run() -> httpx.Response:
        async with Emulator(control_port=0) as emulator, client() as asking:
            answer = await asking.put(str(emulator.control_url), content=b'["key-revoked"]', headers=headers)
            assert emulator.faults == ()
            return answer

    answer = asyncio.run(run())
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.9:80", 200),
        ("[::1]:80", 200),
        ("rebound.example", 403),
        ("rebound.example:80", 403),
        ("127.0.0.1.example", 403),
        ("192.0.2.1", 403),
        ("0.0.0.0", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
def test_only_a_name_of_loopback_is_answered(host: str, status: int) -> None:
    async def run() -> None:
        async with Emulator(control_port=0) as emulator, client() as asking:
            url = str(emulator.control_url)
            assert (await asking.get(url, headers={"Host": host})).status_code == status
            await asking.put(url, headers={"Host": host}, json=["key-revoked"])
            assert emulator.faults == (("key-revoked",) if status == 200 else ())

    asyncio.run(run())


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_pages_are_refused(method: str) -> None:
    async def run() -> httpx.Response:
        async with Emulator(control_port=0) as emulator, client() as asking:
            headers = {"Origin": "http://127.0.0.1:8000", "Access-Control-Request-Method": "PUT"}
            answer = await asking.request(
                method, str(emulator.control_url), headers=headers, content=b'["key-revoked"]'
            )
            assert emulator.faults == ()
            return answer

    answer = asyncio.run(run())
    assert answer.status_code in (403, 405)
    assert not {name for name in answer.headers if name.startswith("access-control-")}


def test_it_is_on_loopback_alone_and_ends_with_the_emulator() -> None:
    async def run() -> None:
        before = asyncio.all_tasks()
        async with Emulator(host="0.0.0.0", control_port=0) as emulator:
            url = str(emulator.control_url)
            port = int(url.split(":")[2].split("/")[0])
            for address in (one for one in emulator.media_addresses if ":" not in one):
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection(address, port)
            async with client() as asking:
                assert (await asking.get(url)).status_code == 200
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        assert asyncio.all_tasks() == before

    asyncio.run(run())


def test_a_control_port_that_is_taken_leaves_nothing() -> None:
    async def run() -> None:
        async with Emulator() as first:
            before = asyncio.all_tasks()
            taken = int(first.base_url.split(":")[2].removesuffix("/v1"))
            second = Emulator(control_port=taken)
            with pytest.raises(OSError, match=rf"Errno {errno.EADDRINUSE}\b"):
                await second.__aenter__()
            assert asyncio.all_tasks() == before

    asyncio.run(run())


def test_the_method_needs_a_running_emulator_and_known_faults() -> None:
    async def run() -> None:
        emulator = Emulator(faults=["key-revoked"])
        with pytest.raises(RuntimeError, match="async with"):
            emulator.set_faults()
        async with emulator:
            with pytest.raises(UnknownFault, match="key-revoked"):
                emulator.set_faults("key-revokd")
            assert emulator.faults == ("key-revoked",)
            assert await status(emulator) == 401

    asyncio.run(run())
