"""What crossed the wire and what a probe saw of it, as it is recorded: masked, and judged by nobody yet."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from rtdiag.api.endpoints import Dialect
from rtdiag.model.scalars import Count, Milliseconds

By = Literal["", "browser", "page"]  # who asked


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
    it, where that was a token minted in this run. `at_ms` is when it began, since the run began; `timing_ms` holds `dns`,
    `connect`, `tls`, `wait`, `total` as far as they happened; `connect` is without `dns`, and of a WebSocket with TLS. `reached` is
    the address and port that was connected to, the proxy's where there is one, "" where it is not known. `by` is who asked: "" for
    rtdiag itself, `browser` for its page in the user's browser, `page` for a page of the user's own.
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
    timing_ms: Mapping[str, Milliseconds] = field(default_factory=dict)
    credential_from: str | None = None
    at_ms: Milliseconds = 0.0
    reached: str = ""
    by: By = ""

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
    def age_s(self) -> int:
        """How long a cache on the way has kept the answer, by its `Age` (RFC 9111 section 5.1); 0 without one."""
        told = (self.header("age") or "").strip()
        return int(told) if re.fullmatch("[0-9]{1,9}", told) else 0

    @property
    def kept(self) -> bool:
        """Whether a cache on the way says that it gave the answer, by `Age` or `X-Cache`."""
        return self.age_s > 0 or (self.header("x-cache") or "").lower().startswith("hit")

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
    at_ms: Milliseconds
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
class Pair:
    """The datagrams between two candidates, or between one of ours and a STUN or TURN server, which is an address alone.

    `answered`: checks of ours that were; `asked`: checks of theirs that came, `asked_again` those that came once more, though they
    were answered. `errors` counts by word: `rejected: port unreachable by 192.0.2.1`, `refused here: EPERM`,
    `no route: ENETUNREACH`, `stun 401`.
    """

    local: str
    remote: str
    sent: Count = 0
    received: Count = 0
    answered: Count = 0
    asked: Count = 0
    asked_again: Count = 0
    errors: Mapping[str, Count] = field(default_factory=dict)


@dataclass(frozen=True)
class TcpCheck:
    """One check of ICE over TCP, at a `candidate`.

    `outcome`: answered, connected (the connection was taken and the check left unanswered), ignored (the same, where what is no
    STUN is ended at once), closed, refused, dropped, rejected, `refused here`, or the code of a refusal, as `stun 401`.
    """

    candidate: str
    outcome: str
    took_ms: Milliseconds = 0.0


@dataclass(frozen=True)
class PeerTrace:
    """What one RTCPeerConnection went through.

    `at_ms` is when its offer was begun, since the run began; `states` are (milliseconds since then, which state, its value).
    `phases_ms` holds the duration of each phase that was completed, of `answer`, `ice`, `dtls`, `channel`, `created`; `failure`
    is what ended the first one that was not. `candidates` counts them per side as `local-udp-host` and the like. `close` holds
    `code` and `reason` where one was given; `offered_in` is the exchange that carried its offer. `local_candidates` and
    `remote_candidates` are those of both sides, as `udp host 192.0.2.1:3478`, `elsewhere` those remote ones that are at addresses
    which are not routed here, and `ice_tcp` what the TCP ones made of a check, where nothing came back over UDP.
    `last_datagram_ms` is when the last datagram came in, since the offer was begun. `by` is whose it is, as of an Exchange.
    """

    id: str
    states: tuple[tuple[Milliseconds, str, str], ...] = ()
    candidates: Mapping[str, Count] = field(default_factory=dict)
    selected_pair: str | None = None
    phases_ms: Mapping[str, Milliseconds] = field(default_factory=dict)
    failure: Failure | None = None
    close: Mapping[str, str] | None = None
    offered_in: str | None = None
    at_ms: Milliseconds = 0.0
    local_candidates: tuple[str, ...] = ()
    remote_candidates: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    ice_tcp: tuple[TcpCheck, ...] = ()
    last_datagram_ms: Milliseconds | None = None
    by: By = ""


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
    """All that a judge may look at: what was seen, case by case, and what is known of the server and the day.

    `official`: it is OpenAI's own; `stranger`: it is neither that nor the emulator, so what OpenAI offers is not to be expected.
    """

    seen: Mapping[str, Observation]
    dialects: frozenset[Dialect]
    official: bool
    today: date
    stranger: bool = False
