"""The cases of a report under their full ids, which of them need a look, and by which ids each is known to the server."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from rtdiag.model import SEVERITY, Cost, Finding, LedgerEntry, Observation, Outcome, Report, Row

NEEDS_A_LOOK = frozenset({"fail", "error", "inconclusive", "warn"})


@dataclass(frozen=True)
class Case:
    """A row with its full id, `key.accepted`, and its check's."""

    id: str
    check: str
    row: Row

    @property
    def finding(self) -> Finding:
        """The judgement."""
        return self.row.finding

    @property
    def advice(self) -> str:
        """What to do, or what to use instead; "" where nobody knows."""
        return self.row.finding.hint or self.row.finding.instead or ""


def of_check(outcome: Outcome) -> tuple[Case, ...]:
    """The cases of a check; a check without any, such as a plug-in that could not be loaded, counts as one under its own id."""
    if outcome.rows:
        return tuple(Case(f"{outcome.id}.{row.id}", outcome.id, row) for row in outcome.rows)
    finding = Finding(outcome.id, outcome.status, outcome.reason or "it has no cases")
    return (Case(outcome.id, outcome.id, Row(outcome.id, outcome.title, finding, Observation(outcome.id))),)


def missed(finding: Finding) -> str:
    """What was expected of a case that needs a look; "" where what came will do."""
    return finding.expected if finding.status in NEEDS_A_LOOK else ""


def by_reason(skipped: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The ids of what was skipped, from pairs of id and reason, by that reason."""
    found: dict[str, list[str]] = {}
    for name, reason in skipped:
        found.setdefault(reason, []).append(name)
    return found


def ran(outcome: Outcome) -> bool:
    """Whether a check had its turn, so that how long it took says something; not where all of it was skipped unasked."""
    return outcome.cost != Cost() or (outcome.status != "skip" and bool(outcome.rows))


def of_run(report: Report) -> tuple[Case, ...]:
    """All of them, in the order of the report."""
    return tuple(case for outcome in report.checks for case in of_check(outcome))


def worst_first(report: Report) -> tuple[Case, ...]:
    """Those that need a look, the worst first."""
    found = [case for case in of_run(report) if case.finding.status in NEEDS_A_LOOK]
    return tuple(sorted(found, key=lambda case: SEVERITY.index(case.finding.status)))


def entries(case: Case, known: Collection[LedgerEntry]) -> tuple[LedgerEntry, ...]:
    """The entries of the ledger that a case rests on: its requests and events, and the requests that carried its peers' offers."""
    seen = case.row.seen
    sources = {x.id for x in seen.exchanges} | {e.id for e in seen.events} | {p.offered_in for p in seen.peers}
    return tuple(entry for entry in known if entry.source in sources)


def ids(found: Mapping[str, str]) -> str:
    """Ids by name in one text: `x-request-id=req_… cf-ray=…`."""
    return " ".join(f"{name}={text}" for name, text in found.items())
