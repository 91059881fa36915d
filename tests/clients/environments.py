"""A throw-away environment for each real client: a folder with the newest release of its packages and the scripts of `turns/`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from rtdiag.api.own_yaml import loader

HERE = Path(__file__).parent
TURNS = HERE / "turns"
INSTALL_S = 600
VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


class NotInstalledError(Exception):
    """A client that could not be had; the text says why, in one line."""


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
            await _done(sys.executable, "-m", "venv", str(folder / "venv"))
            await _done(_python(folder), "-m", "pip", "install", "--quiet", *self.packages)
            return (await _done(_python(folder), "-c", VERSION, self.package)).strip()
        newest = [f"{package}@latest" for package in self.packages]
        await _done("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(folder), *newest)
        about = folder / "node_modules" / self.package / "package.json"
        return str(json.loads(about.read_text(encoding="utf-8"))["version"])


def all_clients() -> dict[str, Client]:
    """Those of clients.yaml, by name, in its order."""
    rows = yaml.load((HERE / "clients.yaml").read_text(encoding="utf-8"), Loader=loader())
    return {name: Client(name, **row) for name, row in rows.items()}


def scripts_into(folder: Path) -> None:
    """Copies `turns/` there: what a script in JavaScript imports is looked for beside it."""
    shutil.copytree(TURNS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


async def ran(command: Sequence[str], wait_s: float, environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """What a program wrote to standard output, and what went wrong with it, in one line, "" for nothing."""
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
    )
    reading = asyncio.ensure_future(program.communicate())
    try:
        done, _ = await asyncio.wait([reading], timeout=wait_s)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)  # with what it started, and also where nobody waits any longer
    out, err = await reading
    if not done:
        return out.decode(), f"no end within {wait_s:g} s"
    return out.decode(), _last_words(err.decode(errors="replace")) if program.returncode else ""


def _last_words(errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return next(
        (line for line in reversed(lines) if "Error" in line), lines[-1] if lines else "it failed without a word"
    )


async def _done(*command: str) -> str:
    if not shutil.which(command[0]):
        raise NotInstalledError(f"{command[0]} is not installed")
    out, wrong = await ran(command, INSTALL_S)
    if wrong:
        raise NotInstalledError(f"{Path(command[0]).name}: {wrong}")
    return out


def _python(folder: Path) -> str:
    own = folder / "venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable
