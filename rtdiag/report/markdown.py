"""The report for a ticket or a public issue: the verdict, the cases that need a look, their answers folded, and the ids to quote.

An issue on GitHub holds 65,536 characters (its own refusal says so; assumed still so in 2026), here counted as browsers do, which
see two in an emoji. Long answers are shortened first, then the ledger of what went well, then each cell, then there are fewer
answers, and of hundreds of cases the worst alone. At last whatever paragraph or table does not fit goes, the verdict never. What
is left out is counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from rtdiag.model import LedgerEntry, Outcome, Report, counted
from rtdiag.redact import SCOPE
from rtdiag.report import cases, ledger, own_fields, two_ways
from rtdiag.report.cases import Case
from rtdiag.report.hearing import characters, modes
from rtdiag.report.markdown_answers import Room, answers, corrected
from rtdiag.report.marked import blocks, code, fence, folded, prose, table
from rtdiag.report.phrases import SIGNS, answered, banner, by_what, in_words, offered, reached, status, tally, way, whom

LONGEST = 60_000
_FOR_A_COUNT = 200
_ROOMS = (
    Room(300, 20_000, 1000),
    Room(300, 4000, 1000),
    Room(300, 1500, 1000),
    Room(200, 500, 200),
    Room(120, 200, 50),
    Room(120, 500, 0, answers=20),
    Room(50, 200, 0, answers=10),
    Room(25, 200, 0, answers=5),
    Room(120, 500, 0, answers=20, cases=50),
    Room(50, 200, 0, answers=10, cases=20),
)


def render(report: Report) -> str:
    """The report, in the most generous room in which it stays below `LONGEST` characters, or what fits of the least."""
    for room in _ROOMS:
        text = "\n".join([*_first(report), *_rest(report, room)]) + "\n"
        if _length(text) <= LONGEST:
            return text
    return _cut(_first(report), [*_rest(report, _ROOMS[-1])], _banner(report))


def _first(report: Report) -> list[str]:
    return [*_banner(report), *_verdict(report)]


def _rest(report: Report, room: Room) -> Iterator[str]:
    known = ledger.entries(report)
    yield from _two_ways(report, room)
    yield from _checks(report, room)
    yield from answers(report, room)
    yield from corrected(report, room)
    yield from _ledger(report, known, room)
    yield from _environment(report)
    yield from _banner(report)


def _length(text: str) -> int:
    """In characters of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(first: list[str], rest: list[str], last: list[str]) -> str:
    """The first and the last lines, and between them those blocks of the rest that there is room for."""
    kept, left_out = list(first), 0
    room = LONGEST - _FOR_A_COUNT - _length("\n".join([*first, *last]))
    for block in blocks(rest[: len(rest) - len(last)]):
        size = _length("\n".join(block)) + 1
        if size <= room:
            kept += block
            room -= size
        else:
            left_out += len("\n".join(block).split("\n"))
    told = f"{counted(left_out, 'more line')} left out here for want of room; `-o json` has everything."
    return "\n".join([*kept, "", told, "", *last]) + "\n"


def _banner(report: Report) -> list[str]:
    return [f"**{prose(banner(report))}**", ""] if banner(report) else []


def _verdict(report: Report) -> Iterator[str]:
    counts = tally(case.finding.status for case in cases.of_run(report))
    if not report.diagnosis:
        yield from (f"### {status(report)}: {prose(in_words(report))}", "")
    for found in report.diagnosis[:1]:
        yield from (f"### {status(report)}: {code(found.cause, 100)} ({found.confidence} confidence)", "")
        yield from (f"**What it is:** {prose(found.summary)}", "", f"**What to do:** {prose(found.fix)}", "")
        yield from fence(found.line, "", 1000) if found.line else ()
        for name, text in (
            ("does it still happen", found.today),
            ("against it", "; ".join(found.against[:3])),
            ("to decide", found.ask),
        ):
            if text:
                yield f"- {name}: {prose(text)}"
        yield f"- seen in {_some([code(one) for one in found.evidence], 4)}"
        yield f"- sources: {prose('; '.join(found.sources))}"
    for other in report.diagnosis[1:3]:
        named = f"{code(other.cause, 100)} ({other.confidence} confidence)"
        yield f"- also {named}: {prose(other.summary)} What to do: {prose(other.fix)}"
    if way(report):
        yield f"- {prose(way(report))}"
    if report.interrupted:
        yield f"- interrupted: {prose(reached(report))}"
    yield from ("", f"**{counts}** (exit {report.exit_code}); used {report.cost}.", "")


def _two_ways(report: Report, room: Room) -> Iterator[str]:
    """Where a browser was asked, both ways side by side, and what the pair shows."""
    if found := two_ways.of_run(report):
        yield from (f"#### {two_ways.TITLE}", "", prose(found.shown, room.cell * 2), "")
        yield from table(two_ways.HEADS, [(name, *map(prose, cells)) for name, *cells in found.lines])


