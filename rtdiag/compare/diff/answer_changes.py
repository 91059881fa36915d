"""Where the same question got another answer: the requests and events of each case that both runs asked, one beside the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rtdiag.api.expressions import expression
from rtdiag.compare import normalize
from rtdiag.compare.diff import differences
from rtdiag.compare.diff.case_changes import Case
from rtdiag.compare.diff.changes import Change, Place
from rtdiag.compare.diff.differences import Difference
from rtdiag.model import Event, Exchange, Report
from rtdiag.report.phrases import asker

Record = Exchange | Event
Ids = tuple[str, str]
Pair = tuple[str, int, Record | None, Record | None]  # where, the how manieth there, and the records of both runs

_OWN_PORT = expression(r"(?<=^127\.0\.0\.1):\d+(?=/)")  # of the server of rtdiag's page, another one in each run
_ORDER = ("status", "code", "type", "param", "message", "count", "header", "session", "body", "sdp")


def changes(old: Report, new: Report, before: Mapping[str, Case], after: Mapping[str, Case]) -> tuple[Change, ...]:
    """Every change, with all places where it is the same one; what says most comes first."""
    found: dict[tuple[str, Difference], dict[Ids, list[str]]] = {}
    known: dict[Ids, tuple[Difference, ...]] = {}
    for case in sorted(before.keys() & after.keys()):
        one, other = before[case], after[case]
        for where, number, first, second in _pairs(old, new, one, other):
            ids = (first.id if first else "", second.id if second else "")
            if first is None or second is None:
                told = _alone(number, first) if one.judged.status == other.judged.status else ()
            else:
                told = known[ids] if ids in known else differences.between(old, new, first, second)
                known[ids] = told
            for one_told in told:
                found.setdefault((where, one_told), {}).setdefault(ids, []).append(case)
    return tuple(sorted((_change(*key, places) for key, places in found.items()), key=_rank))


def where(report: Report, exchange: Exchange) -> str:
    """Who asked, method and path below the base URL, without a query and with ids as placeholders: two runs name it alike."""
    scheme, _, url = exchange.url.partition("?")[0].rpartition("://")
    base = report.target.base_url.rpartition("://")[2].rstrip("/")
    path = _OWN_PORT.sub("", url.removeprefix(base)) or "/"
    over = " over WebSocket" if scheme in ("ws", "wss") else ""
    return normalize.cut(f"{asker(exchange.by)}{exchange.method} {normalize.unnamed(path)}{over}")


def _pairs(old: Report, new: Report, before: Case, after: Case) -> Iterator[Pair]:
    """The records of a case, each beside that of the same place in the other run, None where there is none."""
    ours, theirs = _records(old, before), _records(new, after)
    for key in sorted(ours.keys() | theirs.keys()):
        yield *key, ours.get(key), theirs.get(key)


def _records(report: Report, case: Case) -> dict[tuple[str, int], Record]:
    """Its requests by method, path and number, and the events that tell of a session or an error by type and number."""
    told: list[tuple[str, Record]] = [(where(report, x), x) for x in case.seen.exchanges]
    told += [(e.type, e) for e in case.seen.events if e.direction == "received" and e.type in differences.EVENTS]
    found: dict[tuple[str, int], Record] = {}
    counts: dict[str, int] = {}
    for at, record in told:
        found[at, counts.setdefault(at, 0)] = record
        counts[at] += 1
    return found


def _alone(number: int, old: Record | None) -> tuple[Difference, ...]:
    more, less = f"{number + 1} of them", f"{number} of them"
    return (("count", "", more, less) if old else ("count", "", less, more),)


def _change(where: str, told: Difference, places: Mapping[Ids, list[str]]) -> Change:
    return Change(where, *told, tuple(Place(*ids, tuple(cases)) for ids, cases in sorted(places.items())))


def _rank(change: Change) -> tuple[int, str, str, str, str, str]:
    return _ORDER.index(change.what), change.where, change.of, change.old, change.new, change.places[0].old
