"""What rtdiag's page asks, by chromium and Firefox: each case tells what was measured, whatever has failed before or beside it."""

from __future__ import annotations

import asyncio

import pytest

from rtdiag.browser.taking import take
from rtdiag.redact import Mask
from rtdiag.transport.recorder import Recorder
from tests.browser.asked import CASES, Told, Wish, asked

NOTHING = """
delete globalThis.RTCPeerConnection;
delete globalThis.webkitRTCPeerConnection;
delete Navigator.prototype.mediaDevices;
"""
NO_ANSWER_TO_THE_PROMPT = "MediaDevices.prototype.getUserMedia = () => new Promise(() => {});"
NO_PLAYING = """
delete globalThis.AudioContext;
delete globalThis.MediaStreamTrackProcessor;
delete AbortSignal.timeout;
delete Navigator.prototype.permissions;
Object.defineProperty(HTMLMediaElement.prototype, "autoplay", { set() {} });
HTMLMediaElement.prototype.play = () => Promise.reject(new DOMException("play() failed", "NotAllowedError"));
"""
IN_THE_SESSION = {"location", "ice", "dtls", "channel", "created", "update", "pair", "sound"}
PAGES = (
    Wish(),
    Wish(before=NOTHING, faults=["browser-no-cors"], no_token="rate limited"),
    Wish(faults=["wrong-fingerprint", "browser-headers-refused"]),
    Wish(faults=["browser-silent-sound", "udp-silent-tcp-works", "browser-location-hidden"], waits_ms={"sound": 2000}),
    Wish(faults=["browser-no-sound"], before=NO_ANSWER_TO_THE_PROMPT, waits_ms={"sound": 2000, "microphone": 300}),
    Wish(before=NO_PLAYING),
)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(f"asked in {name}")) for name in ("chromium", "firefox")],
)
def told(request: pytest.FixtureRequest) -> list[Told]:
    """What these pages told, one after the other."""
    return asyncio.run(asked(request.param, *PAGES))


def test_where_all_is_well_every_case_has_an_answer(told: list[Told]) -> None:
    healthy = told[0]
    assert healthy.looking("pass") == set(CASES), healthy.shown
    assert set(healthy.account.answers) == set(CASES)
    assert healthy.facts("microphone")["level"] is None or healthy.facts("microphone")["level"] > 0
    sound = healthy.facts("sound")
    assert sound["packets"] > 0
    assert sound["energy"] > 0
    assert sound["played_s"] > 0
    assert healthy.facts("pair")["protocol"] == "udp"


def test_what_was_opened_is_closed_and_the_microphone_goes_in_shut(told: list[Told]) -> None:
    for one in told:
        assert one.live == 0
        assert not any(one.added)
        assert all(peer.states[-1][2] == "closed" for peer in one.account.peers)
        assert all(socket.code is not None for socket in one.account.sockets)
    assert told[0].added == [False]


def test_nothing_that_is_missing_keeps_the_rest_from_being_asked(told: list[Told]) -> None:
    found = told[1]
    assert found.looking("fail") == {"microphone", "webrtc", "cors-offer"}
    assert found.looking("warn") == {"cors-agents", "cors-beta", "cors-client"}
    assert found.looking("pass") == {"secure", "reached", "same-path", "blocked"}
    assert found.facts("websocket") == {"events": [0, 0], "token": "rate limited"}
    assert found.facts("microphone") == {"events": [0, 0], "there": False}
    assert found.facts("reached")["opaque"] is True
    assert found.facts("cors-offer")["simple"].startswith("TypeError")
    assert "answer" not in found.account.answers


def test_a_phase_that_fails_is_the_last(told: list[Told]) -> None:
    found = told[2]
    assert (found.looking("fail"), found.looking("warn")) == ({"dtls"}, {"cors-agents", "cors-beta", "cors-client"})
    assert found.facts("dtls") | {"took_ms": 0} == {
        "events": found.facts("dtls")["events"],
        "done": False,
        "state": "failed",
        "late": False,
        "took_ms": 0,
    }
    assert not {"channel", "created", "update", "pair", "sound"} & set(found.account.answers)


def test_silence_tcp_and_a_hidden_location_are_told(told: list[Told]) -> None:
    found = told[3]
    assert (found.looking("fail"), found.looking("warn")) == ({"sound"}, {"location"})
    assert found.facts("location")["read"] is None
    assert found.facts("pair")["protocol"] == "tcp"
    assert found.facts("sound")["packets"] > 0
    assert found.facts("sound")["energy"] == 0


def test_a_prompt_that_nobody_answers_ends_and_the_session_is_opened_without(told: list[Told]) -> None:
    found = told[4]
    assert (found.facts("microphone")["name"], found.facts("microphone")["late"]) == ("TimeoutError", True)
    assert found.added == []
    assert found.looking("fail") == {"microphone", "sound"}
    assert found.facts("sound")["packets"] == 0
    assert found.facts("sound")["muted"] is True
    assert found.facts("sound")["response"] == "completed"


def test_what_may_not_be_played_is_told_apart_from_what_does_not_come(told: list[Told]) -> None:
    sound = told[5].facts("sound")
    assert sound["refused"] == "NotAllowedError: play() failed"
    assert sound["packets"] > 0
    assert sound["played_s"] == 0


def test_what_a_browser_has_not_is_no_failure_of_what_is_asked(told: list[Told]) -> None:
    """The last page has no AudioContext, no AbortSignal.timeout and no Permissions either."""
    found = told[5]
    assert found.looking("fail") == {"sound"}
    microphone = found.facts("microphone")
    assert (microphone["level"], microphone["permission"], "name" in microphone) == (None, None, False)
    assert found.facts("sound")["context_state"] is None


def test_no_token_leaves_the_page(told: list[Told]) -> None:
    tokens = [word for one in told for word in one.raw.replace("\\", '"').split('"') if "ek_" in word]
    assert tokens
    assert all("ek_***" in token or "ek_rtdia***" in token for token in tokens)


def test_the_account_becomes_the_records_of_a_session(told: list[Told]) -> None:
    recorder = Recorder(Mask())
    seen = take(told[0].account, recorder, minted={"answer": "x1"})
    offer, trace = seen["answer"].exchange, seen["answer"].peers[0]
    assert offer is not None
    assert (offer.status, offer.by, offer.credential, offer.credential_from) == (201, "browser", "realtime-token", "x1")
    assert list(trace.phases_ms) == ["answer", "ice", "dtls", "channel", "created"]
    assert (trace.failure, trace.offered_in) == (None, offer.id)
    assert trace.selected_pair is not None
    assert [event.type for event in seen["created"].events] == ["session.created"]
    assert [event.type for event in seen["update"].events] == ["session.update", "session.updated"]
    assert seen["sound"].events[0].type == "response.create"
    socket = seen["websocket"]
    assert socket.exchange is not None
    assert (socket.exchange.status, socket.peers[0].close, socket.peers[0].failure) == (101, None, None)
    assert str(recorder.cost) == "9 requests, 0 tokens, 2 sessions, no audio"


def test_a_session_that_fails_tells_where(told: list[Told]) -> None:
    trace = take(told[2].account, Recorder(Mask()))["dtls"].peers[0]
    assert list(trace.phases_ms) == ["answer", "ice"]
    assert trace.failure is not None
    assert (trace.failure.kind, trace.failure.phase) == ("dtls", "dtls")
    assert trace.failure.detail == "ended as dtlsState failed"
