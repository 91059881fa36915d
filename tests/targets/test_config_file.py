"""rtdiag.yaml and [tool.rtdiag]: which file is taken, what it may hold, and the one line, with its place, for what it may not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rtdiag.intake import Unusable, yaml_of
from rtdiag.targets import Target, config_file, found
from rtdiag.targets.declared import Ignored, Variable, header

SECRET = "sk-proj-FAKE0000000000000000000000000000abcd"
PACKAGE = Path(config_file.__file__).parent


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(text: str, name: str = "rtdiag.yaml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    with pytest.raises(Unusable) as caught:
        found(None)
    line = str(caught.value)
    assert "\n" not in line
    assert "null" not in line, "what is of msgspec"
    assert SECRET not in line
    return line


def of(fields: str) -> str:
    """A file with one target, whose fields begin in line 3."""
    return "targets:\n  mine:\n" + "".join(f"    {line}\n" for line in fields.splitlines())


def test_a_target_has_what_was_written() -> None:
    Path("rtdiag.yaml").write_text(
        of(
            "base_url: http://h:4000/v1\nkey: MY_KEY\nheaders: {x-team: ENV:MY_TEAM}\ntimeout: 5\nonly: [key]\n"
            "ignore:\n  - case: sdp.*\n    reason: no WebRTC\n    until: 2026-12-31"
        ),
        encoding="utf-8",
    )
    file = found(None)
    assert file.name == "rtdiag.yaml"
    assert file.named("mine") == Target(
        base_url="http://h:4000/v1",
        key="MY_KEY",  # type: ignore[arg-type]
        headers={"x-team": Variable("MY_TEAM")},
        timeout=5.0,
        only=("key",),
        ignore=(Ignored("sdp.*", "no WebRTC", date(2026, 12, 31)),),
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "rtdiag.yaml: it holds no targets"),
        ("# nothing\n", "rtdiag.yaml: it holds no targets"),
        ("- mine\n", "rtdiag.yaml, line 1: it begins with `targets:`"),
        ("target: {}\n", "rtdiag.yaml, line 1: target: unknown key; did you mean targets?"),
        ("targets: {a: {}}\nversion: 1\n", "rtdiag.yaml, line 2: version: unknown key: only targets stands there"),
        ("targets:\n", "rtdiag.yaml, line 1: targets: name at least one"),
        ("targets: [a]\n", "rtdiag.yaml, line 1: targets: name at least one"),
        ("targets:\n  a: hello\n", "rtdiag.yaml, line 2: target a: its fields stand below it: base_url, key"),
        ("targets:\n  1: {}\n", "rtdiag.yaml, line 2: a target's name begins with a letter or digit"),
        ("targets:\n  'a b': {}\n", "rtdiag.yaml, line 2: a target's name begins with a letter or digit"),
        ("targets:\n  a: {}\n  a: {}\n", "rtdiag.yaml, line 3: the name 'a' stands twice"),
        ("targets:\n\ta: {}\n", "rtdiag.yaml, line 2: a tab, where YAML takes blanks alone"),
        ("targets: !!python/name:os.system x\n", "rtdiag.yaml, line 1: the tag "),
        ("targets: &a {mine: *a}\n", "rtdiag.yaml, line 1: what *a stands for contains itself"),
        (of("modle: x"), "rtdiag.yaml, line 3: target mine: modle: unknown key; did you mean model?"),
        (of("model: x\nbase_ur: y"), "rtdiag.yaml, line 4: target mine: base_ur: unknown key; did you mean base_url?"),
        (of(f"api_key: {SECRET}"), "rtdiag.yaml, line 3: target mine: api_key: unknown key; did you mean key?"),
        (of("dialect: gaa"), "rtdiag.yaml, line 3: target mine: dialect: it cannot be gaa; there are ga, beta"),
        (of("timeout: '5'"), "rtdiag.yaml, line 3: target mine: timeout: expected a number"),
        (of("ignore:\n  - {case: x, reason: y, until: 5}"), "rtdiag.yaml, line 3: target mine: ignore[0].until: expected a day"),
        (of("only: key"), "rtdiag.yaml, line 3: target mine: only: expected a list, as [a, b]"),
        (of("timeout: 0"), "rtdiag.yaml, line 3: target mine: timeout: expected a number >= 0.1"),
        (of("emulator: maybe"), "rtdiag.yaml, line 3: target mine: emulator: expected true or false"),
        (of("model: 5"), "rtdiag.yaml, line 3: target mine: model: expected a text"),
        (of("headers: [x]"), "rtdiag.yaml, line 3: target mine: headers: expected names with values"),
        (of("ignore:\n  - {case: x, until: 2026-01-01}"), "rtdiag.yaml, line 3: target mine: ignore[0].reason: missing"),
        (of("ignore:\n  - {case: x, reason: y}"), "rtdiag.yaml, line 3: target mine: ignore[0].until: missing"),
        (of("ignore:\n  - {case: x, reason: ' ', until: 2026-01-01}"), "rtdiag.yaml, line 3: target mine: ignore[0].reason: it is"),
        (of("ignore:\n  - {case: x, reason: y, until: soon}"), "rtdiag.yaml, line 3: target mine: ignore[0].until: it is no date"),
        (of("ignore:\n  - case: x\n    reason: y\n    util: 1"), "rtdiag.yaml, line 6: target mine: ignore[0].util: unknown key"),
        (of("base_url: http://h/v1"), "rtdiag.yaml, line 3: target mine: key: missing: say where the key"),
        (of("emulator: true\nkey: MY_KEY"), "rtdiag.yaml, line 4: target mine: key: the emulator brings its own"),
        (of("as_of: 2026-01-01"), "rtdiag.yaml, line 3: target mine: as_of: it is for the emulator: add emulator: true"),
        (of(f"key: {SECRET}"), "rtdiag.yaml, line 3: target mine: key: sk-proj-************"),
        (of(f"key: file:{SECRET}\nfoo: 1"), "rtdiag.yaml, line 4: target mine: foo: unknown key"),
        (of(f"headers:\n  x-a: OK\n  x-b: {SECRET}"), "rtdiag.yaml, line 5: target mine: headers.x-b: no variable's name: sk"),
        (of("key: [A]"), "rtdiag.yaml, line 3: target mine: key: give the name of a variable, file:PATH, or none"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_line_with_its_place(text: str, line: str) -> None:
    assert refused(text).startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[tool.rtdiag]\n", "pyproject.toml, line 1: targets: name at least one"),
        ("[tool.rtdiag]\nversion = 1\n", "pyproject.toml, line 2: version: unknown key"),
        ("[tool.rtdiag.targets.a]\nmodel = 1 2\n", "pyproject.toml, line 2: no TOML from column"),
        (
            "[project]\nname = 'x'\n[tool.rtdiag.targets.a]\nmodel = 'x'\n[tool.rtdiag.targets.b]\nmodle = 'y'\n",
            "pyproject.toml, line 6: target b: modle: unknown key; did you mean model?",
        ),
        (
            f"[tool.rtdiag.targets.a]\nkey = '{SECRET}'\n",
            "pyproject.toml, line 2: target a: key: sk-proj-********************************abcd names no variable",
        ),
        ("[tool.rtdiag]\na = " + 3000 * "[", "pyproject.toml: it is nested too deeply"),
    ],
)
def test_what_cannot_be_used_of_a_pyproject_too(text: str, line: str) -> None:
    assert refused(text, "pyproject.toml").startswith(line)


def test_a_pyproject_holds_targets_as_well() -> None:
    text = "[tool.rtdiag.targets.a]\nemulator = true\nas_of = 2026-01-01\n"
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    assert found(None).targets == {"a": Target(emulator=True, as_of=date(2026, 1, 1))}


@pytest.mark.parametrize(
    "text",
    [
        "tool.rtdiag.targets.a.emulator = true",
        "[tool]\nrtdiag = {targets = {a = {emulator = true}}}",
        "[tool]\nrtdiag.targets.a.emulator = true",
        "[tool.'rtdiag'.targets.a]\nemulator = true",
        "['tool' . rtdiag]\ntargets = {a = {emulator = true}}",
    ],
)
def test_a_pyproject_may_spell_its_part_in_any_way_of_toml(text: str) -> None:
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    assert found(None).targets == {"a": Target(emulator=True)}


@pytest.mark.parametrize("text", ["[project]\nname = 'x'\n", "no TOML at all", "[tool.rtdiagnose]\n"])
def test_a_pyproject_of_others_is_passed_over(text: str) -> None:
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Unusable, match=r"^there is no rtdiag\.yaml here or above, and no \[tool\.rtdiag\]"):
        found(None)


def test_the_nearest_file_counts_up_to_the_repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    (folder / "rtdiag.yaml").write_text("targets: {outer: {}}\n", encoding="utf-8")
    monkeypatch.chdir(inner)
    assert (found(None).name, found(None).folder, [*found(None).targets]) == ("../../rtdiag.yaml", "../..", ["outer"])
    (folder / "a" / "pyproject.toml").write_text("[tool.rtdiag.targets.middle]\n", encoding="utf-8")
    assert [*found(None).targets] == ["middle"]
    (folder / "a" / "rtdiag.yaml").write_text("targets: {beside: {}}\n", encoding="utf-8")
    assert [*found(None).targets] == ["beside"], "of two in one folder"
    (folder / "a" / "b" / ".git").touch()
    with pytest.raises(Unusable, match=r"^there is no rtdiag\.yaml here or above"):
        found(None)


@pytest.mark.parametrize("kind", ["nowhere", "itself", "folder"])
def test_a_file_that_cannot_be_read_is_told_and_none_above_is_taken_for_it(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server would be asked, with another key."""
    (folder / "rtdiag.yaml").write_text("targets: {outer: {}}\n", encoding="utf-8")
    inner = folder / "inner" / "rtdiag.yaml"
    inner.parent.mkdir()
    inner.mkdir() if kind == "folder" else inner.symlink_to("rtdiag.yaml" if kind == "itself" else "not-there")
    monkeypatch.chdir(inner.parent)
    with pytest.raises(Unusable, match=r"^rtdiag\.yaml: (No such file|Too many levels|Is a directory)"):
        found(None)


