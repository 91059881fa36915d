"""`--live`: what it selects, and what it does not start without. Nothing is asked here: tests are collected, not run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def collected(*options: str, **environment: str) -> tuple[int, list[str], str]:
    """Exit code, the directories of the selected tests, and all that was printed."""
    places = ["tests/contract/test_mint.py", "tests/unit/test_plan.py"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *options, *places]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=clean | environment, capture_output=True, text=True, check=False)
    selected = {line.split("/")[1] for line in done.stdout.splitlines() if "::" in line}
    return done.returncode, sorted(selected), done.stdout + done.stderr


def test_it_selects_the_contract_alone() -> None:
    assert collected("--live", OPENAI_API_KEY="sk-FAKE")[:2] == (0, ["contract"])


def test_it_needs_a_key() -> None:
    code, selected, printed = collected("--live")
    assert (code, selected) == (4, [])
    assert "--live asks the API: set OPENAI_API_KEY to a key" in printed
