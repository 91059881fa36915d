"""No output of any command shows a secret that was given to it, or that a server sent; no command or format is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rtdiag.api import plugins
from rtdiag.report import render
from rtdiag.testing import run_on_emulator
from tests.secrets import plugin
from tests.secrets.canaries import leaks, made
from tests.secrets.commands import CASES, Planted, outputs
from tests.secrets.server import repeating, serving

COOKIE = made("cookie", 40, "")


@cache
def clean() -> Mapping[str, Any]:
    """The JSON report of a run with sessions, peers and events."""
    found: Mapping[str, Any] = json.loads(render(run_on_emulator(only=["session-update"]), "json"))
    return found


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planted]:
    monkeypatch.setattr(plugins, "entry_points", plugin.offered)
    with serving(repeating(COOKIE)) as port:
        yield Planted(tmp_path, port, {"cookie": COOKIE})


def test_no_command_and_no_format_is_left_out() -> None:
    assert set(outputs()) == set(CASES)


@pytest.mark.xdist_group("secrets-commands")
@pytest.mark.parametrize(("command", "output"), sorted(CASES))
def test_no_output_shows_a_secret(command: str, output: str, planted: Planted) -> None:
    written = CASES[command, output](planted, clean())
    assert len(written.strip()) > 20
    assert {place: found for place, secret in planted.secrets.items() if (found := leaks(written, secret))} == {}
    assert b"a defect of rtdiag" not in written


@pytest.mark.xdist_group("secrets-commands")
def test_a_whole_run_shows_none(planted: Planted) -> None:
    from tests.secrets.commands import asked

    files = [arg for form in ("table", "json", "html") for arg in ("--report", f"{form}={planted.folder}/out.{form}")]
    written = asked(planted, "-v", *files, "--record", f"{planted.folder}/out.yaml")
    assert {place: found for place, secret in planted.secrets.items() if (found := leaks(written, secret))} == {}
    assert b"org-stays" in written


@pytest.mark.parametrize("given", ["-", "file"])
def test_the_key_of_a_file_is_shown_nowhere(given: str, planted: Planted) -> None:
    key = planted.secret("key file", 60, "")
    path = "-" if given == "-" else planted.file(f"{planted.secret('name of a file')}.txt", f"{key}\n")
    (options,) = (["--only", "key", "-o", "json"],)
    written = planted.called("run", "--key-file", path, *options, given=key, code=1)
    assert {place: found for place, secret in planted.secrets.items() if (found := leaks(written, secret))} == {}


# Where a file of targets can hold a secret that does not belong there.
IN_TARGETS = {
    "key": "{base_url: 'http://h/v1', key: 'KEY'}",
    "key file": "{base_url: 'http://h/v1', key: 'file:KEY'}",
    "header": "{headers: {x-own: KEY}}",
    "name of a header": "{headers: {KEY: NOT_SET}}",
    "base URL": "{base_url: 'http://me:KEY@h/v1', key: none}",
    "token URL": "{token_url: '//KEY'}",
    "field": "{KEY: 1}",
    "profile": "{profile: KEY}",
    "dialect": "{dialect: KEY}",
    "check": "{only: [KEY]}",
    "session": "{session: KEY}",
    "day": "{ignore: [{case: KEY, reason: r, until: KEY}]}",
    "case": "{ignore: [{case: KEY, reason: r, until: 2999-01-01}]}",
    "no YAML": "{key: KEY",
}


@pytest.mark.parametrize("place", IN_TARGETS)
@pytest.mark.parametrize("secret", [made("targets"), "the environment's"], ids=["shaped", "known"])
def test_a_key_in_a_file_of_targets_is_shown_nowhere(place: str, secret: str, planted: Planted) -> None:
    secret = planted.secret("OPENAI_API_KEY", 60, "") if secret == "the environment's" else secret
    text = "targets:\n  mine: " + IN_TARGETS[place].replace("KEY", secret) + "\n"
    file = planted.file("rtdiag.yaml", text)
    assert not leaks(planted.called("run", "--config", file, "--target", "mine", code=2), secret)


@pytest.mark.parametrize("secret", [made("header"), made("unshaped", 40, ""), "onlyletterswithoutadigit"])
def test_what_a_header_holds_is_shown_nowhere(secret: str, planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where it looks like none, and the server repeats it."""
    environment = Planted.environment
    monkeypatch.setattr(Planted, "environment", lambda self: environment(self) | {"RTDIAG_TOKEN": ""})
    monkeypatch.setenv("MY_HEADER", secret)
    target = (
        f"{{base_url: 'http://127.0.0.1:{planted.port}/v1', key: none, headers: {{x-own: MY_HEADER}}, only: [key]}}"
    )
    file = planted.file("rtdiag.yaml", f"targets:\n  mine: {target}\n")
    files = [arg for form in ("table", "json", "html") for arg in ("--report", f"{form}={planted.folder}/out.{form}")]
    for wanted in (["--target", "mine", "--record", f"{planted.folder}/out.yaml"], ["--all"]):
        (planted.folder / "out.json").unlink(missing_ok=True)
        written = planted.called("run", "--config", file, *wanted, "-v", *files)
        assert b"x-own" in written, "it was sent, and that is told"
        assert secret.encode() not in written


@pytest.mark.parametrize(
    "args",
    [
        ("run", "KEY"),
        ("run", "--only", "KEY"),
        ("run", "--type", "KEY"),
        ("run", "--timeout", "KEY"),
        ("run", "--key", "KEY"),
        ("run", "--base-url", "KEY"),
        ("run", "--base-url", "ftp://KEY:pw@h/"),
        ("run", "--base-url", "http://me:KEY@h/v1"),
        ("run", "--token-url", "//KEY"),
        ("run", "--ice-server", "KEY"),
        ("run", "--ice-server", "turn:me:KEY@h"),
        ("run", "--ice-server", "turn:h?username=me&credential=KEY"),
        ("run", "--session", "KEY"),
        ("run", "--report", "KEY"),
        ("run", "--report", "json=KEY/x"),
        ("run", "--record", "KEY/x"),
        ("run", "--emulator", "--as-of", "KEY"),
        ("run", "--emulator", "--fault", "KEY"),
        ("run", "--emulator", "--only", "key", "--model", "KEY", "-o", "json"),
        ("run", "--emulator", "--header", "KEY"),
        ("run", "--emulator", "--header", "x-own=KEY"),
        ("run", "--emulator", "--header", "x-own=ENV:KEY"),
        ("run", "--emulator", "--header", "KEY=ENV:NOT_SET"),
        ("run", "--emulator", "--profile", "KEY"),
        ("run", "--config", "KEY"),
        ("run", "--config", "KEY", "--all"),
        ("run", "--target", "KEY"),
        ("replay", "KEY", "--target", "KEY"),
        ("init", "KEY"),
        ("KEY",),
        ("replay", "KEY"),
        ("diff", "KEY", "KEY"),
        ("explain", "KEY"),
        ("explain", "-", "--session", "KEY"),
        ("emulator", "--compare", "KEY"),
        ("emulator", "--host", "KEY"),
        ("emulator", "--fault", "KEY"),
    ],
)
def test_a_key_in_the_wrong_place_is_shown_nowhere(args: tuple[str, ...], planted: Planted) -> None:
    secret = planted.secret("OPENAI_API_KEY", 60, "")
    written = planted.called(*(arg.replace("KEY", secret) for arg in args))
    assert not leaks(written, secret)
