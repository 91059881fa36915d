"""A report read back from what rtdiag wrote: the JSON report, its ndjson, or a cassette of `--record`.

Every problem is an Unusable of one line that names the field. What a later version wrote beside the known fields is left out, and
what an older or shorter one lacks takes its default, so that a cassette written by hand needs little.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date
from itertools import chain
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rtdiag.intake import Limit, Malformed, Unusable, json_of
from rtdiag.model import Report
from rtdiag.model.json_report import Wrong, decoded
from rtdiag.recorded import unfolding
from rtdiag.recorded.ndjson_lines import joined
from rtdiag.recorded.version import refuse_other_version
from rtdiag.redact import Mask
from rtdiag.redact.seal import intact

T = TypeVar("T")
V = TypeVar("V")

_SHORT = 80
_AT_ONCE = 500
FILE = Limit(32 * 1024 * 1024, "no report of rtdiag is")
_NO_REPORT = "not a report of rtdiag: make one by `rtdiag run -o json`"
_NEEDED = ("target", "exchanges", "started_at")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_LACKS = re.compile(r"Object missing required field `(\w+)`")


def report_in(text: str, *, whole: bool = False, target: str = "") -> Report:
    """The report in that text, in any of the three forms; of several the one of that `target`, which a single one must be of, too.

    Raises Unusable for anything else, and where `whole` for a cassette.
    """
    parsed, sealed = _parsed(text), intact(text)
    if isinstance(parsed, Mapping) and isinstance(parsed.get("reports"), list):
        refuse_other_version(parsed)
        parsed = _of_target(parsed["reports"], target)
    elif target and (name := _name(parsed)) != target:
        raise Unusable(
            f"it is the report of {f'the target {name[:_SHORT]!r}' if name else 'no target'}, not of {target!r}"
        )
    if not unfolding.is_cassette(parsed):
        return report(parsed, sealed=sealed)
    if whole:
        raise Unusable("a cassette, which leaves out credentials and headers: give the JSON report of that run")
    return report(unfolding.unfolded(parsed))


def _of_target(reports: list[Any], target: str) -> Any:
    found = [one for one in reports if target and _name(one) == target] if target else reports
    if len(found) == 1:
        return found[0]
    names = ", ".join(_name(one)[:_SHORT] or "one without a name" for one in reports[:20]) or "none"
    if target:
        raise Unusable(f"it holds no report of a target {target!r}, but of {names}")
    raise Unusable(f"it holds the reports of several targets ({names}): name one by --target, or give its report alone")


def _name(parsed: Any) -> str:
    """What the user called the server of that report, or cassette; "" where nothing is told."""
    for step in ("rtdiag", "target", "name"):
        parsed = parsed.get(step, parsed if step == "rtdiag" else None) if isinstance(parsed, Mapping) else None
    return parsed if isinstance(parsed, str) else ""


def report(parsed: Any, mask: Mask | None = None, *, sealed: bool = False) -> Report:
    """The report in that JSON value, without the secrets that `mask` and the environment know. Raises Unusable for what is none.

    `sealed` says that it is as rtdiag wrote it, which is masked again only where it holds what is known now.
    """
    if not isinstance(parsed, Mapping) or not parsed.keys() & {"tool", *_NEEDED}:
        raise Unusable(_NO_REPORT)
    refuse_other_version(parsed)
    if lacking := [name for name in _NEEDED if name not in parsed]:
        raise _unfit(f"it lacks {lacking[0]!r}")
    given, mask = _json(parsed), mask or Mask()
    mask.learn_environment(os.environ)
    if not sealed or mask.knows_of(_texts(given)):
        given = _masked(given, mask)
    given = {"interrupted": "exit_code" not in given, "finished_at": given["started_at"], **given}
    try:
        return _sound(decoded(given))
    except Wrong as error:
        raise _unfit(_said(str(error), given)) from None


def _parsed(text: str) -> Any:
    """JSON; lines of JSON, as a run that was cut off leaves them; or YAML."""
    if text.lstrip()[:1] not in ("{", "["):
        return unfolding.parsed(text)
    try:
        return json_of(text)
    except Unusable as error:
        if isinstance(error, Malformed) and (lines := joined(text)) is not None:
            return lines
        raise type(error)(f"not a report of rtdiag: {error}") from None


def _json(value: Any) -> Any:
    """The value with what JSON knows alone, and no half surrogates, which nothing can send. Raises Unusable."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list):
        return [_json(v) for v in value]
    if isinstance(value, Mapping):
        return {_json(str(k)): _json(v) for k, v in value.items()}
    raise Unusable(f"not a report of rtdiag: {_brief(value)} is no JSON")


