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
