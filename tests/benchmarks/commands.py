"""Commands in processes of their own: how long they take until they end, and what they hold of the memory."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import OURS, Bench, Place, Sample

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable
LIMIT_S = 240  # a bound that is never reached
_LOOK_S = 0.02  # between two looks at the memory of a process
_AMBIENT = ("PATH", "HOME", "LANG")
_SCRIPT = Path(PYTHON).with_name("rtdiag")
# As a user starts it, which `python -m` is not.
RTDIAG = (str(_SCRIPT),) if _SCRIPT.exists() else (PYTHON, "-m", "rtdiag")
_clock_s = time.perf_counter
A_BODY = '{"error": {"message": "Incorrect API key provided: x.", "type": "invalid_request_error", "code": "invalid_api_key"}}'


def variables(**more: str) -> dict[str, str]:
    """All that a process gets: none of the keys, proxies and flags of this machine."""
    return {**{name: os.environ[name] for name in _AMBIENT if name in os.environ}, **more}


def took_ms(
    *command: str, given: str = "", codes: tuple[int, ...] = (0,), says: str = "", env: Mapping[str, str] | None = None
) -> float:
    """From its start to its end. Raises AssertionError where it ends otherwise, or does not say what it should."""
    began = _clock_s()
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=LIMIT_S, cwd=ROOT, env=env or variables()
    )
    took = (_clock_s() - began) * 1000
    said = done.stdout + done.stderr
    assert done.returncode in codes, f"{' '.join(command)[:100]} ended with {done.returncode}: {said[-300:]}"
    assert says in said, f"{' '.join(command)[:100]} does not say {says!r}: {said[-300:]}"
    return took


def peak_mb(*command: str) -> float:
    """The most memory that it held at once, in MB; what it took in its last 20 ms may be missing. For Linux."""
    peak_kb = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT, env=variables()) as process:
        until_s = time.monotonic() + LIMIT_S
        while process.poll() is None and time.monotonic() < until_s:
            told = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"))
            peak_kb = int(told[1]) if told else peak_kb
            time.sleep(_LOOK_S)
        process.kill()
    assert process.returncode == 0, f"{' '.join(command)[:100]} ended with {process.returncode}"
    return peak_kb * 1024 / 1e6


def python(code: str, *arguments: str) -> Sample:
    """How long Python takes for that."""
    return lambda: took_ms(PYTHON, "-c", code, *arguments)


def ours(*arguments: str, **more: Any) -> dict[str, Sample]:
    """A command of rtdiag; and, though it is no anchor, what of that time the same process had of the processor."""
    cpu_ms = 0.0

    def wall() -> float:
        nonlocal cpu_ms
        before = _cpu_s()
        took = took_ms(*RTDIAG, *arguments, **more)
        cpu_ms = (_cpu_s() - before) * 1000
        return took

    return {OURS: wall, "its CPU": lambda: cpu_ms}


def by_cpu() -> None:
    """From now on commands take what they have of the processor, not the time that passes."""
    global _clock_s
    _clock_s = _cpu_s


def _cpu_s() -> float:
    """Of all processes so far that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def starts(*arguments: str, given: str = "") -> Callable[[Place], Bench]:
    """A command that asks nobody, beside what no command line of Python on click can do without."""
    return alone(
        lambda _: {
            **ours(*arguments, given=given),
            "import click": python("import click"),
            "bare python": python("pass"),
        }
    )


def alone(samples: Callable[[Place], dict[str, Any]]) -> Callable[[Place], Bench]:
    """A bench that has nothing to close."""

    @contextmanager
    def bench(place: Place) -> Iterator[Mapping[str, Sample | str]]:
        yield samples(place)

    return bench
