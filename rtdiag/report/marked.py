"""Foreign text inside GitHub's Markdown (spec 0.29): it stands as it came, and can neither format, link, ping nor leave its place.

GitHub links mentions, issues and commits after the Markdown has become HTML, so a backslash does not stop it; a code span does.
What was measured is one; of a sentence the words that could mean something are. Text that begins a line is never foreign.
"""

from __future__ import annotations

import html
import re
import string
from collections.abc import Iterator, Sequence

from rtdiag.model import counted
from rtdiag.report.spelling import at_most, one_line

# What the writer of the sentence marked himself, and a word that Markdown or GitHub would read something into. No span may
# touch another one: their backticks would run together.
_SPAN = re.compile(r"(?<!\S)`([^`]+)`(?=[.,;:!?)]*(?:\s|$))")
_MEANS_SOMETHING = re.compile(
    r"[`*_~<>\[\]\\|&$@#]|://|www\.|^GH-\d|^(?=\d*[a-f])[0-9a-f]{7,40}$|:[\w+-]+:|^[/?]\w", re.IGNORECASE
)
_MARKED = re.compile(r"^`([^`]+)`$")
_LETTERS = string.ascii_letters
_WORD = re.compile(r"^(\(*)(.*?)([.,;:!?)]*)$")


def code(text: str, longest: int = 300) -> str:
    """A code span on one line; "" for no text."""
    line = one_line(text, longest)
    if not line:
        return ""
    mark = "`" * (_longest_run(line) + 1)
    blank = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{mark}{blank}{line}{blank}{mark}"


def prose(text: str, longest: int = 1000) -> str:
    """A sentence on one line."""
    parts = _SPAN.split(one_line(text, longest))
    return "".join(code(part) if number % 2 else _words(part) for number, part in enumerate(parts))


def _words(text: str) -> str:
    return re.sub(r"[^ ]+", lambda found: _word(found[0]), text)


def _word(word: str) -> str:
    found = _WORD.match(word)
    before, core, after = found.groups() if found else ("", word, "")
    if not core or not (_MEANS_SOMETHING.search(core) or _MEANS_SOMETHING.search(word)):
        return word
    marked = _MARKED.match(core)
    return before + code(marked[1] if marked else core) + after


def row(*cells: str) -> str:
    """A row of a table; the cells are Markdown already."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The lines of a table, a blank one after it; none when there are no rows."""
    return [row(*headers), row(*("---" for _ in headers)), *(row(*cells) for cells in rows), ""] if rows else []


def fence(text: str, language: str, longest: int) -> list[str]:
    """The lines of a block that holds at most `longest` characters of the text as they came, and what was left out."""
    shown, more = at_most(text.removesuffix("\n"), longest)
    mark = "`" * max(3, _longest_run(shown) + 1)
    lines = [f"{mark}{language}", shown, mark, ""] if shown else []
    return (
        [*lines, f"… {counted(more, 'more character')} left out here; `-o json` has the whole text.", ""]
        if more
        else lines
    )


def folded(title: str, lines: list[str]) -> list[str]:
    """The lines under a title that unfolds them; the title is HTML, the lines are Markdown."""
    return [f"<details><summary>{title}</summary>", "", *lines, "</details>", ""] if lines else []


def blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """What stands between two blank lines; a fence, and what is folded, is in one."""
    block: list[str] = []
    fenced, depth = "", 0
    for line in lines:
        block.append(line)
        if fenced or re.fullmatch("`{3,}\\w*", line):
            fenced = "" if line == fenced else fenced or line.rstrip(_LETTERS)
        else:
            depth += line.startswith("<details>")
            depth -= line == "</details>"
        if not (line or fenced or depth):
            yield block
            block = []
    if block:
        yield block


def in_html(text: str) -> str:
    """The text as code inside a line of HTML."""
    return f"<code>{html.escape(one_line(text))}</code>"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
