"""Calls by telephone: they ring when a test says so, and what becomes of them by accept, reject, refer and hang-up."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from rtdiag.emulator import Emulator, running
from tests.clients.event_types import held
from tests.emulator.clients import SESSIONS, WAIT_S, bearer, call, http, until, wire

Json = dict[str, Any]
ACCEPTED = {"type": "realtime", "model": "gpt-realtime", "instructions": "Say hello.", "output_modalities": ["text"]}
FROM = ("From", "sip:+14155550123@example.com")


def misfits(webhook: object) -> list[str]:
    """What the package's class of a webhook does not allow in that one."""
    from openai.types.webhooks import RealtimeCallIncomingWebhookEvent

    return held(RealtimeCallIncomingWebhookEvent, webhook)


async def post(
    emulator: Emulator, call_id: str, what: str, body: object = None, key: str | None = None
) -> httpx.Response:
    async with http(emulator) as client:
        headers = bearer(emulator.key if key is None else key)
        return await client.post(f"/realtime/calls/{call_id}/{what}", headers=headers, json=body)


def test_an_accepted_call_is_a_session_that_a_sideband_joins() -> None:
    async def run() -> None:
        async with Emulator() as emulator:
            ringing = emulator.incoming_call([FROM])
            assert (ringing.state, emulator.open_calls) == ("ringing", 0)
            answer = await post(emulator, ringing.call_id, "accept", ACCEPTED)
            assert (answer.status_code, answer.content) == (200, b"")
            assert (ringing.state, emulator.open_calls) == ("accepted", 1)
            async with wire(emulator, f"?call_id={ringing.call_id}") as made:
                updated = await made.ask({"type": "session.update", "session": {"type": "realtime"}})
                assert updated["session"]["id"] == ringing.call_id.replace("rtc", "sess")
                assert updated["session"]["instructions"] == "Say hello."
                await made.send({"type": "response.create"})
                assert (await until(made, "response.done"))[-1]["response"]["status"] == "completed"
                assert (await post(emulator, ringing.call_id, "hangup")).status_code == 200
                _, code, _ = await made.end()
                assert code == 1000
            assert (ringing.state, emulator.open_calls) == ("ended", 0)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("before", "what", "body", "state", "told"),
    [
        ((), "reject", None, "rejected", 603),
        ((), "reject", {}, "rejected", 603),
        ((), "reject", {"status_code": 486}, "rejected", 486),
        (("accept",), "refer", {"target_uri": "tel:+14155550123"}, "referred", "tel:+14155550123"),
        (("accept",), "hangup", None, "ended", None),
        ((), "hangup", None, "ended", None),
    ],
)
def test_how_a_call_ends(before: tuple[str, ...], what: str, body: object, state: str, told: object) -> None:
    async def run() -> None:
        async with Emulator() as emulator:
            ringing = emulator.incoming_call()
            for one in before:
                assert (await post(emulator, ringing.call_id, one, ACCEPTED)).status_code == 200
            answer = await post(emulator, ringing.call_id, what, body)
            assert (answer.status_code, answer.content) == (200, b"")
            assert (ringing.state, ringing.told, emulator.open_calls) == (state, told, 0)
            for again in ("accept", "reject", "refer", "hangup"):
                assert (await post(emulator, ringing.call_id, again, ACCEPTED)).status_code == 404

    asyncio.run(run())


@pytest.mark.parametrize("what", ["accept", "reject", "refer", "hangup"])
def test_a_call_that_is_not_there(what: str) -> None:
    async def run() -> httpx.Response:
        async with Emulator() as emulator:
            return await post(emulator, "rtc_u1_nobody", what, {})

    answer = asyncio.run(run())
    assert answer.status_code == 404
    assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == ("call_id_not_found", "")


@pytest.mark.parametrize("what", ["accept", "reject", "refer"])
def test_a_call_over_webrtc_is_none_by_telephone(what: str) -> None:
    async def run() -> int:
        async with Emulator() as emulator, call(emulator, SESSIONS["realtime"]) as made:
            return (await post(emulator, made.call_id, what, ACCEPTED)).status_code

    assert asyncio.run(run()) == 404


