"""`rtdiag run` in a process of its own with a limit, and what it printed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from tests.forked import Forked
from tests.network import namespaces

FAKE_KEY = "sk-proj-FAKE0000000000000000000000000000000000000000"
BUDGET = 8  # a run may take so many times --timeout
_SLACK_S = 12  # a process begins and ends, on a machine that does much else
_ENDS_S = 6  # after a signal; it is 1.5 on a quiet machine
_AMBIENT = ("PATH", "HOME", "LANG", "SYSTEMROOT")


@dataclass(frozen=True)
class Asking:
    """Whom to ask, and how: the base URL, the key, variables, what stands before the command or behind it, and from where."""

    url: str
    key: str = FAKE_KEY
    env: Mapping[str, str] | None = None
    before: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    namespace: str | None = None

    @property
    def begins(self) -> tuple[str, ...]:
        """What a command begins with that is to ask so."""
        return (*(namespaces.command(self.namespace) if self.namespace else ()), *self.before)

    @property
    def variables(self) -> dict[str, str]:
        """All that the process gets."""
        ambient = {name: os.environ[name] for name in _AMBIENT if name in os.environ}
        return {**ambient, "OPENAI_API_KEY": self.key, **(self.env or {})}


@dataclass(frozen=True)
class Ran:
    """What came of it. `code` is None where the process had to be killed; `report` is the JSON, {} without one."""

    code: int | None
    report: Mapping[str, Any]
    table: str
    error: str

    @property
    def first(self) -> Mapping[str, Any]:
        """The first cause, {} where there is none."""
        found: Sequence[Mapping[str, Any]] = self.report.get("diagnosis", ())
        return found[0] if found else {}

    @property
    def causes(self) -> set[str]:
        """Every cause that is named for the run, or for a case."""
        return {d["cause"] for d in self.report.get("diagnosis", ())} | {c["cause"] for c in self.cases if c["cause"]}

    @property
    def cases(self) -> list[Mapping[str, Any]]:
        """All cases of all checks."""
        return [case for check in self.report.get("checks", ()) for case in check["cases"]]

    @property
    def verdict(self) -> str:
        """What is said of the first cause, and to do about it."""
        return " ".join(str(self.first.get(name) or "") for name in ("summary", "fix", "line", "ask"))

    @property
    def told(self) -> str:
        """All that a person reads, in one line: standard error, the table, the verdict, and of each case what was measured."""
        cases = (f"{case['measured']} {case['hint'] or ''}" for case in self.cases)
        return " ".join(" ".join([self.error, self.table, self.verdict, *cases]).split())

    @property
    def took_s(self) -> float:
        """How long the run took by its own clock."""
        ended, began = (datetime.fromisoformat(self.report[name]) for name in ("finished_at", "started_at"))
        return (ended - began).total_seconds()


def run(
    asking: Asking, folder: Path, timeout_s: float, options: Sequence[str] = (), interrupt: Event | None = None
) -> Ran:
    """Runs `rtdiag run` to its end, or, with `interrupt`, sends it Ctrl-C once that is set."""
    table = folder / "table.txt"
    asked = ["-o", "json", "--report", f"table={table}", "--base-url", asking.url, "--timeout", f"{timeout_s:g}"]
    process = _begun(asking, ("run", *asked, *asking.options, *options), folder)
    limit_s = BUDGET * timeout_s + _SLACK_S
    try:
        if interrupt is not None:
            interrupt.wait(limit_s)
            process.send_signal(signal.SIGINT)
            limit_s = _ENDS_S
        out, error = process.communicate(timeout=limit_s)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        out, error = process.communicate()
        code = None
    shown = table.read_text(encoding="utf-8") if table.exists() else ""
    return Ran(code, json.loads(out) if out.startswith("{") else {}, shown, error)


def printed(asking: Asking, folder: Path, timeout_s: float, options: Sequence[str] = ()) -> int:
    """Runs `rtdiag run` in the foreground, with its table on standard output; its exit code."""
    asked = ("--base-url", asking.url, "--timeout", f"{timeout_s:g}", *asking.options, *options)
    command = [*asking.begins, sys.executable, "-m", "rtdiag", "run", *asked]
    return subprocess.run(command, env=asking.variables, cwd=folder, check=False).returncode


def _begun(asking: Asking, arguments: tuple[str, ...], folder: Path) -> Forked | subprocess.Popen[str]:
    """The process; started in earnest where something stands before it."""
    if asking.before:
        command = [*asking.begins, sys.executable, "-m", "rtdiag", *arguments]
        return subprocess.Popen(
            command, env=asking.variables, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    first = partial(namespaces.move, asking.namespace) if asking.namespace else None
    return Forked(arguments, env=asking.variables, cwd=folder, first=first)


class Curl:
    """curl on the same road, started at once; `saw()` is its exit code and the status of the answer, as in "28 000"."""

    def __init__(self, asking: Asking, shows: str = "%{exitcode} %{http_code}") -> None:
        asked = ["curl", "--silent", "--output", os.devnull, "--max-time", "1", "--write-out", shows]
        command = [*asking.begins, *asked, f"{asking.url.rstrip('/')}/models"]
        self._process = subprocess.Popen(command, env=asking.variables, stdout=subprocess.PIPE, text=True)

    def saw(self) -> str:
        """Waits for its end."""
        return self._process.communicate()[0]
