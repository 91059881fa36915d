"""The report as a person reads it on a screen.

A check where all is well is one line with its counts, unless `verbose`. Else its cases that need a look stand in a table, with the
exact body of every unexpected answer under it. Sentences and tables fit a terminal; bodies and shell lines are never broken, so
that they can be copied.
"""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from rtdiag.model import (
    NOT_OFFERED,
    Event,
    Exchange,
    Finding,
    Outcome,
    Report,
    Row,
    Status,
    WorkingRequests,
    counted,
)
from rtdiag.redact import SCOPE
from rtdiag.report import cases, curl, ledger, own_fields, two_ways
from rtdiag.report.causes import cause
from rtdiag.report.evidence import ended, place
from rtdiag.report.hearing import characters, modes
from rtdiag.report.json import time
from rtdiag.report.pen import WIDTH, Pen
from rtdiag.report.phrases import (
    SIGNS,
    answered,
    asker,
    banner,
    by_what,
    ignored,
    in_words,
    offered,
    overall,
    reached,
    way,
    whom,
)
from rtdiag.report.spelling import Painted

_WELL: frozenset[Status] = frozenset({"pass", "info", "skip"})
_RED: frozenset[Status] = frozenset({"fail", "error"})
_LONGEST_BODY, _LONGEST_BRIEF, _LONGEST_CURL = 4000, 1000, 700
_FOR_SUPPORT = 3
_UNDER = " " * 8


def render(
    report: Report, *, color: bool = False, verbose: bool = False, encoding: str = "utf-8", width: int | None = None
) -> Painted:
    """The whole report as text that can be shown in that encoding, ending in a newline.

    `width` is that of a terminal, where one reads the end first. None is for a log: it begins with the verdict.
    """
    pen = Pen(color, encoding, width)
    head, verdict, checks = _head(report, pen), _verdict(report, pen), _checks(report, pen, verbose)
    ways, told = [*_two_ways(report, pen)], [*_corrected(report.corrected, pen), *_account(report, pen)]
    asked = (head, checks, ways) if ways else (head, checks)
    parts = (verdict, *asked, told) if width is None else (*asked, told, verdict)
    return Painted("\n\n".join("\n".join(map(pen.text, part)) for part in parts) + "\n")


def _two_ways(report: Report, pen: Pen) -> Iterator[str]:
    """Where a browser was asked: both ways side by side, or one under the other on a narrow screen, and what the pair shows."""
    found = two_ways.of_run(report)
    if found is None:
        return
    cells = [
        (p.name, *(pen.cell(c.status, c.short) if c.text else "" for c in (p.here, p.there))) for p in found.phases
    ]
    drawn = pen.table(cells, two_ways.HEADS, [None, 40, 40])
    yield from [drawn] if drawn else (_listed_ways(cell, pen) for cell in cells)
    yield pen.wrapped("-> " + found.shown, "    ", "   ")


def _listed_ways(cells: tuple[str, ...], pen: Pen) -> str:
    told = "; ".join(f"{head} {cell}" for head, cell in zip(two_ways.HEADS[1:], cells[1:], strict=True) if cell)
    return pen.fit(f"{cells[0]}: {told}", "    ", "  ")


