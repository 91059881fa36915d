"""The report for GitHub Actions: annotations on standard output, and the text for the step's summary page.

Each line is one workflow command, so that no text of a server can begin one: `::error`, `::warning`, `::notice`, the verdict
first, then the cases that need a look, the worst first. The runner also takes `##[error]` amid a line that is no such command
(actions/runner, ActionCommand.cs, 2026), so there is none. `::add-mask::` is not needed: no credential stands in a report.
GitHub shows 10 annotations of each kind per step (assumed still so in 2026): the tenth names the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rtdiag.model import LedgerEntry, Report, Status, counted
from rtdiag.report import cases, ledger, markdown
from rtdiag.report.cases import Case
from rtdiag.report.phrases import banner, reached, tally, verdict, way
from rtdiag.report.spelling import one_line

Kind = Literal["error", "warning", "notice"]
MOST_OF_A_KIND = 10
_KINDS: dict[Status, Kind] = {"fail": "error", "error": "error", "inconclusive": "warning", "warn": "warning"}


def render(report: Report) -> str:
    """The workflow commands, one per line; the last one of an emulator's run says so again."""
    top = _overall(report)
    lines = [_command(top, f"rtdiag: {verdict(report)}", *_verdict(report))]
    for kind in ("error", "warning"):
        lines += _annotations(kind, report, MOST_OF_A_KIND - (kind == top))
    if banner(report):
        lines.append(_command("notice", "EMULATOR", banner(report)))
    return "\n".join(lines) + "\n"


def summary(report: Report) -> str:
    """What belongs at the end of the file `$GITHUB_STEP_SUMMARY`: the Markdown report, far below that page's 1 MiB."""
    return markdown.render(report)


def _overall(report: Report) -> Kind:
    """The kind of the verdict: red wherever the step is."""
    return "error" if report.exit_code else _KINDS.get(report.overall, "notice")


def _verdict(report: Report) -> Iterator[str]:
    yield banner(report)
    yield reached(report)
    yield way(report)
    for found in report.diagnosis[:1]:
        yield found.summary
        yield f"what to do: {found.fix}"
        yield f"the line: {found.line}" if found.line else ""
        yield f"seen in: {', '.join(found.evidence[:4])}{' and more' if len(found.evidence) > 4 else ''}"
    yield f"{tally(case.finding.status for case in cases.of_run(report))}; exit {report.exit_code}"


def _annotations(kind: Kind, report: Report, most: int) -> Iterator[str]:
    known = ledger.entries(report)
    found = [case for case in cases.worst_first(report) if _KINDS[case.finding.status] == kind]
    shown = found if len(found) <= most else found[: most - 1]
    for case in shown:
        yield _command(kind, f"{case.id} ({case.finding.status}): {case.row.title}", *_case(case, known))
    if rest := found[len(shown) :]:
        yield _command(
            kind, counted(len(rest), "more case"), *(f"{case.id}: {case.finding.measured}" for case in rest[:50])
        )


def _case(case: Case, known: Sequence[LedgerEntry]) -> Iterator[str]:
    finding = case.finding
    yield f"measured: {finding.measured}"
    for name, text in (("expected", finding.expected), ("cause", finding.cause), ("what to do", case.advice)):
        yield f"{name}: {text}" if text else ""
    for entry in cases.entries(case, known)[-3:]:
        yield f"{entry.what} {cases.ids(entry.ids)}"


def _command(kind: Kind, title: str, *lines: str) -> str:
    """One command; each line of its message begins with words of our own and holds what a server says behind them."""
    message = "\n".join(one_line(line, 500) for line in lines if line)
    return f"::{kind} title={_property(one_line(title, 150))}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
