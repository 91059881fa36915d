"""Regular expressions that are compiled late: as late as they say, and all of them can be."""

from __future__ import annotations

import gc
import re
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


def test_all_that_rtdiag_has_can_be_compiled() -> None:
    for path in ROOT.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        if not name.endswith("__main__"):
            import_module(name.removesuffix(".__init__"))
    found = [one for one in gc.get_objects() if isinstance(one, expressions._Expression) and one._pattern != "("]
    assert len(found) > 300
    assert all(isinstance(one.flags, int) for one in found)
