"""A run that is cut short, at each of its phases and by each way to do so, leaves a report with every case that was done."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pty
import re
import select
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rtdiag.cli.signals import Stop
from rtdiag.engine import registry
from rtdiag.recorded import reading
from rtdiag.report import FORMATS
from tests.forked import Forked, rtdiag

# What standard error shows on a terminal when a phase begins, and the run that has that phase; where it is long, by a silence.
PHASES = {
    "before the emulator is up": ("rtdiag asks about", []),
    "the first check": ("Is the key valid?", []),
    "a request": ("POST /realtime/client_secrets", []),
    "an offer": ("POST /realtime/calls", []),
    "no answer": ("GET /models", ["--fault", "no-answer"]),
    "ICE": ("waiting for ice", ["--fault", "ice-blocked"]),
    "DTLS": ("waiting for dtls", ["--fault", "dtls-silent"]),
    "the channel": ("waiting for channel", ["--fault", "channel-never-opens"]),
    "session.created": ("waiting for created", ["--fault", "no-session-created"]),
    "an update": ("session.update on p", ["--fault", "update-never-echoed"]),
    "a socket": ("waiting for the first event", []),
    "closing": ("closing", []),
}
WAIT_S = 60


@contextlib.contextmanager
def started(*options: str, first: Callable[[], None] | None = None) -> Iterator[tuple[Forked, int]]:
    """A run on the emulator whose standard error is a terminal, of which the other end is given."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    process = Forked(("run", "--emulator", *options), env=environment, first=first, terminal=os.ttyname(theirs))
    try:
        yield process, ours
    finally:
        process.kill()
        os.close(theirs)
        os.close(ours)


def wait_for(words: str, terminal: int) -> str:
    """Read the terminal until it shows these words; all that it showed until then."""
    shown = ""
    while words not in shown:
        there, _, _ = select.select([terminal], [], [], WAIT_S)
        assert there, f"the run has not shown {words!r}: {shown[-400:]!r}"
        part = os.read(terminal, 4096).decode("utf-8", "replace")
        shown += part
    return shown


def finished(report: dict[str, Any]) -> dict[str, str]:
    return {
        c["id"]: c["status"] for check in report["checks"] for c in check["cases"] if "interrupted" not in c["measured"]
    }


