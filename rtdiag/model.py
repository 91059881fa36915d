"""The values that travel through rtdiag: frozen, without behaviour beyond reading themselves, and free of secrets.

Whatever holds text from a wire holds it masked already (see redact.py); the shapes are those of the JSON report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from rtdiag.api.endpoints import KINDS, Dialect, Kind

Status = Literal["pass", "warn", "fail", "inconclusive", "info", "skip", "error"]

# From the worst to the mildest, as a check's own status is chosen among those of its cases.
SEVERITY: tuple[Status, ...] = ("fail", "error", "inconclusive", "warn", "pass", "info", "skip")

CUT_SHORT = "the run was interrupted"  # what was measured of a case that an interrupted run did not come to


@dataclass(frozen=True)
class Failure:
    """Why no usable answer came: `kind` and `phase` from the vocabulary of failures.py, `detail` for a person."""

    kind: str
    phase: str
    detail: str


@dataclass(frozen=True)
class ApiError:
    """The error object of an API body or `error` event; a field that was absent is None, an empty one is ""."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None

    def __str__(self) -> str:
        """One line: `type code: message (param …)`, with what is missing left out."""
        head = " ".join(part for part in (self.type, self.code) if part)
        text = (
            f"{head}: {self.message}" if head and self.message else head or self.message or "an error with empty fields"
        )
        return f"{text} (param {self.param})" if self.param else text


def api_error(parsed: Any) -> ApiError | None:
    """The error object inside a parsed body or event, or None when it holds none."""
    found = parsed.get("error") if isinstance(parsed, Mapping) else None
    if isinstance(found, str):
        return ApiError(message=found)
    if not isinstance(found, Mapping):
        return None
    texts = {k: v if v is None or isinstance(v, str) else str(v) for k, v in found.items()}
    return ApiError(texts.get("type"), texts.get("code"), texts.get("message"), texts.get("param"))


@dataclass(frozen=True)
class Exchange:
    """One HTTP request with its answer, or with the failure that stood in its place.

    Headers are pairs, since order and repeats matter. `body` is the answer as received, UTF-8 or, where it is not UTF-8,
    base64 (`body_encoding`). `credential` names whose credential was sent, `credential_from` the exchange whose answer held
    it, where that was a token minted in this run. `at_ms` is when it began, since the run began; `timing_ms` holds `connect`,
    `tls`, `wait`, `total` as far as they happened.
    """

    id: str
    method: str
    url: str
    credential: str
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str | None = None
    status: int | None = None
    response_headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    body_encoding: Literal["utf-8", "base64"] = "utf-8"
    failure: Failure | None = None
    correlation: Mapping[str, str] = field(default_factory=dict)
    timing_ms: Mapping[str, float] = field(default_factory=dict)
    credential_from: str | None = None
    at_ms: float = 0.0

    def header(self, name: str) -> str | None:
        """The first response header of that name, in any case."""
        return next((v for k, v in self.response_headers if k.lower() == name), None)

    @property
    def json(self) -> Any:
        """The body parsed as JSON, or None when it is not JSON."""
        try:
            return json.loads(self.body or "")
        except (ValueError, RecursionError):
            return None

    @property
    def error(self) -> ApiError | None:
        """The API's error object, when the body holds one."""
        return api_error(self.json)

    @property
    def told_at(self) -> datetime | None:
        """The server's clock as its `Date` tells it; None without one that can be read."""
        from email.utils import parsedate_to_datetime

        try:
            return parsedate_to_datetime(self.header("date") or "")
        except ValueError:
            return None

    @property
    def looks_like_html(self) -> bool:
        """Whether the answer is a web page: from a gateway, a portal or the wrong host, never from the API."""
        return "html" in (self.header("content-type") or "") or (self.body or "").lstrip()[:15].lower().startswith(
            "<!doctype html"
        )

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx and the whole body arrived."""
        return self.failure is None and self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True)
class Event:
    """One event on a data channel or WebSocket: `at_ms` since the run began, `raw` the text as sent or received."""

    id: str
    channel: str
    direction: Literal["sent", "received"]
    at_ms: float
    type: str
    raw: str

    @property
    def json(self) -> Any:
        """The event parsed, or None when it is not JSON."""
        try:
            return json.loads(self.raw)
        except (ValueError, RecursionError):
            return None

    @property
    def error(self) -> ApiError | None:
        """The error object, when this is an `error` event."""
        return api_error(self.json)


@dataclass(frozen=True)
class PeerTrace:
    """What one RTCPeerConnection went through.

    `at_ms` is when its offer was begun, since the run began; `states` are (milliseconds since then, which state, its value).
    `phases_ms` holds the duration of each phase that was completed, of `answer`, `ice`, `dtls`, `channel`, `created`; `failure`
    is what ended the first one that was not. `candidates` counts them per side as `local-udp-host` and the like. `close` holds
    `code` and `reason` where one was given; `offered_in` is the exchange that carried its offer.
    """

    id: str
    states: tuple[tuple[float, str, str], ...] = ()
    candidates: Mapping[str, int] = field(default_factory=dict)
    selected_pair: str | None = None
    phases_ms: Mapping[str, float] = field(default_factory=dict)
    failure: Failure | None = None
    close: Mapping[str, str] | None = None
    offered_in: str | None = None
    at_ms: float = 0.0


@dataclass(frozen=True)
class Observation:
    """What a probe saw for one case: the exchanges, events and peers, and facts that no record holds any more."""

    case: str
    exchanges: tuple[Exchange, ...] = ()
    events: tuple[Event, ...] = ()
    peers: tuple[PeerTrace, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exchange(self) -> Exchange | None:
        """The last exchange, the one that most cases are about."""
        return self.exchanges[-1] if self.exchanges else None


@dataclass(frozen=True)
class Evidence:
    """All that a judge may look at: what was seen, case by case, and what is known of the server and the day."""

    seen: Mapping[str, Observation]
    dialects: frozenset[Dialect]
    official: bool
    today: date


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


Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class Diagnosis:
    """One cause that explains what was seen.

    `evidence` and `against` say what speaks for and against it (case ids in a run, what was found where in an input). `line` is
    the exact line to change or run, where one line can say it; `today` whether it still happens, empty for yes; `ask` what would
    decide, where the evidence leaves that open. The cause `unknown` stands first where nothing fits.
    """

    cause: str
    confidence: Confidence
    summary: str
    fix: str
    sources: tuple[str, ...]
    evidence: tuple[str, ...]
    against: tuple[str, ...] = ()
    line: str = ""
    today: str = ""
    ask: str = ""


@dataclass(frozen=True)
class Flaw:
    """One call that is known not to work, found by its text.

    `line` counts from 1; `cause` is a code of the catalogue of causes; `found` is the line as written, without secrets and at most
    160 characters long; `why` says what happens because of it; `instead` is the line as it should be, in the language of the file
    and with its own names, "" where a line cannot say it; `sources` say who knows.
    """

    file: str
    line: int
    cause: str
    confidence: Confidence
    found: str
    why: str
    instead: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """One input, or one description of a list: what it was taken for, the causes best first, and the flaws in its code.

    `id` is the description's own, None elsewhere; `note` is a line for the person, such as why there is nothing to judge, and the
    whole page where a code was asked for (form `code`).
    """

    input: str
    form: str
    diagnosis: tuple[Diagnosis, ...]
    flaws: tuple[Flaw, ...] = ()
    note: str = ""
    id: str | int | None = None


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
