"""The emulator over HTTP: credentials, mints, the dated routes, and the faults that answer in the API's place."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import httpx
import pytest

from rtdiag.api import keys
from rtdiag.api.endpoints import KINDS, Kind
from rtdiag.emulator import Emulator, Fault, load_faults
from rtdiag.emulator.bodies import Refused, http_answer, masked
from rtdiag.emulator.tokens import Tokens
from tests.emulator.clients import SESSIONS, WAIT_S, bearer, beta_token, ga_token, http, peer

THREAD_DAY = date(2025, 3, 21)
SDP = "application/sdp"
SILENCE_S = 0.2  # where nothing comes, and that is the point


def ask(
    method: str, path: str, as_of: date | None = None, faults: tuple[str, ...] = (), **request: Any
) -> httpx.Response:
    """One request to an emulator of its own; `key=True` sends the emulator's key."""

    async def run() -> httpx.Response:
        async with Emulator(as_of, faults) as emulator, http(emulator) as client:
            if request.pop("key", False):
                request["headers"] = bearer(emulator.key, request.pop("content_type", None))
            return await client.request(method, path, **request)

    return asyncio.run(run())


def code(answer: httpx.Response) -> object:
    return answer.json()["error"]["code"]


def test_the_thread_of_march_2025() -> None:
    async def run() -> tuple[str, httpx.Response]:
        async with Emulator(THREAD_DAY) as emulator, http(emulator) as client, peer() as made:
            token = await beta_token(client, emulator, "/realtime/transcription_sessions", {})
            url = "/realtime/transcription_sessions?model=gpt-4o-transcribe"
            return token, await client.post(url, headers=bearer(token, SDP), content=await made.offer())

    token, answer = asyncio.run(run())
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == http_answer(Refused("incorrect-api-key", credential=masked(token)))[1]
    assert f"provided: {token[:8]}{'*' * 23}{token[-4:]}. You can find" in answer.text


@pytest.mark.parametrize(("day", "status"), [(THREAD_DAY, 401), (date(2025, 3, 29), 201)])
def test_a_transcription_token_where_offers_go_in_spring_2025(day: date, status: int) -> None:
    async def run() -> httpx.Response:
        async with Emulator(day) as emulator, http(emulator) as client, peer() as made:
            token = await beta_token(client, emulator, "/realtime/transcription_sessions", {})
            return await client.post("/realtime", headers=bearer(token, SDP), content=await made.offer())

    assert asyncio.run(run()).status_code == status


@pytest.mark.parametrize(("day", "status"), [(date(2025, 3, 30), 400), (date(2025, 4, 2), 200)])
def test_semantic_vad_at_the_transcription_mint(day: date, status: int) -> None:
    body = {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}
    assert ask("POST", "/realtime/transcription_sessions", day, key=True, json=body).status_code == status


@pytest.mark.parametrize(
    ("day", "path", "status", "wanted"),
    [
        (date(2025, 3, 19), "/realtime/transcription_sessions", 404, None),
        (date(2025, 8, 27), "/realtime/client_secrets", 404, None),
        (date(2025, 8, 28), "/realtime/client_secrets", 200, None),
        (date(2026, 5, 12), "/realtime/sessions", 404, None),
        (date(2026, 5, 12), "/realtime/transcription_sessions", 404, None),
        (date(2026, 5, 12), "/realtime?model=gpt-realtime", 400, "beta_api_shape_disabled"),
        (date(2026, 5, 12), "/realtime?intent=transcription", 400, "beta_api_shape_disabled"),
    ],
)
def test_routes_come_and_go(day: date, path: str, status: int, wanted: str | None) -> None:
    answer = ask("POST", path, day, key=True, json={})
    assert answer.status_code == status
    if status != 200:
        assert code(answer) == wanted


def test_unknown_urls_and_methods() -> None:
    answer = ask("POST", "/realtime/nope", key=True)
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Invalid URL (POST /v1/realtime/nope)")
    assert ask("GET", "/realtime/calls", key=True).status_code == 405


@pytest.mark.parametrize("path", ["/realtime/calls", "/realtime/client_secrets", "/realtime?model=gpt-realtime"])
def test_the_credential_comes_before_the_body(path: str) -> None:
    made_up = ask("POST", path, headers=bearer(keys.MADE_UP_KEY, "text/plain"), content="garbage")
    assert (made_up.status_code, code(made_up)) == (401, "invalid_api_key")
    none = ask("POST", path, content="garbage")
    assert none.json()["error"]["message"] == "Missing bearer or basic authentication in header"


