"""The seal of a report: the checksum of all that stands before it, by which a text is known that is as rtdiag wrote it, masked.

It is no signature: whoever puts a secret into a report breaks it, and who forges one shows what they have put in themselves. What
another rtdiag has sealed, which knew other shapes of secrets, is not sealed for this one.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache

from rtdiag.redact.patterns import PATTERNS

_BEGIN = '"seal": "'
_SEALED = re.compile(r'[0-9a-f]{32}"\s{0,9}}\s{0,9}')


@cache
def _shapes() -> bytes:
    """What tells these shapes from those of another rtdiag."""
    return hashlib.sha256(repr([(kind, shape.pattern) for kind, _, shape in PATTERNS]).encode()).digest()


class Seal:
    """One that grows with its text, of which the last field is an empty `seal`."""

    def __init__(self) -> None:
        self._sum = hashlib.blake2b(digest_size=16, key=_shapes())

    def passed(self, text: str) -> str:
        """A part of the text, which is not the last."""
        self._sum.update(text.encode("utf-8", "surrogatepass"))
        return text

    def closed(self, text: str) -> str:
        """The last part, with the seal in it."""
        before, begin, end = text.rpartition(_BEGIN)
        return self.passed(before) + begin + self.shown() + end

    def shown(self) -> str:
        """The seal of what has passed."""
        return self._sum.hexdigest()


def sealed(text: str) -> str:
    """A report in JSON whose last field is an empty `seal`, sealed."""
    return Seal().closed(text)


def intact(text: str) -> bool:
    """Whether that text is sealed, and as it was then."""
    before, _, end = text.rpartition(_BEGIN)
    found = Seal()
    found.passed(before)
    return bool(_SEALED.fullmatch(end)) and end.startswith(found.shown())
