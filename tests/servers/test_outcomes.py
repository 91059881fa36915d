"""`rtdiag run` against the real servers that are installed here, and how an outcome that is not right is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from rtdiag.emulator import Emulator
from rtdiag.engine.findings import NOT_OFFERED
from rtdiag.model import Diagnosis, Finding, Observation, Outcome, Report, Row, Target
from rtdiag.report import render
from tests.browser.test_agents import NODE_MODULES
from tests.installing import NotInstalledError
from tests.needs import needed
from tests.ports import free_port
from tests.servers.all import BUILD, command, row, runs
from tests.servers.asking import Had, wrong
from tests.servers.servers import Asked, Condition, Server, known
from tests.servers.starting import amiss, running

BEGAN = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SERVER = Server("one", ("server",), recognised=("compatible",), offers=("models",), conditions={})


def environment(server: str) -> Path:
    """Where it is installed. Where it is not, the test is skipped; aimock, which CI brings, it must have."""
    of = known().servers[server].environment
    if of == "aimock":
        found = NODE_MODULES / known().environments[of].package
        needed(
            str(found) if found.exists() else None,
            "no node_modules (npm install --no-package-lock --prefix tests/browser)",
        )
        return NODE_MODULES.parent
    if not (BUILD / of).exists():
        pytest.skip(f"no {of} (python -m tests.servers.all {server})")
    return BUILD / of


@pytest.mark.parametrize("name", known().servers)
def test_a_run_against_a_real_server_says_what_is_right(name: str) -> None:
    folder = environment(name)

    async def found() -> dict[str, list[str]]:
        return {condition: run.wrong async for _, condition, run in runs(known().servers[name], folder)}

    assert asyncio.run(found()) == {condition: [] for condition in known().servers[name].conditions}


def had(exit_code: int = 0, cause: str = "", fix: str = "", taken_for: str = "compatible", **found: Finding) -> Had:
    """A run with those findings of the check `key`, and of the check `server` for the door `models`."""
    rows = {
        "key": [each for case, each in found.items() if case != "models"],
        "server": [*filter(None, [found.get("models")])],
    }
    told = Diagnosis(cause, "high", "", fix, (), ())
    report = Report(
        version="0",
        started_at=BEGAN,
        finished_at=BEGAN,
        target=Target("http://127.0.0.1:1/v1", taken_for),
        exit_code=exit_code,
        checks=tuple(
            Outcome(check, rows=tuple(Row(each.case, "", each, Observation(each.case)) for each in findings))
            for check, findings in rows.items()
        ),
        diagnosis=(told,) if cause else (),
        exchanges=(),
    )
    return Had(exit_code, render(report, "json"))


PASS, FAIL = Finding("accepted", "pass"), Finding("accepted", "fail", "401", "200", cause="a-cause")


@pytest.mark.parametrize(
    ("condition", "run", "told"),
    [
        (Condition(green=("key.accepted",)), had(accepted=PASS), []),
        (Condition(), had(1, accepted=PASS), ["exit 1, not 0 or 3"]),
        (Condition(), had(taken_for="openai"), ["recognised as openai, not compatible"]),
        (Condition(), had(accepted=FAIL), ["key.accepted is fail: 401, not 200 [a-cause]"]),
        (Condition(red=("key.*",)), had(accepted=FAIL), []),
        (Condition(green=("key.accepted",)), had(), ["key.accepted is unknown, not pass"]),
        (Condition(cause=("a-cause",)), had(cause="a-cause"), []),
        (Condition(cause=("a-cause",)), had(cause="a-cause/variant"), []),
        (Condition(beside=("a-cause",)), had(cause="a-cause"), []),
        (Condition(), had(cause="a-cause"), ["a false cause: a-cause (high)"]),
        (Condition(cause=("a-cause",)), had(), ["the first cause is none, not a-cause"]),
        (Condition(cause=("a",)), had(cause="b"), ["the first cause is b, not a", "a false cause: b (high)"]),
        (Condition(cause=("a",), says=("rt-good",)), had(cause="a", fix="Try rt-bad."), ["no cause says rt-good"]),
        (
            Condition(cause=("a",)),
            had(cause="a", fix="Make one at platform.openai.com."),
            ["it names platform.openai.com: Make one at platform.openai.com."],
        ),
        (
            Condition(),
            had(models=Finding("models", "info", "no list", observed=(NOT_OFFERED,))),
            ["server.models is told as not offered: no list"],
        ),
    ],
)  # fmt: skip
def test_what_is_not_right_is_told_line_by_line(condition: Condition, run: Had, told: list[str]) -> None:
    assert wrong(SERVER, condition, run) == told


def test_a_run_without_a_report_tells_what_was_said() -> None:
    told = wrong(SERVER, Condition(), Had(2, "", "rtdiag: nothing to ask with"))
    assert told == ["exit 2, not 0 or 3", "no report: rtdiag: nothing to ask with"]


def test_the_table_has_a_row_of_each_run() -> None:
    run = had(1, cause="a-cause")
    assert row("one", "1.0", "well", run) == ["one", "1.0", "well", "1", "compatible", "a-cause (high)", "yes"]


def test_a_server_that_does_not_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "server").write_text("#!/bin/sh\necho ValueError: no such port >&2; exit 1\n", encoding="utf-8")
    (tmp_path / "server").chmod(0o755)

    async def found() -> None:
        async with running(SERVER, tmp_path):
            raise AssertionError("it runs")

    with pytest.raises(NotInstalledError, match="it did not start: ValueError: no such port"):
        asyncio.run(found())


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Asked("GET /models", says="gpt-realtime"), ""),
        (Asked("GET /models", status=401), "another client, GET /models: 200 "),
        (
            Asked("POST /realtime/client_secrets", body={"session": 1}),
            "another client, POST /realtime/client_secrets: 400 ",
        ),
    ],
)
def test_what_another_client_is_answered_is_told_where_it_is_not_right(asked: Asked, told: str) -> None:
    async def found() -> str:
        async with Emulator() as emulator:
            return await amiss(asked, emulator.base_url, emulator.key)

    said = asyncio.run(found())
    assert said.startswith(told) if told else said == ""


def test_another_client_without_a_server_is_told() -> None:
    told = asyncio.run(amiss(Asked("GET /models"), f"http://127.0.0.1:{free_port()}/v1", ""))
    assert told.startswith("another client, GET /models: ConnectError")


def test_every_server_has_its_environment() -> None:
    assert {server.environment for server in known().servers.values()} == set(known().environments)


def test_an_unknown_server_is_told_with_those_that_there_are() -> None:
    done = CliRunner().invoke(command, ["nobody"])
    assert done.exit_code == 2
    assert "'litellm'" in done.output
