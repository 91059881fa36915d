"""Which browser opens a run's page, that it comes, and that nothing of it is left; what is said where it cannot."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import select
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from rtdiag import Config, ConfigError
from rtdiag.browser import opening, page_requests, tabs
from rtdiag.browser.opening import NoSuchBrowserError, browser
from rtdiag.cli.progress import Progress
from rtdiag.engine.config import make
from rtdiag.engine.registry import Registry, load
from rtdiag.model import Observation, Report
from rtdiag.whole_run import Silent, ask, planned, prepared
from tests.browser.asked_by_a_check import CHECK
from tests.browser.by_hand import ANSWERS, BREAKS, STAYS, STUB, program


@pytest.fixture(autouse=True)
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_requests, "_FILES", STUB)


def run(name: str, observer: Silent | None = None, **options: object) -> Report:
    """A run of that check alone, on the emulator, with its page in that browser."""
    from rtdiag.emulator import Emulator

    settings = make(Config(emulator=True, browser=name, **options), {})  # type: ignore[arg-type]
    ready = planned(Config(emulator=True), settings, Registry({CHECK.id: CHECK}), Emulator())
    return asyncio.run(ask(ready, observer))


def seen(report: Report) -> Observation:
    return report.checks[0].rows[0].seen


def left(profiles: Path) -> list[str]:
    return [one.name for one in profiles.iterdir() if one.name.startswith("rtdiag-browser-")]


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where browsers' profiles are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_program_is_a_browser_if_it_says_so(profiles: Path) -> None:
    report = run(str(program(profiles, ANSWERS, "Mozilla Firefox 153.8.0esr")))
    assert (seen(report).facts["why"], left(profiles)) == ("", [])


def test_a_browser_that_breaks_ends_the_wait_with_its_last_line(profiles: Path) -> None:
    report = run(str(program(profiles, BREAKS)))
    said = "exit code 133: [1:1:FATAL:zygote.cc] No usable sandbox!"
    assert seen(report).facts["why"] == f"Chromium 1.2.3 ended before the page was done: {said}"
    assert seen(report).facts["tabs"]["ended"] == said


class Interrupted(Silent):
    """An observer that can end the run."""

    def began(self, so_far: Report) -> None:
        self._running = asyncio.current_task()

    def end(self, *_: object) -> None:
        assert self._running
        self._running.cancel()


def test_an_interrupted_run_leaves_no_process_and_no_profile_and_its_secret_was_in_no_list(
    profiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observer = Interrupted()
    monkeypatch.setattr(tabs.Story, "tell", observer.end)
    report = run(str(program(profiles, STAYS)), observer)
    own, child, profile, page, arguments = json.loads((profiles / "mark").read_text())
    assert report.interrupted
    for pid in (own, child):
        assert _state(pid) in ("", "Z"), "it may be a zombie whose new parent has not looked yet"
    assert (left(profiles), Path(profile).parent) == ([], profiles)
    assert page.startswith(arguments[-1][: len("http://127.0.0.1:1")])
    assert page not in " ".join(arguments), "the link is not in the list of processes, but one that was good once"


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


_STARTED_BY_ONE_WHO_IS_KILLED = """
import asyncio, os, sys
from rtdiag.browser.opening import Headless, browser

