"""The turn detection of a session, mended: its mode, the fields of that mode, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.api.sessions import EAGERNESS
from rtdiag.remedy.repair.draft import Draft, Place, brief
from rtdiag.remedy.repair.fields import IDLE_TIMEOUT_MS, OAS, PY, PY_BETA
from rtdiag.remedy.repair.numbers import clamped, number, whole

Vad = Literal["server_vad", "semantic_vad", "none"]

SOURCE = PY + "realtime_audio_input_turn_detection.py"

_SERVER = ("threshold", "prefix_padding_ms", "silence_duration_ms")
_RESPONSE = ("create_response", "interrupt_response")
_KNOWN = {"type", "eagerness", "idle_timeout_ms", *_SERVER, *_RESPONSE}


def mend_turn_detection(draft: Draft, place: Place, kind: Kind, dialect: Dialect) -> None:
    """Leaves null, or an object of a known type with the fields of that type alone; or nothing where it is unusable."""
    _mend_shape(draft, place)
    value = draft.get(place)
    if not isinstance(value, Mapping):
        return
    allowed = fields_of(value["type"], kind, dialect)
    for name in value:
        if name != "type" and name not in allowed:
            draft.drop((*place, name), *_why_not(name, value["type"], kind))
    for name in allowed:
        if draft.get((*place, name)) is not ...:
            _mend_field(draft, (*place, name))


def ask_for(draft: Draft, place: Place, vad: Vad) -> None:
    """Sets the turn detection that was asked for; what it says about responses is carried over."""
    current = draft.get(place)
    if vad == "none":
        if current is not None:
            draft.put(place, None, "no turn detection was asked for", SOURCE)
    elif not isinstance(current, Mapping):
        draft.put(place, {"type": vad}, f"{vad} was asked for", SOURCE)
    elif current["type"] != vad:
        carried = {name: current[name] for name in _RESPONSE if name in current}
        draft.put(place, {"type": vad, **carried}, f"{vad} was asked for", SOURCE)


def fields_of(mode: str, kind: Kind, dialect: Dialect) -> tuple[str, ...]:
    """The fields beside `type` of that mode in such a session."""
    own = _SERVER if mode == "server_vad" else ("eagerness",)
    if kind == "transcription":
        return own
    idle = ("idle_timeout_ms",) if (mode, dialect) == ("server_vad", "ga") else ()
    return (*own, *idle, *_RESPONSE)


def _mend_shape(draft: Draft, place: Place) -> None:
    value = draft.get(place)
    named: Any = _named(value) if isinstance(value, Mapping) else value
    mode = named.strip().lower().replace("-", "_") if isinstance(named, str) else named
    if value is None or (isinstance(value, Mapping) and value.get("type") in ("server_vad", "semantic_vad")):
        return
    if mode is False or mode == "none":
        draft.put(place, None, "null is what turns it off", SOURCE)
    elif mode not in ("server_vad", "semantic_vad"):
        draft.drop(
            place, "its type is neither server_vad nor semantic_vad; the server's default takes its place", SOURCE
        )
    elif isinstance(value, Mapping):
        draft.put((*place, "type"), mode, "an object needs its type", SOURCE)
    else:
        draft.put(place, {"type": mode}, "it is an object, or null", SOURCE)


def _named(value: Mapping[str, Any]) -> Any:
    """The type it names, else the one that its fields belong to."""
    inferred = "semantic_vad" if "eagerness" in value else "server_vad"
    return inferred if value.get("type") is None else value["type"]


def _why_not(name: str, mode: str, kind: Kind) -> tuple[str, str]:
    """Why a field does not belong there, and who says so."""
    if name not in _KNOWN:
        return "no turn detection has this field; an unknown one refuses the whole object", SOURCE
    if kind == "transcription" and name in (*_RESPONSE, "idle_timeout_ms"):
        source = PY_BETA + "transcription_session_create_params.py: not available for transcription sessions"
        return "a transcription session gives no responses", source
    if name == "idle_timeout_ms" and mode == "server_vad":
        return "it came late to the beta, on a day nobody wrote down", OAS + "line 57016"
    return f"{mode} does not have it; it belongs to the other mode", SOURCE


def _mend_field(draft: Draft, place: Place) -> None:
    value, name = draft.get(place), place[-1]
    if name in _RESPONSE:
        if not isinstance(value, bool):
            draft.refuse(place, "a boolean", SOURCE)
    elif name == "eagerness":
        if value not in EAGERNESS:
            draft.put(place, "auto", f"it is one of {', '.join(EAGERNESS)}", SOURCE)
    elif name == "threshold":
        _mend_threshold(draft, place)
    elif not (name == "idle_timeout_ms" and value is None):
        _mend_milliseconds(draft, place)


def _mend_threshold(draft: Draft, place: Place) -> None:
    value = draft.get(place)
    found = number(value)
    if found is None or not 0 <= found <= 1:
        draft.drop(place, "it is a number from 0 to 1; the default of 0.5 takes its place", SOURCE)
    elif isinstance(value, str):
        draft.put(place, found, "it is a number", SOURCE)


def _mend_milliseconds(draft: Draft, place: Place) -> None:
    value = draft.get(place)
    found = whole(value)
    if found is None:
        draft.refuse(place, "a whole number of milliseconds", SOURCE)
        return
    low, high = IDLE_TIMEOUT_MS if place[-1] == "idle_timeout_ms" else (0, None)
    mended = clamped(found, low, high)
    if mended != found:
        source = OAS + "line 57016" if high else "assumed: no document gives a limit"
        draft.put(place, mended, f"it is at least {low}" + (f" and at most {high}" if high else ""), source)
    elif not isinstance(value, int):
        draft.put(place, mended, f"it is a whole number, not {brief(value)}", SOURCE)
