"""Rules about the beta: its header, its sub-protocol, its part of the SDKs; and about models that have ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from rtdiag.api import models
from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.flaws import Hit
from rtdiag.diagnosis.code.languages import PACKAGES, SETTINGS
from rtdiag.diagnosis.code.literals import parts
from rtdiag.diagnosis.code.source_text import Source, is_judged_whole
from rtdiag.diagnosis.code.wire import certainty

_VERSION = expression(r"realtime=v1\b", re.I)
_HEADER = expression(
    r"\w*openai[-_]?beta\w*\\?[\"'`]?\]?\s*(?:=>|[:=,]|to\b)\s*(?:\[\]\w+)?[\[({\"'`\s\\]{0,9}\Z", re.I
)
_HEADER_AFTER = expression(r"[\"'`)\s.\w()?]{0,20},\s*(?:\w+\s*:\s*)?[\"'`]openai-beta", re.I)
_NEAR = 80  # characters between the name of a header and its value
_SET = expression(r"\.(?:set|append|setRequestHeader|add_header|setHeader)\s*\(\s*\Z")
_PROTOCOL = expression(r"\bopenai-beta\.realtime-v1\b")
_COMPARED = expression(r"(?:===?|!==?|\bin|\bhas\s*\(|includes\s*\(|index\s*\(|equal\w*\s*\()\s*[\"'`]?\Z", re.I)
_SDK_MINT = expression(
    r"(?<![\w$.])(?P<client>[\w$.]{1,80}?)\.beta\.realtime\.(?P<what>sessions|transcription_?[sS]essions)\.create\s*\("
)
_SDK = expression(
    r"\bnew OpenAI\w*\(|\b(?:Async)?OpenAI\(|\bRealtime(?:Agent|Session)\(|\bopenai\.realtime\.RealtimeModel\("
    r"|\bOpenAIRealtime\w*(?:Service|Model|Client)\("
)
_SDK_CONNECT = expression(r"\.beta(?=\.realtime\.connect\s*\()")
_SDK_IMPORT = expression(r"[\"']openai/(?P<beta>beta/)realtime/\w+[\"']")
_ID = expression(
    r"(?:[\"'`]|(?<=\w)=)(?P<quoted>(?:gpt-|whisper-)[\w.-]{1,60})(?=\\?[\"'`]|\s|$)|[?&]model=(?P<query>gpt-[\w.-]{1,60})",
    re.M,
)
_PACKAGE = expression(r"openai[-/]realtime-api-beta\b")
_IMPORTED = expression(r"(?:\bfrom|\bimport|\brequire|npm:)\s*\(?\s*[\"']?[@./\w]*\Z")
_NO_USE = expression(r"(?:===?|!==?|\bin|includes\s*\(|startswith\s*\(|startsWith\s*\()\s*\Z")
_UNION = expression(r"[\"']\s*\|\s*[\"']")  # a type of TypeScript
_SNAPSHOT = expression(r"-20\d\d-\d\d-\d\d\Z")
_SOON_DAYS = 180


def find(source: Source) -> Iterator[Hit]:
    """What asks for the beta, which ended on 2026-05-12."""
    for found in _VERSION.finditer(source.code):
        start, end = _header(source, *found.span())
        if start >= 0 and not _is_compared(source, start) and not _is_compared(source, found.start()):
            yield Hit("beta-header", start, _without(source, start, end))
    for found in _PROTOCOL.finditer(source.code):
        string = source.string_at(found.start())
        given = source.enclosing(found.start(), "[({")
        if string and given is not None and not _is_compared(source, string.start):
            yield Hit("beta-protocol", found.start(), _without(source, string.start, string.end))
    for found in _PACKAGE.finditer(source.code):
        if _IMPORTED.search(source.code, max(0, found.start() - 40), found.start()) or source.language == PACKAGES:
            yield Hit("beta-package", found.start())
    if is_judged_whole(source):
        yield from _sdk(source)


def _header(source: Source, start: int, end: int) -> tuple[int, int]:
    """The header that has this value, with its name where that stands near; (-1, -1) where it is no header's value."""
    string = source.string_at(start)
    if string is None and is_judged_whole(source):
        return -1, -1
    first, last = (string.start, string.end) if string else (start, end)
    named = _HEADER.search(source.code, max(0, start - _NEAR), start)
    if named:
        inside = source.string_at(named.start())
        return (inside.start if inside else named.start()), last
    alone = source.code[first:last].strip("\"'`").lower() == "realtime=v1"
    return (first, last) if alone or _HEADER_AFTER.match(source.code, end) else (-1, -1)


def _is_compared(source: Source, at: int) -> bool:
    return bool(_COMPARED.search(source.code, max(0, at - 30), at))


