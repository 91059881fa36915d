"""Known-bad calls in a user's source code, found by their text. Nothing is executed; few and certain beats many and doubtful."""

from __future__ import annotations

from rtdiag.diagnosis.code.prose import looks_like_code
from rtdiag.diagnosis.code.scan import Scanned, scan, scan_path
from rtdiag.diagnosis.code.source_text import LANGUAGES

__all__ = ["LANGUAGES", "Scanned", "looks_like_code", "scan", "scan_path"]
