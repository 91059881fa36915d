"""The house: who imports whom, what the maps say, what is installed, what must not stand in any file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import rtdiag
from rtdiag import __version__
from rtdiag.cli import main
from rtdiag.engine import registry

ROOT = Path(__file__).parents[2]
CHECKS = list(registry.load(()).checks)

# What a check may take from rtdiag itself, as those of other packages do: all that is exported, but for runs.
OF_A_CHECK = set(rtdiag.__all__) - {"Config", "ConfigError", "Ignore", "Report", "run"}
# room -> the rooms of rtdiag that it may import (itself is always allowed); "checks" is the folder beside rtdiag/
MAY_IMPORT: dict[str, set[str]] = {
    "api": set(),
    "model": {"api"},
    "servers": {"api", "model"},
    "intake": {"api"},
    "redact": {"api", "model"},
    "transport": {"api", "model", "redact"},
    "network": {"api", "model", "redact", "transport"},
    "recorded": {"intake", "model", "redact"},
    "diagnosis": {"api", "browser", "intake", "model", "recorded", "redact", "servers"},
    "remedy": {"api", "model", "diagnosis", "servers"},
    "speech": {"api", "intake", "model"},
    "report": {"api", "model", "redact", "servers"},
    "browser": {"api", "intake", "model", "redact", "report", "transport"},
    "emulator": {"api"},
    "compare": {"api", "intake", "model", "redact", "report", "emulator", "speech"},
    "engine": {
        "api",
        "browser",
        "compare",
        "diagnosis",
        "intake",
        "model",
        "network",
        "redact",
        "remedy",
        "servers",
        "speech",
        "transport",
    },
    "session": {"api", "model", "engine", "remedy"},
    "targets": {"api", "engine", "intake", "redact"},
    "checks": {
        "api",
        "browser",
        "model",
        "network",
        "redact",
        "servers",
        "transport",
        "engine",
        "session",
        "speech",
        *OF_A_CHECK,
    },
    "whole_run": {"api", "browser", "model", "redact", "transport", "engine", "speech", "emulator"},
    "testing": {"api", "model", "redact", "diagnosis", "engine", "emulator", "whole_run"},
    "cli": {
        "api",
        "browser",
        "compare",
        "diagnosis",
        "emulator",
        "engine",
        "intake",
        "model",
        "recorded",
        "redact",
        "remedy",
        "report",
        "speech",
        "targets",
        "whole_run",
    },
    "__main__": {"cli"},
}
# The same inside rooms: room -> its inner room, or "" for the modules beside those -> the ones that it may import.
INSIDE: dict[str, dict[str, set[str]]] = {
    "compare": {"": set(), "diff": {""}, "drift": {""}, "recording": {""}},
    "diagnosis": {
        "": {"catalogue", "code", "lexicon", "readers"},
        "catalogue": {""},
        "code": {""},
        "lexicon": set(),
        "readers": {"", "lexicon"},
    },
    "emulator": {
        "": {"http", "media", "session"},
        "http": {"", "media", "session"},
        "media": {"", "session"},
        "session": {""},
    },
    "remedy": {"": {"repair"}, "repair": set()},
    "report": {"": {"hearing"}, "hearing": {""}, "html": {"", "hearing"}},
}
# What may only be imported inside a function, so that the command line stays quick: package -> rooms that are exempt.
LAZY = {
    "httpx": set[str](),
    "aiortc": {"emulator"},
    "aiohttp": {"emulator"},
    "tabulate": {"report"},
    "yaml": {"emulator"},
    "ijson": set[str](),
    "websockets": set[str](),
    "webrtcvad": {"emulator"},
    "av": {"emulator"},
    "trustme": set[str](),
}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "rtdiag").rglob("*.py")):
        room = path.relative_to(ROOT / "rtdiag").parts[0].removesuffix(".py")
        if room != "__init__":
            yield room, path
    for path in sorted((ROOT / "checks").rglob("*.py")):
        yield "checks", path


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_the_top(tree: ast.Module) -> Iterator[str]:
    """What importing the module imports: not what stands in a function or under TYPE_CHECKING."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node)


