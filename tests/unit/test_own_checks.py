"""rtdiag's own checks are declared without their machinery, and what is kept of them is what their modules say."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import pytest

from rtdiag.engine import own_checks, registry
from rtdiag.engine.check import Check


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def said(check: Check) -> dict[str, object]:
    return {name: value for name, value in asdict(check).items() if name not in ("probe", "judge")}


def test_what_is_kept_is_what_the_modules_say() -> None:
    for _ in range(2):
        for check in own_checks.own_checks():
            module = import_module(f"rtdiag.checks.{check.id.replace('-', '_')}")
            assert said(check) == said(own_checks.as_check(module, check.id))


def test_a_file_that_was_touched_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(own_checks.own_checks())
    monkeypatch.setattr(own_checks, "_modules", list)
    assert list(own_checks.own_checks())
    touched = own_checks._touched()
    monkeypatch.setattr(own_checks, "_touched", lambda: touched + b"0")
    assert not list(own_checks.own_checks())


def test_the_second_time_no_check_is_imported() -> None:
    imported = "print(sorted(m for m in sys.modules if m.startswith('rtdiag.checks.')))"
    code = f"import sys; from rtdiag.engine import registry; registry.load(()); {imported}"
    first, second = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "12"
    )
    assert "rtdiag.checks.key" in first
    assert second == "[]\n"


def test_a_check_is_equal_to_itself_as_it_was_loaded_before() -> None:
    assert registry.load(()).checks == registry.load(()).checks
