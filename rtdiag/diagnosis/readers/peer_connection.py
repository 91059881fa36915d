"""One peer connection as a browser has seen it: what its states, candidates and bytes tell, in the words of the catalogue.

Readers fill in a PeerConnection (webrtc_internals.py, stats_reports.py); what failed is found here: ICE, DTLS, data channel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.model import counted

UNSEEN = (
    "what was asked over HTTP, and which events the server sent, cannot be seen from it: bring a HAR of the page, or what came "
    "over the data channel"
)
_THROUGH = frozenset({"connected", "completed"})
_LOST = frozenset({"failed", "disconnected"})
# So many checks without an answer, and seconds without a change, are no beginning any more.
_MANY_CHECKS, _LONG_S = 20, 5
# Packets that go out in this time: a handshake that is sent again and again, and speech, of which each packet holds 20 ms.
_DTLS_PACKETS, _PACKETS_OF_AUDIO = 8, 250


@dataclass
class PeerConnection:
    """What is known of one: `states` in their order by what is in them (ice, peer, dtls, gathering), candidates as `host udp`,
    `objects` the newest statistics by id, each with its type.

    `answered` says whether an answer was set, None where that is not told; `unchanged_s` for how long the states stayed as they
    were in the end; `failed` what was refused by the browser, with its words; `setting` what stands out of the configuration.
    """

    where: str = ""
    states: dict[str, list[str]] = field(default_factory=dict)
    local: list[str] = field(default_factory=list)
    remote: list[str] | None = None
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: bool | None = None
    offered: bool = False
    unchanged_s: float | None = None
    failed: list[str] = field(default_factory=list)
    setting: list[str] = field(default_factory=list)

    def enter(self, of: str, state: str) -> None:
        """Note a state, once until the next one."""
        found = self.states.setdefault(of, [])
        if state and found[-1:] != [state]:
            found.append(state)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The statistics of one type."""
        return [one for one in self.objects.values() if one.get("type") == kind]

    def total(self, kind: str, name: str) -> float:
        """The sum of a figure over all statistics of a type."""
        return sum(v for one in self.of_type(kind) if isinstance(v := one.get(name), int | float))

    def was(self, of: str, states: frozenset[str]) -> bool:
        """Whether it ever was in one of these states."""
        return not states.isdisjoint(self.states.get(of, ()))

    def last(self, of: str) -> str:
        """The state it was left in; closed counts as the one before."""
        found = [state for state in self.states.get(of, ()) if state != "closed"]
        return found[-1] if found else ""


def failures(pc: PeerConnection) -> list[Draft]:
    """What failed, the root first; empty where nothing did, or where that cannot be told yet."""
    drafts = [Draft(said, surface="client", where=pc.where) for said in dict.fromkeys(pc.failed)]
    found = "" if drafts else _broken(pc)
    if found:
        drafts.append(Draft("; ".join(facts(pc)), surface="ice", where=pc.where, observed=[found]))
    return drafts


def _broken(pc: PeerConnection) -> str:
    """What did not come about, as checks of rtdiag call it; "" where nothing is known to be wrong."""
    if _connected(pc):
        return _broken_later(pc)
    if pc.answered is False:
        return ""
    if not _found_a_way(pc):
        return _no_way(pc)
    if "failed" in pc.states.get("dtls", ()) or "failed" in pc.states.get("peer", ()):
        return "the DTLS handshake fails"
    return "DTLS gets no answer" if _for_long(pc, _DTLS_PACKETS) else ""


def _no_way(pc: PeerConnection) -> str:
    if pc.answered and pc.remote == []:
        return "the answer names no candidate"
    tried = pc.total("candidate-pair", "requestsSent") >= _MANY_CHECKS and not pc.total(
        "candidate-pair", "responsesReceived"
    )
    ended = pc.was("ice", _LOST) or pc.was("peer", _LOST)
    return "ICE finds no way" if tried or ended or (pc.answered and _for_long(pc)) else ""


