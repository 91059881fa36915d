"""The whole of a run, as every rendering shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from rtdiag.api.endpoints import KINDS, Dialect, Kind
from rtdiag.model.cost import Cost
from rtdiag.model.explanation import Diagnosis
from rtdiag.model.observation import Event, Exchange, PeerTrace
from rtdiag.model.redaction import Redaction
from rtdiag.model.result import Outcome, Status

Time = Annotated[datetime, Meta(extra_json_schema={"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"})]
_ONCE = Meta(extra_json_schema={"uniqueItems": True})


class Emulated(TypedDict):
    """What of the embedded emulator was asked: its day, the ids of its faults, and whose server it plays, where not OpenAI's."""

    as_of: Annotated[str, Meta(extra_json_schema={"format": "date"})]
    faults: list[str]
    profile: NotRequired[str]


@dataclass(frozen=True)
class Target:
    """The server that was asked, and for what.

    `name` is what the user calls it. `recognised_as` is "emulator", or the id of a server of servers.yaml, and `recognised_by` what
    showed it; `offers` is what was found to be there, or not, by the cases of the check `server`. `emulator` is None, or the date
    in force and the faults of the embedded one. `kinds` are the kinds of session asked about, `session` is the user's own session
    object.
    """

    base_url: str
    recognised_as: str = "unknown"
    dialects: Annotated[tuple[Dialect, ...], _ONCE] = ()
    model: str = ""
    transcription_model: str = ""
    emulator: Emulated | None = None
    kinds: Annotated[tuple[Kind, ...], _ONCE] = KINDS
    session: Mapping[str, Any] | None = None
    name: str = ""
    recognised_by: tuple[str, ...] = ()
    offers: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class CredentialShown:
    """A credential as a report may show it: its kind, where it came from, and the masked text."""

    kind: Annotated[str, Meta(extra_json_schema={"enum": ["api-key", "ephemeral", "none"]})] = "none"
    source: str = ""
    masked: str = ""


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


# The server's name of a request, ours, its network's, and those of what the request began.
LEDGER_NAMES = ("x-request-id", "x-client-request-id", "cf-ray", "session", "call", "event")


@dataclass(frozen=True)
class LedgerEntry:
    """One request or event: when, which one of the report (`x3`, `e1`), in a few words what, and by which names it is known."""

    at: Time
    source: str
    what: str
    ids: Annotated[Mapping[str, str], Meta(extra_json_schema={"propertyNames": {"enum": LEDGER_NAMES}})]


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole run: everything that any rendering shows, and nothing that it may not show.

    Every `at_ms` in it counts from `started_at`.
    """

    version: str
    started_at: Time
    finished_at: Time
    interrupted: bool = False
    target: Target
    credential: CredentialShown = CredentialShown()
    overall: Status = "skip"
    exit_code: Annotated[int, Meta(extra_json_schema={"enum": [0, 1, 2, 3, 4, 130]})] = 130
    cost: Cost = field(default_factory=Cost)
    checks: tuple[Outcome, ...] = ()
    diagnosis: tuple[Diagnosis, ...] = ()
    corrected: WorkingRequests | None = None
    exchanges: tuple[Exchange, ...]
    events: tuple[Event, ...] = ()
    peers: tuple[PeerTrace, ...] = ()
    not_tested: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()
    redactions: tuple[Redaction, ...] = ()

    @property
    def own(self) -> Report:
        """The same with the records of rtdiag itself alone, without what a page in a browser asked."""
        theirs = {peer.id for peer in self.peers if peer.by}
        if not theirs and not any(exchange.by for exchange in self.exchanges):
            return self
        return replace(
            self,
            exchanges=tuple(one for one in self.exchanges if not one.by),
            events=tuple(one for one in self.events if one.channel.partition("/")[0] not in theirs),
            peers=tuple(one for one in self.peers if not one.by),
        )

    @property
    def emulated_on(self) -> date | None:
        """The day of the emulator that was asked, None where it was none."""
        return date.fromisoformat(self.target.emulator["as_of"]) if self.target.emulator else None

    @property
    def day(self) -> date:
        """The day that the server was asked as of: the emulator's, where it was one, else that of the run."""
        return self.emulated_on or self.started_at.date()
