"""What is said of ICE that found no way: what crossed, who refused it, and whether TCP would carry it. Pure.

Nothing that is silent shows by itself why. A server of pion's drops checks that are not signed as it wants without a word, and so
does a firewall. Over TCP they differ: pion ends a connection that begins with what is no STUN, and is silent to a check alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from rtdiag.model import Finding, Pair, PeerTrace, Status
from rtdiag.transport.ice_search import NO_RELAY, NO_UDP

NOTHING = "nothing came back over UDP"
TCP_WORKS = "nothing came back over UDP and TCP would carry it"
REJECTED = "UDP is rejected on the way"
REFUSED_HERE = "this machine refuses to send UDP"
UNANSWERED = "the server takes the connection and leaves authenticated checks unanswered"
REFUSED = "the server refuses the ICE credentials"
NOT_ROUTED = "the candidate is an address that is not routed here"
LOSSY = "datagrams are lost on the way"
SLOW = "checks are answered too late"
NAMED = "the answer's candidates are names"
TAKEN = "nothing came back over UDP and a check over TCP is taken and left unanswered"
TURN_FULL = "the TURN server has no relay left"
DENIED = "the TURN server does not relay to the answer's address"
RELAY_SILENT = "nothing comes back through the relay"
NO_WAY = "ICE finds no way"

_ENOUGH_CHECKS = 4  # unanswered, while what we answer arrives: one or two can be lost
_ALL_IN_TIME = 0.6  # of the checks are answered where none is lost, and the last ones are still on their way


def no_way(case: str, trace: PeerTrace) -> Finding:
    """The finding for a session in which ICE ended, or was given up, without a way."""
    detail = trace.failure.detail if trace.failure else "not reached"
    if detail == NO_RELAY and any(_is(pair, "stun 486") for pair in trace.pairs):
        hint = "aiortc, which rtdiag uses, asks for two relays at once, one for each section of an offer; a browser may ask for one"
        return _told(case, f"{detail}: 486, the quota is used up", TURN_FULL, hint)
    if detail == NO_RELAY:
        return _told(
            case, detail, NO_RELAY, "only a relay may carry it, and no TURN server gave one: see its own finding"
        )
    if not any(side.startswith("local") for side in trace.candidates):
        hint = "this machine has no address that ICE may use, only loopback: connect it to a network, or give the container one"
        return _told(case, "no candidate of one's own", "this machine has no address but loopback", hint)
    if not any(side.startswith("remote") for side in trace.candidates):
        hint = "there is nowhere to send media to: the answer was altered on its way, or the server is misconfigured"
        return _told(case, detail, "the answer names no candidate", hint, status="fail")
    over_tcp = _Tcp(trace)
    observed, hint = _why(trace, over_tcp)
    measured = "; ".join(filter(None, [detail, *over_tcp.told()]))
    return _told(case, measured, observed, f"{hint}{over_tcp.browser}")


def _told(case: str, measured: str, observed: str, hint: str, status: Status = "inconclusive") -> Finding:
    return Finding(case, status, measured, "a candidate pair", (observed,), hint)


@dataclass(frozen=True)
class _Tcp:
    """What ICE over TCP came to, for texts."""

    trace: PeerTrace

    @property
    def outcomes(self) -> frozenset[str]:
        return frozenset(one.outcome for one in self.trace.ice_tcp)

    @property
    def works(self) -> bool:
        return "answered" in self.outcomes

    @property
    def taken(self) -> bool:
        """Whether somebody takes connections, and nothing tells a server from a firewall that knows no ICE."""
        return bool(self.outcomes & {"connected", "closed"})

    @property
    def offered(self) -> bool:
        return any(side.startswith("remote-tcp") for side in self.trace.candidates)

    def told(self) -> Iterator[str]:
        """One line for each outcome."""
        for outcome in sorted(self.outcomes):
            one = next(one for one in self.trace.ice_tcp if one.outcome == outcome)
            yield f"TCP to {one.candidate.rpartition(' ')[2]} {_OUTCOMES.get(outcome, f'said {outcome}')} ({one.took_ms:.0f} ms)"

    @property
    def browser(self) -> str:
        """What a browser can do, where that is known."""
        if self.works:
            return "; browsers will get through over TCP"
        if not self.offered:
            return "; it names no TCP, so a browser gets no further"
        return (
            "; over TCP a browser gets no further, either"
            if self.outcomes
            else "; rtdiag did not try TCP, a browser can"
        )


_OUTCOMES = {
    "answered": "answered a check",
    "connected": "took the connection and left the check unanswered",
    "ignored": "took the connection, ended one that began with no STUN, and left the check unanswered",
    "closed": "took the connection and closed it",
    "refused": "was refused",
    "dropped": "got no answer",
    "rejected": "was rejected on the way",
    "refused here": "was refused by this machine",
}


def _why(trace: PeerTrace, over_tcp: _Tcp) -> tuple[str, str]:
    """What was observed, and what to do."""
    if not any(side.startswith("remote-udp") for side in trace.candidates):
        return NO_UDP, "there is no UDP to try: see why this server, or what changes its answers, names none"
    pairs = [pair for pair in trace.pairs if pair.remote.startswith("udp ") or pair.asked]
    if not pairs and trace.candidates.get("local-udp-relay"):
        return _relayed(trace)
    named = _udp(trace.remote_candidates)
    if not pairs and named and all(map(_named, named)):
        return (
            NAMED,
            f"{_places(trace.remote_candidates)}: a name that ends in .local is known in the server's own network alone",
        )
    if (
        not pairs
        and trace.local_candidates
        and not _families(trace.local_candidates) & _families(trace.remote_candidates)
    ):
        return NOT_ROUTED, "this machine has no address of the family of the answer's candidates, IPv4 or IPv6"
    if not pairs:
        return NO_WAY, "UDP to the answer's candidates is blocked, or the answer was changed"
    errors: Counter[str] = sum((Counter(dict(pair.errors)) for pair in pairs), Counter())
    if found := _refused(trace, pairs, errors):
        return found
    if any(pair.answered for pair in pairs):
        return _lossy(pairs)
    return _silent(trace, pairs, over_tcp)


def _relayed(trace: PeerTrace) -> tuple[str, str]:
    """Where all that was sent went through a relay."""
    if any(_is(pair, "stun 403") for pair in trace.pairs):
        return (
            DENIED,
            "it says 403 to the answer's address: allow that peer at the TURN server (coturn: denied-peer-ip)",
        )
    return (
        RELAY_SILENT,
        "a relay was given: look whether the TURN server may send UDP from its relay ports, and to that address",
    )


def _refused(trace: PeerTrace, pairs: list[Pair], errors: Counter[str]) -> tuple[str, str] | None:
    """Where somebody refuses what we send: all of it, and says so."""
    stun = next((word for word in errors if word.startswith("stun ")), None)
    if stun and not any(pair.answered for pair in pairs):
        return REFUSED, f"the server answers checks with {stun}: the answer's ice-ufrag and ice-pwd are not its own"
    tried = [pair for pair in pairs if pair.sent or pair.errors]
    if not tried or any(pair.answered for pair in tried):
        return None
    if all(_is(pair, "refused here: ") and not pair.sent for pair in tried):
        return REFUSED_HERE, "a firewall of this machine, or of its container, forbids UDP: allow it outwards"
    if not all(_is(pair, "rejected: ", "refused here: ", "no route: ") for pair in tried):
        return None
    if _leads_nowhere(trace, tried) or not any(_is(pair, "rejected: ") for pair in tried):
        return NOT_ROUTED, _elsewhere(trace)
    return REJECTED, "whoever is named there rejects UDP: ask whoever runs it to allow it, or use another network"


def _is(pair: Pair, *words: str) -> bool:
    return any(error.startswith(words) for error in pair.errors)


def _silent(trace: PeerTrace, pairs: list[Pair], over_tcp: _Tcp) -> tuple[str, str]:
    """Where no check of ours is answered."""
    if over_tcp.works:
        return TCP_WORKS, "UDP is blocked, and ICE over TCP, which rtdiag has only tried, is not"
    if any(outcome.startswith("stun ") for outcome in over_tcp.outcomes):
        return REFUSED, "over TCP the server refuses the check: the answer's ice-ufrag and ice-pwd are not its own"
    sent, asked = sum(pair.sent for pair in pairs), sum(pair.asked for pair in pairs)
    again = any(pair.asked_again for pair in pairs)
    if (asked and not again and sent >= _ENOUGH_CHECKS) or (not asked and "ignored" in over_tcp.outcomes):
        hint = "mostly the answer's ice-ufrag or ice-pwd was changed on the way, or the answer is another server's"
        return UNANSWERED, hint
    if (
        trace.elsewhere
        and not asked
        and set(trace.elsewhere) >= {p.remote for p in pairs if p.remote.startswith("udp ")}
    ):
        return NOT_ROUTED, _elsewhere(trace)
    if asked:
        return (
            NOTHING,
            "the server's checks arrive, and what is sent from here does not: UDP outwards is blocked, or lost",
        )
    if over_tcp.taken:
        return (
            TAKEN,
            "compare the answer with what the server sent, and try another network: one of the two will differ",
        )
    return NOTHING, "UDP to the answer's candidates is blocked, or the answer was changed"


def _leads_nowhere(trace: PeerTrace, pairs: list[Pair]) -> bool:
    """Whether each of these is at an address that is not routed here; one that rejects by itself is."""
    return all(pair.remote in trace.elsewhere and not _is_there(pair) for pair in pairs)


def _is_there(pair: Pair) -> bool:
    host = pair.remote.rpartition(" ")[2].rpartition(":")[0].strip("[]")
    return host not in _HERE and any(error.endswith(f" by {host}") for error in pair.errors)


_HERE = ("127.0.0.1", "::1")  # this machine, which says nothing of the server


def _families(candidates: tuple[str, ...]) -> set[bool]:
    """Which of IPv6 (True) and IPv4 these are of; addresses of IPv6 stand in brackets, masked or not."""
    return {"[" in candidate for candidate in _udp(candidates)}


def _udp(candidates: tuple[str, ...]) -> list[str]:
    return [candidate for candidate in candidates if candidate.startswith("udp ")]


def _named(candidate: str) -> bool:
    """Whether it has a name in place of an address, which may be masked."""
    host = candidate.rpartition(" ")[2].rpartition(":")[0]
    return not host.startswith("[") and any(letter.isalpha() for letter in host)


def _places(candidates: tuple[str, ...]) -> str:
    return ", ".join(one.rpartition(" ")[2] for one in candidates)


def _elsewhere(trace: PeerTrace) -> str:
    places = _places(trace.elsewhere or trace.remote_candidates) or "the answer's address"
    return f"{places} cannot be reached from this network: the server must announce its public address"


def _lossy(pairs: list[Pair]) -> tuple[str, str]:
    """Where some checks are answered."""
    sent, answered = sum(pair.sent for pair in pairs), sum(pair.answered for pair in pairs)
    if answered >= _ALL_IN_TIME * sent:
        return SLOW, "each check is answered, and too late: try a nearer or a faster way, such as without a VPN"
    return LOSSY, "some checks are answered, most are lost: try another network"
