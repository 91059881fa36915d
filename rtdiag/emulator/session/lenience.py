"""What two faults make of the rules of settings: what is refused is dropped or kept instead, or its good part is applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtdiag.emulator.bodies import Refused

Json = dict[str, Any]
Check = Callable[[Json], None]

_MOST_FIELDS = 12  # a turn detection has eight


def tolerated(check: Check, given: Json, path: str) -> tuple[Json, Json]:
    """`given` without what its turn detection may not hold, and what was taken out that a session can be shown with.

    That is numbers, and a whole turn detection where the model takes none; whatever else is wrong is left to the check.
    """
    taken_out: Json = {}
    for _ in range(_MOST_FIELDS):
        try:
            check(given)
        except Refused as refused:
            place = _place(refused, path)
            value = _at(given, place)
            if value is ... or not _of_turn_detection(place, value):
                break
            given = without(given, place)
            if place == ("audio", "input", "turn_detection"):
                taken_out |= value or {}
            elif isinstance(value, (int, float)):
                taken_out[place[-1]] = value
        else:
            break
    return given, taken_out


def good_part(check: Check, given: Json, refused: Refused, path: str) -> Json | None:
    """`given` without the field that the refusal names; None where it names none of them, or more is wrong."""
    place = _place(refused, path)
    if _at(given, place) is ...:
        return None
    rest = without(given, place)
    try:
        check(rest)
    except Refused:
        return None
    return rest


def without(given: Json, place: tuple[str, ...]) -> Json:
    """`given` without the field at that place, which must be there; copied as far as that needs."""
    name, *below = place
    if below:
        return {**given, name: without(given[name], tuple(below))}
    return {other: value for other, value in given.items() if other != name}


def _place(refused: Refused, path: str) -> tuple[str, ...]:
    param = str(refused.values.get("param", ""))
    return tuple(param.removeprefix(f"{path}." if path else "").split("."))


def _at(given: Any, place: tuple[str, ...]) -> Any:
    for part in place:
        if not isinstance(given, dict) or part not in given:
            return ...
        given = given[part]
    return given


def _of_turn_detection(place: tuple[str, ...], value: Any) -> bool:
    return "turn_detection" in place or (place == ("audio",) and "turn_detection" in str(value))
