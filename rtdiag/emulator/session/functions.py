"""Which function a response calls, and with what. An imitation, by a rule that is written here: no model chooses.

- `tool_choice` `none`: no function. `required`: always one. A function by its name: that one.
- `auto`: a turn of the user is answered by a call where it is text that shares a word with a function's name or description, or
  where it is audio, whose words nobody here knows; then the first function is called. Whatever else came last, such as a
  function's result, is answered in words.

Among several functions the first that shares a word is called, else the first of all. Arguments are the smallest that the schema
allows, with every property that it names; the text of the user does not enter them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rtdiag.api.expressions import expression

Json = dict[str, Any]

_WORD = expression(r"[^\W\d_]{4,}")
_HUMPS = expression(r"(?<=[a-z])(?=[A-Z])")
_DEEPEST, _MOST_LETTERS, _MOST_ITEMS = 16, 20_000, 16
_OF_FORMAT = {
    "date": "2026-01-02",
    "date-time": "2026-01-02T03:04:05Z",
    "time": "03:04:05Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def called(tools: Sequence[Json], choice: Any, last: Json | None) -> Json | None:
    """The function that a response calls after the item `last`, None for an answer in words."""
    functions = [tool for tool in tools if tool.get("type") == "function"]
    if isinstance(choice, dict):
        return next((tool for tool in functions if tool.get("name") == choice.get("name")), None)
    if choice == "none" or not functions:
        return None
    asked = _words(_texts(last))
    fitting = next((tool for tool in functions if asked & _words(_about(tool))), None)
    if choice == "required":
        return fitting or functions[0]
    return fitting or (functions[0] if _is_audio(last) else None)


def arguments(schema: Any) -> Any:
    """What a function of that JSON Schema is called with."""
    return _Filling(schema).value(schema)


def _is_audio(item: Json | None) -> bool:
    return item is not None and item.get("role") == "user" and any(p.get("type") == "input_audio" for p in _parts(item))


def _texts(item: Json | None) -> Iterable[str]:
    if item is None or item.get("role") != "user":
        return ()
    return (str(part.get("text", "")) for part in _parts(item))


def _parts(item: Json) -> list[Json]:
    return [part for part in item.get("content") or [] if isinstance(part, dict)]


def _about(tool: Json) -> Iterable[str]:
    return _HUMPS.sub(" ", str(tool.get("name", ""))).replace("_", " "), str(tool.get("description") or "")


def _words(texts: Iterable[str]) -> set[str]:
    return {word.lower() for text in texts for word in _WORD.findall(text)}


class _Filling:
    """One schema as it is filled. A schema may refer to itself, more than once: there is an end to depth and to size."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self._left = _MOST_LETTERS  # of the text that all this becomes

    def value(self, schema: Any, depth: int = 0) -> Any:
        """The smallest value of that part of the schema."""
        self._left -= len("{}")
        if not isinstance(schema, dict) or depth > _DEEPEST or self._left < 0:
            return {}
        for name in ("const", "default"):
            if name in schema:
                return self._taken(schema[name])
        for name in ("enum", "examples"):
            if isinstance(schema.get(name), list) and schema[name]:
                return self._taken(schema[name][0])
        if "$ref" in schema:
            return self.value(_referred(str(schema["$ref"]), self._whole), depth + 1)
        for name in ("anyOf", "oneOf", "allOf"):
            if isinstance(schema.get(name), list) and schema[name]:
                return self.value(schema[name][0], depth + 1)
        return self._of_type(_type(schema), schema, depth)

    def _of_type(self, kind: Any, schema: Json, depth: int) -> Any:
        if kind == "object":
            named = schema.get("properties")
            members = named.items() if isinstance(named, dict) else ()
            return {name: self.value(of, depth + 1) for name, of in members if self._pays(name)}
        if kind == "array":
            least = min(max(1, _number(schema, "minItems", 1)), _MOST_ITEMS)
            return [self.value(schema.get("items"), depth + 1) for _ in range(least)]
        if kind in ("integer", "number"):
            return self._taken(schema.get("minimum", 1))
        if kind == "boolean":
            return True
        return None if kind == "null" else self._taken(_of_format(schema))

    def _taken(self, value: Any) -> Any:
        """A value that the schema itself holds."""
        return value if self._pays(value) else {}

    def _pays(self, value: Any) -> bool:
        self._left -= len(json.dumps(value)) if self._left > 0 else 0
        return self._left > 0


def _type(schema: Json) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind


def _of_format(schema: Json) -> str:
    text = _OF_FORMAT.get(str(schema.get("format")), "something")
    return text.ljust(_number(schema, "minLength", 0), ".")[: _number(schema, "maxLength", 10_000)]


def _number(schema: Json, name: str, otherwise: int) -> int:
    given = schema.get(name)
    return min(given, 10_000) if isinstance(given, int) else otherwise


def _referred(where: str, whole: Any) -> Any:
    """The part of the schema that `#/$defs/…` names; {} for any other place."""
    found = whole
    for step in where.removeprefix("#/").split("/") if where.startswith("#/") else ():
        found = found.get(step) if isinstance(found, Mapping) else None
    return found if found is not whole else {}
