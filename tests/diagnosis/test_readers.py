"""What each form of input is read as: every field that matters, what must not be read into it, and input meant to do harm."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.readers import Read, read
from rtdiag.diagnosis.readers.pasted import LARGEST_BYTES
from rtdiag.diagnosis.situation import Situation, Unreadable
from rtdiag.model import Explanation
from rtdiag.redact import Mask
from tests.diagnosis.hars import entry, har

KEY = "sk-proj-not-a-real-key-0000000000000000000000"
TOKEN = "ek_notarealtoken00000000000000000001"
CALLS = "https://api.openai.com/v1/realtime/calls"
SESSIONS = "https://api.openai.com/v1/realtime/sessions"
BAD_KEY = {
    "error": {
        "message": "Incorrect API key provided: ek_67e7a***********************26ea.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
}
INVALID_OFFER = (
    '{"error":{"message":"Invalid SDP offer.","type":"invalid_request_error","param":null,"code":"invalid_offer"}}'
)
PARSE_ERROR = (
    "Uncaught (in promise) OperationError: Failed to execute 'setRemoteDescription' on 'RTCPeerConnection': "
    "Failed to parse SessionDescription. { Expect line: v="
)


def reading(given: str | bytes | object, mask: Mask | None = None) -> Read:
    """What `read` makes of a text, of bytes, or of anything else as JSON."""
    text = given if isinstance(given, str | bytes) else json.dumps(given)
    return read(io.BytesIO(text.encode() if isinstance(text, str) else text), "-", mask or Mask())


def only(given: str | bytes | object, form: str) -> Situation:
    """The one situation of an input that must be read as `form`."""
    found = reading(given)
    assert found.form == form
    assert not found.separate
    (situation,) = found.situations
    return situation


# --- error bodies


@pytest.mark.parametrize("indent", [None, 2])
def test_an_error_body_is_kept_as_received(indent: int | None) -> None:
    text = json.dumps(BAD_KEY, indent=indent)
    assert only(text, "error body") == Situation(text=text)


@pytest.mark.parametrize(
    "text",
    [
        '{"message": "Unknown parameter: \'client_secret.expires_at\'.", "type": "invalid_request_error"}',
        '{"type":"invalid_request_error","code":"session_expired","message":"Your session hit the maximum duration."}',
        '{"code":"unauthenticated:bad-credentials","error":"The OAuth2 access token could not be validated."}',
        '{"detail": "Not authenticated", "status": "error"}',
        '{"error": {"message": "", "type": "", "code": "", "param": ""}}',
        "{“error”: {“message”: “Invalid SDP offer.”, “code”: “invalid_offer”}}",
    ],
)
def test_bare_and_odd_error_objects_are_error_bodies(text: str) -> None:
    assert only(text, "error body").text == text


def test_a_status_inside_the_body_is_taken_over() -> None:
    situation = only(
        {"error": {"message": "incorrect regional hostname", "code": "incorrect_hostname"}, "status": 401}, "error body"
    )
    assert situation.status == 401


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "event_id": "event_1", "error": {"message": "Unknown parameter: 'session.type'."}},
        {"error": {"message": "x", "code": "invalid_model", "event_id": None}},
        {
            "type": "conversation.item.input_audio_transcription.failed",
            "item_id": "item_1",
            "error": {"type": "server_error"},
        },
    ],
)
def test_an_error_event_came_over_a_channel(event: dict[str, Any]) -> None:
    assert only(event, "error body").surface == "data_channel"


def test_a_body_in_a_code_fence_or_as_a_json_string_is_the_same() -> None:
    text = json.dumps(BAD_KEY)
    assert reading(f"```json\n{text}\n```").form == "error body"
    assert reading(json.dumps(text)).form == "error body"


def test_a_body_that_is_cut_off_is_one_all_the_same() -> None:
    situation = only('{"error": {"message": "Incorrect API key prov', "error body")
    assert situation.text.endswith("prov")
    assert situation.circumstances == ("the body is cut off, or is not quite JSON",)


def test_a_web_page_is_no_answer_of_the_api() -> None:
    page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"
    situation = only(page, "error body")
    assert (situation.status, situation.surface, situation.text) == (502, "http", page)
    assert situation.circumstances == ("the answer is a web page, not JSON",)


# --- console pastes


def test_chrome_a_failing_line_its_body_and_what_came_of_it() -> None:
    body = json.dumps(BAD_KEY, indent=2)
    found = reading(
        f"fetcher.js:66  POST {CALLS} 401 (Unauthorized)\n"
        f"app.js:42 SDP response: {body}\n"
        f"app.js:47 {PARSE_ERROR}\n    at app.js:47:9"
    )
    assert found.form == "console paste"
    request, parse = found.situations
    assert (request.method, request.url, request.status) == ("POST", CALLS, 401)
    assert (request.surface, request.dialect, request.where) == ("sdp", "ga", "line 1")
    assert request.text == f"app.js:42 SDP response: {body}"
    assert parse.surface == "client"
    assert parse.url is None
    assert "Expect line: v=" in parse.text


def test_the_body_may_stand_before_the_line_of_its_request() -> None:
    situation = only(f"SDP response: {INVALID_OFFER}\nPOST {CALLS} 400 (Bad Request)", "console paste")
    assert (situation.url, situation.status) == (CALLS, 400)
    assert "invalid_offer" in situation.text


@pytest.mark.parametrize(
    ("before", "asked", "status"),
    [
        (f"POST {CALLS}\n401 ", ("POST", CALLS), 401),
        (f"> POST {CALLS}\nStatus: 401 Unauthorized\n\n", ("POST", CALLS), 401),
        (f"POST {CALLS}\n", ("POST", CALLS), None),
        ("POST /v1/realtime/calls HTTP/1.1\nresponse: 401\n", ("POST", "/v1/realtime/calls"), 401),
        (f"POST {SESSIONS}\n200 OK\nPOST {CALLS}\nHTTP/2 401\n", ("POST", CALLS), 401),
        (f"POST {CALLS} -> 401\n", ("POST", CALLS), 401),
        (f"POST {CALLS} → 401: ", ("POST", CALLS), 401),
        (f"Request: POST {CALLS}\nResponse: 401 ", ("POST", CALLS), 401),
        (f"URL: {CALLS}\nMethod: POST\nStatus: 401\nBody: ", ("POST", CALLS), 401),
        (f"Request Method: POST\nRequest URL: {CALLS}\nStatus Code: 401 Unauthorized\n\n", ("POST", CALLS), 401),
        (f"`POST {CALLS}` returns **401**:\n\n", ("POST", CALLS), 401),
        (f"> POST {CALLS}\n> 401\n> ", ("POST", CALLS), 401),
        (f"POST {SESSIONS}\n403\nPOST {CALLS}\n", ("POST", CALLS), None),
        (f"POST {SESSIONS}\n200 OK\n", (None, None), None),
        (f"POST {SESSIONS} is what I ask since Monday\n", (None, None), None),
    ],
)
def test_a_request_alone_on_a_line_is_answered_by_the_body_after_it(
    before: str, asked: tuple[str | None, str | None], status: int | None
) -> None:
    told = only(f"Since today:\n{before}{json.dumps(BAD_KEY)}", "console paste")
    assert ((told.method, told.url), told.status) == (asked, status)


def test_an_event_of_the_channel_answers_no_request() -> None:
    event = json.dumps({"type": "error", "event_id": "event_1", "error": {"type": "server_error", "message": "Sorry"}})
    told = only(f"Since today:\nPOST {CALLS}\n{event}", "console paste")
    assert (told.surface, told.method, told.url, told.status) == ("data_channel", None, None, None)


def test_a_body_of_another_status_is_another_fact() -> None:
    found = reading(f"POST {SESSIONS} 500 (Internal Server Error)\nHTTP 403: {json.dumps(BAD_KEY)}")
    assert [(s.status, s.url) for s in found.situations] == [(500, SESSIONS), (403, None)]


@pytest.mark.parametrize(
    ("line", "method", "url", "status", "surface"),
    [
        (f"POST {CALLS} 401 (Unauthorized)", "POST", CALLS, 401, "sdp"),
        (f"XHRPOST {CALLS} [HTTP/2 401  123ms]", "POST", CALLS, 401, "sdp"),
        (f'POST "{SESSIONS}": 400 Bad Request', "POST", SESSIONS, 400, "http"),
        (
            "api.openai.com/v1/realtime/calls:1   Failed to load resource: the server responded with a status of 400 ()",
            None,
            CALLS,
            400,
            "sdp",
        ),
        (
            f"[Error] Failed to load resource: the server responded with a status of 401 () (calls, line 0) {CALLS}",
            None,
            CALLS,
            401,
            "sdp",
        ),
        ("POST /api/token 500 (Internal Server Error)", "POST", "/api/token", 500, "http"),
        (f"POST {CALLS} net::ERR_NAME_NOT_RESOLVED", "POST", CALLS, None, "client"),
    ],
)
def test_each_browsers_line_of_a_failed_request(
    line: str, method: str | None, url: str, status: int | None, surface: str
) -> None:
    situation = only(line, "console paste")
    assert (situation.method, situation.url, situation.status, situation.surface) == (method, url, status, surface)
    assert situation.text == line


def test_the_same_failure_printed_twice_is_one() -> None:
    situation = only(
        f"POST {CALLS} 400 (Bad Request)\ncalls:1 Failed to load resource: the server responded with a status of 400 () {CALLS}",
        "console paste",
    )
    assert situation.method == "POST"


def test_a_network_error_is_said_as_the_browser_says_it() -> None:
    situation = only(
        f"POST {CALLS} net::ERR_CONNECTION_RESET\nTypeError: Failed to fetch\n    at start (app.js:9:3)",
        "console paste",
    )
    assert situation.circumstances == ("the browser says net::ERR_CONNECTION_RESET", "then: TypeError: Failed to fetch")


def test_a_cors_refusal_with_its_request_and_echo_is_one_failure() -> None:
    situation = only(
        f"Access to fetch at '{CALLS}' from origin 'http://localhost:3000' has been blocked by CORS policy: Response to preflight "
        f"request doesn't pass access control check.\nPOST {CALLS} net::ERR_FAILED\n"
        "Uncaught (in promise) TypeError: Failed to fetch",
        "console paste",
    )
    assert (situation.method, situation.url, situation.surface) == ("POST", CALLS, "client")
    assert situation.circumstances[:4] == (
        "the browser blocked the answer: CORS",
        "asked from the origin http://localhost:3000",
        "the preflight (OPTIONS) was refused",
        "the browser says net::ERR_FAILED",
    )


def test_firefox_names_the_status_behind_a_cors_refusal() -> None:
    situation = only(
        f"Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {CALLS}. "
        "(Reason: CORS header ‘Access-Control-Allow-Origin’ missing). Status code: 401.",
        "console paste",
    )
    assert (situation.url, situation.status) == (CALLS, 401)


def test_an_object_printed_line_by_line_is_one_event() -> None:
    text = 'Data channel message:\nerror:\ncode: null\nevent_id: null\nmessage: "The server had an error."\ntype: "server_error"'
    situation = only(text, "console paste")
    assert situation.text == text.split("\n", 1)[1]
    assert (situation.surface, situation.where) == ("data_channel", "line 2")


def test_node_prints_an_error_event() -> None:
    text = "{\n  type: 'error',\n  error: {\n    type: 'invalid_request_error',\n    message: \"Unknown parameter: 'x'.\"\n  }\n}"
    assert only(text, "console paste").text == text


def test_a_collapsed_preview_takes_the_lines_that_unfold_it() -> None:
    text = (
        "app.js:12 {type: 'error', event_id: 'event_1', error: {…}}\n"
        "error: {type: 'invalid_request_error', code: 'invalid_model', message: 'x'}\n"
        'event_id: "event_1"\ntype: "error"\n[[Prototype]]: Object'
    )
    situation = only(text, "console paste")
    assert situation.text == text
    assert situation.surface == "data_channel"


def test_a_preview_alone_is_still_an_error_event() -> None:
    assert only("{type: 'error', event_id: 'event_1', error: {…}}", "console paste").surface == "data_channel"


@pytest.mark.parametrize(
    ("line", "surface", "status"),
    [
        (PARSE_ERROR, "client", None),
        ("DOMException: Permission denied", "client", None),
        ("NotAllowedError: Permission denied by system", "client", None),
        (
            "InvalidStateError: Failed to execute 'send' on 'RTCDataChannel': RTCDataChannel.readyState is not 'open'",
            "client",
            None,
        ),
        ("AxiosError: Request failed with status code 401", None, 401),
        (
            "openai.AuthenticationError: Error code: 401 - {'error': {'message': 'x', 'code': 'invalid_api_key'}}",
            None,
            401,
        ),
        ("WebRTC: ICE failed, add a TURN server and see about:webrtc for more details", "ice", None),
        ("iceConnectionState: failed", "ice", None),
        (
            "WebSocket connection to 'wss://api.openai.com/v1/realtime' failed: "
            "Error during WebSocket handshake: Unexpected response code: 401",
            "websocket_close",
            401,
        ),
        (
            "Firefox can’t establish a connection to the server at wss://api.openai.com/v1/realtime?model=gpt-realtime.",
            "websocket_close",
            None,
        ),
        (
            "websockets.legacy.exceptions.InvalidStatusCode: server rejected WebSocket connection: HTTP 400",
            "websocket_close",
            400,
        ),
    ],
)
def test_what_a_page_or_program_throws(line: str, surface: str | None, status: int | None) -> None:
    situation = only(line, "console paste")
    assert (situation.surface, situation.status) == (surface, status)


def test_a_websocket_that_cannot_be_opened_names_its_url() -> None:
    situation = only(
        "WebSocket connection to 'wss://api.openai.com/v1/realtime?model=gpt-realtime' failed: ", "console paste"
    )
    assert (situation.method, situation.url) == ("GET", "wss://api.openai.com/v1/realtime?model=gpt-realtime")


def test_an_error_event_and_the_close_that_repeats_it_are_one() -> None:
    situation = only(
        "error: {\n  type: 'invalid_request_error',\n  code: 'invalid_api_key',\n  message: 'x',\n  event_id: null\n}\n"
        "OpenAI Realtime API closed: 3000 invalid_request_error.invalid_api_key",
        "console paste",
    )
    assert situation.circumstances == ("then closed with 3000 invalid_request_error.invalid_api_key",)


def test_words_and_code_around_a_message_stay_with_it_and_are_no_failures() -> None:
    found = reading(
        "When I start recording it throws, is any of my settings wrong?\n"
        'const baseUrl = "https://api.openai.com/v1/realtime/transcription_sessions";\n'
        "setError(null);\nsetError(`Error: ${err instanceof Error ? err.message : String(err)}`);\n"
        f"SDP response: {json.dumps(BAD_KEY, indent=1)}\nNothing else is shown on the page."
    )
    (situation,) = found.situations
    assert found.form == "console paste"
    assert situation.surface == "sdp"
    assert situation.circumstances == (
        "said before it: When I start recording it throws, is any of my settings wrong?",
        "said after it: Nothing else is shown on the page.",
        "the code beside it names https://api.openai.com/v1/realtime/transcription_sessions",
    )


@pytest.mark.parametrize("quotes", ["“”", "‘’", ("â€œ", "â€\x9d")])
def test_quotes_that_the_web_has_mangled_do_not_hide_a_message(quotes: tuple[str, str]) -> None:
    thrown = f"Uncaught (in promise) OperationError: Failed to execute {quotes[0]}setRemoteDescription{quotes[1]} on it"
    text = f"{thrown}\nPOST {CALLS} 401 (Unauthorized)"
    assert [s.status for s in reading(text).situations] == [None, 401]


# --- close codes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("4000 invalid_request_error.beta_api_shape_disabled", 4000),
        ("code=3000 reason=invalid_request_error.invalid_api_key", 3000),
        ("code=4000\nreason=invalid_request_error.beta_api_shape_disabled", 4000),
        ("CloseEvent {isTrusted: true, wasClean: false, code: 1006, reason: '', type: 'close'}", 1006),
        ("received 3000 (registered) invalid_request_error.invalid_api_key; then sent 3000 (registered)", 3000),
        ("websocket: close 1006 (abnormal closure): unexpected EOF", 1006),
        ("WebSocket closed with code 1008", 1008),
        ("CloseEvent {\n  wasClean: false,\n  code: 1011,\n  reason: 'x'\n}", 1011),
        ('{"code": 1006, "reason": "", "wasClean": false}', 1006),
        ("1006", 1006),
    ],
)
def test_close_codes_as_people_write_them(text: str, code: int) -> None:
    situation = only(text, "close code")
    assert (situation.status, situation.surface) == (code, "websocket_close")
    assert str(code) in situation.text


@pytest.mark.parametrize(
    "text",
    [
        "The call costs 4000 tokens",
        "2000 is too many",
        "It closed after 1500 ms",
        "limit 40000, used 3000",
        "[]",
        "42",
        "null",
    ],
)
def test_a_number_alone_is_no_close_code(text: str) -> None:
    found = reading(text)
    assert found.form == "text"
    assert found.situations[0].status is None
    assert found.situations[0].text == text


# --- HTTP answers and curl

ANSWER = """HTTP/1.1 401 Unauthorized
Date: Sun, 22 Nov 2026 10:00:00 GMT
Content-Type: application/json
Server: cloudflare
Set-Cookie: __cf_bm=not-a-real-cookie-123; path=/

