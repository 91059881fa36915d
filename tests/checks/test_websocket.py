"""The check of the WebSocket: what its judge makes of frames and closes that somebody really got, and whole runs.

What the emulator's faults show stands in test_faults.py.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection
from datetime import date
from typing import Any

import pytest

from rtdiag.api.endpoints import Dialect
from rtdiag.emulator import Emulator
from rtdiag.engine import plan, registry, runner
from rtdiag.engine.context import RunOptions
from rtdiag.model import Event, Exchange, Failure, Finding, Observation, PeerTrace, Report
from rtdiag.redact import Mask, Secret
from rtdiag.report import render
from rtdiag.testing import exchange, finding, refusal, row, run_on_emulator
from rtdiag.testing import judge as judge_all
from rtdiag.transport.channel import NOT_JSON
from rtdiag.transport.http import Credential

CHECK = registry.load(()).checks["websocket"]
GA, BETA = frozenset[Dialect](["ga"]), frozenset[Dialect](["beta"])
URL = "wss://api.test/v1/realtime?model=gpt-realtime-2.1"
THE_THREAD = date(2025, 3, 21)


def upgraded(status: int = 101, body: Any = "", credential: str = "api-key", **more: Any) -> Exchange:
    return exchange(status, body, url=URL, credential=credential, **more)


def frames(*events: dict[str, Any]) -> tuple[Event, ...]:
    return tuple(
        Event(f"e{n}", "w1/websocket", "received", float(n), str(e["type"]), json.dumps(e))
        for n, e in enumerate(events)
    )


def error(code: str | None, message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "code": code, "message": message, "param": None, "event_id": None}}


def created(kind: str = "realtime", event: str = "session.created") -> dict[str, Any]:
    return {"type": event, "session": {"type": kind, "object": "realtime.session"}}


def closed(code: int, reason: str = "") -> PeerTrace:
    return PeerTrace("w1", close={"code": str(code), "reason": reason})


def failed(kind: str, detail: str = "…") -> PeerTrace:
    close = None if kind == "silence" else {"code": "1006", "reason": ""}
    return PeerTrace("w1", failure=Failure(kind, "created", detail), close=close)


OPEN = PeerTrace("w1")
CREATED = created()
# record 69522944037 (2026-09-18), probes 10, 10b, 8b, 11, 11b
WRONG_KEY = error("invalid_api_key", "Incorrect API key provided: sk-proj-***AAAA. You can find your API key at …")
WRONG_TOKEN = error("invalid_api_key", "Incorrect API key provided: ek_67e7a***26ea. You can find your API key at …")
NO_BEARER = error(None, "Missing bearer or basic authentication in header")
BETA_OVER = error("beta_api_shape_disabled", "The Realtime Beta API is no longer supported. Please use /v1/realtime …")
NO_SUCH_MODEL = error("invalid_model", 'Model "gpt-nope" is not supported in realtime mode.')
NO_MODEL = error("missing_model", "You must provide a model parameter, for example wss://…")
# record 68291083102; developers.openai.com/api/docs/guides/error-codes; openai/openai-realtime-console#493
NO_CREDIT = error("credit_balance_exhausted", "You have no credits remaining.", "insufficient_quota")
TOO_FAST = error("rate_limit_exceeded", "Rate limit reached for gpt-realtime.")
BROKEN = error(None, "The server had an error while processing your request.", "server_error")
# kizuna-ai-lab/sokuji#377 (2026-08-01); PowerToys#32989
USED = error("ephemeral_token_already_used", "The token was already used.")
SCOPE = error(
    "missing_scope", "You have insufficient permissions for this operation. Missing scopes: api.model.request."
)


def one(
    case: str,
    trace: PeerTrace,
    *events: dict[str, Any],
    answer: Exchange | None = None,
    dialects: Collection[Dialect] = GA,
    official: bool = False,
) -> Finding:
    seen = Observation(case, (answer or upgraded(),), frames(*events), (trace,))
    return judge_all(CHECK, [seen], dialects=dialects, official=official)[case]


@pytest.mark.parametrize(
    ("case", "trace", "events", "status", "cause"),
    [
        ("model-key", OPEN, [CREATED], "pass", None),
        ("model-key", OPEN, [{"type": "noise"}, CREATED], "pass", None),
        ("model-key", closed(1000), [CREATED], "pass", None),
        ("model-key", OPEN, [created("transcription")], "fail", "session-of-another-kind"),
        ("model-key", OPEN, [{"type": "session.created"}], "pass", None),
        ("intent-key", OPEN, [created("transcription")], "pass", None),
        ("intent-key", OPEN, [created("", "transcription_session.created")], "pass", None),
        ("intent-key", OPEN, [CREATED], "fail", "session-of-another-kind"),
        (
            "model-key",
            closed(3000, "invalid_request_error.invalid_api_key"),
            [WRONG_KEY],
            "fail",
            "credential-refused-at-websocket-alone",
        ),
        ("model-token", closed(3000), [WRONG_TOKEN], "fail", "token-of-another-issuer"),
        ("intent-token", closed(3000), [WRONG_TOKEN], "fail", "token-of-another-issuer"),
        ("model-token", closed(3000), [USED], "fail", "ephemeral-token-already-used"),
        ("model-token", closed(3000), [SCOPE], "fail", "missing-permission-scope"),
        (
            "model-subprotocol",
            closed(3000, "invalid_request_error"),
            [NO_BEARER],
            "fail",
            "no-credential-sent",
        ),
        ("model-key", closed(4000), [BETA_OVER], "fail", "beta-shape-retired"),
        ("model-key", closed(4000), [NO_SUCH_MODEL], "fail", "model-not-a-realtime-model"),
        ("bare-token", closed(4000), [NO_MODEL], "fail", "model-parameter-missing"),
        ("model-key", OPEN, [NO_SUCH_MODEL], "fail", "model-not-a-realtime-model"),
        ("model-key", closed(4000), [NO_CREDIT], "inconclusive", "quota-exhausted"),
        ("model-key", OPEN, [NO_CREDIT], "inconclusive", "quota-exhausted"),
        ("model-key", closed(4000), [TOO_FAST], "inconclusive", "rate-limit"),
        ("model-key", closed(4000), [BROKEN], "inconclusive", "generic-server-error"),
        ("model-key", closed(1011, "internal error"), [], "inconclusive", "generic-server-error"),
        (
            "model-key",
            closed(3000, "invalid_request_error.invalid_api_key"),
            [],
            "fail",
            "credential-refused-at-websocket-alone",
        ),
        ("model-key", closed(1008), [], "fail", "websocket-closed-by-policy"),
        ("model-key", closed(1000), [], "fail", "session-created-missing"),
        ("model-key", closed(1001), [], "fail", "session-created-missing"),
        ("model-key", closed(1005), [], "fail", "session-created-missing"),
        ("model-key", closed(4999), [], "fail", "unexpected-answer"),
        ("model-key", failed("silence"), [], "fail", "session-created-missing"),
        ("model-key", failed("silence"), [{"type": "conversation.created"}], "fail", "session-created-missing"),
        ("model-key", failed("closed"), [], "inconclusive", "websocket-upgrade-refused/ended"),
        ("model-key", failed("closed"), [WRONG_KEY], "fail", "credential-refused-at-websocket-alone"),
        ("model-key", failed("too-large"), [], "inconclusive", "answer-not-from-the-api"),
        ("model-key", failed("protocol"), [], "inconclusive", "websocket-upgrade-refused/garbled"),
    ],
)
def test_the_first_events_and_the_close_decide(
    case: str, trace: PeerTrace, events: list[dict[str, Any]], status: str, cause: str | None
) -> None:
    answer = upgraded(credential=case, headers={"sec-websocket-protocol": "realtime"})
    found = one(case, trace, *events, answer=answer)
    assert (found.status, found.cause) == (status, cause)
    assert found.measured
    assert found.hint or status == "pass"


HTML = {"content-type": "text/html"}


@pytest.mark.parametrize(
    ("answer", "official", "status", "cause"),
    [
        (refusal(401, "invalid_api_key", "Incorrect …", url=URL), False, "fail", "credential-refused-at-websocket-alone"),
        (upgraded(404, {"detail": "Not Found"}), False, "info", None),
        (upgraded(405), False, "info", None),
        (upgraded(426), False, "info", None),
        (upgraded(404), True, "fail", "websocket-upgrade-refused"),
        (upgraded(404, "<html></html>", headers=HTML), False, "inconclusive", "answer-not-from-the-api"),
        (upgraded(502, "<html></html>", headers=HTML), True, "inconclusive", "server-unavailable"),
        (upgraded(503), False, "inconclusive", "server-unavailable"),
        (refusal(429, "rate_limit_exceeded", url=URL), False, "inconclusive", "rate-limit"),
        (upgraded(200, "{}"), False, "inconclusive", "answer-not-from-the-api"),
        (upgraded(302, headers={"location": "/login"}), False, "inconclusive", "answer-not-from-the-api"),
        (exchange(None, url=URL, failure=Failure("timeout", "answer", "…")), True, "inconclusive", "no-answer-in-time"),
        (exchange(None, url=URL, failure=Failure("proxy", "proxy", "407")), True, "inconclusive", "proxy-login-required"),
    ],
)  # fmt: skip
def test_an_http_answer_in_place_of_the_upgrade(
    answer: Exchange, official: bool, status: str, cause: str | None
) -> None:
    found = one("model-key", PeerTrace("w1"), answer=answer, official=official)
    assert (found.status, found.cause) == (status, cause)


@pytest.mark.parametrize(
    ("trace", "events", "answer", "official", "status"),
    [
        (closed(3000, "invalid_request_error.invalid_api_key"), [WRONG_KEY], upgraded(), True, "pass"),
        (closed(3000), [], upgraded(), False, "pass"),
        (closed(1008), [], upgraded(), False, "pass"),
        (PeerTrace("w1"), [], upgraded(401), False, "pass"),
        (PeerTrace("w1"), [], upgraded(403), False, "pass"),
        (OPEN, [CREATED], upgraded(), False, "warn"),
        (OPEN, [CREATED], upgraded(), True, "fail"),
        (closed(4000), [NO_SUCH_MODEL], upgraded(), True, "info"),
        (failed("silence"), [], upgraded(), True, "info"),
        (failed("closed"), [], upgraded(), True, "inconclusive"),
    ],
)
def test_a_made_up_key_must_be_refused_and_a_101_is_no_answer(
    trace: PeerTrace, events: list[dict[str, Any]], answer: Exchange, official: bool, status: str
) -> None:
    found = one("made-up", trace, *events, answer=answer, official=official)
    assert found.status == status
    assert (found.cause == "server-asks-for-no-key") == (status in ("warn", "fail"))


def test_where_a_made_up_key_is_taken_no_session_proves_anything() -> None:
    rows = [
        Observation("made-up", (upgraded(),), frames(CREATED), (OPEN,)),
        Observation("model-key", (upgraded(),), frames(CREATED), (OPEN,)),
    ]
    found = judge_all(CHECK, rows, official=False)
    assert (found["model-key"].status, found["made-up"].status) == ("info", "warn")


@pytest.mark.parametrize(
    ("trace", "events", "status", "cause"),
    [
        (closed(4000, "invalid_request_error.invalid_model"), [NO_SUCH_MODEL], "pass", None),
        (OPEN, [NO_SUCH_MODEL], "pass", None),
        (OPEN, [CREATED], "warn", "model-kind-not-checked"),
        (closed(3000), [WRONG_KEY], "info", None),
        (failed("silence"), [], "info", None),
    ],
)
def test_a_transcription_model_as_model_must_be_refused(
    trace: PeerTrace, events: list[dict[str, Any]], status: str, cause: str | None
) -> None:
    found = one("transcription-model", trace, *events)
    assert (found.status, found.cause) == (status, cause)


@pytest.mark.parametrize(
    ("dialects", "events", "status"),
    [
        (GA, [BETA_OVER], "pass"),
        (GA, [CREATED], "info"),
        (GA, [WRONG_KEY], "info"),
        (GA | BETA, [CREATED], "pass"),
        (BETA, [CREATED], "pass"),
        (BETA, [BETA_OVER], "info"),
    ],
)
def test_the_betas_header_is_measured_by_the_dialects(
    dialects: frozenset[Dialect], events: list[dict[str, Any]], status: str
) -> None:
    assert one("beta-header", OPEN, *events, dialects=dialects).status == status


def test_a_browser_needs_the_sub_protocol_selected() -> None:
    found = one("model-subprotocol", OPEN, CREATED, answer=upgraded(credential="realtime-token"))
    assert (found.status, found.cause) == ("fail", "subprotocol-not-selected")
    assert one("model-token", OPEN, CREATED, answer=upgraded(credential="realtime-token")).status == "pass"


def ws_rows(report: Report) -> dict[str, Finding]:
    return {r.id: r.finding for o in report.checks if o.id == "websocket" for r in o.rows}


@pytest.mark.parametrize("as_of", [None, THE_THREAD, date(2025, 9, 1), date(2026, 5, 11), date(2026, 5, 12)], ids=str)
def test_all_is_well_on_every_date_that_knows_transcription(as_of: date | None) -> None:
    report = run_on_emulator(only=["websocket"], as_of=as_of, longest_s=5)
    assert {case for case, found in ws_rows(report).items() if found.status != "pass"} == set()
    assert report.left_open == ()
    assert report.diagnosis == ()


def test_before_transcription_its_intent_is_measured_only() -> None:
    found = ws_rows(run_on_emulator(only=["websocket"], as_of=date(2024, 12, 17), longest_s=5))
    assert found["model-key"].status == "pass"
    assert (found["intent-key"].status, found["intent-token"].status) == ("info", "skip")
    assert found["update-transcription"].measured == "not sent: no session is open"


def test_the_verdicts_rest_on_frames_and_closes_that_are_in_the_record() -> None:
    report = run_on_emulator(only=["websocket.made-up", "websocket.transcription-model", "websocket.beta-header"])
    closes = {}
    for case in ("made-up", "transcription-model", "beta-header"):
        seen = row(report, f"websocket.{case}").seen
        assert seen.exchange is not None
        assert (seen.exchange.status, seen.exchange.url[:5]) == (101, "ws://")
        assert [e.type for e in seen.events] == ["error"]
        closes[case] = (seen.peers[-1].close or {})["code"]
    assert closes == {"made-up": "3000", "transcription-model": "4000", "beta-header": "4000"}
    parsed = json.loads(render(report, "json"))
    assert "3000" in {p["close"]["code"] for p in parsed["peers"] if p["close"]}


def test_what_a_run_costs_is_what_the_check_declares() -> None:
    report = run_on_emulator(only=["websocket"])
    (outcome,) = (o for o in report.checks if o.id == "websocket")
    asks_which_dialects = 1  # the beta's mint, which a whole run has asked before
    assert outcome.cost.requests == CHECK.cost.requests + asks_which_dialects
    assert outcome.cost.tokens_minted == CHECK.cost.tokens_minted
    assert outcome.cost.sessions_opened == CHECK.cost.sessions_opened


def test_each_token_is_shown_once() -> None:
    report = run_on_emulator(faults=["token-used-by-any-request"], only=["websocket"])
    assert {found.status for found in ws_rows(report).values()} == {"pass"}
    shown = [x.credential_from for x in report.exchanges if x.url.startswith("ws") and x.credential_from]
    assert len(shown) == len(set(shown)) == 4


def test_a_silent_socket_ends_its_kind() -> None:
    report = run_on_emulator(faults=["no-session-created"], only=["websocket"], longest_s=0.3)
    found = ws_rows(report)
    assert {case for case, one in found.items() if one.status == "fail"} == {"model-key", "intent-key"}
    assert found["model-token"].measured == "not asked: model-key stayed silent"
    assert sum(x.url.startswith("ws") for x in report.exchanges) == 2


def test_without_credit_one_socket_is_enough() -> None:
    report = run_on_emulator(faults=["socket-no-credit"], only=["websocket"])
    found = ws_rows(report)
    assert {one.cause for case, one in found.items() if not case.startswith("update-")} == {"quota-exhausted"}
    assert found["intent-token"].measured == "not asked: model-key got no usable answer"
    assert sum(x.url.startswith("ws") for x in report.exchanges) == 1


# speech-to-speech 1.1 websocket_router.py:568, tried on 2026-11-29
FULL = error(None, "All 1 session slots are in use. Disconnect an existing client first.", "session_limit_reached")


@pytest.mark.parametrize("case", ["model-key", "model-token", "intent-key", "made-up"])
@pytest.mark.parametrize(
    ("trace", "events"),
    [
        (closed(1008, "All session slots are in use"), [FULL]),
        (closed(1008, "All session slots are in use"), []),
        (closed(1008, "connection limit reached"), []),
        (closed(1013), []),
        (closed(1013, "server busy"), []),
        (closed(4000, "ServerAtCapacity"), []),
        (closed(4429, "max_sessions"), []),
        (OPEN, [FULL]),
        (closed(1011, "too many concurrent sessions"), []),
    ],
)
def test_no_room_for_one_more_session_is_no_wrong_credential(case: str, trace: PeerTrace, events: list[Any]) -> None:
    found = one(case, trace, *events)
    assert (found.status, found.cause) == ("inconclusive", "no-session-slot-free")


@pytest.mark.parametrize(
    ("case", "trace", "cause"),
    [
        ("model-key", closed(1008, "invalid api key"), "credential-refused-at-websocket-alone"),
        ("model-key", closed(1008), "websocket-closed-by-policy"),
        ("model-key", closed(4000, "invalid_request_error.session_expired"), "session-duration-cap"),
    ],
)
def test_a_close_that_says_nothing_of_room_is_what_it_was(case: str, trace: PeerTrace, cause: str) -> None:
    assert one(case, trace).cause == cause


def test_a_socket_that_met_no_room_makes_no_other_refusal_the_keys() -> None:
    full = Observation("model-key", (upgraded(),), (), (closed(1008, "All session slots are in use"),))
    token = Observation("model-token", (upgraded(),), frames(WRONG_TOKEN), (closed(3000),))
    found = judge_all(CHECK, [full, token], official=False)
    assert found["model-token"].cause == "token-of-another-issuer"


@pytest.mark.parametrize("kind", ["realtime", "transcription"])
def test_one_kind_alone_is_asked_and_its_controls(kind: Any) -> None:
    report = run_on_emulator(only=["websocket"], kinds=(kind,))
    found = ws_rows(report)
    assert {one.status for one in found.values()} == {"pass"}
    assert f"update-{kind}" in found
    assert ("made-up" in found, "model-key" in found) == (True, kind == "realtime")
    asked = [x.url for x in report.exchanges if x.url.startswith("ws")]
    assert all(("model=gpt-realtime" in url) == (kind == "realtime") for url in asked)


def test_no_secret_is_in_the_report() -> None:
    report = run_on_emulator(only=["websocket"])
    text = render(report, "json")
    parsed = json.loads(text)
    offered = [v for x in parsed["exchanges"] for k, v in x["request_headers"] if k.lower() == "sec-websocket-protocol"]
    assert len(offered) == 1
    assert re.fullmatch(r"realtime, openai-insecure-api-key\.ek_\*{28}[0-9a-f]{4}", offered[0])
    bearers = [v for x in parsed["exchanges"] for k, v in x["request_headers"] if k.lower() == "authorization"]
    assert len(bearers) > len(CHECK.cases) / 2
    assert all("*****" in value or "made-up" in value for value in bearers)


class _Interrupter(runner.Silent):
    """Cancels a run as soon as it waits for a socket's first event."""

    task: asyncio.Task[Report] | None = None

    def asking(self, what: str) -> None:
        if what.endswith("waiting for the first event") and self.task is not None:
            self.task.cancel()


