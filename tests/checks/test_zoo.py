"""Servers as others write them: what works is not told as broken, and what is broken gets its own cause (zoo/kinds.py)."""

from __future__ import annotations

import asyncio

import pytest

from tests.checks.zoo.keeper import told
from tests.checks.zoo.kinds import ZOO

EVERY = [f"{name}-{condition}" for name, kind in ZOO.items() for condition in kind.right]


@pytest.mark.parametrize("one", EVERY)
def test_what_is_said_of_it_is_right(one: str) -> None:
    name, _, condition = one.rpartition("-")
    assert asyncio.run(told(ZOO[name], condition, 1)).wrong == []
