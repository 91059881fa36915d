"""`rtdiag explain app.js`: known-bad calls in a file or a directory, found by their text. Nothing is executed."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, islice
from pathlib import Path

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code import certain, credentials, dialect, event_handlers, exchange, mending, peers, session_rules
from rtdiag.diagnosis.code.flaws import Hit, flaw
from rtdiag.diagnosis.code.languages import is_read, language_of, tongues
from rtdiag.diagnosis.code.prose import touches_realtime
from rtdiag.diagnosis.code.source_text import LONGEST_LINE, NO_PROJECT, Project, Source, is_judged_whole, read
from rtdiag.diagnosis.code.wire import certainty, project_of
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Limit, Unusable, opened
from rtdiag.model import Flaw, counted
from rtdiag.redact import Mask

_FILE = Limit(1 << 20, "passed over")
MOST_FILES = 5000
MOST_CHARACTERS = 32 << 20  # of all files together: about half a minute
SKIPPED = frozenset({"node_modules", ".git", "dist", "build", ".venv", "venv", "__pycache__"})
_MOST_FLAWS = 500  # of one file
# A file that is no program: tests, mocks of the API, and declarations of types.
_ACCUSES_NOBODY = expression(
    r"(?i)(?:^|/)(?:__tests__|__mocks__|tests?|specs?|fixtures|testdata|cassettes)/|\.(?:test|spec|stories)\.\w+$|(?:^|/)test_[^/]*\.py$"
    r"|_test\.\w+$|_spec\.rb$|\.d\.[mc]?ts$|(?-i:Tests?)\.(?:java|kt|cs|swift|php)$|(?:^|/)conftest\.py$"
)
# The API refuses these from whoever sends them; another provider may not, but nobody else is named.
_WHOEVER_ANSWERS = frozenset({"beta-sdk", "beta-sdk-mint", "beta-package"})
_PUT_IN = expression(r"(\$?\{[\w$.()\[\]?]{1,80}\})")
_NAME_PUT_IN = expression(r"\$?\{[A-Za-z_$][\w$.()\[\]?]*\}")
_WIDEST = 160  # characters of a line that are shown
_MINIFIED = (".min.js", ".min.mjs", ".min.cjs")


@dataclass(frozen=True)
class Scanned:
    """What a scan of a path saw: how many files it read, how many of them use the API, the flaws in them, how many files of which
    language it did not read, and in words what else it left out."""

    files: int
    using: int
    flaws: tuple[Flaw, ...]
    unread: Counter[str]
    notes: tuple[str, ...]


def scan(
    text: str, name: str, today: date | None = None, mask: Mask | None = None, project: Project = NO_PROJECT
) -> tuple[Flaw, ...]:
    """The flaws of one file's text, by line; empty for a text that does not touch the Realtime API. Never raises on any text.

    `name` tells the language by its suffix and is repeated in each flaw; a name without a known suffix is a paste, whose prose is
    passed over. `today` is the day that models are judged by, `project` what the files around say.
    """
    if not touches_realtime(text):
        return ()
    source = read(text, name, project)
    if not touches_realtime(source.code):
        return ()
    mask = mask or Mask()
    found: dict[tuple[str, int, str, str], Flaw] = {}
    for hit in hits(source, today or date.today()):
        one = _flaw(source, hit, mask)
        found.setdefault((one.file, one.line, one.cause, one.why), one)
    return tuple(sorted(found.values(), key=lambda f: (f.file, f.line, f.cause)))


def scan_path(path: Path, mask: Mask, today: date | None = None) -> Scanned:
    """The flaws of a file, or of the code in a directory and below; raises Unreadable where nothing there can be read."""
    if not path.exists():
        raise Unreadable(f"{path}: no such file or directory")
    notes: list[str] = []
    unread: Counter[str] = Counter()
    using, read_files, project = list[tuple[Path, str]](), 0, NO_PROJECT
    characters = 0
    for file, name in _files(path, notes, unread):
        text = _text(file, name, notes)
        if text is None:
            continue
        read_files += 1
        characters += len(text)
        said = project_of(text)
        project = Project(project.own or said.own, project.other or said.other)
        if touches_realtime(text):
            using.append((file, name))
        if characters > MOST_CHARACTERS:
            notes.append(f"{name}: the last that was read, with it they are more than {MOST_CHARACTERS >> 20} MiB")
            break
    _refuse_nothing(path, read_files, unread, notes)
    if len(using) == 1 and not path.is_dir():
        project = NO_PROJECT  # a file alone says all of it itself
    flaws = [flaw for file, name in using for flaw in scan(_text(file, name, []) or "", name, today, mask, project)]
    return Scanned(read_files, len(using), tuple(flaws), unread, tuple(notes))


def _refuse_nothing(path: Path, read_files: int, unread: Mapping[str, int], notes: list[str]) -> None:
    """Raise Unreadable where nothing was read and nothing is there that could be named."""
    if read_files or unread:
        return
    if notes and not path.is_dir():
        raise Unreadable(notes[0])
    said = f" ({'; '.join(notes)})" if notes else ""
    known = ", ".join(sorted(name for name in tongues() if is_read(name)))
    raise Unreadable(f"{path}: no source code to read there, which is {known}{said}")


def hits(source: Source, today: date) -> Iterator[Hit]:
    """What the rules find in a source, in no order; each with the lines to write instead, all that is wrong on them mended."""
    return mending.together(source, islice(_hits(source, today), _MOST_FLAWS))


def _hits(source: Source, today: date) -> Iterator[Hit]:
    whole = is_judged_whole(source)
    calls = list(chain(exchange.find(source), peers.find(source))) if whole else []
    yield from calls
    yield from credentials.find(source)
    if whole:  # what no call shows, since it is made elsewhere
        lines = {source.line(hit.at) for hit in calls}
        yield from (replace(hit, doubt=True) for hit in certain.urls(source) if source.line(hit.at) not in lines)
    told = chain(
        session_rules.find(source) if whole else certain.find(source),
        dialect.find(source),
        event_handlers.find(source),
        dialect.find_models(source, today),
    )
    for hit in told:
        sure = certainty(source, hit.at)
        if sure is not None:
            yield replace(hit, doubt=hit.doubt or (sure == "medium" and hit.rule not in _WHOEVER_ANSWERS))


def _flaw(source: Source, hit: Hit, mask: Mask) -> Flaw:
    file, line = _place(source, hit.at)
    where = f"{file}:{line}"
    found = _masked(mask, source.line_text(hit.at).strip(), where)
    if len(found) > _WIDEST:
        found = found[: _WIDEST - 1] + "…"
    return flaw(hit, file, line, found, _masked(mask, hit.instead, where))


def _place(source: Source, at: int) -> tuple[str, int]:
    """The file and the line of an offset; of a notebook the code cell, and the line in that."""
    if not source.cells:
        return source.name, source.line(at)
    cell = bisect_right(source.cells, at)
    return f"{source.name}, code cell {cell}", source.line(at) - source.line(source.cells[cell - 1]) + 1


def _masked(mask: Mask, text: str, where: str) -> str:
    """A text of code without its secrets; what code puts into a string as it runs is none and stays, so that the line runs."""
    return "".join(
        piece if number % 2 and _NAME_PUT_IN.fullmatch(piece) else mask(piece, where)
        for number, piece in enumerate(_PUT_IN.split(text))
    )


def _files(path: Path, notes: list[str], unread: Counter[str]) -> Iterator[tuple[Path, str]]:
    """The files to read with the names to show, in order; what is left out is counted by its language or told in the notes."""
    if not path.is_dir():
        if is_read(language_of(path.name)) or not language_of(path.name):
            yield path, str(path)
        else:
            unread[language_of(path.name)] += 1
        return
    root, count, tests = path.resolve(), 0, 0
    for folder, folders, names in os.walk(path):
        left_out = sorted(SKIPPED & set(folders))
        if left_out:
            notes.append(f"{Path(folder).relative_to(path).as_posix()}: {', '.join(left_out)} passed over")
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in sorted(names):
            file = Path(folder) / name
            language = language_of(name)
            if not language or not _is_inside(file, root, path, notes):
                continue
            if not is_read(language):
                unread[language] += 1
                continue
            shown = file.relative_to(path).as_posix()
            if _ACCUSES_NOBODY.search(shown):
                tests += 1
                continue
            if count == MOST_FILES:
                notes.append(f"only the first {MOST_FILES} files were read")
                return
            count += 1
            yield file, shown
    if tests:
        notes.append(f"{counted(tests, 'file')} of tests or type declarations passed over")


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