def test_an_interrupted_run_closes_its_sockets() -> None:
    async def work() -> tuple[Report, int]:
        interrupter = _Interrupter()
        async with Emulator(faults=["no-session-created"]) as emulator:
            options = RunOptions(emulator.base_url, Credential("api-key", Secret(emulator.key)))
            chosen = plan.make(registry.load(()).checks.values(), only=["websocket.model-key"])
            shown = {"as_of": "", "faults": []}
            asked = runner.run(chosen, options, mask=Mask(), emulator=shown, observer=interrupter)
            interrupter.task = asyncio.ensure_future(asked)
            report = await interrupter.task
        return report, len(asyncio.all_tasks())

    report, tasks = asyncio.run(work())
    assert (report.exit_code, tasks, report.left_open) == (130, 1, ())
    assert finding(report, "websocket.model-key").measured == "the run was interrupted"
    assert [(p.close, p.states[-1][2]) for p in report.peers] == [(None, "closed")]


def test_a_server_of_sockets_alone_is_asked_in_the_dialect_that_it_speaks() -> None:
    report = run_on_emulator(as_of=date(2024, 10, 1))
    assert finding(report, "websocket.model-key").status == "pass"
    assert finding(report, "websocket.update-realtime").status == "pass"
    assert finding(report, "token.control").status == "info"
    assert [d.cause for d in report.diagnosis] == ["no-realtime-api-here"]
    assert report.corrected is None


