"""Where reports go: files that are whole or not there, for their owner alone, and a journal that a kill cannot take away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from rtdiag.model import Outcome, Report
from rtdiag.report.ndjson import Lines
from rtdiag.screen import printable

_MODE = 0o600


def whole(path: str, text: str) -> None:
    """Put `text` into that file at once: a reader sees the old content or the new, never a part. Raises OSError.

    What is no regular file (a pipe, `/dev/stdout`) is written to as it is.
    """
    target, content = Path(path).resolve(), printable(text).encode()
    if target.exists() and not target.is_file():
        with target.open("wb", buffering=0) as file:
            _all(file.fileno(), content)
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    try:
        try:
            _all(handle, content)
            os.fchmod(handle, _MODE)
            os.fsync(handle)
        finally:
            os.close(handle)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class Journal:
    """An observer that puts down each check as it ends, as lines of ndjson, through `put`, which may raise OSError.

    After the first error it is `broken`, says so once, to `complain`, and is silent: the run goes on.
    """

    def __init__(self, put: Callable[[str], None], complain: Callable[[OSError], None]) -> None:
        self._put, self._complain = put, complain
        self._lines = Lines()
        self.broken = False

    def began(self, so_far: Report) -> None:
        """The run begins."""
        self._write(self._lines.start(so_far))

    def finished(self, outcome: Outcome, so_far: Report) -> None:
        """A check is done."""
        self._write(self._lines.check(outcome, so_far))

    def ended(self, report: Report) -> None:
        """The run is done."""
        self._write(self._lines.end(report))

    def _write(self, lines: str) -> None:
        if self.broken:
            return
        try:
            self._put(printable(lines))
        except OSError as exc:
            self.broken = True
            self._complain(exc)


class Lasting:
    """A file that grows line by line, for its owner alone; what was put in is there even if the process is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
        with contextlib.suppress(OSError):  # of a pipe or a device the mode is not ours
            os.fchmod(self._handle, _MODE)

    def put(self, text: str) -> None:
        """Append. Raises OSError."""
        _all(self._handle, text.encode())

    def close(self, *, remove: bool) -> None:
        """Close the file, and take it away where something better is there now."""
        os.close(self._handle)
        if remove:
            self.path.unlink(missing_ok=True)


def _all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]