@pytest.mark.parametrize(("room", "path"), [pytest.param(r, p, id=str(p.relative_to(ROOT))) for r, p in modules()])
def test_each_module_knows_only_what_it_may(room: str, path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = {name.split(".")[1] for name in imports(tree) if name.startswith("rtdiag.")} - {"__version__"}
    assert known - {room} <= MAY_IMPORT[room]
    assert ast.get_docstring(tree), "a module opens with what it is for"
    for name in at_the_top(tree):
        package = name.split(".")[0]
        assert package not in LAZY or room in LAZY[package], f"import {package} where it is used"


def named(path: Path) -> str:
    """The module's name as it is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("rtdiag", *parts) if parts[0] == "checks" else parts).removesuffix(".__init__")


def inner(module: str) -> str:
    """The inner room that a module lies in, "" where it lies beside those."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and parts[2] in INSIDE.get(parts[1], {}) else ""


@pytest.fixture(scope="module")
def arrows() -> dict[str, set[str]]:
    """Each module with those of rtdiag that it imports, wherever in it that stands."""
    known = {named(path): path for _, path in modules()}
    found = {name: set(imports(ast.parse(path.read_text(encoding="utf-8")))) for name, path in known.items()}
    return {
        name: {one if one in known else one.rpartition(".")[0] for one in names if one.startswith("rtdiag.")} - {name}
        for name, names in found.items()
    }


def test_inside_a_room_the_same_holds(arrows: dict[str, set[str]]) -> None:
    for name, imported in arrows.items():
        room = name.split(".")[1] if "." in name else ""
        beside = {one for one in imported if one.split(".")[1:2] == [room]}
        allowed = INSIDE.get(room, {}).get(inner(name), set()) | {inner(name)}
        assert {inner(one) for one in beside} <= allowed, name


def test_no_two_modules_need_each_other(arrows: dict[str, set[str]]) -> None:
    TopologicalSorter(arrows).prepare()  # raises CycleError, and names the circle


def test_no_two_files_have_the_same_name() -> None:
    names = [path.name for path in (ROOT / "rtdiag").rglob("*.py") if path.name != "__init__.py"]
    assert sorted(names) == sorted(set(names)), "a file is found by its name: no two for different things"


# Who else opens files or takes YAML apart, and what: nothing that came from elsewhere. JSON of a server is read where it arrives.
OPENS = {
    "intake/source.py": "the door itself",
    "api/own_yaml.py": "rtdiag's own files, and those of plug-ins",
    "api/plugins.py": "what packages say of themselves",
    "api/kept.py": "what rtdiag has put there itself",
    "report/html/__init__.py": "its own style",
    "browser/page_requests.py": "its own page",
    "browser/opening.py": "preferences, written for a browser",
    "speech/clip.py": "audio, for ffmpeg",
    "emulator/session/spoken.py": "its own sentence, for ffmpeg",
    "transport/trust.py": "certificates, for OpenSSL",
    "cli/outputs.py": "the summary of a step, written",
    "cli/init.py": "rtdiag's own example, and its schema",
    "intake/from_yaml.py": "the door itself",
    "report/cassette.py": "a cassette, written",
}
_OPENS = re.compile(
    r"\.(?:read_text|read_bytes|open_file|safe_load)\(|\bsys\.stdin\.(?:read|buffer)|\byaml\.(?:load|parse|compose|scan|dump)\("
    r"|\bjson\.load\(|(?<![\w.])(?<!def )open\(|\.open\([\"'][abrw+]{1,3}[\"']"
)


@pytest.mark.parametrize("path", [pytest.param(p, id=str(p.relative_to(ROOT))) for _, p in modules()])
def test_files_of_others_come_through_one_door(path: Path) -> None:
    opens = _OPENS.findall(path.read_text(encoding="utf-8"))
    known = path.relative_to(ROOT).as_posix().removeprefix("rtdiag/") in OPENS
    assert bool(opens) == known, "read it through rtdiag.intake, or say in OPENS what it is"


def test_a_wrong_import_would_be_seen() -> None:
    found = set(imports(ast.parse("def f():\n    from rtdiag.emulator import Emulator\n    import rtdiag.cli")))
    assert found == {"rtdiag.emulator.Emulator", "rtdiag.cli"}


# Who may touch a stream by itself: what everybody else says goes through them, and so is safe.
STREAMS = {"stderr.py": {"sys.stderr"}, "terminal.py": {"sys.stdout", "sys.stderr"}}


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for _, path in modules()])
def test_nothing_is_said_past_the_two_doors(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)}
    ways = {"click.echo", "click.secho", "click.style", "print", "sys.stdout", "sys.stderr", "sys.__stderr__"}
    assert named & ways <= STREAMS.get(path.name, set()), "say(…) of cli/stderr.py, or show(…) of cli/terminal.py"


def listing(code: str) -> list[set[str]]:
    """The checks that one literal names, where they are so many that it must list them all; what a run asks `only` is no list."""
    if not most(code):
        return []
    nodes = list(ast.walk(ast.parse(code)))
    chosen = {id(node.value) for node in nodes if isinstance(node, ast.keyword) and node.arg == "only"}
    found = (most(" ".join(texts(node))) for node in nodes if id(node) not in chosen)
    return [named for named in found if named]


