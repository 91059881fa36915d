"""Which phases of requests and connections became slower or faster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from rtdiag.compare import normalize
from rtdiag.compare.diff.answer_changes import where
from rtdiag.compare.diff.changes import Pace
from rtdiag.model import Report
from rtdiag.report.phrases import asker

# Assumed: what differs less than this differs between any two runs over the internet.
FACTOR, LEAST_MS = 2.0, 100.0

_EXCHANGE = ("dns", "connect", "tls", "wait", "total")
_PEER = ("answer", "ice", "dtls", "channel", "created")

Times = dict[tuple[str, str], list[float]]


def slower(old: Report, new: Report) -> tuple[Pace, ...]:
    """What takes longer by more than FACTOR and LEAST_MS, the most milliseconds first; a total only where no part explains it."""
    return _paces(_times(old), _times(new), sign=1)


def faster(old: Report, new: Report) -> tuple[Pace, ...]:
    """The same for what takes shorter."""
    return _paces(_times(old), _times(new), sign=-1)


def _paces(old: Times, new: Times, sign: int) -> tuple[Pace, ...]:
    found = {}
    for place in old.keys() & new.keys():
        before, after = median(old[place]), median(new[place])
        if _apart(before, after, sign):
            apart = sum(_apart(before, one, sign) for one in new[place])
            found[place] = Pace(*place, round(before, 1), round(after, 1), apart, len(new[place]))
    parts = {where for where, phase in found if phase != "total"}
    kept = [pace for (at, phase), pace in found.items() if phase != "total" or at not in parts]
    return tuple(sorted(kept, key=lambda p: (-abs(p.new_ms - p.old_ms), p.where, p.phase)))


def _apart(before: float, after: float, sign: int) -> bool:
    """Whether the second is that much more (or, with the sign -1, less) than the first."""
    less, more = (before, after) if sign > 0 else (after, before)
    return more > less * FACTOR and more - less > LEAST_MS


def _times(report: Report) -> Times:
    found: Times = {}
    for exchange in report.exchanges:
        for phase, took_ms in _numbers(exchange.timing_ms, _EXCHANGE):
            found.setdefault((where(report, exchange), phase), []).append(took_ms)
    for peer in report.peers:
        kind = asker(peer.by) + ("WebSocket connections" if peer.id.startswith("w") else "WebRTC connections")
        for phase, took_ms in _numbers(peer.phases_ms, _PEER):
            found.setdefault((kind, phase), []).append(took_ms)
    return found


def _numbers(timing: Mapping[str, Any], phases: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """The phases that have a time; what is none, in a report from elsewhere, is left out."""
    for phase in phases:
        took = timing.get(phase)
        if not isinstance(took, bool) and normalize.is_time(took):
            yield phase, float(took)
