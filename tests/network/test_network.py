"""Broken networks: what a run says of each is true, in time, and no more than can be known."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.network.ground import Ground
from tests.network.kinds import ALWAYS_NEVER, Scenario
from tests.network.runs import BUDGET, Asking, Curl, Ran, run
from tests.network.scenarios import SCENARIOS

_SURE = ("low", "medium", "high")
_CLOSING_S = 3  # what is open is closed after the last question
_OF_THE_KEY = {"key-wrong-or-revoked", "key-placeholder-not-a-key", "request-not-sendable", "no-credential-sent"}


@pytest.mark.waits
@pytest.mark.parametrize("scenario", [pytest.param(scenario, id=scenario.id) for scenario in SCENARIOS])
def test_a_run_says_what_is_true_and_ends(scenario: Scenario, tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        asking = ground.asking(scenario.road(ground))
        curl = Curl(asking) if scenario.curl is not None and _has_curl() else None
        interrupt = ground.reached if scenario.interrupt else None
        ran = run(asking, tmp_path, scenario.timeout_s, scenario.options, interrupt)
        if curl:
            assert curl.saw() == scenario.curl, "the road is broken otherwise"
    if found := wrong(scenario, asking, ran):
        pytest.fail("\n".join([scenario.id, *(f"    {line}" for line in found)]), pytrace=False)


def _has_curl() -> bool:
    """Elsewhere than in CI it may be missing: then the road is not looked at by another."""
    found = shutil.which("curl") is not None
    assert found or "RTDIAG_CI" not in os.environ, "CI has curl"
    return found


def wrong(scenario: Scenario, asking: Asking, ran: Ran) -> list[str]:
    """All that does not hold, each in a line."""
    budget_s = BUDGET * scenario.timeout_s
    if ran.code is None:
        return [f"no end: killed, the budget was {budget_s:g} s and is {ran.error!r}"]
    found = []
    if ran.code not in scenario.exits:
        found.append(f"exit {ran.code}, not {scenario.exits}: {ran.error[-300:]}")
    first = ran.first
    named, sure = str(first.get("cause", "")), str(first.get("confidence", "low"))
    if scenario.cause is not None and not re.fullmatch(scenario.cause, named):
        found.append(f"cause {named!r} ({sure}), not {scenario.cause!r}")
    if named and _SURE.index(sure) > _SURE.index(scenario.at_most):
        found.append(f"{named} is {sure}, at most {scenario.at_most}")
    if lies := sorted(_OF_THE_KEY & ran.causes - {scenario.cause}):
        found.append(f"the key is accused: {lies}")
    found += [f"not said: {words!r}" for words in scenario.says if not _in(words, ran.told)]
    found += [f"not in the verdict: {words!r}" for words in scenario.verdict if not _in(words, ran.verdict)]
    never = (*ALWAYS_NEVER, *scenario.never)
    found += [f"said: {words!r}" for words in never if _in(words, ran.told) or words in ran.causes]
    found += [f"a line names another host: {d['line']}" for d in ran.report.get("diagnosis", ()) if _other(d, asking)]
    if ran.report and ran.took_s > budget_s + _CLOSING_S:
        found.append(f"took {ran.took_s:.1f} s, the budget is {budget_s:g} s")
    return found


def _in(words: str, text: str) -> bool:
    return re.search(words, text, re.IGNORECASE) is not None


def _other(diagnosis: object, asking: Asking) -> bool:
    assert isinstance(diagnosis, dict)
    return "api.openai.com" in (diagnosis.get("line") or "") and "api.openai.com" not in asking.url
