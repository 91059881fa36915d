"""`rtdiag explain app.js`: known-bad calls in a file or a directory, found by their text. Nothing is executed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

from rtdiag.diagnosis.code import credentials, dialect, event_handlers, exchange, peers, session_rules
from rtdiag.diagnosis.code.flaws import Hit, flaw
from rtdiag.diagnosis.code.prose import touches_realtime
from rtdiag.diagnosis.code.source_text import LANGUAGES, LONGEST_LINE, Source, read
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Limit, Unusable, opened
from rtdiag.model import Flaw
from rtdiag.redact import Mask

_FILE = Limit(1 << 20, "passed over")
MOST_FILES = 5000
MOST_CHARACTERS = 32 << 20  # of all files together: about half a minute
SKIPPED = frozenset({"node_modules", ".git", "dist", "build", ".venv", "venv", "__pycache__"})
_MOST_FLAWS = 500  # of one file
_WIDEST = 160  # characters of a line that are shown
_MINIFIED = (".min.js", ".min.mjs", ".min.cjs")


@dataclass(frozen=True)
class Scanned:
    """What a scan of a path saw: how many files it read, the flaws in them, and in words what it left out."""

    files: int
    flaws: tuple[Flaw, ...]
    notes: tuple[str, ...]


def scan(text: str, name: str, today: date | None = None, mask: Mask | None = None) -> tuple[Flaw, ...]:
    """The flaws of one file's text, by line; empty for a text that does not touch the Realtime API. Never raises on any text.

    `name` tells the language by its suffix and is repeated in each flaw; a name without a known suffix is a paste, whose prose is
    passed over. `today` is the day that models are judged by.
    """
    source = read(text, name)
    if not touches_realtime(source.code):
        return ()
    mask = mask or Mask()
    found: dict[tuple[int, str, str], Flaw] = {}
    for hit in islice(_hits(source, today or date.today()), _MOST_FLAWS):
        one = _flaw(source, hit, mask)
        found.setdefault((one.line, one.cause, one.why), one)
    return tuple(sorted(found.values(), key=lambda f: (f.line, f.cause)))


def scan_path(path: Path, mask: Mask, today: date | None = None) -> Scanned:
    """The flaws of a file, or of the code in a directory and below; raises Unreadable where nothing there can be read."""
    if not path.exists():
        raise Unreadable(f"{path}: no such file or directory")
    notes: list[str] = []
    flaws: list[Flaw] = []
    read_files = read_characters = 0
    for file, name in _files(path, notes):
        text = _text(file, name, notes)
        if text is not None:
            read_files += 1
            read_characters += len(text)
            flaws += scan(text, name, today, mask)
        if read_characters > MOST_CHARACTERS:
            notes.append(f"{name}: the last that was read, with it they are more than {MOST_CHARACTERS >> 20} MiB")
            break
    if not read_files and notes and not path.is_dir():
        raise Unreadable(notes[0])
    if not read_files:
        said = f" ({'; '.join(notes)})" if notes else ""
        raise Unreadable(f"{path}: no source code to read there, which is {', '.join(sorted(LANGUAGES))}{said}")
    return Scanned(read_files, tuple(flaws), tuple(notes))


def _hits(source: Source, today: date) -> Iterator[Hit]:
    for rules in (exchange, session_rules, dialect, event_handlers, credentials, peers):
        yield from rules.find(source)
    yield from dialect.find_models(source, today)


def _flaw(source: Source, hit: Hit, mask: Mask) -> Flaw:
    line = source.line(hit.at)
    where = f"{source.name}:{line}"
    found = mask(source.line_text(hit.at).strip(), where)
    if len(found) > _WIDEST:
        found = found[: _WIDEST - 1] + "…"
    return flaw(hit, source.name, line, found, mask(hit.instead, where))


def _files(path: Path, notes: list[str]) -> Iterator[tuple[Path, str]]:
    """The files to read with the names to show, in order; what is left out goes to the notes."""
    if not path.is_dir():
        yield path, str(path)
        return
    root, count = path.resolve(), 0
    for folder, folders, names in os.walk(path):
        left_out = sorted(SKIPPED & set(folders))
        if left_out:
            notes.append(f"{Path(folder).relative_to(path).as_posix()}: {', '.join(left_out)} passed over")
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in sorted(names):
            file = Path(folder) / name
            if file.suffix.lower() not in LANGUAGES or not _is_inside(file, root, path, notes):
                continue
            if count == MOST_FILES:
                notes.append(f"only the first {MOST_FILES} files were read")
                return
            count += 1
            yield file, file.relative_to(path).as_posix()


def _is_inside(file: Path, root: Path, path: Path, notes: list[str]) -> bool:
    """Whether a file is to be read: no minified one, and no link that leads out of the directory."""
    shown = file.relative_to(path).as_posix()
    if file.name.lower().endswith(_MINIFIED):
        notes.append(f"{shown}: minified, passed over")
        return False
    if file.is_symlink() and not Path(os.path.realpath(file)).is_relative_to(root):  # resolve() breaks on a loop
        notes.append(f"{shown}: a link out of the directory, passed over")
        return False
    return file.is_file()


def _text(file: Path, name: str, notes: list[str]) -> str | None:
    """The text of a file; None, with a note, for one that is too large or cannot be read."""
    try:
        with opened(str(file), _FILE) as source:
            text = source.rest().decode("utf-8", "replace")
    except Unusable as error:
        notes.append(f"{name}: {error}")
        return None
    if "\0" in text:
        notes.append(f"{name}: no text, passed over")
        return None
    if any(len(line) > LONGEST_LINE for line in text.split("\n")):
        notes.append(f"{name}: lines of more than {LONGEST_LINE} characters taken as minified, passed over")
    return text
