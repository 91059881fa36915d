"""Whole calls with a real client: the order of events, the hang-up, the faults of the connection, and nothing left open."""

from __future__ import annotations

import asyncio
import errno
import re
import subprocess
import sys
import threading
from datetime import date

import httpx
import pytest
from aiortc.rtcdtlstransport import SRTP_PROFILES
from OpenSSL import SSL

from rtdiag.api.endpoints import KINDS, Kind
from rtdiag.emulator import Emulator
from rtdiag.emulator.media import identity
from tests.emulator.clients import MODEL, SESSIONS, WAIT_S, bearer, beta_token, call, ga_token, http, peer

SDP = "application/sdp"


@pytest.mark.parametrize("kind", KINDS)
def test_created_comes_first_and_updates_follow(kind: Kind) -> None:
    async def run() -> None:
        async with Emulator() as emulator, call(emulator, SESSIONS[kind]) as made:
            created = await made.event()
            assert (created["type"], created["session"]["type"]) == ("session.created", kind)
            assert emulator.open_calls == 1
            wrong = await made.ask({"type": "session.update", "event_id": "mine", "session": {}})
            assert (wrong["error"]["param"], wrong["error"]["event_id"]) == ("session.type", "mine")
            detection = {"type": "semantic_vad", "eagerness": "low"}
            session = {"type": kind, "audio": {"input": {"turn_detection": detection}}}
            updated = await made.ask({"type": "session.update", "session": session})
            assert updated["type"] == "session.updated"
            assert detection.items() <= updated["session"]["audio"]["input"]["turn_detection"].items()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("as_of", "habits"),
    [
        (None, {"a=ice-lite", "a=setup:passive"}),
        (date(2026, 9, 28), {"a=ice-lite", "a=setup:active"}),
        (date(2026, 4, 26), {"a=setup:active"}),
    ],
)
def test_the_answer_has_the_habits_of_the_api_on_that_day(as_of: date | None, habits: set[str]) -> None:
    async def run() -> httpx.Response:
        async with Emulator(as_of=as_of) as emulator, http(emulator) as client, peer() as made:
            headers = bearer(await ga_token(client, emulator, SESSIONS["realtime" if as_of else "transcription"]), SDP)
            return await client.post("/realtime/calls", headers=headers, content=await made.offer())

    answer = asyncio.run(run())
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["location"].startswith("/v1/realtime/calls/rtc_")
    known = {"a=ice-lite", "a=setup:active", "a=setup:passive"}
    assert known & set(answer.text.split("\r\n")) == habits
    assert "a=end-of-candidates" not in answer.text


def test_the_key_sends_multipart_and_hangs_up() -> None:
    async def run() -> None:
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            parts = {
                "sdp": (None, await made.offer(), SDP),
                "session": (None, '{"type": "realtime", "model": "gpt-realtime-2.1"}', "application/json"),
            }
            answer = await client.post("/realtime/calls", headers=bearer(emulator.key), files=parts)
            assert answer.status_code == 201, answer.text
            await made.accept(answer.text)
            assert (await made.event())["session"]["model"] == "gpt-realtime-2.1"
            url = answer.headers["location"].removeprefix("/v1") + "/hangup"
            assert (await client.post(url, headers=bearer(emulator.key))).status_code == 200
            assert emulator.open_calls == 0
            assert (await client.post(url, headers=bearer(emulator.key))).status_code == 404
            await made.state("connectionState", {"closed"})

    asyncio.run(run())


def test_a_beta_call_speaks_beta() -> None:
    async def run() -> None:
        async with Emulator(date(2025, 4, 2)) as emulator, http(emulator) as client, peer() as made:
            token = await beta_token(client, emulator, "/realtime/transcription_sessions", {})
            url = "/realtime?intent=transcription"
            answer = await client.post(url, headers=bearer(token, SDP), content=await made.offer())
            await made.accept(answer.text)
            assert (await made.event())["type"] == "transcription_session.created"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "state", "wanted"),
    [("wrong-fingerprint", "connectionState", "failed"), ("no-candidates", "iceConnectionState", "checking")],
)
def test_faults_that_end_in_a_state(name: str, state: str, wanted: str) -> None:
    async def run() -> None:
        async with Emulator(faults=[name]) as emulator, call(emulator, SESSIONS["realtime"]) as made:
            assert await made.state(state, {wanted, "completed"}) == wanted

    asyncio.run(run())


def test_the_silent_port_is_in_the_answer_and_never_answers() -> None:
    async def run() -> None:
        async with Emulator(faults=["ice-blocked"]) as emulator, call(emulator, SESSIONS["realtime"]) as made:
            ports = set(re.findall(r"a=candidate:.* (\d+) typ host", made.answer_sdp))
            assert ports
            assert await made.state("iceConnectionState", {"checking", "completed"}) == "checking"

    asyncio.run(run())


def test_the_channel_that_never_opens_has_dtls_all_the_same() -> None:
    async def run() -> None:
        async with Emulator(faults=["channel-never-opens"]) as emulator, call(emulator, SESSIONS["realtime"]) as made:
            await made.state("connectionState", {"connected"})
            assert made.channel.readyState == "connecting"

    asyncio.run(run())


