"""A rule about the answer: the body of a response that is taken for SDP, and nobody asked whether the request succeeded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.flaws import Hit
from rtdiag.diagnosis.code.source_text import Source
from rtdiag.diagnosis.code.wire import Post

_CHAINED = expression(r"\s*\.then\(\s*(?P<arrow>(?:async\s*)?\(?(\w+)\)?\s*=>\s*\2\.text\(\))")
_PRINTED = expression(r"\b(?:console\.\w+|print)\([^()]{0,300}\)")  # printing a status is not looking at it


def unchecked(source: Source, post: Post) -> Iterator[Hit]:
    """The body of a response that becomes the answer, and nobody asked whether it was one."""
    if "setRemoteDescription" not in source.bare:
        return
    name = re.escape(post.response)
    if not name:
        yield from _unnamed(source, post)
        return
    block = source.enclosing(post.at, "{")
    end = source.pairs[block] if block is not None and source.language == "JavaScript" else len(source.bare)
    rest = _PRINTED.sub(lambda m: " " * len(m.group()), source.bare[post.end : end])
    looked = (
        rf"\b{name}\s*\??\.\s*(?:ok|status\w*|is_success|raise_for_status|is_error|headers)\b|[(,]\s*{name}\s*[,)]"
        rf"|\{{[^{{}}]{{0,200}}\}}\s*=\s*(?:await\s+)?{name}\b"
    )
    read = re.search(rf"\b{name}\.text\b", rest)
    if not read or re.search(looked, rest):
        return
    at = post.end + read.start()
    text = re.search(r"([A-Za-z_$][\w$]*)\s*=\s*(?:await\s+)?\(?\s*\Z", source.bare[max(0, at - 100) : at])
    if text and re.search(rf"\b{re.escape(text[1])}\.(?:starts|includes|match|slice|trim)", rest):
        return
    yield Hit("answer-unchecked", at, _checked(source, at, post.response))


def _unnamed(source: Source, post: Post) -> Iterator[Hit]:
    """A response that is read where it comes, by `.then(r => r.text())` or `(await fetch(…)).text()`."""
    chained = _CHAINED.match(source.bare, post.end)
    if chained:
        both = "(r) => (r.ok ? r.text() : r.text().then((body) => { throw new Error(`${r.status}: ${body}`); }))"
        at = chained.start("arrow")
        yield Hit("answer-unchecked", at, source.edited(at, chained.end() - 1, [(*chained.span("arrow"), both)]))
    read = re.compile(r"\s*\)?\s*\.text\b").match(source.bare, post.end)
    if read:
        at = read.end() - 4
        if source.language == "Python":
            call = " ".join(source.code[post.at : post.end].split())
            yield Hit("answer-unchecked", at, f"response = {call}\n{_check(source, 'response')}")
        else:
            checked = ".then(async (r) => { if (!r.ok) throw new Error(`${r.status}: ${await r.text()}`); return r; })"
            yield Hit("answer-unchecked", at, source.edited(post.end, at, [(post.end, post.end, checked)]))


def _check(source: Source, name: str) -> str:
    if source.language == "Python":
        return f"{name}.raise_for_status()"
    return f"if (!{name}.ok) throw new Error(`${{{name}.status}}: ${{await {name}.text()}}`);"


def _checked(source: Source, at: int, name: str) -> str:
    return source.edited(at, at, [source.before(at, _check(source, name))])
