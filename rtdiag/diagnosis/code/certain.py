"""Rules for languages of which only the certain is read: URLs that are no more, and the update that GA does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rtdiag.api.endpoints import (
    BETA_SESSIONS,
    BETA_TRANSCRIPTION_SESSIONS,
    CALLS,
    CLIENT_SECRETS,
    OFFICIAL_HOSTS,
    REALTIME,
)
from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.flaws import Hit, names
from rtdiag.diagnosis.code.source_text import Source, is_judged_whole

_URL = expression(
    r"(?P<scheme>https?|wss?)://(?P<host>[\w.-]+)/v1(?P<path>/realtime(?:/\w+)*)/?(?P<query>\?[^\s\"'`\\<>]*)?"
)
_PATH = expression(
    r"(?P<base>\\?[$#%]?[{(]?[\w$.()?! ]{0,60}[)}]?)??(?P<version>/v1)?/?"
    rf"(?P<path>{BETA_SESSIONS[1:]}|{BETA_TRANSCRIPTION_SESSIONS[1:]})\Z"
)
_ROUTE = expression(
    r"(?i)(?:handle\w*|map\w+|mapping|route\w*|\b(?:get|post|put|delete)|[=!]==?|equals\w*|\bcase)\s*\(?\s*[\"'`]?\Z"
)
_JOINED = expression(
    r"(?:\+|[)}\w]\s*/|\bpath\s*[:=]|\burl\s*[:=]|\bendpoint\w*\s*[:=(]|(?i:json|req\w*|send|url|uri|path\w*)\s*\()\s*[\"'`]?\Z"
)
_ADDS_MODEL = expression(r"[\"'`]?\)?\s*(?:\+|\.\.?)\s*[\"'`]\?model=|[\"'`]?\s*,?[^\n]{0,40}\"model\"")
_OFFER = expression(r"application/sdp")
_UPDATE = expression(r"transcription_session\.update\b(?!d)")
_WAITS = expression(r"(?:\b(?:case|when)|[=!]==?)\s*[\"'`]?\Z|\bequals\s*\([\"']?\Z", re.I)
_FLAT = expression(
    r"\\?[\"']:?(?P<quoted>(?:in|out)put_audio_format|input_audio_transcription|max_response_output_tokens|modalities)\\?[\"']"
    r"\]?\s*(?:=>|[:=](?!=)|,|to\b)|(?<![\w.])(?P<plain>(?:in|out)put_audio_format|input_audio_transcription)\s*(?:=|:)\s*[\"'n]"
)
_SENT = expression(r"session\.update\b(?!d)")


def find(source: Source) -> Iterator[Hit]:
    """What is certainly wrong, in whatever language."""
    yield from urls(source)
    for found in _UPDATE.finditer(source.code):
        if source.string_at(found.start()) and not _WAITS.search(
            source.code, max(0, found.start() - 30), found.start()
        ):
            line = source.edited(found.start(), found.start(), [(*found.span(), "session.update")])
            yield Hit("transcription-update-retired", found.start(), line)
    yield from _flat(source)


def urls(source: Source) -> Iterator[Hit]:
    """Where a URL stands that is no more, or the path of one behind a base that stands elsewhere."""
    yield from _urls(source)
    yield from _paths(source)


def _urls(source: Source) -> Iterator[Hit]:
    for found in _URL.finditer(source.code):
        path, query, start = found["path"], found["query"] or "", found.start("path")
        if found["host"].lower() not in OFFICIAL_HOSTS:
            continue
        if path in (BETA_SESSIONS, BETA_TRANSCRIPTION_SESSIONS, CLIENT_SECRETS, CALLS) and found["scheme"][:2] == "ws":
            line = source.edited(start, start, [(start, found.end(), REALTIME + query)])
            yield Hit("socket-on-rest-path", start, line, {"path": path})
        elif path in (BETA_SESSIONS, BETA_TRANSCRIPTION_SESSIONS):
            line = source.edited(start, start, [(start, start + len(path), CLIENT_SECRETS)])
            yield Hit("beta-mint", start, line, {"path": path})
        elif path == REALTIME and found["scheme"][:4] == "http" and _posts_offer(source, found):
            line = source.edited(start, start, [(start, start + len(path), CALLS)])
            yield Hit("beta-sdp-url", start, line, {}, not query)
        elif path == REALTIME and "intent=transcription" in query and "model=" in query:
            line = source.edited(start, start, [(found.start("query"), found.end(), "?intent=transcription")])
            yield Hit("model-with-intent", start, line)


def _posts_offer(source: Source, url: re.Match[str]) -> bool:
    """Whether an offer goes to /v1/realtime itself: a model is added to the URL, in a file that knows of SDP."""
    model = "model=" in (url["query"] or "") or _ADDS_MODEL.match(source.code, url.end())
    return bool(model or CALLS not in source.code) and bool(_OFFER.search(source.code) or "sdp" in source.bare.lower())


def _paths(source: Source) -> Iterator[Hit]:
    """The path of a beta mint that is put behind a base which stands elsewhere; a route of one's own server is none."""
    for at, value in source.texts:
        found = _PATH.match(value)
        span = source.string_at(at)
        if found is None or span is None:
            continue
        before = source.code[max(0, span.start - 40) : span.start]
        plus = before.rstrip("\"'` ").endswith("+")
        joined = bool(found["base"] or plus or (not is_judged_whole(source) and _JOINED.search(before)))
        ours = found["version"] or "openai" in source.code[max(0, at - 60) : span.end + 60].lower()
        if joined and not _ROUTE.search(before) and (ours or not is_judged_whole(source)):
            start, end = at + found.start("path"), at + found.end("path")
            line = source.edited(at, at, [(start, end, CLIENT_SECRETS[1:])])
            yield Hit("beta-mint", at, line, {"path": f"/{found['path']}"}, True)


def _flat(source: Source) -> Iterator[Hit]:
    """Fields that only beta sessions have, in a file that sends an update."""
    if not any(source.string_at(found.start()) for found in _SENT.finditer(source.code)):
        return
    places = {**names().places["realtime"], "modalities": "output_modalities"}
    found = {m["quoted"] or m["plain"]: m.start() for m in reversed(list(_FLAT.finditer(source.code)))}
    if found:
        moves = ", ".join(f"{name} is {places[name]}" for name in sorted(found))
        yield Hit("flat-fields", min(found.values()), "", {"moves": moves})
