"""Standard error: everything that is said there goes through here, steers no terminal and no CI, and costs no report.

It imports nothing but which characters are shown, for it stands around everything.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from rtdiag.report.inert import heard, inert
from rtdiag.report.spelling import Painted, fitted, one_line, spelt

_LONGEST_NOTE = 78


class Patient:
    """Standard error as one writes to it, where nobody may be left to read: a full disk or a closed terminal ends no run.

    Whoever writes, also a library, can only write text: there is no way past it to the stream's bytes.
    """

    encoding, errors = "utf-8", "strict"  # of what may be written to it, which is everything

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose, the text."""
        self._put(self._shown(text))
        return len(text)

    def note(self, text: str) -> None:
        """On a terminal: put a line in place of the one where the cursor stands."""
        self._put("\r\x1b[K" + self._shown(one_line(text, _LONGEST_NOTE)))

    def flush(self) -> None:
        """Nothing: it is done with every text."""

    def _shown(self, text: str) -> str:
        return shown(text, "table", encoding_of(self._stream))

    def _put(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
            return
        with contextlib.suppress(OSError, ValueError):  # what is left in its buffer must not end the program at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._stream, name)


def say(line: str) -> None:
    """Put a line onto standard error, and only one, whatever the names in it hold. The one way to say something there."""
    if (stream := standard_error()) is not None:
        stream.write(spelt(line).replace("\n", "\\u000a") + "\n")


def standard_error() -> Patient | None:
    """What stands for it now; None where it was closed from the start."""
    stream: Any = sys.stderr
    return stream if stream is None or isinstance(stream, Patient) else Patient(stream)


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """From here to its end also what libraries write to standard error goes through here."""
    ours = sys.stderr
    sys.stderr = cast(TextIO, standard_error())
    try:
        yield
    finally:
        sys.stderr = ours


def shown(text: str, form: str, encoding: str) -> str:
    """What a stream of that encoding is given of a text in that format: nothing that steers a terminal or a CI."""
    safe = text if isinstance(text, Painted) else spelt(text)
    return fitted(inert(safe, form) if heard(os.environ) else safe, encoding)


def encoding_of(stream: Any) -> str:
    """What the stream can show: ASCII too where the locale is C, although Python writes UTF-8 then, unless it was told to."""
    told = os.environ.get("PYTHONIOENCODING") or os.environ.get("PYTHONUTF8")
    if not told and os.environ.get("LC_ALL") in ("C", "POSIX"):
        return "ascii"
    return getattr(stream, "encoding", None) or "utf-8"
