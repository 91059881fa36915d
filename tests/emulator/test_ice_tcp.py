"""ICE over TCP: a session over it alone, and who is not let in."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import date

import pytest
from aioice import stun

from rtdiag.emulator import Emulator
from rtdiag.emulator.media import over_tcp
from rtdiag.transport.audio import Encoded, Voice, track
from tests.emulator.clients import SESSIONS, WAIT_S, Peer, bearer, call, ga_token, http, peer, until
from tests.emulator.over_tcp import CANDIDATE, bridged, door, framed, read_frame
from tests.emulator.test_ice import binding, credentials, places
from tests.emulator.test_load import none_open

CLEAR = {"type": "input_audio_buffer.clear"}


@asynccontextmanager
async def asked(emulator: Emulator) -> AsyncIterator[Peer]:
    """A peer whose offer has been answered, and which has done nothing yet."""
    async with http(emulator) as client, peer(track(Voice(Encoded(b""), lambda: 0.0))) as made:
        headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), "application/sdp")
        answer = await client.post("/realtime/calls", headers=headers, content=await made.offer())
        made.answer_sdp = answer.text
        yield made


@pytest.mark.parametrize("as_of", [None, date(2026, 1, 25)], ids=["lite", "full"])
@pytest.mark.parametrize("fault", ["tcp-only", "udp-silent-tcp-works"])
def test_a_session_opens_over_tcp_alone_and_is_heard(fault: str, as_of: date | None) -> None:
    async def run() -> None:
        async with (
            Emulator(as_of, faults=[fault], pace=0) as emulator,
            asked(emulator) as made,
            bridged(made.answer_sdp) as (answer, _),
        ):
            await made.accept(answer)
            assert (await made.event())["type"] == "session.created"
            made.channel.send('{"type": "response.create"}')
            await until(made, "output_audio_buffer.started")
            await asyncio.wait_for(made.pc.getReceivers()[0].track.recv(), WAIT_S)
            await made.pc.close()
            await none_open(emulator)

    asyncio.run(run())


def test_a_call_outlives_a_connection_that_is_cut_and_takes_the_next() -> None:
    async def run() -> None:
        async with Emulator() as emulator, asked(emulator) as made, bridged(made.answer_sdp) as (answer, writer):
            place = door(made.answer_sdp)
            await made.accept(answer)
            assert (await made.event())["type"] == "session.created"
            writer.transport.abort()
            reader, again = await asyncio.open_connection(*place)
            again.write(framed(bytes(binding(*credentials(made)))))
            assert await asyncio.wait_for(read_frame(reader), WAIT_S)
            assert emulator.open_calls == 1
            again.close()

    asyncio.run(run())


def test_the_candidate_stands_below_udp_and_only_since_it_is_known() -> None:
    async def run(as_of: date | None) -> str:
        async with Emulator(as_of) as emulator, call(emulator, SESSIONS["realtime"]) as made:
            await made.event()
            return made.answer_sdp

    answer = asyncio.run(run(None))
    kinds = [line.split()[2:4] for line in answer.splitlines() if "candidate:" in line]
    assert kinds == [["udp", "2130706431"], ["tcp", "1671430143"]] * (len(kinds) // 2)
    assert not CANDIDATE.search(asyncio.run(run(date(2025, 9, 22))))


async def ended(place: tuple[str, int], *said: bytes) -> bool:
    """Whether who says that is put out without a word."""
    reader, writer = await asyncio.open_connection(*place)
    try:
        writer.writelines(said)
        return await asyncio.wait_for(reader.read(), WAIT_S) == b""
    except ConnectionError:
        return True
    finally:
        writer.close()


def test_who_names_no_call_is_put_out() -> None:
    async def run() -> None:
        async with Emulator() as emulator, asked(emulator) as made:
            place, (_, password) = door(made.answer_sdp), credentials(made)
            for first in (
                bytes(binding("nobody:nowhere", password)),
                bytes(binding()),
                b"GET / HTTP/1.1\r\n",
                b"",
                b"\0" * 20,
            ):
                assert await ended(place, framed(first))
            assert await ended(place, b"\xff\xff")
            assert not emulator._running()._door.nameless  # type: ignore[union-attr]

    asyncio.run(run())


@pytest.mark.parametrize("over", ["udp", "tcp"])
def test_what_is_half_a_request_is_passed_over_in_silence(over: str) -> None:
    """aioice breaks on an attribute that is shorter than its kind, and asyncio prints that."""

    async def run() -> list[object]:
        broken: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
        async with Emulator() as emulator, asked(emulator) as made:
            known = bytes(binding(*credentials(made)))
            short = known[:2] + b"\0\x04" + known[4:20] + b"\0\x24\0\0"  # a PRIORITY of no bytes
            if over == "tcp":
                reader, writer = await asyncio.open_connection(*door(made.answer_sdp))
                writer.write(framed(known) + framed(short) + framed(known))
                for _ in range(2):
                    await asyncio.wait_for(read_frame(reader), WAIT_S)
                writer.close()
            else:
                with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as client:
                    client.setblocking(False)
                    for datagram in (short, known):
                        client.sendto(datagram, places(made)[0])
                    await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 2048), WAIT_S)
        return broken

    assert asyncio.run(run()) == []


def test_who_says_nothing_is_put_out_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_tcp, "NAMED_WITHIN_S", 0)

    async def run() -> None:
        async with Emulator() as emulator, asked(emulator) as made:
            assert await ended(door(made.answer_sdp), b"\0")

    asyncio.run(run())


@pytest.mark.parametrize(("most", "names"), [("MOST_NAMELESS", False), ("MOST_OF_A_CALL", True)])
def test_no_more_than_so_many_are_let_in(most: str, names: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_tcp, most, 2)

    async def run() -> None:
        async with Emulator() as emulator, asked(emulator) as made:
            place = door(made.answer_sdp)
            check = framed(bytes(binding(*credentials(made))))
            waiting = [await asyncio.open_connection(*place) for _ in range(2)]
            for reader, writer in waiting if names else ():
                writer.write(check)
                assert await asyncio.wait_for(read_frame(reader), WAIT_S)
            assert await ended(place, check if names else b"")
            for _, writer in waiting:
                writer.close()

    asyncio.run(run())


def test_a_frame_may_come_in_pieces_and_a_stranger_gets_no_answer() -> None:
    async def run() -> None:
        async with Emulator() as emulator, asked(emulator) as made:
            username, password = credentials(made)
            reader, writer = await asyncio.open_connection(*door(made.answer_sdp))
            known = binding(username, password)
            for byte in framed(bytes(binding(username, b"wrong"))) + framed(bytes(known)):
                writer.write(bytes([byte]))
                await writer.drain()
            answer = stun.parse_message(await asyncio.wait_for(read_frame(reader), WAIT_S))
            assert (answer.message_class, answer.transaction_id) == (stun.Class.RESPONSE, known.transaction_id)
            writer.close()

    asyncio.run(run())
