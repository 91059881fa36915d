"""rtdiag.yaml, or the part of pyproject.toml that is rtdiag's: where it lies, what it holds, and in which line what is wrong."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_type_hints

from rtdiag.api import own_yaml
from rtdiag.api.expressions import expression
from rtdiag.intake import Limit, Malformed, Unusable, nodes_of, refuse_many, text_of, yaml_of
from rtdiag.targets.declared import Target, Variable, shown

YAML, TOML, _MISNAMED = "rtdiag.yaml", "pyproject.toml", "rtdiag.yml"
_FILE = Limit(256 * 1024, "give a file that holds the targets alone")
_MOST_VALUES = 20_000
_LONGEST_TOLD = 400
_KINDS = {
    "array": "a list, as [a, b]",
    "object": "names with values",
    "str": "a text",
    "bool": "true or false",
    "float": "a number",
    "date": "a day, as 2026-12-31",
}
_NAME = expression(r"[A-Za-z0-9][\w.@+-]{0,59}")
_TABLE = ("tool", "rtdiag")
_DEPTH = len(("targets", "its name"))


@dataclass(frozen=True)
class ConfigFile:
    """The targets of a file, in its order; `name` is what messages call it, `folder` what its own paths are relative to."""

    name: str
    folder: str
    targets: Mapping[str, Target]

    def named(self, name: str) -> Target:
        """The target of that name. Raises Unusable."""
        if name in self.targets:
            return self.targets[name]
        near = get_close_matches(name, self.targets, n=1)
        meant = f"did you mean {near[0]}?" if near else f"there are {', '.join([*self.targets][:20])}"
        raise Unusable(f"{self.name} has no target {shown(name)!r}: {meant}")


def found(given: str | None) -> ConfigFile:
    """The file that was `given`, else the nearest one here or in a folder above, up to the repository. Raises Unusable."""
    if given is not None:
        return _read(given)
    for folder in _upwards(_here()):
        if os.path.lexists(folder / YAML):  # also what cannot be read: another file is not what was meant
            return _read(os.path.relpath(folder / YAML))
        if os.path.lexists(folder / _MISNAMED):
            raise Unusable(f"{os.path.relpath(folder / _MISNAMED)}: call it {YAML}, or name it by --config")
        if os.path.lexists(folder / TOML) and _has_part(folder / TOML):
            return _read(os.path.relpath(folder / TOML))
    raise Unusable(f"there is no {YAML} here or above, and no [tool.rtdiag] in a {TOML}: `rtdiag init` writes one")


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise Unusable(f"this folder is gone, so no {YAML} is found from here: name one by --config") from None


def _upwards(folder: Path) -> Iterator[Path]:
    for one in (folder, *folder.parents):
        yield one
        if os.path.lexists(one / ".git"):
            return


def _has_part(path: Path) -> bool:
    """Whether a pyproject.toml has a part for rtdiag; one that cannot be read is some other tool's to complain of."""
    try:
        text = text_of(str(path), _FILE)
    except Unusable:
        return False
    try:
        return "rtdiag" in text and _toml(text)[0] is not None
    except Unusable:
        return bool(re.search(r"^\s*(\[+\s*)?tool\s*\.\s*rtdiag\b", text, re.MULTILINE))


def _read(path: str) -> ConfigFile:
    try:
        text = text_of(path, _FILE)
        value, place = _toml(text) if path.endswith(".toml") else _yaml(text)
        targets = _targets(value, place)
    except Unusable as exc:
        at = str(exc)
        raise Unusable(f"{path}{', ' if at.startswith('line ') else ': '}{at}") from None
    return ConfigFile(path, os.path.dirname(path), targets)


class _Places:
    """Where a YAML text says what: the line of a target, and of what is wrong in it."""

    def __init__(self, text: str) -> None:
        self._root = nodes_of(text)

    def line(self, path: tuple[str, ...], told: str = "") -> int:
        """Of what is told of the value at that path."""
        node = self._root
        for step in path:
            pairs = {name.value: (name, value) for name, value in node.value} if node.id == "mapping" else {}
            if step not in pairs:
                return int(node.start_mark.line) + 1
            name, node = pairs[step]
            if step == path[-1] and (not told or node.id != "mapping"):
                node = name
        return int((own_yaml.place(node, told) if told else node).start_mark.line) + 1


