"""A JSON report of a run, read back into the values of model.py."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from types import NoneType
from typing import Any, TypeVar

from rtdiag.api.endpoints import OFFICIAL_HOSTS
from rtdiag.drift import evening
from rtdiag.model import Event, Exchange, Failure, PeerTrace

T = TypeVar("T")

# The fields that are more than a text, by their names in model.py.
_TYPES: Mapping[str, tuple[type, ...]] = {
    "status": (int, NoneType),
    "at_ms": (int, float),
    "failure": (Failure, NoneType),
    "close": (Mapping, NoneType),
    **dict.fromkeys(("request_body", "body", "credential_from", "offered_in", "selected_pair"), (str, NoneType)),
    **dict.fromkeys(("correlation", "timing_ms", "candidates", "phases_ms"), (Mapping,)),
    **dict.fromkeys(("request_headers", "response_headers", "states"), (list, tuple)),
}


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
    except KeyError as error:
        raise ValueError(f"not a whole report of rtdiag: it lacks {error}") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f"not a whole report of rtdiag: {error}") from None


def _record(report: Mapping[str, Any]) -> Record:
    target = report["target"]
    emulated = target.get("emulator")
    return Record(
        base_url=_fit("base_url", target["base_url"]),
        version=_fit("version", report["tool"]["version"]),
        started_at=_moment(report["started_at"]),
        finished_at=_moment(report["finished_at"]),
        emulated=date.fromisoformat(emulated["as_of"]) if emulated else None,
        exchanges=tuple(_exchange(x) for x in report["exchanges"]),
        events=tuple(_of(Event, e) for e in report["events"]),
        peers=tuple(_peer(p) for p in report["peers"]),
        cases={c["id"]: tuple(c["exchanges"]) for outcome in report.get("checks", ()) for c in outcome["cases"]},
        interrupted=report.get("interrupted") is True,
    )


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(_fit("a time", text)).astimezone(UTC)


def _exchange(given: Mapping[str, Any]) -> Exchange:
    pairs = {
        name: tuple((_fit("header", k), _fit("header", v)) for k, v in given[name])
        for name in ("request_headers", "response_headers")
    }
    exchange = _of(Exchange, {**given, **pairs, "failure": _failure(given)})
    if exchange.body_encoding == "base64":
        base64.b64decode(exchange.body or "", validate=True)
    return exchange


def _peer(given: Mapping[str, Any]) -> PeerTrace:
    return _of(PeerTrace, {**given, "failure": _failure(given)})


def _failure(given: Mapping[str, Any]) -> Failure | None:
    return _of(Failure, given["failure"]) if given["failure"] else None


def _of(kind: type[T], given: Mapping[str, Any]) -> T:
    """A value of that dataclass; what a later version wrote beside its fields is left out."""
    if not isinstance(given, Mapping):
        raise TypeError(f"{evening.brief(given)} is no {kind.__name__}")
    known = [f.name for f in fields(kind) if f.name in given]  # type: ignore[arg-type]
    return kind(**{name: _fit(name, given[name]) for name in known})


def _fit(name: str, value: Any) -> Any:
    """What a field of that name can hold; half a surrogate, which nothing can send, becomes `?`. Raises TypeError."""
    if isinstance(value, bool) or not isinstance(value, _TYPES.get(name, (str,))):
        raise TypeError(f"{name} cannot be {evening.brief(value)}")
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
