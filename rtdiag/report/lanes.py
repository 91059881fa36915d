"""The values of a waterfall: bars and ticks on lanes, lanes in groups. All times are milliseconds since the run began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rtdiag.model import By, Status

STEPS = ("dns", "connect", "tls", "wait")
PHASES = ("answer", "ice", "dtls", "channel", "created")


@dataclass(frozen=True)
class Bar:
    """A stretch of time: `kind` is a step, a phase, `rest`, or `failed` for one that was waited for in vain."""

    kind: str
    begin_ms: float
    length_ms: float

    @property
    def end_ms(self) -> float:
        """Where it ends."""
        return self.begin_ms + self.length_ms


@dataclass(frozen=True)
class Tick:
    """An event: `kind` is `sent` or `received`."""

    kind: str
    at_ms: float
    type: str


@dataclass(frozen=True)
class Lane:
    """One `request`, one `session` with its events, or the `events` that another check's cases show of a session.

    `status` is that of the case that shows it, None where none does; `open_ms` is from when until when a session was there; `by` is
    whose it is.
    """

    kind: Literal["request", "session", "events"]
    id: str
    what: str
    result: str
    status: Status | None
    bars: tuple[Bar, ...] = ()
    ticks: tuple[Tick, ...] = ()
    open_ms: tuple[float, float] | None = None
    by: By = ""

    @property
    def times_ms(self) -> tuple[float, ...]:
        """Every moment at which something in it begins or ends."""
        return (*(b.begin_ms for b in self.bars), *(b.end_ms for b in self.bars), *(t.at_ms for t in self.ticks))


@dataclass(frozen=True)
class Group:
    """The lanes of one check in the order in which they begin; of the last group, what no case shows."""

    id: str
    title: str
    lanes: tuple[Lane, ...]


def ms(length_ms: float) -> str:
    """`3.2 ms`, `192 ms`, `2.19 s`."""
    if length_ms >= 1000:
        return f"{length_ms / 1000:.2f} s"
    return f"{length_ms:.0f} ms" if length_ms >= 100 else f"{length_ms:.1f} ms"
