"""A session object as GA writes it, made from the user's own beta object: same values, same names, new places."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rtdiag.api import models
from rtdiag.api.endpoints import Kind
from rtdiag.diagnosis.code.flaws import names
from rtdiag.diagnosis.code.literals import Field, fields
from rtdiag.diagnosis.code.source_text import Source

Tree = dict[str, "Tree | str"]

# Fields of turn detection that its other mode does not have, and those that a transcription session does not have:
# openai 3.54.0 types/realtime/realtime_audio_input_turn_detection.py, types/beta/realtime/transcription_session_create_params.py.
FOREIGN_FIELDS: Mapping[str, tuple[str, ...]] = {
    "semantic_vad": ("threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms"),
    "server_vad": ("eagerness",),
}
RESPONSE_FIELDS = ("create_response", "interrupt_response")

_ONE_LINE = 100  # characters
_DEEPEST = 8  # objects inside each other


def moved(kind: Kind, given: Mapping[str, Field]) -> dict[str, str | None]:
    """The beta fields among those given, each with its place in GA, None for one that GA has no more."""
    places = names().places[kind]
    return {name: places[name] for name in given if name in places}


def session(source: Source, kind: Kind, given: Mapping[str, Field]) -> Tree:
    """The GA object for the fields of a flat one, its values as written in the source."""
    tree: Tree = {"type": f'"{kind}"'}
    for name, place in moved(kind, given).items():
        if place:
            _put(tree, place.split("."), _converted(source, name, given[name]))
    for name, field in given.items():
        if name not in moved(kind, given) and name != "type" and (kind, name) != ("transcription", "model"):
            _put(tree, [name], _value(source, field))
    _mend_turn_detection(tree, kind, source.language == "Python")
    return tree


def _mend_turn_detection(tree: Tree, kind: Kind, is_python: bool) -> None:
    """Leave out of the turn detection what the new object could not hold either."""
    audio = tree.get("audio")
    place = audio.get("input") if isinstance(audio, dict) else None
    given = place.get("turn_detection") if isinstance(place, dict) else None
    if not isinstance(place, dict) or not isinstance(given, dict):
        return
    mode, transcription = given.get("type"), place.get("transcription")
    foreign = FOREIGN_FIELDS.get(mode.strip("\"'`"), ()) if isinstance(mode, str) else ()
    for name in (*foreign, *(RESPONSE_FIELDS if kind == "transcription" else ())):
        given.pop(name, None)
    named = transcription.get("model") if isinstance(transcription, dict) else None
    model = models.find(named.strip("\"'`")) if isinstance(named, str) else None
    if kind == "transcription" and model and model.server_vad == "no":
        place["turn_detection"] = "None" if is_python else "null"


def written(tree: Tree, quoted: bool, indent: int = 0) -> str:
    """A tree of fields as an object literal, on one line where it is short."""
    entries = [_entry(name, value, quoted, indent + 2) for name, value in tree.items()]
    line = "{" + ", ".join(entries) + "}" if quoted else "{ " + ", ".join(entries) + " }"
    if len(line) + indent <= _ONE_LINE and "\n" not in line:
        return line
    pad = " " * (indent + 2)
    return "{\n" + "".join(f"{pad}{entry},\n" for entry in entries) + " " * indent + "}"


def _entry(name: str, value: Tree | str, quoted: bool, indent: int) -> str:
    text = value if isinstance(value, str) else written(value, quoted, indent)
    if name == "..." or (text == name and not quoted):
        return text
    key = f'"{name}"' if quoted or not re.fullmatch(r"[\w$]+", name) else name
    return f"{key}: {text}"


def _put(tree: Tree, path: list[str], value: Tree | str) -> None:
    for name in path[:-1]:
        inner = tree.setdefault(name, {})
        if isinstance(inner, str):
            return
        tree = inner
    old = tree.get(path[-1])
    if isinstance(old, dict) and isinstance(value, dict):
        for name, part in value.items():
            _put(old, [name], part)
    else:
        tree[path[-1]] = value


def _value(source: Source, field: Field, depth: int = 0) -> Tree | str:
    text = source.code[field.start : field.end]
    if depth < _DEEPEST and text.startswith("{") and source.pairs.get(field.start, field.end) < field.end:
        return {name: _value(source, inner, depth + 1) for name, inner in fields(source, field.start).items()}
    holds_text = any(
        field.start <= s.start < field.end and "\n" in source.text[s.start : s.end] for s in source.strings
    )
    return text if holds_text else " ".join(text.split())


def _converted(source: Source, name: str, field: Field) -> Tree | str:
    value = _value(source, field)
    plain = value.strip("\"'`") if isinstance(value, str) else ""
    if name.endswith("audio_format") and plain in names().formats:
        rate: Tree = {"rate": "24000"} if plain == "pcm16" else {}
        return {"type": f'"{names().formats[plain]}"', **rate}
    if name == "modalities" and "audio" in plain and "text" in plain:
        return '["audio"]'
    return value