def _broken_later(pc: PeerConnection) -> str:
    if pc.last("peer") in _LOST or pc.last("ice") in _LOST:
        return "no sign of life in the session"
    waiting = [one for one in pc.of_type("data-channel") if one.get("state") == "connecting"]
    return "the data channel never opens" if waiting and _for_long(pc, _PACKETS_OF_AUDIO) else ""


def _connected(pc: PeerConnection) -> bool:
    """Whether it ever stood; where neither the connection nor DTLS is told of, whether ICE did."""
    if pc.was("peer", _THROUGH) or pc.was("dtls", _THROUGH):
        return True
    opened = any(one.get("state") == "open" for one in pc.of_type("data-channel"))
    return opened or (pc.was("ice", _THROUGH) and not pc.states.get("peer") and not pc.states.get("dtls"))


def _found_a_way(pc: PeerConnection) -> bool:
    return pc.was("ice", _THROUGH) or bool(pc.total("candidate-pair", "responsesReceived"))


def _for_long(pc: PeerConnection, packets: int = 0) -> bool:
    """Whether nothing has changed for long; where no times are told, whether so many packets were sent meanwhile."""
    if pc.unchanged_s is not None:
        return pc.unchanged_s >= _LONG_S
    return bool(packets) and pc.total("transport", "packetsSent") >= packets


def facts(pc: PeerConnection) -> Iterator[str]:
    """What is known of it, in words."""
    names = {
        "ice": "iceConnectionState",
        "peer": "connectionState",
        "dtls": "dtlsState",
        "gathering": "iceGatheringState",
    }
    for of, name in names.items():
        if states := pc.states.get(of):
            yield f"{name}: {', '.join(states[-8:])}"
    if pairs := pc.of_type("candidate-pair"):
        sent, back = (int(pc.total("candidate-pair", n)) for n in ("requestsSent", "responsesReceived"))
        yield f"{counted(len(pairs), 'candidate pair')}, {sent} checks sent, {back} answered"
    yield from (
        f"candidates {side}: {_counted(of)}"
        for side, of in (("here", pc.local), ("there", pc.remote))
        if of is not None
    )
    for channel in pc.of_type("data-channel"):
        yield f"data channel {str(channel.get('label') or '')[:80]}: {channel.get('state')}"
    yield from _bytes(pc)
    yield from pc.setting


def _counted(candidates: list[str]) -> str:
    found = Counter(candidates)
    return ", ".join(f"{n} {kind}" for kind, n in found.most_common(6)) or "none"


def _bytes(pc: PeerConnection) -> Iterator[str]:
    kind = next((k for k in ("transport", "candidate-pair") if any("bytesSent" in one for one in pc.of_type(k))), "")
    if kind:
        yield f"{int(pc.total(kind, 'bytesSent'))} bytes sent, {int(pc.total(kind, 'bytesReceived'))} received"
    sources = [one for one in pc.of_type("media-source") if "totalAudioEnergy" in one]
    if sources and not pc.total("media-source", "totalAudioEnergy"):
        yield "what the microphone gave was silence all the time"


def all_well(found: Mapping[str, PeerConnection] | list[PeerConnection]) -> str:
    """What to say where nothing failed: what was seen of each, what was not, and what to bring."""
    told = list(found.values()) if isinstance(found, Mapping) else found
    if not told:
        return (
            "it holds no peer connection: Chrome drops one when it is closed, so take the dump while the page is open"
        )
    if waiting := [pc for pc in told if pc.offered and pc.answered is False]:
        which = f" ({waiting[0].where})" if waiting[0].where else ""
        return (
            f"an offer was made and no answer was ever set{which}, so what failed came before the connection: {UNSEEN}"
        )
    stood = all(_connected(pc) for pc in told)
    seen = "; ".join(", ".join(facts(pc)) for pc in told[:3])
    if not stood:
        return f"nothing in it has failed yet, and it had not come through when this was taken: {seen}; {UNSEEN}"
    return f"nothing in it failed: {seen}; {UNSEEN}"
