"""The checks on a page: a table for each, or a matrix where cases have lines and columns, and under it what needs a look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rtdiag.model import Outcome, Report, Row
from rtdiag.report import cases
from rtdiag.report.html.case_evidence import evidence
from rtdiag.report.html.status_mark import status
from rtdiag.report.lanes import ms
from rtdiag.report.markup import Markup, element, joined, linked
from rtdiag.report.phrases import tally

_LEGEND = "pass: as expected in this dialect; info: no public source says what comes here"


def checks(report: Report, anchors: Mapping[str, str]) -> Markup:
    """A folding block for each check, open where a case needs a look; of the cases, the first of the worst is open."""
    first = next((case.row for case in cases.worst_first(report)), None)
    return joined(*(_check(outcome, report, anchors, first) for outcome in report.checks))


def anchors(report: Report) -> dict[str, str]:
    """Where each case stands on the page, by its full id."""
    return {case.id: f"case-{number}" for number, case in enumerate(cases.of_run(report), 1)}


def wide(label: str, *inside: str) -> Markup:
    """A box that scrolls by itself where its content is wider than the screen, also by keyboard."""
    return element("div", *inside, class_="wide", tabindex=0, role="region", aria_label=label)


def table(label: str, heads: Sequence[str], lines: Iterable[Iterable[str]], class_: str | None = None) -> Markup:
    """A table in such a box: the first cell of each line is its header."""
    head = element("tr", *(element("th", name, scope="col") for name in heads))
    rows = (_line(tuple(cells), heads) for cells in lines)
    return wide(label, element("table", element("thead", head), element("tbody", *rows), class_=class_))


def _line(cells: tuple[str, ...], heads: Sequence[str]) -> Markup:
    """A line of the table; each cell knows its column, for a screen too narrow for columns."""
    named = zip(cells[1:], heads[1:], strict=True)
    return element(
        "tr", element("th", cells[0], scope="row"), *(element("td", cell, data_name=name) for cell, name in named)
    )


def _check(outcome: Outcome, report: Report, places: Mapping[str, str], first: Row | None) -> Markup:
    said = (
        outcome.reason
        if outcome.reason and outcome.status in ("skip", "error")
        else tally(row.finding.status for row in outcome.rows)
    )
    took = f", {ms(outcome.duration_ms)}" if cases.ran(outcome) else ""
    named = element("h3", element("code", outcome.id), " ", outcome.title)
    head = element("summary", status(outcome.status), " ", named, " ", element("span", said, took, class_="quiet"))
    bodies = [_case(outcome, row, report, places, row is first) for row in outcome.rows if _has_body(row)]
    opened = any(case.finding.status in cases.NEEDS_A_LOOK for case in cases.of_check(outcome))
    return element("details", head, _cases(outcome, places), *bodies, class_="check", open=opened)


def _cases(outcome: Outcome, places: Mapping[str, str]) -> Markup:
    if not outcome.rows:
        return element("p", outcome.reason or "no case was asked", id=places[outcome.id])
    if all(row.line and row.column for row in outcome.rows):
        return _matrix(outcome, places)
    lines = [
        (_named(outcome, row, places), status(row.finding.status), cases.missed(row.finding), _measured(row))
        for row in outcome.rows
    ]
    return table(f"cases of {outcome.id}", ("case", "status", "expected", "measured"), lines, "cases")


def _named(outcome: Outcome, row: Row, places: Mapping[str, str]) -> Markup:
    place = places[f"{outcome.id}.{row.id}"]
    return joined(_placed(row, place, element("code", row.id)), element("span", row.title, class_="title"))


def _has_body(row: Row) -> bool:
    """Whether what was answered stands under the table."""
    return row.finding.status in cases.NEEDS_A_LOOK or row.finding.show_body


def _placed(row: Row, place: str, shown: Markup) -> Markup:
    """A case's place on the page, or a link to it where that is under the table."""
    return element("a", shown, href=f"#{place}") if _has_body(row) else element("span", shown, id=place)


def _measured(row: Row) -> Markup:
    hint = row.finding.hint or row.finding.instead
    told = (
        element("span", "→ ", linked(hint), class_="hint") if hint and row.finding.status in cases.NEEDS_A_LOOK else ""
    )
    return joined(row.finding.measured, told)


def _matrix(outcome: Outcome, places: Mapping[str, str]) -> Markup:
    columns = tuple(dict.fromkeys(row.column for row in outcome.rows))
    lines = []
    for line in dict.fromkeys(row.line for row in outcome.rows):
        cells = {row.column: row for row in outcome.rows if row.line == line}
        instead = dict.fromkeys(row.finding.instead for row in cells.values() if row.finding.instead)
        shown = (_cell(outcome, cells.get(column), places) for column in columns)
        lines.append((element("code", line), *shown, " ".join(instead)))
    label = f"cases of {outcome.id}"
    return joined(
        table(label, ("offer posted to", *columns, "use instead"), lines, "matrix"),
        element("p", _LEGEND, class_="quiet"),
    )


def _cell(outcome: Outcome, row: Row | None, places: Mapping[str, str]) -> Markup:
    if row is None:
        return Markup()
    missed = f", not {row.finding.expected}" if row.finding.status in ("fail", "warn") else ""
    place = places[f"{outcome.id}.{row.id}"]
    return joined(status(row.finding.status), " ", _placed(row, place, joined(row.finding.measured, missed)))


def _case(outcome: Outcome, row: Row, report: Report, places: Mapping[str, str], opened: bool) -> Markup:
    name = f"{outcome.id}.{row.id}"
    head = element("summary", status(row.finding.status), " ", element("code", name), " ", row.title)
    return element("details", head, *evidence(row, report), class_="case", id=places[name], open=opened)
