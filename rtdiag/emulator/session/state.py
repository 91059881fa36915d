"""The session: the events that change it, what it hears, and what it answers. Both dialects and kinds; no network.

Live habits, from the capture of 2026-09-18 (record 69522944037): `session.created` comes first, `session.updated` shows the whole
session, a client's `event_id` is echoed only when it gave one. Accepted without effect: `session.close` (of translations),
`session.input_audio_buffer.append`, and responses in a transcription session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import uuid4

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.emulator.bodies import Refused, error_object, read_json
from rtdiag.emulator.session.conversation import Conversation
from rtdiag.emulator.session.playback import Playback
from rtdiag.emulator.session.replies import Over
from rtdiag.emulator.session.responding import Responding
from rtdiag.emulator.session.schedule import Schedule
from rtdiag.emulator.session.server_events import event, new_id
from rtdiag.emulator.session.settings import Rules, configured, shown
from rtdiag.emulator.session.user_turns import UserTurns
from rtdiag.emulator.timeline import Behaviour

Json = dict[str, Any]

# expires_at of a live session: record 69522944037; the beta's 15, later 30 minutes: openai-realtime-api-beta#23
SESSION_LIFE_S: Mapping[Dialect, int] = {"ga": 3600, "beta": 1800}
EXPIRED_CODE = 1001  # public reports of session_expired, 2026

# As the live server prints them on an unknown type: record 69522944037 probe 8 (GA). The beta's own list is assumed.
_BUFFER = ("input_audio_buffer.append", "input_audio_buffer.commit", "input_audio_buffer.clear")
_CONVERSATION = tuple(f"conversation.item.{verb}" for verb in ("create", "truncate", "delete", "retrieve"))
_RESPONSE = ("response.create", "response.cancel")
CLIENT_EVENTS: Mapping[Dialect, tuple[str, ...]] = {
    "ga": (
        *("session.update", "session.close", *_BUFFER, "session.input_audio_buffer.append"),
        *(*_CONVERSATION, *_RESPONSE),
    ),
    "beta": ("session.update", "transcription_session.update", *_BUFFER, *_CONVERSATION, *_RESPONSE),
}
# Taken on WebRTC though not in that list: openai-openapi @ f85dbe2 line 49854.
_UNLISTED = "output_audio_buffer.clear"


class Session:
    """One session: `created` opens it, `receive` answers each message of the client, `hear` what is said to it.

    What comes later comes with `tick`, in `next_in_s` seconds; None means never. `ended` is None until the server ends the session,
    then the close code and its reason.
    """

    def __init__(self, kind: Kind, dialect: Dialect, config: Json, rules: Rules, over: Over = "webrtc") -> None:
        self.kind, self.dialect, self.config, self.rules = kind, dialect, config, rules
        self._over = over
        self.id = new_id("sess")
        self.ended: tuple[int, str] | None = None
        self._expires_at = int(rules.clock()) + SESSION_LIFE_S[dialect]
        beta_transcription = (kind, dialect) == ("transcription", "beta")
        self._name = "transcription_session" if beta_transcription else "session"
        self._schedule = Schedule(rules.now)
        self._schedule.after(SESSION_LIFE_S[dialect], self.expire)
        self._conversation = Conversation(dialect, rules)
        self._user = UserTurns(
            kind, dialect, rules, self._schedule, self._conversation, lambda: self.config, self._error
        )
        self._responding = Responding(
            dialect, over, self._server_error, self._conversation, rules, self._schedule, self._user.responded
        )
        self._user.responding = self._responding if kind == "realtime" else None

    @property
    def playback(self) -> Playback:
        """What the other side of a call hears."""
        return self._responding.playback

    @property
    def next_in_s(self) -> float | None:
        """When something comes of itself."""
        return self._schedule.next_in_s()

    def tick(self) -> list[Json]:
        """The events whose time has come."""
        return self._in_time(iter(()))

    def created(self) -> list[Json]:
        """The events that open the channel: one, unless a fault says otherwise."""
        first = self.rules.switches.first_event
        if first == "none":
            return []
        if first != "session.created":
            return [refusal_event(Refused(first, session_id=self.id), self.rules.behaviour)]
        return [self._session_event("created")]

    def receive(self, message: str | bytes) -> list[Json]:
        """The events that answer one message, and those whose time has come; an `error` event is an answer too."""
        if self.rules.switches.closes_early:
            return self.expire()
        return self._in_time(self._answered(message))

    def hear(self, pcm: bytes) -> list[Json]:
        """The events that follow from 16 kHz mono audio, wherever it came in."""
        return self._in_time(self._user.hear(pcm))

    def _in_time(self, events: Iterator[Json]) -> list[Json]:
        """What was due before, these events, and what they make due; never raises, and nothing follows the end."""
        told = [] if self.ended else list(self._schedule.come())
        if self.ended:
            return told
        try:
            told.extend(events)
        except Refused as refused:
            told.append(self._error(refused, None))
        return [*told, *self._schedule.come()]

    def _answered(self, message: str | bytes) -> Iterator[Json]:
        asked: object = None
        try:
            asked = parsed(message)
            yield from self._answer(asked)
        except Refused as refused:
            yield self._error(refused, asked.get("event_id") if isinstance(asked, dict) else None)

    def expire(self) -> list[Json]:
        """The session's time is over."""
        told = self._error(Refused("session-expired", minutes=SESSION_LIFE_S[self.dialect] // 60), None)
        self.ended = (EXPIRED_CODE, told["error"]["message"])
        self._schedule.end()
        return [told]

    def _answer(self, asked: Json) -> Iterator[Json]:
        kind_of_event = asked.get("type")
        if kind_of_event is None:
            raise Refused("missing-parameter", param="type")
        listed = CLIENT_EVENTS[self.dialect]
        if str(kind_of_event).endswith("session.update"):
            if not self.rules.switches.answers_updates:
                return iter(())
        elif kind_of_event == _UNLISTED and self._over == "webrtc":
            return self._responding.playback.clear()
        if kind_of_event not in listed:
            supported = ", ".join(f"'{name}'" for name in listed[:-1]) + f", and '{listed[-1]}'"
            raise Refused("invalid-value", value=kind_of_event, supported=supported, param="type")
        return self._answers[kind_of_event](asked) if kind_of_event in self._answers else iter(())

    @property
    def _answers(self) -> Mapping[str, Callable[[Json], Iterator[Json]]]:
        return {
            "session.update": self._update,
            "transcription_session.update": self._update,
            "input_audio_buffer.append": self._user.append,
            "input_audio_buffer.commit": self._user.commit,
            "input_audio_buffer.clear": self._user.clear,
            "conversation.item.create": self._conversation.create,
            "conversation.item.delete": self._conversation.delete,
            "conversation.item.retrieve": self._conversation.retrieve,
            "conversation.item.truncate": self._conversation.truncate,
            "response.create": self._respond,
            "response.cancel": self._responding.cancel,
        }

    def _update(self, asked: Json) -> Iterator[Json]:
        switches = self.rules.switches
        if switches.update_error == "server-error":
            raise self._server_error()
        if switches.update_error:
            raise Refused(switches.update_error, session_id=self.id)
        self._check_address(asked)
        spoken = self._conversation.has_model_audio
        config = configured(self.kind, self.dialect, asked["session"], self.config, self.rules, spoken=spoken)
        if switches.applies_updates:
            self.config = config
        yield self._session_event("updated")

    def _check_address(self, asked: Json) -> None:
        """Whether this update is meant for this kind of session at all."""
        if "session" not in asked:
            raise Refused("missing-parameter", param="session")
        if asked["type"] == "transcription_session.update":
            if self.kind == "realtime":
                raise Refused("transcription-update-on-realtime")
            return
        if (self.kind, self.dialect) == ("transcription", "beta"):  # community.openai.com 1148799 (2025-04-01)
            told = Refused("realtime-update-on-transcription") if self.rules.behaviour.kinds_told_apart else None
            raise told or self._server_error()
        session = asked["session"]
        other = session.get("type") if self.dialect == "ga" and isinstance(session, dict) else self.kind
        if self.kind == "realtime" and other == "transcription":
            raise Refused("transcription-update-on-realtime")
        if self.kind == "transcription" and other == "realtime":
            raise Refused("realtime-update-on-transcription")

    def _respond(self, asked: Json) -> Iterator[Json]:
        return self._responding.create(asked, self.config) if self.kind == "realtime" else iter(())

    def _session_event(self, what: str) -> Json:
        session = shown(self.kind, self.dialect, self.id, self.config, self._expires_at)
        return event(f"{self._name}.{what}", session=session)

    def _server_error(self) -> Refused:
        """The server's own error, in the words of the day."""
        reworded, contact = self.rules.behaviour.server_error_reworded, self.rules.server.contact
        return Refused("server-error-reworded" if reworded else "server-error", session_id=self.id, contact=contact)

    def _error(self, refused: Refused, client_event_id: object) -> Json:
        given = client_event_id if isinstance(client_event_id, str) else None
        return error_event(refused, given)


def error_event(refused: Refused, client_event_id: str | None = None) -> Json:
    """The `error` event: `event_id` inside it is the client's, null where it gave none (record 69522944037)."""
    return event("error", error={**error_object(refused), "event_id": client_event_id})


def refusal_event(refused: Refused, behaviour: Behaviour) -> Json:
    """The same of a session that never begins: this event's own id is a UUID (record 68308959817, 2026-09)."""
    own_id = {"event_id": f"event_{uuid4()}"} if behaviour.refusals_by_uuid else {}
    return {**error_event(refused), **own_id}


def parsed(message: str | bytes) -> Json:
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
