"""From YAML to plain values: built here, event by event, so that nothing comes to be that was not counted before.

PyYAML's own constructor refers to what is still open, multiplies what is referred to, and fails in many ways on odd scalars. Of
it only the parser is asked, and which scalars are more than text (YAML 1.1).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf, nan
from typing import Any

from rtdiag.api import own_yaml
from rtdiag.api.expressions import expression
from rtdiag.intake.json_values import TOO_DEEP, AsWritten, refuse_large, too_many
from rtdiag.intake.limits import DEEPEST, MOST_ALIASES, MOST_VALUES, Malformed, Unusable

_TAG = "tag:yaml.org,2002:"
_DECIMAL = expression(r"[-+]?(?:(?:0|[1-9][0-9]{0,307})(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][-+]?[0-9]{1,4})?\Z")
_BOOLS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_ENDLESS = {".inf": inf, "+.inf": inf, "-.inf": -inf, ".nan": nan}
_MERGE, _NONE = object(), object()


def yaml_of(text: str, *, most_values: int = MOST_VALUES) -> Any:
    """The value of a YAML text, None where it is empty; bytes and names that are no text are possible.

    Raises Malformed where it is no YAML, or several documents. Raises Unusable for a tag that is not plain data, a name that stands
    twice in a mapping, what contains itself, and what is too deep or too much, also once its aliases are written out.
    """
    import yaml

    builder = _Builder(most_values, most_characters=2 * len(text) + 1024 * 1024)
    try:
        for event in yaml.parse(text, Loader=own_yaml.loader()):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _said(error, text) from None
    except (yaml.YAMLError, UnicodeEncodeError):
        raise Malformed("it holds a control character, which YAML does not take") from None
    refuse_large(builder.whole)
    return _apart(builder.whole) if builder.aliases else builder.whole


def nodes_of(text: str) -> Any:
    """The nodes of a text that `yaml_of` takes, as PyYAML has them: they tell in which line a value stands."""
    import yaml

    return yaml.compose(text, Loader=own_yaml.loader())


@dataclass
class _Size:
    """What was built so far, with aliases written out."""

    values: int = 0
    characters: int = 0

    def less(self, other: _Size) -> _Size:
        return _Size(self.values - other.values, self.characters - other.characters)


@dataclass
class _Open:
    """A list or mapping that has begun; `name` is the one whose value comes next, `merged` what `<<` names."""

    value: Any
    anchor: str | None
    before: _Size
    name: Any = _NONE
    merged: list[Any] = field(default_factory=list)


class _Builder:
    """Takes the parser's events one after the other; `whole` is the value then."""

    def __init__(self, most_values: int, most_characters: int) -> None:
        from yaml.nodes import ScalarNode
        from yaml.resolver import Resolver

        self.whole: Any = None
        self.aliases = 0
        self._most = _Size(most_values, most_characters)
        self._size = _Size()
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, _Size]] = {}
        self._documents = 0
        self._resolved = partial(Resolver().resolve, ScalarNode)

    def take(self, event: Any) -> None:
        """Raises Malformed or Unusable."""
        kind = type(event).__name__
        if kind == "ScalarEvent":
            self._scalar(event)
        elif kind == "AliasEvent":
            self._alias(event)
        elif kind in ("SequenceStartEvent", "MappingStartEvent"):
            self._begin(event, [] if kind == "SequenceStartEvent" else {})
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            self._end(event)
        elif kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise Malformed(f"{_line(event)}: another document begins: give one")

    def _scalar(self, event: Any) -> None:
        plain = event.tag in (None, "!")
        tag = self._resolved(event.value, event.implicit) if plain else event.tag
        is_name = bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].name is _NONE
        value = _MERGE if is_name and tag == f"{_TAG}merge" else _value(tag.removeprefix(_TAG), event)
        size = _Size(1, len(event.value))
        self._counted(size)
        self._put(value, event, event.anchor, size)

    def _alias(self, event: Any) -> None:
        self.aliases += 1
        if self.aliases > MOST_ALIASES:
            raise Unusable(f"it holds more than {MOST_ALIASES} aliases: write the values out")
        if event.anchor in (one.anchor for one in self._open):
            raise Unusable(
                f"{_line(event)}: what *{event.anchor[:40]} stands for contains itself: write the values out"
            )
        if event.anchor not in self._anchors:
            raise Malformed(f"{_line(event)}: *{event.anchor[:40]} stands for nothing that came before")
        value, size = self._anchors[event.anchor]
        self._counted(size)
        self._put(value, event, None, size)

    def _begin(self, event: Any, value: Any) -> None:
        if event.tag not in (None, "!", f"{_TAG}{'map' if isinstance(value, dict) else 'seq'}"):
            raise _strange(event.tag, event)
        if len(self._open) == DEEPEST:
            raise Unusable(TOO_DEEP)
        self._open.append(_Open(value, event.anchor, replace(self._size)))
        self._counted(_Size(1))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        for other in done.merged:
            for name, value in other.items():
                done.value.setdefault(name, value)
        self._put(done.value, event, done.anchor, self._size.less(done.before))

    def _counted(self, size: _Size) -> None:
        self._size.values += size.values
        self._size.characters += size.characters
        if self._size.values > self._most.values:
            raise Unusable(too_many(self._most.values))
        if self._size.characters > self._most.characters:
            raise Unusable("its aliases multiply it: write the values out")

    def _put(self, value: Any, event: Any, anchor: str | None, size: _Size) -> None:
        """To where it belongs: into the innermost list or mapping that is open."""
        if anchor is not None:
            self._anchors[anchor] = value, size
        if not self._open:
            self.whole = value
        elif isinstance(self._open[-1].value, list):
            self._open[-1].value.append(value)
        else:
            _pair(self._open[-1], value, event)


