"""The check `browser` in whole runs, with a page that is made up: what that is asked and given, and that a replay says the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from rtdiag.api.endpoints import BETA_SUBPROTOCOL
from rtdiag.browser.account import Account, Answer, Event, Microphone, Peer, Request, Wrong
from rtdiag.browser.asked_page import Asked, GiveToken, Tabs
from rtdiag.engine import registry, rejudge, runner
from rtdiag.model import Report
from rtdiag.recorded.reading import report_in
from rtdiag.report import render
from rtdiag.testing import finding, row, run_on_emulator

Json = dict[str, Any]
OURS, THEIRS, OVER_TCP = "udp host 192.0.2.2:5000", "udp host 192.0.2.1:3478", "tcp host 192.0.2.1:443"
CREATED = json.dumps({"type": "session.created", "session": {"type": "realtime"}})
DONE = json.dumps({"type": "response.done", "response": {"status": "completed"}})
WELL: Mapping[str, Json] = {
    "secure": {"secure": True, "origin": "http://127.0.0.1:1"},
    "microphone": {"there": True, "label": "Made up", "muted": False, "state": "live", "level": 0.1},
    "webrtc": {"there": True},
    "same-path": {"got": 404},
    "reached": {"opaque": True},
    **{name: {"status": 401} for name in ("cors-offer", "cors-agents", "cors-beta", "cors-client", "cors-mint")},
    "answer": {"status": 201, "took_ms": 9.0},
    "location": {"read": "/v1/realtime/calls/rtc_u1_made_up"},
    **{name: {"done": True, "state": "connected", "took_ms": 5.0} for name in ("ice", "dtls", "channel")},
    "created": {"first": "session.created", "took_ms": 1.0},
    "update": {"answer": "session.updated", "took_ms": 1.0},
    "pair": {"local": OURS, "remote": THEIRS, "protocol": "udp", "relay": "", "round_trip_ms": 1.0},
    "sound": {"packets": 60, "energy": 0.1, "seconds": 1.0, "played_s": 0.5, "refused": "", "response": "completed"},
    "websocket": {"opened": True, "ours": True, "first": "session.created", "took_ms": 9.0},
    "blocked": {"blocked": []},
}


@dataclass
class MadeUp:
    """A page that tells `facts`, and asks for tokens as often as `asks` says; `why` ends it before it has told anything."""

    facts: Mapping[str, Json] = field(default_factory=lambda: WELL)
    asks: tuple[str, ...] = ("answer", "websocket", "answer", "sound")
    why: str = ""
    own: Account | None = None
    over: str = THEIRS
    plan: Json = field(default_factory=dict)
    given: list[Any] = field(default_factory=list)
    auto: bool = True
    watch_line: str = "<script></script>"

    async def ask(self, plan: Mapping[str, Any], token: GiveToken, wait_s: float | None = None) -> Asked:
        self.plan = dict(plan)
        if self.why:
            return Asked(None, self.why)
        self.given = [await token(case) for case in self.asks]
        return Asked(self._account(), "", Tabs(opened=1, browser="Made up 1"))

    async def watched(self, wait_s: float = 0.0) -> Account | None:
        return self.own

    def _account(self) -> Account:
        answers = {case: Answer(facts=self.facts[case]) for case in self.plan["cases"] if case in self.facts}
        requests = [
            self._request(number, case) for number, case in enumerate(answers) if "cors" in case or case == "answer"
        ]
        for request, case in zip(requests, [c for c in answers if "cors" in c or c == "answer"], strict=True):
            answers[case] = Answer([request.id], facts=self.facts[case])
        if "update" in answers:
            answers["update"] = Answer(peers=["p1"], facts={**self.facts["update"], "events": [1, 3]})
        states = [
            (6.0, "signalingState", "stable"),
            (7.0, "iceConnectionState", "connected"),
            (8.0, "connectionState", "connected"),
        ]
        peer = Peer("p1", 5.0, [*states, (9.0, "channel oai-events", "open")], local=[OURS], remote=[self.over])
        update = json.dumps(self.plan["update"])
        echo = json.dumps({"type": "session.updated", "session": self.plan["update"]["session"]})
        events = [
            Event("p1/oai-events", "received", 10.0, CREATED),
            Event("p1/oai-events", "sent", 21.0, update),
            Event("p1/oai-events", "received", 22.0, echo),
            Event("p1/oai-events", "received", 40.0, DONE),
        ]
        for case in ("ice", "dtls", "channel", "pair"):
            if case in answers:
                answers[case] = Answer(peers=["p1"], facts=self.facts[case])
        return Account(version=1, done=True, requests=requests, peers=[peer], events=events, answers=answers)

    def _request(self, number: int, case: str) -> Request:
        url, facts = self.plan["mint_url" if case == "cors-mint" else "calls_url"], self.facts[case]
        sdp = [("Content-Type", "application/sdp")]
        if "error" in facts:
            return Request(f"r{number}", "POST", url, 1.0, 2.0, sdp, wrong=Wrong("fetch", facts["error"]))
        return Request(f"r{number}", "POST", url, 1.0, 2.0, sdp, status=facts["status"], answer="v=0\r\n")


FAILED = {"error": "TypeError: Failed to fetch"}


def asked(page: MadeUp, **more: Any) -> Report:
    more.setdefault("only", ["browser", "sdp.created-realtime", "websocket.model-subprotocol"])
    return run_on_emulator(page=page, **more)


@pytest.fixture(scope="module")
def healthy() -> tuple[MadeUp, Report]:
    page = MadeUp()
    return page, asked(page)


def statuses(report: Report) -> dict[str, str]:
    return {r.id: r.finding.status for o in report.checks if o.id == "browser" for r in o.rows}


def test_all_that_a_healthy_page_tells_is_well(healthy: tuple[MadeUp, Report]) -> None:
    _, report = healthy
    told = statuses(report)
    assert {case for case, status in told.items() if status not in ("pass", "info")} == set()
    assert {case for case, status in told.items() if status == "info"} == {"cors-mint", "own-page"}
    assert report.diagnosis == ()
    assert "it is your page" in finding(report, "browser.own-page").measured


def test_the_page_gets_two_tokens_and_never_the_key(healthy: tuple[MadeUp, Report]) -> None:
    page, _ = healthy
    tokens = [one["value"] for one in page.given if not isinstance(one, str)]
    assert len(tokens) == len({*tokens}) == 2
    assert all(token.startswith("ek_") for token in tokens)
    assert all(one["expires_at"] for one in page.given if not isinstance(one, str))
    assert "sk-" not in json.dumps(page.plan)
    assert not any(token in json.dumps(page.plan) for token in tokens)


def test_the_command_lines_own_stands_beside_what_the_page_told(healthy: tuple[MadeUp, Report]) -> None:
    _, report = healthy
    assert [p.by for p in row(report, "browser.ice").seen.peers] == ["", "browser"]
    assert [x.by for x in row(report, "browser.answer").seen.exchanges] == ["", "browser"]
    assert [x.by for x in row(report, "browser.cors-offer").seen.exchanges][-1] == "browser"


def test_what_the_page_tested_is_not_among_what_was_not(healthy: tuple[MadeUp, Report]) -> None:
    _, report = healthy
    assert report.not_tested == (runner.OVER_TCP, "your own code")
    assert set(asked(MadeUp(why="nobody opened it")).not_tested) == {*runner.NOT_TESTED}
    nothing = {**WELL, **{case: FAILED for case in WELL if "cors" in case or case == "answer"}}
    assert "CORS" in asked(MadeUp(nothing), only=["browser"]).not_tested  # nothing got there


def test_to_the_beta_a_pages_socket_is_offered_as_the_beta_wants_it() -> None:
    page = MadeUp()
    asked(page, as_of=date(2025, 3, 21))
    assert page.plan["socket_protocols"] == [BETA_SUBPROTOCOL]


FAILS = dict.fromkeys(("cors-offer", "answer", "cors-agents"), FAILED)
TCP = {"local": "tcp host 192.0.2.2:9", "remote": OVER_TCP, "protocol": "tcp", "relay": ""}


@pytest.mark.parametrize(
    ("page", "causes"),
    [
        (MadeUp({**WELL, **FAILS}), {"cors"}),
        (MadeUp({**WELL, "cors-agents": FAILS["cors-agents"]}), {"cors/header"}),
        (MadeUp({**WELL, "pair": TCP}), {"ice-udp-blocked/browser-alone"}),
        (MadeUp({**WELL, "ice": {"done": False, "state": "failed"}}), {"ice-udp-blocked/browser-alone"}),
        (MadeUp({**WELL, "location": {"read": None}}), {"location-header-missing/hidden"}),
        (MadeUp(why="nobody opened it within 120 s"), set()),
    ],
    ids=["cors", "header", "tcp", "ice", "location", "nobody"],
)  # fmt: skip
def test_a_replay_says_the_same(page: MadeUp, causes: set[str]) -> None:
    report = asked(page)
    assert {d.cause for d in report.diagnosis} == causes
    again = report_in(render(report, "json"))
    replayed = rejudge.replay(again, registry.load(()).checks)
    assert list(rejudge.turned(again, replayed)) == []
    assert [(d.cause, d.confidence) for d in replayed.diagnosis] == [(d.cause, d.confidence) for d in report.diagnosis]


def test_a_server_that_has_gone_meanwhile_is_no_matter_of_cors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtdiag.checks.browser.MODELS", "http://127.0.0.1:9/v1/models")
    report = asked(MadeUp({**WELL, **FAILS}))
    assert {d.cause for d in report.diagnosis} == {"network-unreachable/refused"}


def test_a_page_that_nobody_opened_is_no_cause_and_no_all_clear() -> None:
    report = asked(MadeUp(why="nobody opened it within 120 s"))
    assert report.exit_code == 3
    assert statuses(report)["page"] == "inconclusive"
    assert set(statuses(report).values()) == {"inconclusive", "skip", "info"}


def test_udp_that_is_silent_and_tcp_that_carries_are_one_cause() -> None:
    report = asked(MadeUp({**WELL, "pair": TCP}), faults=["udp-silent-tcp-works"])
    assert report.diagnosis[0].cause == "ice-udp-blocked/tcp-works"
    assert {"sdp.ice-realtime", "browser.pair"} <= set(report.diagnosis[0].evidence)


def test_of_a_stranger_no_more_refusals_are_asked_than_one() -> None:
    page = MadeUp()
    report = asked(page, profile="litellm")
    assert not {"cors-agents", "cors-beta", "cors-client", "cors-mint"} & {*page.plan["cases"]}
    assert statuses(report)["cors-agents"] == "info"


def test_a_server_without_calls_is_asked_for_none() -> None:
    page = MadeUp()
    report = asked(page, profile="xai")
    assert not {"answer", "ice", "sound", "cors-offer"} & {*page.plan["cases"]}
    assert statuses(report)["answer"] == "skip"
    assert page.plan["subprotocol"] == "xai-client-secret."


def test_a_server_that_takes_no_token_as_sub_protocol_is_not_asked_for_it() -> None:
    page = MadeUp()
    report = asked(page, profile="azure", only=["browser.websocket"])
    assert "websocket" not in page.plan["cases"]
    assert statuses(report)["websocket"] == "info"


def test_the_command_lines_sessions_are_over_when_the_page_opens_its_own(healthy: tuple[MadeUp, Report]) -> None:
    """A server may have room for one: speech-to-speech 1.1."""
    _, report = healthy
    asked_for = [x.url.rpartition("/")[2] for x in report.exchanges if not x.by]
    assert "hangup" in asked_for
    assert {*asked_for[len(asked_for) - asked_for[::-1].index("hangup") :]} == {"client_secrets"}


def test_a_socket_that_is_refused_to_the_command_line_too_is_not_the_browsers() -> None:
    page = MadeUp({**WELL, "websocket": {"opened": False, "code": 1006}})
    report = asked(page, faults=["upgrade-not-passed-on"], only=["browser.websocket", "websocket.model-key"])
    assert statuses(report)["websocket"] == "skip"
    assert [d.cause for d in report.diagnosis] == ["answer-not-from-the-api"]


REFUSED = (
    '{"error": {"message": "Incorrect API key provided: ek_67e7a***********************26ea. You can find your API key at '
    'https://platform.openai.com/account/api-keys.", "type": "invalid_request_error", "param": null, "code": "invalid_api_key"}}'
)
SDP = [("Authorization", "Bearer ek_****26ea"), ("Content-Type", "application/sdp")]
MINTS = "https://api.openai.com/v1/realtime/transcription_sessions?model=gpt-4o-transcribe"
FOUNDING = Request("r1", "POST", MINTS, 1.0, 2.0, SDP, "v=0\r\n", 401, [], REFUSED)
AFTER_IT = Peer("p1", 0.5, [(0.6, "signalingState", "have-local-offer")], "r1", [OURS])


def test_a_page_of_the_users_own_names_what_failed_first_in_it() -> None:
    """community.openai.com/t/1148799, 2025-03-21: the report that this project began with."""
    own = Account(version=1, page="http://localhost:3000/", requests=[FOUNDING], peers=[AFTER_IT])
    report = asked(MadeUp(own=own), only=["browser.own-page"])
    told = finding(report, "browser.own-page")
    assert (told.status, told.cause) == ("fail", "ek-sent-to-mint-endpoint")
    assert told.measured.startswith(
        "POST https://api.openai.com/v1/realtime/transcription_sessions: 401 invalid_api_key"
    )
    assert [x.by for x in row(report, "browser.own-page").seen.exchanges] == ["page"]
    assert [(d.cause, d.evidence) for d in report.diagnosis] == [(told.cause, ("browser.own-page",))]
    assert "your own code" not in report.not_tested


class Living(MadeUp):
    """A page whose account is another each time, though nothing more fails in it."""

    looks = 0

    async def watched(self, wait_s: float = 0.0) -> Account | None:
        self.looks += 1
        return Account(version=1, requests=[FOUNDING], taken_ms=20.0 * self.looks)


def test_a_page_in_which_nothing_more_fails_is_not_waited_for() -> None:
    page = Living()
    assert finding(asked(page, only=["browser.own-page"]), "browser.own-page").status == "fail"
    assert page.looks == 2


def test_a_page_of_the_users_own_in_which_a_session_began_is_well() -> None:
    answered = Request(
        "r1", "POST", "https://api.openai.com/v1/realtime/calls", 1.0, 2.0, SDP, "v=0\r\n", 201, [], "v=0\r\n"
    )
    begun = [Event("p1/oai-events", "received", 9.0, CREATED)]
    own = Account(version=1, requests=[answered], peers=[AFTER_IT], events=begun, taken_ms=20.0)
    assert finding(asked(MadeUp(own=own), only=["browser.own-page"]), "browser.own-page").status == "pass"


UNKNOWN = {"type": "invalid_request_error", "code": "unknown_parameter", "param": "session.turn_detection"}
SENT = json.dumps({"type": "session.update", "session": {"turn_detection": {"type": "semantic_vad"}}})
ERROR = json.dumps({"type": "error", "error": {**UNKNOWN, "message": "Unknown parameter: 'session.turn_detection'."}})


def test_what_a_page_of_the_users_own_was_refused_in_its_session_is_told_by_the_event() -> None:
    url = "https://api.openai.com/v1/realtime/calls"
    answered = Request("r1", "POST", url, 1.0, 2.0, SDP, "v=0\r\n", 201, [], "v=0\r\n")
    events = [
        Event("p1/oai-events", "received", 9.0, CREATED),
        Event("p1/oai-events", "sent", 10.0, SENT),
        Event("p1/oai-events", "received", 11.0, ERROR),
    ]
    own = Account(version=1, requests=[answered], peers=[AFTER_IT], events=events, taken_ms=20.0)
    seen = row(asked(MadeUp(own=own), only=["browser.own-page"]), "browser.own-page")
    assert (seen.finding.status, seen.finding.measured) == ("fail", "error unknown_parameter")
    assert [e.type for e in seen.seen.events] == ["session.update", "error"]
    assert seen.finding.cause == "flat-beta-fields-in-ga"


def test_a_microphone_that_a_page_of_the_users_own_was_refused() -> None:
    none = Microphone(1.0, 2.0, "NotFoundError: Requested device not found")
    report = asked(MadeUp(own=Account(version=1, microphones=[none], taken_ms=20.0)), only=["browser.own-page"])
    told = finding(report, "browser.own-page")
    assert (told.status, told.cause) == ("fail", "microphone-refused/none")


def test_a_header_alone_is_asked_beside_the_plain_offer() -> None:
    report = asked(MadeUp({**WELL, "cors-agents": FAILS["cors-agents"]}), only=["browser.cors-agents"])
    assert [d.cause for d in report.diagnosis] == ["cors/header"]
    report = asked(MadeUp({**WELL, **FAILS}), only=["browser.cors-agents"])
    assert (report.exit_code, [d.cause for d in report.diagnosis]) == (3, ["cors"])
