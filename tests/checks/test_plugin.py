"""The package that the page of the checks teaches: written as it stands there, installed, and known to every command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "checks" / "README.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## In a package of your own\n")[2]
FILES: dict[str, str] = {block[1]: block[0] for block in re.findall(r"```\w+\n(# (\S+)\n.*?)```", SECTION, re.DOTALL)}
COMMANDS = re.findall(r"^    rtdiag (.+)$", SECTION, re.MULTILINE)
CAUSE, SOURCE = "acme-no-session-left", "docs.acme.example/sessions (2026-11)"


def written(folder: Path, **changed: tuple[str, str]) -> Path:
    """The files of the page in that folder; of the one called so (without its suffix) one text is another."""
    for name, text in FILES.items():
        old, new = changed.get(Path(name).stem, ("", ""))
        assert old in text
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    return folder


def installed(folder: Path) -> Path:
    """Where the package of that folder was installed: its wheel, built by what its pyproject.toml names, and unpacked."""
    code = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"
    built = subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True)
    with zipfile.ZipFile(folder / built.stdout.split()[-1]) as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


def asked(place: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A program of Python that knows what is installed there."""
    path = os.pathsep.join([str(place), *filter(None, [os.environ.get("PYTHONPATH")])])
    command, where = [sys.executable, "-m", *words], place.parent
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=where, env=environment)
    assert done.returncode == code, done.stderr + done.stdout
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(written(tmp_path_factory.mktemp("acme")))


def report_of(place: Path) -> Path:
    """A report of a run under the package's fault, made once."""
    file = place.parent / "report.json"
    if not file.exists():
        told = asked(place, "rtdiag", *["run", "--emulator", "--fault", "acme-full", "-o", "json"], code=1).stdout
        file.write_text(told, encoding="utf-8")
    return file


def test_the_page_has_the_whole_package() -> None:
    assert list(FILES) == [
        "pyproject.toml",
        "acme_checks/sessions.py",
        "acme_checks/causes.yaml",
        "acme_checks/routes.yaml",
        "acme_checks/faults.yaml",
        "tests/test_sessions.py",
    ]


KNOWN = {
    "list": (0, "\nacme-sessions   Is there room at Acme's? (about 1 request"),
    "emulator --list-faults": (0, f"fail as {CAUSE} in acme-sessions.left"),
    "run --emulator --only acme-sessions": (0, "acme-sessions   Is there room at Acme's? 1 pass"),
    "run --emulator --fault acme-full -o json > report.json": (1, f'"cause": "{CAUSE}"'),
    "explain report.json": (0, f"likely cause (high): {CAUSE}. All sessions"),
    "replay report.json": (1, f"likely cause (high): {CAUSE}. All sessions"),
    f"explain {CAUSE}": (0, f"Sources: {SOURCE}"),
    "explain acme-sessions": (0, f"Sources: {SOURCE}"),
}


@pytest.mark.xdist_group("plugin")
@pytest.mark.parametrize("command", KNOWN)
def test_each_command_of_the_page_knows_it(command: str, place: Path) -> None:
    code, told = KNOWN[command]
    report = report_of(place) if "report.json" in command else None
    if ">" in command:
        assert report is not None
        assert told in report.read_text(encoding="utf-8")
    else:
        assert told in asked(place, "rtdiag", *command.split(), code=code).stdout


def test_no_command_of_the_page_is_left_out() -> None:
    assert list(KNOWN) == COMMANDS


@pytest.mark.xdist_group("plugin")
def test_run_replay_and_explain_name_the_same_cause_and_its_sources(place: Path) -> None:
    file = report_of(place)
    run = json.loads(file.read_text(encoding="utf-8"))
    again = json.loads(asked(place, "rtdiag", "replay", str(file), "-o", "json", code=1).stdout)
    (explained,) = json.loads(asked(place, "rtdiag", "explain", str(file), "-o", "json").stdout)
    for found in (run, again, explained):
        first = found["diagnosis"][0]
        assert (first["cause"], first["confidence"], first["sources"]) == (CAUSE, "high", [SOURCE])
        assert first["evidence"] == ["acme-sessions.left"]


@pytest.mark.xdist_group("plugin")
def test_its_own_tests_pass(place: Path) -> None:
    assert "4 passed" in asked(place, "pytest", "-q", "-p", "no:cacheprovider", "tests").stdout


