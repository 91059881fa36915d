"""What of a recording the emulator's answers cannot be alike in, and why: cannot_be_alike.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import msgspec

from rtdiag.api import own_yaml
from rtdiag.compare.recording.values import Unlike, What


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry. `place`: a regular expression for the whole place, `what`: of which kinds, all by default."""

    reason: str
    place: str
    what: tuple[What, ...] = ()

    def __post_init__(self) -> None:
        own_yaml.pattern(self.place)

    def excuses(self, unlike: Unlike) -> bool:
        """Whether it is for this that two answers differ there."""
        return (not self.what or unlike.what in self.what) and bool(
            own_yaml.pattern(self.place).fullmatch(unlike.place)
        )


@cache
def reasons() -> tuple[Reason, ...]:
    """All of them."""
    return own_yaml.listed(Reason, ("rtdiag.compare.recording", "cannot_be_alike.yaml"))


def reason(unlike: Unlike) -> Reason | None:
    """The first that excuses it."""
    return next((each for each in reasons() if each.excuses(unlike)), None)


def unexplained(found: Iterable[Unlike]) -> list[Unlike]:
    """What no reason excuses."""
    return [each for each in found if reason(each) is None]
