"""A JSON report of a run, read back into the values of model.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rtdiag.api.endpoints import OFFICIAL_HOSTS
from rtdiag.model import Event, Exchange, PeerTrace
from rtdiag.report import reading


@dataclass(frozen=True)
class Record:
    """What a run asked and got. Times are unix seconds by the clock of the machine that ran it.

    `emulated` is the day of the emulator that was asked, None where it was none; `cases` holds the ids of each case's exchanges;
    `interrupted` says that the run did not come to its end.
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
    interrupted: bool = False

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


def report_in(text: str) -> Mapping[str, Any]:
    """The report in that text. Raises Unusable for anything else."""
    parsed = reading.json_report(text)
    record(parsed)
    return reading.masked(parsed)  # type: ignore[no-any-return]


def record(report: Any) -> Record:
    """The record of that report. Raises Unusable for what is none."""
    reading.refuse_stranger(report, needed=("target", "exchanges", "events", "peers", "started_at"))
    with reading.whole():
        return _record(report)


def _record(report: Mapping[str, Any]) -> Record:
    target = report["target"]
    emulated = target.get("emulator")
    exchanges, events, peers = reading.records_of(report)
    return Record(
        base_url=reading.fit("base_url", target["base_url"]),
        version=reading.fit("version", report["tool"]["version"]),
        started_at=reading.moment(report["started_at"]),
        finished_at=reading.moment(report["finished_at"]),
        emulated=reading.day(emulated["as_of"]) if emulated else None,
        exchanges=exchanges,
        events=events,
        peers=peers,
        cases={c["id"]: tuple(c["exchanges"]) for outcome in report.get("checks", ()) for c in outcome["cases"]},
        interrupted=report.get("interrupted") is True,
    )
