"""The verdict on a run: what its findings speak for, weighed as all else is (matching.py), and the requests that should work.

A check that names a cause has asked more than any text can tell, so its word stands; what it could not name is judged from what was
asked and what came back, as `rtdiag explain` would.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rtdiag.api import sessions
from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.api.models import default
from rtdiag.api.requests import Corrected, corrected
from rtdiag.api.sessions import Json
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.facts import facts
from rtdiag.diagnosis.matching import BY_STATUS, RANK, UNKNOWN, describe, judge, match, weighed
from rtdiag.diagnosis.situation import Situation, situation_of
from rtdiag.model import Confidence, Diagnosis, Outcome, Row, Target

UNEXPECTED = "unexpected-answer"

# The topics of the catalogue that another request mends; of the credentials only the life of a token.
_MENDED_BY_A_REQUEST = frozenset({"endpoint", "sdp", "session", "vad"})


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
                against = match(catalogue.find(code), facts(situation)).against
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


def remedy(diagnosis: tuple[Diagnosis, ...], checks: Iterable[Outcome], target: Target, on: date) -> Corrected | None:
    """The requests that should work for the kind of session that failed, with the user's endpoint, models and session.

    The user's session is the one that the server took, mended or without what it refused, else what rtdiag makes of it. None when
    all is well, or where no other request would help: a server without any mint takes none of these.
    """
    from rtdiag.api.repair import repair

    if not diagnosis or not target.dialects or not _mended_by_a_request(catalogue.find(diagnosis[0].cause)):
        return None
    refused = [k for k in target.kinds if any(k in case for case in diagnosis[0].evidence)]
    own = sessions.kind_of(target.session) if target.session else target.kinds[0]
    kind: Kind = refused[0] if len(refused) == 1 else own
    session, taken = (target.session, _taken(checks)) if kind == own else (None, None)
    dialect: Dialect = "ga" if "ga" in target.dialects else target.dialects[0]
    models = target.model or default("realtime"), target.transcription_model or default("transcription")
    if taken is not None:
        session, dialect = taken, sessions.dialect_of(taken)
    elif session is not None:
        model = models[0] if kind == "realtime" else models[1]
        session = repair(session, kind=kind, dialect=dialect, model=model, vad=None, on=on).session
    return corrected(target.base_url, kind, dialect, *models, session)


def _taken(checks: Iterable[Outcome]) -> Json | None:
    """The session that the server took in place of the user's own, if it was asked for one."""
    facts = [
        row.seen.facts for outcome in checks if outcome.id == "vad" for row in outcome.rows if row.id == "own-culprit"
    ]
    found = next((f.get("mended") or f.get("taken") for f in facts), None)
    return found if isinstance(found, dict) else None


def _mended_by_a_request(cause: catalogue.Cause) -> bool:
    return cause.topic in _MENDED_BY_A_REQUEST or cause.code.startswith("ephemeral-token")


def _named(row: Row, situation: Situation, held: Confidence) -> tuple[str, Confidence]:
    """The cause that the case names; else the one that the evidence speaks for, held no firmer than medium."""
    if row.finding.cause and row.finding.cause != UNEXPECTED:
        return row.finding.cause, held
    best = judge(situation)[0]
    if best.cause == UNKNOWN or best.confidence == "low":
        return UNEXPECTED, "low"
    return best.cause, max(held, best.confidence, "medium", key=RANK.__getitem__)
