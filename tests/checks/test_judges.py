"""What the judges make of answers that somebody really got, row by row; sources stand beside the bodies.

Statuses and bodies that the emulator can give are in test_faults.py; here is what it cannot, and the negative rows.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date
from typing import Any

import pytest

from rtdiag.api.endpoints import Dialect
from rtdiag.engine import registry
from rtdiag.model import Event, Evidence, Exchange, Failure, Finding, Observation, PeerTrace
from rtdiag.testing import exchange, judge, refusal
from rtdiag.transport.packets import ON_A_LOSSY_WAY

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
            "ice-udp-blocked/no-udp-candidate",
        ),
        (
            "channel",
            Failure("channel", "channel", f"not done within 20 s, {ON_A_LOSSY_WAY}"),
            {},
            "inconclusive",
            "ice-udp-blocked/lossy",
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


@pytest.mark.parametrize(("remote", "told"), [("tcp", "a browser can"), ("udp", "a browser gets no further")])
def test_where_udp_is_blocked_the_answers_tcp_decides_what_a_browser_can_do(remote: str, told: str) -> None:
    failure = Failure("ice", "ice", "not done within 8 s")
    trace = PeerTrace("p1", candidates={"local-udp-host": 1, f"remote-{remote}-host": 3}, failure=failure)
    assert told in (judge_hint("sdp", Observation("ice-realtime", peers=(trace,))) or "")


def judge_hint(check: str, seen: Observation) -> str | None:
    """The hint of the judge itself, which the advice of a cause may stand before."""
    evidence = Evidence({seen.case: seen}, frozenset(["ga"]), official=True, today=date(2026, 11, 22))
    (finding,) = CHECKS[check].judge(evidence)
    return finding.hint


LITE = "a=ice-lite\r\n"
OTHER_PORT = "a=candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host\r\n"


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (f"v=0\r\n{LITE}a=setup:passive\r\n{OTHER_PORT}", "pass", "ice-lite, setup:passive, udp at another port"),
        ("v=0\r\na=setup:active\r\na=setup:active\r\n", "pass", "no ice-lite, setup:active"),
        (f"v=0\r\n{LITE}a=setup:actpass\r\n{OTHER_PORT}", "fail", "ice-lite, setup:actpass, udp at another port"),
        (f"v=0\r\n{LITE}a=setup:active\r\na=setup:actpass\r\n", "fail", "ice-lite, setup:active and actpass"),
        ("v=0\r\n", "fail", "no ice-lite, no setup"),
    ],
)
def test_what_an_answer_says_of_how_to_connect(answer: str, status: str, says: str) -> None:
    """One that does not say who begins DTLS is never taken: setup-missing, a fault, in a whole run."""
    taken = status == "pass"
    trace = PeerTrace("p1", phases_ms={"answer": 2.0} if taken else {})
    found = one("sdp", Observation("parse-realtime", (exchange(201, answer),), peers=(trace,)))
    cause = None if taken else "answer-not-sdp"
    assert (found.status, found.cause, found.measured) == (status, cause, f"2 ms; {says}" if taken else says)


def opening(model: str, voice: str, silence_ms: int) -> Observation:
    turns = {"type": "server_vad", "silence_duration_ms": silence_ms}
    session = {
        "type": "realtime",
        "model": model,
        "audio": {"input": {"turn_detection": turns}, "output": {"voice": voice}},
    }
    text = json.dumps({"type": "session.created", "session": session})
    created = Event("e1", "p1/oai-events", "received", 1.0, "session.created", text)
    return Observation("created-realtime", (), (created,), (PeerTrace("p1", phases_ms={"created": 3.0}),))


@pytest.mark.parametrize(
    ("seen", "measured", "expected"),
    [
        (opening("gpt-realtime", "alloy", 200), "", ""),
        (opening("gpt-realtime-2.1", "marin", 500), "", ""),
        (opening("somebody-elses", "ara", 800), "", ""),
        (opening("gpt-realtime-2.1", "alloy", 500), '; voice "alloy"', "; voice marin"),
        (
            opening("gpt-realtime-2.1", "alloy", 200),
            '; voice "alloy", silence_duration_ms 200',
            "; voice marin, silence_duration_ms 500",
        ),
    ],
)
def test_a_session_that_opens_otherwise_than_its_model_does_is_told(
    seen: Observation, measured: str, expected: str
) -> None:
    found = one("sdp", seen)
    assert (found.status, found.measured, found.expected) == (
        "pass",
        f"3 ms, session.created{measured}",
        f"session.created{expected}",
    )
    assert bool(found.hint) == bool(measured)


def test_a_life_is_counted_from_the_day_of_the_mint_where_the_server_tells_no_time() -> None:
    facts = {"local_unix_s": 1_000.0, "expires_at": 1_060, "dialect": "ga", "minted": True}
    found = one("token", Observation("life-realtime", (exchange(200, {}),), facts=facts))
    assert (found.status, found.measured) == ("pass", "60 s by this machine's clock")


@pytest.mark.parametrize(
    ("sent", "echoed", "status", "told"),
    [
        (
            {"instructions": ""},
            {"instructions": "You are a helpful AI."},
            "pass",
            "an empty text leaves the server's own",
        ),
        ({"instructions": ""}, {"instructions": ""}, "pass", ""),
        ({"instructions": ""}, {}, "fail", "not in the echo"),
        ({"instructions": "Be brief."}, {"instructions": "You are a helpful AI."}, "fail", "echoed"),
    ],
)
def test_your_own_session_is_held_against_what_the_api_shows(
    sent: dict[str, Any], echoed: dict[str, Any], status: str, told: str
) -> None:
    found = one("vad", Observation("own-mint", (exchange(200, {}),), facts=own(sent, echoed)))
    assert found.status == status
    assert told in found.measured


def own(sent: dict[str, Any], echoed: dict[str, Any]) -> dict[str, Any]:
    return {"given": True, "session": sent, "echoed": echoed}


def test_a_delay_that_was_taken_is_not_missed_in_the_echo() -> None:
    sent = {"audio": {"input": {"transcription": {"model": "gpt-live-transcribe", "delay": "low"}}}}
    shown = {"audio": {"input": {"transcription": {"model": "gpt-live-transcribe", "language": None, "prompt": None}}}}
    found = one("vad", Observation("own-mint", (exchange(200, {}),), facts=own(sent, shown)))
    assert found.status == "pass"
    assert found.measured.endswith("audio.input.transcription.delay: taken, and never shown")


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
