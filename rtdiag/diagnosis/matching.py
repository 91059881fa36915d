"""From situations to ranked causes: points for every sign of the catalogue that is there, less those for what speaks against it.

Context beats text by construction: a body alone rarely has the points for high confidence where several causes share it; the path,
the credential or the date add them or take them away.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rtdiag.api.endpoints import base_url_of
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.advice import addressed, advised
from rtdiag.diagnosis.catalogue import Cause, Sign
from rtdiag.diagnosis.features import Features, anchored, denies, features, of_machines
from rtdiag.diagnosis.likeness import likeness
from rtdiag.diagnosis.named_codes import failing
from rtdiag.diagnosis.situation import Situation
from rtdiag.model import Confidence, Diagnosis
from rtdiag.servers import Server

UNKNOWN = "unknown"

# Points that a cause needs for each confidence, and the lead over the best cause of another family that high confidence needs; the
# points of a sign in the answer that decides; those of a cause that others may follow from.
_HIGH, _LEAD, _MEDIUM, _LOW = 12, 4, 6, 3
_DECIDES, _FIRM = 6, 10
_SHOWN = 4
_ALIKE = 0.15  # points for a unit of likeness
_BARELY = 1.2  # points of likeness for a cause to be named by that alone, where it is surely about the API
_ONLY_LIKE = "only its words are like this"
RANK: dict[Confidence, int] = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True)
class Match:
    """How well one cause explains a situation: its points, and what speaks for and against it in words.

    `answered` says that something in what came back speaks for it, not only what was asked; `measured` that rtdiag has asked and
    found it; `most` is how firmly the signs allow it to be held.
    """

    cause: Cause
    points: int
    support: tuple[str, ...]
    against: tuple[str, ...]
    answered: bool
    measured: bool = False
    most: Confidence = "high"

    @property
    def by_signs(self) -> bool:
        """Whether a sign speaks for it, and not only the likeness of words."""
        return self.support != (_ONLY_LIKE,)


def causes_of(situation: Situation) -> tuple[Diagnosis, ...]:
    """The causes that explain one situation, best first, at most four; `unknown`, then the nearest ones, when none does."""
    return tuple(diagnosis for diagnosis, _ in _told(situation))


def _told(situation: Situation) -> list[tuple[Diagnosis, float]]:
    """The causes of one situation, each with its worth."""
    found = judged(situation)
    held: Sequence[Held] = [one for one in found if one.shown]
    if any(one.confidence != "low" for one in held):
        held = [one for one in held if one.match.points >= _LOW]
    elif not held and failing([features(situation)]):
        held = found
    if held:
        return [(_diagnosis(one.match, one.confidence, situation), one.worth) for one in held[:_SHOWN]]
    matches = [one.match for one in found if one.match.by_signs]
    nearest = [(_diagnosis(m, "low", situation), 0.0) for m in matches[:2] if m.points > 0]
    return [(_unknown(matches), 0.0), *nearest]


@dataclass(frozen=True)
class Held:
    """A cause in the ranking, how firmly it is held, and what it was ranked by: its points, and how like the text is to it.

    `shown` is False where too little speaks for it to name it.
    """

    match: Match
    confidence: Confidence
    worth: float
    shown: bool


def judged(situation: Situation, causes: Collection[Cause] | None = None) -> tuple[Held, ...]:
    """Every cause that signs or words bring near, likeliest first; of these causes, or of the whole catalogue.

    What a machine said decides: a cause that its words alone settle comes first, and no other is held with high confidence. A cause
    that mostly follows from another one stands behind any that much speaks for, or that an error object within the text names.
    """
    known = tuple(catalogue.causes().values() if causes is None else causes)
    told, of_machine = features(situation), of_machines(situation)
    matches = ranked(told, causes)
    decisive = matches if of_machine == told else ranked(of_machine, causes)
    settled = {m.cause.code for m in decisive if confidence(m, decisive) == "high"}
    ours = anchored(told)
    near = likeness(told) if of_machine["text"] or (ours and not denies(situation)) else {}
    found = [_held(m, matches, settled, near) for m in matches]
    supported = {code for m in matches for code in (m.cause.code, m.cause.family)}
    least = _BARELY if ours else _LOW
    found += [_alike(c, near[c.code], least) for c in known if c.code in near and c.code not in supported]
    return tuple(_roots_first(sorted(found, key=_order), inside=bool(told["code"])))


def _order(one: Held) -> tuple[bool, bool, float, int, str]:
    """By what decides, then by worth."""
    cause = one.match.cause
    return one.confidence != "high", not one.match.measured, -one.worth, cause.weight, cause.code


def _roots_first(found: list[Held], *, inside: bool) -> list[Held]:
    """What mostly follows from others behind those that much speaks for; `inside` says that an error object stands in the text."""

    def root(one: Held, least: int) -> bool:
        return not one.match.cause.follows and one.match.points >= least

    for one in [one for one in found if one.match.cause.follows]:
        least = _LOW if inside and one.match.cause.hides else _FIRM
        last = max((n for n, other in enumerate(found) if root(other, least)), default=-1)
        if (place := found.index(one)) < last:
            found.insert(last, found.pop(place))
    return found


def _alike(cause: Cause, near: float, least: float) -> Held:
    """A cause that no sign speaks for, and that only the words are like."""
    worth = _ALIKE * near
    return Held(Match(cause, 0, (_ONLY_LIKE,), (), answered=False), "low", worth, worth >= least)


def _held(found: Match, matches: Sequence[Match], settled: Container[str], near: Mapping[str, float]) -> Held:
    firm = confidence(found, matches)
    if found.cause.code in settled and found.points >= _HIGH:
        firm = found.most
    elif firm == "high":
        firm = "medium"
    worth = found.points + _ALIKE * near.get(found.cause.code, 0.0)
    return Held(found, firm, worth, worth >= _LOW)


def causes_of_all(situations: Iterable[Situation]) -> tuple[Diagnosis, ...]:
    """The causes that explain several situations of one session, the root first, then what follows from it.

    What is known to follow from an earlier failure (`Situation.follows`) stands behind the causes that are held firmly.
    """
    found: dict[str, Diagnosis] = {}
    worth: dict[str, float] = {}
    following = list[Situation]()
    for situation in situations:
        if situation.follows:
            following.append(situation)
            continue
        for diagnosis, points in _told(situation):
            found[diagnosis.cause] = _joined(found.get(diagnosis.cause), diagnosis)
            worth[diagnosis.cause] = max(points, worth.get(diagnosis.cause, 0.0))
    if len(found) > 1 and any(d.cause != UNKNOWN and d.confidence != "low" for d in found.values()):
        found.pop(UNKNOWN, None)
    held = sorted(weighed(found), key=lambda d: (*_rootward(d)[:-1], -worth[d.cause]))
    firm = [d for n, d in enumerate(held) if n == 0 or d.confidence != "low"]
    known = {d.cause for d in firm} | {UNKNOWN}
    new = {d.cause: d for d in map(_following, following) if d.cause not in known}
    rest = [d for d in held if d not in firm and d.cause not in new]
    return (*firm, *new.values(), *rest)[:_SHOWN]


def _following(situation: Situation) -> Diagnosis:
    """The first cause of what follows from another failure, held low."""
    first = causes_of(situation)[0]
    return replace(first, confidence="low", against=(*first.against, f"it follows from {situation.follows}"))


def weighed(found: Mapping[str, Diagnosis]) -> tuple[Diagnosis, ...]:
    """Causes found apart, by code, held against each other: what another one explains as well is held lower; root causes first."""
    firm = {code: _with_what_follows(diagnosis, found) for code, diagnosis in found.items()}
    return tuple(sorted((_held_against(d, firm) for d in firm.values()), key=_rootward))


def ranked(found: Features, causes: Iterable[Cause] | None = None) -> Sequence[Match]:
    """Every cause with at least one sign for it, the most points first; at equal points the one nearer to the root."""
    return _of_all(tuple(found.items())) if causes is None else _ranked(found, causes)


@lru_cache(maxsize=128)  # of one run many situations are alike, and each is asked about more than once
def _of_all(found: tuple[tuple[str, str], ...]) -> Sequence[Match]:
    return _ranked(dict(found), catalogue.causes().values())


def _ranked(found: Features, causes: Iterable[Cause]) -> Sequence[Match]:
    matches = (match(cause, found) for cause in causes if cause.speaks_for)
    told = _finer([m for m in matches if m.support])
    return sorted(told, key=lambda m: (-m.points, m.cause.weight, m.cause.code))


def _finer(matches: Sequence[Match]) -> list[Match]:
    """Variants with what speaks for and against their family; a family is left out where one of its variants says no less."""
    families = {m.cause.code: m for m in matches if m.cause.code == m.cause.family}
    variants = [_within(m, families.get(m.cause.family)) for m in matches if m.cause.code != m.cause.family]
    most = {v.cause.family: v.points for v in sorted(variants, key=lambda v: v.points)}
    return [*variants, *(f for code, f in families.items() if f.points > most.get(code, f.points - 1))]


def _within(variant: Match, family: Match | None) -> Match:
    """A variant with the signs of its family, as firm as what was measured of either allows."""
    if family is None:
        return variant
    return replace(
        variant,
        points=variant.points + family.points,
        support=tuple(dict.fromkeys((*variant.support, *family.support))),
        against=tuple(dict.fromkeys((*variant.against, *family.against))),
        answered=variant.answered or family.answered,
        measured=variant.measured or family.measured,
        most=family.most if family.measured and not variant.measured else variant.most,
    )


def match(cause: Cause, found: Features) -> Match:
    """How well this cause explains these features; what speaks against it is counted only where something speaks for it."""
    there = [(sign, seen) for sign in cause.speaks_for if (seen := sign.seen_in(found))]
    if not there:
        return Match(cause, 0, (), (), answered=False)
    opposed = [(sign, seen) for sign in cause.speaks_against if (seen := sign.seen_in(found))]
    points = sum(sign.points for sign, _ in there) - sum(sign.points for sign, _ in opposed)
    signs = [sign for sign, _ in there]
    answered = any(sign.settles or (sign.points >= _DECIDES and sign.tells_of_the_answer(found)) for sign in signs)
    measured = any(sign.measured for sign in signs)
    return Match(cause, points, _words(there), _words(opposed), answered, measured, _most(signs))


def confidence(candidate: Match, matches: Sequence[Match]) -> Confidence:
    """By points and lead, and no firmer than its signs allow; what was not measured is held low beside what was."""
    if not candidate.measured and any(m.measured for m in matches):
        return "low"
    rivals = (m.points for m in matches if m.cause.family != candidate.cause.family)
    if candidate.answered and candidate.points >= _HIGH and candidate.points - max(rivals, default=0) >= _LEAD:
        return candidate.most
    return max(candidate.most, "medium" if candidate.points >= _MEDIUM else "low", key=RANK.__getitem__)


def gives_a_reason(situation: Situation) -> bool:
    """Whether a refusal is best explained by a reason for which a good credential is refused, and not only faintly."""
    matches = ranked(features(situation))
    return bool(matches) and matches[0].cause.refuses and confidence(matches[0], matches) != "low"


def describe(
    cause: Cause,
    confidence: Confidence,
    evidence: Sequence[str],
    against: Sequence[str] = (),
    *,
    hint: str | None = None,
    base_url: str = "",
    server: Server | None = None,
) -> Diagnosis:
    """A cause of the catalogue as a diagnosis, with the hint of the case that shows it, for that server at `base_url`.

    Its question is kept only where confidence is not high.
    """
    ask = "" if confidence == "high" else cause.ask
    return Diagnosis(
        cause.code,
        confidence,
        cause.summary,
        addressed(advised(hint, cause), base_url, server),
        cause.sources,
        tuple(evidence),
        tuple(against),
        addressed(cause.line, base_url, server),
        cause.today,
        addressed(ask, base_url, server),
    )


def _words(signs: Iterable[tuple[Sign, tuple[tuple[str, str], ...]]]) -> tuple[str, ...]:
    """What was found of each sign, once."""
    told = (" and ".join(f"{name} {text[:60]!r}" for name, text in seen) for _, seen in signs)
    return tuple(dict.fromkeys(told))


def _most(signs: Sequence[Sign]) -> Confidence:
    """As firm as the firmest of what was measured, or of the signs that much speaks in; else the points alone decide."""
    weighty = [sign for sign in signs if sign.measured] or [sign for sign in signs if sign.points >= _MEDIUM]
    return min((sign.held for sign in weighty), key=RANK.__getitem__, default="high")


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
