"""The one line about what should not have happened in rtdiag itself; what it imports is not what could have broken."""

from __future__ import annotations

import traceback
from pathlib import Path

from rtdiag.cli.stderr import say


def defect(what: str, exc: BaseException) -> None:
    """Say on standard error what broke, of which kind and where; its text is left out, for it could hold a secret."""
    frames = traceback.extract_tb(exc.__traceback__)
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "?"
    told = f"{what} broke ({type(exc).__name__} in {place}), a defect of rtdiag: please report it with this line"
    say(f"rtdiag: {told}")
