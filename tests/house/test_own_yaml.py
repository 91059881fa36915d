"""YAML of rtdiag's own: what does not fit is one line with file, entry and key; editors are told the same by schemas beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from rtdiag.api import own_yaml
from rtdiag.api.own_yaml import BadData, listed, named
from rtdiag.cli import main
from rtdiag.cli.crash import tracebacks
from rtdiag.diagnosis import catalogue
from rtdiag.emulator import Fault
from rtdiag.engine.results import crashed
from rtdiag.redact import Mask
from tests.house.make_schemas import HOME, KINDS, Kind

FILES = [(kind, path) for kind in KINDS for path in kind.paths]
each_file = pytest.mark.parametrize(
    ("kind", "path"), [pytest.param(*f, id=f"{f[1].parent.name}/{f[1].name}") for f in FILES]
)
# Keys that are no fields but names or numbers of somebody's choice, by schema.
CHOSEN = {
    "bodies.schema.json": r"beside\..+",
    "causes.schema.json": r"(for|against)\.\d+",
    "faults.schema.json": r"answer\.headers\..+",
    "names.schema.json": r"(renamed|invented|formats|places\.\w+)\..+",
    "own_words.schema.json": r"(headers|json)\..+",
    "profiles.schema.json": r"(headers\.[^.]+|(takes|listed|modes|gateway\.(models|error_types))\..+)",
    "rtdiag.schema.json": r"targets\.[^.]+(\.headers\.[^.]+)?",
    "servers.schema.json": r"(headers|query)\.[^.]+",
    "shapes.schema.json": r"(.+\.)?((fields|kinds)\.[^.]+|default\..+)",
    "tongues.schema.json": r"(hears|says|parts)\..+",
    "turn_rules.schema.json": r"sends\..+",
}
CAUSE = {"weight": 3, "summary": "It is so.", "fix": "Make it otherwise.", "sources": ["seen here"]}
KEY = "sk-proj-FAKE" + "0" * 40


class Plain(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes what stands in two places twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def written(path: Path, value: Any) -> Path:
    text = yaml.dump(value, Dumper=Plain, allow_unicode=True, sort_keys=False, width=10_000)
    path.write_text(text, encoding="utf-8")
    return path


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def entries(kind: Kind, path: Path) -> Iterator[tuple[str, Any, Any]]:
    """Each entry with its name, and what a file would hold that has it alone."""
    value = yaml.load(path.read_text(encoding="utf-8"), Loader=own_yaml.loader())
    if kind.read is own_yaml.whole:
        yield "", value, value
    elif isinstance(value, list):
        yield from ((str(next(iter(entry.values()))), entry, [entry]) for entry in value)
    else:
        yield from ((name, value[name], {name: value[name]}) for name in value if not name.startswith("_"))


def keys(value: Any, chosen: str, path: str = "") -> Iterator[tuple[str, dict[Any, Any], Any]]:
    """Each field in a value: its path, the object that it is in, and itself."""
    if isinstance(value, dict):
        for key, held in value.items():
            place = f"{path}.{key}".removeprefix(".")
            if re.fullmatch(chosen, place):
                place = f"{path}.*"
            else:
                yield place, value, key
            yield from keys(held, chosen, place)
    elif isinstance(value, list):
        for held in value:
            yield from keys(held, chosen, path)


def misspelt(kind: Kind, path: Path) -> Iterator[tuple[str, str, Any]]:
    """For each path of a field: an entry's name, the field misspelt, and a file with that entry."""
    done: set[str] = set()
    for name, entry, file in entries(kind, path):
        for place, holder, key in list(keys(entry, CHOSEN.get(kind.schema, ""))):
            if place not in done:
                done.add(place)
                before = dict(holder)
                holder.clear()
                holder.update({f"{k}x" if k == key else k: v for k, v in before.items()})
                yield name, f"{key}x", file
                holder.clear()
                holder.update(before)


@each_file
def test_a_misspelt_key_is_one_line_with_file_entry_and_key(kind: Kind, path: Path, tmp_path: Path) -> None:
    validator = Draft202012Validator(json.loads(kind.place.read_text(encoding="utf-8")))
    copy = tmp_path / path.name
    number = 0
    for number, (name, key, file) in enumerate(misspelt(kind, path), 1):  # noqa: B007
        with pytest.raises(BadData) as caught:
            kind.read(kind.of, written(copy, file))
        line = str(caught.value)
        first = (
            "" if kind.read is own_yaml.whole else f"({re.escape(name)}|entry 1): "
        )  # an entry whose id is misspelt has none
        assert re.fullmatch(rf"{tmp_path.name}/{path.name}, line \d+: {first}([^ ]+\.)?{key}: unknown .+", line), line
        assert not validator.is_valid(as_json(file)), key
    assert number


@each_file
def test_every_file_is_read_and_holds_what_its_schema_says(kind: Kind, path: Path) -> None:
    assert kind.read(kind.of, path)
    (head, *_) = path.read_text(encoding="utf-8").splitlines()
    assert head == f"# yaml-language-server: $schema={kind.schema}"
    value = yaml.load(path.read_text(encoding="utf-8"), Loader=own_yaml.loader())
    Draft202012Validator(json.loads(kind.place.read_text(encoding="utf-8"))).validate(as_json(value))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.schema)
def test_a_schema_says_what_the_types_say(kind: Kind) -> None:
    assert kind.place.read_text(encoding="utf-8") == kind.text, "python -m tests.house.make_schemas"