def _masked(given: dict[str, Any], mask: Mask) -> dict[str, Any]:
    """The same without secrets: what wrote it may have known less of them, or have been a hand. See redact."""
    for exchange in _exchanges(given):
        _mask_exchange(exchange, mask)
    return mask.values(given, "report")  # type: ignore[no-any-return]


def _exchanges(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    held = given["exchanges"]
    return [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []


def _texts(given: Mapping[str, Any]) -> Iterator[str]:
    """Every text in it, some hundreds of one depth as lines; and what stands in base64."""
    level: list[Any] = [given]
    while level:
        texts = [one for one in level if isinstance(one, str)]
        yield from ("\n".join(texts[i : i + _AT_ONCE]) for i in range(0, len(texts), _AT_ONCE))
        inside = [
            chain(one, one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        ]
        level = [*chain.from_iterable(inside)]
    yield from filter(None, map(_bytes_of, _exchanges(given)))


def _bytes_of(exchange: Mapping[str, Any]) -> str | None:
    """The body that stands there in base64, a character for each byte."""
    if exchange.get("body_encoding") == "base64" and isinstance(exchange.get("body"), str):
        with contextlib.suppress(ValueError):
            return base64.b64decode(exchange["body"], validate=True).decode("latin-1")
    return None


def _mask_exchange(exchange: dict[str, Any], mask: Mask) -> None:
    """Headers by their names, which teach the mask what to hide elsewhere; a body in base64 by its bytes."""
    for name in ("request_headers", "response_headers"):
        pairs = exchange.get(name)
        if isinstance(pairs, list) and all(isinstance(p, list) and [type(x) for x in p] == [str, str] for p in pairs):
            exchange[name] = [list(mask.header(k, v, name)) for k, v in pairs]
    if (body := _bytes_of(exchange)) is not None:
        exchange["body"] = base64.b64encode(mask(body, "body").encode("latin-1", "replace")).decode("ascii")


def _sound(found: Report) -> Report:
    """The same report, its times in UTC, if its addresses, days and bodies are some, which no type tells. Raises Unusable."""
    emulator = found.target.emulator
    _read("target.base_url", found.target.base_url, lambda url: urlsplit(url).port)
    if emulator:
        _read("target.emulator.as_of", emulator["as_of"], date.fromisoformat)
    for case, ignored in ((row.id, row.finding.ignored) for check in found.checks for row in check.rows):
        _read(f"ignored.until of {case}", ignored.until if ignored else "9999-12-31", date.fromisoformat)
    for place, one in enumerate(found.exchanges):
        _read(f"exchanges[{place}].url", one.url, lambda url: urlsplit(url).port)
        if one.body_encoding == "base64":
            _read(f"exchanges[{place}].body", one.body or "", lambda body: base64.b64decode(body, validate=True))
    began = _read("started_at", found.started_at, lambda at: at.astimezone(UTC))
    return replace(
        found, started_at=began, finished_at=_read("finished_at", found.finished_at, lambda at: at.astimezone(UTC))
    )


def _read(where: str, given: T, read: Callable[[T], V]) -> V:
    """What `read` makes of it. Raises Unusable where it makes nothing of it."""
    try:
        return read(given)
    except (ValueError, OverflowError):
        raise _unfit(f"{where} cannot be {_brief(str(given))}") from None


def _unfit(how: str) -> Unusable:
    return Unusable(f"not a whole report of rtdiag: {how}")


def _said(error: str, given: Any) -> str:
    """What the decoder found, as a clause: which field, and what stands there."""
    what, _, path = error.partition(" - at `$")
    steps = [name or int(place) for name, place in _STEP.findall(path.partition("[...]")[0])]
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    if lacking := _LACKS.match(what):
        return f"{where or 'it'} lacks {lacking[1]!r}"
    for step in steps:
        given = given[step]
    return f"{where} cannot be {_brief(given)}"


def _brief(given: Any) -> str:
    """A value as a person can read it in one line."""
    text = json.dumps(given, ensure_ascii=False, default=lambda _: "binary")
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
