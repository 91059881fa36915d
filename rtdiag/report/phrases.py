"""What several renderings say of a whole run in the same words: the verdict, the counts, the emulator's banner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rtdiag.model import SEVERITY, Report, Status

SIGNS: dict[Status, str] = {
    "pass": "✓",
    "warn": "!",
    "fail": "✗",
    "inconclusive": "?",
    "info": "i",
    "skip": "-",
    "error": "E",
}
_OVERALL: dict[Status, str] = {
    "pass": "all is well",
    "warn": "well, with warnings",
    "fail": "something is wrong",
    "inconclusive": "not all could be tested",
    "info": "nothing was proven",
    "skip": "nothing was asked",
    "error": "a check broke",
}


def banner(report: Report) -> str:
    """The line that says that all this is the emulator's; "" for a run against a server."""
    emulator = report.target.emulator
    if emulator is None:
        return ""
    faults = f", faults: {', '.join(emulator['faults'])}" if emulator["faults"] else ""
    return f"EMULATOR (as of {emulator['as_of']}{faults}): nothing here was asked of the live API"


def status(report: Report) -> str:
    """The overall status in capitals, after INTERRUPTED where the run was."""
    return ("INTERRUPTED " if report.interrupted else "") + report.overall.upper()


def verdict(report: Report) -> str:
    """The status and what it comes from: `FAIL key-wrong-or-revoked (high)`, `PASS all is well`."""
    if not report.diagnosis:
        return f"{status(report)} {in_words(report)}"
    return f"{status(report)} {report.diagnosis[0].cause} ({report.diagnosis[0].confidence})"


def in_words(report: Report) -> str:
    """The overall status as a sentence's end: `something is wrong`."""
    return "nothing was wrong so far" if report.interrupted and report.overall == "pass" else _OVERALL[report.overall]


def tally(statuses: Iterable[Status]) -> str:
    """How many of each, the worst first: `1 fail, 3 pass`."""
    counts = Counter(statuses)
    return ", ".join(f"{counts[s]} {s}" for s in SEVERITY if counts[s]) or "no cases"