def test_no_file_is_left_out() -> None:
    assert sorted(path for _, path in FILES) == sorted(HOME.rglob("*.yaml"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a:\n  weight: 3\n   summary: x", "line 3: mapping values are not allowed"),
        ("a: {weight: 3\nb: {}", "line 2: did not find expected ',' or '}'"),
        ("a: {weight: 3}\nb: {}\na: {}", "line 3: a: it stands there twice"),
        ("a:\n  weight: 3\n  fix: x.\n  fix: y.", "line 4: fix: it stands there twice"),
        ("", "it is no object with names"),
        ("- a", "it is no object with names"),
        ("a: 3", "line 1: a: expected object, got int"),
        ("a: {weight: 3}", "line 1: a: summary: missing"),
    ],
)
def test_a_file_of_another_form_says_where(text: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadData) as caught:
        named(catalogue.Entry, path)
    assert re.match(rf"{tmp_path.name}/own\.yaml(, |: ){re.escape(line)}", str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"weight": "3"}, "weight: expected int, got str"),
        ({"weight": 10}, "weight: expected int <= 9"),
        ({"sources": []}, "sources: expected array of length >= 1"),
        ({"for": [{8: {"text": "fine"}}, {8: {"text": "(fine"}}]}, "for[1].text: no regular expression: missing ), "),
        ({"against": [{8: {"said": "[a"}}]}, "against[0].said: no regular expression: unterminated character set "),
        ({"for": [{8: {"tixt": "fine"}}]}, "for[0].tixt: unknown feature"),
        ({"for": [{8: {"text": "a"}, 2: {"text": "b"}}]}, "for[0]: it must be one number of points, 1 to 20, or 40"),
        ({"for": [{21: {"text": "a"}}]}, "for[0]: it must be one number of points, 1 to 20, or 40"),
        ({"for": [{60: {"text": "a"}}]}, "for[0]: more than 20 points are for failure and observed"),
        ({"for": [{60: {"observed": "a", "held": "sure"}}]}, "for[0].held: it is high, medium, low"),
        ({"for": [{"text": "a"}]}, "for[0]: expected int, got str"),
        ({"unless": ["b", "c"]}, "unless: there is no cause c"),
        ({"explains": ["c"]}, "explains: there is no cause c"),
    ],
)
def test_a_cause_that_cannot_be_used_says_why(changed: dict[str, Any], line: str, tmp_path: Path) -> None:
    path = written(tmp_path / "own.yaml", {"b": CAUSE, "a": CAUSE | changed})
    with pytest.raises(BadData) as caught:
        catalogue.gathered([path])
    assert re.match(rf"{tmp_path.name}/own\.yaml(, line \d+)?: a: {re.escape(line)}", str(caught.value)), str(
        caught.value
    )


def test_a_cause_or_an_entry_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    one, two = written(tmp_path / "one.yaml", {"a": CAUSE}), written(tmp_path / "two.yaml", {"b": CAUSE, "a": CAUSE})
    with pytest.raises(BadData, match=rf"^{tmp_path.name}/two\.yaml: a: {tmp_path.name}/one\.yaml has it, too$"):
        catalogue.gathered([one, two])
    fault = {
        "id": "x",
        "story": "s",
        "source": "s",
        "sees": ["a"],
        "status": "info",
        "cause": None,
        "set": {"clock_ahead_s": 1},
    }
    with pytest.raises(BadData, match=r"own\.yaml, line 10: x: an entry before it is called so$"):
        listed(Fault, written(tmp_path / "own.yaml", [fault, fault]))


@pytest.mark.parametrize("missing", ["no-such.yaml", "models.yaml/below"])
def test_a_file_that_is_not_there_is_one_line(missing: str) -> None:
    with pytest.raises(BadData, match=f"^rtdiag/api/{missing}: it cannot be read: "):
        listed(Fault, ("rtdiag.api", missing))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def causes() -> None:
        raise BadData("own.yaml: a: fixx: unknown key") from ValueError(f"with {KEY}")

    monkeypatch.setattr(catalogue, "causes", causes)


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("command", ["run --emulator --only key -o ndjson", "explain cors", "explain 401"])
def test_a_command_says_that_line_alone_and_ends_with_4(command: str) -> None:
    done = CliRunner().invoke(main, command.split())
    assert done.exit_code == 4
    assert done.stderr.splitlines()[-1] == "rtdiag: own.yaml: a: fixx: unknown key"
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(("words", "variables"), [(["--debug"], {}), ([], {"RTDIAG_DEBUG": "1"})])
def test_authors_see_the_traceback_with_paths_and_without_secrets(words: list[str], variables: dict[str, str]) -> None:
    done = CliRunner(env={"OPENAI_API_KEY": KEY, **variables}).invoke(main, [*words, "explain", "cors"])
    assert done.exit_code == 4
    assert f'File "{__file__}"' in done.stderr
    assert "ValueError: with sk-" in done.stderr
    assert KEY not in done.stderr
    assert done.stderr.splitlines()[-1] == "rtdiag: own.yaml: a: fixx: unknown key"


def test_what_breaks_in_a_check_is_told_to_authors_and_to_nobody_else(capsys: pytest.CaptureFixture[str]) -> None:
    with tracebacks():
        crashed(ValueError(f"with {KEY}"), Mask())
    told = capsys.readouterr().err
    assert told.startswith("a check broke\nValueError: with sk-")
    assert KEY not in told
    crashed(ValueError("again"), Mask())
    assert capsys.readouterr().err == ""
