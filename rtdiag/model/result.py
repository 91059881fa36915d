"""What was made of it: the finding of each case, the outcome of each check, and what asking cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rtdiag.model.observation import Observation

Status = Literal["pass", "warn", "fail", "inconclusive", "info", "skip", "error"]

# From the worst to the mildest, as a check's own status is chosen among those of its cases.
SEVERITY: tuple[Status, ...] = ("fail", "error", "inconclusive", "warn", "pass", "info", "skip")

CUT_SHORT = "the run was interrupted"  # what was measured of a case that an interrupted run did not come to


@dataclass(frozen=True)
class Finding:
    """The judgement of one case, a row of the table.

    `expected` and `measured` are short phrases; `cause` is a code of the catalogue; `hint` says what to do, `instead` what to use
    in place of what was asked. `show_body` puts the body on the screen in full even where the answer was the expected one.
    """

    case: str
    status: Status
    measured: str
    expected: str = ""
    cause: str | None = None
    hint: str | None = None
    instead: str | None = None
    show_body: bool = False


@dataclass(frozen=True)
class Cost:
    """What asking takes from the account: upper bounds as declared by a check, or what a run has used."""

    requests: int = 0
    tokens_minted: int = 0
    sessions_opened: int = 0
    audio_seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.requests + other.requests,
            self.tokens_minted + other.tokens_minted,
            self.sessions_opened + other.sessions_opened,
            self.audio_seconds + other.audio_seconds,
        )

    def __str__(self) -> str:
        audio = f"{self.audio_seconds:g} s of audio" if self.audio_seconds else "no audio"
        return f"{self.requests} requests, {self.tokens_minted} tokens, {self.sessions_opened} sessions, {audio}"

    def __sub__(self, other: Cost) -> Cost:
        return self + Cost(-other.requests, -other.tokens_minted, -other.sessions_opened, -other.audio_seconds)


@dataclass(frozen=True)
class Row:
    """One case in a report: its title, the judgement, and what it rests on."""

    id: str
    title: str
    finding: Finding
    seen: Observation
    line: str = ""
    column: str = ""


@dataclass(frozen=True)
class Outcome:
    """One check in a report. `reason` is given for `skip` and `error`."""

    id: str
    title: str
    status: Status
    reason: str | None
    duration_ms: float
    requires: tuple[str, ...]
    cost: Cost
    rows: tuple[Row, ...]
