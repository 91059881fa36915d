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
    "a wrong key in a server's own words is not told as that": (
        "speaches-key-wrong",
        "says-detail-wrong",
        "says-problem-wrong",
        "says-403-wrong",
        "says-403-bare-wrong",
        "says-html-wrong",
        "cloudflare-wrong",
        "websocket-proxy-wrong",
        "new-api-wrong",
        "bifrost-wrong",
        "gateway-wrong",
        "gateway-own-tokens-wrong",
    ),
    "a server that takes offers as JSON alone is told that its offer has no audio": (
        "localai-well",
        "localai-none",
    ),
    "a close that refuses a key is not read as that": (
        "inworld-wrong",
        "closes-1008-alone-wrong",
        "closes-4001-alone-wrong",
        "closes-4401-alone-wrong",
        "closes-1000-alone-wrong",
    ),
    "that no key was given is not said where the server's words do not say so": (
        "inworld-none",
        "xai-like-none",
        "mint-only-none",
        "closes-1008-alone-none",
        "closes-4401-alone-none",
        "closes-1000-alone-none",
    ),
    "a realtime session where a transcription was asked for is a fail": ("xai-like-well",),
    "the sub-protocol is asked of a server that is known not to have it": ("azure-like-well",),
    "an invalid offer takes the slot that the session needs": (
        "one-slot-calls-well",
        "one-slot-calls-none",
        "two-slots-well",
        "two-slots-none",
    ),
    "what a recognised server usually offers is believed against its own 404": (
        "all-taken-well",
        "all-taken-none",
        "late-slot-well",
        "late-slot-none",
    ),
    "a door that is not there and answers oddly is not taken for that": (
        "aws-403-well",
        "websockets-426-well",
        "websockets-426-none",
        "ws-npm-well",
        "ws-npm-none",
        "unknown-401-well",
        "slashes-well",
    ),
    "a credential that nothing took is said to be refused at the WebSocket alone": (
        "aws-403-wrong",
        "slashes-wrong",
        "slashes-none",
        "closes-3000-alone-wrong",
        "closes-3000-alone-none",
    ),
    "events in binary frames are not read": (
        "binary-frames-well",
        "binary-frames-none",
    ),
    "a model that the server does not know is told as something else": (
        "model-misspelt-well",
        "new-api-no-channel-well",
        "unknown-model-well",
    ),
    "a refused list of models ends the run before the WebSocket is asked": (
        "models-403-html-none",
        "models-401-always-well",
        "models-401-always-none",
        "models-429-well",
        "models-429-none",
    ),
    "a refusal that is a web page is taken for a wrong address, though the key works": ("says-html-well",),
    "that a gateway misses a header of its own is not said": ("apim-well",),
    "a gateway's upstream refuses its key, and the user's is accused": (
        "bad-upstream-key-well",
        "bad-upstream-key-nested-well",
        "bad-upstream-key-502-well",
    ),
    "what a gateway cannot reach is not told as its upstream": (
        "dead-1011-well",
        "dead-502-json-well",
    ),
    "an upstream's quota, nested in a gateway's words, is told as too many requests": ("over-quota-well",),
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
