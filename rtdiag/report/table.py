"""The report as a person reads it on a screen; the only user of tabulate.

A check where all is well is one line with its counts, unless `verbose`. Else its cases that need a look stand in a table, with the
exact body of every unexpected answer under it. Whatever is not `Painted` is spelt before it becomes that, so no text but our own
colours can steer a terminal.
"""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tabulate import tabulate

from rtdiag.api.endpoints import DIALECT_NAMES
from rtdiag.model import Diagnosis, Event, Exchange, Finding, Outcome, Report, Row, Status, WorkingRequests, counted
from rtdiag.redact import SCOPE
from rtdiag.report import cases, curl, ledger, own_fields
from rtdiag.report.hearing import characters, modes
from rtdiag.report.json import time
from rtdiag.report.phrases import SIGNS, answered, banner, in_words, overall, reached
from rtdiag.report.spelling import Painted, draws, fitted, spelt

_COLORS: dict[Status, str] = {
    "pass": "32",
    "warn": "33",
    "fail": "31",
    "inconclusive": "35",
    "info": "36",
    "skip": "2",
    "error": "31",
}
_WELL: frozenset[Status] = frozenset({"pass", "info", "skip"})
_WIDTH = 100
_LONGEST_BODY, _LONGEST_BRIEF, _LONGEST_CURL = 4000, 1000, 700
_FOR_SUPPORT = 3


def render(report: Report, *, color: bool = False, verbose: bool = False, encoding: str = "utf-8") -> Painted:
    """The whole report as text that can be shown in that encoding, ending in a newline."""
    pen, again = _Pen(color, encoding), _Again({x.id: x for x in report.exchanges})
    lines = [*_head(report), ""]
    for outcome in report.checks:
        lines += _check(outcome, pen, verbose, again)
        if own := own_fields.of_check(report, outcome):
            lines += [textwrap.indent(own_fields.drawn(own, pen.text), "    "), ""]
    lines += ["", *_corrected(report.corrected), *_verdict(report, pen)]
    return Painted("\n".join(map(pen.text, lines)) + "\n")


class _Pen:
    """Makes text that is `Painted`: spelt, then fitted to the encoding, then coloured."""

    def __init__(self, color: bool, encoding: str) -> None:
        self._color, self._encoding = color, encoding
        self._signs = draws(encoding)

    def text(self, text: str) -> Painted:
        """The text without colours; what is Painted stays as it is."""
        return text if isinstance(text, Painted) else Painted(fitted(spelt(text), self._encoding))

    def mark(self, status: Status) -> Painted:
        """The sign of a status, or its word where signs cannot be shown."""
        return Painted(SIGNS[status] if self._signs else status)

    def sign(self, status: Status) -> Painted:
        """The same in its colour."""
        mark = self.mark(status)
        return Painted(f"\x1b[{_COLORS[status]}m{mark}\x1b[0m") if self._color else mark

    def line(self, status: Status, text: str) -> Painted:
        """The sign and the text behind it, on one line."""
        return Painted(f"{self.sign(status)} {self.text(text)}".replace("\n", " "))

    def table(self, cells: Iterable[Sequence[str]], headers: Sequence[str], widths: list[int | None]) -> Painted:
        """Cells in columns of at most these widths, indented."""
        texts = [list(map(self.text, row)) for row in (headers, *cells)]
        drawn = tabulate(texts[1:], headers=texts[0], maxcolwidths=widths, disable_numparse=True)
        return Painted(textwrap.indent(drawn, "    "))


class _Again:
    """The shell lines that repeat the request of a case, once in the whole report, unless they are too long for a screen."""

    def __init__(self, exchanges: Mapping[str, Exchange]) -> None:
        self._exchanges = exchanges
        self._told = set[str]()

    def __call__(self, row: Row) -> Iterator[str]:
        lines = curl.of_row(row, self._exchanges)
        if lines and lines not in self._told and len(lines) <= _LONGEST_CURL:
            self._told.add(lines)
            yield "# again:\n" + lines


def _head(report: Report) -> Iterator[str]:
    yield from filter(None, [banner(report)])
    target, credential = report.target, report.credential
    dialects = " and ".join(DIALECT_NAMES[d] for d in target.dialects) or "dialect unknown"
    yield f"asked {target.base_url} ({target.recognised_as}, {dialects})"
    if credential.source:
        yield f"with {credential.kind} {credential.masked} from {credential.source}".replace("  ", " ")
    if models := ", ".join(filter(None, [target.model, target.transcription_model])):
        yield f"models {models}"


