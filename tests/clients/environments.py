"""A throw-away environment for each real client: a folder with the newest release of its packages and the scripts of `turns/`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from rtdiag.api.own_yaml import loader
from tests.installing import by_npm, by_pip, version_by_npm, version_by_pip

HERE = Path(__file__).parent
TURNS = HERE / "turns"


@dataclass(frozen=True)
class Client:
    """One row of clients.yaml."""

    name: str
    script: str
    packages: Sequence[str]
    pace: float = (
        4  # of the emulator's replies: over a socket a client that is slow could not speak into one that is not
    )

    @property
    def package(self) -> str:
        """Its own package, without extras."""
        return self.packages[0].partition("[")[0]

    @property
    def in_browser(self) -> bool:
        """Whether its script runs in a page."""
        return self.script.endswith(".js")

    def command(self, folder: Path) -> list[str]:
        """What runs its script in that folder; where nothing of its own is installed there, what this runs in."""
        if self.script.endswith(".py"):
            return [_python(folder), str(folder / self.script)]
        own = folder / "node_modules" / ".bin" / "node"
        return [str(own) if own.exists() else "node", str(folder / self.script)]

    async def installed(self, folder: Path) -> str:
        """Puts packages and scripts there; the version of its own one. Raises NotInstalledError."""
        scripts_into(folder)
        if self.script.endswith(".py"):
            await by_pip(folder / "venv", self.packages)
            return await version_by_pip(_python(folder), self.package)
        await by_npm(folder, [f"{package}@latest" for package in self.packages])
        return version_by_npm(folder, self.package)


def all_clients() -> dict[str, Client]:
    """Those of clients.yaml, by name, in its order."""
    rows = yaml.load((HERE / "clients.yaml").read_text(encoding="utf-8"), Loader=loader())
    return {name: Client(name, **row) for name, row in rows.items()}


def scripts_into(folder: Path) -> None:
    """Copies `turns/` there: what a script in JavaScript imports is looked for beside it."""
    shutil.copytree(TURNS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def _python(folder: Path) -> str:
    own = folder / "venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable
