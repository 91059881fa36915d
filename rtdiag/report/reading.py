"""A report read back from what rtdiag wrote: the JSON report, its ndjson, or a cassette of `--record`.

Every problem is an Unusable of one line: what is wrong. What a later version wrote beside the known fields is left out, and what
an older or shorter one lacks takes its default, so that a cassette written by hand needs little.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from functools import partial
from types import NoneType
from typing import Any, TypeVar, get_args
from urllib.parse import urlsplit

from rtdiag.api.endpoints import KINDS, Dialect
from rtdiag.intake import RECORDS, Limit, Malformed, Unusable, joined, json_of, refuse_other_version
from rtdiag.model import (
    Cost,
    CredentialShown,
    Diagnosis,
    Event,
    Exchange,
    Failure,
    Finding,
    Observation,
    Outcome,
    PeerTrace,
    Redaction,
    Report,
    Row,
    Status,
    Target,
)
from rtdiag.redact import Mask
from rtdiag.report import cassette

T = TypeVar("T")
Json = Mapping[str, Any]

# The fields that are more than a text, by their names in model.py.
_TYPES: Mapping[str, tuple[type, ...]] = {
    "status": (int, NoneType),
    "failure": (Failure, NoneType),
    "close": (Mapping, NoneType),
    "emulator": (Mapping, NoneType),
    "session": (Mapping, NoneType),
    **dict.fromkeys(("cause", "hint", "reason"), (str, NoneType)),
    **dict.fromkeys(("at_ms", "audio_seconds"), (int, float)),
    **dict.fromkeys(("requests", "tokens_minted", "sessions_opened", "count"), (int,)),
    **dict.fromkeys(("request_body", "body", "credential_from", "offered_in", "selected_pair"), (str, NoneType)),
    **dict.fromkeys(("correlation", "timing_ms", "candidates", "phases_ms"), (Mapping,)),
    **dict.fromkeys(("request_headers", "response_headers", "states", "dialects", "kinds"), (list, tuple)),
    **dict.fromkeys(("sources", "evidence", "against"), (list, tuple)),
}
# What stands inside of some of them: each item of a list, each value of a mapping.
_INSIDE: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("correlation", "close", "dialects", "kinds", "sources", "evidence", "against"), (str,)),
    **dict.fromkeys(("timing_ms", "phases_ms", "candidates"), (int, float)),
}
_ALLOWED: Mapping[str, frozenset[str]] = {"dialects": frozenset(get_args(Dialect)), "kinds": frozenset(KINDS)}
_SHORT = 80
FILE = Limit(32 * 1024 * 1024, "no report of rtdiag is")
_LARGEST_NUMBER = 1e12  # of a time or a count; beyond is none
NO_REPORT = "not a report of rtdiag: make one by `rtdiag run -o json`"


class Misfit(TypeError):  # noqa: N818 - what the part is
    """A part of a report is not as rtdiag writes it; the text is a clause: which part, and how it is."""


def report_in(text: str) -> Report:
    """The report in that text, in any of the three forms. Raises Unusable for anything else."""
    parsed = _parsed(text)
    if cassette.is_cassette(parsed):
        parsed = cassette.unfolded(parsed)
    return report(masked(_json(parsed)))


def _json(value: Any) -> Any:
    """The value with what JSON knows alone, and no half surrogates, which nothing can send. Raises Unusable."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_json(str(k)): _json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_json(v) for v in value]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise Unusable(f"not a report of rtdiag: {_brief(value)} is no JSON")


def masked(parsed: Any) -> Any:
    """The same JSON value without secrets: what wrote it may have known less of them, or have been a hand. See redact."""
    mask = Mask()
    mask.learn_environment(os.environ)
    held = parsed.get("exchanges") if isinstance(parsed, Mapping) else None
    for exchange in held if isinstance(held, list) else ():
        _mask_exchange(exchange, mask)
    return mask.values(parsed, "report")


def _mask_exchange(exchange: Any, mask: Mask) -> None:
    """Headers by their names, which teach the mask what to hide elsewhere; a body in base64 by its bytes."""
    if not isinstance(exchange, dict):
        return
    for name in ("request_headers", "response_headers"):
        pairs = exchange.get(name)
        if isinstance(pairs, list) and all(isinstance(p, list) and [type(x) for x in p] == [str, str] for p in pairs):
            exchange[name] = [list(mask.header(k, v, name)) for k, v in pairs]
    if exchange.get("body_encoding") == "base64" and isinstance(exchange.get("body"), str):
        with contextlib.suppress(ValueError):
            hidden = mask(base64.b64decode(exchange["body"], validate=True).decode("latin-1"), "body")
            exchange["body"] = base64.b64encode(hidden.encode("latin-1", "replace")).decode("ascii")


def report(parsed: Any) -> Report:
    """The report in that JSON value. Raises Unusable for what is none."""
    refuse_stranger(parsed, needed=("target", "exchanges", "started_at"))
    with whole():
        return _report(parsed)


