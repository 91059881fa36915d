"""ICE as the API does it: silence for who has no credentials, and the candidates' end in the beta alone."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import date

from aioice import stun

from rtdiag.emulator import Emulator
from tests.emulator.clients import SESSIONS, WAIT_S, Peer, bearer, beta_token, call, http, peer

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


def test_the_beta_says_where_the_candidates_end() -> None:
    async def run() -> str:
        async with Emulator(date(2025, 4, 2)) as emulator, http(emulator) as client, peer() as made:
            token = await beta_token(client, emulator, "/realtime/sessions", {})
            headers = bearer(token, "application/sdp")
            answer = await client.post("/realtime", headers=headers, content=await made.offer())
            assert answer.status_code == 201, answer.text
            return answer.text

    assert "a=end-of-candidates\r\n" in asyncio.run(run())
