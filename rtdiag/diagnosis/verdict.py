"""The verdict on a run: which cause each case shows, and what they show together; the same for a run, a replay and a report.

A check says what it has seen and observed; which cause that is, the signs of the catalogue say, as they do for a text that a
person hands over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.advice import addressed
from rtdiag.diagnosis.catalogue import Cause
from rtdiag.diagnosis.situation import OURS as OURS
from rtdiag.diagnosis.situation import Situation, situation_of
from rtdiag.model import Confidence, Diagnosis, Finding, Observation, Outcome, Status
from rtdiag.servers import Server, known_as

UNEXPECTED = "unexpected-answer"
# The statuses that need an explanation; any other has a cause only where its check has observed one.
NEEDS: frozenset[Status] = frozenset({"fail", "error", "inconclusive", "warn"})


@dataclass(frozen=True)
class Named:
    """The cause that one case shows, how firmly, what speaks against it, and what the catalogue says is to be done."""

    cause: str
    confidence: Confidence
    against: tuple[str, ...] = ()
    fix: str = ""


def named(finding: Finding, seen: Observation) -> Named | None:
    """The cause that a finding shows, by what was seen and observed; None where nothing has to be explained."""
    if finding.status not in NEEDS and not finding.observed:
        return None
    if finding.cause and not (finding.observed or seen.exchanges or seen.events or seen.peers):
        return Named(finding.cause, "medium")  # an older record, which kept no more than that
    best = _best(situation_of(seen, observed=(OURS, *finding.observed)), needed=finding.status in NEEDS)
    # Where nothing was answered, no answer is unexpected.
    return None if best and best.cause == UNEXPECTED and not (seen.exchanges or seen.events) else best


def diagnose(outcomes: Iterable[Outcome], base_url: str = "", recognised_as: str = "") -> tuple[Diagnosis, ...]:
    """The causes that findings of status fail, error, inconclusive and warn speak for, best first; empty when all is well.

    `evidence` holds the ids of the cases. What to do begins with the hint of the case that shows the cause most firmly, of several
    the first; `base_url` is that of the server asked, `recognised_as` its id in servers.yaml, where that is known.
    """
    shown: dict[str, list[tuple[str, Finding, Named]]] = {}
    for outcome in outcomes:
        for row in outcome.rows:
            if row.finding.status in NEEDS and (found := named(row.finding, row.seen)):
                shown.setdefault(found.cause, []).append((f"{outcome.id}.{row.id}", row.finding, found))
    if not shown:
        return ()
    from rtdiag.diagnosis.matching import weighed

    server = known_as(recognised_as, base_url)
    return weighed({code: _told(code, cases, base_url, server) for code, cases in shown.items()})


def _told(code: str, shown: list[tuple[str, Finding, Named]], base_url: str, server: Server) -> Diagnosis:
    """A cause with all the cases that show it."""
    from rtdiag.diagnosis.matching import RANK, describe

    firmest = min((found.confidence for _, _, found in shown), key=RANK.__getitem__)
    hint = next((f.hint for _, f, found in shown if found.confidence == firmest and f.hint), None)
    against = dict.fromkeys(text for _, _, found in shown for text in found.against)
    cases = [case for case, _, _ in shown]
    return describe(catalogue.find(code), firmest, cases, tuple(against), hint=hint, base_url=base_url, server=server)


def _best(situation: Situation, *, needed: bool) -> Named | None:
    """The first cause of the ranking: measured, or told well enough; else that the answer is none that is known."""
    from rtdiag.diagnosis.features import features
    from rtdiag.diagnosis.matching import confidence, ranked

    told = features(situation)
    matches = ranked(told, None if needed else _measured(told))
    if matches and matches[0].points > 0:
        best, held = matches[0], confidence(matches[0], matches)
        if best.measured or (needed and held != "low"):
            return Named(best.cause.code, held, best.against, addressed(best.cause.fix, situation.base_url))
    return Named(UNEXPECTED, "low", fix=catalogue.find(UNEXPECTED).fix) if needed else None


def _measured(told: Mapping[str, str]) -> list[Cause]:
    """The families of causes that a sign shows which looks at what rtdiag has measured: no text brings another before them."""
    causes = catalogue.causes().values()
    shown = {c.family for c in causes if any(sign.measured and sign.seen_in(told) for sign in c.speaks_for)}
    return [cause for cause in causes if cause.family in shown]
