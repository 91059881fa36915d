"""Those of the real clients that are cheap have their spoken turn here; `python -m tests.clients.all` has it with all of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.browser.test_agents import NODE_MODULES
from tests.clients import all as command
from tests.clients.environments import Client, all_clients, scripts_into
from tests.clients.talks import Talk, talk
from tests.needs import needed

CALLED = {"city": "something"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("openai-python", "turn_detected"),
        ("openai-node", "turn_detected"),
        ("agents-node", "turn_detected"),
        ("agents-chromium", "output_audio_buffer.cleared"),
    ],
)
def test_a_function_is_called_the_reply_is_heard_and_interrupted(name: str, told: str, tmp_path: Path) -> None:
    client = all_clients()[name]
    scripts_into(tmp_path)
    if not client.script.endswith(".py"):
        found = str(NODE_MODULES) if (NODE_MODULES / client.package).exists() else None
        needed(found, "no node_modules (npm install --no-package-lock --prefix tests/browser)")
        (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    had = asyncio.run(talk(client, tmp_path))
    assert had.whole, had
    function, given = had.steps["called"]
    assert function == "get_weather"
    assert (json.loads(given) if isinstance(given, str) else given) == CALLED
    assert had.steps["heard_ms"] > 0
    assert had.steps["interrupted"] == told


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        ("import sys; sys.exit('ValueError: no')", "ValueError: no"),
        ("import turn; turn.saw(connected=1); turn.saw(heard_ms=2)", ""),
        ("print('{}'); 1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_turn_that_does_not_come_to_its_end_says_why(script: str, wrong: str, tmp_path: Path) -> None:
    scripts_into(tmp_path)
    (tmp_path / "broken.py").write_text(script, encoding="utf-8")
    had = asyncio.run(talk(Client("broken", "broken.py", ["openai"]), tmp_path))
    assert (had.whole, had.wrong) == (False, wrong)


def test_the_table_has_a_row_of_what_was_seen() -> None:
    client = all_clients()["pipecat"]
    whole = Talk({"connected": "gpt-realtime", "called": ["now", {}], "heard_ms": 20, "interrupted": "cut"})
    assert command.row(client, "1.2", whole) == [
        "pipecat",
        "1.2",
        '"gpt-realtime"',
        '["now", {}]',
        "20",
        '"cut"',
        "yes",
    ]
    assert command.row(client, "", Talk(wrong="npm: no"))[-1] == "npm: no"
    assert command.row(client, "1.2", Talk({"connected": "x"}))[2:] == ['"x"', "", "", "", "it ended early"]


def test_an_unknown_client_is_told_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert asyncio.run(command.main(["nobody"])) == 2
    assert capsys.readouterr().err.startswith("no such client: nobody; there are openai-python, openai-node, ")


def test_a_client_that_cannot_be_installed_has_a_row_that_says_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert asyncio.run(command.main(["openai-node"])) == 1
    assert "npm is not installed" in capsys.readouterr().out
