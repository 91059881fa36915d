"""The package that the page of the checks teaches: written as it stands there, installed, and known to every command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "checks" / "README.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## In a package of your own\n")[2]
FILES: dict[str, str] = {block[1]: block[0] for block in re.findall(r"```\w+\n(# (\S+)\n.*?)```", SECTION, re.DOTALL)}
COMMANDS = re.findall(r"^    rtdiag (.+)$", SECTION, re.MULTILINE)
CAUSE, SOURCE = "acme-no-session-left", "docs.acme.example/sessions (2026-11)"

Rtdiag = Callable[..., "subprocess.CompletedProcess[str]"]


def written(folder: Path, **changed: tuple[str, str]) -> Path:
    """The files of the page in that folder; of the one called so (without its suffix) one text is another."""
    for name, text in FILES.items():
        old, new = changed.get(Path(name).stem, ("", ""))
        assert old in text
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    return folder


def installed(folder: Path) -> Path:
    """Where the package of that folder was installed."""
    words = "install --quiet --no-deps --no-build-isolation --no-index --target"
    target = folder / "installed"
    subprocess.run([sys.executable, "-m", "pip", *words.split(), target, folder], check=True, capture_output=True)
    return target


def asked(place: Path, *words: str, code: int = 0, said: str = "") -> subprocess.CompletedProcess[str]:
    """A program that knows what is installed there."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        input=said,
        cwd=place.parent,
        env={**os.environ, "PYTHONPATH": str(place)},
    )
    assert done.returncode == code, done.stderr + done.stdout
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(written(tmp_path_factory.mktemp("acme")))


@pytest.fixture(scope="module")
def recorded(place: Path) -> Path:
    """A report of a run under the package's fault."""
    file = place.parent / "report.json"
    asked(place, "rtdiag", *["run", "--emulator", "--fault", "acme-full", "-o"], f"json={file}", code=1)
    return file


pytestmark = pytest.mark.xdist_group("plugin")


def test_the_page_has_the_whole_package() -> None:
    assert list(FILES) == [
        "pyproject.toml",
        "acme_checks/sessions.py",
        "acme_checks/causes.yaml",
        "acme_checks/routes.yaml",
        "acme_checks/faults.yaml",
        "tests/test_sessions.py",
    ]


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        ("list", 0, "acme-sessions   Is there room at Acme's? (about 1 request; needs key)"),
        ("emulator --list-faults", 0, f"fail as {CAUSE} in acme-sessions.left"),
        ("run --emulator --only acme-sessions", 0, "3 left"),
        ("run --emulator --only acme-sessions --fault acme-full", 1, f"high: {CAUSE}"),
        (f"explain {CAUSE}", 0, f"Sources: {SOURCE}"),
        ("explain acme-sessions", 0, f"Sources: {SOURCE}"),
    ],
)
def test_each_command_of_the_page_knows_it(command: str, code: int, told: str, place: Path) -> None:
    assert command in COMMANDS
    assert told in asked(place, "rtdiag", *command.split(), code=code).stdout


def test_no_command_of_the_page_is_left_out() -> None:
    assert len(COMMANDS) == 6


def test_a_whole_run_a_replay_and_its_report_explained_name_the_same_cause_with_its_sources(
    place: Path, recorded: Path
) -> None:
    run = json.loads(recorded.read_text(encoding="utf-8"))
    again = json.loads(asked(place, "rtdiag", "replay", str(recorded), "-o", "json", code=1).stdout)
    (explained,) = json.loads(asked(place, "rtdiag", "explain", str(recorded), "-o", "json").stdout)
    for found in (run, again, explained):
        first = found["diagnosis"][0]
        assert (first["cause"], first["confidence"], first["sources"]) == (CAUSE, "high", [SOURCE])
        assert first["evidence"] == ["acme-sessions.left"]


def test_its_own_tests_pass(place: Path) -> None:
    done = asked(place, "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert "4 passed" in done.stdout


BROKEN = [
    ("causes", "summary:", "sumary:", "acme_checks/causes.yaml, line 4: acme-no-session-left: sumary: unknown key"),
    ("causes", "observed:", "obsrved:", "acme-no-session-left: for[0].obsrved: unknown feature"),
    ("causes", CAUSE, "rate-limit", "acme_checks/causes.yaml: rate-limit: "),
    (
        "faults",
        "story:",
        "stroy:",
        "acme_checks/faults.yaml, line 3: acme-full: stroy: unknown key; did you mean story?",
    ),
    ("faults", "acme-full", "key-revoked", "acme_checks/faults.yaml: key-revoked: there is a fault of that id already"),
    ("faults", "- id", "id", "acme_checks/faults.yaml"),
    ("routes", "GET /acme", "GET /models", "acme_checks/routes.yaml, line 2: GET /models/sessions: request: "),
    ("routes", "GET /acme", "/acme", "/acme/sessions: request: it is a method and a path"),
    ("sessions", "CHECK = ", "CHEKC = ", "acme-sessions offers no "),
]


@pytest.mark.parametrize(("file", "old", "new", "line"), BROKEN)
def test_what_cannot_be_used_is_one_line_and_the_rest_goes_on(
    file: str, old: str, new: str, line: str, place: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "installed"
    copy.mkdir()
    for one in place.glob("*.dist-info"):
        (copy / one.name).symlink_to(one)
    written(copy, **{file: (old, new)})
    listed = asked(copy, "rtdiag", "list").stdout.splitlines()
    (told,) = [one for one in listed if "broken:" in one]
    assert line in told
    assert any(one.startswith("key  ") for one in listed)
