"""The axis of time that both drawings of a hearing have: what is at one place in one is at the same share of the other."""

from __future__ import annotations

from dataclasses import dataclass

from rtdiag.report.hearing.modes import Hearing

# Steps of so many milliseconds, of which five make an interval with a figure.
_STEPS_MS = (100, 200, 400, 600, 800, 1000, 1200, 2000, 3000, 4000, 6000, 12_000, 20_000)
INTERVAL, _MOST_STEPS, _SPARE = 5, 48, 3


@dataclass(frozen=True)
class Axis:
    """From 0 over `count` steps of `step_ms`, with room for a letter after the last event."""

    step_ms: int
    count: int

    @property
    def span_ms(self) -> int:
        """Where it ends."""
        return self.step_ms * self.count

    @property
    def marks_ms(self) -> tuple[int, ...]:
        """The moments that have a figure."""
        return tuple(range(0, self.span_ms, self.step_ms * INTERVAL))

    def column(self, at_ms: float) -> int:
        """The step in which a moment lies; what was before the clip is in the first."""
        return max(int(at_ms // self.step_ms), 0)


def axis(hearing: Hearing) -> Axis:
    """At most 48 steps from the clip's beginning until everything has happened."""
    steps = ((step_ms, int(hearing.last_ms // step_ms) + _SPARE) for step_ms in _STEPS_MS)
    return Axis(*next(found for found in steps if found[1] <= _MOST_STEPS))
