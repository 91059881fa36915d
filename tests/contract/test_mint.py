"""POST /realtime/client_secrets: what a mint takes, what it gives, whom it refuses."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.contract.clients import (
    CLIENT_SECRETS,
    MADE_UP_KEY,
    MODEL,
    REALTIME,
    TRANSCRIPTION,
    Api,
    Json,
    ask,
    error_of,
    minted,
)

CLOCK_S = 2  # between the token's clock and that of the `date` header


def life_s(answer: httpx.Response) -> float:
    """How long the token lives, by the server's own clock."""
    return float(answer.json()["expires_at"] - parsedate_to_datetime(answer.headers["date"]).timestamp())


@pytest.fixture(scope="module")
def realtime(api: Api) -> httpx.Response:
    """The answer to the mint of a realtime session, life 60 s."""
    return minted(api, REALTIME)


@pytest.fixture(scope="module")
def session(realtime: httpx.Response) -> Json:
    """The session that came with the secret."""
    found: Json = realtime.json()["session"]
    return found


def test_a_mint_answers_200_with_a_secret_its_end_and_its_session(realtime: httpx.Response) -> None:
    """openai-openapi @ f85dbe2 line 16971; openai 3.54.0 types/realtime/client_secret_create_response.py."""
    fields = set(realtime.json())  # outside of the assertion, which prints what it looks at
    assert (realtime.status_code, fields) == (200, {"value", "expires_at", "session"})


def test_a_secret_begins_with_ek(realtime: httpx.Response) -> None:
    """openai-openapi @ f85dbe2 line 17006."""
    prefix = realtime.json()["value"][:3]
    assert prefix == "ek_"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "realtime"),
        ("object", "realtime.session"),
        ("model", MODEL),
        ("output_modalities", ["audio"]),
        ("tools", []),
        ("tool_choice", "auto"),
        ("max_output_tokens", "inf"),
        ("tracing", None),
        ("truncation", "auto"),
        ("prompt", None),
        ("expires_at", 0),
        ("include", None),
    ],
)
def test_the_session_comes_back_whole(session: Json, name: str, value: object) -> None:
    """The published answer: openai-openapi @ f85dbe2 lines 51054-51104."""
    assert session[name] == value


def test_the_session_has_an_id(session: Json) -> None:
    """The published answer: openai-openapi @ f85dbe2 lines 51054-51104."""
    assert session["id"].startswith("sess_")


def test_the_input_is_set_up_as_published(session: Json) -> None:
    """The published answer: openai-openapi @ f85dbe2 lines 51054-51104."""
    detection = {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    wanted = {
        "format": {"type": "audio/pcm", "rate": 24000},
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": detection,
    }
    assert session["audio"]["input"] == wanted


@pytest.mark.parametrize("name", ["x-request-id", "openai-processing-ms", "openai-organization"])
def test_an_answer_carries_what_support_asks_for(realtime: httpx.Response, name: str) -> None:
    """developers.openai.com/api/reference/overview (2026)."""
    assert realtime.headers[name]


def test_an_answer_names_the_version(realtime: httpx.Response) -> None:
    """developers.openai.com/api/reference/overview (2026)."""
    assert realtime.headers["openai-version"] == "2020-10-01"


def test_a_secret_lives_as_long_as_was_asked(api: Api) -> None:
    """openai 3.54.0 types/realtime/client_secret_create_params.py: 10 s is the least."""
    assert abs(life_s(minted(api, REALTIME, 10)) - 10) <= CLOCK_S


def test_a_secret_lives_600_s_by_default(api: Api) -> None:
    """openai 3.54.0 types/realtime/client_secret_create_params.py."""
    assert abs(life_s(ask(api, "POST", CLIENT_SECRETS, json={"session": REALTIME})) - 600) <= CLOCK_S


@pytest.mark.parametrize(
    "life",
    [{"seconds": 9}, {"seconds": 7201}, {"anchor": "used_at", "seconds": 10}],
    ids=["too short", "too long", "unknown anchor"],
)
def test_no_other_life_is_taken(api: Api, life: Json) -> None:
    """openai 3.54.0 types/realtime/client_secret_create_params.py: `created_at`, 10 to 7200 s."""
    assert ask(api, "POST", CLIENT_SECRETS, json={"expires_after": life, "session": REALTIME}).status_code == 400


def test_a_transcription_session_is_minted_at_the_same_place(api: Api) -> None:
    """developers.openai.com/api/docs/guides/realtime-transcription (autumn 2026)."""
    session = minted(api, TRANSCRIPTION).json()["session"]
    assert session["type"] == "transcription"


def test_a_format_of_the_beta_is_refused(api: Api) -> None:
    """openai/openai-go#502 (2025-09-03), status and body as posted."""
    answer = minted(api, {**REALTIME, "audio": {"input": {"format": "pcm16"}}})
    wanted = {
        "message": "Invalid type for 'session.audio.input.format': expected an object, but got a string instead.",
        "type": "invalid_request_error",
        "param": "session.audio.input.format",
        "code": "invalid_type",
    }
    assert (answer.status_code, error_of(answer)) == (400, wanted)


@pytest.mark.parametrize(
    ("method", "path", "body"), [("POST", CLIENT_SECRETS, {"json": {"session": REALTIME}}), ("GET", "/models", {})]
)
def test_a_key_that_nobody_issued_gets_401(api: Api, method: str, path: str, body: dict[str, Any]) -> None:
    """developers.openai.com/api/docs/guides/error-codes (2026); the text as in community.openai.com 1148799 (2025-03)."""
    answer = ask(api, method, path, MADE_UP_KEY, **body)
    error = error_of(answer)
    assert (answer.status_code, error["code"], error["type"]) == (401, "invalid_api_key", "invalid_request_error")
    assert error["message"].startswith("Incorrect API key provided: sk-proj-")
    assert "You can find your API key at https://platform.openai.com/account/api-keys." in error["message"]


def test_without_a_credential_nothing_is_minted(api: Api) -> None:
    """developers.openai.com/api/docs/guides/error-codes (2026)."""
    assert ask(api, "POST", CLIENT_SECRETS, "", json={"session": REALTIME}).status_code == 401


def test_the_models_are_listed(api: Api) -> None:
    """openai 3.54.0 types/model.py and resources/models.py."""
    answer = ask(api, "GET", "/models")
    assert (answer.status_code, answer.json()["object"]) == (200, "list")
    assert {"id", "object", "created", "owned_by"} <= answer.json()["data"][0].keys()


@pytest.mark.parametrize("path", ["/realtime/sessions", "/realtime/transcription_sessions"])
def test_the_mints_of_the_beta_are_gone(api: Api, path: str) -> None:
    """Public reports of 2026-05 to 2026-07, record 67250156283, 66509435000, 59731085439; record 68880016217 (2026-09-14)."""
    answer = ask(api, "POST", path, json={})
    assert answer.status_code == 404
    assert error_of(answer)["message"] == f"Invalid URL (POST /v1{path})"