def texts(node: ast.AST) -> Iterator[str]:
    """The texts that a literal holds itself: a list its elements, a mapping its keys, a text itself."""
    held = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [node])
    yield from (one.value for one in held if isinstance(one, ast.Constant) and isinstance(one.value, str))


def most(text: str) -> set[str]:
    """The checks that a text names, or none where they are not more than half."""
    named = set(re.findall(r"[\w-]+", text)) & set(CHECKS)
    return named if 2 * len(named) > len(CHECKS) else set()


def test_no_test_lists_the_checks_so_that_a_new_one_costs_none() -> None:
    found = {path: listing(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests").rglob("*.py"))}
    assert {path.name: named for path, named in found.items() if named} == {}, "take them from registry.load(())"
    assert all(map(listing, (f"x = {CHECKS}", f"x = {', '.join(CHECKS)!r}")))
    assert not listing(f"run(only={CHECKS})")


def heavy_at_import(tree: ast.Module) -> set[str]:
    """What a file of tests imports wherever it is collected, of what takes half a second."""
    named = {name.split(".")[0] for node in tree.body for name in _names(node)}
    return named & {"openai", "playwright"}


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_collecting_imports_nothing_heavy_which_each_process_of_the_suite_would() -> None:
    files = [path for path in sorted((ROOT / "tests").rglob("*.py")) if "turns" not in path.parts]
    assert [path.name for path in files if heavy_at_import(ast.parse(path.read_text(encoding="utf-8")))] == []
    assert heavy_at_import(ast.parse("from openai.types import Model")) == {"openai"}


def test_help_imports_nothing_heavy() -> None:
    heavy = "('asyncio', 'httpx', 'aiortc', 'aiohttp', 'msgspec', 'yaml', 'tabulate')"
    code = f"import sys; from rtdiag.cli import main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_asks_nobody_imports_nothing_that_asks() -> None:
    asking = "('cryptography', 'aioice', 'dns', 'httpx', 'rtdiag.network.measuring', 'rtdiag.network.ice_servers')"
    code = f"import sys; from rtdiag.engine import registry; registry.load(()); print([m for m in {asking} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_each_command_has_a_module_of_its_own() -> None:
    homes = {name: getattr(command.callback, "__module__", "") for name, command in main.commands.items()}
    assert homes == {name: f"rtdiag.cli.{'list_checks' if name == 'list' else name}" for name in main.commands}


@pytest.mark.parametrize("name", ["README.md", "rtdiag/README.md"])
def test_every_path_that_a_map_names_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    here = (ROOT / name).parent
    named = set(re.findall(r"`([\w./-]+(?:\.py|\.yaml|\.json|\.md|/))`", text))
    assert named
    for path in named:
        by_name = [found for found in (ROOT / "rtdiag").rglob(path.strip("/")) if found.is_dir() == path.endswith("/")]
        assert by_name or (here / path).exists() or (ROOT / path).exists(), path


def test_every_room_stands_in_the_map() -> None:
    text = (ROOT / "rtdiag" / "README.md").read_text(encoding="utf-8")
    for room, path in modules():
        name = f"`{path.name}`" if path.parent.name == "rtdiag" else f"`{room}/`"
        assert name in text or room in ("checks", "__main__"), f"{path} is not in the map"


def test_ci_runs_the_readmes_second_command_word_for_word() -> None:
    commands = [
        line.strip()
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("    python3 -m venv")
    ]
    assert len(commands) == 2
    assert commands[0].endswith("rtdiag run --emulator")
    assert commands[1].endswith("pytest")
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the wheel, built from a copy so that the checkout stays clean."""
    import shutil

    copy = tmp_path_factory.mktemp("source") / "rtdiag"
    left_out = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__", "node_modules")
    shutil.copytree(ROOT, copy, ignore=left_out)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(copy / "out"),
        str(copy),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = (copy / "out").glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_module_and_every_data_file(wheel: set[str]) -> None:
    for path in (ROOT / "rtdiag").rglob("*"):
        if path.suffix in (".py", ".yaml", ".json", ".css", ".html", ".js", ".opus", ".typed"):
            assert str(path.relative_to(ROOT)) in wheel
    for path in (ROOT / "checks").rglob("*.py"):
        assert f"rtdiag/{path.relative_to(ROOT)}" in wheel


def test_the_wheel_has_no_other_top_level(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"rtdiag"}


def test_the_wheel_has_the_version_that_the_program_tells(wheel: set[str]) -> None:
    assert f"rtdiag-{__version__}.dist-info/METADATA" in wheel