@pytest.mark.parametrize("what", ["accept", "reject", "hangup"])
def test_only_the_key_decides(what: str) -> None:
    async def run() -> tuple[int, str]:
        async with Emulator() as emulator:
            ringing = emulator.incoming_call()
            return (await post(emulator, ringing.call_id, what, ACCEPTED, "sk-FAKE-wrong")).status_code, ringing.state

    assert asyncio.run(run()) == (401, "ringing")


@pytest.mark.parametrize(
    ("what", "body", "code", "param"),
    [
        ("accept", {}, "missing_required_parameter", "session.type"),
        ("accept", {"type": "transcription"}, "invalid_value", "session.type"),
        ("accept", {**ACCEPTED, "bogus": 1}, "unknown_parameter", "session.bogus"),
        ("accept", {**ACCEPTED, "model": "gpt-nope"}, "invalid_model", None),
        ("reject", {"status_code": "busy"}, "invalid_type", "status_code"),
        ("reject", {"status_code": 200}, "integer_below_min_value", "status_code"),
        ("reject", {"reason": "busy"}, "unknown_parameter", "reason"),
    ],
)
def test_what_is_refused_leaves_the_call_ringing(what: str, body: Json, code: str, param: str | None) -> None:
    async def run() -> tuple[httpx.Response, str]:
        async with Emulator() as emulator:
            ringing = emulator.incoming_call()
            return await post(emulator, ringing.call_id, what, body), ringing.state

    answer, state = asyncio.run(run())
    assert (answer.status_code, state) == (400, "ringing")
    assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == (code, param)


def test_a_referral_says_where_to() -> None:
    async def run() -> None:
        async with Emulator() as emulator:
            ringing = emulator.incoming_call()
            await post(emulator, ringing.call_id, "accept", ACCEPTED)
            answer = await post(emulator, ringing.call_id, "refer", {})
            assert answer.json()["error"]["param"] == "target_uri"
            assert ringing.state == "accepted"

    asyncio.run(run())


def test_a_call_that_is_open_ends_with_the_emulator() -> None:
    async def run() -> None:
        before = asyncio.all_tasks()
        async with Emulator() as emulator:
            ringing = emulator.incoming_call()
            await post(emulator, ringing.call_id, "accept", ACCEPTED)
        assert ringing.state == "ended"
        assert asyncio.all_tasks() == before

    asyncio.run(run())


def test_the_python_package_beside_code_that_does_not_await() -> None:
    from openai import NotFoundError, OpenAI

    with running() as emulator:
        ringing = emulator.incoming_call([FROM])
        assert misfits(ringing.webhook) == []
        with OpenAI(base_url=emulator.base_url, api_key=emulator.key, max_retries=0) as client:
            client.realtime.calls.accept(ringing.call_id, type="realtime", model="gpt-realtime")
            client.realtime.calls.refer(ringing.call_id, target_uri="sip:agent@example.com")
            with pytest.raises(NotFoundError, match="No session found for the provided call_id"):
                client.realtime.calls.hangup(ringing.call_id)
            other = emulator.incoming_call()
            client.realtime.calls.reject(other.call_id)
        assert (ringing.state, other.state, other.told) == ("referred", "rejected", 603)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"sip_headers": {"From": "sip:a@example.com"}}'])
def test_a_call_rings_over_the_control_port(content: bytes) -> None:
    with running(control_port=0) as emulator:
        url = str(emulator.control_url).replace("/faults", "/calls")
        told = httpx.post(url, content=content, trust_env=False, timeout=WAIT_S).json()
        assert misfits(told) == []
        headers = [{"name": "From", "value": "sip:a@example.com"}] if b"From" in content else []
        assert told["data"]["sip_headers"] == headers
        assert httpx.get(url, trust_env=False, timeout=WAIT_S).json() == {told["data"]["call_id"]: "ringing"}


@pytest.mark.parametrize(
    "content", [b"[]", b"{", b'{"headers": {}}', b'{"sip_headers": []}', b'{"sip_headers": {"a": 1}}']
)
def test_what_is_no_call_rings_nowhere(content: bytes) -> None:
    with running(control_port=0) as emulator:
        url = str(emulator.control_url).replace("/faults", "/calls")
        answer = httpx.post(url, content=content, trust_env=False, timeout=WAIT_S)
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("send nothing, or the headers of the INVITE")
        assert httpx.get(url, trust_env=False, timeout=WAIT_S).json() == {}
