"""`--live`: what it selects, and what it does not start without. Nothing is asked here: tests are collected, not run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = "tests/contract/test_live_option.py"
ELSEWHERE = "tests/unit/test_plan.py"


def collected(*places: str, **environment: str) -> tuple[int, set[str], str]:
    """With --live: the exit code, the files of the selected tests, and all that was printed."""
    command = [sys.executable, "-m", "pytest", "--live", "--collect-only", "-q", *places]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=clean | environment, capture_output=True, text=True, check=False)
    selected = {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}
    return done.returncode, selected, done.stdout + done.stderr


def test_it_selects_the_contract_alone() -> None:
    assert collected(HERE, ELSEWHERE, OPENAI_API_KEY="sk-FAKE")[:2] == (0, {HERE})


def test_it_needs_a_key() -> None:
    code, selected, printed = collected(ELSEWHERE)
    assert (code, selected) == (4, set())
    assert "--live asks the API: set OPENAI_API_KEY to a key" in printed
