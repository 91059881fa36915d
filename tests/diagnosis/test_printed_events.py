"""What programs print of events and errors: healthy ones are no failure, and the others say what their JSON would say."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.readers import Read, printed_values, read
from rtdiag.diagnosis.readers.plain import NOTHING
from rtdiag.model import Explanation
from rtdiag.redact import Mask

INPUTS = Path(__file__).parents[2].parent / "shared" / "inputs"

# As openai-python 3.54 prints them.
SPEECH = (
    "InputAudioBufferSpeechStartedEvent(audio_start_ms=1012, event_id='event_1', item_id='item_1', "
    "type='input_audio_buffer.speech_started')\n"
    "InputAudioBufferSpeechStoppedEvent(audio_end_ms=2080, event_id='event_2', item_id='item_1', "
    "type='input_audio_buffer.speech_stopped')"
)
CREATED = (
    "SessionCreatedEvent(event_id='event_0', session=RealtimeSessionCreateRequest(type='realtime', "
    "audio=RealtimeAudioConfig(output=RealtimeAudioConfigOutput(format=None, speed=1.0, voice='alloy')), "
    "instructions='You\\'re a \"helpful\" bot.\\nBe brief.', max_output_tokens='inf', "
    "model='gpt-realtime', output_modalities=['audio'], object='realtime.session'), type='session.created')"
)
UNKNOWN_FIELD = {
    "type": "error",
    "event_id": "event_9",
    "error": {
        "type": "invalid_request_error",
        "code": "unknown_parameter",
        "message": "Unknown parameter: 'session.input_audio_format'.",
        "param": "session.input_audio_format",
        "event_id": None,
    },
}
PYTHON_ERROR = (
    "RealtimeErrorEvent(error=RealtimeError(message=\"Unknown parameter: 'session.input_audio_format'.\", "
    "type='invalid_request_error', code='unknown_parameter', event_id=None, param='session.input_audio_format'), "
    "event_id='event_9', type='error')"
)
# As Node 22 prints what openai 7.57 throws.
NODE_TRACE = """AuthenticationError: 401 Incorrect API key provided: sk-proj-****0000.
    at APIError.generate (file:///app/node_modules/openai/core/error.mjs:44:20)
    at async file:///app/main.mjs:9:18 {
  status: 401,
  headers: Headers {
    'content-type': 'application/json',
    'access-control-allow-origin': '*',
    'x-request-id': 'req_1'
  },
  requestID: 'req_1',
  error: {
    message: 'Incorrect API key provided: sk-proj-****0000.',
    type: 'invalid_request_error',
    param: null,
    code: 'invalid_api_key'
  },
  code: 'invalid_api_key',
  param: null,
  type: 'invalid_request_error'
}"""
AXIOS = """AxiosError: Request failed with status code 401
    at settle (/app/node_modules/axios/lib/core/settle.js:19:12) {
  code: 'ERR_BAD_REQUEST',
  config: {
    method: 'post',
    url: 'https://api.openai.com/v1/realtime/client_secrets',
    headers: { 'Content-Type': 'application/json' }
  },
  response: {
    status: 401,
    headers: { 'access-control-allow-origin': '*' },
    data: { error: { message: 'Incorrect API key provided: x.', type: 'invalid_request_error', code: 'invalid_api_key' } }
  },
  status: 401
}"""


def reading(text: str) -> Read:
    return read(io.BytesIO(text.encode()), "-", Mask())


def explained(text: str) -> Explanation:
    (found,) = explain(io.BytesIO(text.encode()), "-", Mask())
    return found


def fine(text: str) -> None:
    found = explained(text)
    assert (found.diagnosis, found.flaws) == ((), ())
    assert found.note.startswith("nothing in it failed: ")
    assert "cannot be seen from it" in found.note


# --- values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Event(a=1, b='x', c=None, d=[True, -1.5], e={'k': (1, 2)})", {"a": 1, "b": "x", "d": [True, -1.5], "e": {"k": [1, 2]}}),
        ("{ a: undefined, b: [ 1, 2, ... 3 more items ], c: {…}, d: [Object] }", {"b": [1, 2], "c": {}, "d": "[Object]"}),
        ("Map(1) { 'T01' => { id: 'T01' } }", {"T01": {"id": "T01"}}),
        ("Headers { 'a': '1' }", {"a": "1"}),
        ("<ref *1> { a: [Circular *1], [Symbol(k)]: 1n }", {"a": "[Circular *1]", "[Symbol(k)]": "1n"}),
        ("{ a: 'one ' +\n    'two' }", {"a": "one two"}),
        ("('one '\n 'two')", ["one two"]),
        (r"'it\'s \"x\"\n\u00e9'", "it's \"x\"\né"),
        ("Stats(at=datetime.datetime(2026, 1, tzinfo=datetime.timezone.utc), state=<State.open: 1>)", {"state": "<State.open: 1>"}),
    ],
)  # fmt: skip
def test_values_are_read_as_they_are_printed(text: str, value: Any) -> None:
    found = printed_values.whole(text)
    assert found == value or value.items() <= found.items()


@pytest.mark.parametrize(
    "text", ["{ type: kind }", "send({ type: 'error' })", "{ a: 1", "f(x)", "{" * 5000, "Event(" * 5000, "a b", ""]
)
def test_source_code_and_what_is_cut_off_are_no_values(text: str) -> None:
    assert printed_values.whole(text) is NOTHING or text.startswith("send")


# --- events


@pytest.mark.parametrize(
    "text",
    [
        SPEECH,
        SPEECH.split("\n")[0],
        CREATED,
        f"2026-11-20 10:00:01,123 INFO app: received {CREATED}\n2026-11-20 10:00:01,130 INFO app: listening\n{SPEECH}",
        "{\n  type: 'session.created',\n  event_id: 'event_1',\n  session: { id: 'sess_1', max_output_tokens: 4096 }\n}",
        "{'type': 'response.done', 'response': {'status': 'cancelled', 'status_details': {'reason': 'turn_detected'}}}",
        "2026-11-20 10:00:01 DEBUG speech stopped item=item_1 audio_end_ms=2080",
        "← session.created\n← input_audio_buffer.speech_started\n← response.done",
        "iceConnectionState checking\niceConnectionState connected\nconnectionState connected\ndata channel open",
        "INFO app.rtc: ICE connection state is completed\nINFO app.rtc: Connection state is connected",
        '[Log] ICE connection state changed: – "connected" (rtc.ts, line 66)',
    ],
)
def test_in_what_is_healthy_nothing_failed(text: str) -> None:
    fine(text)


@pytest.mark.parametrize(
    "text",
    [
        "iceConnectionState connected\niceConnectionState failed",
        "iceConnectionState checking",
        "The ICE connection state never gets to connected",
        "session.update does nothing",
        "2026-11-20 10:00:01 INFO upstream answered 502",
        "INFO app: the socket closed 1006",
        f"{SPEECH}\niceConnectionState: failed",
    ],
)
def test_what_is_not_is_not_called_so(text: str) -> None:
    found = explained(text)
    assert found.diagnosis


@pytest.mark.parametrize(
    "text", [PYTHON_ERROR, f"{CREATED}\n{PYTHON_ERROR}", f"{CREATED}\n{json.dumps(UNKNOWN_FIELD)}"]
)
def test_an_error_event_says_what_its_json_says(text: str) -> None:
    first = explained(text).diagnosis[0]
    assert (first.cause, first.confidence) == ("flat-beta-fields-in-ga", "high")
    assert first == explained(text).diagnosis[0]


def test_an_error_among_printed_events_is_read_as_json_with_what_led_to_it() -> None:
    (situation,) = reading(f"{CREATED}\n{SPEECH}\n{PYTHON_ERROR}").situations
    assert json.loads(situation.text)["error"]["param"] == "session.input_audio_format"
    assert (situation.where, situation.surface) == ("line 4", "data_channel")
    assert "model gpt-realtime" in situation.circumstances


@pytest.mark.parametrize("status", ["failed", "incomplete"])
def test_a_response_that_did_not_complete_is_a_failure(status: str) -> None:
    done = f"ResponseDoneEvent(id='e', response=RealtimeResponse(status='{status}', max_output_tokens=40), type='response.done')"
    (situation,) = reading(f"{CREATED}\n{done}").situations
    assert json.loads(situation.text)["response"]["status"] == status


def test_what_a_person_says_beside_healthy_events_is_what_is_judged() -> None:
    (situation,) = reading(f"The assistant never answers me, why?\n{SPEECH}").situations
    assert situation.text == "The assistant never answers me, why?"
    assert situation.circumstances == ("the log beside it holds 2 events, none an error",)


def test_a_part_of_a_log_is_not_blamed_for_what_it_leaves_out() -> None:
    committed = '{"type": "input_audio_buffer.speech_started"}\n{"type": "input_audio_buffer.committed"}'
    fine(committed)
    odd = reading('{"type": "session.created", "session": {}}\n' + committed).situations
    assert "speech was taken in, no transcription and no response came" in odd[0].circumstances


def test_source_code_that_sends_an_event_is_no_log() -> None:
    code = 'dc.send(JSON.stringify({ type: "session.update", session: { voice: "alloy" } }));\n'
    event = "event = SessionUpdateEvent(type='session.update', session={'type': 'realtime'})\n"
    assert reading(code * 2).form != "event log"
    assert reading(event + "await ws.send(ResponseCreateEvent(type='response.create'))").form != "event log"


# --- errors


@pytest.mark.parametrize("text", [NODE_TRACE, AXIOS])
def test_an_error_that_node_prints_is_one_failure_without_its_headers(text: str) -> None:
    (situation,) = reading(text).situations
    assert situation.status == 401
    assert "invalid_api_key" in situation.text
    assert "access-control" not in situation.text
    assert explained(text).diagnosis[0].cause == "key-wrong-or-revoked"


def test_axios_tells_what_was_asked() -> None:
    (situation,) = reading(AXIOS).situations
    assert (situation.method, situation.url) == ("POST", "https://api.openai.com/v1/realtime/client_secrets")


@pytest.mark.parametrize(
    "text",
    [
        "{ error: { message: 'x', code: 'rate_limit_exceeded' }, headers: { 'access-control-allow-origin': '*' } }",
        'It works. headers: { "access-control-allow-origin": "*" }  status: 429 rate_limit_exceeded',
        "headers: {'Access-Control-Allow-Origin': '*'}\nError: 429 rate_limit_exceeded",
    ],
)
def test_what_a_server_allows_is_no_sign_of_cors(text: str) -> None:
    causes = [found.cause for found in explained(text).diagnosis]
    assert causes[0] == "rate-limit"
    assert "cors" not in causes


@pytest.mark.parametrize("size", [2_000, 4_000])
def test_what_looks_like_events_and_is_none_costs_little(size: int) -> None:
    for text in ("Event(a=" * size, "{ a: " * size, "Event(a='" * size, "x Event(a=1 {b: " * size):
        assert reading(text).form


@pytest.mark.skipif(not INPUTS.exists(), reason="no shared/inputs beside the checkout")
@pytest.mark.parametrize(
    "name", ["python-events-healthy", "log-speech-stopped", "one-event", "ice-connected", "ice-connected-prose"]
)
def test_the_healthy_inputs(name: str) -> None:
    fine((INPUTS / f"{name}.txt").read_text(encoding="utf-8"))


@pytest.mark.skipif(not INPUTS.exists(), reason="no shared/inputs beside the checkout")
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("node-401", "key-wrong-or-revoked"),
        ("node-404-with-headers", "beta-mint-endpoint-retired"),
        ("node-429-with-headers", "rate-limit"),
        ("works-but-429", "rate-limit"),
    ],
)
def test_the_inputs_of_node(name: str, cause: str) -> None:
    assert [d.cause for d in explained((INPUTS / f"{name}.txt").read_text(encoding="utf-8")).diagnosis] == [cause]
