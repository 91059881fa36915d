"""What was made of it: the finding of each case, and the outcome of each check."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from rtdiag.model.cost import Cost
from rtdiag.model.observation import Observation
from rtdiag.model.scalars import Code, Milliseconds

Status = Literal["pass", "warn", "fail", "inconclusive", "info", "skip", "error"]

# From the worst to the mildest, as a check's own status is chosen among those of its cases.
SEVERITY: tuple[Status, ...] = ("fail", "error", "inconclusive", "warn", "pass", "info", "skip")

NOT_OFFERED = "not offered by this server"  # what is observed of a door that a server has not
CUT_SHORT = "the run was interrupted"  # what was measured of a case that an interrupted run did not come to
THE_WAY = "the way"  # what a case observes whose measured words say what the way cost, for a line below the verdict


@dataclass(frozen=True)
class Ignored:
    """What a case counts for nothing by, as long as it is in force: the status it would have, the reason, the last day."""

    was: Status
    reason: str
    until: Annotated[str, Meta(extra_json_schema={"format": "date"})]


@dataclass(frozen=True)
class Finding:
    """The judgement of one case, a row of the table.

    `expected` and `measured` are short phrases. `observed` names what the check has found that no text of the server tells, in
    words that the signs of the catalogue look at; `hint` says what to do, `instead` what to use in place of what was asked.
    `show_body` puts the body on the screen in full even where the answer was the expected one. `cause` is a code of the
    catalogue: no check names it, the engine asks diagnosis for it. `ignored` is given where the user has asked to ignore the case,
    also where that has ended: then the status is what it was.
    """

    case: str
    status: Status
    measured: str = ""
    expected: str = ""
    observed: tuple[str, ...] = ()
    hint: str | None = None
    instead: str | None = None
    show_body: bool = False
    cause: Code | None = None
    ignored: Ignored | None = None


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
    title: str = ""
    status: Status = "skip"
    reason: str | None = None
    duration_ms: Milliseconds = 0.0
    requires: tuple[str, ...] = ()
    cost: Cost = field(default_factory=Cost)
    rows: tuple[Row, ...] = ()