def _check(outcome: Outcome, pen: _Pen, verbose: bool, again: _Again) -> Iterator[str]:
    counts = Counter(row.finding.status for row in outcome.rows)
    summary = ", ".join(f"{counts[s]} {s}" for s in SIGNS if counts[s])
    took = f"{outcome.duration_ms:.0f} ms" if cases.ran(outcome) else ""
    said = outcome.reason if outcome.reason and outcome.status in ("skip", "error") else summary
    yield pen.line(outcome.status, f"{outcome.id:<15} {answered(outcome.title, said)}  {took}".rstrip())
    well = all(row.finding.status in _WELL for row in outcome.rows)
    if outcome.status != "skip" and outcome.rows and (verbose or not well):
        matrix = all(row.line and row.column for row in outcome.rows)
        yield from _matrix(outcome.rows, pen) if matrix else [_table(outcome.rows, pen, verbose)]
    if heard := modes.of_check(outcome):
        yield from ("", textwrap.indent(characters.drawn(heard), "    "), "")
    yield from _bodies(outcome, pen, verbose, again)


def _table(rows: Iterable[Row], pen: _Pen, verbose: bool) -> Painted:
    rows = tuple(rows)
    shown = rows if verbose else tuple(r for r in rows if r.finding.status not in ("info", "skip") or _chained(r))
    cells = [(pen.sign(r.finding.status), r.id, r.finding.expected, r.finding.measured) for r in shown]
    return pen.table(cells, ("", "case", "expected", "measured"), [None, None, 34, 54])


def _chained(row: Row) -> bool:
    return row.finding.status == "skip" and row.finding.measured.startswith("needs ")


def _matrix(rows: tuple[Row, ...], pen: _Pen) -> Iterator[Painted]:
    """Lines by columns: what came in each cell, what was expected where that is something else, and what to use instead."""
    columns = list(dict.fromkeys(r.column for r in rows))
    table = []
    for line in dict.fromkeys(r.line for r in rows):
        cells = {r.column: r.finding for r in rows if r.line == line}
        instead = dict.fromkeys(f.instead for f in cells.values() if f.instead)
        table.append([line, *(_cell(cells.get(c), pen) for c in columns), " ".join(instead)])
    yield pen.table(table, ("offer posted to", *columns, "use instead"), [33, *[17] * len(columns), 24])
    legend = (
        f"    {pen.mark('pass')} as expected in this dialect; {pen.mark('info')}: no public source says what comes here"
    )
    failed = any(r.finding.status == "fail" for r in rows)
    yield Painted(legend + (f"; {pen.mark('fail')} not what should come" if failed else ""))


def _cell(finding: Finding | None, pen: _Pen) -> str:
    if finding is None:
        return ""
    missed = f", not {finding.expected}" if finding.status in ("fail", "warn") else ""
    return pen.line(finding.status, f"{finding.measured}{missed}")


def _bodies(outcome: Outcome, pen: _Pen, verbose: bool, again: _Again) -> Iterator[str]:
    """Under the table: what each answer that needs a look said, word for word, and what to do; nothing is said twice."""
    told: dict[str, str] = {}
    for row in outcome.rows:
        finding = row.finding
        well = finding.status in _WELL
        if finding.status == "skip" or (well and not finding.show_body and not verbose):
            continue
        full = not well or finding.show_body
        spoken = [*_spoken(outcome, row, told, full=full), *again(row)]
        hint = finding.hint if finding.hint and finding.hint not in told else None
        if spoken or hint:
            yield Painted(f"    {pen.mark(finding.status)} {pen.text(f'{outcome.id}.{row.id}: {row.title}')}")
            yield from (textwrap.indent(text, "        ") for text in spoken)
        if hint:
            told[hint] = row.id
            yield textwrap.fill("-> " + hint, _WIDTH, initial_indent="      ", subsequent_indent="         ")


def _spoken(outcome: Outcome, row: Row, told: dict[str, str], *, full: bool) -> Iterator[str]:
    for exchange in row.seen.exchanges:
        if exchange.id in told:
            continue
        told[exchange.id] = row.id
        same = f"{exchange.method} {exchange.url} {exchange.status} {exchange.error and exchange.error.code}"
        if full and same in told and exchange.status:
            yield f"{exchange.method} {exchange.url}  ({exchange.credential}): {exchange.status}, as in {outcome.id}.{told[same]}"
        elif full:
            told[same] = row.id
            yield from _full(exchange)
        else:
            yield from _brief(exchange)
    if len(row.seen.events) > 1 or (full and row.seen.events):
        yield _event(row.seen.events[-1]) if full else _event_brief(row.seen.events[-1])
    for peer in row.seen.peers if full else ():
        if peer.close:
            yield f"closed: {peer.close['code']} {peer.close['reason']}".rstrip()


