"""No line of ours is a command to the CI that runs us: it reads its steps' output for them, and servers write into that.

GitHub's runner takes `::name::` where a line begins, blanks left aside, and `##[name]` anywhere (actions/runner, ActionCommand.cs,
2026); Azure's and TeamCity's take `##vso[` and `##teamcity[`. A sign of each is spelt in the format's own second way, so that JSON,
XML, HTML and Markdown hold the same text as before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_RUNNERS = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
_COMMAND = re.compile(r"(?:(?<=\n)|\A)(?P<blanks>[^\S\n]*):(?=:)|#(?=#\w*\[)")
_OWN_LINES = "github"  # the format that is made of commands
_ENTITIES = frozenset({"html", "junit", "markdown"})

# As marked.py writes them: a fence's mark is longer than any other in it, and what begins a line is ours.
_FENCE = re.compile(r"^(`{3,})\w*\n(.*?)\n\1$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_SIGN = re.compile(r"[^\w\s]|_")


def heard(environment: Mapping[str, str]) -> bool:
    """Whether whoever reads our output takes lines of it for commands."""
    return any(environment.get(name) for name in _RUNNERS)


def inert(text: str, form: str) -> str:
    """The report in that format, or other text as a `table`, without a command in it; the commands of `github` stay."""
    if form == _OWN_LINES or not _COMMAND.search(text):
        return text
    spelling = "&#{};" if form in _ENTITIES else "\\u{:04x}"
    found = _without_code(text) if form == "markdown" else text
    return _COMMAND.sub(lambda one: (one["blanks"] or "") + spelling.format(ord(one[0][-1])), found)


def _without_code(markdown: str) -> str:
    """Markdown's code knows no second spelling; that of HTML does, so code with a command in it becomes that."""
    pieces, end = [], 0
    for fence in _FENCE.finditer(markdown):
        pieces += [_without_spans(markdown[end : fence.start()]), _preformatted(fence)]
        end = fence.end()
    return "".join([*pieces, _without_spans(markdown[end:])])


def _preformatted(fence: re.Match[str]) -> str:
    from html import escape

    return f"<pre><code>{escape(fence[2])}</code></pre>" if _COMMAND.search(fence[2]) else fence[0]


def _without_spans(markdown: str) -> str:
    """A line that begins with `<` is HTML, where backticks are no marks."""
    lines = markdown.splitlines(keepends=True)
    return "".join(_SPAN.sub(_code, line) if _COMMAND.search(line) and line[0] != "<" else line for line in lines)


def _code(span: re.Match[str]) -> str:
    """The span with each sign as an entity, for Markdown reads what stands between tags; in a table `\\|` is a `|`."""
    inside = span[2][1:-1] if span[2][0] == span[2][-1] == " " else span[2]
    inside = inside.replace("\\|", "|") if span.string.startswith("| ") else inside
    return f"<code>{_SIGN.sub(lambda sign: f'&#{ord(sign[0])};', inside)}</code>"
