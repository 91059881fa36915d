"""The session: its configuration, the events that change it, and what it answers. Both dialects and kinds; no network.

Live habits, from the capture of 2026-09-18 (record 69522944037): `session.created` comes first, an update is merged
sparsely, a bad one is dropped whole, `session.updated` shows the whole session, and a client's `event_id` is echoed
only when it gave one. Accepted without effect, for no audio is understood here: the conversation, response and
input_audio_buffer events that would need a model behind them.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rtdiag.api import sessions as dialects
from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.api.models import find
from rtdiag.emulator.bodies import Refused, error_object
from rtdiag.emulator.faults import Switches
from rtdiag.emulator.shapes import all_shapes, check, complete
from rtdiag.emulator.timeline import Behaviour

Json = dict[str, Any]

SESSION_LIFE_S = 3600  # expires_at of a live session: record 69522944037
_LETTERS = string.ascii_letters + string.digits

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


@dataclass(frozen=True)
class Rules:
    """What decides how sessions behave: the day's API, the faults that are on, and the clock (unix seconds)."""

    behaviour: Behaviour
    switches: Switches
    clock: Callable[[], float]


def new_id(prefix: str) -> str:
    """An id of the API's own look: `sess_C9CiUVUzUzYIssh3ELY1d`."""
    return f"{prefix}_" + "".join(secrets.choice(_LETTERS) for _ in range(21))


def configured(kind: Kind, dialect: Dialect, given: object, current: Json, rules: Rules, path: str = "session") -> Json:
    """The whole configuration after `given` is laid over `current` ({} for a new session).

    `path` is what errors call the session object: `session` in events and GA mints, "" in the flat mint of the beta.
    Raises Refused, and then nothing has changed.
    """
    shape = all_shapes()[f"{dialect}-{kind}"]
    check(shape, given, path, current, rules.behaviour)
    _check_turn_detection(given, current, dialect, path, rules)
    result: Json = complete(shape, given, current)
    result.pop("type", None)
    place = _audio_input(result, dialect)
    if rules.switches.turn_detection_replaced:
        place["turn_detection"] = _audio_input(complete(shape, {}, {}), dialect)["turn_detection"]
    elif not _takes_turn_detection(kind, result):
        place["turn_detection"] = None
    return result


def shown(kind: Kind, dialect: Dialect, session_id: str, config: Json, expires_at: int) -> Json:
    """The session as the API shows it: live GA in record 69522944037, beta in openai-openapi @ f85dbe2 line 49599."""
    name = "realtime.session" if kind == "realtime" else "realtime.transcription_session"
    head = {"type": kind} if dialect == "ga" else {}
    return {**head, "object": name, "id": session_id, "expires_at": expires_at, **config}


