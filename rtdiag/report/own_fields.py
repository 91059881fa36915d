"""What became of the user's own session, field by field, as every format shows it. Pure, and reads what any report may hold.

The facts are those of the case `vad.own-culprit` (session/trail.py says what the words mean). Where audio has shown whether
a turn detection or a transcription is effective (the check `vad-effect`), the fields of that mode say so, too.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rtdiag.model import Outcome, Report, Row
from rtdiag.report.spelling import at_most, one_line

HEADS = ("field", "sent", "mint", "created", "updated")
TAKEN = "This server took this session; of each field, what is not refused or left out is what became of it:"

_STEPS = HEADS[2:]
_MOST_FIELDS, _LONGEST_VALUE, _LONGEST_SESSION = 200, 24, 20_000
# The cases of vad-effect that play audio to a mode, and to transcripts.
_SHOWN_BY = {
    "server_vad": ("silence-matters",),
    "semantic_vad": ("semantic-differs", "eagerness-matters"),
    "null": ("null-waits",),
    "transcription": ("transcripts",),
}
_EFFECTIVE = {"pass": "yes", "fail": "no", "warn": "no?"}


@dataclass(frozen=True)
class Fields:
    """A line per field under `heads`, and the session that was taken, as JSON; "" where the user's own was, or none."""

    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    taken: str


def of_check(report: Report, outcome: Outcome) -> Fields | None:
    """What stands in the facts of its case `own-culprit`; None for another check, or without a session."""
    row = next((r for r in outcome.rows if r.id == "own-culprit"), None) if outcome.id == "vad" else None
    given = row.seen.facts.get("fields") if row else None
    if row is None or not isinstance(given, list | tuple):
        return None
    told = [one for one in given[:_MOST_FIELDS] if isinstance(one, Mapping)]
    effective = _effective(report, row.seen.facts)
    lines = tuple((*_line(one), *([_of(one, effective)] if effective else [])) for one in told)
    taken = row.seen.facts.get("taken") or row.seen.facts.get("mended")
    shown = json.dumps(taken, indent=2, ensure_ascii=False, default=str) if isinstance(taken, Mapping) else ""
    heads = (*HEADS, "effective") if effective else HEADS
    return Fields(heads, lines, at_most(shown, _LONGEST_SESSION)[0]) if lines else None


def of_run(report: Report) -> Fields | None:
    """The same of whichever check has it."""
    return next(filter(None, (of_check(report, outcome) for outcome in report.checks)), None)


def drawn(found: Fields, fitted: Callable[[str], str] = str, width: int | None = None) -> str:
    """Both as text: lines in columns, each cell fitted to where it is shown, and the session under them.

    Where the columns are wider than `width` a field is a block: its name, and under it what else there is of it.
    """
    cells = (tuple(map(fitted, line)) for line in found.lines)
    table = (found.heads, tuple("-" * len(head) for head in found.heads), *cells)
    widths = [max(len(line[column]) for line in table) for column in range(len(found.heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    if width is not None and max(map(len, lines)) > width:
        lines = [text for line in found.lines for text in _block(found.heads, [*map(fitted, line)], width)]
    return "\n".join([*lines, *(("", textwrap.fill(TAKEN, width or len(TAKEN)), found.taken) if found.taken else ())])


def _block(heads: tuple[str, ...], cells: list[str], width: int) -> list[str]:
    told = ", ".join(f"{head} {cell}" for head, cell in zip(heads[1:], cells[1:], strict=True) if cell)
    return [
        cells[0],
        *textwrap.wrap(told, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False),
    ]


def _line(told: Mapping[str, Any]) -> tuple[str, ...]:
    echoes = told.get("echoes")
    shown = echoes if isinstance(echoes, Mapping) else {}
    fates = (
        f"other: {_brief(shown[step])}" if step in shown else one_line(str(told.get(step, "")), _LONGEST_VALUE)
        for step in _STEPS
    )
    return one_line(str(told.get("field", "")), 60), _brief(told.get("sent")), *fates


def _brief(value: Any) -> str:
    return one_line(json.dumps(value, ensure_ascii=False, default=str), _LONGEST_VALUE)


def _effective(report: Report, facts: Mapping[str, Any]) -> dict[str, str]:
    """Whether audio has shown `turn_detection` and `transcription` to be effective: in sessions of this kind, in this mode."""
    heard = {row.id: row for outcome in report.checks if outcome.id == "vad-effect" for row in outcome.rows}
    begun = heard.get("speech-started")
    if begun is None or begun.seen.facts.get("kind") != facts.get("kind"):
        return {}
    session = facts.get("session")
    parts = dict(_parts(session)) if isinstance(session, Mapping) else {}
    named = {part: _SHOWN_BY.get(mode, ()) for part, mode in parts.items()}
    return {part: _word(heard, cases) for part, cases in named.items() if any(case in heard for case in cases)}


def _parts(session: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    audio = session.get("audio")
    inside = audio.get("input") if isinstance(audio, Mapping) else None
    for place, prefix in ((inside, "audio.input."), (session, "")):
        for name in ("turn_detection", "transcription", "input_audio_transcription"):
            value = place.get(name, ...) if isinstance(place, Mapping) else ...
            if value is ... or (value is None and name != "turn_detection"):
                continue
            mode = str(value.get("type")) if isinstance(value, Mapping) else "null"
            yield prefix + name, mode if name == "turn_detection" else "transcription"


def _word(heard: Mapping[str, Row], cases: tuple[str, ...]) -> str:
    words = [_EFFECTIVE.get(heard[case].finding.status, "not shown") for case in cases if case in heard]
    return next((word for word in ("no", "no?", "not shown") if word in words), "yes")


def _of(told: Mapping[str, Any], effective: Mapping[str, str]) -> str:
    name = str(told.get("field", ""))
    return next((word for part, word in effective.items() if name == part or name.startswith(f"{part}.")), "")
