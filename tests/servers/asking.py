"""`rtdiag run` against a server, as its owner would run it, and what of its outcome is not right."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from rtdiag.engine.findings import NOT_OFFERED
from rtdiag.model import Report
from rtdiag.recorded import report_in
from tests.servers.servers import Condition, Server
from tests.servers.starting import amiss, session

ILL = ("fail", "error", "inconclusive")
NOT_THEIRS = (
    "platform.openai.com",
    "status.openai.com",
    "api.openai.com",
)  # what no remedy for another's server may name


@dataclass
class Had:
    """What a run ended with: exit code, JSON report, last line on standard error; and what of it is not right."""

    exit_code: int | None = None
    text: str = ""
    said: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def report(self) -> Report | None:
        """The report, None where there is none."""
        return report_in(self.text) if self.text else None


async def had(server: Server, condition: Condition, base_url: str) -> Had:
    """The run of that condition, and what it left behind."""
    key = server.key if condition.key is None else condition.key
    async with AsyncExitStack() as stack:
        if condition.taken:
            await stack.enter_async_context(session(base_url))
        running = asyncio.ensure_future(_run(base_url, key, condition.options))
        unserved = await _unserved(server, base_url, running)
        run = await running
    run.wrong += sorted(unserved)
    run.wrong += filter(None, [await amiss(asked, base_url, server.key) for asked in server.afterwards])
    run.wrong += wrong(server, condition, run)
    return run


async def _unserved(server: Server, base_url: str, running: asyncio.Future[Had]) -> set[str]:
    """What another client was not answered as it should be, while that lasts and right after it."""
    found, last = set[str](), False
    while not last:
        last = running.done()
        found |= {await amiss(asked, base_url, server.key) for asked in server.meanwhile}
        await asyncio.wait([running], timeout=0.1)
    return found - {""}


async def _run(base_url: str, key: str, options: Sequence[str]) -> Had:
    command = [sys.executable, "-m", "rtdiag", "run", "--base-url", base_url, "-o", "json", *options]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "RTDIAG_"))}
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=pipe, env=clean | ({"OPENAI_API_KEY": key} if key else {})
    )
    out, err = await program.communicate()
    said = (err.decode().strip().splitlines() or [""])[-1]
    return Had(program.returncode, out.decode(), said)


def wrong(server: Server, condition: Condition, run: Had) -> list[str]:
    """What of that outcome is not right, a line each, the verdict first."""
    found = (
        []
        if run.exit_code in condition.exit
        else [f"exit {run.exit_code}, not {' or '.join(map(str, condition.exit))}"]
    )
    if (report := run.report) is None:
        return [*found, f"no report: {run.said}"]
    return [
        *found,
        *_of_causes(condition, report),
        *_of_cases(server, condition, report),
        *_of_words(server, condition, report),
    ]


def _of_causes(condition: Condition, report: Report) -> Iterator[str]:
    first = report.diagnosis[0].cause if report.diagnosis else "none"
    if condition.cause and not _among(first, condition.cause):
        yield f"the first cause is {first}, not {' or '.join(condition.cause)}"
    for each in report.diagnosis:
        if not _among(each.cause, (*condition.cause, *condition.beside)):
            yield f"a false cause: {each.cause} ({each.confidence})"


def _among(cause: str, names: Sequence[str]) -> bool:
    """Whether it is one of these, or a variant of one."""
    return cause in names or cause.partition("/")[0] in names


def _of_cases(server: Server, condition: Condition, report: Report) -> Iterator[str]:
    rows = {f"{outcome.id}.{row.id}": row.finding for outcome in report.checks for row in outcome.rows}
    for case, finding in rows.items():
        if finding.status in ILL and not any(fnmatchcase(case, glob) for glob in condition.red):
            yield f"{case} is {finding.status}: {finding.measured}, not {finding.expected} [{finding.cause}]"
    for case in (f"server.{door}" for door in server.offers):
        if case in rows and NOT_OFFERED in rows[case].observed:
            yield f"{case} is told as not offered: {rows[case].measured}"
    for case in condition.green:
        if (status := rows[case].status if case in rows else "unknown") != "pass":
            yield f"{case} is {status}, not pass"


def _of_words(server: Server, condition: Condition, report: Report) -> Iterator[str]:
    if (taken_for := report.target.recognised_as) not in server.recognised:
        yield f"recognised as {taken_for}, not {' or '.join(server.recognised)}"
    if report.left_open:
        yield f"left open: {', '.join(report.left_open)}"
    told = [text for each in report.diagnosis for text in (each.summary, each.fix, each.line, each.ask)]
    yield from (f"no cause says {word}" for word in condition.says if word not in " ".join(told))
    told += [row.finding.hint or "" for outcome in report.checks for row in outcome.rows]
    for text in told:
        if named := [host for host in NOT_THEIRS if host in text]:
            yield f"it names {named[0]}: {text}"
