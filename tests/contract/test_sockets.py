"""A WebSocket: which URL and credential open which session, what the others get, and with which code they are closed."""

from __future__ import annotations

import asyncio
import time

import pytest
from websockets.exceptions import InvalidStatus

from rtdiag.api.endpoints import Kind
from tests.contract.clients import (
    INTENT_QUERY,
    MADE_UP_KEY,
    MODEL,
    MODEL_QUERY,
    REALTIME,
    TRANSCRIPTION,
    Api,
    Json,
    call,
    closed,
    receive,
    socket,
    tell,
    token,
)

CAPTURE = "record 69522944037 (2026-09-18)"
BETA = {"OpenAI-Beta": "realtime=v1"}
NOT_IN_REALTIME = 'Model "{}" is not supported in realtime mode'


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        pytest.param(MODEL_QUERY, "realtime", id=f"model, {CAPTURE} probe 8"),
        pytest.param(INTENT_QUERY, "transcription", id=f"intent, {CAPTURE} probe 7"),
    ],
)
def test_the_query_decides_on_the_session_of_a_key(api: Api, query: str, kind: Kind) -> None:
    """The first event is session.created, unprompted."""
    with socket(api, query) as made:
        created = receive(made)
    assert (created["type"], created["session"]["type"]) == ("session.created", kind)
    assert created["event_id"].startswith("event_")


def test_a_token_takes_the_query_too(api: Api) -> None:
    """developers.openai.com/api/reference, realtime connect (as of 2026-11-10); the model is that of the token."""
    with socket(api, MODEL_QUERY, token(api, REALTIME)) as made:
        assert receive(made)["session"]["model"] == MODEL


def test_a_transcription_token_needs_no_query(api: Api) -> None:
    """record 60202052155 (2026-08-01)."""
    with socket(api, "", token(api, TRANSCRIPTION)) as made:
        assert receive(made)["session"]["type"] == "transcription"


def test_a_token_may_stand_among_the_protocols(api: Api) -> None:
    """openai 7.57.0 (npm) src/realtime/websocket.ts:250-254; record 68880016217 (2026-09-14)."""
    protocols = ["realtime", "openai-insecure-api-key." + token(api, TRANSCRIPTION)]
    with socket(api, INTENT_QUERY, "", protocols=protocols) as made:
        assert made.subprotocol == "realtime"
        assert receive(made)["type"] == "session.created"


def test_a_socket_compresses(api: Api) -> None:
    """record 69522944037 probe 9 (2026-09-18)."""
    with socket(api, INTENT_QUERY) as made:
        assert made.response
        assert "permessage-deflate" in made.response.headers["Sec-WebSocket-Extensions"]


def test_a_session_ends_after_an_hour(api: Api) -> None:
    """record 69522944037 (2026-09-18): expires_at, by a clock that may differ from this one's."""
    with socket(api, INTENT_QUERY) as made:
        assert abs(receive(made)["session"]["expires_at"] - time.time() - 3600) < 120


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        pytest.param(
            "",
            "missing_model",
            "You must provide a model parameter, for example wss://api.openai.com/v1/realtime?model=",
            id=f"no query, {CAPTURE} probe 11b",
        ),
        pytest.param(
            "?model=gpt-nope",
            "invalid_model",
            NOT_IN_REALTIME.format("gpt-nope"),
            id=f"unknown model, {CAPTURE} probe 11",
        ),
        pytest.param(
            "?model=gpt-4o-transcribe",
            "invalid_model",
            NOT_IN_REALTIME.format("gpt-4o-transcribe"),
            id="transcription model, record 60202052155 (2026-08-01)",
        ),
        pytest.param(
            "?model=gpt-live-1",
            "invalid_model",
            NOT_IN_REALTIME.format("gpt-live-1"),
            id="model of the Live API, developers.openai.com/api/docs/models/gpt-live-1.1 (autumn 2026)",
        ),
    ],
)
def test_a_query_that_names_no_realtime_model_is_refused_after_the_101(
    api: Api, query: str, code: str, message: str
) -> None:
    """An error event, then the close with 4000."""
    with socket(api, query) as made:
        refused = receive(made)
        assert closed(made) == (4000, f"invalid_request_error.{code}")
    assert (refused["type"], refused["error"]["code"]) == ("error", code)
    assert refused["error"]["message"].startswith(message)


