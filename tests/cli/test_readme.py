"""README and `--help` agree: the option lists in the README are what the program prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from rtdiag.cli import main

README = Path(__file__).parents[2] / "README.md"


def printed(command: str) -> str:
    done = CliRunner().invoke(main, [command, "--help"], prog_name="rtdiag", terminal_width=100)
    assert done.exit_code == 0
    return done.output.strip()


@pytest.mark.parametrize("command", ["run", "explain", "emulator", "replay", "diff"])
def test_the_readme_shows_what_help_prints(command: str) -> None:
    text = README.read_text(encoding="utf-8")
    block = re.search(rf"<!-- help:{command} -->\n```\n(.*?)\n```\n<!-- /help:{command} -->", text, re.DOTALL)
    assert block, f"README has no block for {command}"
    assert block.group(1) == printed(command)


def test_every_check_stands_in_the_readme() -> None:
    from rtdiag.engine import registry

    text = README.read_text(encoding="utf-8")
    assert all(f"| `{check}` |" in text for check in registry.load(()).checks)