class _Again:
    """The shell lines that repeat the request of a case, once in the whole report, unless they are too long for a screen."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._told = set[str]()

    def __call__(self, row: Row) -> Iterator[str]:
        lines = curl.of_row(row, self._report)
        if lines and lines not in self._told and len(lines) <= _LONGEST_CURL:
            self._told.add(lines)
            yield "# again:\n" + lines


def _head(report: Report, pen: Pen) -> Iterator[str]:
    if pen.width is not None:
        yield from (pen.fit(line) for line in filter(None, [banner(report)]))
    target = report.target
    name = f"{target.name}: " if target.name else ""
    yield pen.fit(f"asked {name}{target.base_url} ({whom(target)})")
    if told := offered(target):
        yield pen.fit(told)
    yield pen.fit(by_what(report.credential))
    if models := ", ".join(filter(None, [target.model, target.transcription_model])):
        yield pen.fit(f"models {models}")


def _checks(report: Report, pen: Pen, verbose: bool) -> Iterator[str]:
    """Every check; those that were left out whole for one reason are one line, where the first of them would stand."""
    again, red = _Again(report), report.overall in _RED
    skipped = cases.by_reason((o.id, _said(o)) for o in report.checks if o.status == "skip")
    for outcome in report.checks:
        alike = skipped.get(_said(outcome), []) if outcome.status == "skip" else []
        if len(alike) > 1:
            if outcome.id == alike[0]:
                yield pen.line("skip", f"{counted(len(alike), 'check')} skipped: {_said(outcome)} ({', '.join(alike)})")
            continue
        yield from _check(outcome, pen, verbose, red, again)
        if own := own_fields.of_check(report, outcome):
            yield textwrap.indent(own_fields.drawn(own, pen.text, pen.width and pen.width - 4), "    ")
            yield ""


def _check(outcome: Outcome, pen: Pen, verbose: bool, red: bool, again: _Again) -> Iterator[str]:
    took = f"{outcome.duration_ms:.0f} ms" if cases.ran(outcome) else ""
    said = answered(outcome.title, _said(outcome))
    yield pen.line(outcome.status, f"{outcome.id:<15} {said}  {took}".rstrip(), further=" " * 18)
    well = all(row.finding.status in _WELL for row in outcome.rows)
    if outcome.status != "skip" and outcome.rows and (verbose or not well):
        matrix = all(row.line and row.column for row in outcome.rows)
        yield from _matrix(outcome.rows, pen) if matrix else _table(outcome.rows, pen, verbose)
    if heard := modes.of_check(outcome):
        yield from ("", textwrap.indent(characters.drawn(heard, (pen.width or WIDTH) - 4), "    "), "")
    yield from _bodies(outcome, pen, verbose, red, again)


def _said(outcome: Outcome) -> str:
    counts = Counter(row.finding.status for row in outcome.rows)
    summary = ", ".join(f"{counts[s]} {s}" for s in SIGNS if counts[s])
    return outcome.reason if outcome.reason and outcome.status in ("skip", "error") else summary


def _table(rows: Iterable[Row], pen: Pen, verbose: bool) -> Iterator[str]:
    """A line per case, with what was expected where something else came; those that were skipped are a line per reason."""
    rows = tuple(rows)
    asked = [r for r in rows if r.finding.status != "skip" and (verbose or r.finding.status != "info")]
    cells = [(pen.sign(r.finding.status), r.id, cases.missed(r.finding), r.finding.measured) for r in asked]
    if any(missed for _, _, missed, _ in cells):
        drawn = pen.table(cells, ("", "case", "expected", "measured"), [None, None, 34, 54])
    else:
        drawn = pen.table([(a, b, d) for a, b, _, d in cells], ("", "case", "measured"), [None, None, 90])
    yield from [drawn] if drawn else (_listed(r, pen) for r in asked)
    skipped = cases.by_reason((r.id, r.finding.measured) for r in rows if r.finding.status == "skip")
    for reason, ids in skipped.items():
        if verbose or reason.startswith("needs "):
            names = f" ({', '.join(ids)})" if verbose else ""
            yield pen.line("skip", f"{len(ids)} skipped: {reason}{names}", "    ", "  ")


def _listed(row: Row, pen: Pen) -> str:
    expected = cases.missed(row.finding)
    told = f"{row.id}: {row.finding.measured}" + (f"; expected {expected}" if expected else "")
    return pen.line(row.finding.status, told, "    ", "    ")


def _matrix(rows: tuple[Row, ...], pen: Pen) -> Iterator[str]:
    """Lines by columns: what came in each cell, what was expected where that is something else, and what to use instead."""
    columns = list(dict.fromkeys(r.column for r in rows))
    lines = {
        line: {r.column: r.finding for r in rows if r.line == line} for line in dict.fromkeys(r.line for r in rows)
    }
    table = [
        [line, *(_cell(cells.get(c), pen) for c in columns), _instead(cells.values())] for line, cells in lines.items()
    ]
    drawn = pen.table(table, ("offer posted to", *columns, "use instead"), [33, *[17] * len(columns), 24])
    yield from [drawn] if drawn else (part for line, cells in lines.items() for part in _by_answer(line, cells, pen))
    legend = (
        f"{pen.mark('pass')} as expected in this dialect; {pen.mark('info')}: no public source says what comes here"
    )
    failed = any(r.finding.status == "fail" for r in rows)
    yield pen.fit(legend + (f"; {pen.mark('fail')} not what should come" if failed else ""), "    ")


def _by_answer(line: str, cells: Mapping[str, Finding], pen: Pen) -> Iterator[str]:
    """A line of a matrix that is too wide: each answer with the columns that got it."""
    yield pen.fit(f"offer posted to {line}", "    ")
    answers: dict[tuple[Status, str], list[str]] = {}
    for column, finding in cells.items():
        answers.setdefault((finding.status, _came(finding)), []).append(column)
    for (status, came), columns in answers.items():
        yield pen.line(status, f"{came}: {', '.join(columns)}", "      ", "    ")
    if instead := _instead(cells.values()):
        yield pen.fit(f"use instead: {instead}", "        ")


def _instead(findings: Iterable[Finding]) -> str:
    return " ".join(dict.fromkeys(f.instead for f in findings if f.instead))


def _cell(finding: Finding | None, pen: Pen) -> str:
    return pen.cell(finding.status, _came(finding)) if finding else ""


def _came(finding: Finding) -> str:
    """What came; of what is not offered not once more in each cell why, which the check `server` tells."""
    if finding.measured.startswith(NOT_OFFERED):
        return NOT_OFFERED
    return finding.measured + (f", not {finding.expected}" if finding.status in ("fail", "warn") else "")


def _bodies(outcome: Outcome, pen: Pen, verbose: bool, red: bool, again: _Again) -> Iterator[str]:
    """Under the table: what each answer that needs a look said, word for word, and what to do; nothing is said twice.

    What shows its body although it is well (`show_body`) does so where something of the run is `red`, or `verbose`.
    """
    told: dict[str, str] = {}
    for row in outcome.rows:
        finding = row.finding
        well = finding.status in _WELL
        kept = finding.show_body and (red or verbose)
        if finding.status == "skip" or (well and not kept and not verbose):
            continue
        spoken = [*_spoken(outcome, row, told, pen, full=not well or kept), *map(_under, again(row))]
        hint = finding.hint if finding.hint and finding.hint not in told else None
        if spoken or hint:
            yield pen.line(finding.status, f"{outcome.id}.{row.id}: {row.title}", "    ")
            yield from spoken
        if hint:
            told[hint] = row.id
            yield pen.wrapped("-> " + hint, "      ", "   ")


def _spoken(outcome: Outcome, row: Row, told: dict[str, str], pen: Pen, *, full: bool) -> Iterator[str]:
    for exchange in row.seen.exchanges:
        if exchange.id in told:
            continue
        told[exchange.id] = row.id
        words = exchange.error.code if exchange.error else exchange.body
        same = f"{asker(exchange.by)}{exchange.method} {exchange.url} {exchange.status} {words}"
        if full and same in told and exchange.status:
            asked = f"{asker(exchange.by)}{exchange.method} {exchange.url}  ({exchange.credential})"
            yield pen.fit(f"{asked}: {exchange.status}, as in {outcome.id}.{told[same]}", _UNDER)
        elif full:
            told[same] = row.id
            yield from map(_under, _full(exchange))
        else:
            yield from (pen.fit(line, _UNDER) for line in _brief(exchange))
    if len(row.seen.events) > 1 or (full and row.seen.events):
        last = row.seen.events[-1]
        yield _under(_event(last)) if full else pen.fit(_event_brief(last), _UNDER)
    for peer in row.seen.peers if full else ():
        if peer.close:
            yield pen.fit(f"closed: {peer.close['code']} {peer.close['reason']}".rstrip(), _UNDER)


def _under(text: str) -> str:
    return textwrap.indent(text, _UNDER)


def _full(exchange: Exchange) -> Iterator[str]:
    yield f"{asker(exchange.by)}{exchange.method} {exchange.url}  ({exchange.credential}){place(exchange)}"
    if exchange.failure is not None:
        yield ended(exchange, exchange.failure)
    if exchange.status == 101:
        yield "HTTP 101: upgraded"
    elif exchange.status is not None:
        ids = " ".join(f"{k}={v}" for k, v in exchange.correlation.items() if k in ("x-request-id", "cf-ray"))
        yield f"HTTP {exchange.status}  {exchange.header('content-type') or 'no content type'}  {ids}".rstrip()
        yield _at_most((exchange.body or "(empty body)").rstrip("\n"), _LONGEST_BODY)


def _brief(exchange: Exchange) -> Iterator[str]:
    if exchange.status is not None and exchange.status >= 400:
        answer = f"{exchange.status} {exchange.error or (exchange.body or '')[:80]}"
        yield _at_most(f"{asker(exchange.by)}{exchange.method} {exchange.url}: {answer}", _LONGEST_BRIEF)


def _event(event: Event) -> str:
    parsed = event.json
    text = json.dumps(parsed, indent=2, ensure_ascii=False) if parsed is not None else event.raw
    return f"{event.direction}: {_at_most(text, _LONGEST_BODY)}"


def _event_brief(event: Event) -> str:
    return _at_most(f"{event.direction}: {event.type} {event.error or ''}".rstrip(), _LONGEST_BRIEF)


def _at_most(text: str, length: int) -> str:
    rest = len(text) - length
    return text if rest <= 0 else f"{text[:length]}\n… {counted(rest, 'more character')}; -o json has the whole text"


def _verdict(report: Report, pen: Pen) -> Iterator[str]:
    total = Counter(row.finding.status for o in report.checks for row in o.rows)
    counts = ", ".join(f"{total[s]} {s}" for s in SIGNS if total[s])
    word = f"{'INTERRUPTED: ' if report.interrupted else ''}{in_words(report)}"
    yield pen.line(overall(report), f"{word}: {counts} (exit {report.exit_code})")
    yield from (pen.fit(line) for line in (banner(report), reached(report), way(report)) if line)
    for number, found in enumerate(report.diagnosis[:3]):
        yield from cause(found, first=number == 0, seen=_seen(found.evidence), width=pen.width or WIDTH)


def _account(report: Report, pen: Pen) -> Iterator[str]:
    """What the run took, and what of it to quote, to trust and to miss."""
    yield pen.fit(f"used {report.cost}")
    yield from (pen.fit(f"left open: {left}") for left in report.left_open)
    yield from (pen.fit(line) for line in ignored(report))
    yield from _for_support(report, pen)
    masked = sum(r.count for r in report.redactions)
    yield pen.wrapped(f"masked {counted(masked, 'time')}: {SCOPE}")
    yield pen.fit(f"not tested: {', '.join(report.not_tested)}")
    if pen.width is None:
        yield from filter(None, [banner(report)])


def _for_support(report: Report, pen: Pen) -> Iterator[str]:
    """The ids that support asks for: of the first cases that need a look, the server's names or, without any, ours."""
    known = ledger.entries(report)
    told: dict[str, str] = {}
    for case in cases.worst_first(report):
        for entry in cases.entries(case, known)[-1:]:
            if entry.ids:
                told.setdefault(entry.source, f"{time(entry.at)}  {case.id}  {cases.ids(entry.ids)}")
    if told:
        more = f", of {len(told)}," if len(told) > _FOR_SUPPORT else ""
        yield pen.fit(f"to quote to support (UTC; the whole ledger{more} is in -o markdown, html and json):")
        yield from (pen.fit(line, "  ") for line in [*told.values()][:_FOR_SUPPORT])


def _seen(cases: tuple[str, ...]) -> str:
    more = f" and {len(cases) - 4} more" if len(cases) > 4 else ""
    return f"seen in {', '.join(cases[:4])}{more}; "


def _corrected(requests: WorkingRequests | None, pen: Pen) -> Iterator[str]:
    if requests is None:
        return
    yield pen.fit("what should work here, as shell lines, and after them as a page's script:")
    for text in (requests.mint, requests.offer, requests.page):
        yield textwrap.indent(text.rstrip("\n"), "    ")
    yield ""
