"""The audio of a session, mended: formats, transcription, noise reduction and voice; strings are made the objects they stand for.

Each function is given the place of its field, where something stands, and leaves there what the API takes, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtdiag.api.endpoints import Dialect
from rtdiag.remedy.repair.draft import Draft, Place, same
from rtdiag.remedy.repair.fields import DELAYS, FORMATS, NOISES, PCM_RATE_HZ, PY, SHAPES, VOICES
from rtdiag.remedy.repair.numbers import number

_GA_NAMES = {"pcm": "audio/pcm", "pcmu": "audio/pcmu", "pcma": "audio/pcma"} | {b: g for g, b in FORMATS.items()}
_FORMAT_SOURCE = PY + "realtime_audio_formats.py"
_RATE_SOURCE = "public file, record 69522944037 (2026-09-18): another rate is answered with integer_below_min_value"
_VOICE_SOURCES = {"ga": PY + "realtime_audio_config_output.py", "beta": SHAPES["beta"]}


def mend_format(draft: Draft, place: Place, dialect: Dialect) -> None:
    """An object in GA, the beta's own word there; another rate than 24 kHz is taken nowhere."""
    value = draft.get(place)
    named = value.get("type", "audio/pcm" if "rate" in value else None) if isinstance(value, Mapping) else value
    name = named.strip().lower() if isinstance(named, str) else ""
    kind = _GA_NAMES.get(name, name)
    if kind not in FORMATS:
        draft.drop(place, f"{', '.join(FORMATS)} are the formats; the default is 24 kHz PCM", _FORMAT_SOURCE)
        return
    wanted: Any = {"type": kind} | ({"rate": PCM_RATE_HZ} if kind == "audio/pcm" else {})
    if dialect == "beta":
        wanted = FORMATS[kind]
    if not same(value, wanted):
        rated = isinstance(value, Mapping) and value.get("type") == "audio/pcm" and dialect == "ga"
        why = f"PCM is taken at {PCM_RATE_HZ} Hz alone" if rated else "this is how the dialect writes it"
        draft.put(place, wanted, why, _RATE_SOURCE if rated else _FORMAT_SOURCE)


def mend_transcription(draft: Draft, place: Place, dialect: Dialect) -> None:
    value, source = draft.get(place), PY + "audio_transcription.py"
    if isinstance(value, str) and value:
        draft.put(place, {"model": value}, "it is an object that names its model", source)
    elif value is not None and not isinstance(value, Mapping):
        draft.refuse(place, "an object or null", source)
    for name, member in (value if isinstance(value, Mapping) else {}).items():
        if why := _why_no_hint(name, member, dialect):
            draft.drop((*place, name), why, source if dialect == "ga" else SHAPES["beta"])
    if isinstance(value, Mapping) and draft.get(place) is ...:
        draft.put(place, {}, "it stays, and its model is still to be named", source)


def _why_no_hint(name: str, value: Any, dialect: Dialect) -> str:
    """Why a member of a transcription cannot stay, "" when it can."""
    if name == "model":
        return "" if isinstance(value, str) and value else "a model is named by a string"
    if name in ("language", "prompt"):
        return "" if value is None or isinstance(value, str) else "it is a string"
    if name not in ("languages", "keywords", "delay"):
        return "a transcription has no such field"
    if dialect == "beta":
        return "the beta has model, language and prompt alone"
    if name == "delay":
        return "" if value in DELAYS else f"it is one of {', '.join(DELAYS)}"
    return "" if isinstance(value, list) and all(isinstance(v, str) for v in value) else "it is a list of strings"


def mend_noise_reduction(draft: Draft, place: Place, dialect: Dialect) -> None:
    value, source = draft.get(place), PY + "realtime_audio_config_input.py: near_field or far_field, or null"
    if value is None:
        return
    if isinstance(value, str) and value in NOISES:
        draft.put(place, {"type": value}, "it is an object", source)
        return
    if not isinstance(value, Mapping) or value.get("type") not in NOISES:
        draft.drop(place, f"its type is {' or '.join(NOISES)}", source)
        return
    for name in value:
        strength = number(value["strength"]) if name == "strength" and dialect == "ga" else None
        if name != "type" and (strength is None or not 0 <= strength <= 1 or isinstance(value[name], str)):
            draft.drop((*place, name), "beside the type, GA takes a strength from 0 to 1, the beta nothing", source)


def mend_voice(draft: Draft, place: Place, dialect: Dialect) -> None:
    value, source = draft.get(place), _VOICE_SOURCES[dialect]
    name = value.strip().lower() if isinstance(value, str) else ""
    if dialect == "ga" and isinstance(value, Mapping) and isinstance(value.get("id"), str) and value["id"]:
        return
    if name in VOICES[dialect]:
        if name != value:
            draft.put(place, name, "voices are written in small letters", source)
    elif dialect == "ga" and name.startswith("voice_"):
        draft.put(place, {"id": str(value).strip()}, "a voice of your own is named by an object", source)
    else:
        draft.drop(place, f"the voices are {', '.join(VOICES[dialect])}", source)
