"""Rules about session objects: beta fields in a GA session, no type, turn detection that a kind or model does not take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rtdiag.api import models
from rtdiag.api.endpoints import REALTIME, Kind
from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code import ga
from rtdiag.diagnosis.code.flaws import Hit
from rtdiag.diagnosis.code.literals import Field, fields, literal, plain_text
from rtdiag.diagnosis.code.sent import TYPE_OF_EVENT, Session, by_name, kind_of, mint_bodies, sessions
from rtdiag.diagnosis.code.source_text import Source
from rtdiag.diagnosis.code.wire import sockets

_MODALITIES = expression(r"\bmodalities\b")
_BOTH = expression(r"\[\s*[\"'](?:text|audio)[\"']\s*,\s*[\"'](?:text|audio)[\"']\s*\]")
_OF_OTHERS = expression(r"/v1/live\b|\bgpt-live-1|/realtime/translations|gpt-realtime-translate")


def find(source: Source) -> Iterator[Hit]:
    """What is wrong with the session objects of a file."""
    if _OF_OTHERS.search(source.code):
        return
    told = list(sessions(source))
    for session in by_name(source, {s.opened for s in told}):
        yield from _flat(source, session, kind_of(source, session))
    for session in told:
        kind = kind_of(source, session)
        if session.event == "transcription_session.update":
            yield _retired_update(source, session)
        elif session.at >= 0 and kind == "transcription" and _opens_conversation(source):
            yield Hit("transcription-update-on-conversation", session.at)
        if session.event == "transcription_session.update":
            yield from _flat(source, session, kind)
        else:
            yield from _shape(source, session, kind)
        yield from _turn_detection(source, session, kind)
    yield from _flat_mints(source)
    yield from _responses(source)


def _retired_update(source: Source, session: Session) -> Hit:
    """A `transcription_session.update`: GA knows `session.update` alone, and a conversation takes no transcription."""
    rule = "transcription-update-on-conversation" if _opens_conversation(source) else "transcription-update-retired"
    if (
        session.opened < 0
        or not session.is_whole
        or not session.event_opened < session.opened < source.pairs[session.event_opened]
    ):
        at = source.code.index("transcription_session.update", session.at)
        return Hit(rule, at, source.edited(at, at, [(at, at + 28, "session.update")]))
    tree: ga.Tree = {"type": '"session.update"', "session": ga.session(source, "transcription", session.given)}
    text, closed = ga.written(tree, source.language == "Python"), source.pairs[session.event_opened]
    return Hit(
        rule, session.at, source.edited(session.event_opened, closed, [(session.event_opened, closed + 1, text)])
    )


def _opens_conversation(source: Source) -> bool:
    """Whether every WebSocket of the file names a model in its URL, which makes the session a conversation."""
    urls = [url for url in sockets(source) if url.path == REALTIME]
    return bool(urls) and all("model=" in u.query and "intent=" not in u.query for u in urls)


def _flat(source: Source, session: Session, kind: Kind) -> Iterator[Hit]:
    flat = ga.moved(kind, session.given)
    if flat:
        at = min(session.given[name].at for name in flat)
        moves = ", ".join(f"{old} is {new}" if new else f"{old} is gone" for old, new in flat.items())
        yield Hit("flat-fields", at, _whole(source, session, kind), {"moves": moves})


def _shape(source: Source, session: Session, kind: Kind) -> Iterator[Hit]:
    yield from _flat(source, session, kind)
    if "type" not in session.given and session.is_whole and session.given:
        only_transcribes = bool(sockets(source)) and all("intent=transcription" in u.query for u in sockets(source))
        named = '"type"' if source.language == "Python" else "type"
        entry = f'{named}: "{"transcription" if only_transcribes else kind}",'
        entry = f" {entry}" if source.code[session.opened + 1].isspace() else f"{entry} "
        line = source.edited(session.opened, session.opened, [(session.opened + 1, session.opened + 1, entry)])
        yield Hit("no-session-type", session.opened, line)


def _whole(source: Source, session: Session, kind: Kind) -> str:
    """The lines of the session as GA writes it."""
    text = ga.written(ga.session(source, kind, session.given), source.language == "Python")
    closed = source.pairs[session.opened]
    return source.edited(session.opened, closed, [(session.opened, closed + 1, text)])


def _turn_detection(source: Source, session: Session, kind: Kind) -> Iterator[Hit]:
    """Fields of the other mode, of responses in a transcription session, or any turn detection where the model takes none."""
    place = _inside(source, session.given, "audio", "input")
    named = place.get("turn_detection") or session.given.get("turn_detection")
    opened = literal(source, named.start, named.end) if named else None
    if named is None or opened is None:
        return
    given = fields(source, opened)
    mode = plain_text(source, given["type"].start, given["type"].end) if "type" in given else ""
    model = _transcription_model(source, place, session.given)
    if kind == "transcription" and model and model.server_vad == "no":
        edit = [(named.start, named.end, "null" if source.language == "JavaScript" else "None")]
        yield Hit(
            "vad-with-streaming-model",
            named.start,
            source.edited(named.start, named.end - 1, edit),
            {"model": model.id},
        )
        return
    foreign = ga.FOREIGN_FIELDS.get(mode or "", ())
    for rule, wrong in (
        ("vad-other-mode", foreign),
        ("vad-response-fields", ga.RESPONSE_FIELDS if kind == "transcription" else ()),
    ):
        found = [given[name] for name in wrong if name in given]
        if found:
            words = {"mode": mode or "", "fields": " and ".join(f.name for f in found)}
            yield Hit(rule, found[0].at, _left(source, opened, given, foreign, kind), words)


def _left(source: Source, opened: int, given: Mapping[str, Field], foreign: tuple[str, ...], kind: Kind) -> str:
    """The turn detection without the fields that do not belong there."""
    gone = {*foreign, *(ga.RESPONSE_FIELDS if kind == "transcription" else ())}
    tree: ga.Tree = {n: " ".join(source.code[f.start : f.end].split()) for n, f in given.items() if n not in gone}
    closed = source.pairs[opened]
    return source.edited(opened, closed, [(opened, closed + 1, ga.written(tree, source.language == "Python"))])


def _inside(source: Source, given: Mapping[str, Field], *names: str) -> Mapping[str, Field]:
    for name in names:
        field = given.get(name)
        opened = literal(source, field.start, field.end) if field else None
        given = fields(source, opened) if opened is not None else {}
    return given


def _transcription_model(source: Source, place: Mapping[str, Field], flat: Mapping[str, Field]) -> models.Model | None:
    inner = _inside(source, place, "transcription") or _inside(source, flat, "input_audio_transcription")
    named = inner.get("model")
    text = plain_text(source, named.start, named.end) if named else None
    return models.find(text) if text else None


def _flat_mints(source: Source) -> Iterator[Hit]:
    """The body of a GA mint that is the session itself, as beta wanted it."""
    for _, opened in mint_bodies(source):
        given = fields(source, opened)
        if (
            not {"session", "...", "expires_after"} & given.keys()
            and {"model", "voice", "instructions", *ga.moved("realtime", given)} & given.keys()
        ):
            tree: ga.Tree = {"session": ga.session(source, "realtime", given)}
            text, closed = ga.written(tree, source.language == "Python"), source.pairs[opened]
            yield Hit("flat-mint", opened, source.edited(opened, closed, [(opened, closed + 1, text)]))


def _responses(source: Source) -> Iterator[Hit]:
    """`modalities` in a response.create."""
    for found in re.finditer(r"[\"']response\.create[\"']", source.code):
        opened = source.enclosing(found.start(), "{")
        if opened is None or not TYPE_OF_EVENT.search(source.code, max(0, found.start() - 40), found.start()):
            continue
        given = _inside(source, fields(source, opened), "response")
        if "modalities" in given:
            field = given["modalities"]
            edits = [
                (m.start(), m.end(), "output_modalities")
                for m in _MODALITIES.finditer(source.code, field.at, field.end)
            ][:1]
            edits += [(m.start(), m.end(), '["audio"]') for m in _BOTH.finditer(source.code, field.start, field.end)]
            yield Hit("flat-response", field.at, source.edited(field.at, field.end - 1, edits))