{"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}
"""


def test_an_http_answer_with_headers() -> None:
    situation = only(ANSWER, "HTTP answer")
    assert (situation.status, situation.when) == (401, date(2026, 11, 22))
    assert json.loads(situation.text)["error"]["code"] == "invalid_api_key"
    assert situation.url is None
    assert situation.surface is None
    assert situation.circumstances == (
        "answer header content-type: application/json",
        "answer header server: cloudflare",
    )


def test_a_request_and_its_answer_as_text() -> None:
    situation = only(
        f"POST /v1/realtime/calls HTTP/1.1\nHost: api.openai.com\nAuthorization: Bearer {TOKEN}\n\nv=0\nm=audio 9\n\n{ANSWER}",
        "HTTP answer",
    )
    assert (situation.method, situation.url, situation.credential, situation.surface) == ("POST", CALLS, "ek", "sdp")


def test_an_interim_answer_and_a_proxys_are_not_the_answer() -> None:
    situation = only("HTTP/1.1 200 Connection established\n\nHTTP/1.1 100 Continue\n\n" + ANSWER, "HTTP answer")
    assert situation.status == 401


def test_an_answer_without_a_body_keeps_its_status_line() -> None:
    assert only("HTTP/2 404\ncontent-length: 0\n\n", "HTTP answer").text == "HTTP/2 404"


def test_curl_v_tells_request_and_answer() -> None:
    situation = only(
        f"""$ curl -v -X POST {CALLS} \\
  -H "Authorization: Bearer {TOKEN}" -H 'Content-Type: application/sdp' --data-binary @offer.sdp
* Host api.openai.com:443 was resolved.
* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384
> POST /v1/realtime/calls HTTP/2
> Host: api.openai.com
> authorization: Bearer {TOKEN}
> OpenAI-Beta: realtime=v1
> Content-Type: application/sdp
>
}} [1200 bytes data]
< HTTP/2 400
< content-type: application/json
<
{{ [120 bytes data]
{INVALID_OFFER}* Connection #0 to host api.openai.com left intact
""",
        "curl output",
    )
    assert (situation.method, situation.url, situation.status) == ("POST", CALLS, 400)
    assert (situation.credential, situation.content_type, situation.sent) == ("ek", "application/sdp", "@offer.sdp")
    assert situation.text == INVALID_OFFER
    assert situation.circumstances == (
        "header OpenAI-Beta: realtime=v1",
        "answer header content-type: application/json",
    )


def test_curl_i_below_its_command() -> None:
    situation = only(
        f"curl -i {SESSIONS} -H 'Authorization: Bearer {KEY}' -d '{{\"model\": \"gpt-realtime\"}}'\n{ANSWER}",
        "curl output",
    )
    assert (situation.method, situation.url, situation.credential) == ("POST", SESSIONS, "sk")
    assert situation.sent == '{"model": "gpt-realtime"}'
    assert situation.dialect == "beta"


def test_a_shell_variable_is_no_credential_that_one_could_judge() -> None:
    assert (
        only(f'curl -i {SESSIONS} -H "Authorization: Bearer $OPENAI_API_KEY"\n{ANSWER}', "curl output").credential
        is None
    )


@pytest.mark.parametrize(
    "line",
    [
        "curl: (6) Could not resolve host: api.openai.co",
        "curl: (7) Failed to connect to api.openai.com port 443 after 12 ms: Couldn't connect to server",
        "curl: (28) Operation timed out after 10001 milliseconds with 0 bytes received",
        "curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to api.openai.com:443",
        "curl: (60) SSL certificate problem: self-signed certificate in certificate chain",
    ],
)
def test_curls_own_errors_are_failures_on_the_way(line: str) -> None:
    situation = only(f"* SSL certificate problem: unable to get local issuer certificate\n{line}\n", "curl output")
    assert (situation.text, situation.surface, situation.status) == (line, "client", None)
    assert situation.circumstances == ("SSL certificate problem: unable to get local issuer certificate",)


# --- event logs

CREATED = {
    "type": "session.created",
    "event_id": "event_1",
    "session": {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "model": "gpt-realtime",
        "audio": {"input": {"transcription": None, "turn_detection": {"type": "server_vad"}}},
    },
}
UPDATE = {
    "type": "session.update",
    "event_id": "mine_1",
    "session": {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}},
}
REFUSED = {
    "type": "error",
    "event_id": "event_2",
    "error": {
        "type": "invalid_request_error",
        "code": "unknown_parameter",
        "message": "x",
        "param": "session.bogus",
        "event_id": None,
    },
}
APPEND = {"type": "input_audio_buffer.append", "audio": "AAAA"}
SESSION_FACTS = (
    "session.created says realtime.transcription_session",
    "model gpt-realtime",
    "turn_detection in force: server_vad",
    "transcription in force: none",
)


def log(*events: dict[str, Any]) -> str:
    return "\n".join(json.dumps(event) for event in events)


@pytest.mark.parametrize(
    "text",
    [
        log(CREATED, UPDATE, APPEND, REFUSED),
        json.dumps([CREATED, UPDATE, APPEND, REFUSED]),
        f"12:00:01.1 < {json.dumps(CREATED)}\n12:00:01.2 > {json.dumps(UPDATE)}\n12:00:01.3 < {json.dumps(REFUSED, indent=2)}\n",
        f"recv: {json.dumps(CREATED)}\nsent: {json.dumps(UPDATE)}\n[ws] recv: {json.dumps(REFUSED)}",
        json.dumps(
            [
                {"direction": "received", "raw": json.dumps(CREATED)},
                {"direction": "sent", "event": UPDATE},
                {"data": REFUSED},
            ]
        ),
    ],
)
def test_an_error_in_a_log_comes_with_the_update_before_it(text: str) -> None:
    situation = only(text, "event log")
    assert json.loads(situation.text) == REFUSED
    assert (situation.method, situation.url, situation.surface) == ("event", "session.update", "data_channel")
    assert json.loads(situation.sent or "") == UPDATE
    assert situation.circumstances == SESSION_FACTS
    assert situation.where.startswith(("line ", "event "))


def test_an_error_names_the_event_it_is_about() -> None:
    create = {"type": "response.create", "event_id": "mine_2"}
    refused = {"type": "error", "error": {"message": "x", "event_id": "mine_1"}}
    assert only(log(CREATED, UPDATE, create, refused), "event log").url == "session.update"
    del refused["error"]["event_id"]  # type: ignore[attr-defined]
    assert only(log(CREATED, UPDATE, create, refused), "event log").url == "response.create"


def test_a_failed_response_and_a_failed_transcription_are_failures() -> None:
    done = {
        "type": "response.done",
        "response": {"status": "failed", "status_details": {"error": {"code": "insufficient_quota"}}},
    }
    failed = {"type": "conversation.item.input_audio_transcription.failed", "error": {"code": None, "message": "x"}}
    found = reading(log(CREATED, {"type": "response.create"}, done, failed))
    assert [json.loads(s.text)["type"] for s in found.situations] == [done["type"], failed["type"]]
    assert found.situations[0].url == "response.create"


def test_a_close_in_a_log() -> None:
    found = reading(log(CREATED, UPDATE) + "\nclosed: code=1006 reason=")
    assert [(s.status, s.surface) for s in found.situations] == [(1006, "websocket_close")]
    repeated = only(log(CREATED, UPDATE, REFUSED) + "\nclose 4000 invalid_request_error.unknown_parameter", "event log")
    assert repeated.circumstances[-1] == "then closed with 4000 invalid_request_error.unknown_parameter"


def test_a_failing_request_between_the_events_is_not_lost() -> None:
    found = reading(f"POST {CALLS} 401 (Unauthorized)\n" + log(CREATED, UPDATE, REFUSED))
    assert [s.status for s in found.situations] == [401, None]


def test_an_update_that_nobody_answered() -> None:
    situation = only(log(CREATED, UPDATE), "event log")
    assert situation.circumstances == (*SESSION_FACTS, "session.update was sent and never answered")
    assert (situation.method, situation.url, situation.text) == ("event", "session.update", "")


def test_a_setting_that_came_back_as_another() -> None:
    updated = {**CREATED, "type": "session.updated"}
    situation = only(log(CREATED, UPDATE, updated, APPEND, APPEND), "event log")
    assert situation.circumstances[-2:] == (
        "turn_detection sent semantic_vad, session.updated says server_vad",
        "audio was appended 2 times, no input_audio_buffer.speech_started came",
    )
    assert json.loads(situation.text) == updated


def test_audio_without_turn_detection_need_not_be_heard() -> None:
    manual = {"type": "session.created", "session": {"type": "realtime", "turn_detection": None}}
    assert reading(log(manual, APPEND)).situations == ()


def test_speech_that_nothing_came_of() -> None:
    heard = [{"type": "input_audio_buffer.speech_started"}, {"type": "input_audio_buffer.committed"}]
    situation = only(log(CREATED, APPEND, *heard), "event log")
    assert situation.circumstances[-1] == "speech was taken in, no transcription and no response came"
    done = {"type": "conversation.item.input_audio_transcription.completed", "transcript": "hello"}
    assert reading(log(CREATED, APPEND, *heard, done)).situations == ()


def test_a_log_in_which_all_went_well_says_so() -> None:
    found = reading(log(CREATED, {"type": "response.done", "response": {"status": "completed"}}))
    assert (found.form, found.situations) == ("event log", ())
    assert found.note.startswith(
        "nothing in it failed: the log holds 2 events; none is an error, and nothing else stands out"
    )


# --- input meant to do harm


def mutations(value: Any, root: Any) -> Iterator[str]:
    """`root` as JSON, once for each place below `value` and each harmful thing put there."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        kept = value[key]
        wrong: Any
        for wrong in (None, 7, -1e300, True, "\ud800", [], {}, [None], {"x": [[]]}, "A" * 100, "base64"):
            value[key] = wrong
            yield json.dumps(root)
        value[key] = kept
        yield from mutations(kept, root)


class Endless(io.RawIOBase):
    """A source that never ends: `head`, then the same bytes over and over; it counts what was read."""

    def __init__(self, head: bytes, more: bytes) -> None:
        self._left, self._more, self.given = head, more, 0

    def read(self, size: int = -1) -> bytes:
        part = (self._left + self._more * (size // len(self._more) + 1))[:size]
        self._left = self._left[size:]
        self.given += len(part)
        return part


# --- rtdiag's own reports


def test_every_case_of_a_report_that_did_not_pass() -> None:
    exchange = {
        "id": "x1",
        "method": "POST",
        "url": CALLS,
        "credential": "ephemeral",
        "request_headers": [["content-type", "application/sdp"], ["OpenAI-Beta", "realtime=v1"]],
        "request_body": "v=0\r\nm=audio 9\r\n",
        "status": 401,
        "body": json.dumps(BAD_KEY),
        "failure": None,
    }
    lost = {
        **exchange,
        "id": "x2",
        "status": None,
        "body": None,
        "failure": {"kind": "timeout", "phase": "connect", "detail": "no answer in 10 s"},
    }
    event = {"channel": "p1/oai-events", "at_ms": 1.0}
    events = [
        {**event, "id": "e1", "direction": "sent", "type": "session.update", "raw": json.dumps(UPDATE)},
        {**event, "id": "e2", "direction": "received", "type": "error", "raw": json.dumps(REFUSED)},
    ]
    peer = {
        "id": "p1",
        "states": [[10.0, "iceConnectionState", "failed"]],
        "failure": {"kind": "ice", "phase": "ice", "detail": "no pair"},
        "close": None,
    }

    def case(name: str, status: str, **more: Any) -> dict[str, Any]:
        return {
            "id": name,
            "status": status,
            "measured": "m",
            "cause": None,
            "exchanges": [],
            "events": [],
            "peers": [],
            **more,
        }

    cases = [
        case("sdp.ok", "pass", exchanges=["x1"]),
        case("sdp.offer", "fail", exchanges=["x1"], cause="wrong-endpoint"),
        case("sdp.lost", "inconclusive", exchanges=["x2", "gone"]),
        case("session-update.vad", "warn", exchanges=["x1"], events=["e1", "e2"]),
        case("sdp.ice", "error", peers=["p1"]),
        case("vad.word", "fail"),
    ]
    found = reading(
        {
            "schema_version": 1,
            "started_at": "2026-11-22T10:00:00.000Z",
            "target": {"base_url": "https://api.openai.com/v1", "emulator": None},
            "checks": [
                {"id": name, "cases": [c for c in cases if c["id"].startswith(name)]}
                for name in ("sdp", "session-update", "vad")
            ],
            "exchanges": [exchange, lost],
            "events": events,
            "peers": [peer],
        }
    )
    assert (found.form, found.situations) == ("rtdiag report", ())
    (report,) = found.reports
    rows = {row.id: row for outcome in report.checks for row in outcome.rows}
    assert json.loads(rows["offer"].seen.exchanges[0].body or "") == BAD_KEY
    assert [one.id for one in rows["lost"].seen.exchanges] == ["x2"], "what is named and not there is passed over"
    assert [one.id for one in rows["vad"].seen.events] == ["e1", "e2"]
    assert rows["ice"].seen.peers[0].failure


def test_any_field_of_a_report_a_log_or_a_description_may_be_nonsense() -> None:
    case = {"id": "a.b", "status": "fail", "exchanges": ["x1"], "events": ["e1"], "peers": ["p1"]}
    failed = {"failure": {"kind": "timeout", "phase": "connect", "detail": ""}}
    report = {
        "schema_version": 1,
        "started_at": "2026-11-22T10:00:00.000Z",
        "target": {"base_url": CALLS, "emulator": {"as_of": "2026-05-12", "faults": []}},
        "checks": [{"id": "a", "cases": [case]}],
        "exchanges": [
            {"id": "x1", "method": "GET", "url": CALLS, "credential": "none", "request_headers": [["a", "b"]], **failed}
        ],
        "events": [
            {"id": "e1", "channel": "p1/x", "direction": "sent", "at_ms": 1, "type": "response.done", "raw": "{}"}
        ],
        "peers": [{"id": "p1", "states": [[1.0, "a", "b"]], "close": {"code": "1"}}],
    }
    assert len(reading(report).reports) == 1
    for whole in (
        report,
        [CREATED, UPDATE, REFUSED],
        [{"direction": "sent", "event": UPDATE}],
        DESCRIBED,
        BAD_KEY,
        {"code": 1006, "reason": ""},
    ):
        copy = json.loads(json.dumps(whole))
        for text in mutations(copy, copy):
            try:
                found = reading(text)
            except Unreadable as refused:
                assert str(refused).startswith("the report ")  # noqa: PT017 - only of a report every field must be right
                assert "\n" not in str(refused)  # noqa: PT017
                continue
            repr(found).encode()


BARE = {
    "schema_version": 1,
    "started_at": "2026-11-22T10:00:00.000Z",
    "target": {"base_url": "https://api.openai.com/v1"},
    "exchanges": [],
    "exit_code": 0,
}


def test_a_part_of_a_report_that_is_none_is_named() -> None:
    with pytest.raises(
        Unreadable, match=r"^the report cannot be used: not a whole report of rtdiag: checks\[1\] cannot be null$"
    ):
        reading(BARE | {"checks": [{"id": "key"}, None]})
    with pytest.raises(
        Unreadable, match=r"^the report cannot be used: not a whole report of rtdiag: it lacks 'target'$"
    ):
        reading({"schema_version": 1, "exchanges": [], "checks": []})


def explained(report: dict[str, Any]) -> Explanation:
    (found,) = explain(io.BytesIO(json.dumps(report).encode()), "report.json", Mask())
    return found


def test_a_report_in_which_all_passed_says_so() -> None:
    found = explained(BARE | {"checks": [{"id": "key", "cases": [{"id": "key.works", "status": "pass"}]}]})
    assert found.note == "the report holds 1 case, none of which failed or is in doubt"


def test_a_report_that_was_cut_short_does_not_say_that_all_passed() -> None:
    found = explained(
        BARE | {"checks": [{"id": "key", "cases": [{"id": "key.works", "status": "pass"}]}], "interrupted": True}
    )
    assert found.note.endswith("; its run was interrupted, and tells only a part")


def test_the_lines_of_a_run_are_a_report_also_of_one_that_was_killed() -> None:
    case = {"id": "key.accepted", "status": "fail", "measured": "401", "cause": "key-wrong-or-revoked"}
    start = {"type": "start", **{name: BARE[name] for name in BARE if name != "exit_code"}}
    lines = json.dumps(start) + "\n" + json.dumps({"type": "check", "check": {"id": "key", "cases": [case]}}) + "\n"
    for text in (lines, lines + '{"type": "end", "check_i'):
        found = reading(text)
        assert (found.form, [row.id for row in found.reports[0].checks[0].rows]) == ("rtdiag report", ["accepted"])
    with pytest.raises(Unreadable, match="the lines of token are missing"):
        reading(lines + '{"type": "end", "check_ids": ["key", "token"]}\n')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{\n  "schema_version": 1,\n  "tool": {"name": "rtd', "line 3: the text that begins in column 20 has no end"),
        ('{"schema_version": 2, "tool": {"version": "9.0"}, "checks": []}', "written by a newer rtdiag 9.0"),
        ('{"type": "start", "schema_version": 2}\n{"type": "check"}\n', "written by a newer rtdiag"),
        (
            "# Recorded from the live API on 2026-11-22, by rtdiag 0.1.0.\ninteractions: []\n",
            "`rtdiag replay` judges it",
        ),
    ],
)
def test_a_record_that_cannot_be_explained_is_told_and_not_guessed_at(text: str, why: str) -> None:
    with pytest.raises(Unreadable) as refused:
        reading(text)
    assert why in str(refused.value)


# --- failure descriptions

DESCRIBED = {
    "id": "reported-1",
    "class": "must-not-be-seen",
    "cause": "must-not-be-seen",
    "fix": "must-not-be-seen",
    "category": "must-not-be-seen",
    "sources": [{"where": "must-not-be-seen"}],
    "body_kind": "must-not-be-seen",
    "surface": "http",
    "request": {
        "method": "POST",
        "path": "/v1/realtime (as in the docs)",
        "credential": "ek",
        "content_type": "application/sdp",
        "body": "offer",
    },
    "status": 401,
    "body": "Incorrect API key provided",
    "dialect": "beta",
}


@pytest.mark.parametrize("as_yaml", [False, True])
@pytest.mark.parametrize("in_list", [False, True])
def test_a_failure_description_is_read_for_what_happened_alone(as_yaml: bool, in_list: bool) -> None:
    import yaml

    value: Any = [DESCRIBED] if in_list else DESCRIBED
    found = reading(yaml.safe_dump(value) if as_yaml else value)
    assert (found.form, found.separate) == ("failure description", True)
    assert found.situations == (
        Situation(
            text="Incorrect API key provided",
            method="POST",
            url="/v1/realtime (as in the docs)",
            credential="ek",
            content_type="application/sdp",
            sent="offer",
            status=401,
            surface="http",
            dialect="beta",
            where="description 1",
            id="reported-1",
        ),
    )


@pytest.mark.parametrize(
    ("status", "read_as"),
    [
        ("401", 401),
        (4000, 4000),
        ("unknown", None),
        (None, None),
        (True, None),
        (-1, None),
        ("9" * 5000, None),
        (401.5, None),
    ],
)
def test_the_status_of_a_description(status: Any, read_as: int | None) -> None:
    (situation,) = reading({"status": status, "body": "x"}).situations
    assert situation.status == read_as


def test_values_that_are_no_text_become_json() -> None:
    (situation,) = reading(
        {"id": 7, "body": BAD_KEY, "request": {"body": {"model": "gpt-realtime"}, "path": None}}
    ).situations
    assert json.loads(situation.text) == BAD_KEY
    assert (situation.sent, situation.url, situation.id) == ('{"model": "gpt-realtime"}', None, 7)


@pytest.mark.parametrize(
    "name", ["sk-works-but-calls-refuse-with-401", "ek_works_2026_but_not_at_calls", "bearer of-2026-bad-news"]
)
def test_an_id_comes_back_as_given(name: str) -> None:
    assert [s.id for s in reading([{"id": name, "body": "x"}]).situations] == [name]


@pytest.mark.parametrize("secret", [KEY, TOKEN, f"case of {KEY}", "Bearer 0123456789abcdef0123", "sk-" + "ab-1" * 20])
def test_an_id_that_is_a_key_is_masked_all_the_same(secret: str) -> None:
    (situation,) = reading([{"id": secret, "body": "x"}]).situations
    assert "***" in str(situation.id)


def test_each_of_many_descriptions_is_answered_also_an_empty_one() -> None:
    found = reading([{"id": n, "body": f"body {n}"} for n in range(300)] + [{"id": "empty"}])
    assert [s.id for s in found.situations] == [*range(300), "empty"]
    assert found.note == ""


@pytest.mark.parametrize(
    "text",
    [
        "- body: x\n  status: !!python/object/apply:os.system ['true']\n",
        "request: &a {path: x}\nbody: [" + "*a, " * 40 + "*a]\nstatus: 1\n",
        "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a, *a]\n" for n in range(9)) + "body: x\nstatus: 4\n",
        "body: " + "[" * 200 + "]" * 200 + "\nstatus: 1\n",
        "- status: 1\n  body: x\n" * 100_000,
    ],
)
def test_yaml_meant_to_do_harm_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        reading(text)


@pytest.mark.parametrize("text", ["[" * 5000, "[" * 5000 + "]" * 5000, "{a: " * 5000, "- " * 5000])
def test_what_the_yaml_library_itself_may_refuse_is_no_description(text: str) -> None:
    """libyaml 0.2.6 takes no more than 1000 levels, older ones take any: who refuses, and whether as words, is not the question."""
    try:
        form = reading(f"status: 1\nbody: {text}\n").form
    except Unreadable:
        form = "refused"
    assert form in ("text", "refused")


def test_a_few_aliases_are_no_harm() -> None:
    (one, two) = reading("- request: &r {path: /v1/realtime}\n  body: x\n- request: *r\n  body: y\n").situations
    assert one.url == two.url == "/v1/realtime"


def test_yaml_that_is_none_is_a_persons_words() -> None:
    assert reading("status: it hangs\nbody: {unclosed\n").form == "text"


# --- words


def test_a_described_symptom_is_kept_whole() -> None:
    text = "I was able to connect, but it behaves same as server_vad.\nDetection never fires."
    assert only(text, "text") == Situation(text=text)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("returns error 401 “Incorrect API key provided: ek_…”", 401),
        ("The server returned status code ‘403’ when status code ‘101’ was expected.", 403),
        ("error 401 first, then error 500", None),
        ("it takes 450 ms", None),
    ],
)
def test_the_one_status_that_words_name(text: str, status: int | None) -> None:
    assert only(text, "text").status == status


# --- secrets


@pytest.mark.parametrize(
    "given",
    [
        f"POST {CALLS} 401 (Unauthorized)\nconnecting with key {TOKEN} as ever\nSDP response: {{error: {{message: '{TOKEN}'}}}}",
        json.dumps({"error": {"message": f"no {KEY}", "code": TOKEN}}),
        log({"type": "session.update", "session": {"x": TOKEN}}, {"type": "error", "error": {"message": KEY}}),
        json.dumps(
            [
                {
                    "body": TOKEN,
                    "request": {"path": f"/v1/realtime?token={TOKEN}", "body": KEY, "credential": KEY},
                    "id": TOKEN,
                    "status": 1,
                }
            ]
        ),
        f"it does not work with {KEY}",
        f"<html><title>401</title>{KEY}</html>",
        f'{{"error": {{"message": "{KEY}',
        f"4000 invalid {TOKEN}",
        ANSWER + KEY,
    ],
)
def test_no_key_or_token_is_kept(given: str) -> None:
    mask = Mask()
    found = reading(given, mask)
    assert "notarealtoken" not in repr(found)
    assert "not-a-real-key" not in repr(found)
    assert mask.ledger()
    assert {line.where for line in mask.ledger()} == {"input"}


def test_a_token_of_any_other_look_is_hidden_wherever_it_stands() -> None:
    odd = "0pqrs-notarealtoken-4711"
    for given in (
        {"client_secret": {"value": odd, "expires_at": 1}, "error": {"message": f"no {odd}"}},
        [{"request": {"body": f"api_key={odd}", "path": "/x"}, "body": odd}],
        har(entry("POST", CALLS, 401, f"no {odd}", headers={"Authorization": f"Bearer {odd}"}, sent={"x": odd})),
        har(entry("POST", f"{CALLS}?api-key={odd}", 401, f"no {odd}")),
        f"Authorization: Bearer {odd}\nTypeError: no {odd}",
        f'HTTP/1.1 401 Unauthorized\n\n{{"api_key": "{odd}", "message": "no {odd}"}}',
    ):
        found = reading(given)
        assert found.situations
        assert odd not in repr(found)


def test_a_models_name_is_no_secret_wherever_it_stands() -> None:
    text = "TypeError: api_key: gpt-4o-mini-transcribe is no key, client_secret=sess_BHMMGpeQUkLJmaBDV7XGZ neither"
    assert only(text, "console paste").text == text


def test_marks_of_the_api_and_what_it_says_are_left_alone() -> None:
    text = "Incorrect API key provided: ek_67e7a***********************26ea. param session.audio.input.turn_detection undefined"
    assert only(text, "text").text == text


# --- bytes that are no text, too many, or meant to do harm


@pytest.mark.parametrize("given", [b"", b"  \n\t ", b"\xef\xbb\xbf", b"\x1b[0m\n"])
def test_nothing_is_said_to_be_nothing(given: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^standard input (is empty|holds nothing)[^\n]*: give [^\n]+$"):
        reading(given)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (b"\x1f\x8b\x08\x00 rest", "broken: save it again"),
        (b"PK\x03\x04 rest", "unpack it"),
        (b"\x89PNG\r\n\x1a\n rest", "copy the text"),
        (b"some text\x00and more", "binary"),
        (bytes(range(1, 256)) * 4, "binary"),
        (b"\x01\x02\x03\x04" * 50, "binary"),
        ("plain".encode("utf-32-le") * 9, "binary"),
    ],
)
def test_what_is_no_text_is_refused_in_one_line(given: bytes, match: str) -> None:
    with pytest.raises(Unreadable, match=match) as caught:
        reading(given)
    assert "\n" not in str(caught.value)


