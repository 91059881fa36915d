"""Sessions to which anything may be said at any time: seeded walks, by a clock that the walk owns.

Whatever comes, nothing raises, all that is told is JSON, responses and items keep their order, and what has begun ends.
"""

from __future__ import annotations

import base64
import copy
import json
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import pytest

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.emulator.session.replies import Over
from tests.emulator.made import BOTH_DIALECTS, HELLO, rules, session
from tests.speech import silence, speech

Json = dict[str, Any]

STEPS, WALKS_EACH = 40, 30
LONGEST_S = 30  # until nothing of a response is left
SEATS: list[tuple[Kind, Dialect, Over, float]] = [
    ("realtime", "ga", "websocket", 1),
    ("realtime", "ga", "webrtc", 1),
    ("realtime", "ga", "webrtc", 0),
    ("realtime", "beta", "websocket", 0.01),
    ("realtime", "beta", "webrtc", 1),
    ("transcription", "ga", "websocket", 1),
    ("transcription", "beta", "webrtc", 1),
]
WEATHER: Json = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
}
ODD: list[Any] = [
    *(None, True, 0, -1, 7, 1e300, 10**30, "", "x", "root", "inf", "none", "audio/pcmu", [], {}, [None], [[]], [{}]),
    *({"type": "message"}, {"type": []}, {"id": {}}, {"output": None}, {"format": None}, {"format": "pcm16"}),
]
DETECTIONS: list[Json | None] = [
    None,
    {"type": "server_vad"},
    {"type": "server_vad", "silence_duration_ms": 200, "interrupt_response": False},
    {"type": "server_vad", "create_response": False},
    {"type": "semantic_vad", "eagerness": "high"},
]
MODELS = ["whisper-1", "gpt-4o-transcribe", "gpt-live-transcribe", "gpt-realtime-whisper", "mine"]
FORMATS: list[Any] = [{"type": "audio/pcm", "rate": 24000}, {"type": "audio/pcmu"}, {"type": "audio/pcma"}]


@cache
def sounds() -> list[str]:
    """Of an append: speech, silence of two lengths, nothing, half a sample, an odd number of bytes."""
    pieces = [speech(0.5), speech(1), silence(1), silence(0.2), b"", b"\0", speech(0.3)[:-1]]
    return [base64.b64encode(piece).decode() for piece in pieces]


