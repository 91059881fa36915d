"""A drift as a text that can be posted, and as plain values."""

from __future__ import annotations

from collections.abc import Iterator

from rtdiag.api.expressions import expression
from rtdiag.compare.comparing import Difference, listed
from rtdiag.compare.drift.drift import Drift
from rtdiag.compare.drift.questions import questions
from rtdiag.model import counted
from rtdiag.redact import Mask

_CHANNEL = expression(r"^[pw]\d+-\S+ ")  # alike on two channels is alike


def text(drift: Drift) -> str:
    """Lines of plain text that is Markdown too; alike differences are one line with all their ids."""
    sections = (_head(drift), _differences(drift.differences), _not_compared(drift), _answered(drift), _open(drift))
    text = Mask()("\n".join(line for section in sections for line in section) + "\n", "drift")
    return text.encode("utf-8", "replace").decode()  # half a surrogate, which JSON can spell, fits into no file


def _head(drift: Drift) -> Iterator[str]:
    report, count = drift.report, len(drift.differences)
    whose = "an emulator" if report.emulated_on else report.target.base_url
    yield f"# {whose} on {report.started_at:%Y-%m-%d}, and rtdiag's emulator as of {drift.as_of}"
    yield ""
    found = counted(count, "difference") if count else "no difference"
    yield f"{counted(drift.exchanges, 'exchange')} and {counted(drift.events, 'event')} asked again: {found}."


def _differences(differences: tuple[Difference, ...]) -> Iterator[str]:
    alike: dict[tuple[str, ...], list[str]] = {}
    for d in differences:
        where = _CHANNEL.sub("", d.where)
        alike.setdefault((where, d.what, d.of, d.there, d.here), []).append(d.id)
    if alike:
        yield from ("", "## There, and here", "")
    for (where, what, of, there, here), ids in alike.items():
        yield f"- {listed(ids)} {where}, {what}{f' `{of}`' if of else ''}: there {there}; here {here}"


def _not_compared(drift: Drift) -> Iterator[str]:
    if drift.not_compared:
        yield from ("", "## Not compared", "")
    for left in drift.not_compared:
        yield f"- {listed(left.ids)}: {left.why}"


def _answered(drift: Drift) -> Iterator[str]:
    if drift.answered:
        yield from ("", "## Open questions that this run touches", "")
    if drift.answered and drift.report.emulated_on:
        yield from ("It was an emulator that was asked: this is what is assumed, and settles nothing.", "")
    for answer in drift.answered:
        yield f"- {answer.number} {answer.ask} (So far: {answer.known}.)"
        yield from (f"  - {shown}" for shown in answer.shown)


def _open(drift: Drift) -> Iterator[str]:
    touched = {a.number for a in drift.answered}
    left = [q for q in questions() if q.number not in touched]
    if left:
        yield from ("", "## Open questions that it does not touch", "")
        yield "They would need: " + "; ".join(f"{q.number} {q.needs}" for q in left) + "."
