"""YAML files of rtdiag's own, or of a package that adds to it, held against declared types.

    listed(Model, ("rtdiag.api", "models.yaml"))     a list of entries, each called by its first field
    named(Cause, path)                               entries by their names
    whole(Names, path)                               one object

The types are msgspec's: they refuse a key that they do not have, and a rule between fields stands in `__post_init__`. A type that
is written otherwise than it is held has `from_yaml` and `json_schema`. Files of users come through `rtdiag.intake` instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import islice
from pathlib import PurePath
from typing import Any, ClassVar, Self, TypeVar

T = TypeVar("T")
Source = Traversable | tuple[str, str]  # a file, or its package and its name there


class BadData(Exception):  # noqa: N818 - what it is, whoever made it
    """A file of rtdiag's own, or of a plug-in's, that does not hold what it must: one line with file, entry and field."""


class Written(dict[str, Any]):
    """An object as it was written, with the fields that were given alone; `class X(Written, of=T)` says which there are."""

    of: ClassVar[type]

    def __init_subclass__(cls, *, of: type) -> None:
        cls.of = of

    @classmethod
    def from_yaml(cls, value: Any) -> Self:
        """The object. Raises ValueError for a field that its type does not have, or would not take."""
        part(value, cls.of)
        return cls(value)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """That of its type, whose fields are plain values."""
        found: dict[str, Any] = json_schema(cls.of)["$defs"][cls.of.__name__]
        return found


def loader() -> Any:
    """The safe loader of PyYAML, in C where it was built with libyaml: seven times as fast."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def listed(kind: type[T], source: Source) -> tuple[T, ...]:
    """The entries of a file that is a list; none is called as another. Raises BadData."""
    file, found = _File(source), dict[str, T]()
    (first, *_) = kind.__struct_encode_fields__  # type: ignore[attr-defined]
    for number, (value, node) in enumerate(zip(file.holding(list), file.root.value, strict=True), 1):
        name = str(value[first]) if isinstance(value, dict) and first in value else f"entry {number}"
        if name in found:
            raise file.bad(node, f"{name}: an entry before it is called so")
        found[name] = file.entry(kind, name, value, node)
    return tuple(found.values())


def named(kind: type[T], source: Source) -> dict[str, T]:
    """The entries of a file that has them by name; `_name` is no entry but a piece of some, and is seen in them. Raises BadData."""
    file = _File(source)
    entries = zip(file.holding(dict).items(), file.root.value, strict=True)
    return {
        str(name): file.entry(kind, str(name), value, node)
        for (name, value), (_, node) in entries
        if not str(name).startswith("_")
    }


def whole(kind: type[T], source: Source) -> T:
    """What a file holds that is one object. Raises BadData."""
    file = _File(source)
    return file.entry(kind, "", file.holding(dict), file.root)


def converted(value: Any, kind: type[T]) -> T:
    """The value as one of that type. Raises ValueError with one line: the field, and what is wrong with it."""
    try:
        return part(value, kind)
    except ValueError as error:
        raise ValueError(_told(str(error), kind)) from None


def part(value: Any, kind: type[T]) -> T:
    """The same for a `from_yaml`: its ValueError tells the place as msgspec does, and so the outer place is joined to it."""
    import msgspec

    try:
        return msgspec.convert(value, kind, dec_hook=_from_yaml)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


@cache
def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """The regular expression. Raises ValueError for what is none."""
    try:
        return re.compile(text, flags)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None


def json_schema(kind: Any) -> dict[str, Any]:
    """The JSON Schema of that type."""
    import msgspec

    return msgspec.json.schema(kind, schema_hook=_schema_of)


def shown(source: Source) -> str:
    """The file as messages name it: with the package's folders, or the one that it lies in."""
    if isinstance(source, tuple):
        return "/".join((*source[0].split("."), source[1]))
    return "/".join(PurePath(str(source)).parts[-2:])


