"""Regular expressions that are compiled when they are first used: of those that rtdiag has, most starts need few."""

from __future__ import annotations

import re
from typing import Any, cast


class _Expression:
    """What is asked of it is from then on that of the compiled one, at no cost."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._pattern, self._flags = pattern, flags

    def __getattr__(self, name: str) -> Any:
        asked = getattr(re.compile(self._pattern, self._flags), name)
        setattr(self, name, asked)
        return asked


def expression(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`; a test compiles all of them, for a mistake is found out late."""
    return cast("re.Pattern[str]", _Expression(pattern, flags))
