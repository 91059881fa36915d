"""The verdict on a run: what its findings speak for, weighed as all else is (matching.py).

A check that names a cause has asked more than any text can tell, so its word stands; what it could not name is judged from what was
asked and what came back, as `rtdiag explain` would.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.features import features
from rtdiag.diagnosis.matching import BY_STATUS, RANK, UNKNOWN, causes_of, describe, match, weighed
from rtdiag.diagnosis.situation import Situation, situation_of
from rtdiag.model import Confidence, Diagnosis, Outcome, Row

UNEXPECTED = "unexpected-answer"


@dataclass(frozen=True)
class _Shown:
    """What one case says of a cause: how firmly it is held, what speaks against it, and its hint where the case names the cause."""

    case: str
    held: Confidence
    against: tuple[str, ...]
    hint: str | None


def diagnose(outcomes: Iterable[Outcome], base_url: str = "") -> tuple[Diagnosis, ...]:
    """The causes that findings of status fail, error, inconclusive and warn speak for, best first; empty when all is well.

    `evidence` holds the ids of the cases. A cause that only names an unknown answer is never held with high confidence. What to do
    begins with the hint of the case that shows the cause most firmly, of several the first; `base_url` is that of the server asked.
    """
    shown: dict[str, list[_Shown]] = {}
    for outcome in outcomes:
        for row in outcome.rows:
            if held := BY_STATUS.get(row.finding.status):
                situation = situation_of(row.seen, f"{outcome.id}.{row.id}")
                code, held = _named(row, situation, held)
                against = match(catalogue.find(code), features(situation)).against
                hint = row.finding.hint if row.finding.cause == code else None
                shown.setdefault(code, []).append(_Shown(situation.where, held, against, hint))
    return weighed({code: _told(code, cases, base_url) for code, cases in shown.items()})


def _told(code: str, shown: list[_Shown], base_url: str) -> Diagnosis:
    """A cause with all the cases that show it."""
    firmest = min((one.held for one in shown), key=RANK.__getitem__)
    hint = next((one.hint for one in shown if one.held == firmest and one.hint), None)
    against = dict.fromkeys(text for one in shown for text in one.against)
    cause, cases = catalogue.find(code), [one.case for one in shown]
    return describe(cause, firmest, cases, tuple(against), hint=hint, base_url=base_url)


def _named(row: Row, situation: Situation, held: Confidence) -> tuple[str, Confidence]:
    """The cause that the case names; else the one that the evidence speaks for, held no firmer than medium."""
    if row.finding.cause and row.finding.cause != UNEXPECTED:
        return row.finding.cause, held
    best = causes_of(situation)[0]
    if best.cause == UNKNOWN or best.confidence == "low":
        return UNEXPECTED, "low"
    return best.cause, max(held, best.confidence, "medium", key=RANK.__getitem__)
