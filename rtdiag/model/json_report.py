"""How a report stands in JSON. It is written, described (report/schema.json) and read back by the types made here.

Each is made from those of this room: a field that is declared there stands in the JSON under its name, and is read back. What
stands otherwise in JSON is said here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, make_dataclass
from typing import Annotated, Any, Literal, TypedDict, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta

from rtdiag.model.observation import Observation
from rtdiag.model.report import LedgerEntry, Report
from rtdiag.model.result import Finding, Outcome, Row, Status
from rtdiag.model.scalars import Count

T = TypeVar("T")

SCHEMA_VERSION = 1  # a change that scripts or this rtdiag cannot pass over counts it up
_NOT_ALWAYS = frozenset({"profile"})  # of an emulator that plays OpenAI's own server
RECORDS = ("exchanges", "events", "peers")  # what cases rest on, and name by ids
# What is computed from the rest.
DERIVED = ("schema_version", "summary", "ledger", "masking", "seal")

Wrong = msgspec.ValidationError  # raised by `decoded`: what is wrong, and in which field

_IDS = (tuple[str, ...], ())


@dataclass(frozen=True)
class Tool:
    """What wrote the report."""

    name: Annotated[str, Meta(extra_json_schema={"const": "rtdiag"})] = "rtdiag"
    version: str = "?"


Summary = TypedDict("Summary", dict.fromkeys(get_args(Status), Count), total=False)  # type: ignore[misc]


def _made_of(name: str, *kinds: Any, without: str = "", before: Mapping[str, str] | None = None, **more: Any) -> Any:
    """A dataclass with the fields of these `kinds` but those named in `without`.

    `more` holds others, or the same otherwise, each with its type and default; `before` says before which one a field stands.
    """
    found: dict[str, tuple[Any, Any, Any]] = {}
    for kind in kinds:
        types = get_type_hints(kind, include_extras=True)
        found |= {one.name: (types[one.name], one.default, one.default_factory) for one in fields(kind)}
    found |= {key: (of, default, MISSING) for key, (of, default) in more.items()}
    order = [key for key in found if key not in without.split()]
    for key, later in (before or {}).items():
        order.remove(key)
        order.insert(order.index(later), key)
    made = [(key, found[key][0], field(default=found[key][1], default_factory=found[key][2])) for key in order]
    return make_dataclass(name, made, frozen=True, kw_only=True)


# `id` is that of the check and of the case, `hint` also what to use instead, and `curl` the lines that ask it again.
JsonCase = _made_of(
    "Case",
    *(Row, Finding, Observation),
    without="case finding seen instead show_body line column",
    before={"expected": "measured", "curl": "exchanges", "observed": "curl", "cause": "hint"},
    title=(str, ""),
    status=(Status, "skip"),
    curl=(str | None, None),
    **dict.fromkeys(RECORDS, _IDS),
)
JsonCheck = _made_of("Check", Outcome, without="rows", cases=(tuple[JsonCase, ...], ()))  # type: ignore[valid-type]
JsonReport = _made_of(
    "Report",
    Report,
    without="version",
    before={"schema_version": "started_at", "tool": "started_at", "summary": "cost", "ledger": "not_tested"}
    | {"masking": "redactions"},
    schema_version=(Literal[1], SCHEMA_VERSION),
    tool=(Tool, Tool()),
    summary=(Summary, None),
    checks=(tuple[JsonCheck, ...], ()),  # type: ignore[valid-type]
    ledger=(tuple[LedgerEntry, ...], ()),
    masking=(str, ""),
    seal=(str, ""),  # the last: see redact/seal.py
)


def made(kind: type[T], *sources: Any, **more: Any) -> T:
    """A value of that dataclass: each field as `more` has it, else as the first of the `sources` that has one of its name."""
    for one in fields(kind):  # type: ignore[arg-type]
        held = next((source for source in sources if hasattr(source, one.name)), None)
        if held is not None:
            more.setdefault(one.name, getattr(held, one.name))
    return kind(**more)


def decoded(given: Mapping[str, Any]) -> Report:
    """The report of these plain values; what a later version wrote beside the known fields is left out. Raises Wrong."""
    told = msgspec.convert(given, JsonReport)
    records = {name: {one.id: one for one in getattr(told, name)} for name in RECORDS}
    checks = tuple(made(Outcome, check, rows=_rows(check, records)) for check in told.checks)
    return made(Report, told, version=told.tool.version, checks=checks)


def _rows(check: Any, records: Mapping[str, Mapping[str, Any]]) -> tuple[Row, ...]:
    return tuple(_row(told.id.removeprefix(f"{check.id}."), told, records) for told in check.cases)


def _row(case: str, told: Any, records: Mapping[str, Mapping[str, Any]]) -> Row:
    seen = {name: tuple(known[i] for i in getattr(told, name) if i in known) for name, known in records.items()}
    finding = made(Finding, told, case=case)
    return made(Row, told, id=case, finding=finding, seen=made(Observation, told, case=case, **seen))


def schema() -> dict[str, Any]:
    """The JSON Schema of what rtdiag writes: every field is there but for one, and no other."""
    _, parts = msgspec.json.schema_components([JsonReport], ref_template="#/$defs/{name}")
    whole = {**parts.pop("Report"), "title": "rtdiag report", "$defs": parts}
    for part in _parts(whole):
        if "properties" in part:
            part.pop("description", None)
            part |= {
                "additionalProperties": False,
                "required": [one for one in part["properties"] if one not in _NOT_ALWAYS],
            }
        part.pop("default", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}


def _parts(value: Any) -> Iterable[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(inner)
