"""What stands beside the messages of a paste: a person's words, and code that names the URL it asks."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right

from rtdiag.diagnosis.readers.console_lines import is_frame
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.routes import is_realtime
from rtdiag.diagnosis.records import taken_apart

_CODE = re.compile(
    r"\A\s{0,40}(?:const|let|var|function|async|await|return|import|export|try|catch|if|else|for|new|pc\.|dc\.|//|[{}()\[\]];?)"
    r"|(?:[;{}(]|=>|\},?|\",)\s{0,8}\Z|\A\s{0,40}[\w$.]{1,80}\s?=[^=]|\A\s{0,40}[\w$.]{1,80}\([^\n]{0,400}\)[;,]?\Z"
    r"|\A\s{0,40}[\w-]{1,40}:\s[^\n]{0,400},\Z"
)
_URL = re.compile(r"[\"'`]((?:https?|wss?)://[^\s\"'`]{1,500})")
_LEAST_WORDS = 4
_LONGEST = 600


def attach(drafts: list[Draft], lines: list[int], said: list[tuple[int, str]]) -> None:
    """Give each draft what stands beside it: what a machine says behind it joins its text, a person's words are circumstances.

    Those are the words before it (for the last also those after it), and the URLs of code in the paste.
    """
    urls = dict.fromkeys(u for _, line in said if _is_code(line) for u in _URL.findall(line) if is_realtime(u))
    words = [(n, line.strip()) for n, line in said if is_prose(line)]
    for draft, before, line, end in zip(drafts, [0, *lines], lines, [*lines[1:], math.inf], strict=False):
        behind = "\n".join(_between(said, line, end))
        draft.text = "\n".join((draft.text, *(p.text for p in taken_apart(behind) if p.kind == "machine")))
        _add(draft, "said before it", _between(words, before, line))
    if drafts:
        _add(drafts[-1], "said after it", _between(words, lines[-1], math.inf))
    for draft in drafts:
        draft.circumstances += [f"the code beside it names {url}" for url in list(urls)[:5]]


def _between(said: list[tuple[int, str]], after: float, before: float) -> list[str]:
    """What stands between two lines, by their numbers."""
    first, end = bisect_right(said, after, key=_number), bisect_left(said, before, key=_number)
    return [text for _, text in said[first:end]]


def _number(one: tuple[int, str]) -> int:
    return one[0]


def _add(draft: Draft, how: str, words: list[str]) -> None:
    text = " ".join(words)
    if text:
        draft.circumstances.append(f"{how}: {text[-_LONGEST:] if 'before' in how else text[:_LONGEST]}")


def _is_code(line: str) -> bool:
    return bool(_CODE.search(line[:1000]) or _URL.search(line[:1000]))


def is_prose(line: str) -> bool:
    """Whether a person wrote the line, and no program."""
    return (
        len(line.split(maxsplit=_LEAST_WORDS)) >= _LEAST_WORDS and not _CODE.search(line[:1000]) and not is_frame(line)
    )
