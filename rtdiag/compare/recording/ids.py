"""Which id of the emulator's stands for which of a recording, and what an id looks like whoever gave it."""

from __future__ import annotations

import re
from typing import Any

from rtdiag.api.expressions import expression

_PREFIXES = "event|item|resp|conv|sess|call|rtc|part|key|req|msg|evt"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_BARE = rf"(?:call-)?{_UUID}(?:-\d)?|\b[0-9a-f]{{32}}\b"  # xAI's
ID = expression(rf"(?:{_PREFIXES})_(?:u\d_)?[0-9A-Za-z]{{12,64}}|(?:{_PREFIXES})_{_UUID}|{_BARE}")
_PARTS = expression(rf"((?:{_PREFIXES})_)(u\d_)?(.*)")
_ABOUT_21 = (20, 21, 22)  # Azure Voice Live writes numbers, without zeros before them
_ALPHABETS = (("hex", expression(r"[0-9a-f]+")), ("letters and digits", expression(r"[0-9A-Za-z]+")))


class Names:
    """The ids that the emulator gave in the places of those of a recording."""

    def __init__(self) -> None:
        self._here: dict[str, str] = {}

    def learn(self, there: Any, here: Any) -> None:
        """Take two values for the same: the ids that stand in the same places are the same."""
        if isinstance(there, dict) and isinstance(here, dict):
            for key in there.keys() & here.keys():
                self.learn(there[key], here[key])
        elif isinstance(there, list) and isinstance(here, list):
            for one, other in zip(there, here, strict=False):
                self.learn(one, other)
        elif is_id(there) and is_id(here):
            self._here.setdefault(there, here)

    def translated(self, value: Any) -> Any:
        """A value with the emulator's ids in the place of those of the recording."""
        if isinstance(value, dict):
            return {key: self.translated(v) for key, v in value.items()}
        if isinstance(value, list):
            return [self.translated(v) for v in value]
        return ID.sub(lambda found: self._here.get(found[0], found[0]), value) if isinstance(value, str) else value

    def other(self, there: str, here: str) -> bool:
        """Whether the recording's id is known to stand for another than this."""
        return self._here.get(there, here) != here


def is_id(value: Any) -> bool:
    """Whether a value is an id that a server made."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def form(value: str) -> str:
    """What an id looks like: `event_ + 21 letters and digits`."""
    if re.fullmatch(_BARE, value):
        return re.sub(r"[0-9a-f]+", "x", value)
    found = _PARTS.fullmatch(value)
    if not found:
        return value
    prefix, region, rest = found.groups()
    alphabet = next((name for name, one in _ALPHABETS if one.fullmatch(rest)), "of a UUID")
    length = "about 21" if len(rest) in _ABOUT_21 else len(rest)
    return f"{prefix}{'u<n>_' if region else ''} + {length} {alphabet}"