def test_other_encodings_are_read() -> None:
    text = "Détection de parole : “rien”"
    for given in (text.encode("utf-8-sig"), text.encode("utf-16"), text.encode("cp1252"), text.encode()):
        assert reading(given).situations[0].text == text
    assert reading("Détection …".encode()[:-1]).situations[0].text == "Détection"
    assert reading("\x1b[31mError: it is red\x1b[0m").situations[0].text == "Error: it is red"


def test_more_than_the_limit_is_refused_and_not_read() -> None:
    endless = Endless(b"", b"some words about a failure ")
    with pytest.raises(Unreadable, match=r"log\.txt is larger than 16 MiB.*give the part around the error"):
        read(endless, "log.txt", Mask())  # type: ignore[arg-type]
    assert endless.given <= LARGEST_BYTES + 1


def test_lines_without_end_are_refused() -> None:
    with pytest.raises(Unreadable, match="1000000 lines: give the part around the error"):
        reading(b"x\n" * 1_000_001)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 100_000, "nested deeper"),
        ("[" + "[]," * 400_000 + "[]]", "values: give less"),
    ],
)
def test_json_that_is_too_much_is_refused_and_not_taken_for_words(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=f"^the JSON cannot be used: .*{why}"):
        reading(text)


def test_a_log_of_more_values_than_one_json_may_hold_is_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtdiag.intake.json_values._MOST_BEFORE_VALUES", 300)
    assert reading(log(CREATED, *[UPDATE] * 30, REFUSED)).form == "event log"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"error":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"error": {"message": ' + "9" * 10_000 + "}}",
        '{"log": {"entries": [' + '{"a":[' * 50_000,
        '{"log": {"creator": ' + '{"a":' * 50_000,
        '{"schema_version": 1, "checks": [[], {"cases": 5}, {"cases": [{"status": []}, {"status": {}}]}]}',
        '{"type": "session.created", "session": [], "event_id": {}}\n' * 3,
        '{"type": "error", "error": 5}\n{"type": "session.update"}\n',
        '{"message": "\\ud800", "type": "x"}',
        "{type: 'error', error: {\n" * 5_000,
        "code: 1\n" * 50_000,
        "'\\" * 100_000,
        "closed with code " * 50_000,
        "https://" * 50_000,
        f"POST https://[::1/{'x' * 100} 401\n" * 50,
        "Authorization: Bearer " * 20_000,
        "curl -H '\n" * 5_000,
        "HTTP/1.1 401\n" * 5_000,
        "> GET / HTTP/1.1\n< HTTP/1.1 500\n" * 2_000,
    ],
)
def test_harmful_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        found = reading(text)
    except Unreadable:
        return
    assert len(found.situations) <= 200
    repr(found).encode()


def test_no_text_of_a_situation_is_longer_than_a_mebibyte() -> None:
    found = reading(json.dumps({"error": {"message": "word " * 400_000}}))
    assert len(found.situations[0].text) < 1024 * 1024 + 20
    assert found.situations[0].text.endswith(" … (cut)")


def test_names_are_what_messages_call_the_input() -> None:
    with pytest.raises(Unreadable, match=r"^paste\.txt is empty"):
        read(io.BytesIO(b""), "paste.txt", Mask())