def test_from_a_folder_that_is_gone_a_file_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(Unusable, match=r"^this folder is gone, .*: name one by --config$"):
        found(None)


def test_a_file_that_is_called_almost_so_is_not_passed_over(folder: Path) -> None:
    (folder / "rtdiag.yml").write_text("targets: {a: {}}\n", encoding="utf-8")
    with pytest.raises(Unusable, match=r"^rtdiag\.yml: call it rtdiag\.yaml, or name it by --config$"):
        found(None)
    assert [*found("rtdiag.yml").targets] == ["a"]


def test_a_name_that_is_meant_is_told() -> None:
    Path("rtdiag.yaml").write_text("targets: {openai: {}, azure: {emulator: true}}\n", encoding="utf-8")
    with pytest.raises(Unusable, match=r"^rtdiag\.yaml has no target 'azur': did you mean azure\?$"):
        found(None).named("azur")
    with pytest.raises(Unusable, match=r"^rtdiag\.yaml has no target 'x': there are openai, azure$"):
        found(None).named("x")


NAMES = [
    "OPENAI_API_KEY",
    "my_key",
    "K8S_TOKEN",
    "OAUTH2_SECRET",
    "AZURE_OPENAI_KEY_EASTUS2",
    "_X",
    "KEY_20261130",
    "ENV:MY_KEY",
]
SECRETS = [
    SECRET,
    "sk_live_abcd",
    "abcdef0123456789abcdef0123456789",
    "AKIAFAKEFAKEFAKE2FAKE",
    "xai-FAKE",
    "Bearer x",
    "aGVsbG8gd29ybGQ=",
    "A_" * 50 + "!",
    "ghp_FAKEfakeFAKEfake0000FAKEfakeFAKEfake",
    "abcdefghijklmnopqrstuvwxyzabcdef",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_is_named(name: str) -> None:
    assert Variable.from_yaml(name) == name.removeprefix("ENV:")


@pytest.mark.parametrize("text", SECRETS)
def test_what_may_be_a_secret_is_no_name_and_is_masked(text: str) -> None:
    for read in (Variable.from_yaml, lambda given: header(f"x-a=ENV:{given}"), lambda given: header(f"x-a={given}")):
        with pytest.raises(ValueError, match=r"variable|which others could read") as caught:
            read(text)
        assert not text or text not in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="targets:{}[]- \n\"'&*!|>#abc1", max_size=80))
