"""One file's text as the rules read it: without comments, with its strings and brackets known, and nothing of it executed."""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import PurePath
from typing import NamedTuple

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code import notebooks
from rtdiag.diagnosis.code.languages import guess, language_of
from rtdiag.diagnosis.code.lexing import Span, blank, scripts, spans
from rtdiag.diagnosis.code.prose import without_prose

PAGES = frozenset({".html", ".htm", ".vue", ".svelte"})
_NEAREST = 50  # blocks around a place that are looked at
_GUESSED = 200_000  # characters of a paste by which its language is told
_DEEPEST = 1000  # brackets inside each other; more is no code that a person wrote
LONGEST_LINE = 20_000  # characters; a longer line is minified or no code at all

_OPENS, _CLOSES = "([{", ")]}"
_PYTHON_LINE = expression(
    r"^[ \t]*(?:async def|def|class|with|if|for|while|try|else|except)\b[^{};]{0,200}:[ \t]*$"
    r"|^[ \t]*(?:from [\w.]+ import |import [\w.]+(?: as \w+)?[ \t]*$)"
    r"|\b(?:None|True|False)\b|\bjson\.(?:dumps|loads)\(|os\.(?:environ|getenv)",
    re.M,
)
_SUITE = expression(r"[ \t]*(?:async\s+def|def|class)\b")
_QUOTES = expression(
    r"(?:[$@#rRbBfFuU]{0,3}(?P<quote>\"{3}|'{3}|[\"'`]))?(?P<value>.*?)(?:(?(quote)(?P=quote))#?)?\Z", re.S
)
_JS_LINE = expression(r"\b(?:const|let|var|function)\b|=>|===|;[ \t]*$|\bJSON\.|\bnew [A-Z]", re.M)


Edit = tuple[int, int, str]  # from here to there, and what stands there instead


class Lines(str):
    """Lines of a source as they should be; `edits` are what was changed in those from the offset `first` to `last`."""

    first: int
    last: int
    edits: tuple[Edit, ...]

    def __new__(cls, text: str, first: int, last: int, edits: tuple[Edit, ...]) -> Lines:
        made = super().__new__(cls, text)
        made.first, made.last, made.edits = first, last, edits
        return made


class Text(NamedTuple):
    """What a string holds, without its quotes, and where that begins."""

    at: int
    value: str


@dataclass(frozen=True)
class Project:
    """What the files around say: whether one names OpenAI's API, and whether one names another provider's of the same kind."""

    own: bool = False
    other: bool = False


NO_PROJECT = Project()


