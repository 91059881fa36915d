"""For the tests of checks, causes and faults, rtdiag's own and other people's.

| to test | there is |
|---|---|
| what a judge says | `judge`, of observations that hold an `exchange` or a `refusal` made by hand |
| what a check does | `run_on_emulator`, a whole run; of its report a `row`, or its `finding` |
| that a fault is seen | `unseen`: all that a whole run shows otherwise than the fault's entry says; `faults_of` a package |
| what a text is taken for | `cause_of` |

    report = run_on_emulator(faults=["key-revoked"], only=["key"])
    assert finding(report, "key.accepted").status == "fail"
    assert unseen("key-revoked") == []
    assert cause_of('{"error": {"code": "insufficient_quota"}}') == "quota-exhausted"
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from io import BytesIO
from typing import Any

from rtdiag import whole_run
from rtdiag.api import own_yaml
from rtdiag.api.endpoints import Dialect
from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.matching import UNKNOWN
from rtdiag.emulator import Emulator, Fault, load_faults
from rtdiag.emulator.session.turn_taking import Rule, patience
from rtdiag.engine import registry
from rtdiag.engine.check import Check
from rtdiag.engine.config import Config, make
from rtdiag.engine.registry import Registry
from rtdiag.engine.results import checked, explained
from rtdiag.model import Evidence, Exchange, Finding, Observation, Report, Row
from rtdiag.redact import Mask

__all__ = [
    "cause_of",
    "exchange",
    "faults_of",
    "finding",
    "judge",
    "refusal",
    "row",
    "run_on_emulator",
    "unseen",
]

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
    """What the check's judge says of this evidence, by case id, with the cause that diagnosis names for it.

    Raises ValueError for a finding that a run refuses.
    """
    evidence = Evidence({s.case: s for s in seen}, frozenset(dialects), official, today)
    return {f.case: explained(checked(f), evidence.seen.get(f.case)) for f in check.judge(evidence)}


def run_on_emulator(
    *,
    faults: Sequence[str] = (),
    as_of: date | None = None,
    only: Collection[str] = (),
    allow: Collection[str] = (),
    longest_s: float = 10.0,
    checks: Mapping[str, Check] | None = None,
    ends: Rule = patience,
    profile: str = "openai",
    browser: str | None = None,
    **options: Any,
) -> Report:
    """A whole run against an emulator of its own. `options` go into RunOptions; no phase waits longer than `longest_s`.

    `browser` opens its page, as `rtdiag run --browser` does.

    The emulator is the server of that `profile`; `ends` is its rule by which silence ends a turn. Where a check waits for a token
    to end, its clock is moved instead.
    """
    waited_s = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal waited_s
        waited_s += seconds

    config = Config(emulator=True, only=tuple(only), allow=tuple(allow), timeout_s=longest_s, browser=browser)
    settings = make(config, {})
    settings = replace(settings, options=replace(settings.options, profile=profile, **options))
    emulator = Emulator(as_of, faults, clock=lambda: time.time() + waited_s, ends=ends, profile=profile)
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


def cause_of(text: str) -> str:
    """The code of the cause that `rtdiag explain -` names first for a text, or `unknown`."""
    found = [diagnosis.cause for one in explain(BytesIO(text.encode()), "-", Mask()) for diagnosis in one.diagnosis]
    return found[0] if found else UNKNOWN


def faults_of(package: str) -> list[str]:
    """The ids of the faults in the `faults.yaml` of a package. Raises BadData, in one line, where it cannot be used."""
    return [fault.id for fault in own_yaml.listed(Fault, (package, "faults.yaml"))]


def unseen(fault_id: str, **options: Any) -> list[str]:
    """What a whole run under a fault shows otherwise than the fault's entry says, a line each: nothing where all is well.

    Each case of its `sees` must have its status and its cause, and tell what is to be done; that cause is the first of the verdict,
    and no other is held with high confidence; and no check may break. `options` are those of `run_on_emulator`.
    """
    fault = load_faults()[fault_id]
    options.setdefault("profile", next(iter(fault.profiles), "openai"))
    report = run_on_emulator(faults=[fault_id], **options)
    return [*_other_cases(fault, report), *_other_verdict(fault, report)]


def _other_cases(fault: Fault, report: Report) -> Iterator[str]:
    found = {f"{o.id}.{r.id}": r.finding for o in report.checks for r in o.rows}
    yield from (f"{case}: it broke: {f.measured}" for case, f in found.items() if f.status == "error")
    for glob in fault.sees:
        meant = [case for case in found if fnmatchcase(case, glob)]
        if not meant:
            yield f"{glob}: no case is called so"
        for case in meant:
            yield from _other_finding(fault, case, found[case])


def _other_finding(fault: Fault, case: str, found: Finding) -> Iterator[str]:
    if found.status == "error":
        return
    if (found.status, found.cause) != (fault.status, fault.cause):
        yield f"{case}: {_told(found.status, found.cause)}, not {_told(fault.status, fault.cause)}: {found.measured}"
    elif not found.hint:
        yield f"{case}: nothing says what is to be done"


def _other_verdict(fault: Fault, report: Report) -> Iterator[str]:
    first = next((d.cause for d in report.diagnosis), None)
    if first != fault.cause:
        yield f"the first cause of the run is {first}, not {fault.cause}"
    for other in report.diagnosis:
        if other.confidence == "high" and other.cause not in (first, fault.cause):
            yield f"{other.cause} is held with high confidence, too"


def _told(status: str, cause: str | None) -> str:
    return f"{status} ({cause})" if cause else status
