"""The picture of a hearing in characters: the clip's loudness over an axis of seconds, a line per mode under it, and what one sees.

A turn stands at its own columns. A letter stands at its own, too, or where that is taken, at the next that is free.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from rtdiag.report.hearing import words
from rtdiag.report.hearing.axis import INTERVAL, Axis, axis
from rtdiag.report.hearing.modes import LOUDNESS_MS, Hearing, Mode, Turn
from rtdiag.report.spelling import one_line

WIDTH = 96
_UNIT = re.compile(r"(?<=\d) (?=m?s\b)|(?<=server_vad) |(?<=semantic_vad) ")
_BLOCKS = "▁▂▃▄▅▆▇█"
_FURTHEST, _NEAR = 3, 3


def drawn(hearing: Hearing, width: int = WIDTH) -> str:
    """The picture without a newline at its end, its sentences in lines of at most `width`; what is drawn needs up to 96."""
    scale = axis(hearing)
    labels = ["seconds of the clip", "how loud it is", *(words.label(mode) for mode in hearing.modes)]
    wide = max(map(len, labels)) + 1
    room = WIDTH - wide - scale.count - 1
    figures = [
        "turns (s)",
        "",
        *("" if mode.failed and not mode.drawn else words.figures(mode, room) for mode in hearing.modes),
    ]
    lanes = [_figures(scale), _loudness(hearing, scale), *(_lane(mode, scale) for mode in hearing.modes)]
    lines = (f"{a:<{wide}}{b:<{scale.count}} {c}".rstrip() for a, b, c in zip(labels, lanes, figures, strict=True))
    legend = "   ".join(f"{sign} {meaning}" for sign, meaning in words.signs(hearing).items())
    told = (_wrapped(f"- {sentence}", width) for sentence in words.sentences(hearing))
    below = [_wrapped(legend, width), _wrapped(words.NOTE, width), *told]
    return "\n".join([f"{words.TITLE}:", _wrapped(words.clip(hearing), width), "", *lines, "", *below])


def _figures(scale: Axis) -> str:
    """Each figure begins at the column of its moment; none so near the end that it would touch what follows."""
    marks = [mark for mark in scale.marks_ms if scale.column(mark) < scale.count - _NEAR]
    return "".join(f"{f'{mark / 1000:g}':<{INTERVAL}}" for mark in marks).rstrip()


def _loudness(hearing: Hearing, scale: Axis) -> str:
    """The loudest of each column."""
    size = scale.step_ms // LOUDNESS_MS
    columns = (hearing.loudness[i : i + size] for i in range(0, len(hearing.loudness), size))
    return "".join(_BLOCKS[min(int(max(one) * len(_BLOCKS) / 100), len(_BLOCKS) - 1)] for one in columns)[: scale.count]


def _lane(mode: Mode, scale: Axis) -> str:
    if mode.failed and not mode.drawn:
        return one_line(mode.failed, scale.count)
    cells = [" "] * scale.count
    for turn, begin_ms, end_ms in mode.stretches_ms(scale.span_ms - 1):
        for column, sign in _turn(turn, scale.column(begin_ms), scale.column(end_ms)):
            cells[column] = sign
    letters = [(at_ms, "C") for at_ms in mode.committed_alone_ms] + [(at_ms, "T") for at_ms in mode.at_ms("transcript")]
    for at_ms, letter in sorted(letters):
        place = range(scale.column(at_ms), scale.count)[:_FURTHEST]
        if free := [column for column in place if cells[column] in " ─"]:
            cells[free[0]] = letter
    return "".join(cells)


def _turn(turn: Turn, begin: int, end: int) -> Iterator[tuple[int, str]]:
    """What stands in which columns; a turn of one column is its end."""
    yield from ((column, "─") for column in range(begin, end))
    if turn.begin_ms is not None:
        yield begin, "["
    yield end, ">" if turn.end_ms is None else "]"


def _wrapped(text: str, width: int) -> str:
    """In lines; a figure keeps its unit."""
    kept = _UNIT.sub("\u00a0", text)
    return textwrap.fill(kept, min(width, WIDTH), subsequent_indent="  ", break_on_hyphens=False).replace("\u00a0", " ")
