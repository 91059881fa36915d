"""What the judges make of live traffic that somebody else recorded: a server that answers as the API did is green."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rtdiag.api import models, sessions
from rtdiag.api.endpoints import Dialect
from rtdiag.compare.recording import Recording
from rtdiag.compare.recording.recording import Exchange as Asked
from rtdiag.engine import registry
from rtdiag.engine.context import call_path
from rtdiag.model import Event, Exchange, Finding, Observation, PeerTrace
from rtdiag.testing import exchange, judge
from tests.recorded.recordings import RECORDINGS, here, name_of, read

pytestmark = here

CHECKS = registry.load(()).checks
Json = dict[str, Any]

# Of these the events are those of the beta; a tool comes back from xAI in the shape of Chat Completions.
FLAT = {"openai-beta", "azure-preview", "azure-voice-live", "xai"}
NOT_AS_SENT = {"xai/parity_ws__text_tool_round_parity--xai-current", "xai/xai_ws__tool_call_round"}


def found(check: str, path: Path, seen: Observation) -> Finding:
    """What is said of it on the day that it was recorded."""
    day, family = read(path).header.day or date(2026, 11, 22), path.parent.name
    dialect: Dialect = "beta" if family in FLAT else "ga"
    official = family.startswith("openai")
    return judge(CHECKS[check], [seen], dialects=[dialect], official=official, today=day)[seen.case]


def passed(check: str, path: Path, seen: Observation) -> str:
    """What was measured of what is green."""
    finding = found(check, path, seen)
    assert finding.status == "pass", finding
    return finding.measured


def http(asked: Asked) -> Exchange:
    """The answer as a check has it; a body that was posted as an SDK shows it is the error object alone."""
    told = asked.response.body or {}
    body = told.get("json", told.get("text", ""))
    if isinstance(body, Mapping) and (asked.response.status or 0) >= 400 and "error" not in body:
        body = {"error": body}
    headers = {name: one if isinstance(one, str) else ", ".join(one) for name, one in asked.response.headers.items()}
    return exchange(asked.response.status, body, url=asked.request.url, headers=headers)


def event(direction: Any, told: Json) -> Event:
    return Event("e1", "w1/socket", direction, 0.0, str(told["type"]), json.dumps(told))


def exchanges(recording: Recording, path: str) -> list[Asked]:
    return [asked for asked in recording.exchanges if asked.request.url.endswith(path)]


def updates(recording: Recording) -> Iterator[tuple[Event, Event]]:
    """Each update with its answer."""
    sent = None
    for frame in recording.frames:
        if frame.event is None or frame.direction is None:
            continue
        came = event(frame.direction, frame.event) if "type" in frame.event else None
        if came and came.type == "session.update":
            sent = came
        elif came and sent and (came.type in sessions.UPDATED or came.type == "error"):
            yield sent, came
            sent = None


def session_of(told: Event) -> Json:
    return dict(told.json.get("session", {}))


def those(*patterns: str) -> list[Path]:
    """Whole recordings by their names: they are read where they are needed."""
    every = [path for pattern in patterns for path in sorted(RECORDINGS.glob(pattern))]
    return [path for path in every if not path.name.startswith("err__")]


def each(paths: Sequence[Path]) -> pytest.MarkDecorator:
    """The test for each of them."""
    return pytest.mark.parametrize("path", [pytest.param(path, id=name_of(path)) for path in paths])


SIGNALLED = those("openai-ga/*webrtc_*", "azure-ga/*webrtc_*")
SPOKEN = those("openai-ga/*ws*__*", "azure-ga/*ws*__*", "gateway/*openai*", "azure-voice-live/*ws__*", "xai/*ws__*")


def minted(recording: Recording) -> list[Asked]:
    return exchanges(recording, "/realtime/client_secrets")


def answered(recording: Recording) -> list[Asked]:
    return [x for x in recording.exchanges if x.request.url.partition("?")[0].endswith("/realtime/calls")]


def begun(recording: Recording) -> list[Json]:
    return [told for told in recording.received if told.get("type") == "session.created"]


@each(SIGNALLED)
def test_a_mint(path: Path) -> None:
    for asked in minted(read(path)):
        seen, body = http(asked), (asked.request.body or {})["json"]
        told, day = seen.json, read(path).header.moment
        assert day is not None
        life_s = told["expires_at"] - day.timestamp()
        facts = {"expires_at": told["expires_at"], "local_unix_s": day.timestamp(), "dialect": "ga", "minted": True}
        assert passed("token", path, Observation("mint-realtime", (seen,), facts=facts)) == "200, GA dialect"
        life = found("token", path, Observation("life-realtime", (seen,), facts=facts))
        assert life.measured == f"{life_s:.0f} s by this machine's clock"
        assert life.status == ("pass" if "expires_after" in body else "warn")
        own = {"given": True, "session": body["session"], "echoed": told["session"]}
        assert passed("vad", path, Observation("own-mint", (seen,), facts=own)) == "accepted, and echoed as sent"


@each(SIGNALLED)
def test_an_answer_to_an_offer(path: Path) -> None:
    for asked in answered(read(path)):
        seen = http(asked)
        assert passed("sdp", path, Observation("answer-realtime", (seen,), facts={"dialect": "ga"})) == "201"
        assert passed("sdp", path, Observation("multipart", (seen,))) == "201"
        call = passed("sdp", path, Observation("location", (seen,)))
        assert call_path(seen) == f"/realtime/calls/{call}"
        parsed = Observation("parse-realtime", (seen,), peers=(PeerTrace("p1", phases_ms={"answer": 1.0}),))
        says = passed("sdp", path, parsed)
        if path.parent.name == "openai-ga":
            setup = "passive" if "2026-09-29" in str(read(path).header.recorded_at) else "active"
            assert says == f"1 ms; ice-lite, setup:{setup}, udp 3478, tcp 443"


@each(SIGNALLED)
def test_aiortc_reads_an_answer_to_an_offer(path: Path) -> None:
    from aiortc.sdp import SessionDescription

    for asked in answered(read(path)):
        told = SessionDescription.parse(http(asked).body or "")
        audio, channel = told.media
        assert (audio.kind, channel.kind) == ("audio", "application")
        assert all(part.dtls and part.dtls.fingerprints and part.dtls.role for part in told.media)
        assert {one.protocol for one in audio.ice_candidates} == {"udp", "tcp"}


@each(those("openai-ga/ws__*hang_up*"))
def test_a_hang_up_and_one_too_many(path: Path) -> None:
    first, again = (http(asked) for asked in exchanges(read(path), "/hangup"))
    assert passed("sdp", path, Observation("hangup", (first,), facts={"named": True})) == "200"
    assert found("sdp", path, Observation("hangup", (again,), facts={"named": True})).status == "warn"


@each([path for path in SPOKEN if "webrtc" not in path.name])
def test_a_session_begins(path: Path) -> None:
    """And opens as its model does, where that is known: nothing else is told of it."""
    created = event("received", begun(read(path))[0])
    socket, peer = PeerTrace("w1"), PeerTrace("p1", phases_ms={"created": 1.0})
    upgrade = exchange(101, url="wss://api.test/v1/realtime")
    over_socket = Observation("model-key", (upgrade,), (created,), (socket,))
    assert passed("websocket", path, over_socket) == "session.created, realtime"
    assert passed("sdp", path, Observation("created-realtime", (), (created,), (peer,))) == "1 ms, session.created"


@each(SPOKEN)
def test_an_update_is_applied(path: Path) -> None:
    flat = path.parent.name in FLAT
    for sent, answer in updates(read(path)):
        asked, echoed = session_of(sent), session_of(answer)
        facts = {"asked": True, "sent": asked, "dialect": "beta" if flat else "ga"}
        own = found("vad", path, Observation("own-update", (), (sent, answer), (), own_facts(asked, echoed)))
        assert own.status == ("fail" if name_of(path) in NOT_AS_SENT else "pass"), own
        if not flat and asked.get("instructions"):
            passed("session-update", path, Observation("realtime-ga", (), (sent, answer), (), facts))
        shown = sessions.turn_detection_of(echoed)
        wanted = {
            "kind": "realtime",
            "sent": sessions.turn_detection_of(asked),
            "echoed": shown,
            "model": model_of(echoed),
        }
        if wanted["sent"] is not ...:
            case = Observation("update-realtime-server-vad", (), (sent, answer), (), facts | wanted)
            assert passed("vad", path, case) == "accepted and echoed"


def own_facts(asked: Json, echoed: Json) -> Json:
    return {"asked": True, "given": True, "session": asked, "echoed": echoed}


def model_of(echoed: Json) -> str:
    return sessions.model_of(echoed) or models.default("realtime")


def posted(name: str) -> Path:
    return RECORDINGS / f"{name}.yaml"


CALLS = [
    ("openai-ga/err__ephemeral_token_already_used_calls", "sdp", "second-use", "pass", None),
    ("openai-ga/err__ephemeral_token_already_used_calls", "sdp", "answer-realtime", "fail", "ephemeral-token-already-used"),
    ("openai-ga/err__ephemeral_token_already_used_calls", "token", "accepted-realtime", "fail", "ephemeral-token-already-used"),
    ("openai-ga/err__calls_quota_429", "sdp", "answer-realtime", "inconclusive", "quota-exhausted"),
    ("openai-ga/err__calls_quota_429", "sdp", "multipart", "inconclusive", "quota-exhausted"),
    ("openai-ga/err__calls_offer_without_final_crlf", "sdp", "answer-realtime", "fail", "sdp-offer-altered-in-transit"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "check", "case", "status", "cause"), CALLS)
def test_a_call_that_was_refused(name: str, check: str, case: str, status: str, cause: str | None) -> None:
    (asked,) = read(posted(name)).exchanges
    finding = found(check, posted(name), Observation(case, (http(asked),), facts={"dialect": "ga"}))
    assert (finding.status, finding.cause) == (status, cause)


def test_an_offer_that_cannot_be_read_was_posted_with_a_token_that_was_taken() -> None:
    path = posted("openai-ga/err__calls_offer_without_final_crlf")
    (asked,) = read(path).exchanges
    control = exchange(401, {"error": {"message": "Incorrect API key provided: ek_r***.", "type": "x", "code": None}})
    seen = [
        Observation("control", (control,)),
        Observation("accepted-realtime", (http(asked),), facts={"dialect": "ga"}),
    ]
    assert judge(CHECKS["token"], seen)["accepted-realtime"].status == "pass"
    cells = [Observation("calls-made-up", (control,)), Observation("calls-realtime-token", (http(asked),))]
    assert judge(CHECKS["endpoint"], cells)["calls-realtime-token"].status == "pass"


MINTS = [
    ("openai-ga/err__mint_turn_detection_live_transcribe", "mint-transcription-server-vad", "pass", None),
    ("openai-ga/err__mint_turn_detection_live_transcribe", "own-mint", "fail", "vad-unsupported-for-whisper"),
    ("openai-ga/err__mint_invalid_voice", "own-mint", "fail", "voice-value-invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "case", "status", "cause"), MINTS)
def test_a_mint_that_was_refused(name: str, case: str, status: str, cause: str | None) -> None:
    (asked,) = read(posted(name)).exchanges
    session = (asked.request.body or {})["json"]["session"]
    facts = own_facts(session, {}) | {"model": sessions.model_of(session), "sent": sessions.turn_detection_of(session)}
    finding = found("vad", posted(name), Observation(case, (http(asked),), facts=facts))
    assert (finding.status, finding.cause) == (status, cause)


SOCKETS = [
    ("openai-ga/err__invalid_api_key_transcription_ws", "made-up", "pass", None),
    ("openai-ga/err__invalid_api_key_transcription_ws", "intent-key", "fail", "credential-refused-at-websocket-alone"),
    ("openai-ga/err__responses_model_in_realtime", "transcription-model", "pass", None),
    ("openai-ga/err__responses_model_in_realtime", "model-key", "fail", "model-not-a-realtime-model"),
    ("openai-ga/err__ephemeral_token_already_used_ws", "model-token", "fail", "ephemeral-token-already-used"),
    ("openai-ga/err__credit_balance_exhausted_uuid_event_id", "model-key", "inconclusive", "quota-exhausted"),
    ("openai-beta/err__access_not_enabled", "model-key", "fail", "account-without-realtime-access"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "case", "status", "cause"), SOCKETS)
def test_a_socket_that_was_refused(name: str, case: str, status: str, cause: str | None) -> None:
    recording = read(posted(name))
    close = next((frame.close for frame in recording.frames if frame.close), None)
    trace = PeerTrace("w1", close={"code": str(close.code), "reason": close.reason} if close else None)
    upgrade = exchange(101, url="wss://api.test/v1/realtime")
    seen = Observation(case, (upgrade,), tuple(event("received", told) for told in recording.received), (trace,))
    finding = found("websocket", posted(name), seen)
    assert (finding.status, finding.cause) == (status, cause)


UPDATES = [
    ("openai-ga/err__missing_session_type_drift_probe", "realtime-beta", "pass", None),
    ("azure-ga/err__missing_session_type", "realtime-beta", "pass", None),
    ("openai-ga/err__missing_session_type_drift_probe", "realtime-ga", "fail", "session-type-missing-ga"),
    ("openai-ga/err__reasoning_unsupported_option", "realtime-ga", "fail", "parameter-unknown-for-model-or-provider"),
    ("openai-ga/err__output_modalities_both", "realtime-ga", "fail", "modalities-combination-invalid"),
    ("openai-ga/err__invalid_function_parameters", "realtime-ga", "fail", "tool-schema-not-an-object"),
    ("openai-ga/err__rate_16000_below_min", "realtime-ga", "fail", "parameter-out-of-range"),
    ("openai-beta/err__session_audio_unknown_on_beta", "realtime-ga", "pass", None),
    ("openai-beta/err__realtime_update_on_transcription_session", "transcription-beta", "pass", None),
    ("azure-preview/err__preview_session_type_unknown", "realtime-ga", "pass", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "case", "status", "cause"), UPDATES)
def test_an_update_that_was_refused(name: str, case: str, status: str, cause: str | None) -> None:
    ((sent, answer),) = updates(read(posted(name)))
    dialect = "beta" if posted(name).parent.name in FLAT else "ga"
    facts = {"asked": True, "sent": session_of(sent), "dialect": dialect}
    finding = found("session-update", posted(name), Observation(case, (), (sent, answer), (), facts))
    assert (finding.status, finding.cause) == (status, cause)


def test_a_model_that_takes_no_turn_detection_refuses_it_in_the_words_of_its_rule() -> None:
    path = posted("openai-ga/err__mint_turn_detection_live_transcribe")
    (asked,) = read(path).exchanges
    refused = event("received", {"type": "error", **http(asked).json})
    facts = {"asked": True, "answered": True, "ended": False, "sent": {"type": "server_vad"}, "dialect": "ga"}
    seen = Observation("transcription-gpt-live-transcribe", (), (refused,), (), facts)
    assert passed("vad-rules", path, seen).startswith("refused: invalid_value at session.audio.input.turn_detection")
