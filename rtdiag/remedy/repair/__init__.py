"""A session object that should work, made from the one that somebody has: any dialect, mixed, or inside an event. Pure.

Each edit is written down with its reason and the source of the rule. What is right already comes back as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rtdiag.api import sessions
from rtdiag.api.endpoints import DIALECT_NAMES, Dialect, Kind
from rtdiag.api.sessions import Json
from rtdiag.remedy.repair.draft import Change, Draft
from rtdiag.remedy.repair.field_values import MENDERS
from rtdiag.remedy.repair.fields import ANSWER_ONLY, BY_NAME, CONTAINERS, FIELDS, SHAPES, Field, home
from rtdiag.remedy.repair.model_names import known, mend_models, preferred, takes_no_turn_detection
from rtdiag.remedy.repair.numbers import holds_no_json
from rtdiag.remedy.repair.origin import kind_meant, unwrapped
from rtdiag.remedy.repair.turn_detection import Vad, ask_for, mend_turn_detection

_VAD_GUIDE = "developers.openai.com/api/docs/guides/realtime-vad (autumn 2026)"
_PROMPTS = "developers.openai.com/api/docs/deprecations (2026): v1/prompts ends on 2026-11-30"

# Fields whose objects are passed on unread.
_OPEN = frozenset({"tools", "tool_choice", "tracing", "truncation", "prompt", "voice"})


@dataclass(frozen=True)
class Repaired:
    """The session to send; the edits that made it, none when it was right; and notes on what stays but will not last."""

    session: Json
    changes: tuple[Change, ...]
    notes: tuple[Change, ...] = ()


def repair(
    session: Mapping[str, Any],
    *,
    kind: Kind | None,
    dialect: Dialect,
    model: str | None,
    vad: Vad | None,
    on: date,
) -> Repaired:
    """The session to send in that dialect, on that day. Never raises, whatever JSON it is given.

    `kind` None takes the kind from `model` and the session. `model` and `vad` are put in where they are given and fit;
    None keeps the session's own.
    """
    draft, event = unwrapped(session)
    asked, kind = kind, kind or kind_meant(draft, event, model)
    _drop_what_is_no_request(draft)
    _set_type(draft, kind, dialect)
    _put_in_place(draft, kind, dialect)
    _mend_values(draft, kind, dialect)
    mend_models(draft, kind, dialect, model, on, required=dialect == "ga" or asked is None)
    _settle_turn_detection(draft, kind, dialect, vad)
    _fit_to_model(draft, on)
    _drop_unknown(draft, kind, dialect)
    return Repaired(draft.session, tuple(draft.changes), tuple(draft.notes))


def smallest(kind: Kind, dialect: Dialect, model: str | None, vad: Vad | None, on: date) -> Json:
    """The smallest session object that should work; `model` None takes the preferred one of that day."""
    start = sessions.session(kind, dialect, model or preferred(kind, on))
    return repair(start, kind=kind, dialect=dialect, model=None, vad=vad, on=on).session


def _drop_what_is_no_request(draft: Draft) -> None:
    for name in ANSWER_ONLY:
        if draft.get((name,)) is not ...:
            draft.drop((name,), "it stands in answers; a request does not take it", SHAPES["ga"])
    for place in CONTAINERS:
        if draft.get(place) is not ... and not isinstance(draft.get(place), Mapping):
            draft.refuse(place, "an object", SHAPES["ga"])


def _set_type(draft: Draft, kind: Kind, dialect: Dialect) -> None:
    stated = draft.get(("type",))
    if dialect == "beta" and stated is not ...:
        draft.drop(("type",), "the beta tells the kind of session by the URL", SHAPES["beta"])
    elif dialect == "ga" and stated is ...:
        draft.session = {"type": kind, **draft.session}
        why = "GA requires it: Missing required parameter: 'session.type'"
        draft.record(("type",), f'set to "{kind}"', why, "public file, record 69522944037 (2026-09-18)")
    elif dialect == "ga" and stated != kind:
        draft.put(("type",), kind, f"this is to be a {kind} session", SHAPES["ga"])


def _put_in_place(draft: Draft, kind: Kind, dialect: Dialect) -> None:
    """Moves each field to its place in the dialect, and removes it where such a session has none."""
    for field in FIELDS:
        place = field.place(kind, dialect)
        for spot in field.spots():
            if spot == place or draft.get(spot) is ... or field.name == "model":
                continue
            if place is None:
                draft.drop(spot, _why_without(field, kind, dialect), SHAPES[dialect])
            elif draft.get(place) is not ...:
                draft.drop(spot, f"{'.'.join(place)} says it already", SHAPES[dialect])
            else:
                draft.move(spot, place, f"its place in {DIALECT_NAMES[dialect]}", SHAPES[dialect])


def _why_without(field: Field, kind: Kind, dialect: Dialect) -> str:
    if (kind, dialect) in field.absent:
        return f"a {kind} session does not have it" + (" in the beta" if field.name == "include" else "")
    return "it went with the beta" if dialect == "ga" else "the beta does not have it"


def _mend_values(draft: Draft, kind: Kind, dialect: Dialect) -> None:
    for name, mend in MENDERS.items():
        place = BY_NAME[name].place(kind, dialect)
        if place is None or draft.get(place) is ...:
            continue
        if name in _OPEN and holds_no_json(draft.get(place)):
            draft.drop(place, "NaN and Infinity are no JSON", "RFC 8259 section 6")
        else:
            mend(draft, place, dialect)
    detection = home("turn_detection", kind, dialect)
    if draft.get(detection) is not ...:
        mend_turn_detection(draft, detection, kind, dialect)


def _settle_turn_detection(draft: Draft, kind: Kind, dialect: Dialect, vad: Vad | None) -> None:
    """What was asked for, unless the model takes none."""
    place = home("turn_detection", kind, dialect)
    named = (*home("transcription", kind, dialect), "model")
    if kind == "realtime" or not takes_no_turn_detection(draft.session, named):
        if vad:
            ask_for(draft, place, vad)
    elif draft.get(place) not in (..., None):
        why = f"{draft.get(named)} takes none; your page commits instead: input_audio_buffer.commit"
        draft.put(place, None, why, _VAD_GUIDE)
    elif vad and vad != "none":
        draft.note(place, f"{vad} was asked for, which {draft.get(named)} does not take", _VAD_GUIDE)


def _fit_to_model(draft: Draft, on: date) -> None:
    """Removes what only reasoning models take from others that are known, and notes a stored prompt."""
    model = draft.get(("model",))
    entry = known(model) if isinstance(model, str) else None
    if entry and not entry.reasons:
        for name in ("reasoning", "parallel_tool_calls"):
            if draft.get((name,)) is not ...:
                why = f"reasoning models such as gpt-realtime-2 take it, {model} does not"
                draft.drop((name,), why, "Python package openai 3.54.0, types/realtime/call_accept_params.py")
    if draft.get(("prompt",)) not in (..., None):
        tense = "end" if on < date(2026, 11, 30) else "ended"
        draft.note(("prompt",), f"stored prompts {tense} on 2026-11-30; write it into instructions", _PROMPTS)


def _drop_unknown(draft: Draft, kind: Kind, dialect: Dialect) -> None:
    """Removes and names every field that such a session does not have: one of them refuses the whole object."""
    places = {place for field in FIELDS if (place := field.place(kind, dialect))} | {("type",)}
    levels = {place[:length] for place in places for length in range(1, len(place))}
    for level in ((), *CONTAINERS):
        inside = draft.get(level)
        for name in list(inside) if isinstance(inside, Mapping) else []:
            if (*level, name) not in places | levels:
                source = "public file, record 69522944037 (2026-09-18): unknown_parameter"
                draft.drop((*level, name), "no session of this kind has such a field", source)
