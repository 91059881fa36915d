"""The causes that may stand behind a failure where nothing is firm: a ranked list, and the question that decides between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from rtdiag.api import codes
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause
from rtdiag.diagnosis.features import features
from rtdiag.diagnosis.matching import judged
from rtdiag.diagnosis.named_codes import named
from rtdiag.diagnosis.situation import Situation

MOST = 10


def shortlist(situations: Iterable[Situation]) -> tuple[Cause, ...]:
    """Up to ten causes, the likeliest first; of several situations each cause counts where it is likeliest."""
    worth: dict[str, float] = {}
    for one in (one for situation in situations for one in judged(situation) if one.worth > 0):
        worth[one.match.cause.code] = max(one.worth, worth.get(one.match.cause.code, 0.0))
    found = sorted(map(catalogue.find, worth), key=lambda cause: (-worth[cause.code], cause.weight, cause.code))
    return tuple(found[:MOST])


def question(situations: Iterable[Situation], causes: Sequence[Cause]) -> str:
    """What decides between them: that of the code, close, status or event that is named, else that of one of the first three."""
    asked = (codes.all_codes()[name].ask for name in named(map(features, situations)))
    return next(chain(asked, (cause.ask for cause in causes[:3] if cause.ask)), "")
