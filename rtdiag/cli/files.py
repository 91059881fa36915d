"""Where reports go: files that are whole or not there, for their owner alone, and a journal that a kill cannot take away."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from rtdiag.model import Outcome, Report
from rtdiag.report.ndjson import Lines
from rtdiag.report.spelling import spelt

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


def refusal(path: str, *beside: str) -> str:
    """Why nothing can be written there, "" where it can; `beside` are names that will be needed, too."""
    try:
        if "\0" in path:
            return "no file can be called so"
        target = Path(path).absolute() if is_stream(path) else Path(path).resolve()
        if target.is_dir():
            return "that is a folder"
        if is_stream(path):
            return "" if target.exists() else "there is no such device"
        if not target.parent.is_dir():
            return f"there is no folder {target.parent}"
        if not os.access(target if target.exists() else target.parent, os.W_OK):
            return "it may not be written"
        _ = [Path(name).exists() for name in beside]  # raises where one is too long
    except (OSError, ValueError, RuntimeError) as exc:
        return getattr(exc, "strerror", None) or str(exc)
    return ""


def whole(path: str, text: str) -> None:
    """Put `text` into that file at once: a reader sees the old content or the new, never a part. Raises OSError.

    A stream is written to as it is, and so is a file that may be written in a folder that may not.
    """
    content = spelt(text).encode()
    if is_stream(path):
        _put(_stream(path), content)
        return
    target = Path(path).resolve()
    try:
        _replaced(target, content)
    except OSError as exc:
        if exc.errno not in _IN_PLACE or not target.exists():
            raise
        _put(os.open(target, os.O_WRONLY | os.O_TRUNC), content)


def _replaced(target: Path, content: bytes) -> None:
    part = target.with_name(f".rtdiag-{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        _put(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), content, lasting=True)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _put(handle: int, content: bytes, *, lasting: bool = False) -> None:
    """Write it all and close; `lasting` makes a new file private and waits for the disk."""
    try:
        _all(handle, content)
        if lasting:
            os.fchmod(handle, _MODE)
            os.fsync(handle)
    finally:
        os.close(handle)


def _stream(path: str) -> int:
    """A handle to append by; a pipe that nobody reads is an error at once, instead of a wait that no signal ends."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    os.set_blocking(handle, True)
    return handle


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
            self._put(spelt(lines()))
        except Exception as exc:
            self.broken = True
            self._complain(exc)


class Lasting:
    """A file that grows line by line, for its owner alone; what was put in is there even if the process is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._regular = not is_stream(str(path))
        if not self._regular:
            self._handle = _stream(str(path))
            return
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
        os.fchmod(self._handle, _MODE)

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
