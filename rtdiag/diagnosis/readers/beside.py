"""What stands beside the messages of a paste: the request and status before a body, a person's words, code that names its URL."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers.console_lines import is_frame
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.routes import dialect_of, is_realtime, surface_of
from rtdiag.diagnosis.records import taken_apart

_CODE = expression(
    r"\A\s{0,40}(?:const|let|var|function|async|await|return|import|export|try|catch|if|else|for|new|pc\.|dc\.|//|[{}()\[\]];?)"
    r"|(?:[;{}(]|=>|\},?|\",)\s{0,8}\Z|\A\s{0,40}[\w$.]{1,80}\s?=[^=]|\A\s{0,40}[\w$.]{1,80}\([^\n]{0,400}\)[;,]?\Z"
    r"|\A\s{0,40}[\w-]{1,40}:\s[^\n]{0,400},\Z"
)
_URL = expression(r"[\"'`]((?:https?|wss?)://[^\s\"'`]{1,500})")
# What was asked, or the status of the answer, alone on a line: as logs, the tools of browsers and people write it.
_ASKED = expression(
    r"(?i)\A[\s>*`]{0,8}(?:(?:request|called|asked)\s?:\s?)?"
    r"(?:(?P<method>GET|POST|PUT|PATCH|DELETE)\s{1,4}|(?:request )?(?:url|endpoint)\s?[:=]\s{0,4})"
    r"(?P<url>(?:https?|wss?)://[^\s\"'<>`]{1,2048}|/[^\s\"'<>`]{0,2048})(?:\s{1,4}HTTP/[\d.]{1,4})?[\s`]{0,8}\Z"
)
_METHOD = expression(r"(?i)\A[\s>*]{0,8}(?:request |http )?method\s?[:=]\s{0,4}(?P<method>[A-Z]{3,7})\s{0,8}\Z")
_STATUS = expression(
    r"(?i)\A[\s<>*]{0,8}(?:HTTP/[\d.]{1,4}\s{1,4}|(?:response\s)?status(?:[ _]?code)?\s?[:=]?\s?|response\s?[:=]?\s?)?"
    r"(?P<status>[1-5]\d\d)\b(?:[\s(]{1,3}[a-z -]{2,40}\)?)?\s{0,8}:?\s{0,8}\Z"
)
_INTRODUCED = expression(
    r"\b(?P<method>GET|POST|PUT|PATCH|DELETE)\s{1,4}(?P<url>(?:https?://|/)[^\s\"'<>`]{1,2048})"
    r"[^\n]{0,60}?\b(?P<status>[45]\d\d)\b[^\n]{0,60}:\s{0,8}\Z"
)
_ELSEWHERE = ("data_channel", "ice", "client")  # no answers to a request
_LEAST_WORDS = 4
_LONGEST = 600


def attach(drafts: list[Draft], lines: list[int], said: list[tuple[int, str]]) -> None:
    """Give each draft what stands beside it: what was asked, what a machine says behind it as its text, words as circumstances.

    Those are a person's words before it (for the last also those after it), and the URLs of code in the paste.
    """
    urls = dict.fromkeys(u for _, line in said if _is_code(line) for u in _URL.findall(line) if is_realtime(u))
    words = [(n, line.strip()) for n, line in said if is_prose(line)]
    for draft, before, line, end in zip(drafts, [0, *lines], lines, [*lines[1:], math.inf], strict=False):
        behind = "\n".join(_between(said, line, end))
        draft.text = "\n".join((draft.text, *(p.text for p in taken_apart(behind) if p.kind == "machine")))
        _answers(draft, _between(said, before, line))
        _add(draft, "said before it", _between(words, before, line))
    if drafts:
        _add(drafts[-1], "said after it", _between(words, lines[-1], math.inf))
    for draft in drafts:
        draft.circumstances += [f"the code beside it names {url}" for url in list(urls)[:5]]


def _answers(draft: Draft, before: list[str]) -> None:
    """What stands before the draft of the request that it answers and of the status, where the draft does not say it."""
    known: dict[str, str] = {}
    for line in before:
        for form in (_ASKED, _METHOD, _STATUS, _INTRODUCED):
            if found := form.search(line):
                told = {name: text for name, text in found.groupdict().items() if text}
                known = {name: text for name, text in known.items() if name != "status" or "url" not in told} | told
        if known.get("status", "4") < "4":
            known = {}  # that request was answered well
    if draft.surface in _ELSEWHERE or draft.url:
        return
    draft.status = draft.status or (int(known["status"]) if "status" in known else None)
    if url := known.get("url"):
        draft.method, draft.url = known.get("method"), url
        draft.surface, draft.dialect = draft.surface or surface_of(url, draft.method), dialect_of(url)


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
