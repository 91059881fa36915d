"""How far a session of a page came: each phase that was completed, and what ended the first that was not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rtdiag.browser.account import Peer, Request
from rtdiag.browser.copying import span, time
from rtdiag.model import Failure
from rtdiag.transport.ice_search import NO_CANDIDATE

_STATE = re.compile(r"(?:iceConnection|connection|iceGathering|signaling|dtls)State|channel .{0,100}")


@dataclass(frozen=True)
class Came:
    """`phases_ms` are those of a PeerTrace; `missing` is the first that was not completed, "" for none, begun at `since_ms`."""

    phases_ms: Mapping[str, float]
    missing: str
    since_ms: float


def came(peer: Peer, offer: Request | None, first_event_ms: float | None) -> Came:
    """How far: each phase begins where the one before ends, the first where the offer is answered."""
    ends = {
        "answer": _first(peer, "signalingState", "stable"),
        "ice": _first(peer, "iceConnectionState", "connected", "completed"),
        "dtls": _first(peer, "connectionState", "connected"),
        "channel": _first(peer, "channel ", "open"),
        "created": first_event_ms,
    }
    before = time(peer.at_ms) if offer is None else time(offer.at_ms) + time(offer.took_ms)
    phases_ms: dict[str, float] = {}
    for name, end in ends.items():
        if end is None:
            return Came(phases_ms, name, before)
        phases_ms[name], before = span(before, end), max(before, time(end))
    return Came(phases_ms, "", before)


def failure(peer: Peer, so_far: Came, waited_ms: float | None) -> Failure | None:
    """What ended the phase that is missing; `waited_ms` is how long was waited for it, None where it may yet come.

    None also where no offer was answered: then it is the request that tells.
    """
    phase = so_far.missing
    if phase == "answer" and peer.wrong is not None:
        refused = peer.wrong.step == "setRemoteDescription"
        return Failure("sdp" if refused else "request", phase if refused else "offer", peer.wrong.said)
    if phase in ("", "answer"):
        return None
    kind = "silence" if phase == "created" else phase
    failed = next((s for at, *s in peer.states if s[1] == "failed" and time(at) >= so_far.since_ms), None)
    if phase == "ice" and not peer.remote:
        return Failure(kind, phase, NO_CANDIDATE)
    if failed is not None and _STATE.fullmatch(failed[0]):
        return Failure(kind, phase, f"ended as {failed[0]} failed")
    return None if waited_ms is None else Failure(kind, phase, f"not done within {waited_ms / 1000:.1f} s")


def states(peer: Peer, most: int) -> Iterator[tuple[float, str, str]]:
    """Those of a PeerTrace."""
    for at_ms, name, value in peer.states[:most]:
        if _STATE.fullmatch(name) and re.fullmatch("[a-z-]{1,40}", value):
            yield span(peer.at_ms, at_ms), "readyState" if name.startswith("channel ") else name, value


def _first(peer: Peer, name: str, *values: str) -> float | None:
    return next((time(at) for at, of, value in peer.states if of.startswith(name) and value in values), None)
