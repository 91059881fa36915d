"""What the answers to an offer, to hang-ups and at a mint carry, as recorded; and the ids of calls.

Source: pydantic-ai's cassettes test_webrtc_sideband_text_turn (2026-07-22), test_agent_create_client_secret (2026-07-24) and
test_webrtc_hang_up_ends_the_call (2026-09-29).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from rtdiag.emulator import Emulator
from tests.emulator.clients import SESSIONS, bearer, http, peer

Json = dict[str, Any]

RECORDED = Path(__file__).parents[3] / "shared" / "recordings" / "openai-ga"
SIGNED = {"openai-version", "openai-processing-ms"}
# Of the edge, of HTTP itself, and what the recorder drops.
NOT_COMPARED = {"alt-svc", "strict-transport-security", "connection", "transfer-encoding", "content-length"}
DROPPED = {"date", "server", "openai-organization", "x-request-id"}
DAY = date(2026, 9, 29)


def of_a_call(as_of: date | None, **headers: str) -> tuple[list[httpx.Response], str]:
    """The answers to an offer, to its hang-up and to a second one, and the id of the call's session."""

    async def run() -> tuple[list[httpx.Response], str]:
        async with Emulator(as_of) as emulator, http(emulator) as client, peer() as made:
            client.headers.update(bearer(emulator.key) | headers)
            parts = {
                "sdp": (None, await made.offer()),
                "session": (None, '{"type": "realtime", "model": "gpt-realtime"}'),
            }
            offered = await client.post("/realtime/calls", files=parts)
            assert offered.status_code == 201, offered.text
            session = emulator.session(offered.headers["location"].rpartition("/")[2]).id
            path = offered.headers["location"].removeprefix("/v1") + "/hangup"
            return [offered, await client.post(path), await client.post(path)], session

    return asyncio.run(run())


def of_a_mint() -> httpx.Response:
    async def run() -> httpx.Response:
        async with Emulator(DAY) as emulator, http(emulator) as client:
            body = {"session": SESSIONS["realtime"]}
            return await client.post("/realtime/client_secrets", headers=bearer(emulator.key), json=body)

    return asyncio.run(run())


def shown(answer: httpx.Response) -> set[tuple[str, str]]:
    """The headers that are compared, the values of those whose value is the same each time."""
    told = {"location": "", "openai-processing-ms": ""}
    pairs = ((name.lower(), value) for name, value in answer.headers.multi_items())
    return {(name, told.get(name, value)) for name, value in pairs if name not in NOT_COMPARED | DROPPED}


def recorded(exchange: Json) -> set[tuple[str, str]]:
    headers = exchange["response"]["headers"]
    lines = [
        (name, line) for name, value in headers.items() for line in (value if isinstance(value, list) else [value])
    ]
    return shown(httpx.Response(200, headers=lines))


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings do not lie beside this checkout")
@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("ws__webrtc_hang_up_ends_the_call", lambda: of_a_call(DAY)[0]),
        ("webrtc__agent_create_client_secret", lambda: [of_a_mint()]),
    ],
)
def test_the_headers_are_those_recorded(name: str, answers: Callable[[], list[httpx.Response]]) -> None:
    exchanges = yaml.safe_load((RECORDED / f"{name}.yaml").read_text(encoding="utf-8"))["exchanges"]
    assert [shown(answer) for answer in answers()] == [recorded(exchange) for exchange in exchanges]


def test_an_answer_to_an_offer_may_be_read_and_timed_by_any_page() -> None:
    (offered, *hung_up), _ = of_a_call(None)
    assert offered.headers["access-control-allow-origin"] == offered.headers["timing-allow-origin"] == "*"
    assert offered.headers.get_list("access-control-expose-headers") == ["Location, X-Request-Id", "CF-Ray"]
    assert offered.headers["content-type"] == "text/plain; charset=utf-8"
    for answer in hung_up:
        assert not {"access-control-allow-origin", "timing-allow-origin"} & answer.headers.keys()
        assert answer.headers.get_list("access-control-expose-headers") == ["CF-Ray"]


def test_a_page_may_read_what_came_of_its_hang_up() -> None:
    (_, *hung_up), _ = of_a_call(None, Origin="https://app.example")
    assert [answer.headers["access-control-allow-origin"] for answer in hung_up] == ["*", "*"]


def test_only_a_mint_is_signed_with_a_version() -> None:
    answers, _ = of_a_call(None)
    assert not any(SIGNED & answer.headers.keys() for answer in answers)
    assert of_a_mint().headers.keys() >= SIGNED


def test_a_hang_up_is_empty_and_a_second_finds_no_session() -> None:
    (_, first, second), _ = of_a_call(None)
    assert (first.status_code, first.content) == (200, b"")
    assert "content-type" not in first.headers
    error = {"type": "invalid_request_error", "code": "call_id_not_found", "param": ""}
    assert second.status_code == 404
    assert second.json() == {"error": {"message": "No session found for the provided call_id", **error}}


@pytest.mark.parametrize(("as_of", "letters"), [(date(2026, 9, 28), 21), (DAY, 32), (None, 32)])
def test_a_call_and_its_session_have_one_id(as_of: date | None, letters: int) -> None:
    (offered, *_), session = of_a_call(as_of)
    call = offered.headers["location"].rpartition("/")[2]
    assert re.fullmatch(rf"rtc_u[012]_[A-Za-z0-9]{{{letters}}}", call)
    assert session == call.replace("rtc_", "sess_")