class _File:
    """A file that was read, and where in it what stands. Raises BadData where it is no YAML, or has a name twice."""

    def __init__(self, source: Source) -> None:
        import yaml

        self._name = shown(source)
        file = files(source[0]).joinpath(source[1]) if isinstance(source, tuple) else source
        try:
            parser = loader()(file.read_text(encoding="utf-8"))
            self.root = parser.get_single_node()
            for name in _twice(self.root):
                raise self.bad(name, f"{name.value}: it stands there twice")
            self._value = parser.construct_document(self.root) if self.root else None
        except yaml.MarkedYAMLError as error:
            line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
            raise BadData(f"{self._name}{line}: {error.problem}") from error
        except (yaml.YAMLError, ValueError) as error:  # a byte that is no text, a date that is none
            raise BadData(f"{self._name}: {' '.join(str(error).split())}") from error
        except OSError as error:
            raise BadData(f"{self._name}: it cannot be read: {error.strerror}") from error

    def holding(self, kind: type[T]) -> T:
        """What is in it, which must be of that kind."""
        if not isinstance(self._value, kind):
            raise BadData(f"{self._name}: it is no {'list of entries' if kind is list else 'object with names'}")
        return self._value

    def entry(self, kind: type[T], name: str, value: Any, node: Any) -> T:
        """The entry as one of that type; its node says where it stands."""
        try:
            return converted(value, kind)
        except ValueError as error:
            raise self.bad(place(node, str(error)), f"{name}: {error}" if name else str(error)) from None

    def bad(self, node: Any, what: str) -> BadData:
        """That this is wrong there."""
        return BadData(f"{self._name}, line {node.start_mark.line + 1}: {what}")


def _mappings(node: Any) -> Iterator[Any]:
    """The nodes in this one, itself too, that have names."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.id == "mapping":
            yield one
            waiting += [held for _, held in one.value]
        elif one.id == "sequence":
            waiting += one.value


def _twice(node: Any) -> Iterator[Any]:
    """Each name that its mapping has already; YAML would let the last one count."""
    for mapping in _mappings(node) if node else ():
        names = [name.value for name, _ in mapping.value]
        if len(set(names)) < len(names):
            yield next(name for n, (name, _) in enumerate(mapping.value) if name.value in names[:n])


def place(node: Any, told: str) -> Any:
    """The node of an entry that is meant: an unknown key, wherever it stands, else the field that it is in."""
    path, _, what = told.partition(": ")
    anywhere = what.startswith("unknown")
    key = path.rpartition(".")[2] if anywhere else re.split(r"[.\[]", path)[0]
    among = _mappings(node) if anywhere else islice(_mappings(node), 1)
    return next((name for mapping in among for name, _ in mapping.value if name.value == key), node)


def _told(error: str, kind: Any) -> str:
    """What msgspec says, with the field first."""
    what, *places = error.replace("`", "").split(" - at ")
    path = "".join(place.removeprefix("key in ").removeprefix("$") for place in reversed(places))
    path = path.replace("[...]", ".*")
    if found := re.fullmatch("Object contains unknown field (.+)", what):
        path, what = f"{path}.{found[1]}", "unknown key" + _meant(found[1], kind)
    elif found := re.fullmatch("Object missing required field (.+)", what):
        path, what = f"{path}.{found[1]}", "missing"
    elif (found := re.fullmatch("Invalid enum value '?(.+?)'?", what)) and places[0].startswith("key"):
        path, what = f"{path}.{found[1]}", "unknown key"
    elif found:
        what = f"it cannot be {found[1]}"
    return f"{path.removeprefix('.')}: {what[:1].lower()}{what[1:]}".removeprefix(": ")


def _meant(key: str, kind: Any) -> str:
    inside = json_schema(kind).get("$defs", {}).values() if hasattr(kind, "__struct_encode_fields__") else ()
    near = get_close_matches(key, dict.fromkeys(name for part in inside for name in part.get("properties", ())), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _from_yaml(kind: Any, value: Any) -> Any:
    return kind.from_yaml(value)


def _schema_of(kind: Any) -> dict[str, Any]:
    found: dict[str, Any] = kind.json_schema()
    return found
