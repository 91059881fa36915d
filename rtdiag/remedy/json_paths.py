"""The fields of a session object one by one: where each stands, the object without some of them, and what an echo made of each.

A place is a tuple of names, with numbers where it leads into a list; it is written `audio.input.format` and `tools[0].strict`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.api.sessions import Json

Place = tuple[str | int, ...]

# What only holds other fields; none of them is anything by itself: openai-openapi @ f85dbe2 lines 54831 and 55921.
CONTAINERS: frozenset[Place] = frozenset({(), ("audio",), ("audio", "input"), ("audio", "output")})

_STEP = expression(r"\[(\d+)\]|([^.\[\]]+)")
_QUOTED = expression(r"'([\w.\[\]]+)'")


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every field with its value; an array is one field as a whole, and so is an object without members."""
    if isinstance(value, Mapping) and (value or not place):
        for name, inner in value.items():
            yield from leaves(inner, (*place, name))
    else:
        yield place, value


def fields(session: Json) -> list[Place]:
    """The members of the session and of its containers: what the API takes or leaves as one thing."""
    found: list[Place] = []
    for place in sorted(CONTAINERS, key=len):
        inside = at(session, place)
        members = inside if isinstance(inside, Mapping) else {}
        found += [(*place, name) for name in members if not _holds(session, (*place, name))]
    return found


def _holds(session: Json, place: Place) -> bool:
    inside = at(session, place)
    return place in CONTAINERS and isinstance(inside, Mapping) and bool(inside)


def at(value: Any, place: Place) -> Any:
    """What stands there; the marker `...` where nothing does."""
    for step in place:
        inside = range(len(value)) if isinstance(value, list) else value if isinstance(value, Mapping) else ()
        if step in inside:
            value = value[step]
        else:
            return ...
    return value


def without(session: Json, places: Iterable[Place]) -> Json:
    """The session without what stands at these places, and without the objects and arrays that this empties."""
    left = _without(session, frozenset(places), ())
    return left if isinstance(left, dict) else {}


def _without(value: Any, places: frozenset[Place], place: Place) -> Any:
    if place in places:
        return ...
    if isinstance(value, Mapping):
        members = {name: _without(inner, places, (*place, name)) for name, inner in value.items()}
        left: Any = {name: inner for name, inner in members.items() if inner is not ...}
    elif isinstance(value, list):
        every = (_without(inner, places, (*place, number)) for number, inner in enumerate(value))
        left = [inner for inner in every if inner is not ...]
    else:
        return value
    return ... if value and not left else left


def dotted(place: Place) -> str:
    """The place as people write it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def named(session: Json, param: str | None, message: str | None) -> Place | None:
    """The field of this session that an error is about, by its `param` or else what its message quotes; None without one.

    Where the field itself is missing, the object that lacks it. Events and GA mints begin it with `session.`, the beta does not.
    """
    for text in filter(None, [param, *_QUOTED.findall(message or "")]):
        steps: Place = tuple(int(number) if number else name for number, name in _STEP.findall(text))
        place = steps[1:] if steps[:1] == ("session",) else steps
        exact = bool(place) and at(session, place) is not ...
        if not exact and text != param:
            continue
        while place and at(session, place) is ...:
            place = place[:-1]
        if exact or place not in CONTAINERS:
            return place
    return None


def fate(sent: Any, echoed: Any) -> str:
    """What an echo made of a field: `same`, `other` or `absent` (the marker `...`).

    What an echo adds is no difference, nor is the order of texts in a list, of modalities say (pydantic/pydantic-ai @ 4fda389
    tests/realtime/cassettes, Azure Voice Live, 2026-07-21). `auto` is shown as it is or as what it stands for, medium (openai
    3.54.0 types/realtime/realtime_audio_input_turn_detection.py).
    """
    return "absent" if echoed is ... else "same" if _shown(sent, echoed) else "other"


def _shown(sent: Any, echoed: Any) -> bool:
    if isinstance(sent, Mapping) and isinstance(echoed, Mapping):
        return all(name in echoed and _shown(value, echoed[name]) for name, value in sent.items())
    if isinstance(sent, list) and isinstance(echoed, list):
        if all(isinstance(one, str) for one in (*sent, *echoed)):
            return sorted(sent) == sorted(echoed)
        return len(sent) == len(echoed) and all(map(_shown, sent, echoed))
    if isinstance(sent, bool) != isinstance(echoed, bool):
        return False
    return bool(sent == echoed) or (sent, echoed) == ("auto", "medium")


def within(place: Place, other: Place) -> bool:
    """Whether a place is the other, or lies inside it."""
    return place[: len(other)] == other
