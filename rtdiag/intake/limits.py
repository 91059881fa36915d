"""How much the door lets in, and the one exception that it raises."""

from __future__ import annotations

from typing import NamedTuple

# No session, report or answer of a server comes near these. Whoever walks through a value may rely on the depth.
DEEPEST = 100
MOST_VALUES = 300_000
MOST_ALIASES = 16


class Unusable(ValueError):  # noqa: N818 - it is the input that is so
    """What was handed over cannot be used; the text is one line without its name: what is wrong, and what to do."""


class Malformed(Unusable):
    """It does not have the form that it was read as: no JSON, no YAML."""


class Unreadable(ValueError):  # noqa: N818 - it is the input that is so
    """An input holds nothing to judge; the message is one line: what is wrong, and what to do."""


class Limit(NamedTuple):
    """How many bytes are read at most, and what to do with more; whether what is compressed with gzip is unpacked.

    Then it is the unpacked bytes that are counted.
    """

    most_bytes: int
    instead: str
    unpacks: bool = False

    @property
    def line(self) -> str:
        """What is said of an input that is larger."""
        size, unit = (self.most_bytes >> 20, "MiB") if self.most_bytes >> 20 else (self.most_bytes >> 10, "KiB")
        return f"it is larger than {size} {unit}: {self.instead}"
