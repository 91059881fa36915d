"""The emulator in a process of its own begins and ends with whoever asks it, and stays in that one where it cannot be forked."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rtdiag.emulator import Emulator, apart
from rtdiag.emulator.apart import Apart

# Makes one, says its process and its port, and waits to be ended.
_PARENT = """
import asyncio, sys
from rtdiag.emulator.apart import Apart
made = Apart(None, (), "openai")
print(made._pid, asyncio.run(made.port()), flush=True)
sys.stdin.read()
"""


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked here")


@pytest.fixture(autouse=True)
def _as_in_a_program_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "active_count", lambda: 1)


@contextmanager
def made(*faults: str, profile: str = "openai") -> Iterator[Apart]:
    one = Apart(None, faults, profile)
    try:
        yield one
    finally:
        one.end()


async def _asked(emulator: Emulator) -> tuple[int, bool]:
    """What it answers without a key, and whether it is this process that does."""
    async with emulator:
        request = urllib.request.Request(f"{emulator.base_url}/models")
        try:
            await asyncio.to_thread(urllib.request.urlopen, request)
        except urllib.error.HTTPError as error:
            return error.code, emulator._service is not None
    return 0, False


def test_it_answers_from_another_process() -> None:
    with made() as one:
        assert one._pid not in (0, os.getpid())
        assert asyncio.run(_asked(Emulator().served_by(one))) == (401, False)


def test_it_is_gone_when_it_was_ended() -> None:
    with made() as one:
        pid = one._pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    one.end()


def test_what_cannot_be_served_is_left_to_whoever_reads_the_same_options() -> None:
    with made("no-such-fault") as one:
        assert asyncio.run(one.port()) is None
        assert asyncio.run(_asked(Emulator().served_by(one))) == (401, True)


def test_where_threads_run_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "active_count", lambda: 2)
    with made() as one:
        assert one._pid == 0
        assert asyncio.run(_asked(Emulator().served_by(one))) == (401, True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_does_not_outlive_its_parent(number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        pid, port = map(int, parent.stdout.readline().split())
        assert port
        watched = os.pidfd_open(pid)
        parent.send_signal(number)
        parent.wait()
        over = select.poll()
        over.register(watched, select.POLLIN)
        assert over.poll(30_000), "its process has ended"
        os.close(watched)
