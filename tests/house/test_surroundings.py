"""However and wherever the suite is started: what its tests start heeds signals, and sees no key, proxy or flag of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIGNALS = ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP")
AMBIENT = {
    "OPENAI_API_KEY": "sk-FAKE",
    "RTDIAG_ONLY": "nothing",
    "https_proxy": "http://nowhere.test:1",
    "NO_COLOR": "1",
}


@pytest.fixture(scope="module")
def seen() -> Mapping[str, str]:
    """The variables as a fixture of a module sees them, which comes before those of a test."""
    return dict(os.environ)


def test_a_child_heeds_signals() -> None:
    code = f"import signal; print([n for n in {SIGNALS} if signal.getsignal(signal.Signals[n]) == signal.SIG_IGN])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_nobody_sees_the_variables_of_the_machine(seen: Mapping[str, str]) -> None:
    assert not AMBIENT.keys() & seen.keys()


def test_so_it_is_in_the_background_of_a_machine_full_of_variables() -> None:
    """As under `nohup … &`, without standard input."""
    ignoring = f"trap '' {' '.join(SIGNALS)}; exec \"$@\" <&-"
    tests = [
        f"{__file__}::{test.__name__}"
        for test in (test_a_child_heeds_signals, test_nobody_sees_the_variables_of_the_machine)
    ]
    command = [
        "bash",
        "-c",
        ignoring,
        "bash",
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        *tests,
    ]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | AMBIENT, capture_output=True, text=True, check=False)
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout
