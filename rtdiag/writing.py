"""Where reports go: files that are whole or not there, for their owner alone, and a journal that a kill cannot take away."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from rtdiag.model import Outcome, Report
from rtdiag.report.ndjson import Lines
from rtdiag.screen import printable

_MODE = 0o600
# Errors of a folder or a mount in which a file may be written, and none may take its place.
_IN_PLACE = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY, errno.EROFS})


def is_stream(path: str) -> bool:
    """Whether what is there is no regular file: a pipe, a device, or a name for an open file such as `/dev/stdout`."""
    place = Path(path)
    return (
        place.absolute().is_relative_to("/dev")
        or place.absolute().is_relative_to("/proc")
        or (place.exists() and not place.is_file())
    )


def whole(path: str, text: str) -> None:
    """Put `text` into that file at once: a reader sees the old content or the new, never a part. Raises OSError.

    A stream is written to as it is, and so is a file that may be written in a folder that may not.
    """
    content = printable(text).encode()
    if is_stream(path):
        with _stream(path) as handle:
            _all(handle, content)
        return
    target = Path(path).resolve()
    try:
        _replaced(target, content)
    except OSError as exc:
        if exc.errno not in _IN_PLACE or not target.exists():
            raise
        with _opened(target, os.O_TRUNC) as handle:
            _all(handle, content)


def _replaced(target: Path, content: bytes) -> None:
    part = target.with_name(f".rtdiag-{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with _opened(part, os.O_CREAT | os.O_EXCL) as handle:
            _all(handle, content)
            os.fchmod(handle, _MODE)
            os.fsync(handle)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _opened(path: Path | str, flags: int) -> Iterator[int]:
    handle = os.open(path, os.O_WRONLY | flags, _MODE)
    try:
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def _stream(path: str) -> Iterator[int]:
    """A pipe that nobody reads is an error at once, instead of a wait that no signal ends."""
    with _opened(path, os.O_APPEND | os.O_NONBLOCK) as handle:
        os.set_blocking(handle, True)
        yield handle


class Journal:
    """An observer that puts down each check as it ends, as lines of ndjson, through `put`, which may raise OSError.

    After the first error it is `broken`, says so once, to `complain`, and is silent: the run goes on.
    """

    def __init__(self, put: Callable[[str], None], complain: Callable[[Exception], None]) -> None:
        self._put, self._complain = put, complain
        self._lines = Lines()
        self.broken = False

    def began(self, so_far: Report) -> None:
        """The run begins."""
        self._write(lambda: self._lines.start(so_far))

    def finished(self, outcome: Outcome, so_far: Report) -> None:
        """A check is done."""
        self._write(lambda: self._lines.check(outcome, so_far))

    def ended(self, report: Report) -> None:
        """The run is done."""
        self._write(lambda: self._lines.end(report))

    def _write(self, lines: Callable[[], str]) -> None:
        if self.broken:
            return
        try:
            self._put(printable(lines()))
        except Exception as exc:
            self.broken = True
            self._complain(exc)


class Lasting:
    """A file that grows line by line, for its owner alone; what was put in is there even if the process is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._regular = not is_stream(str(path))
        if self._regular:
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
            os.fchmod(self._handle, _MODE)
        else:
            self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
            os.set_blocking(self._handle, True)

    def put(self, text: str) -> None:
        """Append. Raises OSError."""
        _all(self._handle, text.encode())

    def close(self, *, remove: bool) -> None:
        """Close the file, and take it away where something better is there now."""
        os.close(self._handle)
        if remove and self._regular:
            self.path.unlink(missing_ok=True)


def _all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]
