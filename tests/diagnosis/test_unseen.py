"""How right explain is on what nobody here has seen: the score of unseen.py stays where it was brought."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.diagnosis import unseen
from tests.diagnosis.example import examples

FIRST, IN_TWO, IN_TEN = 0.9, 0.94, 0.97


@pytest.fixture(scope="module")
def score() -> unseen.Score:
    return unseen.score(unseen.unseen())


def test_most_causes_come_first_without_the_signs_of_their_own_source(score: unseen.Score) -> None:
    assert score.first >= FIRST * score.of
    assert score.in_two >= IN_TWO * score.of
    assert score.in_ten >= IN_TEN * score.of


def test_none_is_wrong_at_high(score: unseen.Score) -> None:
    assert score.wrong_at_high == 0


def test_what_is_made_here_is_not_judged_and_supports_nothing(score: unseen.Score) -> None:
    judged = unseen.others()
    assert score.of == len(judged) > 600
    assert not [one for one in judged if one.made or not one.thread]
    assert len(judged) < len(examples("body", "printed", "said"))


def test_a_sign_counts_only_where_another_source_supports_it() -> None:
    one = next(e for e in unseen.others() if "session hit the maximum duration" in e.situation.text)
    assert [j.firm for j in unseen.unseen([one])] == ["low"], "alone it supports no sign"
    two = [one, replace(one, source="elsewhere/else#1, 2026")]
    assert [j.firm for j in unseen.unseen(two)] == ["high", "high"]
    assert [j.firm for j in unseen.unseen([one, one])] == ["low", "low"], "the same source twice is one"