SLIPS = [  # kind of file, what stands there, what stands there by mistake, the line that says so; those of a number are together
    (
        1,
        "causes",
        "summary:",
        "sumary:",
        f"acme_checks/causes.yaml, line 4: {CAUSE}: sumary: unknown key; did you mean",
    ),
    (
        1,
        "faults",
        "story:",
        "stroy:",
        "acme_checks/faults.yaml, line 3: acme-full: stroy: unknown key; did you mean story?",
    ),
    (
        1,
        "routes",
        "answer:",
        "answr:",
        "acme_checks/routes.yaml, line 4: GET /acme/sessions: answr: unknown key; did you",
    ),
    (1, "sessions", "CHECK =", "CHECKS =", "acme-sessions offers no rtdiag.Check"),
    (2, "causes", "observed:", "obsrved:", f"{CAUSE}: for[0].obsrved: unknown feature"),
    (
        2,
        "faults",
        "acme-full",
        "key-revoked",
        "acme_checks/faults.yaml: key-revoked: there is a fault of that id already",
    ),
    (
        2,
        "routes",
        "GET /acme",
        "GET /models",
        "line 2: GET /models/sessions: request: what is below that path is the API's own",
    ),
    (3, "causes", CAUSE, "rate-limit", "acme_checks/causes.yaml: rate-limit: credentials.yaml has it, too"),
    (3, "faults", "- id", "id", "acme_checks/faults.yaml"),
    (3, "routes", "GET /acme", "/acme", "/acme/sessions: request: it is a method and a path below /v1, such as GET"),
    (3, "sessions", "import annotations", "import nonsense", "it cannot be loaded: SyntaxError: "),
]


def slipped(place: Path, folder: Path, number: int) -> Path:
    """The installed package with these slips in its files."""
    copy = folder / "installed"
    copy.mkdir()
    for one in place.glob("*.dist-info"):
        (copy / one.name).symlink_to(one)
    written(copy, **{file: (old, new) for n, file, old, new, _ in SLIPS if n == number})
    return copy


@pytest.mark.xdist_group("plugin")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_cannot_be_used_is_one_line_each_and_the_rest_goes_on(number: int, place: Path, tmp_path: Path) -> None:
    listed = asked(slipped(place, tmp_path, number), "rtdiag", "list").stdout.splitlines()
    told = [line for line in listed if "broken:" in line]
    wanted = [line for n, *_, line in SLIPS if n == number]
    assert len(told) == len(wanted)
    assert [line for line in wanted if not any(line in one for one in told)] == []
    assert listed[0].startswith("network  ")


@pytest.mark.xdist_group("plugin")
def test_who_asks_for_what_is_broken_is_told_why(place: Path, tmp_path: Path) -> None:
    copy = slipped(place, tmp_path, 1)
    run = asked(copy, "rtdiag", *["run", "--emulator", "--only", "key", "-o", "json"], code=4)
    rows = {check["id"]: check for check in json.loads(run.stdout)["checks"] if check["status"] == "error"}
    assert {name: check["title"].partition(" ")[0] for name, check in rows.items()} == {
        "acme-sessions": "a",
        "acme-causes": "causes",
        "acme-faults": "faults",
        "acme-routes": "routes",
    }
    refused = asked(copy, "rtdiag", *["run", "--emulator", "--fault", "acme-full"], code=2).stderr
    assert re.fullmatch(r"rtdiag: unknown fault 'acme-full': .*faults\.yaml, line 3: acme-full: stroy: .*\n", refused)
    served = asked(copy, "rtdiag", "emulator", "--list-faults").stderr.splitlines()
    assert [line.split(",")[0] for line in served] == ["rtdiag: acme-faults", "rtdiag: acme-routes"]
    replayed = asked(copy, "rtdiag", "replay", str(report_of(place)), "-o", "short", code=1).stderr.splitlines()
    assert [line.split(",")[0] for line in replayed[:2]] == ["rtdiag: acme-sessions", "rtdiag: acme-causes"]
    explained = asked(copy, "rtdiag", "--debug", "explain", "401").stderr
    assert "Traceback" in explained
    assert re.search(r"^rtdiag: acme-causes, .*causes\.yaml, line 4: .* sumary: ", explained, re.MULTILINE)
