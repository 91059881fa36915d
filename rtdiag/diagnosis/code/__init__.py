"""Known-bad calls in a user's source code, found by their text. Nothing is executed; few and certain beats many and doubtful."""

from __future__ import annotations

from rtdiag.diagnosis.code.languages import language_of
from rtdiag.diagnosis.code.prose import looks_like_code
from rtdiag.diagnosis.code.scan import Scanned, scan, scan_path

__all__ = ["Scanned", "language_of", "looks_like_code", "scan", "scan_path"]