def test_intent_and_model_do_not_go_together(api: Api) -> None:
    """record 60202052155 (2026-08-01), record 69010768293 (2026-09-18), bifrost PR 5136."""
    with socket(api, INTENT_QUERY + "&model=gpt-4o-transcribe") as made:
        refused = receive(made)
    assert refused["type"] == "error"
    assert refused["error"]["message"].startswith('Model "gpt-4o-transcribe" is not supported in transcription mode')


def test_a_transcription_token_takes_no_model(api: Api) -> None:
    """record 60202052155 (2026-08-01)."""
    with socket(api, f"{INTENT_QUERY}&model={MODEL}", token(api, TRANSCRIPTION)) as made:
        error = receive(made)["error"]
        assert closed(made)[0] == 4000
    wanted = "You must not provide a model parameter for transcription sessions."
    assert (error["code"], error["message"]) == ("invalid_model", wanted)


def test_a_bad_key_is_refused_after_the_101(api: Api) -> None:
    """record 69522944037 probe 10 (2026-09-18): the error, then 3000."""
    with socket(api, MODEL_QUERY, MADE_UP_KEY) as made:
        error = receive(made)["error"]
        assert closed(made) == (3000, "invalid_request_error.invalid_api_key")
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "invalid_api_key", None)
    assert error["message"].startswith("Incorrect API key provided: sk-proj-*")
    assert error["message"].endswith("0000. You can find your API key at https://platform.openai.com/account/api-keys.")


def test_no_key_is_refused_after_the_101(api: Api) -> None:
    """record 69522944037 probe 10b (2026-09-18): a code of null, and so a reason of one word."""
    with socket(api, MODEL_QUERY, "") as made:
        error = receive(made)["error"]
        assert closed(made) == (3000, "invalid_request_error")
    assert (error["code"], error["message"]) == (None, "Missing bearer or basic authentication in header")


@pytest.mark.parametrize("query", [MODEL_QUERY, INTENT_QUERY])
def test_the_beta_header_is_refused_after_the_101(api: Api, query: str) -> None:
    """record 69522944037 probes 7c and 8b (2026-09-18)."""
    with socket(api, query, headers=BETA) as made:
        error = receive(made)["error"]
        assert closed(made) == (4000, "invalid_request_error.beta_api_shape_disabled")
    wanted = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."
    assert (error["code"], error["message"], error["param"]) == ("beta_api_shape_disabled", wanted, None)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        pytest.param(
            "/realtime", "?call_id=rtc_nobody", 404, id="unknown call, openai/openai-realtime-console#562 (2025-09-22)"
        ),
        pytest.param("/realtime/transcription_sessions", "", 403, id="a mint, record 55048801620"),
        pytest.param("/realtime/transcription", "", 403, id="no such path, record 54966038032"),
    ],
)
def test_where_no_socket_opens_the_handshake_is_refused(api: Api, path: str, query: str, status: int) -> None:
    """The only refusals that are an HTTP status."""
    with pytest.raises(InvalidStatus) as refused, socket(api, query, path=path):
        pass
    assert refused.value.response.status_code == status
    assert status != 404 or not refused.value.response.body


def test_a_second_socket_of_a_call_gets_no_created(api: Api) -> None:
    """pydantic-ai PR 6676 (2026-08-11): the sideband of a call. The first that comes answers what was asked."""

    async def run() -> Json:
        async with call(api, REALTIME) as made:
            await made.peer.event()
            call_id = made.answer.headers["location"].rpartition("/")[2]
            with socket(api, f"?call_id={call_id}") as side:
                return tell(side, {"type": "nope"})

    assert asyncio.run(run())["type"] == "error"
