"""A conversation or a transcription: what changes it, what it hears, what it answers. Both dialects; no network.

Live habits, from the capture of 2026-09-18 (record 69522944037): `session.created` comes first, `session.updated` shows the whole
session, a client's `event_id` is echoed only when it gave one. Accepted without effect: `session.close` (of translations),
`session.input_audio_buffer.append`, and responses in a transcription session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.session.conversation import Conversation
from rtdiag.emulator.session.open_session import OpenSession, refusal_event
from rtdiag.emulator.session.replies import Over
from rtdiag.emulator.session.responding import Responding
from rtdiag.emulator.session.server_events import event
from rtdiag.emulator.session.settings import Rules, configured, shown
from rtdiag.emulator.session.shapes import quoted
from rtdiag.emulator.session.user_turns import UserTurns

Json = dict[str, Any]

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


class Session(OpenSession):
    """A conversation or a transcription."""

    def __init__(self, kind: Kind, dialect: Dialect, config: Json, rules: Rules, over: Over = "webrtc") -> None:
        super().__init__(dialect, config, rules)
        self.kind: Kind = kind
        self._over = over
        beta_transcription = (kind, dialect) == ("transcription", "beta")
        self._name = "transcription_session" if beta_transcription else "session"
        self._conversation = Conversation(dialect, rules)
        me = self._me
        self._user = UserTurns(dialect, rules, self._schedule, self._conversation, lambda: me.config)
        self._responding = Responding(
            dialect,
            over,
            lambda: me._server_error(),
            self._conversation,
            rules,
            self._schedule,
            lambda sound_ms: me._user.responded(sound_ms),
        )
        self._user.responding = self._responding if kind == "realtime" else None
        self.playback = self._responding.playback

    def created(self) -> list[Json]:
        """One event, unless a fault says otherwise."""
        first = self.rules.switches.first_event
        if first == "none":
            return []
        if first != "session.created":
            return [refusal_event(Refused(first, session_id=self.id), self.rules.behaviour)]
        return [self._session_event("created")]

    def receive(self, message: str | bytes) -> list[Json]:
        """See OpenSession."""
        return self.expire() if self.rules.switches.closes_early else super().receive(message)

    def _heard(self, pcm: bytes) -> Iterator[Json]:
        return self._user.hear(pcm)

    def _answer(self, asked: Json) -> Iterator[Json]:
        kind_of_event, listed = asked["type"], CLIENT_EVENTS[self.dialect]
        if str(kind_of_event).endswith("session.update"):
            if not self.rules.switches.answers_updates:
                return iter(())
        elif kind_of_event == _UNLISTED and self._over == "webrtc":
            return self._responding.playback.clear()
        if kind_of_event not in listed:
            raise Refused("invalid-value", value=kind_of_event, supported=quoted(listed), param="type")
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
