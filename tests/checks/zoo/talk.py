"""What a server says in a session, and what it makes of a `session.update`; without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

_PCM = {"type": "audio/pcm", "rate": 24000}
_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "create_response": True,
    "interrupt_response": True,
}


def ga(model: str, kind: str) -> dict[str, Any]:
    """A session as GA shows it."""
    heard = {"format": _PCM, "transcription": None, "noise_reduction": None, "turn_detection": _VAD}
    if kind == "transcription":
        return {"type": kind, "object": "realtime.transcription_session", "id": "sess_1", "audio": {"input": heard}}
    said = {"format": _PCM, "voice": "alloy", "speed": 1.0}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": "sess_1",
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "audio": {"input": heard, "output": said},
    }


def beta(model: str, kind: str) -> dict[str, Any]:
    """A session as the beta showed it, flat."""
    return {
        "id": "sess_1",
        "object": "realtime.transcription_session" if kind == "transcription" else "realtime.session",
        "model": model,
        "modalities": ["audio", "text"],
        "instructions": "",
        "voice": "alloy",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": None,
        "turn_detection": _VAD,
        "tools": [],
        "tool_choice": "auto",
        "temperature": 0.8,
        "max_response_output_tokens": "inf",
    }


@dataclass(frozen=True)
class Shape:
    """How a server's sessions are.

    `first`: what comes when one opens: `created`, nothing before the first update (`after-update`), a conversation before it
    (`conversation`, as xAI's), an event of its own before it (`hello`), nothing of the API at all (`echo`, `silence`, `text`),
    or without the session (`bare`, as vLLM's). `updates`: they are `applied`, get no answer (`ignored`), an answer without what
    was sent (`unchanged`), or are `refused`. `kinds`: which kinds it opens; for another than these it opens the first.
    `wants_type`: an update without `session.type` is refused. `binary`: it sends binary frames. `pings`: an event of its own
    comes before every answer. `envelope`: over WebRTC each event is wrapped in one of its own.
    """

    dialect: Literal["ga", "beta"] = "ga"
    first: Literal["created", "after-update", "conversation", "echo", "silence", "text", "bare", "hello"] = "created"
    updates: Literal["applied", "ignored", "unchanged", "refused"] = "applied"
    kinds: tuple[str, ...] = ("realtime", "transcription")
    wants_type: bool = False
    binary: bool = False
    pings: bool = False
    envelope: bool = False


class Talk:
    """One session: what it says first, and to each message."""

    def __init__(self, shape: Shape, model: str, intent: str) -> None:
        wanted = "transcription" if intent == "transcription" else "realtime"
        kind = wanted if wanted in shape.kinds else shape.kinds[0]
        self._shape = shape
        self._session = deepcopy((ga if shape.dialect == "ga" else beta)(model, kind))
        self._number = 0

    def opens(self) -> Iterator[dict[str, Any]]:
        first = self._shape.first
        if first == "conversation":
            yield self._event("conversation.created", conversation={"id": "conv_1", "object": "realtime.conversation"})
        if first == "hello":
            yield {"type": "server.hello", "version": "2.3.1"}
        if first in ("created", "conversation", "hello"):
            yield self._event("session.created", session=deepcopy(self._session))
        if first == "bare":
            yield {"type": "session.created", "id": "sess-1", "created": 1780000000}
        if first == "text":
            yield {"hello": "welcome to the voice server"}

    def hears(self, text: str | bytes) -> Iterator[dict[str, Any]]:
        shape = self._shape
        try:
            event = json.loads(text)
        except ValueError:
            yield self._error("invalid_json", "The message is not JSON.")
            return
        if shape.first == "echo":
            yield event
        if shape.first in ("echo", "silence", "text"):
            return
        if shape.pings:
            yield {"type": "ping", "at": 1780000000}
        if not str(event.get("type")).endswith("session.update"):
            yield self._error("unknown_event", f"Unknown event type: {event.get('type')}")
            return
        if shape.first == "after-update":
            yield self._event("session.created", session=deepcopy(self._session))
        yield from self._updated(event.get("session"))

    def _updated(self, wanted: Any) -> Iterator[dict[str, Any]]:
        updates = self._shape.updates
        if updates == "ignored":
            return
        if updates == "refused" or not isinstance(wanted, dict):
            yield self._error("processing_error", "This session cannot be changed.")
            return
        if self._shape.wants_type and "type" not in wanted:
            yield self._error("missing_required_parameter", "Missing required parameter: 'session.type'.")
            return
        if updates == "applied":
            merge(self._session, wanted)
        yield self._event("session.updated", session=deepcopy(self._session))

    def _error(self, code: str, message: str) -> dict[str, Any]:
        return self._event(
            "error", error={"type": "invalid_request_error", "code": code, "message": message, "param": None}
        )

    def _event(self, kind: str, **more: Any) -> dict[str, Any]:
        self._number += 1
        return {"type": kind, "event_id": f"event_{self._number}", **more}


def merge(session: dict[str, Any], wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        if isinstance(value, dict) and isinstance(session.get(name), dict):
            merge(session[name], value)
        else:
            session[name] = value
