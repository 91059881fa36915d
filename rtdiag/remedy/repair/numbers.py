"""Numbers as people write them into a session object, read without ever raising."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

_Number = TypeVar("_Number", int, float)


def number(value: Any) -> int | float | None:
    """The finite number that a JSON value is, or spells as a string; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", value.strip()):
        return float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def whole(value: Any) -> int | None:
    """The same where it is a whole number; 500.0 is one."""
    found = number(value)
    return int(found) if found is not None and found == found // 1 else None


def clamped(value: _Number, low: _Number | None, high: _Number | None) -> _Number:
    """The nearest value within the limits, of which either may be missing."""
    raised = value if low is None or value >= low else low
    return raised if high is None or raised <= high else high


def holds_no_json(value: Any) -> bool:
    """Whether NaN or an infinity lies anywhere inside; at any depth, so without recursion."""
    left = [value]
    while left:
        found = left.pop()
        if isinstance(found, float) and not math.isfinite(found):
            return True
        if isinstance(found, Mapping):
            left.extend(found.values())
        elif isinstance(found, list):
            left.extend(found)
    return False
