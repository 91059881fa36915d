"""What a page of another origin may ask and read. tests/browser asks a real browser the same."""

from __future__ import annotations

import asyncio
from datetime import date

import httpx
import pytest

from rtdiag.emulator import Emulator
from rtdiag.emulator.http.cors import NOBODYS
from tests.emulator.clients import MODEL, SESSIONS, bearer, ga_token, http, peer, wire

PAGE = {"Origin": "https://app.example"}
PREFLIGHT = {**PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
PATHS = ["/realtime/calls", "/realtime/client_secrets", "/realtime", "/models", "/realtime/nowhere"]


def asked(
    method: str, path: str, headers: dict[str, str], as_of: date | None = None, faults: tuple[str, ...] = ()
) -> httpx.Response:
    async def run() -> httpx.Response:
        async with Emulator(as_of, faults) as emulator, http(emulator) as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(run())


def listed(answer: httpx.Response, header: str) -> set[str]:
    return {name.strip().lower() for name in answer.headers[header].split(",")}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("as_of", [None, date(2024, 12, 17)])
def test_a_preflight_is_answered_without_a_credential(path: str, as_of: date | None) -> None:
    answer = asked("OPTIONS", path, PREFLIGHT, as_of)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"get", "post"} <= listed(answer, "access-control-allow-methods")
    assert int(answer.headers["access-control-max-age"]) > 0


def test_which_headers_a_page_may_send() -> None:
    unknown = {**PREFLIGHT, "Access-Control-Request-Headers": "authorization, originator"}
    answer = asked("OPTIONS", "/realtime/calls", unknown)
    assert answer.status_code == 200
    assert listed(answer, "access-control-allow-headers") == {
        "authorization",
        "content-type",
        "openai-beta",
        "openai-organization",
        "openai-project",
        "openai-safety-identifier",
        "x-client-request-id",
        "x-openai-agents-sdk",
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/models", 401), ("POST", "/realtime/calls", 401), ("GET", "/realtime", 405), ("POST", "/nowhere", 404)],
)
def test_a_page_may_read_a_refusal(method: str, path: str, status: int) -> None:
    answer = asked(method, path, PAGE)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"location", "x-request-id"} <= listed(answer, "access-control-expose-headers")


def test_a_page_may_read_where_its_call_is() -> None:
    async def run() -> httpx.Response:
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            token = await ga_token(client, emulator, SESSIONS["realtime"])
            headers = bearer(token, "application/sdp") | PAGE
            return await client.post("/realtime/calls", headers=headers, content=await made.offer())

    answer = asyncio.run(run())
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "location" in listed(answer, "access-control-expose-headers")
    assert "location" in answer.headers


def test_options_without_the_question_is_no_preflight() -> None:
    answer = asked("OPTIONS", "/realtime/calls", PAGE)
    assert answer.status_code == 405
    assert answer.json()["error"]["message"] == "Invalid method for URL (OPTIONS /v1/realtime/calls)"


@pytest.mark.parametrize("fault", ["key-revoked", "rate-limited", "country-unsupported"])
def test_the_api_answers_preflights_whatever_is_wrong(fault: str) -> None:
    answer = asked("OPTIONS", "/realtime/calls", PREFLIGHT, faults=(fault,))
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")


@pytest.mark.parametrize(("fault", "status"), [("gateway-html", 502), ("captive-portal", 200)])
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_a_gateway_lets_no_page_read(fault: str, status: int, method: str) -> None:
    answer = asked(method, "/models", PREFLIGHT, faults=(fault,))
    assert answer.status_code == status
    assert not {name for name in answer.headers if name.startswith("access-control-")}


@pytest.mark.parametrize(
    ("fault", "preflight", "refusal"),
    [
        ("browser-no-cors", None, None),
        ("browser-origin-not-listed", NOBODYS, NOBODYS),
        ("browser-cors-twice", "*, *", "*, *"),
        ("browser-cors-at-preflights", "*", None),
        ("browser-errors-hidden", "*", None),
    ],
)
def test_who_may_read_under_a_fault(fault: str, preflight: str | None, refusal: str | None) -> None:
    for answer, status, wanted in (
        (asked("OPTIONS", "/realtime/calls", PREFLIGHT, faults=(fault,)), 200, preflight),
        (asked("POST", "/realtime/calls", PAGE, faults=(fault,)), 401, refusal),
    ):
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (status, wanted)
        told = {name for name in answer.headers if name.startswith(("access-control-", "timing-allow-"))}
        assert bool(told) == (fault != "browser-no-cors")


def test_what_the_sdks_add_can_be_left_out_of_what_is_allowed() -> None:
    answer = asked("OPTIONS", "/realtime/calls", PREFLIGHT, faults=("browser-headers-refused",))
    assert listed(answer, "access-control-allow-headers") == {"authorization", "content-type"}


def test_a_location_can_be_there_and_hidden() -> None:
    answer = asked("GET", "/models", PAGE, faults=("browser-location-hidden",))
    assert listed(answer, "access-control-expose-headers") == {"x-request-id", "cf-ray"}


@pytest.mark.parametrize(
    ("fault", "status"),
    [("browser-preflight-refused", 401), ("browser-preflight-unknown", 405), ("browser-preflight-redirected", 302)],
)
def test_a_preflight_can_be_refused_where_a_request_is_not(fault: str, status: int) -> None:
    for method, wanted in (("OPTIONS", (status, None)), ("POST", (401, "*"))):
        answer = asked(method, "/realtime/calls", PREFLIGHT, faults=(fault,))
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == wanted


@pytest.mark.parametrize(("headers", "status"), [(PAGE, 403), ({}, 401)])
def test_who_names_an_origin_can_be_refused_for_it(headers: dict[str, str], status: int) -> None:
    assert asked("GET", "/models", headers, faults=("browser-origin-refused",)).status_code == status


def test_litellm_allows_whatever_a_page_names_and_exposes_no_location() -> None:
    """LiteLLM 1.108, tried 2026-11-30; so does its own list of headers, on an answer."""

    async def run() -> tuple[httpx.Response, httpx.Response]:
        async with Emulator(profile="litellm") as emulator, http(emulator) as client:
            named = PREFLIGHT | {"Access-Control-Request-Headers": "authorization,originator"}
            preflight = await client.options("/realtime/calls", headers=named)
            return preflight, await client.post("/realtime/calls", headers=PAGE)

    preflight, refused = asyncio.run(run())
    assert listed(preflight, "access-control-allow-headers") == {"authorization", "originator"}
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "*")
    assert "location" not in listed(refused, "access-control-expose-headers")


def test_a_server_that_lets_no_page_read_has_no_answer_to_a_preflight() -> None:
    """huggingface/speech-to-speech 1.1, tried 2026-11-30."""

    async def run() -> httpx.Response:
        async with Emulator(profile="compatible") as emulator, http(emulator) as client:
            return await client.options("/realtime/calls", headers=PREFLIGHT)

    answer = asyncio.run(run())
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert not {name for name in answer.headers if name.startswith("access-control-")}


def test_a_page_may_open_a_socket() -> None:
    async def run() -> str:
        async with Emulator() as emulator:
            offered = ["realtime", f"openai-insecure-api-key.{emulator.key}"]
            async with wire(emulator, MODEL, "", PAGE, offered) as made:
                return str((await made.event())["type"])

    assert asyncio.run(run()) == "session.created"
