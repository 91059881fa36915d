"""The whole of a run, as every rendering shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rtdiag.api.endpoints import KINDS, Dialect, Kind
from rtdiag.model.explanation import Diagnosis
from rtdiag.model.observation import Event, Exchange, PeerTrace
from rtdiag.model.result import Cost, Outcome, Status


@dataclass(frozen=True)
class Target:
    """The server that was asked, and for what.

    `emulator` is None, or the date in force and the faults of the embedded one. `kinds` are the kinds of session asked about,
    `session` is the user's own session object.
    """

    base_url: str
    recognised_as: str
    dialects: tuple[Dialect, ...]
    model: str
    transcription_model: str
    emulator: Mapping[str, Any] | None = None
    kinds: tuple[Kind, ...] = KINDS
    session: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class CredentialShown:
    """A credential as a report may show it: its kind, where it came from, and the masked text."""

    kind: str
    source: str
    masked: str


@dataclass(frozen=True)
class WorkingRequests:
    """How the three steps look when they are right: `mint` and `offer` for a shell, `page` for a browser.

    Before a line that takes something from elsewhere stands where that comes from, as a comment of the shell. `unified` is the
    offer together with the session, by the key; None where that is not documented.
    """

    mint: str
    offer: str
    page: str
    unified: str | None = None


@dataclass(frozen=True)
class Redaction:
    """How often secrets of one kind were masked in one place."""

    where: str
    kind: str
    count: int


@dataclass(frozen=True)
class Report:
    """A whole run: everything that any rendering shows, and nothing that it may not show.

    Every `at_ms` in it counts from `started_at`.
    """

    version: str
    started_at: datetime
    finished_at: datetime
    target: Target
    credential: CredentialShown
    overall: Status
    exit_code: int
    interrupted: bool
    cost: Cost
    checks: tuple[Outcome, ...]
    diagnosis: tuple[Diagnosis, ...]
    corrected: WorkingRequests | None
    exchanges: tuple[Exchange, ...]
    events: tuple[Event, ...]
    peers: tuple[PeerTrace, ...]
    not_tested: tuple[str, ...]
    left_open: tuple[str, ...]
    redactions: tuple[Redaction, ...]
