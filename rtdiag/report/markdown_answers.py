"""The part of the Markdown report that is folded: what came back, word for word, and what should work instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rtdiag.model import Report, counted
from rtdiag.report import cases, curl
from rtdiag.report.cases import Case
from rtdiag.report.evidence import pieces
from rtdiag.report.marked import code, fence, folded, in_html
from rtdiag.report.phrases import SIGNS


@dataclass(frozen=True)
class Room:
    """How long a cell and an answer may be, in characters; how many ledger entries, answers and cases there are at most."""

    cell: int
    answer: int
    entries: int
    answers: int | None = None
    cases: int | None = None


def answers(report: Report, room: Room) -> Iterator[str]:
    """What each case that needs a look rests on, folded; what two cases rest on stands with the first."""
    found = [case for case in cases.worst_first(report) if any(pieces(case.row))]
    yield from ("#### What came back", "") if found else ()
    told: dict[str, str] = {}
    shown = found[: room.answers]
    for case in shown:
        title = f"{SIGNS[case.finding.status]} {in_html(case.id)}: {in_html(case.finding.measured)}"
        yield from folded(title, [*_pieces(case, told, room), *_again(case, report, told, room)])
        told |= {piece.source: told.get(piece.source, case.id) for piece in pieces(case.row)}
    if rest := found[len(shown) :]:
        length = sum(len(piece.head) + len(piece.body) for case in rest for piece in pieces(case.row))
        these = f"What came back in {counted(len(rest), 'more case')}, {counted(length, 'character')}"
        yield from (f"{these}, left out here; `-o json` has it all.", "")


def _pieces(case: Case, told: Mapping[str, str], room: Room) -> Iterator[str]:
    for piece in pieces(case.row):
        if piece.source in told:
            yield from (f"{code(piece.head, 500)}, as in {code(told[piece.source], 100)}", "")
        else:
            yield from (code(piece.head, 500), "", *_fenced(piece.body, room.answer))


def _again(case: Case, report: Report, told: Mapping[str, str], room: Room) -> Iterator[str]:
    """The shell lines that ask it again; half a line is of no use, so all or none."""
    asked = case.row.seen.exchange
    lines = curl.of_row(case.row, report) if asked and asked.id not in told else None
    if lines and len(lines) <= room.answer:
        yield from ("The same again:", "", *fence(lines, "sh", room.answer))
    elif lines:
        yield from (f"The shell lines that ask it again, {counted(len(lines), 'character')}, are left out here.", "")


def _fenced(body: str, longest: int) -> list[str]:
    return fence(body, "json" if body.lstrip()[:1] == "{" else "", longest) if body else []


def corrected(report: Report, room: Room) -> list[str]:
    found = report.corrected
    if found is None or room.answers is not None:
        return []
    whole = len(found.mint) + len(found.offer) + len(found.page)
    shell, page = fence(f"{found.mint}\n\n{found.offer}", "sh", whole), fence(found.page, "js", whole)
    return folded("What should work here: shell lines, and a page's script", [*shell, *page])
