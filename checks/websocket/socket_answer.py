"""What came over a socket, in words, and whether that was a refusal. Pure."""

from __future__ import annotations

import re

from rtdiag.api import sessions
from rtdiag.api.endpoints import Kind
from rtdiag.engine.findings import about_the_credential, as_answer, in_short, no_room_for, said
from rtdiag.model import Event, Observation

# Statuses at the upgrade that say there is no WebSocket: a path, a method, or an upgrade that the server does not know.
UNAUTHORIZED, UPGRADE_REQUIRED, NOT_IMPLEMENTED = 401, 426, 501
NO_WEBSOCKET = frozenset({404, 405, UPGRADE_REQUIRED, NOT_IMPLEMENTED})

# Close codes that refuse a credential: 3000 by the API (record 69522944037), 1008 by speaches @ 870e1e1 (2026-03-26); those
# that are made from a status of HTTP. Others say so in words: 1000 "Unauthorized" by Inworld, says record 69522944037.
_AUTH_CLOSES = frozenset({3000, 1008, 4401, 4403})
_UNAUTHORIZED = re.compile(
    r"unauthori[sz]ed|authenticat|authori[sz]ation|forbidden|credential|\b(api[ _-]?key|token)\b", re.IGNORECASE
)


def created_event(seen: Observation) -> Event | None:
    """The event by which a session begins, if it came."""
    return next((e for e in seen.events if e.type in sessions.CREATED), None)


def error_event(seen: Observation) -> Event | None:
    """The first event that is an error."""
    return next((e for e in seen.events if e.type == "error"), None)


def closed(seen: Observation) -> tuple[int, str] | None:
    """The code and the reason of the last socket's close, None while it is open."""
    close = seen.peers[-1].close if seen.peers else None
    return (int(close["code"]), close["reason"]) if close else None


def stays_silent(seen: Observation) -> bool:
    """Whether the socket stayed open and nothing came that begins or refuses a session."""
    failure = seen.peers[-1].failure if seen.peers else None
    return failure is not None and failure.kind == "silence"


def closed_for_nothing(seen: Observation) -> bool:
    """Whether the socket was closed as after a job well done, with no word of why."""
    code, reason = closed(seen) or (0, "")
    return error_event(seen) is None and code in (1000, 1001, 1005) and not _UNAUTHORIZED.search(reason)


def credential_refused(seen: Observation) -> bool:
    """Whether the credential was refused, over HTTP, by an event or by the close code alone."""
    told = as_answer(seen)
    if no_room_for("", told):
        return False
    ended, said_so = closed(seen), told.error is not None and told.error.code == "invalid_api_key"
    in_words = ended is not None and bool(_UNAUTHORIZED.search(ended[1])) and error_event(seen) is None
    in_words = in_words or ((told.status or 0) // 100 == 4 and about_the_credential(told))
    return told.status in {401, 403} | _AUTH_CLOSES or said_so or in_words


def closed_as_unauthorized(seen: Observation) -> bool:
    """Whether a socket was closed in words about who asks."""
    ended = closed(seen)
    return ended is not None and bool(_UNAUTHORIZED.search(ended[1]))


def in_words(seen: Observation) -> str:
    """What came, in a few words: the first event that counts, and how the socket was closed."""
    assert seen.exchange is not None
    if seen.exchange.status != 101:
        return said(seen.exchange)
    first, ended = created_event(seen) or error_event(seen) or next(iter(seen.events), None), closed(seen)
    words = "101, then nothing" if first is None else f"error {in_short(first.error)}" if first.error else first.type
    if ended is None:
        return words
    return f"{words}, close {ended[0]}" if first else f"101, then close {ended[0]} {ended[1]}".rstrip()


def kind_of(created: Event) -> Kind | None:
    """The kind of session that the event shows: by `type` in GA, by its name or its `object` in the beta."""
    shown = created.json.get("session") if isinstance(created.json, dict) else None
    named = shown.get("type") or shown.get("object") if isinstance(shown, dict) else None
    if created.type.startswith("transcription") or "transcription" in str(named):
        return "transcription"
    return "realtime" if named in ("realtime", "realtime.session") else None
