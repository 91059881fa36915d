"""Whatever is asked, the answer is the API's: no request makes the emulator stumble, and none leaves anything behind."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator

import httpx
import pytest

from rtdiag.emulator import Emulator
from tests.emulator.clients import MODEL, SESSIONS, bearer, ga_token, http, peer, wire

SDP = "application/sdp"
JSON = "application/json"
FORM = "multipart/form-data; boundary=b"


def multipart(header: str) -> bytes:
    return (f'--b\r\nContent-Disposition: form-data; name="sdp"\r\n{header}\r\n\r\nv=0\r\n--b--\r\n').encode()


@pytest.mark.parametrize(
    ("path", "content_type", "content", "code"),
    [
        ("/realtime/client_secrets", JSON, b"[" * 200_000, None),
        ("/realtime/client_secrets", JSON, b'{"expires_after": {"seconds": NaN}}', None),
        ("/realtime/client_secrets", JSON, b'{"session": {"type": "realtime", "instructions": 1e999}}', None),
        ("/realtime/client_secrets", JSON, b'{"session": {"type": "realtime", "\\ud800": 1}}', "unknown_parameter"),
        ("/realtime/calls", FORM, multipart("Content-Type: text/plain; charset=bogus"), "invalid_offer"),
        ("/realtime/calls", FORM, multipart("Content-Transfer-Encoding: bogus"), "invalid_offer"),
        ("/realtime/calls", "multipart/form-data", b"--b", "invalid_offer"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(path: str, content_type: str, content: bytes, code: str | None) -> None:
    async def run() -> httpx.Response:
        async with Emulator() as emulator, http(emulator) as client:
            return await client.post(path, headers=bearer(emulator.key, content_type), content=content)

    answer = asyncio.run(run())
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


def test_a_lone_surrogate_comes_back_as_text() -> None:
    async def run() -> httpx.Response:
        async with Emulator() as emulator, http(emulator) as client:
            body = b'{"session": {"type": "realtime", "instructions": "\\ud800"}}'
            headers = bearer(emulator.key, JSON)
            return await client.post("/realtime/client_secrets", headers=headers, content=body)

    answer = asyncio.run(run())
    assert answer.status_code == 200
    assert answer.json()["session"]["instructions"] == "?"


def test_headers_of_twenty_thousand_bytes_are_taken() -> None:
    """64 KiB in all are allowed: developers.openai.com/api/reference/overview (2026-11)."""

    async def run() -> httpx.Response:
        async with Emulator() as emulator, http(emulator) as client:
            return await client.get("/models", headers=bearer(emulator.key) | {"X-Long": "x" * 20_000})

    assert asyncio.run(run()).status_code == 200


def changed(offer: str) -> Iterator[str]:
    """Offers with something wrong, or only unusual, at one place: bounded, and the same in every run."""
    yield re.sub(r"a=sendrecv\r\n|a=recvonly\r\n", "", offer)
    yield offer.replace("a=mid:0\r\n", "", 1)
    yield re.sub(r"a=mid:\S+", "a=mid:", offer, count=1)
    yield offer.replace("\r\n", "\n")
    lines = offer.splitlines(keepends=True)
    chance = random.Random(4)
    for _ in range(40):
        at = chance.randrange(1, len(lines))
        yield "".join(lines[:at] + lines[at + 1 :])
        yield "".join([*lines[:at], lines[at][: chance.randrange(len(lines[at]))] + "\r\n", *lines[at + 1 :]])


def test_no_offer_makes_it_stumble_and_nothing_is_left() -> None:
    async def run() -> tuple[list[int], int, set[asyncio.Task[object]]]:
        before = asyncio.all_tasks()
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            statuses = []
            for offer in changed(await made.offer()):
                headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), SDP)
                answer = await client.post("/realtime/calls", headers=headers, content=offer)
                statuses.append(answer.status_code)
                if answer.status_code == 400:
                    assert answer.json()["error"]["code"] == "invalid_offer"
            live = emulator.open_calls
        return statuses, live, asyncio.all_tasks() - before

    statuses, live, left = asyncio.run(run())
    assert set(statuses) == {201, 400}
    assert live == statuses.count(201)
    assert left == set()


@pytest.mark.parametrize("change", ["without directions", "with bare line feeds"])
def test_an_unusual_offer_connects(change: str) -> None:
    """No direction means sendrecv: RFC 8866 6.7. Line ends: RFC 8866 5 asks parsers to take a bare line feed."""

    async def run() -> str:
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            offer = await made.offer()
            odd = re.sub(r"a=(sendrecv|recvonly)\r\n", "", offer) if change == "without directions" else offer
            odd = odd.replace("\r\n", "\n") if change == "with bare line feeds" else odd
            token = await ga_token(client, emulator, SESSIONS["realtime"])
            answer = await client.post("/realtime/calls", headers=bearer(token, SDP), content=odd)
            assert answer.status_code == 201
            await made.accept(answer.text)
            return str((await made.event())["type"])

    assert asyncio.run(run()) == "session.created"


def update(**fields: object) -> dict[str, object]:
    return {"type": "session.update", "session": {"type": "realtime", **fields}}


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({"type": "response.create", "response": {"modalities": ["text"]}}, "unknown_parameter", "response.modalities"),
        ({"type": "response.create", "response": {"bogus": 1}}, "unknown_parameter", "response.bogus"),
        ({"type": "conversation.item.create", "item": {"type": "function_call", "bogus": 1}}, "unknown_parameter", "item.bogus"),
        ({"type": "conversation.item.create", "item": {"type": "poem"}}, "invalid_value", "item.type"),
        (update(max_output_tokens=99999), "integer_above_max_value", "session.max_output_tokens"),
        (update(max_output_tokens="many"), "invalid_type", "session.max_output_tokens"),
        (update(include=["bogus"]), "invalid_value", "session.include[0]"),
        (update(reasoning={"effort": "ultra"}), "invalid_value", "session.reasoning.effort"),
    ],
)  # fmt: skip
def test_fields_and_values_that_the_api_does_not_know(event: dict[str, object], code: str, param: str) -> None:
    async def run() -> dict[str, str]:
        async with Emulator() as emulator, wire(emulator, MODEL) as socket:
            await socket.event()
            error: dict[str, str] = (await socket.ask(event))["error"]
            return error

    error = asyncio.run(run())
    assert (error["code"], error["param"]) == (code, param)