@pytest.mark.parametrize("code", [None, "invalid_api_key"])
def test_a_key_that_http_takes_is_not_the_wrong_one_and_its_tokens_are_of_this_issuer(code: str | None) -> None:
    refused = refusal(403 if code is None else 401, code, "no", url=URL)
    seen = [
        Observation(case, (refused,), peers=(PeerTrace("w1"),)) for case in ("model-key", "model-token", "intent-token")
    ]
    found = judge_all(CHECK, seen, official=False)
    assert {f.cause for f in found.values()} == {"credential-refused-at-websocket-alone"}


@pytest.mark.parametrize("frame", ["\ufffd\ufffd", "12", '["…'])
def test_frames_that_are_no_events_are_not_the_apis(frame: str) -> None:
    garbage = Event("e1", "w1/websocket", "received", 1, NOT_JSON, frame)
    seen = Observation("model-key", (upgraded(),), (garbage,), (failed("silence"),))
    found = judge_all(CHECK, [seen], official=False)["model-key"]
    assert (found.status, found.cause) == ("inconclusive", "answer-not-from-the-api")


# What a GET of the same URL without Upgrade gets: the API's own words, a framework's, and nothing at all.
INVALID_METHOD = {
    "error": {"message": "Invalid method for URL (GET /v1/realtime)", "type": "x", "param": None, "code": None}
}
NO_ROUTE = {"detail": "Not Found"}
POLICY = {"error": "blocked by policy"}
PAGE = "<html><head><title>Blocked</title></head></html>"
WANTS = (
    "Failed to open a WebSocket connection: invalid Upgrade header: missing."  # as the library websockets 15 words it
)
LATE, CUT = Failure("timeout", "answer", "no answer within 15 s"), Failure("closed", "answer", "reset")
STRIPPED, NOT_ANSWERED = ("the upgrade is stripped",), ("the upgrade alone is not answered",)
ALONE, GARBLED = ("the upgrade alone is refused",), ("what answers the upgrade speaks no WebSocket",)
GARBAGE = Failure("protocol", "answer", "missing Sec-WebSocket-Accept header")


