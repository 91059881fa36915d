"""YAML files of rtdiag's own, or of a package that adds to it, held against declared types.

    listed(Model, ("rtdiag.api", "models.yaml"))     a list of entries, each called by its first field
    named(Cause, path)                               entries by their names
    whole(Names, path)                               one object

The types are msgspec's: they refuse a key that they do not have, and a rule between fields stands in `__post_init__`. A type that
is written otherwise than it is held has `from_yaml` and `json_schema`. Files of users come through `rtdiag.intake` instead.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar

from rtdiag.api.kept import kept

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

T = TypeVar("T")
Source: TypeAlias = "Traversable | tuple[str, str]"  # a file, or its package and its name there


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
    for number, value in enumerate(file.holding(list)):
        name = str(value[first]) if isinstance(value, dict) and first in value else f"entry {number + 1}"
        if name in found:
            raise file.bad(file.node(number), f"{name}: an entry before it is called so")
        found[name] = file.entry(kind, name, value, number)
    return tuple(found.values())


def named(kind: type[T], source: Source) -> dict[str, T]:
    """The entries of a file that has them by name; `_name` is no entry but a piece of some, and is seen in them. Raises BadData."""
    file = _File(source)
    return {
        str(name): file.entry(kind, str(name), value, number)
        for number, (name, value) in enumerate(file.holding(dict).items())
        if not str(name).startswith("_")
    }


def whole(kind: type[T], source: Source) -> T:
    """What a file holds that is one object. Raises BadData."""
    file = _File(source)
    return file.entry(kind, "", file.holding(dict))


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
    return "/".join(str(source).replace(os.sep, "/").split("/")[-2:])


def content(source: Source) -> bytes:
    """What stands in the file. Raises OSError."""
    if not isinstance(source, tuple):
        return source.read_bytes()
    package, name = source
    folder = os.path.dirname(import_module(package).__file__ or "")
    if os.path.isdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    from importlib.resources import files

    return files(package).joinpath(name).read_bytes()


class _File:
    """A file that was read, and where in it what stands. Raises BadData where it is no YAML, or has a name twice."""

    def __init__(self, source: Source) -> None:
        self._name = shown(source)
        try:
            self._text = content(source)
        except OSError as error:
            raise BadData(f"{self._name}: it cannot be read: {error.strerror}") from error
        self._value = kept(".".join(source), self._text, self._read) if isinstance(source, tuple) else self._read()

    def holding(self, kind: type[T]) -> T:
        """What is in it, which must be of that kind."""
        if not isinstance(self._value, kind):
            raise BadData(f"{self._name}: it is no {'list of entries' if kind is list else 'object with names'}")
        return self._value

    def entry(self, kind: type[T], name: str, value: Any, number: int | None = None) -> T:
        """The entry of that number, or the whole, as one of that type."""
        try:
            return converted(value, kind)
        except ValueError as error:
            raise self.bad(place(self.node(number), str(error)), f"{name}: {error}" if name else str(error)) from None

    def bad(self, node: Any, what: str) -> BadData:
        """That this is wrong there."""
        return BadData(f"{self._name}, line {node.start_mark.line + 1}: {what}")

    def node(self, number: int | None) -> Any:
        """Where the entry of that number stands, or the whole."""
        held = self._parsed[1]
        if number is None:
            return held
        return held.value[number] if held.id == "sequence" else held.value[number][1]

    def _read(self) -> Any:
        parser, root = self._parsed
        for name in _twice(root):
            raise self.bad(name, f"{name.value}: it stands there twice")
        with self._telling():
            return parser.construct_document(root) if root else None

    @cached_property
    def _parsed(self) -> tuple[Any, Any]:
        """The parser and the root of what it has parsed."""
        with self._telling():
            parser = loader()(self._text.decode())
            return parser, parser.get_single_node()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What is no YAML, in one line."""
        import yaml

        try:
            yield
        except yaml.MarkedYAMLError as error:
            line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
            raise BadData(f"{self._name}{line}: {error.problem}") from error
        except (yaml.YAMLError, ValueError) as error:  # a byte that is no text, a date that is none
            raise BadData(f"{self._name}: {' '.join(str(error).split())}") from error


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
    from difflib import get_close_matches

    inside = json_schema(kind).get("$defs", {}).values() if hasattr(kind, "__struct_encode_fields__") else ()
    near = get_close_matches(key, dict.fromkeys(name for part in inside for name in part.get("properties", ())), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _from_yaml(kind: Any, value: Any) -> Any:
    return kind.from_yaml(value)


def _schema_of(kind: Any) -> dict[str, Any]:
    found: dict[str, Any] = kind.json_schema()
    return found