def _pair(mapping: _Open, one: Any, event: Any) -> None:
    """A name, or the value of the name before."""
    if mapping.name is _NONE:
        if isinstance(one, dict | list):
            raise Unusable(f"{_line(event)}: a list or mapping where a name must stand")
        if one in mapping.value or (one is _MERGE and mapping.merged):
            name = "<<" if one is _MERGE else str(one)[:80]
            raise Unusable(f"{_line(event)}: the name {name!r} stands twice: leave one of them out")
        mapping.name = one
        return
    name, mapping.name = mapping.name, _NONE
    if name is not _MERGE:
        mapping.value[name] = one
        return
    mapping.merged = one if isinstance(one, list) else [one]
    if not all(isinstance(other, dict) for other in mapping.merged):
        raise Unusable(f"{_line(event)}: << takes a mapping, or a list of mappings")


def _value(tag: str, event: Any) -> Any:
    """The value of a scalar of that tag; of what JSON does not have, as it is written."""
    text = event.value
    if tag in ("str", "merge", "value"):
        return text
    if tag == "null":
        return None
    if tag in ("int", "float"):
        return _number(text)
    if tag == "timestamp":
        return AsWritten.of("date", text)
    if tag == "bool" and text.lower() in _BOOLS:
        return _BOOLS[text.lower()]
    if tag == "binary":
        return _bytes(event)
    raise _strange(tag, event)


def _number(text: str) -> Any:
    if text.lower() in _ENDLESS:
        return _ENDLESS[text.lower()]
    if not _DECIMAL.match(text):
        return AsWritten.of("number in YAML's own spelling", text)
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _bytes(event: Any) -> bytes:
    try:
        return base64.b64decode("".join(event.value.split()), validate=True)
    except ValueError:
        raise Unusable(f"{_line(event)}: this is no base64, which !!binary announces") from None


def _strange(tag: str, event: Any) -> Unusable:
    shown = tag.replace(_TAG, "!!")[:60]
    return Unusable(f"{_line(event)}: the tag {shown} is not taken here: remove it")


def _apart(value: Any) -> Any:
    """The same value without a list or mapping in two places."""
    if isinstance(value, dict):
        return {name: _apart(inner) for name, inner in value.items()}
    return [_apart(inner) for inner in value] if isinstance(value, list) else value


def _line(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"


def _said(error: Any, text: str) -> Unusable:
    """Where and why a text is no YAML."""
    mark = error.problem_mark or error.context_mark
    if "nesting" in (error.problem or ""):  # libyaml may refuse it before we can
        return Unusable(TOO_DEEP)
    if mark is None:
        return Malformed("it is no YAML")
    line = f"line {mark.line + 1}"
    if text[mark.index : mark.index + 1] == "\t":
        return Malformed(f"{line}: a tab, where YAML takes blanks alone")
    if not text[mark.index :].strip():
        return Malformed(f"{line}: the YAML ends too early: is the file whole?")
    return Malformed(f"{line}: no YAML from column {mark.column + 1} on")
