"""A run from Python, as somebody meets it who has read three lines about it: a report, or one line about what cannot be used."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import rtdiag
from rtdiag.cli import main
from rtdiag.model import Report
from rtdiag.testing import finding
from rtdiag.whole_run import Planned, Silent

MAP = Path(__file__).parents[2] / "rtdiag" / "README.md"


def test_a_fault_of_the_emulator_is_found(capfd: pytest.CaptureFixture[str]) -> None:
    report = rtdiag.run(rtdiag.Config(emulator=True, only=["key"], faults=["key-revoked"]))
    assert (report.overall, report.exit_code, report.interrupted) == ("fail", 1, False)
    assert finding(report, "key.accepted").status == "fail"
    assert report.diagnosis[0].cause == "key-wrong-or-revoked"
    assert report.target.emulator == {"as_of": "2026-11-13", "faults": ["key-revoked"]}
    assert capfd.readouterr() == ("", ""), "nothing is printed"


def test_the_lines_of_the_map_work_as_they_stand() -> None:
    lines = re.findall(r"^    ((?:report = rtdiag|assert report).*)$", MAP.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 2
    exec("\n".join(lines), {"rtdiag": rtdiag})


def test_a_case_alone_on_another_day_with_a_milder_judge() -> None:
    asked = rtdiag.Config(emulator=True, as_of=date(2025, 3, 21), only=["key.shape"], fail_on="never")
    report = rtdiag.run(asked)
    assert [outcome.id for outcome in report.checks] == ["key", "speed"]
    assert report.target.emulator == {"as_of": "2025-03-21", "faults": []}
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        ({}, "nothing to ask with: set OPENAI_API_KEY"),
        ({"emulator": True, "only": ["keys"]}, "no check or case is called 'keys'; `rtdiag list` names them all"),
        ({"emulator": True, "only": ["key"], "skip": ["key"]}, "nothing is selected: --only, --skip and --type leave"),
        ({"emulator": True, "only": "key"}, "only is a list: give ['key']"),
        ({"emulator": True, "faults": ["key-revokd"]}, "unknown fault 'key-revokd': did you mean key-revoked?"),
        ({"emulator": True, "faults": "key-revoked"}, "faults is a list: give ['key-revoked']"),
        ({"emulator": True, "as_of": date(1999, 1, 1)}, "nothing to emulate on 1999-01-01"),
        ({"emulator": True, "as_of": "2025-03-21"}, "as_of is a date, such as date(2025, 3, 21), not '2025-03-21'"),
        ({"emulator": True, "type": "voice"}, "type knows realtime, transcription, both, not 'voice'"),
        ({"emulator": True, "allow": ["money"]}, "allow knows wait, audio, not 'money'"),
        ({"emulator": True, "fail_on": "info"}, "fail_on knows fail, inconclusive, warn, never, not 'info'"),
        ({"emulator": True, "timeout_s": float("nan")}, "--timeout takes seconds from 0.1 to 600, not nan"),
        ({"emulator": True, "timeout_s": 0.0}, "--timeout takes seconds from 0.1 to 600, not 0"),
        ({"emulator": True, "at_once": 0}, "--at-once takes 1 to 32 requests, not 0"),
        ({"emulator": True, "at_once": 33}, "--at-once takes 1 to 32 requests, not 33"),
        ({"emulator": True, "at_once": "six"}, "--at-once takes 1 to 32 requests, not 'six'"),
        ({"emulator": True, "session": "/nowhere/s.json"}, "--session /nowhere/s.json: No such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_line(wanted: dict[str, Any], line: str) -> None:
    with pytest.raises(rtdiag.ConfigError) as refused:
        rtdiag.run(rtdiag.Config(**wanted))
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_what_the_command_line_offers_a_config_takes() -> None:
    """And nothing else, but where the report goes and how it looks."""
    printed = {"output", "reports", "record", "color", "verbose", "every", "config"}
    of_targets = {"key_variable", "keyless", "dialect", "ignore"}
    of_probe = {"browser_host", "browser_wait_s"}
    offered = {option.name for option in main.commands["run"].params}
    assert offered - printed | of_targets | of_probe == set(rtdiag.Config.__dataclass_fields__)


class Heard(Silent):
    """Notes what it is told, and ends the run at a word if it has one."""

    def __init__(self, *, ends: bool = False) -> None:
        self.told = list[str]()
        self.ends = ends

    def planned(self, planned: Planned) -> None:
        self.told.append(f"{planned.cost}, within {planned.limit_s:g} s")

    def began(self, so_far: Report) -> None:
        self.told.append("began")
        task = asyncio.current_task()
        if self.ends and task is not None:
            asyncio.get_running_loop().call_soon(task.cancel)


def test_an_observer_is_told_what_it_takes_before_anything_is_asked() -> None:
    heard = Heard()
    rtdiag.run(rtdiag.Config(emulator=True, only=["key.shape"], timeout_s=2), heard)
    assert heard.told[0].endswith("within 16 s")
    assert heard.told[1] == "began"


def test_what_ends_the_task_ends_the_run_and_costs_neither_report_nor_emulator() -> None:
    report = rtdiag.run(rtdiag.Config(emulator=True), Heard(ends=True))
    assert (report.interrupted, report.exit_code, report.left_open) == (True, 130, ())


def test_in_a_loop_that_runs_it_is_called_in_a_thread() -> None:
    wanted = rtdiag.Config(emulator=True, only=["key.shape"])

    async def work() -> Report:
        with pytest.raises(RuntimeError, match=r"call rtdiag\.run by asyncio\.to_thread"):
            rtdiag.run(wanted)
        return await asyncio.to_thread(rtdiag.run, wanted)

    report = asyncio.run(work())
    assert report.overall == "pass"
