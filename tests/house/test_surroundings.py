"""However the suite is started: what its tests start heeds signals, as in the foreground."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP")


def test_a_child_heeds_signals() -> None:
    code = f"import signal; print([n for n in {NAMES} if signal.getsignal(signal.Signals[n]) == signal.SIG_IGN])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_child_heeds_signals_also_in_the_background() -> None:
    """As under `nohup … &`, without standard input."""
    inner = f"{sys.executable} -m pytest -q -n 0 -p no:cacheprovider {__file__}::{test_a_child_heeds_signals.__name__}"
    shell = f"trap '' {' '.join(NAMES)}; exec {inner} <&-"
    done = subprocess.run(["bash", "-c", shell], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
