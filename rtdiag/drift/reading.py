"""A JSON report of a run, read back into the values of model.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, TypeVar

from rtdiag.api.endpoints import OFFICIAL_HOSTS
from rtdiag.model import Event, Exchange, Failure, PeerTrace

T = TypeVar("T")


@dataclass(frozen=True)
class Record:
    """What a run asked and got. Times are unix seconds by the clock of the machine that ran it.

    `emulated` is the day of the emulator that was asked, None where it was none; `cases` holds the ids of each case's exchanges.
    """

    base_url: str
    version: str
    started_at: datetime
    finished_at: datetime
    emulated: date | None
    exchanges: tuple[Exchange, ...]
    events: tuple[Event, ...]
    peers: tuple[PeerTrace, ...]
    cases: Mapping[str, tuple[str, ...]]

    def path(self, exchange: Exchange) -> str | None:
        """The path and query below the base URL, None for an exchange with another server."""
        base = self.base_url.rstrip("/")
        url = exchange.url if "://" in exchange.url else base + exchange.url
        url, base = (text.partition("://")[2] for text in (url, base))
        below = url.removeprefix(base)
        return below if below != url and below[:1] in ("/", "?", "") else None

    @property
    def official(self) -> bool:
        """Whether it was OpenAI's own API that was asked."""
        return self.base_url.partition("://")[2].partition("/")[0] in OFFICIAL_HOSTS


def report_in(text: str | bytes) -> Mapping[str, Any]:
    """The report in that text. Raises ValueError, in one line, for anything else."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a report of rtdiag: it is no JSON ({error})") from None
    record(parsed)
    return parsed  # type: ignore[no-any-return]


def record(report: Any) -> Record:
    """The record of that report. Raises ValueError, in one line, for what is none."""
    if not isinstance(report, Mapping) or not {"target", "exchanges", "events", "peers", "started_at"} <= report.keys():
        raise ValueError("not a report of rtdiag: make one by `rtdiag run -o json`")
    try:
        return _record(report)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a whole report of rtdiag: {type(error).__name__}: {error}") from None


def _record(report: Mapping[str, Any]) -> Record:
    target = report["target"]
    emulated = target.get("emulator")
    return Record(
        base_url=target["base_url"],
        version=report["tool"]["version"],
        started_at=datetime.fromisoformat(report["started_at"]),
        finished_at=datetime.fromisoformat(report["finished_at"]),
        emulated=date.fromisoformat(emulated["as_of"]) if emulated else None,
        exchanges=tuple(_exchange(x) for x in report["exchanges"]),
        events=tuple(_of(Event, e) for e in report["events"]),
        peers=tuple(_peer(p) for p in report["peers"]),
        cases={c["id"]: tuple(c["exchanges"]) for outcome in report.get("checks", ()) for c in outcome["cases"]},
    )


def _exchange(given: Mapping[str, Any]) -> Exchange:
    pairs = {name: tuple((str(k), str(v)) for k, v in given[name]) for name in ("request_headers", "response_headers")}
    return _of(Exchange, {**given, **pairs, "failure": _failure(given)})


def _peer(given: Mapping[str, Any]) -> PeerTrace:
    return _of(PeerTrace, {**given, "failure": _failure(given)})


def _failure(given: Mapping[str, Any]) -> Failure | None:
    return _of(Failure, given["failure"]) if given["failure"] else None


def _of(kind: type[T], given: Mapping[str, Any]) -> T:
    """A value of that dataclass; what a later version wrote beside its fields is left out."""
    return kind(**{f.name: given[f.name] for f in fields(kind) if f.name in given})  # type: ignore[arg-type]
