"""What can change between two reports: frozen values, whose texts are evened out, masked already, and of a bounded length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rtdiag.model import Status

# `broken` passed and no longer does; `worse` is any other case that is in a worse state now.
Kind = Literal["broken", "worse", "better", "changed"]
KINDS: tuple[Kind, ...] = ("broken", "worse", "better", "changed")


@dataclass(frozen=True)
class Run:
    """Which run a report tells of: whom it asked, when it began (UTC), by which rtdiag; `banner` is the emulator's or ""."""

    asked: str
    started_at: str
    version: str
    interrupted: bool
    banner: str


@dataclass(frozen=True)
class Setting:
    """Something that the runs themselves differ in, and that may explain the rest: `name` is `model`, `credential` and the like."""

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class Judged:
    """What was said of a case in one report; `cause` is "" without one."""

    status: Status
    measured: str
    cause: str


@dataclass(frozen=True)
class Turned:
    """A case that was asked in both runs, and of which they say something else."""

    case: str
    title: str
    kind: Kind
    old: Judged
    new: Judged


@dataclass(frozen=True)
class Presence:
    """A case that was asked in one of the runs alone: what came of it there, and why the other does not have it."""

    case: str
    how: Literal["appeared", "vanished"]
    judged: Judged
    why: str


@dataclass(frozen=True)
class Place:
    """Where a change shows: the exchange or event of either report, by its id, and the cases that rest on it."""

    old: str
    new: str
    cases: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One difference between answers to the same question, and all places where it is the same.

    `where` is method and path, or the type of an event; `what` is `status`, `code`, `type`, `param`, `message`, `header`, `body`,
    `sdp`, `count` (how many such answers there were) or, inside a session object that the server echoes, `session`; `of` names the
    header or the path of the field.
    """

    where: str
    what: str
    of: str
    old: str
    new: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Pace:
    """A phase that takes longer, or shorter, than it did: medians over all requests or connections of that kind.

    `apart` of the new run's `count` differ by as much from the old median on their own.
    """

    where: str
    phase: str
    old_ms: float
    new_ms: float
    apart: int
    count: int


@dataclass(frozen=True)
class Diff:
    """All that changed. `compared` is how many cases were asked in both runs; `verdict` is None where it is the same."""

    old: Run
    new: Run
    compared: int
    settings: tuple[Setting, ...]
    verdict: Setting | None
    turned: tuple[Turned, ...]
    presences: tuple[Presence, ...]
    answers: tuple[Change, ...]
    defaults: tuple[Change, ...]
    slower: tuple[Pace, ...]
    faster: tuple[Pace, ...]

    @property
    def worse(self) -> bool:
        """Whether a case that passed no longer does; one that was left out, or whose run was interrupted, does not count."""
        return any(turned.kind == "broken" for turned in self.turned)

    @property
    def same(self) -> bool:
        """Whether there is nothing to tell of cases, answers and times; the runs' settings and what is faster do not count."""
        return not (self.verdict or self.turned or self.presences or self.answers or self.defaults or self.slower)
