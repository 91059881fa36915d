"""The open questions of the emulator's makers, from questions.yaml, and what a report says of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal

import msgspec

from rtdiag.api import own_yaml
from rtdiag.compare import comparing, normalize
from rtdiag.compare.drift.record import path
from rtdiag.model import Event, Exchange, Report, api_error

_ABOUT_EVENTS = frozenset({"channel", "direction", "type"})
_OF_BOTH = frozenset({"code", "asked"})
_MOST_SHOWN = 6


_Field = Literal[
    "method", "path", "credential", "content_type", "asked", "status", "code", "case", "channel", "direction", "type"
]  # fmt: skip
_SHOWN = ("answer", "headers", "field", "sdp")


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of questions.yaml; the fields are explained there."""

    number: str
    ask: str
    known: str
    needs: str
    where: Sequence[Mapping[_Field, str | Sequence[int]]]
    show: Sequence[str] = ("answer",)

    def __post_init__(self) -> None:
        shown = [what.partition(":") for what in self.show]
        if strange := [kind for kind, _, _ in shown if kind not in _SHOWN]:
            raise ValueError(f"show: {strange[0]} is none of {', '.join(_SHOWN)}")
        patterns = [where["asked"] for where in self.where if "asked" in where]
        for pattern in (*patterns, *(name for kind, _, name in shown if kind == "sdp")):
            own_yaml.pattern(str(pattern))


@dataclass(frozen=True)
class OpenQuestion:
    """A question that a report touches: `shown` holds what it says, each with the ids of what says so."""

    number: str
    ask: str
    known: str
    shown: tuple[str, ...]


@cache
def questions() -> tuple[Question, ...]:
    """Every question, in the order of the file."""
    return own_yaml.listed(Question, ("rtdiag.compare.drift", "questions.yaml"))


def answered(report: Report) -> tuple[OpenQuestion, ...]:
    """The questions that the report touches."""
    found = ((q, tuple(_shown(report, q))) for q in questions())
    return tuple(OpenQuestion(q.number, q.ask, q.known, shown) for q, shown in found if shown)


def _shown(report: Report, question: Question) -> Iterator[str]:
    """What the report says, alike answers once, with where and by whom."""
    said: dict[str, list[str]] = {}
    for exchange in report.exchanges:
        if any(_means_exchange(report, where, exchange) for where in question.where):
            where = f"{exchange.method} {path(report, exchange)} with {exchange.credential}"
            said.setdefault(f"{where}: {_exchange_shown(exchange, question.show)}", []).append(exchange.id)
    for event in report.events:
        if any(_means_event(where, event) for where in question.where):
            said.setdefault(f"{event.channel}: {_event_shown(event, question.show)}", []).append(event.id)
    lines = [f"{comparing.listed(ids)} {normalize.cut(text)}" for text, ids in said.items()]
    yield from lines[:_MOST_SHOWN]
    if len(lines) > _MOST_SHOWN:
        yield f"and {len(lines) - _MOST_SHOWN} more"


def _means_exchange(report: Report, where: Mapping[_Field, Any], exchange: Exchange) -> bool:
    if where.keys() & _ABOUT_EVENTS or exchange.status is None or where.get("method") not in (None, exchange.method):
        return False
    if (below := path(report, exchange)) is None:
        return False
    fits: dict[str, Callable[[Any], bool]] = {
        "method": lambda m: exchange.method == m,
        "path": lambda glob: fnmatchcase(below, glob),
        "credential": lambda glob: fnmatchcase(exchange.credential, glob),
        "content_type": lambda glob: fnmatchcase(_content_type(exchange), glob),
        "asked": lambda pattern: re.search(pattern, exchange.request_body or "", re.DOTALL) is not None,
        "status": lambda statuses: exchange.status in statuses,
        "code": lambda glob: fnmatchcase((exchange.error and exchange.error.code) or "", glob),
        "case": lambda case: _control(report, case) == exchange.id,
    }
    return all(fits[name](wanted) for name, wanted in where.items())


def _content_type(exchange: Exchange) -> str:
    return {k.lower(): v for k, v in exchange.request_headers}.get("content-type", "")


def _control(report: Report, case: str) -> str | None:
    """The last exchange of that case, where it asked more than once."""
    asked = [
        row.seen.exchanges for outcome in report.checks for row in outcome.rows if f"{outcome.id}.{row.id}" == case
    ]
    return asked[0][-1].id if asked and len(asked[0]) > 1 else None


def _means_event(where: Mapping[_Field, Any], event: Event) -> bool:
    if not where.keys() <= _ABOUT_EVENTS | _OF_BOTH:
        return False
    error = event.error
    fits: dict[str, Callable[[Any], bool]] = {
        "channel": lambda glob: fnmatchcase(event.channel, glob),
        "direction": lambda direction: event.direction == direction,
        "type": lambda glob: fnmatchcase(event.type, glob),
        "asked": lambda pattern: re.search(pattern, event.raw) is not None,
        "code": lambda glob: fnmatchcase((error and error.code) or "", glob),
    }
    return all(fits[name](wanted) for name, wanted in where.items())


def _exchange_shown(exchange: Exchange, show: Sequence[str]) -> str:
    parts = []
    for what in show:
        kind, _, name = what.partition(":")
        if kind == "answer":
            parts.append(comparing.described(exchange))
        elif kind == "headers":
            held = [
                f"{k.lower()}: {normalize.text(v)}"
                for k, v in exchange.response_headers
                if fnmatchcase(k.lower(), name)
            ]
            parts.append("; ".join(held) or f"no {name}")
        elif kind == "field":
            parts.append(f"{name}: {_field(exchange.json, name)}")
        else:
            found = [line for line in (exchange.body or "").splitlines() if re.fullmatch(name, line)]
            parts.append(
                "; ".join(dict.fromkeys(str(normalize.text(line.partition(" ")[0])) for line in found)) or f"no {name}"
            )
    return ", ".join(parts)


def _event_shown(event: Event, show: Sequence[str]) -> str:
    fields = [what.partition(":")[2] for what in show if what.startswith("field:")]
    error = api_error(event.json)
    return ", ".join(f"{name}: {_field(event.json, name)}" for name in fields) or (
        f"error {error}" if error else event.type
    )


def _field(value: Any, place: str) -> str:
    for name in place.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return "absent"
        value = value[name]
    return normalize.brief(value)
