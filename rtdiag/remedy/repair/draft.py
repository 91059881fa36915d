"""A session object under repair: edited by place, each edit written down with its reason. Knows no field and no rule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtdiag.api.sessions import Json

Place = tuple[str, ...]

_LONGEST = 60  # characters of a value, or of a field's name, that a change shows
_LONGEST_SENTENCE = 300
_JSON_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (str, "a string"),
    (int, "a number"),
    (float, "a number"),
    (Mapping, "an object"),
    (list, "a list"),
)


@dataclass(frozen=True)
class Change:
    """One edit: `place` as dotted path ("" for the whole object), `what` was done, `why`, and the `source` of that rule."""

    place: str
    what: str
    why: str
    source: str


class Draft:
    """A copy of a session object on the way to a better one.

    `changes` holds what was edited, `notes` what was left as it is and deserves a word. The object given is never
    touched; what is not edited is shared with it.
    """

    def __init__(self, session: Mapping[str, Any]) -> None:
        self.session: Json = dict(session)
        self.changes: list[Change] = []
        self.notes: list[Change] = []

    def get(self, place: Place) -> Any:
        """What stands there; the marker `...` where nothing does."""
        found: Any = self.session
        for name in place:
            if not isinstance(found, Mapping) or name not in found:
                return ...
            found = found[name]
        return found

    def put(self, place: Place, value: Any, why: str, source: str) -> None:
        """Sets the value there and makes the objects around it."""
        before = self.get(place)
        what = f"set to {brief(value)}" if before is ... else f"{brief(before)} → {brief(value)}"
        self._set(place, value)
        self.record(place, what, why, source)

    def move(self, place: Place, to: Place, why: str, source: str) -> None:
        """Takes the value from one place to another, free one."""
        value = self.get(place)
        self._remove(place)
        self._set(to, value)
        self.record(place, f"moved to {'.'.join(to)}", why, source)

    def drop(self, place: Place, why: str, source: str) -> None:
        """Removes what stands there, and the objects around it that this leaves empty."""
        self._remove(place)
        self.record(place, "removed", why, source)

    def refuse(self, place: Place, wanted: str, source: str) -> None:
        """Removes a value of a wrong type, and says what belongs there. The value itself is not shown."""
        self.drop(place, f"{json_name(self.get(place))} where {wanted} belongs", source)

    def record(self, place: Place, what: str, why: str, source: str) -> None:
        """Writes down an edit made otherwise."""
        self.changes.append(_change(place, what, why, source))

    def note(self, place: Place, why: str, source: str) -> None:
        """Writes down a word about something that stays."""
        self.notes.append(_change(place, "kept", why, source))

    def _set(self, place: Place, value: Any) -> None:
        node = self.session
        for name in place[:-1]:
            inner = node.get(name)
            node[name] = dict(inner) if isinstance(inner, Mapping) else {}
            node = node[name]
        node[place[-1]] = value

    def _remove(self, place: Place) -> None:
        if len(place) == 1:
            del self.session[place[0]]
            return
        rest = {name: value for name, value in self.get(place[:-1]).items() if name != place[-1]}
        if rest:
            self._set(place[:-1], rest)
        else:
            self._remove(place[:-1])


def same(one: Any, other: Any) -> bool:
    """Whether two flat values are the same JSON, where 1, 1.0 and true are three things."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return type(one) is type(other) and bool(one == other)


def json_name(value: Any) -> str:
    """The JSON type of a value, with its article; "null" for None."""
    return next((name for kind, name in _JSON_NAMES if isinstance(value, kind)), "null")


def brief(value: Any) -> str:
    """A value in one short line; an object or list that holds others is only named."""
    members = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else [value]
    if any(isinstance(member, Mapping | list) for member in members):
        return json_name(value)
    return _shown(json.dumps(value, ensure_ascii=False), _LONGEST)


def _change(place: Place, what: str, why: str, source: str) -> Change:
    named = ".".join(_shown(name, _LONGEST) for name in place)
    return Change(named, _shown(what, _LONGEST_SENTENCE), _shown(why, _LONGEST_SENTENCE), source)


def _shown(text: str, longest: int) -> str:
    """The text without what a terminal would obey or cannot print, and no longer than that."""
    clean = "".join(c if c.isprintable() else "�" for c in text[: longest + 1])
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"
