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
    "a door that is not there is asked again where the mint refuses": (
        "xai-like-wrong",
        "mint-only-wrong",
        "mint-only-none",
        "mints-refuses-wrong",
        "mints-refuses-none",
        "mints-as-the-beta-wrong",
        "mints-as-the-beta-none",
        "unknown-401-well",
        "unknown-401-wrong",
        "mint-201-wrong",
        "mint-201-none",
        "mint-own-token-wrong",
        "mint-own-token-none",
        "mint-iso-wrong",
        "mint-iso-none",
        "mint-own-shape-well",
    ),
    "that no key was given is not said where the server says that it is wrong": ("xai-like-none",),
    "a mint that shows no session hides the transcriptions of the WebSocket": (
        "mints-as-the-beta-well",
        "mint-own-token-well",
        "mint-iso-well",
    ),
    "events in binary frames are not read": (
        "binary-frames-well",
        "binary-frames-none",
    ),
    "a redirect to the path with a slash is taken for a page": ("slashes-well",),
    "a made-up key that is refused accuses the user's": (
        "no-plan-well",
        "origin-well",
        "says-challenge-none",
        "says-basic-none",
        "says-message-none",
        "says-plain-none",
        "says-html-none",
        "kong-well",
        "cloudflare-none",
        "gateway-none",
        "gateway-own-tokens-none",
        "bad-upstream-key-nested-well",
        "bad-upstream-key-502-well",
        "dead-1011-well",
        "unknown-model-well",
        "bad-upstream-key-event-well",
        "credits-402-well",
        "no-model-openrouter-well",
        "no-model-event-well",
        "no-model-close-well",
    ),
    "a 404 that is about a model is told as a missing door, or as the key's": (
        "model-misspelt-well",
        "no-model-ollama-well",
        "no-model-vllm-well",
        "no-model-azure-well",
    ),
    "that a gateway misses a header of its own is not said": ("apim-well",),
    "what a gateway cannot reach is not told as its upstream": (
        "dead-504-html-well",
        "dead-1014-well",
        "dead-1011-words-well",
        "dead-event-well",
    ),
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
