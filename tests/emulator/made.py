"""Sessions without a network, and the events that they answer with."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.emulator.faults import Switches
from rtdiag.emulator.session.replies import Over
from rtdiag.emulator.session.settings import Rules, configured
from rtdiag.emulator.session.state import Session
from rtdiag.emulator.timeline import behaviour, newest

Json = dict[str, Any]
NOW_S = 1_800_000_000
BOTH_DIALECTS = date(2025, 9, 1)
HELLO: Json = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}


def rules(as_of: date | None = None, **turned: Any) -> Rules:
    """Those of a day, of the newest one unless told otherwise, under these switches, at `NOW_S`."""
    return Rules(behaviour(as_of or newest()), Switches(**turned), lambda: NOW_S)


def session(
    kind: Kind = "realtime",
    dialect: Dialect = "ga",
    given: Json | None = None,
    over: Over = "websocket",
    of: Rules | None = None,
) -> Session:
    """One of that kind with these settings; over what decides which events a response has."""
    of = of or rules(BOTH_DIALECTS if dialect == "beta" else None)
    start = {"type": kind} if dialect == "ga" else {}
    return Session(kind, dialect, configured(kind, dialect, start | (given or {}), {}, of), of, over)


def told(one: Session, kind_of_event: str, **fields: Any) -> list[Json]:
    """The events that answer one event, as a client reads them."""
    answers: list[Json] = json.loads(json.dumps(one.receive(json.dumps({"type": kind_of_event, **fields}))))
    return answers


def error(one: Session, kind_of_event: str, **fields: Any) -> Json:
    """The error that answers one event."""
    (answer,) = told(one, kind_of_event, **fields)
    assert answer["type"] == "error"
    found: Json = answer["error"]
    return found


def item(one: Session, item_id: str | None = None, **fields: Any) -> list[Json]:
    """The events that answer an item of the user, under an id of its own if one is given."""
    return told(one, "conversation.item.create", item=HELLO | ({"id": item_id} if item_id else {}), **fields)