def _checks(report: Report, room: Room) -> Iterator[str]:
    """A line per check, and under it a table of the cases that need a look."""
    yield from ("#### Checks", "")
    told = set[str]()
    worst = cases.worst_first(report)
    shown = {case.id for case in worst[: room.cases]}
    skipped = cases.by_reason((o.id, _said(o)) for o in report.checks if o.status == "skip")
    for outcome in report.checks:
        alike = skipped.get(_said(outcome), []) if outcome.status == "skip" else []
        if len(alike) > 1:
            if outcome.id == alike[0]:
                names = _some([code(name, 100) for name in alike], 20)
                yield f"- {counted(len(alike), 'check')} skipped: {_said(outcome)} ({names})"
            continue
        looked = [case for case in cases.of_check(outcome) if case.id in shown]
        sign = "skip" if outcome.status == "skip" else f"**{SIGNS[outcome.status]} {outcome.status}**"
        yield f"- {sign} {code(outcome.id, 100)} {answered(prose(outcome.title, 200), _said(outcome))}"
        if looked:
            yield ""
            yield from table(
                ("", "case", "asked", "expected", "measured", "cause"), [_row(case, room) for case in looked]
            )
            yield from _advice(looked, told, room)
        if heard := modes.of_check(outcome):
            yield from ("", *fence(characters.drawn(heard), "", LONGEST))
        if own := own_fields.of_check(report, outcome):
            yield from ("", *fence(own_fields.drawn(own), "", room.answer))
    yield ""
    if len(worst) > len(shown):
        yield from (
            f"{counted(len(worst) - len(shown), 'more case')} in need of a look left out here; `-o json` has all.",
            "",
        )


def _said(outcome: Outcome) -> str:
    told = outcome.reason if outcome.reason and outcome.status in ("skip", "error") else ""
    return prose(told, 300) or tally(row.finding.status for row in outcome.rows)


def _row(case: Case, room: Room) -> tuple[str, ...]:
    finding, longest = case.finding, room.cell
    return (
        f"{SIGNS[finding.status]} {finding.status}",
        code(case.row.id, 100),
        prose(case.row.title, longest),
        code(finding.expected, longest),
        code(finding.measured, longest),
        code(finding.cause or "", 100),
    )


def _advice(looked: list[Case], told: set[str], room: Room) -> Iterator[str]:
    """What to do, each once in the whole report, with the cases that say it."""
    found: dict[str, list[str]] = {}
    for case in looked:
        if case.advice and case.advice not in told:
            found.setdefault(case.advice, []).append(code(case.row.id, 100))
    told |= set(found)
    for advice, ids in found.items():
        yield from (f"What to do about {_some(ids, 3)}: {prose(advice, room.cell * 2)}", "")


def _ledger(report: Report, known: tuple[LedgerEntry, ...], room: Room) -> Iterator[str]:
    """The ids by which support finds each request: those of the cases that need a look, and folded all of them."""
    asked: dict[str, list[str]] = {}
    for case in cases.worst_first(report)[: room.cases]:
        for entry in cases.entries(case, known):
            asked.setdefault(entry.source, []).append(code(case.id, 100))
    failed = [(_some(asked[entry.source], 2), *_entry(entry, room)) for entry in known if entry.source in asked]
    yield from ("#### Ledger", "") if known else ()
    yield from table(("case", "when (UTC)", "what", "ids"), failed)
    whole = table(
        ("", "when (UTC)", "what", "ids"), [(code(e.source, 40), *_entry(e, room)) for e in known[: room.entries]]
    )
    if more := len(known) - room.entries if len(known) > room.entries else 0:
        whole += [f"{counted(more, 'more row')} left out here; `-o json` has all.", ""]
    yield from folded(f"Requests and events that have an id: all {len(known)}", whole if known else [])


def _entry(entry: LedgerEntry, room: Room) -> tuple[str, str, str]:
    ids = " ".join(code(f"{name}={text}", 100) for name, text in entry.ids.items())
    return entry.at.strftime("%H:%M:%S.%f")[:-3], code(entry.what, room.cell), ids


def _environment(report: Report) -> Iterator[str]:
    target, credential = report.target, report.credential
    yield from ("#### Environment", "")
    yield f"- rtdiag {code(report.version)}, {report.started_at:%Y-%m-%d %H:%M:%S} to {report.finished_at:%H:%M:%S} UTC"
    yield f"- asked {code(target.base_url)} ({prose(whom(target))})"
    if told := offered(target):
        yield f"- {told}"
    shown = f"with {prose(credential.kind)} {code(credential.masked)} from {prose(credential.source)}"
    yield f"- {shown if credential.masked else prose(by_what(credential))}"
    yield f"- models {code(target.model)} and {code(target.transcription_model)}"
    yield from (f"- left open: {prose(left, 300)}" for left in report.left_open[:10])
    yield f"- not tested: {prose(', '.join(report.not_tested))}"
    masked: dict[str, int] = {}
    for one in report.redactions:
        masked[one.kind] = masked.get(one.kind, 0) + one.count
    counts = ", ".join(f"{number} {prose(kind, 40)}" for kind, number in masked.items())
    yield f"- masked: {counts or 'nothing'}; {prose(SCOPE)}"
    yield ""


def _some(texts: list[str], most: int) -> str:
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")