def refuse_stranger(parsed: Any, needed: Sequence[str]) -> None:
    """Raises Unusable for what is no report, one of another version, or lacks any of these."""
    if isinstance(parsed, Mapping) and parsed.keys() & {"tool", "exchanges"}:
        refuse_other_version(parsed)
    if not isinstance(parsed, Mapping) or not parsed.keys() >= set(needed):
        raise Unusable(NO_REPORT)


@contextmanager
def whole() -> Iterator[None]:
    """Whatever the parts of a report raise within becomes an Unusable."""
    try:
        yield
    except KeyError as error:
        raise Unusable(f"not a whole report of rtdiag: it lacks {error.args[0]!r}") from None
    except Misfit as error:
        raise Unusable(f"not a whole report of rtdiag: {error}") from None
    except (TypeError, ValueError, AttributeError):
        raise Unusable("not a whole report of rtdiag: a part of it is not as rtdiag writes it") from None


def records_of(given: Json) -> tuple[tuple[Exchange, ...], tuple[Event, ...], tuple[PeerTrace, ...]]:
    """What a report was judged from. Raises Misfit or KeyError."""
    if not isinstance(given["exchanges"], list):
        raise Misfit(f"exchanges cannot be {_brief(given['exchanges'])}")
    return (
        tuple(each("exchanges", exchange, given)),
        tuple(each("events", event, given)),
        tuple(each("peers", peer, given)),
    )


def each(name: str, made: Callable[[Any], T], given: Json) -> Iterator[T]:
    """What is made of each in the list of that name. Raises Misfit or KeyError."""
    parts = given.get(name) or []
    if not isinstance(parts, list):
        raise Misfit(f"{name} cannot be {_brief(parts)}")
    for number, part in enumerate(parts):
        try:
            yield made(part)
        except (KeyError, Misfit):
            raise
        except (TypeError, ValueError, AttributeError):
            raise Misfit(f"{name}[{number}] is not as rtdiag writes it") from None


def exchange(given: Json) -> Exchange:
    """One exchange. Raises Misfit or KeyError, or what an odd shape raises."""
    pairs = {
        name: tuple((fit("header", k), fit("header", v)) for k, v in given.get(name) or ())
        for name in ("request_headers", "response_headers")
    }
    found = value(Exchange, {**given, **pairs, "failure": _failure(given)})
    if found.body_encoding == "base64" and not _is_base64(found.body or ""):
        raise Misfit("a body in base64 is none")
    return found


def peer(given: Json) -> PeerTrace:
    """One peer. Raises Misfit or KeyError, or what an odd shape raises."""
    told = given.get("states") or ()
    states = tuple((fit("at_ms", at), fit("state", name), fit("state", to)) for at, name, to in told)
    return value(PeerTrace, {**given, "states": states, "failure": _failure(given)})


def event(given: Json) -> Event:
    """One event. Raises Misfit or KeyError, or what an odd shape raises."""
    return value(Event, given)


