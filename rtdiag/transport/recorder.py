"""Where everything that crosses the wire is written down: masked, numbered, timed and counted."""

from __future__ import annotations

import time
from bisect import insort
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime

from rtdiag.model import Cost, Event, Exchange, PeerTrace
from rtdiag.redact import Mask
from rtdiag.transport.packets import Packets

# Each request's total, unless --timeout names another.
REQUEST_S = 15.0
# A run without opt-ins takes no longer than so many requests that end at their deadline.
_REQUESTS_PER_RUN = 8


@dataclass(frozen=True)
class Deadlines:
    """How long each phase may take, in seconds. The libraries' own limits (aiortc: 63.8 s, or never) are no use here.

    `request_s` is a request's total, from the first look-up of a name to the last byte of the answer; the others are parts of
    it, or phases of a session. `udp_s` is how long ICE waits for the first datagram that comes back, `ice_s` how long after it: the
    way is then there, and lossy or slow.
    """

    request_s: float = REQUEST_S
    connect_s: float = 5.0
    udp_s: float = 4.0
    ice_s: float = 20.0
    dtls_s: float = 5.0
    channel_s: float = 5.0
    event_s: float = 5.0
    close_s: float = 3.0

    @classmethod
    def of(cls, request_s: float | None) -> Deadlines:
        """The deadlines where each request has so long; None for the usual ones. More time for requests is more for all phases.

        Connecting never takes all of it: the libraries close what their own deadline ends, not what is cancelled.
        """
        usual = cls()
        if request_s is None:
            return usual
        stretched = max(1.0, request_s / usual.request_s)
        made = cls(**{f.name: min(getattr(usual, f.name) * stretched, request_s) for f in fields(cls)})
        return replace(made, connect_s=min(made.connect_s, round(request_s * 2 / 3, 2)))

    def run_s(self, opt_ins_s: float = 0.0) -> float:
        """How long a whole run may take; `opt_ins_s` is what opt-ins wait for by themselves."""
        return _REQUESTS_PER_RUN * self.request_s + opt_ins_s

    @property
    def closing_s(self) -> float:
        """How much of a run's time is kept for closing what it opened."""
        return min(2 * self.close_s, self.run_s() / 8)


@dataclass
class Part:
    """What one part of a run has asked and used, beside others that are asked at the same time."""

    exchanges: list[Exchange] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)


@dataclass
class Theirs:
    """What a page in the user's browser has asked and heard: in the report, and in no reckoning of what the run itself did."""

    exchanges: list[Exchange] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    peers: dict[str, PeerTrace] = field(default_factory=dict)


# The part that is being asked; each task has its own.
_part: ContextVar[Part | None] = ContextVar("part", default=None)


class Recorder:
    """The record of one run: exchanges, events and peers in the order they began, and what they cost.

    `notice` is told in a few words what is being asked now. All times count from `started_at`. `packets` are those of each
    connection that leaves this machine, by `TCP` or `UDP` and its name, as far as they can be counted; they are in no report.
    What somebody else asked (`by`) is kept apart, in `theirs`; a peer of theirs is written down before its events.
    """

    def __init__(self, mask: Mask, notice: Callable[[str], None] = lambda _: None) -> None:
        self.mask = mask
        self.notice = notice
        self.exchanges: list[Exchange] = []
        self.events: list[Event] = []
        self.peers: dict[str, PeerTrace] = {}
        self.theirs = Theirs()
        self.packets: dict[tuple[str, str], Packets] = {}
        self.cost = Cost()
        self.started_at = datetime.now(UTC)
        self._began = time.perf_counter()
        self._exchanges_begun = 0

    @staticmethod
    def begin_part() -> Part:
        """From here on what this task asks, with all tasks that it begins, is also written down as a part of its own."""
        part = Part()
        _part.set(part)
        return part

    def now_ms(self) -> float:
        """Milliseconds since the run began, by a clock that never steps."""
        return round((time.perf_counter() - self._began) * 1000, 1)

    def next_exchange_id(self, *, ours: bool = True) -> str:
        """The id of the exchange that begins now, which also counts it, unless it is a user's own page that asks."""
        self._exchanges_begun += 1
        self.spend(Cost(requests=int(ours)))
        return f"x{self._exchanges_begun}"

    def next_event_id(self) -> str:
        """The id of the event that is written down next."""
        return f"e{len(self.events) + len(self.theirs.events) + 1}"

    def spend(self, cost: Cost) -> None:
        """Add to what this run has used."""
        self.cost += cost
        if part := _part.get():
            part.cost += cost

    def exchange(self, exchange: Exchange) -> Exchange:
        """Write down an exchange, whose text is masked already."""
        if exchange.by:
            self.theirs.exchanges.append(exchange)
            return exchange
        insort(self.exchanges, exchange, key=_number)
        if part := _part.get():
            part.exchanges.append(exchange)
        return exchange

    def event(self, event: Event) -> Event:
        """Write down an event, whose text is masked already."""
        kept = self.theirs.events if event.channel.partition("/")[0] in self.theirs.peers else self.events
        kept.append(event)
        return event

    def peer(self, trace: PeerTrace) -> PeerTrace:
        """Write down what a peer has gone through so far; a later call with the same id replaces it."""
        kept = self.theirs.peers if trace.by else self.peers
        kept[trace.id] = trace
        return trace

    @property
    def every_exchange(self) -> tuple[Exchange, ...]:
        """The run's own and theirs, in the order they began."""
        return tuple(sorted((*self.exchanges, *self.theirs.exchanges), key=_number))

    def counted(self, protocol: str, connection: str, packets: Packets | None) -> None:
        """Keep what is known by now of that connection's packets; None is no news."""
        if packets is not None:
            self.packets[protocol, connection] = packets

    def by_protocol(self, protocol: str) -> Packets:
        """All that is known of the packets of `TCP`, or `UDP`."""
        return sum((found for (kind, _), found in self.packets.items() if kind == protocol), Packets())


def _number(exchange: Exchange) -> int:
    return int(exchange.id[1:])
