"""What the judges make of answers that somebody really got, row by row; sources stand beside the bodies.

Statuses and bodies that the emulator can give are in test_faults.py; here is what it cannot, and the negative rows.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from rtdiag.api.endpoints import Dialect
from rtdiag.engine import registry
from rtdiag.model import Event, Exchange, Failure, Finding, Observation, PeerTrace
from rtdiag.testing import exchange, judge, refusal

CHECKS = registry.load(()).checks


def one(check: str, seen: Observation, dialects: Collection[Dialect] = frozenset[Dialect](["ga"])) -> Finding:
    return judge(CHECKS[check], [seen], dialects=dialects)[seen.case]


EMPTY = exchange(400, {"error": {"message": "", "type": "", "code": "", "param": ""}})  # community.openai.com 1334200
MISMATCH = refusal(
    400,
    "api_version_mismatch",
    "API version mismatch. You cannot start a Realtime beta session with a GA client secret.",
)
NO_MODEL = refusal(400, "invalid_model", 'Model "mock-model" is not supported in realtime mode.')
EOF = exchange(400, {"error": {"message": "Failed to parse offer: failed to unmarshal SDP: EOF"}})
WRONG_KEY = refusal(401, "invalid_api_key", "Incorrect API key provided: ek_67e7a***********************26ea.")
NO_QUOTA = exchange(
    429,
    {
        "error": {
            "message": "You exceeded your current quota.",
            "type": "insufficient_quota",
            "code": "insufficient_quota",
        }
    },
)
# speech-to-speech 1.1, tried on 2026-11-29
NO_SLOT = exchange(
    503, {"type": "error", "error": {"type": "session_limit_reached", "message": "All 1 session slots are in use."}}
)
OFFER = refusal(400, "invalid_offer", "Invalid SDP offer. Please try again with a WHIP-compliant offer.")


@pytest.mark.parametrize(
    ("answer", "dialect", "status", "cause"),
    [
        (exchange(201, "v=0"), "ga", "pass", None),
        (exchange(200, "v=0"), "beta", "pass", None),
        (EMPTY, "beta", "fail", "token-kind-url-mismatch"),
        (MISMATCH, "ga", "fail", "ga-secret-on-beta-connection"),
        (NO_MODEL, "ga", "fail", "model-not-a-realtime-model"),
        (EOF, "ga", "fail", "sdp-offer-altered-in-transit"),
        (WRONG_KEY, "ga", "fail", "token-of-another-issuer"),
        (WRONG_KEY, "beta", "fail", "transcription-over-webrtc-refused"),
        (NO_QUOTA, "ga", "inconclusive", "quota-exhausted"),
        (NO_SLOT, "ga", "inconclusive", "no-session-slot-free"),
        (exchange(503, "worker at capacity"), "ga", "inconclusive", "no-session-slot-free"),
        (exchange(503, "upstream unavailable"), "ga", "inconclusive", "server-unavailable"),
        (refusal(429, "concurrent_session_limit_exceeded"), "ga", "inconclusive", "no-session-slot-free"),
        (refusal(429, "rate_limit_exceeded", "Rate limit reached"), "ga", "inconclusive", "rate-limit"),
        (refusal(403, None, "Too many concurrent sessions"), "ga", "inconclusive", "no-session-slot-free"),
        (
            exchange(503, "<html>", headers={"content-type": "text/html"}),
            "ga",
            "inconclusive",
            "server-unavailable",
        ),
    ],
)
def test_an_answer_to_an_offer(answer: Exchange, dialect: Dialect, status: str, cause: str | None) -> None:
    seen = Observation("answer-transcription", (answer,), facts={"dialect": dialect})
    found = one("sdp", seen, [dialect])
    assert (found.status, found.cause) == (status, cause)


@pytest.mark.parametrize(
    ("name", "failure", "candidates", "status", "cause"),
    [
        (
            "ice",
            Failure("ice", "ice", "not done within 8 s"),
            {"local-udp-host": 1, "remote-udp-host": 3},
            "inconclusive",
            "ice-udp-blocked",
        ),
        ("ice", Failure("ice", "ice", "ended as failed"), {"local-udp-host": 3}, "fail", "answer-without-candidates"),
        (
            "ice",
            Failure("ice", "ice", "ended as failed"),
            {"remote-tcp-host": 3},
            "inconclusive",
            "network-unreachable/loopback-only",
        ),
        (
            "ice",
            Failure("ice", "ice", "the answer carries no candidate"),
            {},
            "inconclusive",
            "network-unreachable/loopback-only",
        ),
        (
            "ice",
            Failure("ice", "ice", "ended as failed"),
            {"local-udp-host": 1, "remote-tcp-host": 3},
            "inconclusive",
            "ice-udp-blocked",
        ),
        ("dtls", Failure("dtls", "dtls", "ended as connectionState failed"), {}, "fail", "dtls-fingerprint-mismatch"),
        ("dtls", Failure("dtls", "dtls", "not done within 5 s"), {}, "inconclusive", "dtls-no-answer"),
        ("channel", Failure("channel", "channel", "not done within 5 s"), {}, "fail", "data-channel-never-opens"),
        ("created", Failure("silence", "created", "not done within 5 s"), {}, "fail", "session-created-missing"),
    ],
)
def test_a_phase_that_failed(name: str, failure: Failure, candidates: dict[str, int], status: str, cause: str) -> None:
    trace = PeerTrace("p1", candidates=candidates, failure=failure)
    found = one("sdp", Observation(f"{name}-realtime", peers=(trace,)))
    assert (found.status, found.cause) == (status, cause)


@pytest.mark.parametrize(
    ("answer", "made_up", "status"),
    [
        (OFFER, WRONG_KEY, "pass"),
        (EOF, WRONG_KEY, "pass"),
        (OFFER, OFFER, "info"),
        (WRONG_KEY, WRONG_KEY, "fail"),
        (EMPTY, WRONG_KEY, "info"),
    ],
)
def test_a_400_says_that_the_token_was_taken_only_where_the_control_was_refused(
    answer: Exchange, made_up: Exchange, status: str
) -> None:
    cells = [Observation("calls-made-up", (made_up,)), Observation("calls-realtime-token", (answer,))]
    assert judge(CHECKS["endpoint"], cells)["calls-realtime-token"].status == status
    rows = [Observation("control", (made_up,)), Observation("accepted-realtime", (answer,), facts={"dialect": "ga"})]
    assert judge(CHECKS["token"], rows)["accepted-realtime"].status == status


@pytest.mark.parametrize("target", ["transcription-sessions", "sessions", "client-secrets"])
@pytest.mark.parametrize("answer", [WRONG_KEY, refusal(404, None, "Invalid URL (POST /v1/realtime/sessions)"), EMPTY])
def test_an_offer_posted_to_a_mint_is_shown_whole_with_the_way_out(target: str, answer: Exchange) -> None:
    for dialects in (frozenset[Dialect](["ga"]), frozenset[Dialect](["beta"])):
        found = one("endpoint", Observation(f"{target}-transcription-token", (answer,)), dialects)
        assert found.show_body
        assert found.status in ("pass", "info")
        assert "drop ?model=" in (found.hint or "")


def test_the_intent_url_is_called_a_websocket_never_gone() -> None:
    found = one("endpoint", Observation("intent-realtime-token", (refusal(404, None, "Invalid URL"),)))
    assert found.status == "info"
    assert "alive as a WebSocket" in (found.instead or "")


def update(answer: dict[str, Any] | None, form: str = "ga", kind: str = "realtime", dialect: Dialect = "ga") -> Finding:
    import json

    session = {"type": kind, "instructions": "x"}
    said = json.dumps({"type": "session.update", "session": session})
    sent = Event("e1", "p1/oai-events", "sent", 0.0, "session.update", said)
    back = answer and Event("e2", "p1/oai-events", "received", 1.0, str(answer["type"]), json.dumps(answer))
    facts = {"dialect": dialect, "asked": True, "sent": session}
    return one(
        "session-update",
        Observation(f"{kind}-{form}", events=(sent, back) if back else (sent,), facts=facts),
        [dialect],
    )


def error(
    code: str | None, message: str, param: str | None = None, kind: str = "invalid_request_error"
) -> dict[str, Any]:
    return {
        "type": "error",
        "error": {"type": kind, "code": code, "message": message, "param": param, "event_id": None},
    }


@pytest.mark.parametrize(
    ("answer", "status", "cause"),
    [
        (
            {"type": "session.updated", "session": {"type": "realtime", "instructions": "x", "voice": "alloy"}},
            "pass",
            None,
        ),
        (
            {"type": "session.updated", "session": {"type": "realtime", "instructions": "y"}},
            "fail",
            "update-not-applied",
        ),
        ({"type": "session.updated", "session": {"type": "realtime"}}, "fail", "update-not-applied"),
        ({"type": "session.updated"}, "fail", "update-not-applied"),
        (None, "fail", "session-update-unanswered"),
        (
            error("missing_required_parameter", "Missing required parameter: 'session.type'.", "session.type"),
            "fail",
            "session-type-missing-ga",
        ),
        (
            error("unknown_parameter", "Unknown parameter: 'session.turn_detection'", "session.turn_detection"),
            "fail",
            "flat-beta-fields-in-ga",
        ),
        (
            error(None, "The server had an error while processing your request.", kind="server_error"),
            "fail",
            "generic-server-error",
        ),
    ],
)
def test_the_right_update_and_what_comes_back(answer: dict[str, Any] | None, status: str, cause: str | None) -> None:
    found = update(answer)
    assert (found.status, found.cause) == (status, cause)


def test_the_wrong_update_should_be_refused_and_the_row_says_what_to_send() -> None:
    refused = update(
        error("invalid_value", "Invalid value: 'transcription_session.update'.", "type"), "transcription-update"
    )
    assert refused.status == "pass"
    assert refused.hint == 'send session.update in GA shape, with "type": "realtime"'
    assert update({"type": "session.updated"}, "beta").status == "info", "taken: this server takes more than the API"
    thread = update(error(None, "The server had an error", kind="server_error"), "ga", "transcription", "beta")
    assert (thread.status, thread.hint) == ("pass", "send transcription_session.update")


def vad(model: str, sent: Any, **more: Any) -> Finding:
    facts = {"kind": "transcription", "model": model, "sent": sent, **more}
    answer = more.pop("answer", exchange(200, {}))
    return one("vad", Observation("mint-transcription-server-vad", (answer,), facts=facts))


NONE_TAKEN = refusal(
    400, "invalid_value", "Turn detection is not supported for this transcription model."
)  # record 67152136857
SEMANTIC = {"type": "semantic_vad", "eagerness": "auto"}


@pytest.mark.parametrize(
    ("model", "sent", "more", "status", "cause"),
    [
        ("gpt-transcribe", {"type": "server_vad"}, {"echoed": {"type": "server_vad", "threshold": 0.5}}, "pass", None),
        ("gpt-transcribe", {"type": "server_vad"}, {"answer": NONE_TAKEN}, "fail", "vad-unsupported-for-whisper"),
        ("gpt-realtime-whisper", {"type": "server_vad"}, {"answer": NONE_TAKEN}, "pass", None),
        ("gpt-realtime-whisper", {"type": "server_vad"}, {"echoed": {"type": "server_vad"}}, "info", None),
        ("gpt-realtime-whisper", None, {"echoed": None}, "pass", None),
        ("gpt-transcribe", SEMANTIC, {"answer": NONE_TAKEN}, "info", None),
        ("gpt-transcribe", SEMANTIC, {"echoed": {"type": "semantic_vad", "eagerness": "medium"}}, "pass", None),
        (
            "gpt-transcribe",
            SEMANTIC,
            {"echoed": {"type": "semantic_vad", "eagerness": "low"}},
            "fail",
            "vad-not-applied",
        ),
        ("gpt-transcribe", None, {"echoed": {"type": "server_vad"}}, "fail", "vad-not-applied"),
        ("gpt-transcribe", {"type": "server_vad"}, {}, "fail", "vad-not-applied"),
        ("somebody-elses", {"type": "server_vad"}, {"answer": NONE_TAKEN}, "info", None),
    ],
)
def test_a_turn_detection_is_judged_by_its_models_rule(
    model: str, sent: Any, more: dict[str, Any], status: str, cause: str | None
) -> None:
    found = vad(model, sent, **more)
    assert (found.status, found.cause) == (status, cause)