def plain(status: int | None, body: Any = "", **more: Any) -> Exchange:
    return exchange(status, body, url=URL.replace("wss:", "https:"), **more)


def lost(failure: Failure) -> Exchange:
    return exchange(None, url=URL, failure=failure)


def beside(upgrade: Exchange, without: Exchange, *others: Observation, official: bool = False) -> Finding:
    seen = Observation("model-key", (without, upgrade), (), (PeerTrace("w1"),))
    return judge_all(CHECK, [seen, *others], dialects=GA, official=official)["model-key"]


@pytest.mark.parametrize(
    ("upgrade", "without", "official", "status", "observed"),
    [
        (upgraded(405, INVALID_METHOD), plain(405, INVALID_METHOD), False, "inconclusive", STRIPPED),
        (upgraded(200, "{}"), plain(200, "{}"), False, "inconclusive", STRIPPED),
        (upgraded(426, WANTS), plain(426, WANTS), False, "inconclusive", STRIPPED),
        (upgraded(400, WANTS), plain(400, WANTS), False, "inconclusive", STRIPPED),
        (upgraded(426), plain(405, INVALID_METHOD), False, "inconclusive", STRIPPED),
        (upgraded(426, headers={"sec-websocket-version": "8"}), plain(405, NO_ROUTE), False, "info", ()),
        (upgraded(421), plain(405, INVALID_METHOD), False, "inconclusive", ALONE),
        (upgraded(505), plain(405, INVALID_METHOD), False, "inconclusive", ALONE),
        (lost(GARBAGE), plain(405, INVALID_METHOD), False, "inconclusive", GARBLED),
        (upgraded(404), plain(404), True, "inconclusive", STRIPPED),
        (upgraded(404, NO_ROUTE), plain(404, NO_ROUTE), False, "info", ()),
        (upgraded(405, NO_ROUTE), plain(405, NO_ROUTE), False, "info", ()),
        (upgraded(501, "WebSocket upgrade not supported"), plain(405, NO_ROUTE), False, "info", ()),
        (upgraded(404, PAGE, headers=HTML), plain(404, PAGE, headers=HTML), False, "inconclusive", None),
        (lost(LATE), plain(405, INVALID_METHOD), False, "inconclusive", NOT_ANSWERED),
        (lost(LATE), plain(404, NO_ROUTE), False, "inconclusive", NOT_ANSWERED),
        (lost(LATE), plain(None, failure=LATE), False, "inconclusive", ()),
        (lost(LATE), plain(504, PAGE, headers=HTML), False, "inconclusive", ()),
        (lost(Failure("timeout", "connect", "…")), plain(404, NO_ROUTE), False, "inconclusive", ()),
        (lost(CUT), plain(405, INVALID_METHOD), False, "inconclusive", ALONE),
        (lost(CUT), plain(None, failure=CUT), False, "inconclusive", ()),
        (upgraded(403, PAGE, headers=HTML), plain(405, INVALID_METHOD), False, "inconclusive", ALONE),
        (upgraded(502, PAGE, headers=HTML), plain(405, INVALID_METHOD), False, "inconclusive", ALONE),
        (upgraded(403, POLICY), plain(405, INVALID_METHOD), False, "inconclusive", ALONE),
        (upgraded(404, NO_ROUTE), plain(405, INVALID_METHOD), False, "inconclusive", ALONE),
        (upgraded(404, NO_ROUTE), plain(405, {"detail": "Method Not Allowed"}), False, "info", ()),
        (upgraded(404, NO_ROUTE), plain(405, {"detail": "Method Not Allowed"}), True, "inconclusive", ALONE),
        (upgraded(429), plain(405, INVALID_METHOD), False, "inconclusive", ("a limit was hit",)),
        (upgraded(302, headers={"location": "/login"}), plain(405, INVALID_METHOD), False, "inconclusive", None),
    ],
)
def test_an_upgrade_that_alone_is_let_down_is_told_by_the_request_without_one(
    upgrade: Exchange, without: Exchange, official: bool, status: str, observed: tuple[str, ...] | None
) -> None:
    found = beside(upgrade, without, official=official)
    assert found.status == status
    if observed is None:
        assert not {*found.observed} & {*STRIPPED, *NOT_ANSWERED, *ALONE}
    else:
        assert found.observed == observed


