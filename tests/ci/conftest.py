"""The action as a runner has it: a checkout below `_actions/`, installed once by its own script, from nothing but this machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.ci.runner import During, Runner

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installed:
    """`checkout` holds the action and is what was installed; `temp` is that RUNNER_TEMP; `variables` are the job's."""

    checkout: Path
    temp: Path
    variables: dict[str, str]

    @property
    def action(self) -> Path:
        return self.checkout / ".github" / "actions" / "rtdiag" / "action.yml"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "ci"
    shared.mkdir(exist_ok=True)
    there = Installed(shared / "_actions" / "OWNER" / "rtdiag" / "REF", shared / "temp", _variables(shared))
    with (shared / "lock").open("w") as lock:  # one process copies and installs, the others find it done
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not there.checkout.exists():
            _copy(there.checkout)
            _packages(shared)
        runner = Runner(tmp_path_factory.mktemp("install"), there.temp, there.variables)
        (runner.workspace / "venv.py").write_text("raise SystemExit('the project is not asked')", encoding="utf-8")
        steps = yaml.safe_load(there.action.read_text(encoding="utf-8"))["runs"]["steps"]
        inputs = {"install": "", "python-version": ""}
        runner.steps(steps[:2], {"inputs": inputs}, {"GITHUB_ACTION_PATH": str(there.action.parent)})
        assert runner.codes == {"Install rtdiag": 0}, runner.log
    return there


@pytest.fixture
def job(installed: Installed, tmp_path: Path) -> Callable[..., Runner]:
    """Makes a job on the machine where rtdiag is installed; keyword arguments are more of its variables."""

    def made(during: dict[str, During] | None = None, **variables: str) -> Runner:
        return Runner(tmp_path, installed.temp, installed.variables | variables, during)

    return made


def _variables(shared: Path) -> dict[str, str]:
    """A bare machine with a python3, whose pip asks no index: the packages of these tests are what it finds installed."""
    return {
        "PATH": f"{shared / 'bin'}:/usr/bin:/bin",
        "HOME": str(shared),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(shared / "packages"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # off: pip reads it as the value of build_isolation (23.2 and 26.3 do)
    }


def _copy(checkout: Path) -> None:
    for name in ("rtdiag", "checks", ".github"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, checkout)


def _packages(shared: Path) -> None:
    """Links to python3 and to every package but rtdiag itself and pip."""
    for name in ("bin", "packages"):
        (shared / name).mkdir()
    (shared / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
    for found in Path(sysconfig.get_path("purelib")).iterdir():
        if not found.name.startswith(("rtdiag", "__editable__", "pip")) and found.suffix != ".pth":
            (shared / "packages" / found.name).symlink_to(found)
