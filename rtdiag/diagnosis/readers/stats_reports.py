"""What `getStats()` gave, as JSON or as consoles, Node and aiortc print it: a list of reports, or reports by their id.

Types and fields: W3C webrtc-stats; of a list of such lists, taken one after the other, the newest report of an id counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rtdiag.diagnosis.readers.forms import Reading
from rtdiag.diagnosis.readers.peer_connection import PeerConnection, all_well, failures
from rtdiag.diagnosis.readers.plain import at, text_at

_TYPES = frozenset(
    {
        *(
            "inbound-rtp",
            "outbound-rtp",
            "remote-inbound-rtp",
            "remote-outbound-rtp",
            "codec",
            "media-source",
            "media-playout",
        ),
        *(
            "peer-connection",
            "data-channel",
            "transport",
            "candidate-pair",
            "local-candidate",
            "remote-candidate",
            "certificate",
        ),
    }
)
_MOST_REPORTS = 20_000


def read_stats(value: Any) -> Reading | None:
    """What failed according to the reports in a value; None where it holds anything else."""
    reports = list(_reports(value))
    if not reports or not all(text_at(one, "type") in _TYPES for one in reports[:_MOST_REPORTS]):
        return None
    pc = PeerConnection(where="getStats")
    for one in reports[:_MOST_REPORTS]:
        _take(pc, one)
    _from_pairs(pc)
    drafts = failures(pc)
    return Reading("getStats output", drafts, note="" if drafts else all_well([pc]))


def _reports(value: Any, depth: int = 0) -> Iterator[Any]:
    """The reports in a list, in pairs of id and report, in a mapping, and in lists of such."""
    if isinstance(value, Mapping) and isinstance(value.get("type"), str) and "id" in value:
        yield value
    elif isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        yield from _reports(value[1], depth + 1)
    elif isinstance(value, Mapping | list) and depth < 4:
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _reports(inner, depth + 1)
    else:
        yield value


def _take(pc: PeerConnection, one: Mapping[str, Any]) -> None:
    pc.objects[str(one["id"])] = dict(one)
    kind = one["type"]
    if kind == "transport":
        pc.enter("ice", str(at(one, "iceState") or ""))
        pc.enter("dtls", str(at(one, "dtlsState") or ""))
    elif kind in ("local-candidate", "remote-candidate"):
        pc.remote = pc.remote or []
        side = pc.local if kind == "local-candidate" else pc.remote
        side.append(f"{one.get('candidateType')} {one.get('protocol')}")


def _from_pairs(pc: PeerConnection) -> None:
    """What Firefox tells of ICE by the pairs alone."""
    states = {str(pair.get("state")) for pair in pc.of_type("candidate-pair")}
    if not pc.states.get("ice") and states:
        pc.enter("ice", "connected" if "succeeded" in states else "failed" if states == {"failed"} else "checking")