class Session:
    """One session on one data channel: `created` opens it, `receive` answers each message of the client."""

    def __init__(self, kind: Kind, dialect: Dialect, config: Json, rules: Rules) -> None:
        self.kind, self.dialect, self.config, self.rules = kind, dialect, config, rules
        self.id = new_id("sess")
        self._expires_at = int(rules.clock()) + SESSION_LIFE_S
        beta_transcription = (kind, dialect) == ("transcription", "beta")
        self._name = "transcription_session" if beta_transcription else "session"

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
        event: object = None
        try:
            event = _parsed(message)
            return self._answer(event)
        except Refused as refused:
            given = event.get("event_id") if isinstance(event, dict) else None
            return [self._error(refused, given)]

    def _answer(self, event: Json) -> list[Json]:
        kind_of_event = event.get("type")
        if kind_of_event is None:
            raise Refused("missing-parameter", param="type")
        if str(kind_of_event).endswith("session.update") and not self.rules.switches.answers_updates:
            return []
        listed = CLIENT_EVENTS[self.dialect]
        if kind_of_event not in listed and kind_of_event != _UNLISTED:
            supported = ", ".join(f"'{name}'" for name in listed[:-1]) + f", and '{listed[-1]}'"
            raise Refused("invalid-value", value=kind_of_event, supported=supported, param="type")
        if kind_of_event.endswith("session.update"):
            return self._update(event)
        return self._other(kind_of_event)

    def _update(self, event: Json) -> list[Json]:
        switches = self.rules.switches
        if switches.update_error:
            raise Refused(switches.update_error, session_id=self.id)
        self._check_address(event)
        config = configured(self.kind, self.dialect, event["session"], self.config, self.rules)
        if switches.applies_updates:
            self.config = config
        return [self._session_event("updated")]

    def _check_address(self, event: Json) -> None:
        """Whether this update is meant for this kind of session at all."""
        if "session" not in event:
            raise Refused("missing-parameter", param="session")
        if event["type"] == "transcription_session.update":
            if self.kind == "realtime":
                raise Refused("transcription-update-on-realtime")
            return
        if (self.kind, self.dialect) == ("transcription", "beta"):
            raise Refused("server-error", session_id=self.id)  # community.openai.com 1148799 (2025-04-01)
        session = event["session"]
        other = session.get("type") if self.dialect == "ga" and isinstance(session, dict) else self.kind
        if self.kind == "realtime" and other == "transcription":
            raise Refused("transcription-update-on-realtime")
        if self.kind == "transcription" and other == "realtime":
            raise Refused("realtime-update-on-transcription")

    def _other(self, kind_of_event: str) -> list[Json]:
        if kind_of_event == "input_audio_buffer.commit":
            raise Refused("buffer-empty")
        if kind_of_event == "response.cancel":
            raise Refused("no-active-response")
        if kind_of_event == "input_audio_buffer.clear":
            return [{"type": "input_audio_buffer.cleared", "event_id": new_id("event")}]
        return []

    def _session_event(self, what: str) -> Json:
        session = shown(self.kind, self.dialect, self.id, self.config, self._expires_at)
        return {"type": f"{self._name}.{what}", "event_id": new_id("event"), "session": session}

    def _error(self, refused: Refused, client_event_id: object) -> Json:
        error = {**error_object(refused), "event_id": client_event_id if isinstance(client_event_id, str) else None}
        return {"type": "error", "event_id": new_id("event"), "error": error}


def _parsed(message: str | bytes) -> Json:
    if isinstance(message, bytes):
        raise Refused("binary-event")
    try:
        event = json.loads(message)
    except ValueError:
        raise Refused("invalid-json-event") from None
    if not isinstance(event, dict):
        raise Refused("invalid-json-event")
    return event


def _audio_input(config: Json, dialect: Dialect) -> Json:
    """Where the turn detection stands: `audio.input` in GA, the top in the beta."""
    place: Json = config["audio"]["input"] if dialect == "ga" else config
    return place


def _takes_turn_detection(kind: Kind, config: Json) -> bool:
    """gpt-live-transcribe and gpt-realtime-whisper take none: developers.openai.com/api/docs/guides/realtime-vad."""
    model = find(dialects.model_of(config) or "") if kind == "transcription" else None
    return model is None or model.server_vad != "no"


def _check_turn_detection(given: object, current: Json, dialect: Dialect, path: str, rules: Rules) -> None:
    """Refuses a turn detection that this model, or a fault, does not take; its shape has been checked before."""
    wanted = dialects.turn_detection_of(given) if isinstance(given, dict) else ...
    if wanted is ...:
        return
    param = ".".join(part for part in (path, "audio.input" if dialect == "ga" else "", "turn_detection") if part)
    named = wanted.get("type", "server_vad") if isinstance(wanted, dict) else "null"
    refused = rules.switches.turn_detection_refused
    if named in refused:
        raise Refused(
            "semantic-vad-refused" if list(refused) == ["semantic_vad"] else "turn-detection-refused",
            value=named,
            param=param,
        )
    model = find((dialects.model_of(given) if isinstance(given, dict) else None) or dialects.model_of(current) or "")
    if wanted is not None and model and model.kind == "transcription" and model.server_vad == "no":
        raise Refused("turn-detection-unsupported", param=param)
