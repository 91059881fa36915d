"""What a page tells of what it has done and seen: the JSON that page/watch.js writes, in rtdiag's page or in a user's own.

Another program wrote it, in a page that others may have changed: all of it is bounded, and masked again when it is taken in. All
times are milliseconds since `epoch_ms`, which counts from 1970.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, field, json

from rtdiag.intake import Limit

VERSION = 1
FORM = "rtdiag_account"  # the key by which such a JSON is known
ACCOUNT = Limit(16 * 1024 * 1024, "a page that has done so much can be watched for a shorter time")

_MOST = 10**13
_Time = Annotated[float, Meta(ge=-_MOST, le=_MOST)]
_Number = Annotated[int, Meta(ge=0, le=_MOST)]
_Headers = Annotated[list[tuple[str, str]], Meta(max_length=200)]


class Wrong(Struct, frozen=True, omit_defaults=True):
    """Why no answer came, in the browser's own words: `TypeError: Failed to fetch`. `step` is what the page was doing."""

    step: str
    said: str


class Request(Struct, frozen=True, omit_defaults=True):
    """One `fetch` or XMLHttpRequest. `status` is None where the page got no answer; `opaque`: it got one that it may not read.

    `steps_ms` are those of Resource Timing that the browser tells: `dns`, `connect`, `tls`, `wait`, `total`.
    """

    id: str
    method: str
    url: str
    at_ms: _Time = 0
    took_ms: _Time = 0
    headers: _Headers = []
    body: str | None = None
    status: int | None = None
    answer_headers: _Headers = []
    answer: str | None = None
    wrong: Wrong | None = None
    opaque: bool = False
    steps_ms: dict[str, _Time] = {}


class Socket(Struct, frozen=True, omit_defaults=True):
    """One WebSocket: the sub-protocols that were offered and the one that was chosen, and how it ended."""

    id: str
    url: str
    at_ms: _Time = 0
    offered: list[str] = []
    chosen: str = ""
    opened_ms: _Time | None = None
    closed_ms: _Time | None = None
    code: int | None = None
    reason: str = ""


class Event(Struct, frozen=True, omit_defaults=True):
    """One message on a data channel (`channel` is `p1/oai-events`) or a WebSocket (`s1`)."""

    channel: str
    direction: Literal["sent", "received"]
    at_ms: _Time
    raw: str


class Candidates(Struct, frozen=True, omit_defaults=True):
    """A pair of candidates, each as `udp host 192.0.2.1:3478` (`tcp` where it is over TCP), and what crossed, by getStats()."""

    local: str
    remote: str
    state: str = ""
    selected: bool = False
    sent: _Number = 0
    answered: _Number = 0
    asked: _Number = 0
    round_trip_ms: _Time | None = None


class Sound(Struct, frozen=True, omit_defaults=True):
    """What came in on the audio track of a peer, by getStats() and by the element that was to play it.

    `energy` is totalAudioEnergy; `played_s` how far the element came; `refused` what play() said.
    """

    packets: _Number = 0
    bytes: _Number = 0
    energy: float = 0
    track: bool = False
    muted: bool = False
    played_s: float = 0
    refused: str = ""


class Peer(Struct, frozen=True, omit_defaults=True):
    """One RTCPeerConnection. `states` are (when, of what, which), such as (12.5, "iceConnectionState", "checking").

    `offered_in` is the id of the request that carried its offer; `wrong` what one of its calls was refused with.
    """

    id: str
    at_ms: _Time = 0
    states: Annotated[list[tuple[_Time, str, str]], Meta(max_length=2000)] = []
    offered_in: str = ""
    local: list[str] = []
    remote: list[str] = []
    pairs: Annotated[list[Candidates], Meta(max_length=500)] = []
    sound: Sound | None = None
    wrong: Wrong | None = None
    ice_errors: list[str] = []


class Microphone(Struct, frozen=True, omit_defaults=True):
    """One `getUserMedia`. `refused` is what the browser said, such as `NotAllowedError: Permission denied`, `level` its RMS."""

    at_ms: _Time = 0
    took_ms: _Time = 0
    refused: str = ""
    label: str = ""
    muted: bool = False
    level: float | None = None


class Blocked(Struct, frozen=True, omit_defaults=True):
    """What a policy of the page forbade (`securitypolicyviolation`): by which directive, and what."""

    at_ms: _Time
    directive: str
    what: str
    by: str = ""


class Line(Struct, frozen=True, omit_defaults=True):
    """A line that stands in the console, or an error that nobody caught (`level` is then `uncaught`).

    `caught` is what the first send() was refused with, whatever the page made of it: `send on p1/oai-events: InvalidStateError: …`.
    """

    at_ms: _Time
    level: str
    text: str


class Answer(Struct, frozen=True, omit_defaults=True):
    """What rtdiag's page saw of one case: ids of requests, sockets and peers of this account, and facts that none of them holds."""

    requests: list[str] = []
    sockets: list[str] = []
    peers: list[str] = []
    facts: dict[str, Any] = {}


class Account(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All that a page tells. `answers` is empty where it was a user's own page; `done`: nothing more is to come.

    `taken_ms` is when it was told.
    """

    version: Literal[1] = field(name=FORM)
    epoch_ms: _Time = 0
    page: str = ""
    agent: str = ""
    secure: bool = True
    done: bool = False
    taken_ms: _Time = 0
    requests: Annotated[list[Request], Meta(max_length=2000)] = []
    sockets: Annotated[list[Socket], Meta(max_length=200)] = []
    events: Annotated[list[Event], Meta(max_length=20000)] = []
    peers: Annotated[list[Peer], Meta(max_length=100)] = []
    microphones: Annotated[list[Microphone], Meta(max_length=100)] = []
    blocked: Annotated[list[Blocked], Meta(max_length=500)] = []
    console: Annotated[list[Line], Meta(max_length=2000)] = []
    answers: dict[str, Answer] = {}
    left_out: _Number = 0


def account_of(raw: bytes | str) -> Account:
    """The account in that JSON. Raises msgspec.ValidationError, whose text names the field, or msgspec.DecodeError."""
    return json.decode(raw, type=Account)


__all__ = ["ACCOUNT", "FORM", "Account", "ValidationError", "account_of"]
