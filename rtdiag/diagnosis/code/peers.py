"""Rules about how a connection is opened: the order on a peer connection, and the URL and options of a WebSocket."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rtdiag.api import models
from rtdiag.api.endpoints import OFFICIAL_HOSTS, REALTIME
from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.flaws import Hit
from rtdiag.diagnosis.code.literals import arguments, plain_text
from rtdiag.diagnosis.code.source_text import Edit, Source
from rtdiag.diagnosis.code.urls import without_model
from rtdiag.diagnosis.code.wire import Url, certainty, posts, sockets

_PEER = expression(r"\bnew\s+RTCPeerConnection\s*\(|(?<!new )\bRTCPeerConnection\s*\(")
_NAMED = expression(r"([A-Za-z_$][\w$.]*)\s*(?::[^=;\n]{1,40})?=\s*\Z")
_OFFER = expression(r"(?<![\w$.])(?P<peer>[\w$.!?]{1,80}?)[!?]?\.createOffer\s*\(")
_CHANNEL = expression(r"(?<![\w$.])(?P<peer>[\w$.!?]{1,80}?)[!?]?\.createDataChannel\s*\(")
_AUDIO = expression(r"\b(?:addTrack|addTransceiver|addStream|offerToReceiveAudio|addMedia\w*)\b")
_WEBSOCKETS = expression(r"\bwebsockets\.(?:asyncio\.client\.)?connect\s*\(")
_OLD_OPTION = expression(r"\bextra_headers(?=\s*=(?!=))")


def find(source: Source) -> Iterator[Hit]:
    """What is wrong with the peer connections and WebSockets of a file."""
    yield from _peer(source)
    yield from _sockets(source)
    yield from _options(source)


def _peer(source: Source) -> Iterator[Hit]:
    peers, offers = list(_PEER.finditer(source.bare)), list(_OFFER.finditer(source.bare))
    if len(peers) != 1 or len(offers) != 1 or not any(True for _ in posts(source)):
        return
    offer = offers[0]
    if not _AUDIO.search(source.code) and not _handed_on(source, offer["peer"]):
        options = (
            '"audio", direction="recvonly")' if source.language == "Python" else '"audio", { direction: "recvonly" });'
        )
        added = source.before(offer.start(), f"{offer['peer']}.addTransceiver({options}")
        yield Hit("offer-without-audio", offer.start(), source.edited(offer.start(), offer.start(), [added]))
    channels = [c for c in _CHANNEL.finditer(source.bare) if c["peer"] == offer["peer"]]
    if (
        len(channels) == 1
        and channels[0].start() > offer.end()
        and _same_block(source, channels[0].start(), offer.start())
    ):
        at = channels[0].start()
        start, text = source.starts[source.line(at) - 1], source.line_text(at)
        edits = [source.before(offer.start(), text.strip()), (start, start + len(text), "")]
        yield Hit("channel-after-offer", at, source.edited(offer.start(), at, edits))


def _handed_on(source: Source, peer: str) -> bool:
    """Whether the peer connection is given to some other function, which may add the track."""
    return bool(
        re.search(rf"[(,]\s*{re.escape(peer)}\s*[,)]|\breturn\s+{re.escape(peer)}\b|\.current\s*[,)]", source.bare)
    )


def _same_block(source: Source, one: int, other: int) -> bool:
    if source.language == "JavaScript":
        return source.enclosing(one, "{") == source.enclosing(other, "{")
    indents = [len(source.line_text(at)) - len(source.line_text(at).lstrip()) for at in (one, other)]
    return indents[0] == indents[1] and not re.search(r"^[ \t]*(?:async\s+)?def\s", source.code[other:one], re.M)


def _sockets(source: Source) -> Iterator[Hit]:
    for url in sockets(source):
        here = url.known.origin[0]
        if url.scheme in ("http", "https"):
            line = source.edited(here, here, [(here, here + len(url.scheme), "ws" + url.scheme[4:])])
            yield Hit("socket-scheme", here, line, {}, source.language == "JavaScript")
        if url.path in (
            "/realtime/transcription_sessions",
            "/realtime/sessions",
            "/realtime/client_secrets",
            "/realtime/calls",
        ):
            yield from _rest_path(source, url)
        elif url.path == REALTIME and "intent=transcription" in url.query and "model=" in url.query:
            place = url.known.origin[url.query_at + url.query.find("model=")]
            yield Hit("model-with-intent", place, without_model(source, place))
        elif url.path == REALTIME:
            yield from _wrong_model(source, url)


def _rest_path(source: Source, url: Url) -> Iterator[Hit]:
    at = url.known.origin[url.path_at]
    start = url.written(url.path_at, len(url.path))
    is_conversation = url.path != "/realtime/transcription_sessions"
    query = f"?model={models.default('realtime')}" if is_conversation else "?intent=transcription"
    keeps = is_conversation and url.query
    edits: list[Edit] = [(start, start + len(url.path), REALTIME if keeps else REALTIME + query)]
    line = source.edited(at, at, edits) if keeps else without_model(source, at, edits)
    yield Hit("socket-on-rest-path", at, line if start >= 0 else "", {"path": url.path})


def _wrong_model(source: Source, url: Url) -> Iterator[Hit]:
    """A transcription model in the URL of a conversation."""
    named = re.match(r"\?(?:[^&]*&)*?model=([\w.-]+)", url.query)
    model = models.find(named[1]) if named else None
    if named and model and model.kind == "transcription":
        place = url.known.origin[url.query_at + url.query.find("model=")]
        end = place + len(re.match(r"[^\"'`&]*", source.text[place:]).group())  # type: ignore[union-attr]
        line = source.edited(place, place, [(place, end, "intent=transcription")])
        yield Hit("transcription-model-in-url", place, line, {"model": model.id})


def _options(source: Source) -> Iterator[Hit]:
    """`extra_headers` of the library websockets, which is `additional_headers` since its version 14."""
    if source.language != "Python" or "websockets.legacy" in source.code:
        return
    for found in _WEBSOCKETS.finditer(source.bare):
        if certainty(source, found.start()) is None:
            continue
        closed = source.pairs.get(found.end() - 1, found.end())
        placed, _ = arguments(source, found.end() - 1)
        known = plain_text(source, *placed[0]) if placed else None
        option = _OLD_OPTION.search(source.bare, found.end(), closed)
        if option and (known is None or any(host in known for host in OFFICIAL_HOSTS)):
            line = source.edited(option.start(), option.start(), [(*option.span(), "additional_headers")])
            yield Hit("extra-headers", option.start(), line)
