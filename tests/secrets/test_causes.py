"""Masking hides no cause: what is judged from a masked text is what is judged from the text itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rtdiag.diagnosis.matching import causes_of
from rtdiag.diagnosis.situation import Situation
from rtdiag.engine.rejudge import replay
from rtdiag.model import Report
from rtdiag.recorded import reading
from rtdiag.redact import Mask
from rtdiag.report import render
from tests.checks.broken import grouped, run
from tests.diagnosis.example import examples
from tests.secrets.canaries import made

KEY, TOKEN, PASSWORD = made("known"), made("minted", 35, "ek_"), made("proxy", 24, "")


def masked(situation: Situation, mask: Mask) -> Situation:
    names = ("text", "method", "url", "credential", "sent", "surface", "dialect")
    texts: dict[str, Any] = {name: mask(text, "here") for name in names if (text := getattr(situation, name))}
    return replace(situation, **texts)


def causes(situation: Situation) -> list[tuple[str, str]]:
    """The first cause, and those that are held firmly; what only words are like may be ordered otherwise."""
    return [(d.cause, d.confidence) for n, d in enumerate(causes_of(situation)) if n == 0 or d.confidence != "low"]


def with_secrets(situation: Situation) -> Situation:
    """The same with the known secrets standing in what came back and in what was sent, as a server or a log repeats them."""
    text = f"{situation.text}\nx-said: {KEY} {TOKEN} http://somebody9:{PASSWORD}@proxy:3128"
    return replace(situation, text=text, sent=situation.sent and f"{situation.sent} {KEY}")


@pytest.mark.parametrize("topic", sorted({one.topic for one in examples()}))
def test_a_masked_text_has_the_same_causes(topic: str) -> None:
    for one in [one for one in examples() if one.topic == topic][::2]:
        masked_alike(one.situation)


def masked_alike(situation: Situation) -> None:
    mask = Mask()
    mask.learn(KEY)
    mask.learn(TOKEN)
    mask.learn_url(f"http://somebody9:{PASSWORD}@proxy:3128")
    assert causes(masked(situation, mask)) == causes(situation)
    full = with_secrets(situation)
    hidden = masked(full, mask)
    assert KEY not in hidden.text
    assert causes(hidden) == causes(full)


@pytest.mark.parametrize(
    "fault_id", grouped([(f,) for f in ("key-revoked", "captive-portal", "ice-blocked", "model-not-listed")])
)
def test_a_run_that_is_masked_once_more_has_the_same_verdict(fault_id: str) -> None:
    report: Report = run(fault_id)
    again = replay(reading.report_in(Mask()(render(report, "json"), "here")), {})
    assert again.diagnosis == report.diagnosis
