"""The values of a session's fields, mended one by one: wrong types dropped, numbers kept in their limits.

Each function is given the place of its field, where something stands, and leaves there what the API takes, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rtdiag.api.endpoints import Dialect
from rtdiag.remedy.repair.audio_fields import mend_format, mend_noise_reduction, mend_transcription, mend_voice
from rtdiag.remedy.repair.draft import Draft, Place, same
from rtdiag.remedy.repair.fields import EFFORTS, LOGPROBS, MOST_TOKENS, PY, PY_BETA, SHAPES, SPEED, TEMPERATURE
from rtdiag.remedy.repair.numbers import clamped, number, whole
from rtdiag.remedy.repair.tools import mend_tool_choice, mend_tools

_PROMPT = ("id", "version", "variables")
_TRACING = ("workflow_name", "group_id", "metadata")


def _instructions(draft: Draft, place: Place, dialect: Dialect) -> None:
    if not isinstance(draft.get(place), str):
        draft.refuse(place, "a string", SHAPES[dialect])


def _modalities(draft: Draft, place: Place, dialect: Dialect) -> None:
    """GA: one of audio and text (record 61773557399); beta: text, or both (record 59942388624)."""
    value = draft.get(place)
    named = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    wanted = ["audio"] if "audio" in named else ["text"]
    if not ({"audio", "text"} & {name for name in named if isinstance(name, str)}):
        draft.refuse(place, 'a list of "audio" or "text"', SHAPES[dialect])
    elif dialect == "ga" and value != wanted:
        why = "Supported combinations are: ['text'] and ['audio']; audio comes with its transcript"
        draft.put(place, wanted, why, "public file, record 61773557399")
    elif dialect == "beta" and value not in (["text"], ["audio", "text"], ["text", "audio"]):
        both = ["audio", "text"] if "audio" in named else ["text"]
        why = "Supported combinations are: ['text'] and ['audio', 'text']"
        draft.put(place, both, why, "public file, record 59942388624")


def _max_tokens(draft: Draft, place: Place, dialect: Dialect) -> None:
    value = draft.get(place)
    found = whole(value)
    why, source = f"it is 1 to {MOST_TOKENS}, or inf", PY + "realtime_session_create_request.py"
    if value == "inf" and isinstance(value, str):
        return
    if value == float("inf") or (found is not None and found < 1):
        draft.put(place, "inf", why + ", which means no limit", source)
    elif found is None:
        draft.refuse(place, f"1 to {MOST_TOKENS}, or inf,", source)
    elif not same(clamped(found, None, MOST_TOKENS), value):
        draft.put(place, clamped(found, None, MOST_TOKENS), why, source)


def _limited(limits: tuple[float, float], source: str) -> Callable[[Draft, Place, Dialect], None]:
    def mend(draft: Draft, place: Place, dialect: Dialect) -> None:
        value = draft.get(place)
        found = number(value)
        if found is None:
            draft.refuse(place, "a number", source)
        elif isinstance(value, str) or clamped(found, *limits) != found:
            draft.put(place, clamped(found, *limits), f"it is a number from {limits[0]} to {limits[1]}", source)

    return mend


def _truncation(draft: Draft, place: Place, dialect: Dialect) -> None:
    value = draft.get(place)
    if not (_is_retention(value) if isinstance(value, Mapping) else value in ("auto", "disabled")):
        why = "it is auto, disabled, or an object of type retention_ratio with a retention_ratio from 0 to 1"
        draft.drop(place, why, PY + "realtime_truncation.py")


def _is_retention(value: Mapping[str, Any]) -> bool:
    given = value.get("retention_ratio")
    ratio = None if isinstance(given, str) else number(given)
    return value.get("type") == "retention_ratio" and ratio is not None and 0 <= ratio <= 1


def _tracing(draft: Draft, place: Place, dialect: Dialect) -> None:
    value, source = draft.get(place), PY + "realtime_tracing_config.py"
    known = {n: v for n, v in value.items() if n in _TRACING} if isinstance(value, Mapping) else {}
    if known and isinstance(value, Mapping) and len(known) < len(value):
        draft.put(place, known, f"it holds {', '.join(_TRACING)} alone", source)
    elif not known and value is not None and value != "auto":
        draft.drop(place, f"it is auto, null, or an object of {', '.join(_TRACING)}", source)


def _prompt(draft: Draft, place: Place, dialect: Dialect) -> None:
    value, source = draft.get(place), "public report, community.openai.com 1358792 (2025-09-18)"
    if value is None:
        return
    if not (isinstance(value, Mapping) and isinstance(value.get("id"), str)):
        draft.drop(place, "it is an object with the id of a stored prompt", PY + "realtime_session_create_request.py")
        return
    wanted = {name: kept for name in _PROMPT if (kept := _of_prompt(name, value.get(name)))}
    if not same(wanted, value):
        draft.put(place, wanted, "it is an id, a version, and variables of type input_text", source)


def _of_prompt(name: str, value: Any) -> Any:
    """What of a stored prompt's member can stay, a text as the object that a variable is; nothing is empty."""
    if name != "variables":
        return value if isinstance(value, str) else ""
    given = value.items() if isinstance(value, Mapping) else ()
    texts = {key: {"type": "input_text", "text": text} for key, text in given if isinstance(text, str)}
    return texts | {key: part for key, part in given if isinstance(part, Mapping)}


def _reasoning(draft: Draft, place: Place, dialect: Dialect) -> None:
    value, source = draft.get(place), PY + "realtime_reasoning.py"
    if isinstance(value, str) and value in EFFORTS:
        draft.put(place, {"effort": value}, "it is an object", source)
    elif not isinstance(value, Mapping) or value.get("effort", ...) not in (*EFFORTS, ...):
        draft.drop(place, f"its effort is one of {', '.join(EFFORTS)}", source)
    elif "effort" not in value and value:
        draft.drop(place, "it holds the effort alone", source)
    elif len(value) > 1:
        draft.put(place, {"effort": value["effort"]}, "it holds the effort alone", source)


def _boolean(draft: Draft, place: Place, dialect: Dialect) -> None:
    if not isinstance(draft.get(place), bool):
        draft.refuse(place, "a boolean", PY + "realtime_session_create_request.py")


def _include(draft: Draft, place: Place, dialect: Dialect) -> None:
    value = draft.get(place)
    named = [value] if isinstance(value, str) else value
    if value is None or (isinstance(value, list) and value in ([], [LOGPROBS])):
        return
    if isinstance(named, list) and LOGPROBS in named:
        draft.put(place, [LOGPROBS], "a list of this one value", PY + "realtime_session_create_request.py")
    else:
        draft.drop(place, f"{LOGPROBS} alone can be included", PY + "realtime_session_create_request.py")


MENDERS: Mapping[str, Callable[[Draft, Place, Dialect], None]] = {
    "modalities": _modalities,
    "instructions": _instructions,
    "tools": mend_tools,
    "tool_choice": mend_tool_choice,
    "tracing": _tracing,
    "max_tokens": _max_tokens,
    "temperature": _limited(TEMPERATURE, PY_BETA + "session_create_params.py"),
    "truncation": _truncation,
    "prompt": _prompt,
    "reasoning": _reasoning,
    "parallel_tool_calls": _boolean,
    "include": _include,
    "input_format": mend_format,
    "output_format": mend_format,
    "transcription": mend_transcription,
    "noise_reduction": mend_noise_reduction,
    "voice": mend_voice,
    "speed": _limited(SPEED, PY + "realtime_audio_config_output.py"),
}
