"""The lines to write instead, where several flaws stand on the same lines: with all of them mended, so that what is shown runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rtdiag.diagnosis.code.flaws import Hit
from rtdiag.diagnosis.code.source_text import Edit, Lines, Source

_MOST_LINES = 60  # that are shown together


def together(source: Source, hits: Iterable[Hit]) -> Iterator[Hit]:
    """The same hits; those that change the same lines show them with every change."""
    shared: list[tuple[Hit, Lines]] = []
    for hit in hits:
        if isinstance(hit.instead, Lines) and hit.instead.edits:
            shared.append((hit, hit.instead))
        else:
            yield hit
    shared.sort(key=lambda one: (source.line(one[1].first), source.line(one[1].last)))
    group: list[tuple[Hit, Lines]] = []
    for one in shared:
        if group and not _meet(source, group, one[1]):
            yield from _joined(source, group)
            group = []
        group.append(one)
    yield from _joined(source, group)


def _meet(source: Source, group: list[tuple[Hit, Lines]], lines: Lines) -> bool:
    last = max(source.line(had.last) for _, had in group)
    first = source.line(group[0][1].first)
    return source.line(lines.first) <= last and source.line(lines.last) - first < _MOST_LINES


def _joined(source: Source, group: list[tuple[Hit, Lines]]) -> Iterator[Hit]:
    if len(group) < 2:
        yield from (hit for hit, _ in group)
        return
    lines = [had for _, had in group]
    edits = _apart(source, (edit for had in lines for edit in had.edits))
    text = source.edited(min(had.first for had in lines), max(had.last for had in lines), edits)
    yield from (replace(hit, instead=text) for hit, _ in group)


def _overlap(one: tuple[int, int], had: Edit) -> bool:
    """Whether a change lies in another or meets it; what is put in at its very edge does not."""
    start, end = one
    return start < had[1] and had[0] < end if start < end else had[0] < start < had[1]


def _apart(source: Source, edits: Iterable[Edit]) -> list[Edit]:
    """The edits that do not overlap. Of two that do the larger stays, and takes over what the other changes in words it has too."""
    kept: list[Edit] = []
    for start, end, new in sorted(set(edits), key=lambda one: (one[0] - one[1], one)):
        place = next((n for n, had in enumerate(kept) if _overlap((start, end), had)), None)
        if place is None:
            kept.append((start, end, new))
        elif (old := source.code[start:end]) and kept[place][2].count(old) == 1:
            kept[place] = (*kept[place][:2], kept[place][2].replace(old, new))
    return kept