@pytest.mark.parametrize(
    ("phase", "number"),
    list(zip(PHASES, itertools.cycle([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]), strict=False)),
)
def test_a_signal_leaves_every_report_with_every_finished_case(
    phase: str, number: signal.Signals, tmp_path: Path
) -> None:
    words, options = PHASES[phase]
    names = {form: tmp_path / form for form in ("json", "ndjson", "junit", "cassette")}
    asked = [f"--report={form}={path}" for form, path in names.items() if form != "cassette"]
    with started(*options, *asked, "--record", str(names["cassette"]), "-o", "short") as (process, terminal):
        wait_for(words, terminal)
        process.send_signal(number)
        out, _ = process.communicate(timeout=WAIT_S)
    report = json.loads(names["json"].read_text(encoding="utf-8"))
    done = [path for path in names.values() if path.stat().st_size > 0]
    assert len(done) == len(names)
    assert not list(tmp_path.glob("*journal*")), "what was only for a kill is gone"
    lines = [json.loads(line) for line in names["ndjson"].read_text(encoding="utf-8").splitlines()]
    told = {c["id"]: c["status"] for line in lines if line["type"] == "check" for c in line["check"]["cases"]}
    assert finished(report).items() <= told.items()
    assert out.count("\n") == 1
    if phase == "closing":
        assert (report["interrupted"], process.returncode) == (False, report["exit_code"])
    else:
        assert (report["interrupted"], process.returncode, report["exit_code"]) == (True, 130, 130)
        assert "INTERRUPTED" in out
    planned = sum(len(check["cases"]) for check in report["checks"])
    assert planned > 100, "what was not asked is told, too"
    seen = {i for check in report["checks"] for c in check["cases"] for i in c["exchanges"]}
    assert seen <= {x["id"] for x in report["exchanges"]}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_a_signal_in_a_hang_no_format_says_that_all_is_well(number: signal.Signals, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        reports = [f"--report={form}={tmp_path / form}" for form in FORMATS]
        environment = {**os.environ, "OPENAI_API_KEY": "sk-proj-FAKE000000000000000000000000000000"}
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}/v1"
        process = Forked(("run", "--base-url", address, *reports), env=environment)
        with ExitStack() as held:
            while held.enter_context(deaf.accept()[0]).recv(3) != b"GET":
                continue  # a connection was tried, and nothing asked over it
            process.send_signal(number)
            process.communicate(timeout=WAIT_S)
    assert process.returncode == 130
    told = {form: (tmp_path / form).read_text(encoding="utf-8") for form in FORMATS}
    for form in set(FORMATS) - {"json", "ndjson"}:
        assert "stopped at network.answer, with nothing answered yet" in told[form], form
        assert "INTERRUPTED" in told[form], form
        assert not re.search(r"PASS|all is well|nothing was wrong|nothing to do|✓ (key|INTER|pass\*\*)", told[form]), (
            form
        )
    assert told["table"].startswith("? INTERRUPTED: not finished: ")
    assert told["short"].startswith("rtdiag: INTERRUPTED INCONCLUSIVE not finished [")
    assert told["github"].startswith("::error title=rtdiag%3A INTERRUPTED INCONCLUSIVE not finished::")
    assert '<error type="interrupted"' in told["junit"]
    for report in (json.loads(told["json"]), json.loads(told["ndjson"].splitlines()[-1])):
        assert (report["interrupted"], report["overall"], report["exit_code"]) == (True, "inconclusive", 130)
    checks = json.loads(told["json"])["checks"]
    assert [check["status"] for check in checks] == ["inconclusive", *["skip"] * (len(checks) - 2), "info"]


def test_a_kill_leaves_a_journal_of_all_that_was_finished(tmp_path: Path) -> None:
    target = tmp_path / "run.json"
    with started("--one-at-a-time", "--report", f"json={target}") as (process, terminal):
        wait_for("Does an SDP offer become a session?", terminal)
        process.kill()
        process.communicate(timeout=WAIT_S)
    assert not target.exists()
    journal = tmp_path / "run.json.journal.ndjson"
    assert journal.stat().st_mode & 0o777 == 0o600
    kept = reading.report_in(journal.read_text(encoding="utf-8"))
    before = list(itertools.takewhile(lambda check: check != "sdp", registry.load(()).checks))
    assert [outcome.id for outcome in kept.checks][: len(before)] == before
    assert (kept.interrupted, kept.exit_code) == (True, 130)
    assert all(row.seen.exchanges for outcome in kept.checks if outcome.id == "endpoint" for row in outcome.rows)
    again = rtdiag("replay", str(journal))
    assert (again.returncode, "INTERRUPTED" in again.stdout) == (130, True)
    assert re.search(r"✓ endpoint", again.stdout)


def test_two_signals_do_not_cost_the_report(tmp_path: Path) -> None:
    target = tmp_path / "run.json"
    with started("--fault", "no-answer", "--report", f"json={target}") as (process, terminal):
        wait_for("GET /models", terminal)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT_S)
    assert process.returncode == 130
    assert json.loads(target.read_text(encoding="utf-8"))["interrupted"] is True


def ignoring() -> None:
    """What nohup does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def test_where_signals_are_ignored_they_stay_ignored(tmp_path: Path) -> None:
    target = tmp_path / "run.json"
    with started("--report", f"json={target}", "--only", "token", first=ignoring) as (process, terminal):
        wait_for("Is the key valid?", terminal)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=WAIT_S)
    assert process.returncode == 0
    assert json.loads(target.read_text(encoding="utf-8"))["interrupted"] is False


def test_while_input_is_read_a_signal_ends_the_wait_and_from_the_run_on_it_is_a_wish() -> None:
    with Stop() as stop:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert not stop.wished
        stop.begin()
        signal.raise_signal(signal.SIGINT)
        assert stop.wished
