"""From situations to ranked causes: points for every sign of the catalogue that is there, less those for what speaks against it.

Context beats text by construction: a body alone rarely has the points for high confidence where several causes share it; the path,
the credential or the date add them or take them away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rtdiag.api.endpoints import base_url_of
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.advice import addressed, advised
from rtdiag.diagnosis.catalogue import Cause, Sign
from rtdiag.diagnosis.features import Features, features
from rtdiag.diagnosis.situation import Situation
from rtdiag.model import Confidence, Diagnosis

UNKNOWN = "unknown"

# Points that a cause needs for each confidence, and the lead over the best cause of another family that high confidence needs.
_HIGH, _LEAD, _MEDIUM, _LOW = 12, 4, 6, 3
_SHOWN = 4
# Points for being named by a check, which has asked what no text can tell.
_NAMED = 30
RANK: dict[Confidence, int] = {"high": 0, "medium": 1, "low": 2}
# How firmly a run holds a cause that a case of this status names.
BY_STATUS: dict[str, Confidence] = {"fail": "high", "error": "medium", "inconclusive": "medium", "warn": "low"}


@dataclass(frozen=True)
class Match:
    """How well one cause explains a situation: its points, and what speaks for and against it in words.

    `answered` says that something in what came back speaks for it, not only what was asked; `named` that a check named it.
    """

    cause: Cause
    points: int
    support: tuple[str, ...]
    against: tuple[str, ...]
    answered: bool
    named: bool = False


def causes_of(situation: Situation) -> tuple[Diagnosis, ...]:
    """The causes that explain one situation, best first, at most four; `unknown`, then the nearest ones, when none does."""
    told = features(situation)
    matches = ranked(told)
    held = [(m, max(_confidence(m, matches), _limit(told), key=RANK.__getitem__)) for m in matches if m.points >= _LOW]
    if held:
        return tuple(_diagnosis(m, confidence, situation) for m, confidence in held[:_SHOWN])
    nearest = [m for m in matches if m.points > 0][:2]
    return (_unknown(matches), *(_diagnosis(m, "low", situation) for m in nearest))


def causes_of_all(situations: Iterable[Situation]) -> tuple[Diagnosis, ...]:
    """The causes that explain several situations of one session, the root first, then what follows from it."""
    found: dict[str, Diagnosis] = {}
    for situation in situations:
        for diagnosis in causes_of(situation):
            found[diagnosis.cause] = _joined(found.get(diagnosis.cause), diagnosis)
    if len(found) > 1 and any(d.cause != UNKNOWN and d.confidence != "low" for d in found.values()):
        found.pop(UNKNOWN, None)
    return weighed(found)[:_SHOWN]


def weighed(found: Mapping[str, Diagnosis]) -> tuple[Diagnosis, ...]:
    """Causes found apart, by code, held against each other: what another one explains as well is held lower; root causes first."""
    firm = {code: _with_what_follows(diagnosis, found) for code, diagnosis in found.items()}
    return tuple(sorted((_held_against(d, firm) for d in firm.values()), key=_rootward))


def ranked(found: Features) -> list[Match]:
    """Every cause with at least one sign for it, the most points first; at equal points the one nearer to the root."""
    causes = catalogue.causes().values()
    matches = (match(cause, found) for cause in causes if cause.speaks_for or cause.code == found["named"])
    return sorted((m for m in matches if m.support), key=lambda m: (-m.points, m.cause.weight, m.cause.code))


def match(cause: Cause, found: Features) -> Match:
    """How well this cause explains these facts; what speaks against it is counted only where something speaks for it."""
    plus, support = _count(cause.speaks_for, found)
    if named := cause.code == found["named"]:
        plus, support = plus + _NAMED, ("a check of rtdiag names it", *support)
    minus, against = _count(cause.speaks_against, found) if support else (0, ())
    answered = named or any(
        s.settles or s.looks_at_the_answer for s in cause.speaks_for if support and s.seen_in(found)
    )
    return Match(cause, plus - minus, support, against, answered, named)


def describe(
    cause: Cause,
    confidence: Confidence,
    evidence: Sequence[str],
    against: Sequence[str] = (),
    *,
    hint: str | None = None,
    base_url: str = "",
) -> Diagnosis:
    """A cause of the catalogue as a diagnosis, with the hint of the case that shows it, for the server at `base_url`.

    Its question is kept only where confidence is not high.
    """
    ask = "" if confidence == "high" else cause.ask
    return Diagnosis(
        cause.code,
        confidence,
        cause.summary,
        addressed(advised(hint, cause), base_url),
        cause.sources,
        tuple(evidence),
        tuple(against),
        addressed(cause.line, base_url),
        cause.today,
        addressed(ask, base_url),
    )


def _count(signs: Iterable[Sign], found: Features) -> tuple[int, tuple[str, ...]]:
    points, words = 0, []
    for sign in signs:
        if seen := sign.seen_in(found):
            points += sign.points
            words.append(" and ".join(f"{name} {text[:60]!r}" for name, text in seen))
    return points, tuple(dict.fromkeys(words))


def _confidence(candidate: Match, matches: Sequence[Match]) -> Confidence:
    """Within a family the words are mostly the same: where a check named one of it, the others are held low."""
    family = [m for m in matches if m.cause.family == candidate.cause.family]
    if not candidate.named and any(m.named for m in family):
        return "low"
    rivals = (m.points for m in matches if m.cause.family != candidate.cause.family)
    if candidate.answered and candidate.points >= _HIGH and candidate.points - max(rivals, default=0) >= _LEAD:
        return "high"
    return "medium" if candidate.points >= _MEDIUM else "low"


def _limit(told: Features) -> Confidence:
    """No case of a run is held firmer than the run held it: by its status, and never high where its check named nothing."""
    if not told["held"]:
        return "high"
    return BY_STATUS.get(told["held"], "high") if told["named"] else "medium"


def _diagnosis(found: Match, confidence: Confidence, situation: Situation) -> Diagnosis:
    evidence = [f"{situation.where}: {s}" if situation.where else s for s in found.support]
    base_url = situation.base_url or base_url_of(situation.url or "")
    return describe(found.cause, confidence, evidence, found.against, base_url=base_url)


def _unknown(matches: Sequence[Match]) -> Diagnosis:
    asked = (m.cause.ask for m in matches[:2] if m.cause.ask)
    ask = next(
        asked, "What was asked (method, URL, kind of credential, what was sent), and what came back word for word?"
    )
    ruled_out = tuple(f"{m.cause.code}: {'; '.join(m.against)}" for m in matches[:3] if m.against)
    fix = "Give more of it: the request beside the answer, or a HAR of the page; with a key, `rtdiag run` asks for itself."
    return Diagnosis(UNKNOWN, "low", "No cause that is known here explains this.", fix, (), (), ruled_out, ask=ask)


def _joined(known: Diagnosis | None, new: Diagnosis) -> Diagnosis:
    if known is None:
        return new
    firmer = min(known, new, key=lambda d: RANK[d.confidence])
    together = [tuple(dict.fromkeys((*getattr(known, f), *getattr(new, f)))) for f in ("evidence", "against")]
    return replace(firmer, evidence=together[0], against=together[1])


def _with_what_follows(diagnosis: Diagnosis, found: Mapping[str, Diagnosis]) -> Diagnosis:
    """The diagnosis as firm as what follows from it: a doubt and its consequence, both seen, are no doubt any more."""
    following = [found[c].confidence for c in catalogue.find(diagnosis.cause).explains if c in found]
    return (
        replace(diagnosis, confidence=min(diagnosis.confidence, *following, key=RANK.__getitem__))
        if following
        else diagnosis
    )


def _held_against(diagnosis: Diagnosis, found: Mapping[str, Diagnosis]) -> Diagnosis:
    roots = (c for c in found if diagnosis.cause in catalogue.find(c).explains)
    for other in (found[c] for c in (*catalogue.find(diagnosis.cause).unless, *roots) if c in found):
        if RANK[other.confidence] <= RANK[diagnosis.confidence] < RANK["low"]:
            return replace(diagnosis, confidence="low", against=(*diagnosis.against, f"{other.cause} explains it too"))
    return diagnosis


def _rootward(diagnosis: Diagnosis) -> tuple[bool, bool, int, int]:
    """The order of causes: those held at least with medium confidence first, and of them what follows from others last."""
    cause, firm = catalogue.find(diagnosis.cause), diagnosis.confidence != "low"
    return (not firm, firm and cause.follows, RANK[diagnosis.confidence], cause.weight)
