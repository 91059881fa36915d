"""What a text is made of, what is denied in it, and that neither a denial nor a log around it changes what failed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rtdiag.diagnosis import records
from rtdiag.diagnosis.denial import undenied
from rtdiag.diagnosis.matching import causes_of
from rtdiag.diagnosis.records import Record, all_well, taken_apart
from rtdiag.diagnosis.situation import Situation
from rtdiag.diagnosis.upstream import apart
from tests.diagnosis.example import examples


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("AuthenticationError: 401 Incorrect API key provided: sk-****0000.", ["machine"]),
        ('{"error": {"code": "invalid_api_key", "message": "no"}}', ["machine"]),
        ("error:\ncode: null\nmessage: \"It broke.\"", ["machine"]),
        ("HTTP 401", ["machine"]),
        ("my ephemeral token gives 401 on /realtime/calls", ["person"]),
        ("I hear no audio at all", ["person"]),
        ("There is no CORS error in the console", ["denied"]),
        ("My token is not expired. I get 401 Unauthorized.", ["denied", "person", "machine"]),
        ("const pc = new RTCPeerConnection();\nawait pc.setRemoteDescription(answer);", ["code", "code"]),
        ("app.use(cors())", ["code"]),
        ('throw new Error("invalid_api_key");', ["code"]),
        ('{"type": "session.created", "session": {}}', ["healthy"]),
        ("2026-11-20 10:00:01 DEBUG speech stopped item=item_1", ["healthy"]),
        ('{"level":"DEBUG","msg":"unhandled event","type":"session.created"}', ["healthy"]),
        ("2026-11-20 10:00:01 ERROR upstream answered 502", ["machine"]),
        ("iceConnectionState connected", ["healthy"]),
        ("✅ session updated, all is set", ["healthy"]),
        ("For example you would get invalid_api_key here", ["person"]),
        ("", []),
    ],
)  # fmt: skip
def test_a_text_is_taken_apart(text: str, kinds: list[str]) -> None:
    assert [one.kind for one in taken_apart(text)] == kinds


def test_a_record_knows_its_line_and_words_of_two_records_do_not_meet() -> None:
    found = taken_apart("I use the voice alloy.\n\nUnknown beta requested: 'realtime'.")
    assert [(one.line, one.kind) for one in found] == [(1, "person"), (3, "machine")]
    causes = causes_of(Situation("I use the voice alloy.\nUnknown beta requested: 'realtime'."))
    assert causes[0].cause == "beta-shape-retired"
    assert "voice-value-invalid" not in {one.cause for one in causes}


# What a gateway tells, and what is but like it: the words that the record has before its own, or its kind.
@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        ('{"error":{"message":"{\\n \\"error\\": {\\"message\\": \\"Incorrect API key provided: x\\"}}"}}', None, "key refused: "),
        ("{'error': {'message': 'litellm.RateLimitError: OpenAIException - Too many requests'}}", None, "rate limited: "),
        ('{"error":{"message":"Provider returned error","metadata":{"raw":"insufficient_quota"}}}', 429, "account exhausted: "),
        ("received 1011 (internal error) Internal server error: [Errno 111] Connection refused", None, "unreachable: "),
        ("no healthy upstream", 503, "unreachable: "),
        ('{"error":{"message":"Cannot connect to host up:80 [Connect call failed]"}}', None, "unreachable: "),
        ("Cannot connect to host gateway:80 ssl:default [Connect call failed ('10.0.0.2', 80)]", None, "machine"),
        ("litellm.AuthenticationError: OpenAIException - Incorrect API key provided: sk-x", None, "machine"),
        ('{"error": {"code": "ECONNREFUSED", "syscall": "connect", "message": "connect ECONNREFUSED"}}', None, "machine"),
        ('{"error":{"message":"Authentication Error, Invalid proxy server token passed","type":"auth_error"}}', 401, "machine"),
        ('{"error":{"message":"Incorrect API key provided: sk-x","code":"invalid_api_key"}}', 401, "machine"),
        ('{"error":{"message":"{\\"error\\": {\\"message\\": \\"Invalid SDP offer.\\"}}"}}', 400, "machine"),
    ],
)  # fmt: skip
def test_what_a_gateway_tells_of_its_upstream_is_a_record_of_its_own(text: str, status: int | None, told: str) -> None:
    (one, *_) = apart(taken_apart(text), Situation(text, status=status))
    assert one.text.startswith(told) if one.kind == "upstream" else told == one.kind


@pytest.mark.parametrize("unit", ["is_bifrost_error", '"message":"{\\n', "model group x ", "litellm.a", '\\\\"', "a_"])
def test_a_gateways_words_are_looked_for_in_time_that_does_not_grow_with_a_record(unit: str) -> None:
    def took(length: int) -> float:
        began = time.process_time()
        apart([Record("machine", (unit * length)[:length], 1)], Situation(status=500))
        return time.process_time() - began

    assert took(400_000) < 20 * max(took(8_000), 0.005)


DENIALS = [
    "There is no CORS error in the console.",
    "My ephemeral token is not expired.",
    "It is not a quota or rate limit problem.",
    "I do not get ENOTFOUND any more.",
    "We are not behind a proxy or firewall.",
    "The API key is valid.",
    "No certificate errors, and billing is fine.",
    "The microphone is not blocked.",
    "I no longer see invalid_api_key.",
    "The SSL certificate was wrong, that is fixed.",
]


@pytest.mark.parametrize("denial", DENIALS)
def test_what_is_denied_is_no_sign(denial: str) -> None:
    first = causes_of(Situation(denial))[0]
    assert (first.cause, first.confidence) == ("unknown", "low")


@pytest.mark.parametrize(
    "symptom",
    [
        "session.update does nothing",
        "semantic_vad is not working",
        "I can't hear any audio",
        "the call is not found",
        "I do not see why I get 401",
        "my handler listens for response.audio.delta but it never comes any more",
    ],
)
def test_a_symptom_told_with_a_negation_is_none(symptom: str) -> None:
    assert undenied(symptom) == symptom


REPORTED = [e for e in examples("body", "printed") if not (e.situation.observed or e.situation.failure)]
LOG = """2026-11-20 10:00:00,001 INFO  starting server on port 3000
2026-11-20 10:00:00,120 DEBUG loaded supports_websockets=true max_retries=3
[info] GET /healthz 200 3ms
INFO:     127.0.0.1:51324 - "GET / HTTP/1.1" 200 OK
2026-11-20 10:00:02 DEBUG speech stopped item=item_1 audio_end_ms=2080
{"type":"session.created","session":{"object":"realtime.session","type":"realtime","voice":"alloy","turn_detection":{"type":"server_vad"}}}
iceConnectionState: completed
data channel open
response.output_audio_transcript.done Hello! How can I help?
user connected, sending greeting"""


@pytest.mark.parametrize("topic", sorted({one.topic for one in REPORTED}))
def test_denials_before_a_failure_turn_none_wrong_with_confidence(topic: str) -> None:
    wrong = []
    for number, one in enumerate(one for one in REPORTED if one.topic == topic):
        for before in (" ".join(DENIALS) + "\n",) if number % 2 else (f"{DENIALS[number // 2 % len(DENIALS)]} ",):
            first = causes_of(replace(one.situation, text=before + one.situation.text))[0]
            if first.confidence == "high" and first.cause.partition("/")[0] != one.family:
                wrong.append((str(one), before, first.cause))
    assert wrong == []


def test_a_page_of_ordinary_log_around_a_failure_changes_hardly_any_and_turns_none_wrong_with_confidence() -> None:
    told = [(e, causes_of(replace(e.situation, text=f"{LOG}\n{e.situation.text}\n{LOG}"))[0]) for e in REPORTED]
    changed = [(e, first) for e, first in told if first.cause.partition("/")[0] != e.family]
    assert len(changed) <= 0.01 * len(REPORTED)
    assert not [str(e) for e, first in changed if first.confidence == "high"]


@pytest.mark.parametrize(
    "text", ["it does not work and i do not know why ", "There is no error. ", "is not a ", "a(", '{"', "[1] "]
)
def test_a_long_text_is_taken_apart_in_time_that_grows_with_it(text: str) -> None:
    def seconds(times: int) -> float:
        begun = time.process_time()
        taken_apart(text * times)
        return time.process_time() - begun

    seconds(10)
    assert seconds(4000) < 8 * (seconds(1000) + 0.01)


def test_a_text_that_is_not_all_well_is_left_where_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    of_whole, looked_at = records._records, list[str]()

    def noted(whole: str, line: int) -> Iterator[Record]:
        looked_at.append(whole)
        return of_whole(whole, line)

    monkeypatch.setattr(records, "_records", noted)
    text = "10:00:00 INFO ready\n" + "My session does not start, and I do not know why.\n" * 1000
    assert all_well(text) == ()
    assert looked_at == text.splitlines()[:2]


def test_all_is_well_where_no_record_says_otherwise() -> None:
    log = [f"2026-11-22 10:00:0{n} INFO session ready" for n in range(9)]
    texts = [one.situation.text for one in examples()] + [
        "\n".join(log[:n]) + tail for n in range(9) for tail in _TAILS
    ]
    found = [all_well(text) for text in texts]
    for text, well in zip(texts, found, strict=True):
        kinds = {record.kind for record in taken_apart(text)}
        assert well == (taken_apart(text) if "healthy" in kinds and kinds <= {"healthy", "code"} else ())
    assert 0 < sum(map(bool, found)) < len(found)


_TAILS = ("", "\napp.use(cors())", "\nThe microphone of the page was opened", "\nIt does not work for me", "\nHTTP 401")
