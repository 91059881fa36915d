"""ICE's search for a way as far as it can be seen: who is asked, what came back, and when waiting is of no more use.

It judges nothing: what it counts stands in the trace. aioice alone would wait 63.8 s for blocked UDP.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rtdiag.model import Pair, TcpCheck, counted
from rtdiag.transport import candidates, ice_tcp, ice_volley
from rtdiag.transport.candidates import Candidate, first, first_section, shown
from rtdiag.transport.datagrams import Address, Datagrams, Traffic, watched
from rtdiag.transport.recorder import Deadlines

NO_CANDIDATE = "the answer carries no candidate"
NO_UDP = "the answer offers no UDP candidate"
NO_RELAY = "no relay was given"

_SENT_FROM = frozenset({"host", "relay"})  # other kinds are how these look from outside
LATE_S = 0.5  # no check was answered by then: where ICE finds a way, it mostly has found it
_OTHERWISE_AFTER_S = 1.0
_LEAST_S, _PART = 2.5, 5 / 8  # what takes a second each way has come back, also what was sent again
_CONNECTS, _FEW_CONNECTS = 5, 2
_BEGUN_S = 0.4  # aioice begins a pair each 20 ms
_REJECTED_FOR_MS = 1400  # three checks by aioice: at once, after 0.5 s and after 1.5 s
_LOOKUP_S = 1.0
_LOSES_S, _KEPT = 1.5, 0.8


@dataclass(frozen=True)
class Patience:
    """How many seconds nothing may come back, before something else is asked meanwhile, and before UDP is given up."""

    otherwise_s: float
    silence_s: float

    @classmethod
    def of(cls, deadlines: Deadlines, connect_s: float | None = None, *, lossy: bool = False) -> Patience:
        """`udp_s`, or less where requests show a way that is quick and loses nothing.

        `connect_s` is the longest that a TCP connect took, None where none is known: so far is it, or so late are packets.
        """
        usual_s = deadlines.udp_s
        if connect_s is None or lossy:
            return cls(_OTHERWISE_AFTER_S, usual_s)
        return cls(
            min(_OTHERWISE_AFTER_S, max(LATE_S, _FEW_CONNECTS * connect_s)),
            min(usual_s, max(_LEAST_S, _PART * usual_s, _CONNECTS * connect_s)),
        )


class Search:
    """Of one peer: tell it the offer and the answer, ask whether to give up.

    `host` is the server's as requests reach it, None where it is not known. `relay_only`: only ways through a relay are wanted.
    `patience` may be set to another than the usual.
    """

    def __init__(
        self, seen: Datagrams, deadlines: Deadlines, host: str | None = None, *, relay_only: bool = False
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.local: tuple[Candidate, ...] = ()
        self.remote: tuple[Candidate, ...] = ()
        self.elsewhere: tuple[Candidate, ...] = ()
        self.over_tcp: tuple[TcpCheck, ...] = ()
        self.seen = seen
        self.patience = Patience.of(deadlines)
        self._deadlines = deadlines
        self._host = host
        self._relay_only = relay_only
        self._offer = self._answer = ""
        self._servers: set[Address] = set()
        self._came_s: float | None = None

    def offered(self, sdp: str) -> None:
        """Take note of our offer; its transport is that of the first section, which the others join.

        Whoever was spoken to until now is a STUN or TURN server: the other side may ask before its answer is read.
        """
        self._offer = sdp
        self._servers = {remote for _, remote in self.seen.pairs}
        self._count("local", sdp)
        self.local = tuple(dict.fromkeys(candidates.candidates(first_section(sdp))))

    def answered(self, sdp: str) -> None:
        """Take note of the answer."""
        self._answer = sdp
        self._count("remote", sdp)
        self.remote = tuple(dict.fromkeys(candidates.candidates(sdp)))

    @property
    def one_pair(self) -> bool:
        """Whether there is no choice: our candidates and theirs make one pair over UDP."""
        ours = (one for one in self.local if one.protocol == "udp" and one.kind in _SENT_FROM)
        theirs = [one for one in self.remote if one.protocol == "udp"]
        return sum(candidates.may_pair(one, other) for one in ours for other in theirs) == 1

    @property
    def answers(self) -> bool:
        """Whether a check of ours was answered."""
        return any(traffic.answered for _, traffic in self._with_peer())

    def useless(self, waited_s: float) -> str | None:
        """Why waiting is of no more use, after so long; None where it still is."""
        if self._relay_only and not self._relays:
            return NO_RELAY
        if not self.remote:
            return NO_CANDIDATE if waited_s > self.patience.silence_s else None
        if not any(one.protocol == "udp" for one in self.remote):
            return NO_UDP
        refused = [_is_refused(traffic) for _, traffic in self._with_peer()]
        if (waited_s >= _BEGUN_S and refused and all(refused) and not self._relays) or waited_s >= self._limit_s(
            waited_s
        ):
            return self.told(waited_s)
        return None

    def _limit_s(self, waited_s: float) -> float:
        """How long to wait: longer for what crosses a relay over TCP, which is not seen.

        Checks of theirs that come give it no more time: a volley of ours is out by then, and none of it was answered.
        """
        if self.answers:
            self._came_s = waited_s if self._came_s is None else self._came_s
            return self._came_s + self._deadlines.ice_s
        return self.patience.silence_s * (2 if self._relays else 1)

    @property
    def _relays(self) -> bool:
        return any(one.kind == "relay" for one in self.local)

    def told(self, waited_s: float) -> str:
        """What crossed, in a line."""
        traffic = [one for _, one in self._with_peer()]
        sent, came, answered = (sum(getattr(one, name) for one in traffic) for name in ("sent", "received", "answered"))
        errors = sum((one.errors for one in traffic), Counter[str]())
        if not sent and self._relays:
            said = [f"nothing came back from {self._places()} through the relay in {waited_s:.1f} s"]
        elif not sent:
            said = [f"nothing could be sent to {self._places()}"]
        else:
            back = f"{came} came back, {answered} of our checks answered" if came else "none came back"
            said = [f"{counted(sent, 'datagram')} to {self._places()} in {waited_s:.1f} s, {back}"]
        return ", ".join([*said, *(f"{count} × {word}" for word, count in errors.most_common(2))])

    def _places(self) -> str:
        places = list(dict.fromkeys(shown(one.address) for one in self.remote if one.protocol == "udp"))
        return places[0] if len(places) == 1 else f"{places[0]} and {len(places) - 1} more"

    async def ask_otherwise(self) -> None:
        """What a volley over UDP and a check over TCP come to, and whether candidates are at addresses that are not routed here."""
        signed = self._signed
        limit_s = min(ice_tcp.LIMIT_S, self._deadlines.udp_s)
        self.over_tcp, self.elsewhere, _ = await asyncio.gather(
            ice_tcp.checks(self.remote, signed, limit_s), self._not_routed(), self._volley(signed, limit_s)
        )

    @property
    def _signed(self) -> ice_tcp.Credentials:
        return ice_tcp.Credentials(
            first(self._offer, "ice-ufrag"), first(self._answer, "ice-ufrag"), first(self._answer, "ice-pwd")
        )

    async def loses(self, place: Address, now_ms: Callable[[], float]) -> bool:
        """Whether of a volley to that candidate, to which ICE found a way, a part is lost: more than one in five."""
        seen = Datagrams(now_ms)
        with watched(seen):
            await ice_volley.volley(
                [one for one in self.remote if one.address == place], self._signed, min(_LOSES_S, self._deadlines.udp_s)
            )
        sent, answered = sum(one.sent for one in seen.pairs.values()), sum(one.answered for one in seen.pairs.values())
        return answered < _KEPT * sent

    async def _volley(self, signed: ice_tcp.Credentials, within_s: float) -> None:
        """More checks, where what was sent is neither answered nor refused."""
        refused = [bool(traffic.errors) for _, traffic in self._with_peer()]
        if not (self._relay_only or self.answers or (refused and all(refused))):
            with watched(self.seen):
                await ice_volley.volley(self.remote, signed, within_s)

    async def _not_routed(self) -> tuple[Candidate, ...]:
        reached, own = await _address(self._host), candidates.own_networks()
        return tuple(one for one in self.remote if candidates.elsewhere(one.address[0], reached, own))

    def pairs(self) -> Iterator[Pair]:
        """The traffic of each pair, with the candidates as far as they are known."""
        names = {one.address: str(one) for one in (*self.local, *self.remote) if one.protocol == "udp"}
        for (local, remote), one in self.seen.pairs.items():
            texts = names.get(local, f"udp {shown(local)}"), names.get(remote, shown(remote))
            yield Pair(*texts, one.sent, one.received, one.answered, one.asked, one.asked_again, dict(one.errors))

    def _with_peer(self) -> Iterator[tuple[Address, Traffic]]:
        return ((remote, one) for (_, remote), one in self.seen.pairs.items() if remote not in self._servers)

    def _count(self, side: str, sdp: str) -> None:
        self.counts.update(f"{side}-{one.protocol}-{one.kind}" for one in candidates.candidates(sdp))


def _is_refused(traffic: Traffic) -> bool:
    """Whether each of its datagrams was, again and again; what this machine itself does not send is not tried for long."""
    if traffic.answered:
        return False
    if not traffic.sent:
        return bool(traffic.errors)
    refused_ms = traffic.refused_ms
    return len(refused_ms) > 1 and refused_ms[-1] - refused_ms[0] >= _REJECTED_FOR_MS


async def _address(host: str | None) -> str | None:
    """An address of that host, None where it is not found in time."""
    if host is None:
        return None
    try:
        async with asyncio.timeout(_LOOKUP_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None)
        return str(found[0][4][0])
    except (OSError, TimeoutError, UnicodeError):
        return None
