"""`rtdiag` as a process of its own, forked from one where all is imported and read: it costs a fifth of `python -m rtdiag`.

    done = rtdiag("run", "--emulator", "--only", "key")

Tests of how a process begins (its streams, their encodings, its memory, its interpreter) start `python -m rtdiag`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from tempfile import TemporaryDirectory

_OF_ITSELF = ("in", "out", "err")  # the files that its streams are, by their numbers


class Forked:
    """The running process, to be asked as a `subprocess.Popen` with text; `first` is called in it before all else.

    `terminal`, the file of one, is its standard error, of which `communicate` then says nothing.
    """

    def __init__(
        self,
        arguments: tuple[str, ...],
        *,
        given: str = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        first: Callable[[], None] | None = None,
        terminal: str | None = None,
    ) -> None:
        self._folder = TemporaryDirectory(prefix="rtdiag-")
        self._terminal = terminal
        if terminal:
            self._stream("err").symlink_to(terminal)
        self._stream("in").write_text(given, encoding="utf-8")
        wanted = (arguments, self._folder.name, dict(os.environ if env is None else env), cwd or Path.cwd(), first)
        self._process = server().Process(target=_run, args=wanted)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """Its exit code, a signal's number below zero, None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Sends it that signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Waits for its end; standard output and standard error. Raises TimeoutExpired."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("rtdiag", timeout or 0)
        out = self._stream("out").read_text(encoding="utf-8")
        error = "" if self._terminal else self._stream("err").read_text(encoding="utf-8")
        self._folder.cleanup()
        return out, error

    def _stream(self, name: str) -> Path:
        return Path(self._folder.name, name)


def rtdiag(*arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command at its end, with these variables beside those of the tests."""
    process = Forked(arguments, given=given, env=os.environ | environment)
    out, error = process.communicate()
    assert process.returncode is not None
    return subprocess.CompletedProcess(["rtdiag", *arguments], process.returncode, out, error)


@cache
def server() -> ForkServerContext:
    """What all are forked from."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.imported"])
    return context


def _run(
    arguments: tuple[str, ...], folder: str, env: Mapping[str, str], cwd: Path, first: Callable[[], None] | None
) -> None:
    """All that the process does, as `python -m rtdiag` would."""
    if first:
        first()
    for number, name in enumerate(_OF_ITSELF):
        stream = os.open(f"{folder}/{name}", os.O_CREAT | (os.O_WRONLY if number else os.O_RDONLY), 0o600)
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["rtdiag", *arguments]

    from rtdiag.cli import main

    main(prog_name="rtdiag")
