"""Checks a JSON object against shapes.yaml and lays it over what was there before. Pure; knows nothing of sessions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Literal

import msgspec

from rtdiag.api import own_yaml
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.timeline import Behaviour, Steps

Json = dict[str, Any]
Shape = Mapping[str, Any]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}
_NAMES = {
    "string": "a string",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a decimal",
    "array": "an array",
}


class OfKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an object of one kind may hold. This and the next are how shapes.yaml is written, where each field is explained."""

    fields: Mapping[str, Entry] = {}
    by: str | None = None
    kinds: Mapping[str, OfKind] = {}
    unlisted: bool = False
    required: Sequence[str] = ()
    required_first: bool = False
    schema: str | None = None
    since: str | None = None

    def __post_init__(self) -> None:
        if self.since is not None and self.since not in Steps.__struct_fields__:
            raise ValueError(f"since: the timeline knows no {self.since}")


class Entry(OfKind, frozen=True, kw_only=True, rename={"is_": "is"}):
    is_: Literal["string", "boolean", "integer", "number", "array", "object", "any"]
    null: bool = False
    whole: bool = False
    open: bool = False
    each: Entry | None = None
    or_object: Entry | None = None
    values: Sequence[str] = ()
    or_values: Sequence[str] = ()
    combinations: Sequence[Sequence[str]] = ()
    min: float | None = None
    max: float | None = None
    decimals: int | None = None
    pattern: str | None = None
    longest: int | None = None
    or_default: bool = False
    hidden: bool = False
    default: Any = None


class _Written(own_yaml.Written, of=Entry):
    pass


@cache
def all_shapes() -> Mapping[str, Shape]:
    """Every shape of shapes.yaml by its name, `<dialect>-<kind>` for the sessions."""
    return own_yaml.named(_Written, ("rtdiag.emulator", "shapes.yaml"))


def check(shape: Shape, given: object, path: str, current: object, behaviour: Behaviour) -> None:
    """Raises Refused with the API's own error for the first thing in `given` that the shape does not allow.

    `path` is what the error calls this place (`session.audio`, "" at the top); `current` is the value that stands
    there now.
    """
    if (given is None and shape.get("null")) or (isinstance(given, str) and given in shape.get("or_values", ())):
        return
    current = {} if shape.get("whole") else current
    if isinstance(given, dict) and "or_object" in shape:
        shape = shape["or_object"]
    _check_type(shape, given, path)
    if isinstance(given, list):
        _check_array(shape, given, path, behaviour)
    elif isinstance(given, dict):
        _check_object(shape, given, path, current if isinstance(current, dict) else {}, behaviour)
    elif "values" in shape and given not in shape["values"]:
        raise _invalid_value(given, shape["values"], path)
    elif isinstance(given, str):
        _check_text(shape, given, path)
    elif isinstance(given, (int, float)) and not isinstance(given, bool):
        _check_limits(shape, given, path)


def complete(shape: Shape, given: Any, current: Any, behaviour: Behaviour) -> Any:
    """`given` laid sparsely over `current`, with the defaults for what neither names. Expects what `check` let pass."""
    if not isinstance(given, (dict, list)):
        return shape["default"] if given == "" and shape.get("or_default") else given
    if isinstance(given, list):
        return [complete(shape["each"], member, None, behaviour) for member in given] if "each" in shape else given
    shape = shape.get("or_object", shape)
    if shape.get("open") or shape["is"] == "any":
        return given
    before = current if isinstance(current, dict) and not shape.get("whole") else {}
    result: Json = {}
    if by := shape.get("by"):
        result[by] = given.get(by, before.get(by))
        before = before if before.get(by) == result[by] else {}
    for name, field in fields_of(shape, given | result).items():
        if field.get("hidden"):
            continue
        if name in given:
            result[name] = complete(field, given[name], before.get(name), behaviour)
        elif name in before:
            result[name] = before[name]
        elif "default" in field and _known(field, behaviour):
            result[name] = complete(field, field["default"], None, behaviour)
    return result


def fields_of(shape: Shape, value: Mapping[str, Any]) -> Mapping[str, Shape]:
    """The fields of an object of that shape; where they depend on a member, those for the member that `value` holds."""
    if "each" in shape:
        member: Shape = shape["each"]
        return dict.fromkeys(value, member)
    fields: Mapping[str, Shape] = shape.get("fields", {})
    return {**fields, **fields_of(shape["kinds"][value[shape["by"]]], value)} if "by" in shape else fields


