"""Where an offer goes: what POST /realtime/calls takes and refuses, what the beta's URL says, what a page may ask."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from rtdiag.api.endpoints import Kind
from tests.contract.clients import (
    CALLS,
    MADE_UP_KEY,
    MADE_UP_TOKEN,
    MODEL,
    REALTIME,
    TRANSCRIPTION,
    Api,
    Json,
    ask,
    error_of,
    hang_up,
    offer,
    offered,
    token,
)
from tests.emulator.clients import peer

ORIGIN = "https://page.example"
INVALID_OFFER = {
    "message": "Invalid SDP offer. Please try again with a WHIP-compliant offer.",
    "type": "invalid_request_error",
    "param": None,
    "code": "invalid_offer",
}


def parts(offer_sdp: str, session: str) -> dict[str, tuple[None, str, str]]:
    """The two parts of the unified interface."""
    return {"sdp": (None, offer_sdp, "application/sdp"), "session": (None, session, "application/json")}


def test_what_is_no_offer_is_refused_word_for_word(api: Api) -> None:
    """record 57945624825 (2026-05-13), espressif/esp-webrtc-solution#17 (2025-02)."""
    answer = offered(api, token(api, REALTIME), "garbage")
    assert (answer.status_code, error_of(answer)) == (400, INVALID_OFFER)


def test_an_offer_without_audio_is_refused(api: Api) -> None:
    """record 57978690424; community.openai.com 1082561 (2025-01)."""

    async def silent() -> str:
        from aiortc import RTCConfiguration, RTCPeerConnection

        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        pc.createDataChannel("oai-events")
        await pc.setLocalDescription()
        sdp = pc.localDescription.sdp
        await pc.close()
        return str(sdp)

    answer = offered(api, token(api, REALTIME), asyncio.run(silent()))
    assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_offer")


def test_json_is_no_content_type_for_an_offer(api: Api) -> None:
    """record 61698167149 (2026-08-27)."""
    answer = ask(api, "POST", CALLS, json={"type": "offer", "sdp": asyncio.run(offer())})
    assert (answer.status_code, error_of(answer)["code"]) == (400, "unsupported_content_type")


@pytest.mark.parametrize("credential", [MADE_UP_KEY, MADE_UP_TOKEN, ""], ids=["key", "token", "none"])
def test_a_credential_that_nobody_issued_opens_no_call(api: Api, credential: str) -> None:
    """developers.openai.com/api/docs/guides/error-codes (2026); docs.litellm.ai/docs/proxy/realtime_webrtc (2026-10-08)."""
    assert offered(api, credential, asyncio.run(offer())).status_code == 401


def test_a_model_that_is_not_there_is_refused_with_the_offer(api: Api) -> None:
    """Public repo test of 2026-05, record 55341029689."""
    session = '{"type": "realtime", "model": "gpt-nope"}'
    answer = ask(api, "POST", CALLS, files=parts(asyncio.run(offer()), session))
    assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_model")


def test_a_transcription_model_holds_no_conversation(api: Api) -> None:
    """community.openai.com 1334200 (2025-08); which body comes today is not known."""
    session = '{"type": "realtime", "model": "gpt-4o-transcribe"}'
    assert ask(api, "POST", CALLS, files=parts(asyncio.run(offer()), session)).status_code == 400


@pytest.mark.parametrize("typed", [True, False], ids=["parts with content types", "parts as FormData sends strings"])
def test_the_key_sends_offer_and_session_in_one(api: Api, typed: bool) -> None:
    """openai-openapi @ f85dbe2 lines 16685-16721; bare strings: developers.openai.com/api/docs/guides/realtime-webrtc (2026)."""

    async def run() -> httpx.Response:
        async with peer() as made:
            form = parts(await made.offer(), f'{{"type": "realtime", "model": "{MODEL}"}}')
            bare = {name: (None, text) for name, (_, text, _) in form.items()}
            return ask(api, "POST", CALLS, files=form if typed else bare)

    answer = asyncio.run(run())
    assert answer.status_code == 201
    hang_up(api, answer)


def test_a_session_without_an_offer_is_refused(api: Api) -> None:
    """openai-openapi @ f85dbe2 line 49788: the part `sdp` is required."""
    form = {"session": (None, f'{{"type": "realtime", "model": "{MODEL}"}}', "application/json")}
    assert ask(api, "POST", CALLS, files=form).status_code == 400


@pytest.mark.parametrize(("kind", "session"), [("realtime", REALTIME), ("transcription", TRANSCRIPTION)])
def test_a_token_of_either_kind_sends_the_bare_offer(api: Api, kind: Kind, session: Json) -> None:
    """openai-openapi @ f85dbe2 lines 16709-16724; transcription: record 69520737504."""
    answer = offered(api, token(api, session), asyncio.run(offer()))
    assert (answer.status_code, answer.text[:3]) == (201, "v=0")
    hang_up(api, answer)


def test_a_call_is_hung_up_with_the_key(api: Api) -> None:
    """record 61698167149 (2026-08-27)."""
    answer = offered(api, token(api, REALTIME), asyncio.run(offer()))
    assert hang_up(api, answer).status_code == 200


def test_the_betas_url_says_that_the_beta_is_over(api: Api) -> None:
    """record 59828301012 (2026-07-08); the body as in TanStack/ai#586 (2026-05-12)."""
    answer = offered(api, api.key, asyncio.run(offer()), f"/realtime?model={MODEL}")
    assert (answer.status_code, error_of(answer)["code"]) == (400, "beta_api_shape_disabled")
    assert "Realtime Beta API is no longer supported" in error_of(answer)["message"]


def preflight(api: Api, *headers: str) -> httpx.Response:
    """What a browser asks before a page's POST with these headers."""
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join(headers),
    }
    return ask(api, "OPTIONS", CALLS, "", headers=asked)


def allowed(answer: httpx.Response) -> set[str]:
    """The header names of Access-Control-Allow-Headers."""
    return {name.strip().lower() for name in answer.headers.get("access-control-allow-headers", "").split(",")}


def test_a_page_may_post_an_offer(api: Api) -> None:
    """developers.openai.com/api/docs/guides/realtime-webrtc (2026): the page posts with Authorization and Content-Type."""
    answer = preflight(api, "authorization", "content-type")
    assert answer.is_success
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert {"authorization", "content-type"} <= allowed(answer)


def test_a_page_may_name_the_agents_sdk(api: Api) -> None:
    """@openai/agents-realtime 0.20.0 openaiRealtimeWebRtc.mjs:393 sends it from the page."""
    assert "x-openai-agents-sdk" in allowed(preflight(api, "authorization", "content-type", "x-openai-agents-sdk"))


def test_a_page_may_send_no_header_of_its_own(api: Api) -> None:
    """openclaw/openclaw#76435 (2026-05-03): `originator` is not allowed."""
    assert not {"originator", "*"} & allowed(preflight(api, "authorization", "originator"))


def test_a_page_may_read_where_its_call_is(api: Api) -> None:
    """@openai/agents-realtime 0.20.0 openaiRealtimeWebRtc.mjs:415 reads Location in the page."""
    answer = ask(api, "POST", CALLS, token(api, REALTIME), content="garbage", headers={"Origin": ORIGIN})
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed & {"location", "*"}
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