def moment(text: Any) -> datetime:
    """A time in UTC. Raises Misfit."""
    try:
        return datetime.fromisoformat(fit("a time", text)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Misfit(f"a time cannot be {_brief(text)}") from None


def day(text: Any) -> date:
    """A day. Raises Misfit."""
    try:
        return date.fromisoformat(fit("a day", text))
    except ValueError:
        raise Misfit(f"a day cannot be {_brief(text)}") from None


def value(kind: type[T], given: Any) -> T:
    """A value of that dataclass; what a later version wrote beside its fields is left out. Raises Misfit or KeyError."""
    if not isinstance(given, Mapping):
        raise Misfit(f"{_brief(given)} is no {kind.__name__}")
    for one in fields(kind):  # type: ignore[arg-type]
        if one.name not in given and one.default is one.default_factory is MISSING:
            raise KeyError(one.name)
    known = [f.name for f in fields(kind) if f.name in given]  # type: ignore[arg-type]
    return kind(**{name: fit(name, given[name]) for name in known})


def fit(name: str, given: Any) -> Any:
    """What a field of that name can hold; half a surrogate, which nothing can send, becomes `?`. Raises Misfit."""
    if isinstance(given, bool) or not isinstance(given, _TYPES.get(name, (str,))):
        raise Misfit(f"{name} cannot be {_brief(given)}")
    _fit_inside(name, given)
    if name in ("url", "base_url") and not _is_url(str(given)):
        raise Misfit(f"{name} cannot be {_brief(given)}")
    return given.encode("utf-8", "replace").decode() if isinstance(given, str) else given


def _fit_inside(name: str, given: Any) -> None:
    """Raises Misfit for a number that is none, and for what a list or mapping of that name cannot hold."""
    inside = given.values() if isinstance(given, Mapping) else given if isinstance(given, list | tuple) else ()
    types, allowed = _INSIDE.get(name), _ALLOWED.get(name)
    for one in inside if types else ():
        if isinstance(one, bool) or not isinstance(one, types or object) or (allowed and one not in allowed):
            raise Misfit(f"{name} cannot hold {_brief(one)}")
    numbers = [one for one in (given, *(inside if types else ())) if isinstance(one, int | float)]
    if any(not abs(number) <= _LARGEST_NUMBER for number in numbers):
        raise Misfit(f"{name} cannot be {_brief(given)}")


def json_report(text: str) -> Any:
    """What a JSON text holds. Raises Unusable where it is none: Malformed where it may be lines of JSON."""
    try:
        return json_of(text)
    except Unusable as error:
        raise type(error)(f"not a report of rtdiag: {error}") from None


def _parsed(text: str) -> Any:
    """JSON; lines of JSON, as a run that was cut off leaves them; or YAML."""
    if text.lstrip()[:1] not in ("{", "["):
        return cassette.parsed(text)
    try:
        return json_report(text)
    except Malformed:
        if (lines := joined(text)) is None:
            raise
        return lines


def _report(given: Json) -> Report:
    exchanges, events, peers = records_of(given)
    records: list[Mapping[str, Any]] = [
        {x.id: x for x in exchanges},
        {e.id: e for e in events},
        {p.id: p for p in peers},
    ]
    checks = tuple(each("checks", partial(_outcome, records=records), given))
    target, tool = given["target"], given.get("tool") or {}
    overall = given.get("overall", "skip")
    return Report(
        version=fit("version", tool.get("version", "?")),
        started_at=moment(given["started_at"]),
        finished_at=moment(given.get("finished_at") or given["started_at"]),
        target=_target(target),
        credential=value(CredentialShown, given.get("credential") or {"kind": "none", "source": "", "masked": ""}),
        overall=_status(overall),
        exit_code=fit("count", given.get("exit_code", 130)),
        interrupted=bool(given.get("interrupted", "exit_code" not in given)),
        cost=value(Cost, given.get("cost") or {}),
        checks=checks,
        diagnosis=tuple(each("diagnosis", lambda d: value(Diagnosis, _tupled(d)), given)),
        corrected=None,
        exchanges=exchanges,
        events=events,
        peers=peers,
        not_tested=_texts(given, "not_tested"),
        left_open=_texts(given, "left_open"),
        redactions=tuple(each("redactions", partial(value, Redaction), given)),
    )


def _target(given: Any) -> Target:
    unsaid = {"model": "", "transcription_model": "", "recognised_as": "unknown", "dialects": ()}
    found = value(Target, unsaid | dict(given))
    if found.emulator is not None:
        day(found.emulator.get("as_of"))
        faults = found.emulator.get("faults")
        if not isinstance(faults, list) or not all(isinstance(fault, str) for fault in faults):
            raise Misfit(f"faults cannot be {_brief(faults)}")
    return found


def _outcome(given: Json, records: Sequence[Mapping[str, Any]]) -> Outcome:
    check_id = fit("id", given["id"])
    return Outcome(
        id=check_id,
        title=fit("title", given.get("title", "")),
        status=_status(given.get("status", "skip")),
        reason=fit("reason", given.get("reason")),
        duration_ms=fit("at_ms", given.get("duration_ms", 0.0)),
        requires=_texts(given, "requires"),
        cost=value(Cost, given.get("cost") or {}),
        rows=tuple(_row(check_id, case, records) for case in given.get("cases") or ()),
    )


def _row(check_id: str, given: Json, records: Sequence[Mapping[str, Any]]) -> Row:
    case_id = fit("id", given["id"]).removeprefix(f"{check_id}.")
    named = [
        [known[i] for i in given.get(key) or () if i in known] for key, known in zip(RECORDS, records, strict=True)
    ]
    exchanges, events, peers = (tuple(found) for found in named)
    facts = given.get("facts") or {}
    finding = Finding(
        case_id,
        _status(given.get("status", "skip")),
        fit("measured", given.get("measured", "")),
        fit("expected", given.get("expected", "")),
        fit("cause", given.get("cause")),
        fit("hint", given.get("hint")),
    )
    seen = Observation(case_id, exchanges, events, peers, facts if isinstance(facts, Mapping) else {})
    return Row(case_id, fit("title", given.get("title", "")), finding, seen)


def _is_url(text: str) -> bool:
    try:
        _ = urlsplit(text).port
    except ValueError:
        return False
    return True


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _failure(given: Json) -> Failure | None:
    return value(Failure, given["failure"]) if given.get("failure") else None


def _status(text: Any) -> Status:
    if text not in get_args(Status):
        raise Misfit(f"status cannot be {_brief(text)}")
    return text  # type: ignore[no-any-return]


def _texts(given: Json, name: str) -> tuple[str, ...]:
    return tuple(fit(name.removesuffix("s"), one) for one in given.get(name) or ())


def _tupled(given: Any) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in _items(given)}


def _items(given: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(given, Mapping):
        raise Misfit(f"{_brief(given)} is no Diagnosis")
    yield from given.items()


def _brief(given: Any) -> str:
    """A value as a person can read it in one line."""
    text = json.dumps(given, ensure_ascii=False, default=lambda _: "binary")
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
