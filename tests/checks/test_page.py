"""The page of the checks: it lists each, and the check that it teaches works, with its tests, as they stand there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rtdiag.engine import registry

PAGE = (Path(__file__).parents[2] / "checks" / "README.md").read_text(encoding="utf-8")
CHECK, TESTS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[:2]
NAMES = re.findall(r"def (test_\w+)", TESTS)


@pytest.fixture
def lesson(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The names of the page's tests, while the page's check lies where checks are found."""
    (tmp_path / "timing.py").write_text(CHECK, encoding="utf-8")
    checks = import_module(registry.GROUP)
    monkeypatch.setattr(checks, "__path__", [*checks.__path__, str(tmp_path)])
    module = ModuleType("lesson")
    exec(compile(TESTS, "checks/README.md", "exec"), module.__dict__)
    yield module.__dict__
    del sys.modules["rtdiag.checks.timing"]


def test_every_check_stands_on_the_page_in_its_order() -> None:
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE) == list(registry.load(()).checks)


@pytest.mark.parametrize("name", NAMES)
def test_the_lesson_works_as_it_stands(name: str, lesson: dict[str, Any]) -> None:
    lesson[name]()


@pytest.mark.usefixtures("lesson")
def test_the_lesson_tells_what_every_check_tells() -> None:
    doc = registry.load(()).checks["timing"].doc
    assert [doc.count(part) for part in ("Asks: ", "Costs: ", "Sources: ")] == [1, 1, 1]
