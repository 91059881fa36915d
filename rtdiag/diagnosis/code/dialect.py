"""Rules about the beta: its header, its sub-protocol, its part of the SDKs; and about models that have ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from rtdiag.api import models
from rtdiag.diagnosis.code.flaws import Hit
from rtdiag.diagnosis.code.literals import parts
from rtdiag.diagnosis.code.source_text import Source
from rtdiag.diagnosis.code.wire import certainty

_HEADER = re.compile(
    r"[\"']OpenAI-Beta[\"']\]?\s*[:,=](?!=)\s*[\"']realtime=v1[\"']|[\"']OpenAI-Beta:\s*realtime=v1[\"']", re.I
)
_SET = re.compile(r"\.(?:set|append|setRequestHeader|add_header|setHeader)\s*\(\s*\Z")
_PROTOCOL = re.compile(r"[\"'`]openai-beta\.realtime-v1[\"'`]")
_COMPARED = re.compile(r"(?:===?|!==?|\bin|\bhas\s*\(|includes\s*\(|index\s*\()\s*\Z")
_SDK_MINT = re.compile(
    r"(?<![\w$.])(?P<client>[\w$.]{1,80}?)\.beta\.realtime\.(?P<what>sessions|transcription_?[sS]essions)\.create\s*\("
)
_SDK = re.compile(r"\bnew OpenAI\w*\(|\b(?:Async)?OpenAI\(|\bRealtime(?:Agent|Session)\(")
_SDK_CONNECT = re.compile(r"\.beta(?=\.realtime\.connect\s*\()")
_SDK_IMPORT = re.compile(r"[\"']openai/(?P<beta>beta/)realtime/\w+[\"']")
_ID = re.compile(r"[\"'`](?P<quoted>(?:gpt-|whisper-)[\w.-]{1,60})[\"'`]|[?&]model=(?P<query>gpt-[\w.-]{1,60})")
_NO_USE = re.compile(r"(?:===?|!==?|\bin|includes\s*\(|startswith\s*\(|startsWith\s*\()\s*\Z")
_SNAPSHOT = re.compile(r"-20\d\d-\d\d-\d\d\Z")
_SOON_DAYS = 180


def find(source: Source) -> Iterator[Hit]:
    """What asks for the beta, which ended on 2026-05-12."""
    sure = certainty(source)
    if sure is None:
        return
    for found in _HEADER.finditer(source.code):
        if not _COMPARED.search(source.code, max(0, found.start() - 30), found.start()):
            yield Hit("beta-header", found.start(), _without(source, found.start(), found.end()), {}, sure == "medium")
    for found in _PROTOCOL.finditer(source.code):
        if source.enclosing(found.start(), "[(") is not None and not _COMPARED.search(
            source.code, max(0, found.start() - 30), found.start()
        ):
            yield Hit(
                "beta-protocol", found.start(), _without(source, found.start(), found.end()), {}, sure == "medium"
            )
    yield from _sdk(source)


def find_models(source: Source, today: date) -> Iterator[Hit]:
    """Models that have ended by a day, or end within half a year of it, where code that talks to OpenAI names one to be used."""
    if certainty(source) is None or not (certainty(source) == "high" or _SDK.search(source.bare)):
        return
    for found in _ID.finditer(source.code):
        group = "quoted" if found["quoted"] else "query"
        ends, kind = _end_of(found[group], today)
        if ends is None or (ends - today).days > _SOON_DAYS or not _is_use(source, found.start(group), group):
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
    before = source.line_text(at)[: at - 1 - source.starts[source.line(at) - 1]]
    opened = source.enclosing(at)
    listed = (
        opened is not None
        and source.bare[opened] == "["
        and not re.search(r"(?i)model", source.code[max(opened, at - 300) : at])
    )
    return bool(re.search(r"(?i)model", before)) and not _NO_USE.search(before) and not listed


def _sdk(source: Source) -> Iterator[Hit]:
    for found in _SDK_MINT.finditer(source.bare):
        kind = "realtime" if found["what"] == "sessions" else "transcription"
        model = models.default("realtime" if kind == "realtime" else "transcription")
        if source.language == "python":
            inner = (
                f'"model": "{model}"'
                if kind == "realtime"
                else f'"audio": {{"input": {{"transcription": {{"model": "{model}"}}}}}}'
            )
            line = f'{found["client"]}.realtime.client_secrets.create(session={{"type": "{kind}", {inner}}})'
        else:
            inner = (
                f'model: "{model}"'
                if kind == "realtime"
                else f'audio: {{ input: {{ transcription: {{ model: "{model}" }} }} }}'
            )
            line = f'{found["client"]}.realtime.clientSecrets.create({{ session: {{ type: "{kind}", {inner} }} }})'
        yield Hit("beta-sdk-mint", found.start("what"), line)
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
    if source.bare[opened] == "(" and source.language == "python":  # a pair in a list of headers
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
