"""Regular expressions that are compiled late: as late as they say, and all of them can be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import rtdiag
from rtdiag.api import expressions
from rtdiag.api.expressions import expression

ROOT = Path(rtdiag.__file__).parent


def test_it_is_compiled_when_it_is_first_used_and_then_as_it_is() -> None:
    broken = expression("(")
    with pytest.raises(re.error):
        broken.search("")
    found = expression("b+", re.IGNORECASE)
    assert found.sub("-", "aBbc") == "a-c"
    assert vars(found)["sub"] == re.compile("b+", re.IGNORECASE).sub


def held(value: object) -> Iterator[expressions._Expression]:
    """The expressions in what a module has by a name."""
    if isinstance(value, expressions._Expression):
        yield value
    elif isinstance(value, tuple | list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from held(one)


def test_all_that_rtdiag_has_can_be_compiled() -> None:
    names = (".".join(path.relative_to(ROOT.parent).with_suffix("").parts) for path in ROOT.rglob("*.py"))
    modules = [import_module(name.removesuffix(".__init__")) for name in names if not name.endswith("__main__")]
    found = [
        one for module in modules for name, value in vars(module).items() if name[:2] != "__" for one in held(value)
    ]
    assert len(found) > 400
    assert all(isinstance(one.flags, int) for one in found)
