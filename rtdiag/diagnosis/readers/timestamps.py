"""Times as HARs and the API write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def moment(text: Any) -> datetime | None:
    """An ISO 8601 text as a time, UTC where it names no zone; None where it is none."""
    if not isinstance(text, str) or len(text) > 60:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def epoch(seconds: Any) -> datetime | None:
    """Seconds since 1970 as a time, or None where the value is no such number."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def seconds_between(earlier: datetime | None, later: datetime | None) -> float | None:
    """How many seconds lie between two times, negative where they are the other way round."""
    return (later - earlier).total_seconds() if earlier and later else None