class _TomlPlaces:
    """The same of TOML, which its parser does not tell: the table's line, and of that the line of the key that is meant."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def line(self, path: tuple[str, ...], told: str = "") -> int:
        """The line, or that of the nearest table above."""
        meant = re.split(r"[.\[:]", told.partition(": ")[0])
        key = path[-1] if len(path) != _DEPTH else meant[-1 if "unknown key" in told else 0]
        start = next((n for n in (self._table(path[:depth]) for depth in range(len(path), -1, -1)) if n is not None), 0)
        below = range(start + 1, len(self._lines))
        own = (
            next((n for n in below if re.match(rf'\s*"?{re.escape(key)}"?\s*[.=]', self._lines[n])), None)
            if key
            else None
        )
        return (start if own is None else own) + 1

    def _table(self, path: tuple[str, ...]) -> int | None:
        name = r"\s*\.\s*".join(rf'["\']?{re.escape(step)}["\']?' for step in (*_TABLE, *path))
        return next((n for n, line in enumerate(self._lines) if re.match(rf"\s*\[\s*{name}\s*\]", line)), None)


def _yaml(text: str) -> tuple[Any, Any]:
    value = yaml_of(text, most_values=_MOST_VALUES)
    return value, _Places(text) if value is not None else None


def _toml(text: str) -> tuple[Any, Any]:
    refuse_many(text)
    try:
        value: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Malformed(_as_clause(str(error))) from None
    except (RecursionError, ValueError):
        raise Unusable("it is nested too deeply, or holds a number that is none") from None
    for step in _TABLE:
        value = value.get(step) if isinstance(value, dict) else None
    return value, _TomlPlaces(text)


def _as_clause(error: str) -> str:
    """What the parser of TOML says, without what stands there, which may be a secret."""
    at = re.search(r"\(at (line \d+), column (\d+)\)", error)
    return (
        f"{at[1]}: no TOML from column {at[2]} on" if at else "it is no TOML: it ends too early, or a key stands twice"
    )


def _targets(value: Any, place: Any) -> dict[str, Target]:
    if value is None:
        raise Unusable("it holds no targets: `rtdiag init` writes a file that shows how")
    if not isinstance(value, dict):
        raise Unusable("line 1: it begins with `targets:`, and below that stand their names")
    for key in value:
        if key != "targets":
            near = (
                "; did you mean targets?" if get_close_matches(str(key), ["targets"]) else ": only targets stands there"
            )
            raise Unusable(f"line {place.line((str(key),))}: {shown(str(key))}: unknown key{near}")
    targets = value.get("targets")
    if not isinstance(targets, dict) or not targets:
        raise Unusable(f"line {place.line(('targets',))}: targets: name at least one, each with its fields below it")
    return {name: _target(name, given, place) for name, given in targets.items()}


def _target(name: Any, given: Any, place: Any) -> Target:
    path: tuple[str, ...] = ("targets", str(name))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        told = "a target's name begins with a letter or digit, and has none but those and . _ @ + -, 60 at most"
        raise Unusable(f"line {place.line(path)}: {told}, not {shown(str(name))!r}")
    if not isinstance(given, dict):
        raise Unusable(f"line {place.line(path)}: target {name}: its fields stand below it: {_some_fields()}")
    try:
        return own_yaml.converted(given, Target)
    except ValueError as error:
        told, path = _plainly(str(error), given, path)
        raise Unusable(f"line {place.line(path, told)}: target {name}: {told[:_LONGEST_TOLD]}") from None


def _plainly(told: str, given: dict[str, Any], path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """What is wrong in words of a person, with the header that it is in; and the path to it."""
    told = re.sub(r"^(\w+\[\d+\]): (\w+): ", r"\1.\2: ", told)
    field, _, what = told.partition(": ")
    if field == "headers.*":
        for name, value in given["headers"].items():
            try:
                Variable.from_yaml(value)
            except ValueError as error:
                return f"headers.{name}: {error}", (*path, "headers", str(name))
    if found := re.fullmatch("expected (.+?)(, got .+)?", what):
        first, *more = found[1].removesuffix(" | null").split(" ")
        what = " ".join(["expected", _KINDS.get(first, first), *more])
    elif what.startswith("it cannot be "):
        what += f"; there are {', '.join(_either(field))}"
    elif what.startswith("invalid RFC3339"):
        what = "it is no date; write it like 2026-12-31"
    return f"{field}: {what}" if what else told, path


def _either(field: str) -> Iterator[str]:
    for one in get_args(get_type_hints(Target)[field]):
        yield from get_args(one)


def _some_fields() -> str:
    return ", ".join(Target.__struct_encode_fields__[:4]) + " …"
