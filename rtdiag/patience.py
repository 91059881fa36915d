"""Standard error that costs no report: it imports nothing, for it stands around everything."""

from __future__ import annotations

import contextlib
import os
from typing import Any


class Patient:
    """Standard error as one writes to it, where nobody may be left to read: a full disk or a closed terminal ends no run."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose, the text."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
            return len(text)
        with contextlib.suppress(OSError, ValueError):  # what is left in its buffer must not end the program at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        return len(text)

    def flush(self) -> None:
        """Nothing: it is done with every text."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
