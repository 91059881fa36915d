"""What every open session does, whatever it is for: it answers, in time, until it ends. No network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4
from weakref import proxy

from rtdiag.api.endpoints import Dialect
from rtdiag.emulator.bodies import Refused, error_object, read_json
from rtdiag.emulator.session.playback import Playback
from rtdiag.emulator.session.schedule import Schedule
from rtdiag.emulator.session.server_events import event, new_id
from rtdiag.emulator.session.settings import Rules
from rtdiag.emulator.timeline import Behaviour

Json = dict[str, Any]

# expires_at of a live session: record 69522944037; the beta's 15, later 30 minutes: openai-realtime-api-beta#23
SESSION_LIFE_S: Mapping[Dialect, int] = {"ga": 3600, "beta": 1800}
EXPIRED_CODE = 1001  # public reports of session_expired, 2026


class OpenSession:
    """One session: `created` opens it, `receive` answers each message of the client, `hear` what is said to it.

    What comes later comes with `tick`, in `next_in_s` seconds; None means never. `ended` is None until the server ends the session,
    then the close code and its reason. `playback` is what the other side of a call hears.
    """

    kind: str
    playback: Playback

    def __init__(self, dialect: Dialect, config: Json, rules: Rules) -> None:
        self.dialect, self.config, self.rules = dialect, config, rules
        self.id = new_id("sess")
        self.ended: tuple[int, str] | None = None
        self._expires_at = int(rules.clock()) + SESSION_LIFE_S[dialect]
        self._schedule = Schedule(rules.now)
        me = self._me = proxy(self)  # what is a session's does not hold it: so it is gone with its last listener
        self._schedule.after(SESSION_LIFE_S[dialect], lambda: me.expire())

    @property
    def next_in_s(self) -> float | None:
        """When something comes of itself."""
        return self._schedule.next_in_s()

    def tick(self) -> list[Json]:
        """The events whose time has come."""
        return self._in_time(iter(()))

    def created(self) -> list[Json]:
        """The events that open the channel."""
        raise NotImplementedError

    def receive(self, message: str | bytes) -> list[Json]:
        """The events that answer one message, and those whose time has come; an `error` event is an answer too."""
        return self._in_time(self._answered(message))

    def hear(self, pcm: bytes) -> list[Json]:
        """The events that follow from 16 kHz mono audio, wherever it came in."""
        return self._in_time(self._heard(pcm))

    def expire(self) -> list[Json]:
        """The session's time is over."""
        told = error_event(Refused("session-expired", minutes=SESSION_LIFE_S[self.dialect] // 60))
        self._end(EXPIRED_CODE, told["error"]["message"])
        return [told]

    def _answer(self, asked: Json) -> Iterator[Json]:
        """The events that answer one of the client's, which has a type. May raise Refused."""
        raise NotImplementedError

    def _heard(self, pcm: bytes) -> Iterator[Json]:
        raise NotImplementedError

    def _end(self, code: int, reason: str) -> None:
        self.ended = (code, reason)
        self._schedule.end()

    def _in_time(self, events: Iterator[Json]) -> list[Json]:
        """What was due before, these events, and what they make due; nothing follows the end."""
        told = list(self._schedule.come())
        return told if self.ended else [*told, *events, *self._schedule.come()]

    def _answered(self, message: str | bytes) -> Iterator[Json]:
        """Never raises."""
        asked: Json = {}
        try:
            asked = _parsed(message)
            if asked.get("type") is None:
                raise Refused("missing-parameter", param="type")
            yield from self._answer(asked)
        except Refused as refused:
            yield error_event(refused, asked.get("event_id"))


def error_event(refused: Refused, client_event_id: object = None) -> Json:
    """The `error` event: `event_id` inside it is the client's, null where it gave none (record 69522944037)."""
    given = client_event_id if isinstance(client_event_id, str) else None
    return event("error", error={**error_object(refused), "event_id": given})


def refusal_event(refused: Refused, behaviour: Behaviour) -> Json:
    """The same of a session that never begins: this event's own id is a UUID (record 68308959817, 2026-09)."""
    own_id = {"event_id": f"event_{uuid4()}"} if behaviour.refusals_by_uuid else {}
    return {**error_event(refused), **own_id}


def _parsed(message: str | bytes) -> Json:
    """A client's event. Raises Refused for a binary frame, and for what is no JSON object."""
    if isinstance(message, bytes):
        raise Refused("binary-event")
    try:
        asked = read_json(message)
    except ValueError:
        raise Refused("invalid-json-event") from None
    if not isinstance(asked, dict):
        raise Refused("invalid-json-event")
    return asked
