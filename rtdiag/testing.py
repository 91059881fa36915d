"""For the tests of checks, rtdiag's own and other people's: answers made by hand, and whole runs on the emulator.

report = run_on_emulator(faults=["key-revoked"], only=["key"])
assert finding(report, "key.accepted").status == "fail"
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from rtdiag import whole_run
from rtdiag.api.endpoints import Dialect
from rtdiag.emulator import Emulator
from rtdiag.emulator.session.turn_taking import Rule, patience
from rtdiag.engine import registry
from rtdiag.engine.check import Check
from rtdiag.engine.config import Config, make
from rtdiag.engine.registry import Registry
from rtdiag.engine.results import explained
from rtdiag.model import Evidence, Exchange, Finding, Observation, Report, Row

# However busy the machine is, no test of a check may be cut short.
_LIMIT_S = 600.0


def exchange(
    status: int | None = 200,
    body: Any = "",
    *,
    url: str = "http://api.test/v1",
    credential: str = "api-key",
    **more: Any,
) -> Exchange:
    """An exchange as a judge sees it. `body` is text, or anything that becomes JSON; `headers` is a mapping."""
    text = body if isinstance(body, str) else json.dumps(body)
    headers = tuple(more.pop("headers", {}).items())
    return Exchange("x1", "POST", url, credential, status=status, body=text, response_headers=headers, **more)


def refusal(status: int, code: str | None = None, message: str = "", **more: Any) -> Exchange:
    """An exchange that holds the API's error object."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return exchange(status, {"error": error}, **more)


def judge(
    check: Check,
    seen: Sequence[Observation],
    *,
    dialects: Collection[Dialect] = frozenset[Dialect](["ga"]),
    official: bool = True,
    today: date = date(2026, 11, 22),
) -> Mapping[str, Finding]:
    """What the check's judge says of this evidence, by case id, with the cause that diagnosis names for it."""
    evidence = Evidence({s.case: s for s in seen}, frozenset(dialects), official, today)
    return {f.case: explained(f, evidence.seen.get(f.case)) for f in check.judge(evidence)}


def run_on_emulator(
    *,
    faults: Sequence[str] = (),
    as_of: date | None = None,
    only: Collection[str] = (),
    allow: Collection[str] = (),
    longest_s: float = 10.0,
    checks: Mapping[str, Check] | None = None,
    ends: Rule = patience,
    **options: Any,
) -> Report:
    """A whole run against an emulator of its own. `options` go into RunOptions; no phase waits longer than `longest_s`.

    `ends` is the emulator's rule by which silence ends a turn. Where a check waits for a token to end, the emulator's clock is
    moved instead.
    """
    waited_s = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal waited_s
        waited_s += seconds

    config = Config(emulator=True, only=tuple(only), allow=tuple(allow), timeout_s=longest_s)
    settings = make(config, {})
    settings = replace(settings, options=replace(settings.options, **options))
    emulator = Emulator(as_of, faults, clock=lambda: time.time() + waited_s, ends=ends)
    known = Registry(dict(checks or registry.load().checks))
    ready = whole_run.planned(config, settings, known, emulator)
    return asyncio.run(whole_run.ask(replace(ready, limit_s=_LIMIT_S), sleep=sleep))


def row(report: Report, case_id: str) -> Row:
    """The row of a case by its full id; raises KeyError when the report has none."""
    found = {f"{o.id}.{r.id}": r for o in report.checks for r in o.rows}
    return found[case_id]


def finding(report: Report, case_id: str) -> Finding:
    """The finding of a case by its full id; raises KeyError when the report has none."""
    return row(report, case_id).finding
