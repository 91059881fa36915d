"""Every GA event that the emulator sends fits the types of the Python package openai, but for what live_wins.yaml lists."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import yaml

from rtdiag.api.endpoints import Kind
from rtdiag.api.own_yaml import loader
from rtdiag.emulator.bodies import Refused, all_bodies
from rtdiag.emulator.faults import Switches
from rtdiag.emulator.session.open_session import error_event
from rtdiag.emulator.session.replies import Over
from rtdiag.emulator.session.settings import Rules, configured
from rtdiag.emulator.session.state import Session
from rtdiag.emulator.timeline import behaviour, newest
from tests.clients.event_types import covers, live_wins, misfits, unexplained
from tests.speech import silence, speech

Json = dict[str, Any]
HERE = Path(__file__).parent
SCRIPTS = yaml.load((HERE / "scripts.yaml").read_text(encoding="utf-8"), Loader=loader())
EMULATOR = HERE.parents[1] / "rtdiag" / "emulator"
AUDIO = {"speech": speech(1) + silence(1), "tenth": silence(0.1), "silence": silence(12)}
OVER: tuple[Over, ...] = ("webrtc", "websocket")
CASES: list[tuple[str, Kind, Over]] = [
    (name, kind, over) for name, script in SCRIPTS.items() for kind in script["kinds"] for over in OVER
]


def told(kind: Kind, over: Over, asked: list[Any]) -> Iterator[Json]:
    """All that one session says: at its start, to each of the client's events, and at its end."""
    rules = Rules(behaviour(newest()), Switches(), time.time)
    session = Session(kind, "ga", configured(kind, "ga", {"type": kind}, {}, rules), rules, over)
    yield from session.created()
    last_item = ""
    for one in asked:
        for event in session.receive(json.dumps(sent(one)).replace("KIND", kind).replace("LAST_ITEM", last_item)):
            last_item = event["item"]["id"] if "item" in event else last_item
            yield event
    yield from session.expire()


def sent(one: Any) -> Json:
    """A line of scripts.yaml as an event."""
    if isinstance(one, dict):
        return one
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(AUDIO[one]).decode()}


def all_told() -> list[Json]:
    """Everything that the sessions of all scripts say."""
    return [event for name, kind, over in CASES for event in told(kind, over, SCRIPTS[name]["asked"])]


@pytest.mark.parametrize(("name", "kind", "over"), CASES)
def test_every_event_fits(name: str, kind: Kind, over: Over) -> None:
    events = list(told(kind, over, SCRIPTS[name]["asked"]))
    errors = [event["error"]["code"] for event in events if event["type"] == "error"]
    assert (errors == ["session_expired"]) == (name != "refusals"), "the script does what it is for"
    assert [(event["type"], found) for event in events if (found := unexplained(event))] == []


@pytest.mark.parametrize("body_id", sorted(all_bodies()))
def test_every_error_fits(body_id: str) -> None:
    """Each body of bodies.yaml as an `error` event."""
    texts = [text for text in all_bodies()[body_id].error.values() if text]
    values = {name: "x" for text in texts for _, name, _, _ in Formatter().parse(text) if name}
    event = error_event(Refused(body_id, **values), "mine")
    assert unexplained(event) == []


def test_the_scripts_make_the_emulator_say_all_that_it_can() -> None:
    """Names are read off the source; what stands in braces there may be anything. Translations are held by their own tests."""
    paths = [path for path in EMULATOR.rglob("*.py") if path.name != "translation.py"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    named = set(re.findall(r'\b(?:event|named)\(\s*(?:self\._?dialect, )?f?"([^"]+)"', source))
    assert len(named) > 20
    said = {event["type"] for event in all_told()}
    missing = {name for name in named if not any(fnmatchcase(one, re.sub("{.*?}", "*", name)) for one in said)}
    assert missing == set()


def test_no_exception_is_left_over() -> None:
    events = all_told()
    idle = [row for row in live_wins() if not any(covers(row, event, m) for event in events for m in misfits(event))]
    assert idle == []


@pytest.mark.parametrize(
    ("change", "misfit"),
    [
        ({"bogus": 1}, "bogus: unknown key"),
        ({"error": {"type": "x", "message": "y", "bogus": 1}}, "error.bogus: unknown key"),
        ({"error": {"type": "x"}}, "error.message: Field required"),
        ({"error": {"type": "x", "message": 1}}, "error.message: Input should be a valid string"),
        ({"event_id": None}, "event_id: Input should be a valid string"),
        ({"type": "transcription"}, "type: no such event"),
    ],
)
def test_a_misfit_would_be_seen(change: Json, misfit: str) -> None:
    event = error_event(Refused("buffer-empty", buffered_ms="0.00"))
    assert unexplained(event) == []
    assert unexplained(event | change) == [misfit]
