"""A call over WebRTC: the habits of the answer, and what opens the data channel."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from rtdiag.api.endpoints import Kind
from tests.contract.clients import REALTIME, TRANSCRIPTION, Api, Json, call, hang_up, offered, token


@pytest.fixture(scope="module")
def asked() -> str:
    """The offer that is answered, as in the capture: audio both ways, a channel, `setup:actpass`, opus by aiortc's number."""

    async def run() -> str:
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        pc.addTransceiver("audio", direction="sendrecv")
        pc.createDataChannel("oai-events")
        await pc.setLocalDescription()
        await pc.close()
        return str(pc.localDescription.sdp)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def answer(api: Api, asked: str) -> httpx.Response:
    """One answer, already hung up."""
    got = offered(api, token(api, REALTIME), asked)
    hang_up(api, got)
    return got


def candidates(answer: httpx.Response) -> set[tuple[str, str, str]]:
    """Protocol, port and type of each candidate."""
    found = re.findall(r"^a=candidate:\S+ 1 (\S+) \d+ \S+ (\d+) typ (\S+)", answer.text, re.MULTILINE)
    return {(protocol.lower(), port, kind) for protocol, port, kind in found}


def test_it_comes_as_text_plain(answer: httpx.Response) -> None:
    """record 61698167149 (2026-08-27), against the application/sdp of openai-openapi @ f85dbe2 line 16730."""
    assert answer.headers["content-type"].partition(";")[0] == "text/plain"


def test_it_says_where_the_call_is(answer: httpx.Response) -> None:
    """openai-openapi @ f85dbe2 line 16724; record 59828301012 (2026-07-08)."""
    assert re.fullmatch(r"/v1/realtime/calls/rtc_\w+", answer.headers["location"])


@pytest.mark.parametrize(
    "line",
    [
        "a=ice-lite",
        "a=setup:passive",  # since 2026-09-29; setup:active until August
        "a=group:BUNDLE 0 1",
        "a=rtcp-mux",
        "a=sendrecv",
        "a=sctp-port:5000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtcp-rsize",
        "a=max-message-size:1073741823",
    ],
)
def test_it_has_the_line(answer: httpx.Response, line: str) -> None:
    """Capture of 2026-04-27, record 52873890257: an answer to aiortc."""
    assert line in answer.text.splitlines()


def test_it_mirrors_the_payload_type_of_opus(answer: httpx.Response, asked: str) -> None:
    """Capture of 2026-04-27, record 52873890257: 96 to aiortc's 96, as 111 to Chrome's 111 in openai-openapi line 16749."""
    opus = re.findall(r"^a=rtpmap:\d+ opus/48000/2", asked, re.MULTILINE)
    assert opus
    assert re.findall(r"^a=rtpmap:\d+ opus/48000/2", answer.text, re.MULTILINE) == opus


def test_it_holds_all_its_candidates_and_does_not_say_so(answer: httpx.Response) -> None:
    """webrtchacks.com (2025-09-23) and the capture of 2026-04-27, record 52873890257."""
    assert {kind for _, _, kind in candidates(answer)} == {"host"}
    assert "a=end-of-candidates" not in answer.text


def test_each_candidate_names_the_fragment(answer: httpx.Response) -> None:
    """Capture of 2026-04-27, record 52873890257; openai-openapi @ f85dbe2 line 16749."""
    fragment = re.search(r"^a=ice-ufrag:(\S+)", answer.text, re.MULTILINE)
    lines = re.findall(r"^a=candidate:.*$", answer.text.replace("\r", ""), re.MULTILINE)
    assert fragment
    assert [line for line in lines if not line.endswith(f" ufrag {fragment[1]}")] == []


def test_an_old_form_of_the_channel_is_answered_in_the_new(api: Api, asked: str) -> None:
    """Capture of 2026-04-27, record 52873890257: `DTLS/SCTP 5000` with `a=sctpmap`."""
    old = asked.replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000")
    old = old.replace("a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 65535")
    assert "a=sctpmap" in old
    answer = offered(api, token(api, REALTIME), old)
    assert answer.status_code == 201
    hang_up(api, answer)
    assert re.search(r"^m=application \d+ UDP/DTLS/SCTP webrtc-datachannel", answer.text, re.MULTILINE)
    assert "a=sctp-port:5000\r\n" in answer.text
    assert "a=sctpmap" not in answer.text


@pytest.mark.emulator_cannot("its media takes free ports of this machine")
def test_its_candidates_are_udp_3478_and_tcp_443(answer: httpx.Response) -> None:
    """webrtchacks.com (2025-09-23) and the capture of 2026-04-27, record 52873890257."""
    assert candidates(answer) == {("udp", "3478", "host"), ("tcp", "443", "host")}


def test_it_names_its_audio_realtimeapi(answer: httpx.Response) -> None:
    """Capture of 2026-04-27, record 52873890257."""
    assert re.search(r"^a=ssrc:\d+ cname:realtimeapi", answer.text, re.MULTILINE)


def test_its_fingerprint_stands_above_the_media(answer: httpx.Response) -> None:
    """Capture of 2026-04-27, record 52873890257."""
    assert re.findall(r"^(?:a=fingerprint|m)", answer.text, re.MULTILINE) == ["a=fingerprint", "m", "m"]


@pytest.mark.parametrize(("kind", "session"), [("realtime", REALTIME), ("transcription", TRANSCRIPTION)])
def test_the_channel_opens_with_created(api: Api, kind: Kind, session: Json) -> None:
    """developers.openai.com/api/docs/guides/realtime-webrtc (2026); transcription: record 69520737504."""

    async def run() -> Json:
        async with call(api, session) as made:
            return await made.peer.event()

    created = asyncio.run(run())
    assert (created["type"], created["session"]["type"]) == ("session.created", kind)


def test_events_are_the_same_as_on_a_socket(api: Api) -> None:
    """developers.openai.com/api/docs/guides/realtime-webrtc (2026): one event schema for both."""

    async def run() -> tuple[Json, Json]:
        async with call(api, REALTIME) as made:
            await made.peer.event()
            session = {"type": "realtime", "audio": {"input": {"noise_reduction": {"type": "near_field"}}}}
            updated = await made.peer.ask({"type": "session.update", "session": session})
            return updated, await made.peer.ask({"type": "session.update", "event_id": "mine", "session": {}})

    updated, wrong = asyncio.run(run())
    assert updated["type"] == "session.updated"
    assert updated["session"]["audio"]["input"]["noise_reduction"]["type"] == "near_field"
    assert (wrong["error"]["param"], wrong["error"]["event_id"]) == ("session.type", "mine")


def test_a_call_that_is_hung_up_is_over(api: Api) -> None:
    """record 61698167149 (2026-08-27) for the 200; that the connection then ends: openai-openapi @ f85dbe2 line 16932."""

    async def run() -> int:
        async with call(api, REALTIME) as made:
            await made.peer.event()
            ended = hang_up(api, made.answer)
            await made.peer.state("connectionState", {"closed", "failed", "disconnected"})
            return ended.status_code

    assert asyncio.run(run()) == 200
