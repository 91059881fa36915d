"""The models of a session, mended: each in the place of its kind, alive on the day, and given only what it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.api.expressions import expression
from rtdiag.api.models import Model, all_models, default, find
from rtdiag.remedy.repair.draft import Draft, Place
from rtdiag.remedy.repair.fields import PY, home

DATA = "rtdiag/api/models.yaml"
_DEPRECATIONS = "developers.openai.com/api/docs/deprecations (2026)"
_HINTS = PY + "audio_transcription.py"

# Another API's models, refused with `Model "gpt-live-1" is not supported in realtime mode`: its model page (autumn 2026).
_LIVE_API = expression(r"gpt-live-\d")
# The one snapshot that the announcement of 2027-01-20 leaves out: openai 3.54.0, types/realtime/call_accept_params.py.
_END_UNKNOWN = frozenset({"gpt-realtime-mini-2025-10-06"})


def known(model_id: str) -> Model | None:
    """The entry of that model; for a dated snapshot without one, the entry of the model it is a snapshot of."""
    return find(model_id) or find(re.sub(r"-\d{4}-\d\d-\d\d$", "", model_id))


def kind_of(model_id: Any) -> str | None:
    """ "realtime", "transcription", "translation" or "live", None for a model that nothing is known of."""
    if not isinstance(model_id, str):
        return None
    entry = known(model_id)
    return entry.kind if entry else "live" if _LIVE_API.match(model_id) else None


def preferred(kind: Kind, on: date) -> str:
    """The model to name on that day when nobody names one."""
    return default(kind, [m.id for m in all_models() if m.released <= on and (m.shutdown is None or m.shutdown > on)])


def takes_no_turn_detection(session: Mapping[str, Any], place: Place) -> bool:
    """Whether the transcription model named there takes none: developers.openai.com/api/docs/guides/realtime-vad."""
    found = Draft(session).get(place)
    entry = known(found) if isinstance(found, str) else None
    return entry is not None and entry.server_vad == "no"


def mend_models(draft: Draft, kind: Kind, dialect: Dialect, wish: str | None, on: date, *, required: bool) -> None:
    """Leaves a realtime session with a conversation model, a transcription session with a transcription model.

    `wish` is the model asked for. `required`: a transcription session that names none is given one.
    """
    transcription = home("transcription", kind, dialect)
    if kind == "realtime":
        _settle_realtime(draft, transcription, wish, on)
    else:
        _settle_transcription(draft, transcription, wish, on, required)
    if isinstance(draft.get(transcription), Mapping):
        _settle(draft, (*transcription, "model"), "transcription", on)
        _mend_hints(draft, transcription)


def _settle_realtime(draft: Draft, transcription: Place, wish: str | None, on: date) -> None:
    place, inner = ("model",), (*transcription, "model")
    if kind_of(draft.get(place)) == "transcription" and not isinstance(draft.get(inner), str):
        draft.move(place, inner, "a transcription model cannot hold a conversation", DATA)
    if kind_of(draft.get(inner)) == "realtime" and not isinstance(draft.get(place), str):
        draft.put(place, draft.get(inner), "the realtime model named for the transcription is the session's own", DATA)
    _apply(draft, place, "realtime", wish, on)
    _settle(draft, place, "realtime", on)


def _settle_transcription(draft: Draft, transcription: Place, wish: str | None, on: date, required: bool) -> None:
    top, inner = draft.get(("model",)), (*transcription, "model")
    named = isinstance(top, str) and top and kind_of(top) in (None, "transcription")
    if named and not isinstance(draft.get(inner), str):
        draft.move(("model",), inner, "a transcription session names its model here", _HINTS)
    elif top is not ...:
        draft.drop(("model",), "a transcription session holds no conversation model", _HINTS)
    _apply(draft, inner, "transcription", wish, on)
    if draft.get(transcription) is None or (required and draft.get(transcription) is ...):
        named_model = preferred("transcription", on)
        why = "without a model the session starts, and no transcript ever comes"
        draft.put(transcription, {"model": named_model}, why, "public file, record 69522944037 (2026-09-18)")


def _apply(draft: Draft, place: Place, kind: Kind, wish: str | None, on: date) -> None:
    """Names the model that was asked for, where it can be the one."""
    if not wish or draft.get(place) == wish:
        return
    why, source = _why_not(wish, kind, on)
    if why:
        draft.note(place, f"{wish} was asked for, but {why}", source)
    else:
        draft.put(place, wish, "it was asked for", "the model given beside the session")


def _settle(draft: Draft, place: Place, kind: Kind, on: date) -> None:
    """Replaces what is no model of that kind, or not one on that day; notes one that has its end announced."""
    value, better = draft.get(place), preferred(kind, on)
    why, source = _why_not(value, kind, on)
    if why:
        draft.put(place, better, why, source)
        return
    entry = known(value)
    if entry and entry.shutdown and value not in _END_UNKNOWN:
        draft.note(place, f"{value} ends on {entry.shutdown}; {better} is what to go to", _DEPRECATIONS)


def _why_not(value: Any, kind: Kind, on: date) -> tuple[str, str]:
    """Why that value cannot be the model, and who says so; ("", "") when it can."""
    if value is ...:
        return "what a session without a model becomes is not documented", DATA
    if not isinstance(value, str) or not value:
        return "a model is named by a string", PY + "realtime_session_create_request.py"
    found, entry = kind_of(value), known(value)
    if found not in (None, kind):
        return f"{value} is a {found} model", DATA
    if entry and entry.shutdown and entry.shutdown <= on and value not in _END_UNKNOWN:
        return f"{value} ended on {entry.shutdown}", _DEPRECATIONS
    if entry and entry.released > on:
        return f"{value} came on {entry.released}, later than the day this is for", DATA
    return "", ""


def _mend_hints(draft: Draft, place: Place) -> None:
    """Removes the hints that a known model does not take; an unknown one keeps them all."""
    value = draft.get(place)
    entry = known(value["model"])
    if entry is None:
        return
    lists = entry.id in ("gpt-transcribe", "gpt-live-transcribe")
    for name in ("languages", "keywords"):
        if name in value and not lists:
            draft.drop((*place, name), f"{entry.id} does not take it", _HINTS)
    if "delay" in value and entry.id not in ("gpt-realtime-whisper", "gpt-live-transcribe"):
        draft.drop((*place, "delay"), f"{entry.id} does not take it", _HINTS)
    if "prompt" in value and entry.id in ("gpt-realtime-whisper", "gpt-4o-transcribe-diarize"):
        draft.drop((*place, "prompt"), f"{entry.id} does not take it", _HINTS)
    if lists and "language" in value and "languages" in value:
        draft.drop(
            (*place, "language"), "it is not taken beside languages", "public file, record 63110401195 (2026-08-21)"
        )
