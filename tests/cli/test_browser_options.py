"""`rtdiag run --browser` and `rtdiag probe`: what the options mean, what is said on standard error, what is refused in one line."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rtdiag import ConfigError
from rtdiag.browser import page_requests
from rtdiag.cli import main
from rtdiag.engine import registry
from rtdiag.engine.registry import Registry
from tests.browser.asked_by_a_check import CHECK
from tests.browser.by_hand import ANSWERS, STUB, program


@pytest.fixture(autouse=True)
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check `browser` is one that asks little."""
    known = Registry({**registry.load(()).checks, "browser": replace(CHECK, id="browser")})
    monkeypatch.setattr(registry, "load", lambda *_: known)
    monkeypatch.setattr(page_requests, "_FILES", STUB)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, arguments, prog_name="rtdiag")


def test_run_asks_in_a_browser_too(tmp_path: Path) -> None:
    path = str(program(tmp_path, ANSWERS))
    done = run("run", "--emulator", "--only", "browser", f"--browser={path}")
    assert done.exit_code == 0, done.output
    assert "all is well: 1 pass" in done.stdout


def test_the_variable_is_the_option(tmp_path: Path) -> None:
    done = run("run", "--emulator", "--only", "browser", RTDIAG_BROWSER=str(program(tmp_path, ANSWERS)))
    assert (done.exit_code, "all is well: 1 pass" in done.stdout) == (0, True)


@pytest.mark.parametrize("arguments", [["--browser"], ["--browser", "--only", "browser"], ["--browser=default"]])
def test_alone_it_is_the_users_own(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[Any] = []

    def noted(config: Any) -> None:
        wanted.append(config.browser)
        raise ConfigError("noted")

    monkeypatch.setattr("rtdiag.cli.asked_targets.ready", noted)
    run("run", "--emulator", *arguments)
    assert wanted == ["default"]


@pytest.mark.parametrize("command", ["run", "probe"])
def test_a_browser_that_is_not_there_is_one_line(command: str) -> None:
    done = run(command, "--emulator", "--browser=/nowhere/firefox")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("rtdiag: --browser=/nowhere/firefox: no program lies there that can be started")


def test_where_its_check_is_not_to_run_it_says_so_and_opens_nothing() -> None:
    done = run("run", "--emulator", "--only", "key", "--browser=print")
    assert "--browser opens a page for the check browser, which is not to run." in done.stderr
    assert "http://" not in done.stderr


def test_probe_asks_that_check_alone_and_waits_longer(tmp_path: Path) -> None:
    done = run("probe", "--emulator", f"--browser={program(tmp_path, ANSWERS)}", "-o", "short")
    assert (done.exit_code, done.stdout.startswith("rtdiag: PASS")) == (0, True)
    assert "within 270 s" in done.stderr
    assert "--host" not in done.stderr


def _own_address() -> str:
    """This machine's address on its way out; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(way.getsockname()[0])


def test_probe_for_another_machine_says_what_that_exposes(tmp_path: Path) -> None:
    address = _own_address()
    told = tmp_path / "page"
    does = f'open({str(told)!r}, "w").write(page); {ANSWERS}'
    done = run("probe", "--emulator", "--host", address, f"--browser={program(tmp_path, does)}")
    assert done.exit_code == 0, done.output
    assert told.read_text().startswith(f"http://{address}:")
    assert "whoever has the link can use 60-second tokens of your key's account until this ends" in done.stderr
    assert "gets no microphone" in done.stderr
    assert f"the emulator listens on {address}" in done.stderr


@pytest.mark.parametrize(
    ("host", "said"), [("0.0.0.0", "give the one address"), ("192.0.2.7", "give an address of this machine")]
)
def test_a_host_that_cannot_be_served_is_one_line(host: str, said: str) -> None:
    done = run("probe", "--emulator", "--host", host)
    assert (done.exit_code, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"rtdiag: --host {host}: ")
    assert last.partition(said)[1]


def test_a_target_is_probed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rtdiag.yaml").write_text("targets:\n  here: {emulator: true}\n")
    monkeypatch.chdir(tmp_path)
    done = run("probe", "--target", "here", f"--browser={program(tmp_path, ANSWERS)}", "-o", "short")
    assert done.stdout.startswith("rtdiag: PASS"), done.output