async def start():
    started = Headless(browser(sys.argv[1]), str, print)
    await started.start("http://127.0.0.1:9/")
    print((await started._process.stderr.readline()).decode(), started._profile, flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(start())
"""


def test_a_browser_does_not_outlive_a_run_that_was_killed(profiles: Path) -> None:
    path = str(
        program(profiles, "", before="sys.stderr.write(f'{os.getpid()}\\n'); sys.stderr.flush(); time.sleep(600)")
    )
    code = [sys.executable, "-c", _STARTED_BY_ONE_WHO_IS_KILLED, path]
    done = subprocess.run(code, capture_output=True, text=True, check=False)
    pid, profile = done.stdout.split()
    shutil.rmtree(profile)
    with suppress(ProcessLookupError):  # it may be gone by now
        ended = select.poll()
        ended.register(os.pidfd_open(int(pid)), select.POLLIN)
        assert ended.poll(20_000)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("safari", "safari: no program here is called safari: install it"),
        ("/nowhere/chromium", "/nowhere/chromium: no program lies there that can be started: give the path of"),
        ("/etc/passwd", "/etc/passwd: no program lies there that can be started: give the path of"),
        (
            "/bin/true",
            "/bin/true: it is neither a chromium nor a firefox, for to --version it says 'true (GNU coreutils) ",
        ),
    ],
)
def test_what_is_no_browser_is_said_in_one_line(name: str, said: str) -> None:
    with pytest.raises(NoSuchBrowserError) as refused:
        browser(name)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_a_browser_that_is_not_installed_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        ConfigError, match=r"^--browser=firefox: no program here is called firefox or firefox-esr: install"
    ):
        make(Config(emulator=True, browser="firefox"), {})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "*"])
def test_not_every_address_is_served_at_once(host: str) -> None:
    with pytest.raises(ConfigError, match=r"^--host .*give the one address"):
        make(Config(emulator=True, browser="print", browser_host=host), {})


def test_an_address_of_another_machine_is_said() -> None:
    with pytest.raises(ConfigError, match=r"^--host 192\.0\.2\.7: .*give an address of this machine"):
        run("print", browser_host="192.0.2.7")


class Heard(Silent):
    """An observer that keeps what a person has to do, and opens the page as that person would."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def to_do(self, line: str) -> None:
        self.lines.append(line)


def test_where_nobody_opens_it_the_link_is_told_and_the_wait_has_its_own_limit() -> None:
    heard = Heard()
    report = run("print", heard, browser_wait_s=0.01)
    assert seen(report).facts["why"] == "nobody opened the page within 0.01 s"
    assert heard.lines[0].startswith("Open http://127.0.0.1:")
    assert heard.lines[0].endswith("/ in your browser and press Start.")
    assert report.exit_code == 3


@pytest.mark.parametrize("opens", [True, False])
def test_the_systems_own_browser_is_asked_to_open_it(
    opens: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    script = tmp_path / "own-browser"
    script.write_text(
        f'#!/bin/sh\necho noise; echo "$1" > {told}.new; mv {told}.new {told}; exit {0 if opens else 1}\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{script} %s")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    heard = Heard()
    run("default", heard, browser_wait_s=0.01)
    begin = "A page opens in your browser: press Start there." if opens else "Open http://127.0.0.1:"
    assert heard.lines[0].startswith(begin)
    once = told.read_text().strip().rpartition("/")[2]
    assert len(once) == 32
    assert once not in heard.lines[0]


def test_a_browser_that_is_waited_for_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "own-browser"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script.write_text(f"#!/bin/sh\nread line < {fifo}\n")
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(script))
    monkeypatch.setattr(opening, "_OPENS_S", 0.01)
    heard, before = Heard(), {*threading.enumerate()}
    run("default", heard, browser_wait_s=0.01)
    assert heard.lines[0].startswith("A page opens in your browser")
    fifo.write_text("\n")
    for thread in {*threading.enumerate()} - before:  # other tests' browsers are waited for by such, too
        if thread.name.startswith("asyncio-waitpid-"):
            thread.join()
    gc.collect()  # what is left running is left on purpose: no warning of it may come


def test_without_a_display_no_browser_of_the_terminal_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    heard = Heard()
    run("default", heard, browser_wait_s=0.01)
    assert heard.lines[0].startswith("Open http://127.0.0.1:")


def test_the_links_secret_is_in_no_report(profiles: Path) -> None:
    does = 'ask("plan"); ask("tell", {"rtdiag_account": 1, "done": True, "page": page}); ask("result")'
    page = str(seen(run(str(program(profiles, does)))).facts["page"])
    assert page.startswith("http://127.0.0.1:")
    assert set(page.rstrip("/").rpartition("/")[2][:-4]) == {"*"}


def test_a_run_without_a_browser_is_as_if_there_were_no_such_check() -> None:
    config = Config(emulator=True)
    with pytest.raises(ConfigError, match="nothing is selected"):
        planned(config, make(config, {}), Registry({CHECK.id: CHECK}))
    named = replace(config, only=["asks"])
    with pytest.raises(ConfigError, match="nothing is selected: opt in with --browser"):
        planned(named, make(named, {}), Registry({CHECK.id: CHECK}))


@pytest.mark.parametrize("only", [["browser"], ["browser.sound"], ["browser.*", "browser"]])
def test_what_a_page_would_need_is_not_asked_in_its_place(only: list[str]) -> None:
    config = Config(emulator=True, only=only)
    with pytest.raises(ConfigError, match="nothing is selected: opt in with --browser"):
        planned(config, make(config, {}), load(()))
    beside = replace(config, only=[*only, "key"])
    assert planned(beside, make(beside, {}), load(())).plan.steps


@pytest.mark.parametrize("skip", [(), ("browser.sound",)])
def test_a_spoken_answer_is_told_before_anything_is_asked(
    skip: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    Progress(Mock(), Mock()).planned(prepared(Config(emulator=True, browser="print", skip=skip)))
    assert ("the model says one word" in capsys.readouterr().err) is (not skip)


def test_its_limit_grows_by_the_page_and_only_where_it_is_asked(tmp_path: Path) -> None:
    path = str(program(tmp_path, ANSWERS))
    registry = Registry({CHECK.id: CHECK})
    config = Config(emulator=True, browser="print")
    assert planned(config, make(config, {}), registry).limit_s == 120 + 120 + 120
    headless = replace(config, browser=path)
    assert planned(headless, make(headless, {}), registry).limit_s == 120 + 30 + 120


def test_console_lines_of_a_chromium_are_kept_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = opening.Headless(browser("print"), lambda text: text.replace("ek_secret", "ek_***"), lambda: None)
    said = "Access to fetch at 'http://a/x' from origin 'http://b' has been blocked by CORS policy: \"No\" ek_secret"
    heard._hear(f'[1:1:1130/1.2:INFO:CONSOLE:0] "{said}", source: http://127.0.0.1:1/ (0)')
    heard._hear(f'[1:1:1130/1.2:INFO:CONSOLE(7)] "{said}", source: http://127.0.0.1:1/ (7)')
    heard._hear("[1:1:1130/1.2:ERROR:dbus/bus.cc:405] Failed to connect to the bus")
    assert heard.console == [said.replace("ek_secret", "ek_***")] * 2
    assert heard._last == ""
    for _ in range(600):
        heard._hear('[1:1:1130/1.2:INFO:CONSOLE:0] "' + "x" * 10_000)
    assert len(heard.console) == 500
    assert max(map(len, heard.console)) == 2000


def test_who_runs_as_root_has_no_sandbox_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    started = opening.Headless(opening.Browser("x", "x", "chromium"), str, lambda: None)
    for user, without in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert ("--no-sandbox" in started._arguments()) == without