def _check_type(shape: Shape, given: object, path: str) -> None:
    if shape["is"] == "any":
        return
    if isinstance(given, _TYPES[shape["is"]]) and (shape["is"] == "boolean") == isinstance(given, bool):
        return
    expected = f"one of {quoted(shape['values'])}" if "values" in shape else _NAMES.get(shape["is"], "an object")
    raise Refused("invalid-type", param=path, expected=expected, got=_name_of(given))


def _check_object(shape: Shape, given: Json, path: str, current: Json, behaviour: Behaviour) -> None:
    if shape.get("open") or shape["is"] == "any":
        return
    kind, chosen = shape, Json()
    while by := kind.get("by"):
        current = chosen | _check_kind(kind, given, path, current, behaviour)
        chosen[by] = current[by]
        kind = kind["kinds"][current[by]]
    if kind.get("required_first"):
        _check_required(kind, given, path, current)
    fields = fields_of(shape, given | current)
    for name, value in given.items():
        field = fields.get(name)
        if name in chosen:
            continue
        if field is None or not _known(field, behaviour):
            raise Refused("unknown-parameter", param=_below(path, name))
        check(field, value, _below(path, name), current.get(name), behaviour)
    _check_required(kind, given, path, current)
    schema = given.get(kind["schema"]) if "schema" in kind else None
    if isinstance(schema, dict) and schema.get("type") != "object":
        below = _below(path, kind["schema"])
        raise Refused("no-schema-of-object", param=below, name=given["name"], type=schema.get("type"))


def _check_required(kind: Shape, given: Json, path: str, current: Json) -> None:
    for name in kind.get("required", ()):
        if name not in given and name not in current:
            raise Refused("missing-parameter", param=_below(path, name))


def _check_text(shape: Shape, given: str, path: str) -> None:
    if len(given) > shape.get("longest", len(given)):
        raise Refused("too-long", param=path, limit=shape["longest"], count=len(given))
    if "pattern" in shape and not re.fullmatch(shape["pattern"], given):
        raise Refused("no-match", param=path, pattern=shape["pattern"])


def _check_array(shape: Shape, given: list[Any], path: str, behaviour: Behaviour) -> None:
    """The members one by one, or the whole where only some combinations are taken, in any order."""
    for number, member in enumerate(given):
        if "each" in shape:
            check(shape["each"], member, f"{path}[{number}]", {}, behaviour)
    if "combinations" in shape and sorted(map(str, given)) not in [sorted(c) for c in shape["combinations"]]:
        supported = " and ".join(str(c) for c in shape["combinations"])
        raise Refused("invalid-modalities", given=given, supported=supported, param=path)


def _check_kind(shape: Shape, given: Json, path: str, current: Json, behaviour: Behaviour) -> Json:
    """The member that decides on the fields; returns what stands there now, emptied if it is of another kind."""
    by: str = shape["by"]
    if by not in given and by not in current:
        raise Refused("missing-parameter", param=_below(path, by))
    wanted = given.get(by, current.get(by))
    known = [name for name, kind in shape["kinds"].items() if _known(kind, behaviour)]
    if wanted not in known:
        listed = [name for name in known if not shape["kinds"][name].get("unlisted")]
        raise _invalid_value(wanted, listed, _below(path, by))
    return current if current.get(by) == wanted else {by: wanted}


def _check_limits(shape: Shape, given: float, path: str) -> None:
    number = "integer" if shape["is"] == "integer" else "decimal"
    if "min" in shape and given < shape["min"]:
        raise Refused("below-min", param=path, number=number, limit=shape["min"], value=given)
    if "max" in shape and given > shape["max"]:
        raise Refused("above-max", param=path, number=number, limit=shape["max"], value=given)
    count = len(format(Decimal(repr(given)), "f").partition(".")[2])
    if count > shape.get("decimals", count):
        raise Refused("too-many-decimals", param=path, limit=shape["decimals"], count=count)


def _known(shape: Shape, behaviour: Behaviour) -> bool:
    return "since" not in shape or bool(getattr(behaviour, shape["since"]))


def _invalid_value(value: object, supported: list[str], path: str) -> Refused:
    return Refused(
        "invalid-value-of-one" if len(supported) == 1 else "invalid-value",
        value=value,
        supported=quoted(supported),
        param=path,
    )


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def quoted(values: Sequence[str]) -> str:
    """As errors list what they take: `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`."""
    named = [f"'{value}'" for value in values]
    return " and ".join(named) if len(named) < 3 else f"{', '.join(named[:-1])}, and {named[-1]}"


def _name_of(value: object) -> str:
    if value is None:
        return "null"
    kinds = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal number",  # records 45078013742 and 61593768014
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return kinds[type(value)]