def test_no_websocket_is_only_said_to_be_missing_where_the_upgrade_arrived() -> None:
    unsure = beside(upgraded(404, NO_ROUTE), plain(404, NO_ROUTE))
    assert unsure.measured == "404 Not Found: not offered by this server, or stripped on the way"
    arrived = beside(upgraded(404, NO_ROUTE), plain(405, {"detail": "Method Not Allowed"}))
    assert arrived.measured == "404 Not Found: not offered by this server"


def test_a_key_that_is_refused_where_a_made_up_one_is_refused_otherwise_is_still_that() -> None:
    bare, other = upgraded(403), upgraded(401, "who are you?", credential="made-up")
    made_up = Observation("made-up", (other,), (), (PeerTrace("w2"),))
    assert beside(bare, plain(405, INVALID_METHOD), made_up).observed == (
        "a key that HTTP took is refused at the WebSocket",
    )
    made_up = Observation("made-up", (upgraded(403, credential="made-up"),), (), (PeerTrace("w2"),))
    assert beside(bare, plain(405, INVALID_METHOD), made_up).observed == ALONE


@pytest.mark.parametrize(
    ("fault", "asked", "observed"),
    [
        ("upgrade-answered-plainly", 1, STRIPPED),
        ("upgrade-cut", 1, ()),
        ("no-websocket", 1, ()),
        ("socket-no-credit", 0, ()),
    ],
)
def test_the_request_without_upgrade_is_asked_once_and_one_upgrade_is_enough(
    fault: str, asked: int, observed: tuple[str, ...]
) -> None:
    report = run_on_emulator(faults=[fault], only=["websocket"])
    sent = [x.url for x in report.exchanges if "/realtime?" in x.url]
    assert [sum(url.startswith(scheme) for url in sent) for scheme in ("ws:", "http:")] == [1, asked]
    found = ws_rows(report)
    assert not observed or found["model-key"].observed == found["bare-token"].observed == observed