def test_any_text_is_taken_or_refused_in_one_line(text: str) -> None:
    Path("rtdiag.yaml").write_text(text, encoding="utf-8")
    told = ""
    try:
        found(None)
    except Unusable as error:
        told = str(error)
    assert "\n" not in told


def test_the_example_is_taken_with_all_that_is_commented_out() -> None:
    """And what is shown there are all fields but the one that the emulator has not."""
    text = (PACKAGE / "rtdiag.example.yaml").read_text(encoding="utf-8")
    Path("rtdiag.yaml").write_text(text, encoding="utf-8")
    assert [*found(None).targets] == ["openai", "emulator"]
    lines = [line.replace("# ", "", 1) if line.startswith("  ") else line for line in text.splitlines()]
    told = "\n".join(line for line in lines if not line.startswith(("  The API on", "  Any other")))
    Path("rtdiag.yaml").write_text(told, encoding="utf-8")
    assert [*found(None).targets] == ["openai", "emulator", "gateway"]
    shown = {field for target in yaml_of(told)["targets"].values() for field in target}
    assert shown == set(Target.__struct_encode_fields__) - {"only"}


SCHEMA: Any = json.loads((PACKAGE / "rtdiag.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("wrong", [{}, {"targets": {"a": {"modle": "x"}}}, {"targets": {"a": {"dialect": "x"}}}])
def test_the_schema_refuses_what_rtdiag_refuses(wrong: Any) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid(wrong)
