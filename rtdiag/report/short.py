"""The report on one line of at most 200 characters, for a chat, a monitor or a log: the verdict, what to do, and what to quote."""

from __future__ import annotations

from rtdiag.model import Report
from rtdiag.report import cases, ledger
from rtdiag.report.phrases import overall, reached, tally, verdict, way
from rtdiag.report.spelling import one_line

LONGEST = 200
_ADVICE, _LEAST_ADVICE = 40, 20


def render(report: Report) -> str:
    """`rtdiag: FAIL cause (high): what to do [1 fail, 3 pass] https://… x-request-id=… exit 1`.

    Whatever its texts hold it is one line; where the advice would have little room the address goes first, then the request id,
    at last where a run was cut short.
    """
    head, end = f"rtdiag: {one_line(verdict(report), 70)}", f"exit {report.exit_code}"
    tail = [part for part in (f"[{one_line(_counts(report), 55)}]", _emulator(report)) if part]
    place, kept = len(tail), len(": ") + _ADVICE if report.diagnosis or way(report) else 0
    for part in (one_line(reached(report), 80), _request_id(report), one_line(report.target.base_url, 40)):
        if part and len(" ".join([head, *tail, part, end])) + kept <= LONGEST:
            tail.insert(place, part)
    rest = " ".join([*tail, end])
    room = LONGEST - len(head) - len(": ") - len(" ") - len(rest)
    said = report.diagnosis[0].fix if report.diagnosis else way(report)
    advice = one_line(said, room) if room >= _LEAST_ADVICE else ""
    return f"{head}{f': {advice}' if advice else ''} {rest}\n"


def _counts(report: Report) -> str:
    """Of the cases that were judged; of those left out only where there are no others, or the run says nothing yet."""
    statuses = [case.finding.status for case in cases.of_run(report)]
    judged = [s for s in statuses if s not in ("skip", "info")]
    unproven = report.interrupted and overall(report) == "inconclusive"
    return tally(statuses if unproven else judged or statuses)


def _emulator(report: Report) -> str:
    emulator = report.target.emulator
    if emulator is None:
        return ""
    return one_line(f"EMULATOR(as of {', '.join([emulator['as_of'], *emulator['faults']])})", 45)


def _request_id(report: Report) -> str:
    """The server's name of the last request of the first case that needs a look."""
    known = ledger.entries(report)
    failed = (entry for case in cases.worst_first(report) for entry in reversed(cases.entries(case, known)))
    found = next((entry.ids[ledger.REQUEST_ID] for entry in failed if ledger.REQUEST_ID in entry.ids), "")
    return f"x-request-id={one_line(found, 40)}" if found else ""