def _full(exchange: Exchange) -> Iterator[str]:
    yield f"{exchange.method} {exchange.url}  ({exchange.credential})"
    if exchange.failure is not None:
        whole = "no answer" if exchange.status is None else "the answer broke off"
        yield f"{whole}: {exchange.failure.kind} ({exchange.failure.phase}): {exchange.failure.detail}"
    if exchange.status == 101:
        yield "HTTP 101: upgraded"
    elif exchange.status is not None:
        ids = " ".join(f"{k}={v}" for k, v in exchange.correlation.items() if k in ("x-request-id", "cf-ray"))
        yield f"HTTP {exchange.status}  {exchange.header('content-type') or 'no content type'}  {ids}".rstrip()
        yield _at_most((exchange.body or "(empty body)").rstrip("\n"), _LONGEST_BODY)


def _brief(exchange: Exchange) -> Iterator[str]:
    if exchange.status is not None and exchange.status >= 400:
        told = f"{exchange.method} {exchange.url}: {exchange.status} {exchange.error or (exchange.body or '')[:80]}"
        yield _at_most(told, _LONGEST_BRIEF)


def _event(event: Event) -> str:
    parsed = event.json
    text = json.dumps(parsed, indent=2, ensure_ascii=False) if parsed is not None else event.raw
    return f"{event.direction}: {_at_most(text, _LONGEST_BODY)}"


def _event_brief(event: Event) -> str:
    return _at_most(f"{event.direction}: {event.type} {event.error or ''}".rstrip(), _LONGEST_BRIEF)


def _at_most(text: str, length: int) -> str:
    rest = len(text) - length
    return text if rest <= 0 else f"{text[:length]}\n… {counted(rest, 'more character')}; -o json has the whole text"


def _verdict(report: Report, pen: _Pen) -> Iterator[str]:
    total = Counter(row.finding.status for o in report.checks for row in o.rows)
    counts = ", ".join(f"{total[s]} {s}" for s in SIGNS if total[s])
    word = f"{'INTERRUPTED: ' if report.interrupted else ''}{in_words(report)}"
    yield pen.line(overall(report), f"{word}: {counts} (exit {report.exit_code})")
    yield from filter(None, [reached(report)])
    for number, found in enumerate(report.diagnosis[:3]):
        yield from cause(found, first=number == 0, seen=_seen(found.evidence))
    yield f"used {report.cost}"
    for left in report.left_open:
        yield f"left open: {left}"
    yield from _for_support(report)
    masked = sum(r.count for r in report.redactions)
    yield wrapped(f"masked {counted(masked, 'time')}: {SCOPE}")
    yield f"not tested: {', '.join(report.not_tested)}"
    yield from filter(None, [banner(report)])


def _for_support(report: Report) -> Iterator[str]:
    """The ids that support asks for: of the first cases that need a look, the server's names or, without any, ours."""
    known = ledger.entries(report)
    told: dict[str, str] = {}
    for case in cases.worst_first(report):
        for entry in cases.entries(case, known)[-1:]:
            told.setdefault(entry.source, f"{time(entry.at)}  {case.id}  {cases.ids(entry.ids)}")
    if told:
        more = f", of {len(told)}" if len(told) > _FOR_SUPPORT else ""
        yield f"to quote to support (UTC; the whole ledger{more} is in -o markdown, html and json):"
        yield from (f"  {line}" for line in [*told.values()][:_FOR_SUPPORT])


def cause(found: Diagnosis, *, first: bool, seen: str) -> Iterator[str]:
    """The lines about one cause: what it is, what to do, what speaks for and against it, and where that is known from."""
    lead = "likely cause" if first else "also"
    yield wrapped(f"{lead} ({found.confidence}): {found.cause}. {found.summary}")
    yield wrapped(f"what to do: {found.fix}", indent="  ")
    if first and found.line:
        yield f"  the line: {found.line}"
    if found.today:
        yield wrapped(f"does it still happen: {found.today}", indent="  ")
    if found.against:
        yield wrapped(f"against it: {'; '.join(found.against[:3])}", indent="  ")
    if first and found.ask:
        yield wrapped(f"to decide: {found.ask}", indent="  ")
    yield wrapped(f"{seen}sources: {'; '.join(found.sources)}", indent="  ")


def _seen(cases: tuple[str, ...]) -> str:
    more = f" and {len(cases) - 4} more" if len(cases) > 4 else ""
    return f"seen in {', '.join(cases[:4])}{more}; "


def _corrected(requests: WorkingRequests | None) -> Iterator[str]:
    if requests is None:
        return
    yield "what should work here, as shell lines, and after them as a page's script:"
    for text in (requests.mint, requests.offer, requests.page):
        yield textwrap.indent(text.rstrip("\n"), "    ")
    yield ""


def wrapped(text: str, indent: str = "") -> str:
    """The text in lines of at most 100 characters, continued with a deeper indent."""
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