def test_an_error_may_come_in_the_place_of_created() -> None:
    async def run() -> None:
        async with Emulator(faults=["error-after-connect"]) as emulator, call(emulator, SESSIONS["realtime"]) as made:
            assert (await made.event())["error"]["code"] == "credit_balance_exhausted"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "status", "starts"),
    [
        ("sdp-empty-error", 400, "{"),
        ("sdp-server-error", 500, "{"),
        ("quota-exhausted-at-calls", 429, "{"),
        ("answer-is-json", 201, "{"),
        ("answer-truncated", 201, "v=0"),
        ("no-location", 201, "v=0"),
    ],
)
def test_faults_of_the_answer(name: str, status: int, starts: str) -> None:
    async def run() -> httpx.Response:
        async with Emulator(faults=[name]) as emulator, http(emulator) as client, peer() as made:
            headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), SDP)
            garbage = await client.post("/realtime/calls", headers=headers, content="x")
            assert garbage.json()["error"]["code"] == "invalid_offer"
            return await client.post("/realtime/calls", headers=headers, content=await made.offer())

    answer = asyncio.run(run())
    assert answer.status_code == status
    assert answer.text.startswith(starts)
    assert ("location" in answer.headers) == (status == 201 and name != "no-location")


def test_a_json_offer_is_taken_only_by_a_fault() -> None:
    async def run(*faults: str) -> int:
        async with Emulator(faults=faults) as emulator, http(emulator) as client, peer() as made:
            headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]))
            offer = {"type": "offer", "sdp": await made.offer()}
            return (await client.post("/realtime/calls", headers=headers, json=offer)).status_code

    assert asyncio.run(run()) == 400
    assert asyncio.run(run("json-offer-accepted")) == 201


@pytest.mark.parametrize("faults", [(), ("channel-never-opens",), ("ice-blocked",), ("no-candidates",), ("tcp-only",)])
def test_nothing_is_left_when_it_ends_before_the_client(faults: tuple[str, ...]) -> None:
    async def run() -> None:
        before = asyncio.all_tasks()
        async with Emulator(faults=faults) as emulator, http(emulator) as client, peer() as made:
            headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), SDP)
            await client.post("/realtime/calls", headers=headers, content=await made.offer())
            assert emulator.open_calls == 1
            # the client is gone without a word: it never took the answer
        assert emulator.open_calls == 0
        assert asyncio.all_tasks() == before

    threads = threading.active_count()
    asyncio.run(run())
    assert threading.active_count() == threads


def test_a_connected_call_ends_with_the_emulator() -> None:
    async def run() -> None:
        before = asyncio.all_tasks()
        async with peer() as made:
            async with Emulator() as emulator, http(emulator) as client:
                headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), SDP)
                answer = await client.post("/realtime/calls", headers=headers, content=await made.offer())
                await made.accept(answer.text)
                await made.event()
            assert emulator.open_calls == 0
            await made.state("connectionState", {"closed"})
        assert asyncio.all_tasks() == before

    asyncio.run(run())


def test_a_client_that_leaves_ends_its_call() -> None:
    async def run() -> None:
        async with Emulator() as emulator:
            async with call(emulator, SESSIONS["realtime"]) as made:
                await made.event()
            async with asyncio.timeout(WAIT_S):
                while emulator.open_calls:  # noqa: ASYNC110 - one turn of the loop at a time, no wait
                    await asyncio.sleep(0)

    asyncio.run(run())


def test_nothing_is_left_when_it_is_cancelled() -> None:
    async def stay(ready: asyncio.Event) -> None:
        async with Emulator() as emulator, call(emulator, SESSIONS["realtime"]) as made:
            await made.event()
            ready.set()
            await asyncio.Event().wait()

    async def run() -> None:
        before = asyncio.all_tasks()
        ready = asyncio.Event()
        task = asyncio.ensure_future(stay(ready))
        await ready.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == before

    asyncio.run(run())


def test_the_import_is_light() -> None:
    script = "import sys, rtdiag.emulator; print(sorted({'aiohttp', 'aiortc', 'av', 'yaml'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_port_that_is_taken_leaves_nothing() -> None:
    async def run() -> None:
        async with Emulator() as first:
            before = asyncio.all_tasks()
            second = Emulator(port=int(first.base_url.split(":")[2].removesuffix("/v1")))
            with pytest.raises(OSError, match=rf"Errno {errno.EADDRINUSE}\b"):
                await second.__aenter__()
            assert asyncio.all_tasks() == before

    asyncio.run(run())


def test_without_created_the_session_still_answers() -> None:
    async def run() -> None:
        async with Emulator(faults=["no-session-created"]) as emulator, call(emulator, SESSIONS["realtime"]) as made:
            opened = asyncio.Event()
            made.channel.on("open", opened.set)
            if made.channel.readyState != "open":
                await asyncio.wait_for(opened.wait(), WAIT_S)
            answer = await made.ask({"type": "session.update", "session": {"type": "realtime"}})
            assert answer["type"] == "session.updated"

    asyncio.run(run())


def test_all_calls_show_one_certificate_and_no_context_of_it_keeps_sessions() -> None:
    async def run() -> set[str]:
        async with Emulator() as emulator, http(emulator) as client, peer() as first, peer() as second:
            found = set()
            for made in (first, second):
                headers = bearer(emulator.key, SDP)
                answer = await client.post(f"/realtime/calls{MODEL}", headers=headers, content=await made.offer())
                found |= set(re.findall("a=fingerprint:.*", answer.text))
            return found

    assert len(asyncio.run(run())) == 1
    contexts = [identity.certificate()._create_ssl_context(list(SRTP_PROFILES)) for _ in range(2)]
    assert contexts[0] is contexts[1]
    assert contexts[0].get_session_cache_mode() == SSL.SESS_CACHE_OFF
