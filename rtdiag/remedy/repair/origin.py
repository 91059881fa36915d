"""What somebody's text is: the session object inside an event, a mint or an answer, and the kind of session it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtdiag.api.endpoints import KINDS, Kind
from rtdiag.remedy.repair.draft import Draft, json_name
from rtdiag.remedy.repair.fields import BY_NAME, REALTIME_ONLY, SHAPES, Field
from rtdiag.remedy.repair.model_names import kind_of

# What stands around a session in events and mints, and in their answers: openai-openapi @ f85dbe2 lines 50971, 51054 and 54048.
_AROUND = ("session", "event_id", "expires_after", "value", "expires_at")


def unwrapped(given: Mapping[str, Any]) -> tuple[Draft, str]:
    """A draft of the session inside `given`, and the type of the event it stood in, "" when in none."""
    if not isinstance(given, Mapping):
        draft = Draft({})
        draft.record((), "removed", f"{json_name(given)} where a session object belongs", SHAPES["ga"])
        return draft, ""
    inner, event = given, ""
    while isinstance(inner.get("session"), Mapping):
        outer, inner = inner, inner["session"]
        event = str(outer["type"]) if isinstance(outer.get("type"), str) else event
        beside = {n: v for n, v in outer.items() if n not in _AROUND and (n != "type" or v in KINDS)}
        inner = {**inner, **{name: value for name, value in beside.items() if name not in inner}}
    draft = Draft(inner)
    if inner is not given:
        why = "the session object alone; the request or event that carries it goes around it again"
        draft.record((), "unwrapped", why, SHAPES["ga"])
    return draft, event


def kind_meant(draft: Draft, event: str, model: str | None) -> Kind:
    """The kind of session that is meant: by the model, else by its type, else by what it holds."""
    asked, stated = kind_of(model), draft.get(("type",))
    if asked in KINDS:
        return "realtime" if asked == "realtime" else "transcription"
    if kind_of(draft.get(("model",))) == "transcription":
        return "transcription"
    if stated in KINDS:
        return "realtime" if stated == "realtime" else "transcription"
    event = stated if isinstance(stated, str) else event
    if event.startswith("transcription_session") or draft.get(("object",)) == "realtime.transcription_session":
        return "transcription"
    if any(_holds(draft, field) for field in REALTIME_ONLY):
        return "realtime"
    return "transcription" if _holds(draft, BY_NAME["transcription"]) else "realtime"


def _holds(draft: Draft, field: Field) -> bool:
    return any(draft.get(spot) not in (..., None) for spot in field.spots())
