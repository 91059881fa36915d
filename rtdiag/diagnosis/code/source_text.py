"""One file's text as the rules read it: without comments, with its strings and brackets known, and nothing of it executed."""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

from rtdiag.diagnosis.code.lexing import Language, Span, blank, scripts, spans
from rtdiag.diagnosis.code.prose import without_prose

PAGES = frozenset({".html", ".htm", ".vue", ".svelte"})
LANGUAGES: Mapping[str, Language] = {
    **dict.fromkeys((".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", *PAGES), "js"),
    ".py": "python",
}
_DEEPEST = 1000  # brackets inside each other; more is no code that a person wrote
LONGEST_LINE = 20_000  # characters; a longer line is minified or no code at all

_OPENS, _CLOSES = "([{", ")]}"
_PYTHON_LINE = re.compile(
    r"^[ \t]*(?:async def|def|class|with|if|for|while|try|else|except)\b[^{};]{0,200}:[ \t]*$"
    r"|^[ \t]*(?:from [\w.]+ import |import [\w.]+(?: as \w+)?[ \t]*$)"
    r"|\b(?:None|True|False)\b|\bjson\.(?:dumps|loads)\(|os\.(?:environ|getenv)",
    re.M,
)
_JS_LINE = re.compile(r"\b(?:const|let|var|function)\b|=>|===|;[ \t]*$|\bJSON\.|\bnew [A-Z]", re.M)


@dataclass(frozen=True, eq=False)
class Source:
    """A file: `text` as given, `code` without comments, `bare` without the insides of strings too, all of one length."""

    name: str
    language: Language
    text: str
    code: str
    bare: str
    strings: tuple[Span, ...]

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

    def edited(self, first: int, last: int, edits: Iterable[tuple[int, int, str]]) -> str:
        """The lines from one offset to another with replacements made, without their common indent."""
        start, end = self.starts[self.line(first) - 1], self.starts[self.line(last) - 1] + len(self.line_text(last))
        text = self.text[start:end]
        for left, right, new in sorted(edits, reverse=True):
            text = text[: left - start] + new + text[right - start :]
        lines = [line.rstrip() for line in textwrap.dedent(text).splitlines()]
        return "\n".join(line for line in lines if line).strip()


def read(text: str, name: str) -> Source:
    """The source of a text; a name without a known suffix is a paste: its language is guessed and its prose left out."""
    suffix = PurePath(name).suffix.lower()
    shown = _short_lines(text)
    if suffix not in LANGUAGES:
        shown = without_prose(shown)
    if suffix in PAGES or (suffix not in LANGUAGES and re.search(r"<script[\s>]", shown, re.I)):
        shown = scripts(shown)
    language = LANGUAGES.get(suffix) or _guess(shown)
    found = tuple(spans(shown, language))
    code = _without(shown, (s for s in found if s.kind == "comment"), 0, "\n")
    strings = tuple(s for s in found if s.kind == "string")
    return Source(name, language, text, code, _without(code, strings, 1, " "), strings)


def _guess(text: str) -> Language:
    python, script = (sum(1 for _ in p.finditer(text[:200_000])) for p in (_PYTHON_LINE, _JS_LINE))
    return "python" if python > script else "js"


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
