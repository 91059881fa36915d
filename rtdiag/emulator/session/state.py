"""The session: the events that change it, what it hears, and what it answers. Both dialects and kinds; no network.

Live habits, from the capture of 2026-09-18 (record 69522944037): `session.created` comes first, `session.updated` shows the whole
session, a client's `event_id` is echoed only when it gave one. Accepted without effect: `session.close` (of translations),
`output_audio_buffer.clear`, `session.input_audio_buffer.append`, and responses in a transcription session.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.emulator.bodies import Refused, error_object, read_json
from rtdiag.emulator.session.conversation import Conversation
from rtdiag.emulator.session.listening import Listening
from rtdiag.emulator.session.replies import Over
from rtdiag.emulator.session.server_events import event, new_id
from rtdiag.emulator.session.settings import Rules, audio_input, configured, shown
from rtdiag.emulator.session.turn_taking import Turn

Json = dict[str, Any]

# expires_at of a live session: record 69522944037; the beta's 15, later 30 minutes: openai-realtime-api-beta#23
SESSION_LIFE_S: Mapping[Dialect, int] = {"ga": 3600, "beta": 1800}
EXPIRED_CODE = 1001  # public reports of session_expired, 2026
LEAST_COMMIT_MS = 100  # public docs, record 55945964610 (2026-05)

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

    `ended` is None until the server ends the session, then the close code and its reason.
    """

    def __init__(self, kind: Kind, dialect: Dialect, config: Json, rules: Rules, over: Over = "webrtc") -> None:
        self.kind, self.dialect, self.config, self.rules = kind, dialect, config, rules
        self._over = over
        self.id = new_id("sess")
        self.ended: tuple[int, str] | None = None
        self._expires_at = int(rules.clock()) + SESSION_LIFE_S[dialect]
        beta_transcription = (kind, dialect) == ("transcription", "beta")
        self._name = "transcription_session" if beta_transcription else "session"
        self._conversation = Conversation(dialect, over)
        self._listening = Listening(rules.ends)
        self._turn: tuple[str, int] | None = None  # the item of the turn that is being spoken, and when it began

    def created(self) -> list[Json]:
        """The events that open the channel: one, unless a fault says otherwise."""
        first = self.rules.switches.first_event
        if first == "none":
            return []
        if first != "session.created":
            return [self._error(Refused(first, session_id=self.id), None)]
        return [self._session_event("created")]

    def receive(self, message: str | bytes) -> list[Json]:
        """The events that answer one message; never raises, an `error` event is an answer too."""
        asked: object = None
        answers: list[Json] = []
        if self.rules.switches.closes_early:
            return self.expire()
        try:
            asked = _parsed(message)
            answers.extend(self._answer(asked))
        except Refused as refused:
            given = asked.get("event_id") if isinstance(asked, dict) else None
            answers.append(self._error(refused, given))
        return answers

    def hear(self, pcm: bytes) -> list[Json]:
        """The events that follow from 16 kHz mono audio, wherever it came in."""
        detection = audio_input(self.config, self.dialect)["turn_detection"]
        turns = self._listening.hear(pcm, detection, self.rules.switches)
        return [answer for turn in turns for answer in self._turned(turn)]

    def expire(self) -> list[Json]:
        """The session's time is over."""
        told = self._error(Refused("session-expired", minutes=SESSION_LIFE_S[self.dialect] // 60), None)
        self.ended = (EXPIRED_CODE, told["error"]["message"])
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
            return iter(())
        if kind_of_event not in listed:
            supported = ", ".join(f"'{name}'" for name in listed[:-1]) + f", and '{listed[-1]}'"
            raise Refused("invalid-value", value=kind_of_event, supported=supported, param="type")
        return self._answers[kind_of_event](asked) if kind_of_event in self._answers else iter(())

    @property
    def _answers(self) -> Mapping[str, Callable[[Json], Iterator[Json]]]:
        return {
            "session.update": self._update,
            "transcription_session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit_asked,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._conversation.create,
            "conversation.item.delete": self._conversation.delete,
            "conversation.item.retrieve": self._conversation.retrieve,
            "conversation.item.truncate": self._conversation.truncate,
            "response.create": self._respond,
            "response.cancel": _no_response,
        }

    def _update(self, asked: Json) -> Iterator[Json]:
        switches = self.rules.switches
        if switches.update_error:
            raise Refused(switches.update_error, session_id=self.id)
        self._check_address(asked)
        config = configured(self.kind, self.dialect, asked["session"], self.config, self.rules)
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
        if (self.kind, self.dialect) == ("transcription", "beta"):
            raise Refused("server-error", session_id=self.id)  # community.openai.com 1148799 (2025-04-01)
        session = asked["session"]
        other = session.get("type") if self.dialect == "ga" and isinstance(session, dict) else self.kind
        if self.kind == "realtime" and other == "transcription":
            raise Refused("transcription-update-on-realtime")
        if self.kind == "transcription" and other == "realtime":
            raise Refused("realtime-update-on-transcription")

    def _append(self, asked: Json) -> Iterator[Json]:
        """No acknowledgement: openai 3.54.0 types/realtime/input_audio_buffer_append_event.py."""
        try:
            audio = base64.b64decode(asked["audio"], validate=True)
        except KeyError:
            raise Refused("missing-parameter", param="audio") from None
        except (binascii.Error, TypeError, ValueError):
            raise Refused("invalid-audio", param="audio") from None
        yield from self.hear(self._listening.append(audio, self._format_name()))

    def _commit_asked(self, _: Json) -> Iterator[Json]:
        buffered_ms = round(self._listening.buffered_ms, 2)
        if buffered_ms < LEAST_COMMIT_MS:
            raise Refused("buffer-empty", buffered_ms=f"{buffered_ms:.2f}")
        self._turn = None
        self._listening.cut()
        return self._commit(new_id("item"), buffered_ms, respond=False)

    def _clear(self, _: Json) -> Iterator[Json]:
        self._turn = None
        self._listening.cut()
        yield event("input_audio_buffer.cleared")

    def _respond(self, asked: Json) -> Iterator[Json]:
        return self._conversation.respond(asked, self.config) if self.kind == "realtime" else iter(())

    def _turned(self, turn: Turn) -> Iterator[Json]:
        """A turn begins, or ends and is committed: contract of the two events, openai 3.54.0 types/realtime."""
        if turn.what == "started":
            self._turn = (new_id("item"), turn.at_ms)
            yield event("input_audio_buffer.speech_started", audio_start_ms=turn.at_ms, item_id=self._turn[0])
            return
        assert self._turn
        (item_id, began_ms), self._turn = self._turn, None
        yield event("input_audio_buffer.speech_stopped", audio_end_ms=turn.at_ms, item_id=item_id)
        detection = audio_input(self.config, self.dialect)["turn_detection"] or {}
        yield from self._commit(item_id, turn.at_ms - began_ms, respond=detection.get("create_response", True))

    def _commit(self, item_id: str, speech_ms: float, *, respond: bool) -> Iterator[Json]:
        self._listening.take()
        yield from self._conversation.heard(item_id)
        place = audio_input(self.config, self.dialect)
        asked = place.get("transcription") or place.get("input_audio_transcription")
        if asked and self.rules.switches.transcribes:
            include = self.config.get("include")
            yield from self._conversation.transcribed(item_id, speech_ms / 1000, asked["model"], include)
        if respond and self.kind == "realtime":
            yield from self._conversation.respond({}, self.config)

    def _format_name(self) -> str:
        if self.dialect == "beta":
            return str(self.config["input_audio_format"])
        return str(self.config["audio"]["input"]["format"]["type"])

    def _session_event(self, what: str) -> Json:
        session = shown(self.kind, self.dialect, self.id, self.config, self._expires_at)
        return event(f"{self._name}.{what}", session=session)

    def _error(self, refused: Refused, client_event_id: object) -> Json:
        given = client_event_id if isinstance(client_event_id, str) else None
        return error_event(refused, given)


def error_event(refused: Refused, client_event_id: str | None = None) -> Json:
    """The `error` event: `event_id` inside it is the client's, null where it gave none (record 69522944037)."""
    return event("error", error={**error_object(refused), "event_id": client_event_id})


def _no_response(_: Json) -> Iterator[Json]:
    raise Refused("no-active-response")


def _parsed(message: str | bytes) -> Json:
    if isinstance(message, bytes):
        raise Refused("binary-event")
    try:
        asked = read_json(message)
    except ValueError:
        raise Refused("invalid-json-event") from None
    if not isinstance(asked, dict):
        raise Refused("invalid-json-event")
    return asked
