"""What a user has decided to bear for a while: which cases, why, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Ignore:
    """A case that is to count for nothing: a glob over its full id, or its check's; the reason; the last day in force."""

    case: str
    reason: str
    until: date