@dataclass(frozen=True, eq=False)
class Source:
    """A file: `text` as given, `code` without comments, `bare` without the insides of strings too, all of one length.

    `cells` are the offsets at which the code cells of a notebook begin; a file of another kind has none.
    """

    name: str
    language: str
    text: str
    code: str
    bare: str
    strings: tuple[Span, ...]
    project: Project = NO_PROJECT
    cells: tuple[int, ...] = ()

    @cached_property
    def texts(self) -> list[Text]:
        """What the strings hold, in order."""
        return [_inside(self.code, span) for span in self.strings]

    @cached_property
    def _suites(self) -> list[tuple[int, int]]:
        """Functions and classes of Python, from their first line to their last."""
        done: list[tuple[int, int]] = []
        open_now: list[tuple[int, int]] = []
        at = 0
        for line in self.bare.split("\n"):
            indent = len(line) - len(line.lstrip())
            while line.strip() and open_now and open_now[-1][0] >= indent:
                done.append((open_now.pop()[1], at))
            if _SUITE.match(line):
                open_now.append((indent, at))
            at += len(line) + 1
        return sorted((*done, *((start, at) for _, start in open_now)), reverse=True)

    def blocks(self, at: int) -> Iterator[tuple[int, int]]:
        """The functions and other blocks that an offset lies in, the innermost first."""
        if self.language == "Python":
            first = bisect_left(self._suites, -at, key=lambda suite: -suite[0])
            yield from ((start, end) for start, end in islice(self._suites, first, first + _NEAREST) if end > at)
            return
        opened = self.enclosing(at, "{")
        for _ in range(_NEAREST):
            if opened is None:
                return
            yield opened, self.pairs[opened]
            opened = self.enclosing(opened, "{")

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins."""
        return [0, *(m.end() for m in re.finditer("\n", self.text))]

    @cached_property
    def pairs(self) -> Mapping[int, int]:
        """Opening bracket to its closing one."""
        return _pairs(self.bare)

    @cached_property
    def _around(self) -> Mapping[int, int | None]:
        """Opening bracket to the one around it, in order."""
        around: dict[int, int | None] = {}
        open_now: list[int] = []
        for opened in sorted(self.pairs):
            while open_now and self.pairs[open_now[-1]] < opened:
                open_now.pop()
            around[opened] = open_now[-1] if open_now else None
            open_now.append(opened)
        return around

    @cached_property
    def _opens(self) -> list[int]:
        return list(self._around)

    def line(self, at: int) -> int:
        """The line of an offset, the first being 1."""
        return bisect_right(self.starts, at)

    def line_text(self, at: int) -> str:
        """The whole line that an offset lies in, as given."""
        line = self.line(at)
        end = self.starts[line] - 1 if line < len(self.starts) else len(self.text)
        return self.text[self.starts[line - 1] : end].rstrip("\r")

    def string_at(self, at: int) -> Span | None:
        """The string that this offset lies in, its quotes included."""
        place = bisect_right(self.strings, at, key=lambda s: s.start) - 1
        found = self.strings[place] if place >= 0 else None
        return found if found and at < found.end else None

    def enclosing(self, at: int, kinds: str = _OPENS) -> int | None:
        """The innermost bracket of these kinds that is open at an offset."""
        place = bisect_right(self._opens, at - 1) - 1
        opened = self._opens[place] if place >= 0 else None
        for _ in range(_DEEPEST):
            if opened is None or (self.pairs[opened] >= at and self.bare[opened] in kinds):
                return opened
            opened = self._around[opened]
        return None

    def before(self, at: int, line: str) -> Edit:
        """The edit that puts a line before that of an offset, as far indented."""
        start = self.starts[self.line(at) - 1]
        text = self.line_text(at)
        indent = text[: len(text) - len(text.lstrip())]
        return start, start, f"{indent}{line}\n"

    def edited(self, first: int, last: int, edits: Iterable[Edit]) -> Lines:
        """The lines from one offset to another with replacements made, without their common indent."""
        edits = tuple(edits)
        start, end = self.starts[self.line(first) - 1], self.starts[self.line(last) - 1] + len(self.line_text(last))
        text = self.text[start:end]
        for left, right, new in sorted(edits, reverse=True):
            text = text[: left - start] + new + text[right - start :]
        lines = [line.rstrip() for line in textwrap.dedent(text).splitlines()]
        return Lines("\n".join(line for line in lines if line).strip(), first, last, edits)


def is_judged_whole(source: Source) -> bool:
    """Whether a file is judged call by call, and not only by what is certain in any language."""
    return source.language in ("JavaScript", "Python")


def read(text: str, name: str, project: Project = NO_PROJECT) -> Source:
    """The source of a text; a name that tells no language is a paste: its language is guessed and its prose left out."""
    suffix, named = PurePath(name).suffix.lower(), language_of(name)
    text, cells = notebooks.code(text) if suffix == ".ipynb" else (text, ())
    shown = _short_lines(text)
    if not named:
        shown = without_prose(shown)
    if suffix in PAGES or (not named and re.search(r"<script[\s>]", shown, re.I)):
        shown = scripts(shown)
    language = named or _guess(shown)
    found = tuple(spans(shown, language))
    code = _without(shown, (s for s in found if s.kind == "comment"), 0, "\n")
    strings = tuple(s for s in found if s.kind == "string")
    return Source(name, language, text, code, _without(code, strings, 1, " "), strings, project, cells)


def _inside(code: str, span: Span) -> Text:
    found = _QUOTES.match(code, span.start, span.end)
    return Text(found.start("value"), found["value"]) if found else Text(span.start, "")


def _guess(text: str) -> str:
    python, script = (sum(1 for _ in p.finditer(text[:_GUESSED])) for p in (_PYTHON_LINE, _JS_LINE))
    other, lines = guess(text[:_GUESSED])
    if lines > max(python, script):
        return other
    return "Python" if python > script else "JavaScript"


def _short_lines(text: str) -> str:
    if len(text) <= LONGEST_LINE:
        return text
    return "\n".join(blank(line) if len(line) > LONGEST_LINE else line for line in text.split("\n"))


def _without(text: str, gone: Iterable[Span], quote: int, line_end: str) -> str:
    kept, done = [], 0
    for _, start, end in gone:
        inside = blank(text[start + quote : max(end - quote, start + quote)]).replace("\n", line_end)
        kept += [text[done : start + quote], inside]
        done = max(end - quote, start + quote)
    return "".join([*kept, text[done:]])


def _pairs(bare: str) -> dict[int, int]:
    """Brackets that fit; a closing one that fits no open one is passed over."""
    pairs: dict[int, int] = {}
    stack: list[int] = []
    waiting = dict.fromkeys(_OPENS, 0)
    for found in re.finditer(r"[()\[\]{}]", bare):
        mark = found.group()
        if mark in _OPENS:
            stack.append(found.start())
            waiting[mark] += 1
            continue
        wanted = _OPENS[_CLOSES.index(mark)]
        while waiting[wanted]:
            opened = stack.pop()
            waiting[bare[opened]] -= 1
            if bare[opened] == wanted:
                pairs[opened] = found.start()
                break
    return pairs
