"""ICE as the API does it: silence for strangers, no question of its own, and the candidates' end in the beta alone."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from aioice import stun

from rtdiag.emulator import Emulator
from rtdiag.emulator.media import ice
from tests.emulator.clients import SESSIONS, WAIT_S, Peer, bearer, beta_token, call, http, peer
from tests.emulator.test_load import none_open

CLEAR = {"type": "input_audio_buffer.clear"}


def places(made: Peer) -> list[tuple[str, int]]:
    """Where the answer's candidates of IPv4 lie."""
    found = re.findall(r"a=candidate:\S+ 1 udp \d+ ([\d.]+) (\d+) typ host", made.answer_sdp)
    assert found
    return [(address, int(port)) for address, port in found]


def credentials(made: Peer) -> tuple[str, bytes]:
    """The user name and the password that an ICE check of this peer carries."""
    ours, theirs = (re.findall(r"a=ice-ufrag:(\S+)", sdp)[0] for sdp in (made.pc.localDescription.sdp, made.answer_sdp))
    return f"{theirs}:{ours}", re.findall(r"a=ice-pwd:(\S+)", made.answer_sdp)[0].encode()


def binding(username: str | None = None, password: bytes | None = None) -> stun.Message:
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    if username:
        request.attributes["USERNAME"] = username
    if password:
        request.attributes["PRIORITY"] = 1
        request.add_message_integrity(password)
    return request


def strange(made: Peer) -> Iterator[stun.Message]:
    """Requests that are not in order: no credentials, a wrong user, a wrong password, and another method."""
    username, password = credentials(made)
    yield binding()
    yield binding(username)
    yield binding("nobody:nowhere", password)
    yield binding(username, b"wrong")
    yield stun.Message(message_method=stun.Method.ALLOCATE, message_class=stun.Class.REQUEST)


def test_a_stranger_gets_no_answer_where_a_session_is_open() -> None:
    async def run() -> None:
        async with Emulator() as emulator, call(emulator, SESSIONS["realtime"]) as made:
            await made.event()
            with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as stranger:
                stranger.setblocking(False)
                for place in places(made):
                    for request in strange(made):
                        stranger.sendto(bytes(request), place)
                # The emulator reads what came before from the same sockets before it can answer this.
                assert (await made.ask(CLEAR))["type"] == "input_audio_buffer.cleared"
                known = binding(*credentials(made))
                stranger.sendto(bytes(known), places(made)[0])
                receiving = asyncio.get_running_loop().sock_recv(stranger, 2048)
                first = stun.parse_message(await asyncio.wait_for(receiving, WAIT_S))
                assert (first.message_class, first.transaction_id) == (stun.Class.RESPONSE, known.transaction_id)
            assert (await made.ask(CLEAR))["type"] == "input_audio_buffer.cleared"

    asyncio.run(run())


@pytest.mark.parametrize(("as_of", "kinds"), [(None, {"RESPONSE"}), (date(2026, 1, 25), {"RESPONSE", "REQUEST"})])
def test_it_asks_back_only_before_it_was_lite(as_of: date | None, kinds: set[str]) -> None:
    """What it would ask stands before its second answer."""

    async def run() -> set[str]:
        heard = set()
        async with Emulator(as_of) as emulator, call(emulator, SESSIONS["realtime"]) as made:
            await made.event()
            with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as client:
                client.setblocking(False)
                for _ in range(2):
                    check = binding(*credentials(made))
                    client.sendto(bytes(check), places(made)[0])
                    told = None
                    while told is None or told.transaction_id != check.transaction_id:
                        receiving = asyncio.get_running_loop().sock_recv(client, 2048)
                        told = stun.parse_message(await asyncio.wait_for(receiving, WAIT_S))
                        heard.add(told.message_class.name)
        return heard

    assert asyncio.run(run()) == kinds


def test_who_has_been_silent_for_so_long_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice, "MOST_SILENT_S", 0)

    async def run() -> None:
        async with Emulator() as emulator, call(emulator, SESSIONS["realtime"]):
            await none_open(emulator)

    asyncio.run(run())


def test_whatever_comes_puts_that_off(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, closed_s = 0.0, []
    coming = iter([lambda: connection.data_received(b"", 1), lambda: connection.check_incoming(None, None, None)])

    async def sleep(seconds: float) -> None:
        """Somebody speaks a second before its end."""
        nonlocal now_s
        now_s += seconds - 1
        next(coming, lambda: None)()
        now_s += 1

    async def close() -> None:
        closed_s.append(now_s)

    async def run() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now_s)
        silence = ice._Silence(connection)
        monkeypatch.setattr(asyncio, "sleep", sleep)
        await silence.ends()

    passed = SimpleNamespace(data_received=lambda *_: None, check_incoming=lambda *_: None, close=close)
    connection: Any = passed
    asyncio.run(run())
    assert closed_s == [3 * ice.MOST_SILENT_S - 2]


def test_the_beta_says_where_the_candidates_end() -> None:
    async def run() -> str:
        async with Emulator(date(2025, 4, 2)) as emulator, http(emulator) as client, peer() as made:
            token = await beta_token(client, emulator, "/realtime/sessions", {})
            headers = bearer(token, "application/sdp")
            answer = await client.post("/realtime", headers=headers, content=await made.offer())
            assert answer.status_code == 201, answer.text
            return answer.text

    assert "a=end-of-candidates\r\n" in asyncio.run(run())
