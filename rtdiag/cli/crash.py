"""The one line about what should not have happened in rtdiag itself, and tracebacks for those who work on it.

What it imports is not what could have broken.
"""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

from rtdiag.api.own_yaml import BadData
from rtdiag.cli.stderr import say
from rtdiag.cli.usage import new_mask

_log = logging.getLogger("rtdiag")


def defect(what: str, exc: BaseException) -> None:
    """Say on standard error what broke, of which kind and where; its text is left out, for it could hold a secret.

    A data file that does not hold what it must says so itself.
    """
    _log.debug("%s broke", what, exc_info=exc)
    frames = traceback.extract_tb(exc.__traceback__)
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "?"
    told = f"{what} broke ({type(exc).__name__} in {place}), a defect of rtdiag: please report it with this line"
    say(f"rtdiag: {exc if isinstance(exc, BadData) else told}")


@contextlib.contextmanager
def tracebacks() -> Iterator[None]:
    """From here to its end whatever breaks, also in a check, is said with its traceback, in which secrets are masked."""
    said, before = _Said(), _log.level
    _log.addHandler(said)
    _log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        _log.removeHandler(said)
        _log.setLevel(before)


class _Said(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        for line in new_mask()(self.format(record), "screen").splitlines():
            say(line)