def test_a_token_is_no_key() -> None:
    async def run() -> list[httpx.Response]:
        async with Emulator() as emulator, http(emulator) as client:
            headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]))
            mint = await client.post("/realtime/client_secrets", headers=headers, json={})
            return [mint, await client.get("/models", headers=headers)]

    assert [code(answer) for answer in asyncio.run(run())] == ["invalid_api_key"] * 2


def test_the_models_of_the_day() -> None:
    now = {m["id"]: m for m in ask("GET", "/models", key=True).json()["data"]}
    assert now["gpt-realtime"]["shutdown_date"] == "2027-01-20"
    assert "shutdown_date" not in now["gpt-realtime-2.1"]
    then = {m["id"] for m in ask("GET", "/models", THREAD_DAY, key=True).json()["data"]}
    assert "gpt-4o-realtime-preview" in then
    assert "gpt-realtime" not in then


def test_every_answer_is_signed() -> None:
    headers = ask("GET", "/models", key=True).headers
    assert headers["openai-version"] == "2020-10-01"
    assert headers["x-request-id"].startswith("req_")
    assert {"date", "openai-processing-ms", "openai-organization"} <= headers.keys()


@pytest.mark.parametrize(
    ("body", "wanted", "param"),
    [
        ({"expires_after": {"seconds": 5}}, "integer_below_min_value", "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, "integer_above_max_value", "expires_after.seconds"),
        ({"session": {}}, "missing_required_parameter", "session.type"),
        ({"session": {"type": "realtime", "bogus": 1}}, "unknown_parameter", "session.bogus"),
        (
            {"session": {"type": "realtime", "audio": {"input": {"format": "pcm16"}}}},
            "invalid_type",
            "session.audio.input.format",
        ),
    ],
)
def test_what_the_mint_refuses(body: dict[str, Any], wanted: str, param: str) -> None:
    error = ask("POST", "/realtime/client_secrets", key=True, json=body).json()["error"]
    assert (error["code"], error["param"]) == (wanted, param)


def test_the_beta_mint_names_fields_without_the_session() -> None:
    body = {"model": "gpt-4o-realtime-preview", "client_secret": {"expires_at": {"seconds": 60}}}
    error = ask("POST", "/realtime/sessions", date(2025, 6, 11), key=True, json=body).json()["error"]
    assert error["message"] == "Unknown parameter: 'client_secret.expires_at'."


def test_dialects_do_not_mix() -> None:
    async def run() -> list[httpx.Response]:
        async with Emulator(date(2025, 9, 1)) as emulator, http(emulator) as client:
            ga = await ga_token(client, emulator, SESSIONS["realtime"])
            beta = await beta_token(client, emulator, "/realtime/sessions", {})
            on_beta = await client.post("/realtime?model=gpt-realtime", headers=bearer(ga, SDP), content="v=0")
            return [on_beta, await client.post("/realtime/calls", headers=bearer(beta, SDP), content="v=0")]

    assert [(a.status_code, code(a)) for a in asyncio.run(run())] == [(400, "api_version_mismatch")] * 2


@pytest.mark.parametrize(
    ("content_type", "content", "wanted"),
    [
        (SDP, "garbage", "Invalid SDP offer. Please try again with a WHIP-compliant offer."),
        (SDP, "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", "Invalid SDP offer. Please try"),
        (SDP, "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", "Invalid SDP offer. Please try"),
        (SDP, "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111", "Failed to parse offer: failed to unmarshal SDP: EOF"),
        ("application/json", "{}", "Unsupported content type. "),
    ],
)
def test_offers_that_are_refused(content_type: str, content: str, wanted: str) -> None:
    url = "/realtime/calls?model=gpt-realtime"
    answer = ask("POST", url, key=True, content_type=content_type, content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(wanted)


def test_the_beta_compares_the_whole_content_type() -> None:
    url, content_type = "/realtime?model=gpt-4o-realtime-preview", "application/sdp; charset=utf-8"
    answer = ask("POST", url, THREAD_DAY, key=True, content_type=content_type, content="v=0")
    assert code(answer) == "unsupported_content_type"


def test_a_transcription_model_for_a_conversation_gets_the_empty_error() -> None:
    async def run() -> httpx.Response:
        async with Emulator(date(2025, 8, 4)) as emulator, http(emulator) as client, peer() as made:
            token = await beta_token(client, emulator, "/realtime/transcription_sessions", {})
            url = "/realtime?model=gpt-4o-mini-transcribe"
            return await client.post(url, headers=bearer(token, SDP), content=await made.offer())

    answer = asyncio.run(run())
    assert answer.status_code == 400
    assert answer.json() == {"error": {"message": "", "type": "", "code": "", "param": ""}}


def test_a_token_ends_by_the_clock() -> None:
    now = [1000.0]
    tokens = Tokens(lambda: now[0])
    token = tokens.mint("realtime", "ga", {}, 10)
    assert token.expires_at == 1010
    assert not tokens.expired(token)
    now[0] = 1010
    assert tokens.expired(token)
    assert tokens.find(token.value) is token
    assert tokens.find("ek_other") is None


def answers(fault: Fault) -> bool:
    """Whether the fault answers at all, at the API itself; those of other servers: test_profiles.py."""
    return not fault.profiles and fault.answer is not None and not fault.answer.breaks and not fault.answer.delay_s


@pytest.mark.parametrize("name", [f.id for f in load_faults().values() if f.when and answers(f)])
def test_every_fault_of_http_answers_what_it_says(name: str) -> None:
    fault = load_faults()[name]
    assert fault.when
    assert fault.answer
    method = fault.when.method.replace("*", "GET" if fault.when.path[0] in ("*", "/models") else "POST")
    path = "/models" if fault.when.path[0] == "*" else fault.when.path[0].replace("*", "x")
    content_type = fault.when.content_type.replace("*", "") or "application/json"
    by_token = "ephemeral" in fault.when.credential
    page = {"Origin": "https://app.example"} if fault.when.from_pages else {}

    async def run() -> httpx.Response:
        async with Emulator(faults=[name]) as emulator, http(emulator) as client:
            credential = await ga_token(client, emulator, SESSIONS["realtime"]) if by_token else emulator.key
            return await client.request(method, path, headers=bearer(credential, content_type) | page, content=b"{}")

    answer = asyncio.run(run())
    assert answer.status_code == fault.answer.status
    assert ("x-request-id" in answer.headers) == (fault.answer.text is None)


@pytest.mark.parametrize(
    "fault", [f for f in load_faults().values() if f.when and not f.profiles and not answers(f)], ids=lambda f: f.id
)
def test_a_fault_that_answers_nothing_leaves_the_client_without_an_answer(fault: Fault) -> None:
    assert fault.when
    assert fault.answer
    path = "/realtime" if "/realtime" in fault.when.path else "/models"
    waits = httpx.Timeout(WAIT_S, read=SILENCE_S if fault.answer.delay_s else WAIT_S)

    async def run() -> None:
        async with Emulator(faults=[fault.id]) as emulator, http(emulator) as client:
            await client.get(path, headers=bearer(emulator.key), timeout=waits)

    with pytest.raises(httpx.ReadTimeout if fault.answer.delay_s else (httpx.RemoteProtocolError, httpx.ReadError)):
        asyncio.run(run())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("token-born-expired", 401, 401),
        ("token-used-by-any-request", 400, 401),
        ("token-refused", 401, 401),
        ("token-shape-odd", 400, 400),
    ],
)
def test_faults_of_the_token(kind: Kind, name: str, first: int, second: int) -> None:
    async def run() -> list[int]:
        async with Emulator(faults=[name]) as emulator, http(emulator) as client:
            headers = bearer(await ga_token(client, emulator, SESSIONS[kind]), SDP)
            return [(await client.post("/realtime/calls", headers=headers, content="x")).status_code for _ in range(2)]

    assert asyncio.run(run()) == [first, second]


def test_made_up_credentials_pass_only_by_a_fault() -> None:
    request: dict[str, Any] = {"headers": bearer(keys.MADE_UP_TOKEN, SDP), "content": "x"}
    assert ask("POST", "/realtime/calls", **request).status_code == 401
    for name in ("made-up-token-accepted", "no-auth-needed"):
        assert code(ask("POST", "/realtime/calls", faults=(name,), **request)) == "invalid_offer"
    assert ask("GET", "/models", faults=("no-auth-needed",)).status_code == 200


def test_faults_of_the_models_list() -> None:
    def listed(name: str) -> dict[str, Any]:
        return {m["id"]: m for m in ask("GET", "/models", faults=(name,), key=True).json()["data"]}

    assert listed("model-shut-down")["gpt-realtime-2.1"]["shutdown_date"] == "2026-01-01"
    assert listed("model-ends-soon")["gpt-transcribe"]["shutdown_date"] == "2026-12-13"
    assert not {"gpt-realtime-2.1", "gpt-transcribe"} & listed("model-not-listed").keys()