def find_models(source: Source, today: date) -> Iterator[Hit]:
    """Models that have ended by a day, or end within half a year of it, where code that talks to OpenAI names one to be used."""
    talks = bool(_SDK.search(source.bare))
    for found in _ID.finditer(source.code):
        group = "quoted" if found["quoted"] else "query"
        ends, kind = _end_of(found[group], today)
        if ends is None or (ends - today).days > _SOON_DAYS or not _is_use(source, found.start(group), group):
            continue
        if not talks and certainty(source, found.start()) != "high" and not source.project.own:
            continue
        better = models.default("transcription" if kind == "transcription" else "realtime")
        line = source.edited(found.start(), found.start(), [(*found.span(group), better)])
        rule = "model-ended" if ends <= today else "model-ends"
        yield Hit(rule, found.start(group), line, {"model": found[group], "ends": ends.isoformat(), "better": better})


def _end_of(name: str, today: date) -> tuple[date | None, str]:
    """When a model ends; a snapshot that the list does not have ended with its family, if that has ended."""
    known = models.find(name)
    if known:
        return known.shutdown, known.kind
    family = models.find(_SNAPSHOT.sub("", name))
    if family and family.shutdown and family.shutdown <= today:
        return family.shutdown, family.kind
    return None, ""


def _is_use(source: Source, at: int, group: str) -> bool:
    """Whether a model is named to be used, and not compared, listed or priced."""
    if group == "query":
        return True
    if source.language == SETTINGS:
        return "azure" not in source.line_text(at).lower()
    before = source.line_text(at)[: at - 1 - source.starts[source.line(at) - 1]]
    opened = source.enclosing(at)
    listed = (
        opened is not None
        and source.bare[opened] == "["
        and not re.search(r"(?i)model", source.code[max(opened, at - 300) : at])
    )
    named = re.match(r"[\w.-]+", source.code[at:])
    if listed or (named and _is_name(before, named.group())) or _UNION.search(source.line_text(at)):
        return False
    if opened is not None and re.search(r"(?i)\bname[\"']?\s*:", before):  # model: { name: … }
        before = source.code[max(0, opened - 40) : opened] + before
    return bool(re.search(r"(?i)model", before)) and not _NO_USE.search(before)


def _is_name(before: str, model: str) -> bool:
    """Whether a constant is called like the model that it holds: a list of what there is, as SDKs have."""
    return _letters(model) in _letters(before.rpartition("=")[0])


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", _SNAPSHOT.sub("", name)).lower()


def _sdk(source: Source) -> Iterator[Hit]:
    for found in _SDK_MINT.finditer(source.bare):
        kind = "realtime" if found["what"] == "sessions" else "transcription"
        model = models.default("realtime" if kind == "realtime" else "transcription")
        if source.language == "Python":
            inner = (
                f'"model": "{model}"'
                if kind == "realtime"
                else f'"audio": {{"input": {{"transcription": {{"model": "{model}"}}}}}}'
            )
            call = f'{found["client"]}.realtime.client_secrets.create(session={{"type": "{kind}", {inner}}})'
        else:
            inner = (
                f'model: "{model}"'
                if kind == "realtime"
                else f'audio: {{ input: {{ transcription: {{ model: "{model}" }} }} }}'
            )
            call = f'{found["client"]}.realtime.clientSecrets.create({{ session: {{ type: "{kind}", {inner} }} }})'
        closed = source.pairs.get(found.end() - 1)
        edits = [(found.start(), closed + 1, call)] if closed else []
        yield Hit("beta-sdk-mint", found.start("what"), source.edited(found.start(), closed or found.end(), edits))
    for found in _SDK_CONNECT.finditer(source.bare):
        yield Hit("beta-sdk", found.start(), source.edited(found.start(), found.start(), [(*found.span(), "")]))
    for found in _SDK_IMPORT.finditer(source.code):
        if re.search(r"(?:from|import|require)\s*\(?\s*\Z", source.code[max(0, found.start() - 20) : found.start()]):
            yield Hit(
                "beta-sdk", found.start(), source.edited(found.start(), found.start(), [(*found.span("beta"), "")])
            )


def _without(source: Source, start: int, end: int) -> str:
    """What encloses an entry, without that entry; "" where too much does, or where a call sets the header."""
    opened = source.enclosing(start)
    if opened is None or _SET.search(source.code, max(0, start - 40), start):
        return ""
    if source.bare[opened] == "(" and not is_judged_whole(source):  # an argument of a call
        return ""
    if source.bare[opened] == "(" and source.language == "Python":  # a pair in a list of headers
        start, opened = opened, source.enclosing(opened)
    if opened is None or source.line(source.pairs[opened]) - source.line(opened) > 8:
        return ""
    spans = list(parts(source, opened))
    gone = next((n for n, (left, right) in enumerate(spans) if left <= start < right), None)
    if gone is None:
        return ""
    left = spans[gone - 1][1] if gone else spans[gone][0]
    right = spans[gone][1] if gone else (spans[1][0] if len(spans) > 1 else spans[gone][1])
    return source.edited(opened, source.pairs[opened], [(left, right, "")])
