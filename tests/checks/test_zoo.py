"""Servers as others write them: what works is not told as broken, and what is broken gets its own cause (zoo/)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.checks.zoo.keeper import told
from tests.checks.zoo.kinds import ZOO

# What is still told wrong, by what is wrong with it. A line that turns right fails here, and goes.
STILL_WRONG: dict[str, tuple[str, ...]] = {
    "where the beta's events are spoken, its offers are asked again after a 404": ("speaches-key-well",),
    "a server that takes offers as JSON alone fails for an offer of SDP": (
        "localai-well",
        "localai-none",
    ),
    "a door that refuses everybody is asked again with a made-up key": ("unknown-401-well", "unknown-401-wrong"),
    "events in binary frames are not read": (
        "binary-frames-well",
        "binary-frames-none",
    ),
    "what a gateway cannot reach is not told as its upstream": (
        "dead-504-html-well",
        "dead-1014-well",
        "dead-1011-words-well",
        "dead-event-well",
    ),
    "a 404 that is about a model is told as a missing door, or as the key's": ("no-model-azure-well",),
}


def _every() -> Iterator[object]:
    for name, kind in ZOO.items():
        for condition in kind.right:
            reasons = [reason for reason, those in STILL_WRONG.items() if f"{name}-{condition}" in those]
            marks = [pytest.mark.xfail(strict=True, reason=reason) for reason in reasons]
            yield pytest.param(name, condition, marks=marks, id=f"{name}-{condition}")


@pytest.mark.parametrize(("name", "condition"), list(_every()))
def test_what_is_said_of_it_is_right(name: str, condition: str) -> None:
    assert asyncio.run(told(ZOO[name], condition, 1)).wrong == []


def test_what_is_still_wrong_is_in_the_zoo() -> None:
    known = {f"{name}-{condition}" for name, kind in ZOO.items() for condition in kind.right}
    assert {one for those in STILL_WRONG.values() for one in those} <= known
