"""The session objects that a source sends: in update events, in calls of an SDK, and in the bodies of GA mints."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from rtdiag.api.endpoints import CLIENT_SECRETS, Kind
from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.literals import Field, arguments, fields, literal, plain_text
from rtdiag.diagnosis.code.source_text import Source
from rtdiag.diagnosis.code.wire import posts

TYPE_OF_EVENT = expression(r"[\"']?\btype[\"']?\s*:\s*\Z")
_TYPE_IN_CODE = expression(r"[\"'](?:transcription_)?session\.update[\"']")
_SDK = expression(r"\.session\.update\s*\(|\.(?:client_secrets|clientSecrets)\.create\s*\(")
_BETA_FIELD = expression(
    r"[\"']?\b(?:(?:in|out)put_audio_format|input_audio_transcription|max_response_output_tokens|(?<!output_)modalities)[\"']?\s*:"
)
_CALLED = expression(
    r"(?:[\"']?\b(?P<name>\w*session\w*)[\"']?\]?\s*(?::[^=;,(){}\n]{1,60}=|[:=]|\?\?|\|\|)|\bupdate_?session\s*\(|(?:\?\?|\|\||\bor)\s*)\s*\{?\s*\Z",
    re.I,
)
_OF_A_SESSION = {
    "modalities", "input_audio_format", "output_audio_format", "input_audio_transcription", "turn_detection", "voice",
    "instructions", "temperature", "max_response_output_tokens", "tools", "model",
}  # fmt: skip
_OF_AN_SDK = frozenset({"inputAudioFormat", "outputAudioFormat", "inputAudioTranscription", "turnDetection"})
_MOST = 300  # session objects of one file


@dataclass(frozen=True)
class Session:
    """A session object that is sent: where it stands, its fields, and the event that carries it (`at` is -1 where none does)."""

    opened: int
    given: Mapping[str, Field]
    event: str
    at: int
    event_opened: int
    by_name: str = ""  # what it is called, where nothing but its name and its fields tell that it is one

    @property
    def is_whole(self) -> bool:
        """Whether all its fields can be seen: nothing is spread into it."""
        return "..." not in self.given


def sessions(source: Source) -> Iterator[Session]:
    """Session objects in update events, in SDK calls and in the bodies of GA mints."""
    for found in islice(_TYPE_IN_CODE.finditer(source.code), _MOST):
        if source.string_at(found.start()) is None or not TYPE_OF_EVENT.search(
            source.code, max(0, found.start() - 40), found.start()
        ):
            continue
        opened = source.enclosing(found.start(), "{")
        if opened is not None:
            event = fields(source, opened)
            yield from _session(source, event.get("session"), found.group().strip("\"'"), found.start(), opened)
    for found in islice(_SDK.finditer(source.bare), _MOST):
        placed, named = arguments(source, found.end() - 1)
        if "session" in named:
            start, end = named["session"]
            yield from _session(source, Field("session", start, start, end), "", -1, -1)
        elif placed and (opened := literal(source, *placed[0])) is not None:
            yield from _session(source, fields(source, opened).get("session"), "", -1, -1)
    for _, body in mint_bodies(source):
        yield from _session(source, fields(source, body).get("session"), "", -1, -1)


def by_name(source: Source, known: Container[int]) -> Iterator[Session]:
    """Objects that are called a session and hold fields that only a session of the beta has, wherever they are sent from."""
    seen: set[int] = set()
    posted = [post.body for post in posts(source) if post.body]
    for found in islice(_BETA_FIELD.finditer(source.code), _MOST):
        opened = source.enclosing(found.start(), "{")
        if opened is None or opened in known or opened in seen or any(start <= opened < end for start, end in posted):
            continue
        seen.add(opened)
        name = _CALLED.search(source.code, max(0, opened - 120), opened)
        given = fields(source, opened)
        one = next(iter(given.values()), None)
        is_type = one is not None and ";" in source.bare[one.start : one.end]
        others = is_type or not _OF_AN_SDK.isdisjoint(given)  # which puts the session into shape itself
        if name and len(_OF_A_SESSION & given.keys()) > 1 and not others:
            yield Session(opened, given, "", -1, -1, name["name"] or "session")


def _session(source: Source, field: Field | None, event: str, at: int, event_opened: int) -> Iterator[Session]:
    opened = literal(source, field.start, field.end) if field else None
    if opened is not None:
        yield Session(opened, fields(source, opened), event, at, event_opened)
    elif event == "transcription_session.update":
        yield Session(-1, {"...": Field("...", at, at, at)}, event, at, event_opened)


def mint_bodies(source: Source) -> Iterator[tuple[int, int]]:
    """The JSON bodies of mints in GA: where the call and where the object begin."""
    for post in posts(source):
        if post.url.path != CLIENT_SECRETS or post.body is None or post.form != "json":
            continue
        start, end = post.body
        wrapped = re.compile(r"JSON\.stringify\s*\(|json\.dumps\s*\(").match(source.bare, start, end)
        placed = arguments(source, wrapped.end() - 1)[0] if wrapped else [(start, end)]
        opened = literal(source, *placed[0]) if placed else None
        if opened is not None:
            yield post.at, opened


def kind_of(source: Source, session: Session) -> Kind:
    named = session.given.get("type")
    text = plain_text(source, named.start, named.end) if named else ""
    return "transcription" if text == "transcription" or session.event == "transcription_session.update" else "realtime"
