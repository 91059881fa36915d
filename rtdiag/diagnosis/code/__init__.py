"""Known-bad calls in a user's source code, found by their text. Nothing is executed; few and certain beats many and doubtful."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtdiag.diagnosis.code.languages import language_of
from rtdiag.diagnosis.code.prose import looks_like_code

if TYPE_CHECKING:
    from rtdiag.diagnosis.code.scanning import Scanned, scan, scan_path

__all__ = ["Scanned", "language_of", "looks_like_code", "scan", "scan_path"]


def __getattr__(name: str) -> object:
    """What looks for the calls is imported where there is code."""
    if name not in ("Scanned", "scan", "scan_path"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rtdiag.diagnosis.code import scanning

    return getattr(scanning, name)