class Walk:
    """One client that has lost its way, and what it is told."""

    def __init__(self, kind: Kind, dialect: Dialect, over: Over, pace: float, seed: int) -> None:
        self.chance, self.now_s = Random(seed), 0.0
        self.kind, self.dialect = kind, dialect
        day = rules(BOTH_DIALECTS if dialect == "beta" else None)
        of = replace(day, now=lambda: self.now_s, pace=pace)
        model = (
            self.chance.choice(["gpt-realtime", "gpt-realtime-2.1"]) if dialect == "ga" else "gpt-4o-realtime-preview"
        )
        given = {"model": model, "tools": [WEATHER]} if kind == "realtime" else {}
        self.session = session(kind, dialect, given, over, of)
        self.ids = ["item_unknown"]
        self.responses = ["resp_unknown"]
        self.order = Order()

    def goes(self) -> None:
        """To the end, and until nothing is left to come of it."""
        self.hears(self.session.created())
        for _ in range(STEPS):
            self.step()
        self.passes(LONGEST_S)
        self.order.is_at_its_end()

    def step(self) -> None:
        if self.chance.random() < 0.3:
            self.passes(self.chance.choice([0, 0.05, 0.31, 0.5, 2]))
        asked = self.event()
        if self.chance.random() < 0.4:
            asked = self.spoilt(asked)
        self.hears(self.session.receive(json.dumps(asked)))

    def passes(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while (next_in_s := self.session.next_in_s) is not None and self.now_s + next_in_s <= end_s:
            self.now_s += next_in_s
            self.hears(self.session.tick())
        self.now_s = end_s

    def hears(self, events: list[Json]) -> None:
        for event in events:
            json.dumps(event, allow_nan=False)
            self.order.takes(event)
            item_id = event.get("item_id") or event.get("item", {}).get("id")
            self.ids += [item_id] if item_id else []
            self.responses += [event["response"]["id"]] if event["type"] == "response.created" else []

    def event(self) -> Json:
        """One that is allowed, more or less."""
        pick, an_id = self.chance.choice, self.chance.choice(self.ids[-6:])
        item = pick(
            [HELLO, {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"}, HELLO | {"id": an_id}]
        )
        wish = pick([{}, {"conversation": "none"}, {"tool_choice": "required"}, self.wish()])
        return pick(
            [
                *[{"type": "input_audio_buffer.append", "audio": pick(sounds())}] * 4,
                *[{"type": "response.create", "response": wish}] * 3,
                *[{"type": "session.update", "session": self.settings()}] * 2,
                {"type": "response.cancel", **pick([{}, {"response_id": pick(self.responses[-3:])}])},
                {"type": "input_audio_buffer.commit"},
                {"type": "input_audio_buffer.clear"},
                {"type": "output_audio_buffer.clear"},
                {"type": "conversation.item.create", "item": item, "previous_item_id": pick([None, "root", an_id])},
                {"type": "conversation.item.delete", "item_id": an_id},
                {"type": "conversation.item.retrieve", "item_id": an_id},
                {
                    "type": "conversation.item.truncate",
                    "item_id": an_id,
                    "content_index": 0,
                    "audio_end_ms": pick([0, 500]),
                },
                {"type": "session.close", "event_id": "mine"},
            ]
        )

    def wish(self) -> Json:
        if self.dialect == "beta":
            return {
                "modalities": ["text"],
                "output_audio_format": "g711_ulaw",
                "metadata": {"a": "b"},
                "input": [HELLO],
            }
        sound = {"output": {"format": FORMATS[1], "voice": "marin"}}
        return {"audio": sound, "max_output_tokens": 7, "metadata": {"a": "b"}, "input": [HELLO], "tools": [WEATHER]}

    def settings(self) -> Json:
        pick = self.chance.choice
        detection, heard = pick(DETECTIONS), pick([None, {"model": pick(MODELS)}])
        if self.dialect == "beta":
            return {"turn_detection": detection, "input_audio_transcription": heard, "input_audio_format": "g711_alaw"}
        place = {"turn_detection": detection, "transcription": heard, "format": pick(FORMATS)}
        return {
            "type": self.kind,
            "audio": {"input": {name: place[name] for name in pick([["transcription"], [*place]])}},
        }

    def spoilt(self, event: Json) -> Json:
        """With one value, of any depth, in the place of another, or gone."""
        event = copy.deepcopy(event)
        places = list(_places(event))
        above, name = self.chance.choice(places)
        if self.chance.random() < 0.2:
            del above[name]
        else:
            above[name] = copy.deepcopy(self.chance.choice(ODD))
        return event


class Order:
    """What is open of all that has begun."""

    def __init__(self) -> None:
        self.responses: dict[str, list[str]] = {}  # those in the making, and their items that are begun
        self.playing: list[str] = []
        self.ids: set[str] = set()
        self.committed: set[str] = set()

    def takes(self, event: Json) -> None:
        """The next event."""
        kind = event["type"]
        assert event["event_id"] not in self.ids
        self.ids.add(event["event_id"])
        if kind == "error":
            assert list(event["error"]) == ["type", "code", "message", "param", "event_id"], event
        elif kind.startswith("output_audio_buffer."):
            self._plays(kind, event["response_id"])
        elif kind == "response.created":
            self.responses[event["response"]["id"]] = []
        elif kind == "response.done":
            response = event["response"]
            assert self.responses.pop(response["id"]) == []
            assert response["status"] in ("completed", "cancelled")
            assert {item["status"] for item in response["output"]} <= {"completed", "incomplete"}
        elif kind.startswith("response."):
            self._makes(kind, event)
        elif kind == "conversation.item.truncated":
            assert event["audio_end_ms"] >= 0
        elif kind == "input_audio_buffer.committed":
            assert event["item_id"] not in self.committed
            self.committed.add(event["item_id"])
        elif kind.endswith("transcription.completed"):
            assert event["item_id"] in self.committed

    def is_at_its_end(self) -> None:
        """Nothing is open."""
        assert (self.responses, self.playing) == ({}, [])

    def _makes(self, kind: str, event: Json) -> None:
        begun = self.responses[event["response_id"]]
        if kind == "response.output_item.added":
            begun.append(event["item"]["id"])
        elif kind == "response.output_item.done":
            begun.remove(event["item"]["id"])
        else:
            assert event["item_id"] in begun

    def _plays(self, kind: str, response_id: str) -> None:
        if kind.endswith("started"):
            self.playing.append(response_id)
        else:
            self.playing.remove(response_id)


def _places(value: Any) -> Any:
    names = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for name in names:
        yield value, name
        yield from _places(value[name])


@pytest.mark.parametrize("seat", SEATS, ids=lambda seat: "-".join(map(str, seat)))
def test_whatever_is_said_to_a_session_it_stays_sane(seat: tuple[Kind, Dialect, Over, float]) -> None:
    for seed in range(WALKS_EACH):
        try:
            Walk(*seat, seed).goes()
        except Exception as error:
            raise AssertionError(f"walk {seed}") from error
