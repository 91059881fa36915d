"""Logs that are too long to be read whole: line by line, and only the lines that can tell of a failure are kept, with those around.

The time grows with the length, the memory does not.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.log_lines import is_log_line, tells
from rtdiag.diagnosis.readers import pasted
from rtdiag.diagnosis.readers.forms import Draft, Reading
from rtdiag.diagnosis.readers.plain import LONGEST_LINE, NOTHING, parsed
from rtdiag.diagnosis.readers.quiet import UNSEEN
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Source, Unusable, no_text
from rtdiag.model import counted

_PART_BYTES = 1 << 20
_BEFORE, _AFTER, _BELONGING = 2, 3, 40
# Of lines that differ in numbers and ids alone the first few say it all.
_MOST_ALIKE, _MOST_SHAPES = 5, 20_000
_MOST_KEPT, _MOST_KEPT_CHARACTERS = 20_000, 4 * 1024 * 1024
_MOST_RECORDS = 50
# What opened a session is kept, the first few times, for what comes after.
_OPENS = expression(r"session\.(?:created|update)|/realtime\b")
_MOST_OPENING = 10
_VARIES = expression(r"[0-9A-Fa-f]{8,}|\d+|\b\w{1,12}_\w{8,}")


@dataclass
class Kept:
    """The lines of a log that were kept, with their numbers, and how much was read."""

    lines: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    telling: int = 0
    read: int = 0
    read_bytes: int = 0
    ended: str = ""

    @property
    def text(self) -> str:
        """The lines that were kept."""
        return "\n".join(self.lines)

    @property
    def amount(self) -> str:
        """How much was read, for a person."""
        beyond = f", of which no more is read ({self.ended})" if self.ended else ""
        return f"{counted(self.read, 'line')}, {self.read_bytes / 1_000_000:.0f} MB{beyond}"


def keep(source: Source, name: str) -> Kept:
    """The lines that can tell of a failure, and those around them. Unreadable where the source holds no lines of text."""
    head = source.peek(_PART_BYTES)
    if why := no_text(head):
        raise Unreadable(f"{name}: {why}")
    first, _, more = head.partition(b"\n")
    in_one = not more or (head.lstrip()[:1] in (b"{", b"[") and parsed(first.decode("utf-8", "replace")) is NOTHING)
    if in_one:  # one line, or one JSON value over many
        raise Unreadable(
            f"{name} is larger than {pasted.LARGEST_BYTES >> 20} MiB, and no HAR and no log: give the part around the error"
        )
    return _Keeper().all_of(source)


def placed(reading: Reading, kept: Kept) -> Reading:
    """What was read of the lines that were kept, each at its own place in the whole log, with how much was read."""
    if not kept.telling:
        note = f"nothing in it failed: the log holds {kept.amount}, none of which tells of a failure; {UNSEEN}"
        return Reading("log", [], note=note)
    drafts = reading.drafts if reading.form != "text" else list(_records(kept))
    drafts = [replace(draft, where=_place(draft.where, kept)) for draft in drafts]
    amount = (
        f"of {kept.amount}, {len(kept.lines)} were looked at: those that can tell of a failure and those around them"
    )
    return replace(reading, drafts=drafts, note="; ".join(filter(None, (reading.note, amount))))


def _place(where: str, kept: Kept) -> str:
    return re.sub(r"line (\d+)", lambda found: f"line {kept.numbers[min(int(found[1]), len(kept.numbers)) - 1]}", where)


def _records(kept: Kept) -> Iterator[Draft]:
    """Of a log whose lines no reader knows: each that tells of a failure alone, for its words belong to no other line."""
    told = [(n, line) for n, line in enumerate(kept.lines, 1) if tells(line)]
    logged = [(n, line) for n, line in told if is_log_line(line)]
    for number, line in (logged or told)[:_MOST_RECORDS]:
        yield Draft(line.strip(), where=f"line {number}")


class _Keeper:
    def __init__(self) -> None:
        self._kept = Kept()
        self._characters = 0
        self._before = deque[tuple[int, str]](maxlen=_BEFORE)
        self._alike: dict[str, int] = {}
        self._opening = 0
        self._after = self._belonging = 0

    def all_of(self, source: Source) -> Kept:
        """Reads the source to its end."""
        for line in _lines(source, self._kept):
            self._take(line)
        return self._kept

    def _take(self, line: str) -> None:
        self._kept.read += 1
        found = (self._kept.read, line)
        if tells(line) and self._is_new(line):
            self._kept.telling += 1
            for earlier in (*self._before, found):
                self._keep(*earlier)
            self._before.clear()
            self._after, self._belonging = _AFTER, _BELONGING
        elif self._goes_on(line) or self._opens(line):
            self._keep(*found)
        else:
            self._before.append(found)

    def _is_new(self, line: str) -> bool:
        shape = _VARIES.sub("#", line[:300])
        seen = self._alike.get(shape, 0)
        if seen or len(self._alike) < _MOST_SHAPES:
            self._alike[shape] = seen + 1
        return seen < _MOST_ALIKE

    def _goes_on(self, line: str) -> bool:
        """Whether a line comes soon after one that tells, or belongs to it by how it is indented."""
        if self._belonging and line[:1] in (" ", "\t", "}", "]", ")"):
            self._belonging -= 1
            return True
        self._belonging = 0
        self._after = max(0, self._after - 1)
        return bool(self._after)

    def _opens(self, line: str) -> bool:
        if self._opening < _MOST_OPENING and ("ession." in line or "ealtime" in line) and _OPENS.search(line):
            self._opening += 1
            return True
        return False

    def _keep(self, number: int, line: str) -> None:
        if len(self._kept.lines) < _MOST_KEPT and self._characters < _MOST_KEPT_CHARACTERS:
            self._characters += len(line)
            self._kept.lines.append(line)
            self._kept.numbers.append(number)


def _part(source: Source, kept: Kept) -> bytes:
    try:
        return source.read(_PART_BYTES)
    except Unusable as error:
        kept.ended = str(error)
        return b""


def _lines(source: Source, kept: Kept) -> Iterator[str]:
    """The lines of a source, none longer than LONGEST_LINE."""
    rest = b""
    while part := _part(source, kept):
        kept.read_bytes += len(part)
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line[:LONGEST_LINE].decode("utf-8", "replace").rstrip("\r")
        rest = rest[:LONGEST_LINE]  # of a line that is longer the end is not looked at
    if rest:
        yield rest.decode("utf-8", "replace")
