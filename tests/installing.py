"""Other people's packages in a throw-away environment: how pip and npm bring them, and how a program of theirs is run."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

INSTALL_S = 600
VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


class NotInstalledError(Exception):
    """A package that could not be had; the text says why, in one line."""


async def by_pip(venv: Path, *steps: Sequence[str]) -> None:
    """Makes that environment; each step is what one `pip install` is given. Raises NotInstalledError."""
    await done(sys.executable, "-m", "venv", str(venv))
    for step in steps:
        await done(str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", *step)


async def by_npm(folder: Path, packages: Sequence[str]) -> None:
    """Brings the packages into `node_modules` there. Raises NotInstalledError."""
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    await done("npm", "install", *quiet, "--prefix", str(folder), *packages)


async def version_by_pip(python: Path | str, package: str) -> str:
    """The version of a package that this interpreter has. Raises NotInstalledError."""
    return (await done(str(python), "-c", VERSION, package)).strip()


def version_by_npm(folder: Path, package: str) -> str:
    """The version of a package that lies in `node_modules` there. Raises OSError where it does not."""
    about = folder / "node_modules" / package / "package.json"
    return str(json.loads(about.read_text(encoding="utf-8"))["version"])


async def done(*command: str) -> str:
    """What a program wrote to standard output. Raises NotInstalledError where it is not there, or fails."""
    if not shutil.which(command[0]):
        raise NotInstalledError(f"{command[0]} is not installed")
    out, wrong = await ran(command, INSTALL_S)
    if wrong:
        raise NotInstalledError(f"{Path(command[0]).name}: {wrong}")
    return out


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
    return out.decode(), last_words(err.decode(errors="replace")) if program.returncode else ""


def last_words(errors: str) -> str:
    """The line of what a program wrote to standard error that says why it failed."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return next(
        (line for line in reversed(lines) if "Error" in line), lines[-1] if lines else "it failed without a word"
    )
