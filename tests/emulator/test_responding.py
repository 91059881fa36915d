"""Responses live in time: one at a time, cancelled, interrupted, heard as long as they play. By a clock that the tests own."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from rtdiag.emulator.session import spoken
from rtdiag.emulator.session.replies import REPLY, Over
from rtdiag.emulator.session.state import Session
from tests import speech
from tests.emulator.clients import types
from tests.emulator.made import error, item, rules, session, told

Json = dict[str, Any]
MS = 0.001


class Clock:
    """Seconds that pass when a test says so; what a session says in them is collected."""

    def __init__(self, pace: float = 1, over: Over = "websocket", **given: Any) -> None:
        self.now_s = 0.0
        self.session = session(given=given, over=over, of=replace(rules(), now=lambda: self.now_s, pace=pace))

    def passes(self, seconds: float) -> list[Json]:
        """Every event of that time, each at its own moment."""
        end_s, events = self.now_s + seconds, list[Json]()
        while (next_in_s := self.session.next_in_s) is not None and self.now_s + next_in_s <= end_s:
            self.now_s += next_in_s
            events += [{**event, "at_s": self.now_s} for event in self.session.tick()]
        self.now_s = end_s
        return events


class Ear:
    """A speaker that counts."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def play(self) -> None:
        self.heard.append("play")

    def clear(self) -> None:
        self.heard.append("clear")


def append(one: Session, audio: bytes) -> list[Json]:
    return told(one, "input_audio_buffer.append", audio=base64.b64encode(audio).decode())


def at(events: list[Json], kind: str) -> float:
    found: float = next(e["at_s"] for e in events if e["type"] == kind)
    return found


def test_a_response_over_a_socket_comes_faster_than_it_plays() -> None:
    clock = Clock()
    assert types(told(clock.session, "response.create")) == ["response.created"]
    events = clock.passes(3)
    assert 0.25 < at(events, "response.output_item.added") < 0.4
    assert 0.5 < at(events, "response.done") < 0.75, "recorded for a short answer"
    assert at(events, "response.done") < spoken.ms() * MS / 2
    assert at(events, "rate_limits.updated") > at(events, "response.done")


@pytest.mark.parametrize("pace", [0, 3])
def test_pace_is_how_long_it_takes(pace: float) -> None:
    clock = Clock(pace)
    told_at_once = told(clock.session, "response.create")
    events = clock.passes(10)
    if pace == 0:
        assert (types(told_at_once)[-1], events) == ("rate_limits.updated", [])
    else:
        once = Clock()
        told(once.session, "response.create")
        assert at(events, "response.done") == pytest.approx(pace * at(once.passes(10), "response.done"))


def test_a_second_response_is_refused_until_the_first_is_done() -> None:
    clock = Clock()
    (created,) = told(clock.session, "response.create")
    found = error(clock.session, "response.create", event_id="mine")
    assert found["code"] == "conversation_already_has_active_response"
    assert (created["response"]["id"] in found["message"], found["event_id"]) == (True, "mine")
    clock.passes(3)
    assert types(told(clock.session, "response.create")) == ["response.created"]


def test_a_response_outside_the_conversation_goes_beside_it() -> None:
    clock = Clock()
    told(clock.session, "response.create")
    (beside,) = told(clock.session, "response.create", response={"conversation": "none"})
    assert beside["response"]["conversation_id"] is None
    of_it = [e for e in clock.passes(3) if e.get("response_id") == beside["response"]["id"]]
    assert "response.output_item.done" in types(of_it)
    assert types(item(clock.session)) == ["conversation.item.added", "conversation.item.done"]
    items = [e for e in clock.passes(0) if e["type"] == "conversation.item.added"]
    assert items == []


def test_what_is_cancelled_ends_where_it_is() -> None:
    clock = Clock()
    (created,) = told(clock.session, "response.create")
    begun = clock.passes(0.5)
    ended = told(clock.session, "response.cancel")
    assert types(ended)[-2:] == ["response.output_item.done", "response.done"]
    done = ended[-1]["response"]
    assert (done["id"], done["status"]) == (created["response"]["id"], "cancelled")
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    said = "".join(e["delta"] for e in begun if e["type"] == "response.output_audio_transcript.delta")
    assert REPLY.startswith(said)
    assert (done["output"][0]["status"], done["output"][0]["content"][0]["transcript"]) == ("incomplete", said)
    assert types(clock.passes(5)) == ["rate_limits.updated"]
    assert error(clock.session, "response.cancel")["code"] == "response_cancel_not_active"


def test_the_response_to_cancel_can_be_named() -> None:
    clock = Clock()
    told(clock.session, "response.create")
    (beside,) = told(clock.session, "response.create", response={"conversation": "none"})
    assert error(clock.session, "response.cancel", response_id="resp_other")["code"] == "response_cancel_not_active"
    (done,) = told(clock.session, "response.cancel", response_id=beside["response"]["id"])
    assert (done["response"]["output"], done["response"]["status"]) == ([], "cancelled")
    assert "response.done" in types(clock.passes(3)), "the other goes on"


@pytest.mark.parametrize("interrupts", [True, False])
def test_speech_interrupts_what_is_made(interrupts: bool) -> None:
    detection = {"type": "server_vad", "interrupt_response": interrupts}
    clock = Clock(audio={"input": {"turn_detection": detection}})
    told(clock.session, "response.create")
    clock.passes(0.5)
    events = append(clock.session, speech.speech(1))
    assert events[0]["type"] == "input_audio_buffer.speech_started"
    done = [e["response"] for e in events if e["type"] == "response.done"]
    assert [r["status_details"] for r in done] == [{"type": "cancelled", "reason": "turn_detected"}] * interrupts


def test_a_turn_that_may_not_interrupt_asks_for_a_response_in_vain() -> None:
    """openai 3.54.0 types/realtime: if interrupt_response is false, it may fail to create a response."""
    clock = Clock(audio={"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}})
    told(clock.session, "response.create")
    events = append(clock.session, speech.speech(1) + speech.silence(1))
    assert events[-1]["error"]["code"] == "conversation_already_has_active_response"


def test_over_a_call_it_is_heard_as_long_as_it_plays() -> None:
    clock, ear = Clock(over="webrtc"), Ear()
    clock.session.playback.speaker = ear
    told(clock.session, "response.create")
    events = clock.passes(10)
    assert (ear.heard, "response.output_audio.delta" in types(events)) == (["play"], False)
    started, stopped = at(events, "output_audio_buffer.started"), at(events, "output_audio_buffer.stopped")
    assert stopped - started == pytest.approx(spoken.ms() * MS)
    assert types(events).index("response.output_audio_transcript.delta") < types(events).index(
        "output_audio_buffer.started"
    )
    assert at(events, "rate_limits.updated") < stopped


def test_what_is_said_while_something_is_heard_comes_behind_it() -> None:
    clock, ear = Clock(over="webrtc"), Ear()
    clock.session.playback.speaker = ear
    told(clock.session, "response.create")
    clock.passes(1)
    told(clock.session, "response.create")
    ends = [e["at_s"] for e in clock.passes(10) if e["type"] == "output_audio_buffer.stopped"]
    assert ear.heard == ["play", "play"]
    assert ends[-1] == pytest.approx(0.435 + 2 * spoken.ms() * MS, abs=0.1)


def test_speech_cuts_what_is_heard_after_the_response_is_done() -> None:
    clock, ear = Clock(over="webrtc"), Ear()
    clock.session.playback.speaker = ear
    told(clock.session, "response.create")
    made = clock.passes(1)
    events = append(clock.session, speech.speech(1))
    assert types(events)[:3] == [
        *("input_audio_buffer.speech_started", "output_audio_buffer.cleared", "conversation.item.truncated"),
    ]
    assert ear.heard == ["play", "clear"]
    played_ms = (1 - at(made, "output_audio_buffer.started")) / MS
    assert events[2]["audio_end_ms"] == pytest.approx(played_ms, abs=2)
    assert "output_audio_buffer.stopped" not in types(clock.passes(10))


def test_speech_cuts_what_is_made_and_heard_at_once() -> None:
    clock = Clock(over="webrtc")
    told(clock.session, "response.create")
    clock.passes(0.46)
    names = types(append(clock.session, speech.speech(1)))
    assert names[:2] == ["input_audio_buffer.speech_started", "output_audio_buffer.cleared"]
    assert names[-2:] == ["response.done", "conversation.item.truncated"]


def test_what_is_heard_outside_the_conversation_is_cut_without_an_item() -> None:
    clock = Clock(over="webrtc")
    told(clock.session, "response.create", response={"conversation": "none"})
    clock.passes(1)
    names = types(append(clock.session, speech.speech(1)))
    assert ("output_audio_buffer.cleared" in names, "conversation.item.truncated" in names) == (True, False)


def test_the_buffer_is_cleared_when_the_client_says_so() -> None:
    clock = Clock(over="webrtc")
    told(clock.session, "response.create")
    clock.passes(1)
    assert types(told(clock.session, "output_audio_buffer.clear")) == ["output_audio_buffer.cleared"]
    assert told(clock.session, "output_audio_buffer.clear") == []


def test_silence_after_a_response_is_answered_when_it_has_lasted() -> None:
    """Counted in audio, from the end of what was heard: a session recorded on 2026-09-29."""
    clock = Clock(0, audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}})
    assert append(clock.session, speech.silence(12)) == [], "nothing was said that could be answered"
    told(clock.session, "response.create")
    assert append(clock.session, speech.silence((spoken.ms() + 4800) * MS)) == []
    events = append(clock.session, speech.silence(0.4))
    assert types(events)[:7] == [
        *("input_audio_buffer.timeout_triggered", "conversation.item.added", "conversation.item.done"),
        *("input_audio_buffer.committed", "conversation.item.added", "conversation.item.done", "response.created"),
    ]
    timeout, added = events[0], events[1]["item"]
    assert timeout["audio_end_ms"] - timeout["audio_start_ms"] == 5000
    assert (added["role"], added["content"][0]["text"][:24]) == ("system", "No user speech was detec")
    assert timeout["item_id"] == events[3]["item_id"] == events[4]["item"]["id"]
    assert events[3]["previous_item_id"] == added["id"]


def test_silence_is_no_answer_to_a_response_that_is_made() -> None:
    clock = Clock(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}})
    told(clock.session, "response.create")
    clock.passes(3)
    told(clock.session, "response.create")
    assert append(clock.session, speech.silence(12)) == []


def test_speech_begins_the_wait_anew() -> None:
    clock = Clock(
        0,
        audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000, "create_response": False}}},
    )
    told(clock.session, "response.create")
    append(clock.session, speech.silence(3) + speech.speech(1) + speech.silence(1))
    assert append(clock.session, speech.silence(12)) == []


def test_a_bad_commit_is_refused_late_by_models_that_write_while_they_listen() -> None:
    """record 70882954038 (2026-10-06): what comes behind it is answered before."""
    late, early = Clock(), Clock()
    for clock, model in ((late, "gpt-live-transcribe"), (early, "gpt-4o-transcribe")):
        asked = {"turn_detection": None, "transcription": {"model": model}}
        told(clock.session, "session.update", session={"type": "realtime", "audio": {"input": asked}})
    assert error(early.session, "input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"
    assert told(late.session, "input_audio_buffer.commit", event_id="mine") == []
    (refused,) = late.passes(2)
    assert (refused["error"]["event_id"], 0.8 < refused["at_s"] < 1) == ("mine", True)


def test_what_waits_to_be_heard_is_cut_to_nothing() -> None:
    clock = Clock(over="webrtc", audio={"input": {"turn_detection": {"type": "server_vad"}}})
    for _ in range(2):
        told(clock.session, "response.create")
        clock.passes(1)
    cut = next(e for e in append(clock.session, speech.speech(1)) if e["type"] == "conversation.item.truncated")
    assert cut["audio_end_ms"] == 0


def test_what_comes_behind_a_turn_that_gets_no_response_is_heard() -> None:
    clock = Clock(
        audio={
            "input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 200, "interrupt_response": False}}
        },
    )
    names = types(append(clock.session, 3 * (speech.speech(1) + speech.silence(1))))
    assert (names.count("response.created"), names.count("error")) == (1, 2)
    assert names.count("input_audio_buffer.committed") == 3


def test_the_item_of_a_turn_that_is_no_longer_listened_for_is_the_one_that_was_told() -> None:
    clock = Clock(audio={"input": {"turn_detection": {"type": "server_vad"}}})
    (started,) = append(clock.session, speech.speech(1))
    told(
        clock.session,
        "session.update",
        session={"type": "realtime", "audio": {"input": {"turn_detection": None}}},
    )
    committed = told(clock.session, "input_audio_buffer.commit")[0]
    assert (committed["type"], committed["item_id"]) == ("input_audio_buffer.committed", started["item_id"])


@pytest.mark.parametrize(
    "wish", [7, [], {"audio": {"output": None}}, {"audio": {"output": {"format": "pcm16"}}}, {"audio": {"input": {}}}]
)
def test_a_response_that_is_wished_for_oddly_is_refused(wish: object) -> None:
    assert error(session(), "response.create", response=wish)["param"].startswith("response")


def test_a_response_of_the_beta_has_a_format_of_its_own() -> None:
    one = session(dialect="beta")
    sizes = [
        sum(len(e["delta"]) for e in told(one, "response.create", response=wish) if e["type"] == "response.audio.delta")
        for wish in ({}, {"output_audio_format": "g711_ulaw"})
    ]
    assert sizes[1] < sizes[0] / 5
    assert error(one, "response.create", response={"output_audio_format": "mp3"})["code"] == "invalid_value"


def test_what_was_due_after_the_end_does_not_come() -> None:
    """The clock has jumped, as after a sleep of the machine."""
    clock = Clock(over="webrtc")
    clock.passes(3599)
    told(clock.session, "response.create")
    clock.passes(0.9)
    clock.now_s += 7200
    assert clock.session.tick()[-1]["error"]["code"] == "session_expired"


def test_nothing_follows_the_end() -> None:
    clock = Clock()
    told(clock.session, "response.create")
    clock.passes(0.4)
    clock.session.expire()
    assert clock.session.next_in_s is None
    assert clock.session.tick() == []
