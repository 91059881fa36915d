"""Each failed HTTP case has a curl line that repeats it: the lines are run by bash, against the server that was asked."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rtdiag.api.keys import MADE_UP_KEY
from rtdiag.emulator import running
from rtdiag.emulator.background import Running
from rtdiag.engine import plan, registry, runner
from rtdiag.engine.context import RunOptions
from rtdiag.model import Exchange, Report
from rtdiag.redact import Mask, Secret
from rtdiag.report import cases, curl, render
from rtdiag.testing import run_on_emulator
from rtdiag.transport.http import Credential
from rtdiag.transport.recorder import Deadlines

BROKEN = ("key-revoked", "token-refused", "mint-refused", "socket-refused-over-http")


@pytest.fixture(scope="module", autouse=True)
def _curl_is_there() -> None:
    if shutil.which("curl") is None:
        assert not os.environ.get("RTDIAG_CI"), "CI has curl"
        pytest.skip("curl is not installed")


def asked(emulator: Running) -> Report:
    """A run against an emulator that goes on living."""
    mask = Mask()
    mask.learn(emulator.key)
    options = RunOptions(emulator.base_url, Credential("api-key", Secret(emulator.key)), today=emulator.as_of)
    chosen = plan.make(registry.load(()).checks.values())
    return asyncio.run(runner.run(chosen, options, mask=mask, deadlines=Deadlines.of(2.0)))


def repeated(lines: str, key: str) -> tuple[int, str]:
    """What a shell gets: the status, and the body."""
    environment = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": key}
    done = subprocess.run(
        ["bash", "-c", lines], capture_output=True, text=True, errors="replace", env=environment, check=False
    )
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    status = re.match(r"HTTP/\S+ (\d+)", head)
    assert status, (lines, done.stdout, done.stderr)
    return int(status[1]), body


def error(body: str) -> str | None:
    try:
        return str(json.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return None


def http_cases(report: Report) -> Iterator[tuple[str, str, Exchange]]:
    """Each once: its id, its lines, and what was answered then."""
    told = set[str]()
    for case in cases.worst_first(report):
        lines = curl.of_row(case.row, report)
        answered = case.row.seen.exchange
        if lines and answered is not None and answered.status and lines not in told:
            told.add(lines)
            yield case.id, lines, answered


@pytest.mark.parametrize("fault", BROKEN)
def test_the_lines_get_the_answer_that_the_run_got(fault: str) -> None:
    with running(faults=[fault]) as emulator:
        found = list(http_cases(asked(emulator)))
        assert found
        for case, lines, answered in found:
            assert emulator.key not in lines, case
            status, body = repeated(lines, emulator.key)
            assert (status, error(body)) == (answered.status, error(answered.body or "")), (case, lines)


def test_a_whole_offer_is_repeated_with_a_password_made_up() -> None:
    with running() as emulator:
        report = asked(emulator)
        offer = next(x for x in report.exchanges if x.url.endswith("/calls") and x.status == 201)
        assert "a=ice-pwd:***" in (offer.request_body or "")
        status, body = repeated(curl.line(offer, report), emulator.key)
        assert (status, body[:2]) == (201, "v=")


def test_a_made_up_control_stands_there_as_it_is_and_a_key_never() -> None:
    with running() as emulator:
        report = asked(emulator)
    control = next(
        x for x in report.exchanges if x.credential == "made-up" and x.method == "GET" and x.url.startswith("http")
    )
    assert f"Bearer {MADE_UP_KEY}" in curl.line(control, report)
    first = next(x for x in report.exchanges if x.credential == "api-key")
    assert '-H "authorization: Bearer $OPENAI_API_KEY"' in curl.line(first, report)


def test_every_failed_http_case_of_the_json_has_its_line() -> None:
    with running(faults=["token-refused"]) as emulator:
        report = asked(emulator)
    told = {c["id"]: c["curl"] for check in json.loads(render(report, "json"))["checks"] for c in check["cases"]}
    for case in cases.of_run(report):
        needs = case.finding.status in ("fail", "warn", "inconclusive") and case.row.seen.exchange is not None
        assert bool(told[case.id]) is needs
    assert sum(map(bool, told.values())) > 3


def test_what_a_header_of_the_users_held_is_taken_from_a_variable() -> None:
    sent = (("x-my-team", "*****"), ("accept", "application/json"))
    asked = Exchange("x1", "GET", "http://h/v1/models", "none", sent, status=401)
    told = curl.line(asked, run_on_emulator(only=["key.shape"]))
    assert '-H "x-my-team: $X_MY_TEAM"' in told
    assert "-H 'accept: application/json'" in told


@pytest.mark.parametrize(
    ("source", "sent", "shown"),
    [
        ("OPENAI_API_KEY", "authorization", "authorization: Bearer $OPENAI_API_KEY"),
        ("GATEWAY_KEY", "authorization", "authorization: Bearer $GATEWAY_KEY"),
        ("GATEWAY_KEY", "api-key", "api-key: $GATEWAY_KEY"),
        ("--key-file my keys/one", "authorization", "authorization: Bearer $(cat 'my keys/one')"),
        ("--key-file -", "authorization", "authorization: Bearer $OPENAI_API_KEY"),
        ("the emulator", "authorization", "authorization: Bearer $OPENAI_API_KEY"),
    ],
)
def test_a_key_is_taken_from_where_the_run_took_it(source: str, sent: str, shown: str) -> None:
    """Another server's line must not send it the key of OpenAI."""
    ran = run_on_emulator(only=["key.shape"])
    ran = replace(ran, credential=replace(ran.credential, source=source))
    headers = ((sent, "Bearer sk-***0000" if sent == "authorization" else "sk-***0000"),)
    told = curl.line(Exchange("x1", "GET", "http://h/v1/models", "api-key", headers, status=401), ran)
    assert [line.strip(" \\") for line in told.splitlines() if "-H" in line] == [f'-H "{shown}"']
