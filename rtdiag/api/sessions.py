"""Session objects and update events in the two dialects: what to send, and where the echo shows it.

Shapes: contract of the GA session, openai-openapi @ f85dbe2 lines 54831 and 55921 (2026-08-21); of the beta session, lines
54546 and 55642. Since GA a `session.update` must carry `session.type` (live capture of 2026-09-18, record 69522944037).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtdiag.api.endpoints import Dialect, Kind

Json = dict[str, Any]

EAGERNESS = ("low", "medium", "high", "auto")

# Every turn detection that rtdiag tries, by the name its cases carry.
TURN_DETECTIONS: Mapping[str, Json | None] = {
    "server-vad": {"type": "server_vad", "threshold": 0.6, "prefix_padding_ms": 250, "silence_duration_ms": 650},
    **{f"semantic-vad-{e}": {"type": "semantic_vad", "eagerness": e} for e in EAGERNESS},
    "null": None,
}

_UNSET: Any = object()


def session(kind: Kind, dialect: Dialect, model: str, turn_detection: Json | None = _UNSET) -> Json:
    """The smallest session object of that kind and dialect; `turn_detection` is left out unless given (None is sent).

    `model` is the conversation model of a realtime session and the transcription model of a transcription session.
    """
    given = turn_detection is not _UNSET
    if dialect == "beta":
        flat: Json = {"model": model} if kind == "realtime" else {"input_audio_transcription": {"model": model}}
        return flat | ({"turn_detection": turn_detection} if given else {})
    audio_input: Json = {} if kind == "realtime" else {"transcription": {"model": model}}
    if given:
        audio_input["turn_detection"] = turn_detection
    shape: Json = {"type": kind}
    if kind == "realtime":
        shape["model"] = model
    return shape | ({"audio": {"input": audio_input}} if audio_input else {})


def turn_detection_of(session_object: Mapping[str, Any]) -> Any:
    """The turn detection inside a session object of either dialect; the marker `...` where it names none."""
    audio = session_object.get("audio")
    place = audio.get("input") if isinstance(audio, Mapping) else session_object
    return place.get("turn_detection", ...) if isinstance(place, Mapping) else ...


def model_of(session_object: Mapping[str, Any]) -> str | None:
    """The model that a session object of either dialect and kind names, if it names one.

    Of a GA realtime session that is never the model of its transcription.
    """
    named = session_object.get("model")
    if isinstance(named, str) or session_object.get("type") == "realtime":
        return named if isinstance(named, str) else None
    audio = session_object.get("audio")
    place = audio.get("input") if isinstance(audio, Mapping) else session_object
    if not isinstance(place, Mapping):
        return None
    transcription = place.get("transcription") or place.get("input_audio_transcription")
    found = transcription.get("model") if isinstance(transcription, Mapping) else None
    return found if isinstance(found, str) else None


def dialect_of(session_object: Mapping[str, Any]) -> Dialect:
    """The dialect that a session object is written in: GA carries `type`, `audio` or `output_modalities`, beta is flat."""
    return "ga" if {"type", "audio", "output_modalities"} & session_object.keys() else "beta"


def shape_of(created: Any) -> Dialect:
    """The dialect of a `session.created`: GA's session has a `type`, or `audio`; the beta's is flat, with `modalities`."""
    shown = created.get("session") if isinstance(created, Mapping) else None
    fields = shown.keys() if isinstance(shown, Mapping) else frozenset[str]()
    return "beta" if "modalities" in fields and not {"type", "audio", "output_modalities"} & fields else "ga"


def kind_of(session_object: Mapping[str, Any]) -> Kind:
    """The kind of session that a session object describes, in either dialect."""
    if session_object.get("type") == "transcription":
        return "transcription"
    beta_transcription = "model" not in session_object and "input_audio_transcription" in session_object
    return "transcription" if beta_transcription and "type" not in session_object else "realtime"


def mint_body(kind: Kind, dialect: Dialect, session_object: Json, life_s: int | None) -> Json:
    """The JSON body of a mint. `life_s` (10..7200) is asked for where the dialect's mint takes it, else ignored.

    Beta had `client_secret.expires_after` from 2025-07-15 only (CHANGELOG of the npm package openai, 5.9.1): never sent here.
    """
    if dialect == "beta":
        return session_object
    expires = {"expires_after": {"anchor": "created_at", "seconds": life_s}} if life_s else {}
    return {**expires, "session": session_object}


def update_type(kind: Kind, dialect: Dialect) -> str:
    """The type of the client event that updates a session of that kind in that dialect."""
    return "transcription_session.update" if (kind, dialect) == ("transcription", "beta") else "session.update"


def update(kind: Kind, dialect: Dialect, session_object: Json) -> Json:
    """The client event that applies a session object; the conversation model is left out, an update cannot change it."""
    return {
        "type": update_type(kind, dialect),
        "session": {name: value for name, value in session_object.items() if (kind, name) != ("realtime", "model")},
    }


# What a server answers an accepted update with, and what it greets with, in both dialects.
UPDATED = frozenset({"session.updated", "transcription_session.updated"})
CREATED = frozenset({"session.created", "transcription_session.created"})
# The code of the error with which a session ends whose longest time is over.
EXPIRED = "session_expired"
