"""A reply in the place of the model's: one fixed sentence, as text or as audio, in the order of a real one.

Fields and order: capture of 2026-09-18, record 69522944037 probe 8 (text); the audio's from openai 3.54.0 types/realtime. Over
WebRTC the audio would be RTP, and none is sent.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rtdiag.api.endpoints import Dialect
from rtdiag.emulator.session.server_events import event, named, new_id, words

Json = dict[str, Any]
Over = Literal["webrtc", "websocket"]

REPLY = "This is the rtdiag emulator; no model answers here."
SILENT_AUDIO = base64.b64encode(bytes(4800)).decode()  # a tenth of a second, 24 kHz, 16 bit, mono
_BETA_PARTS = {"output_text": "text", "output_audio": "audio"}
# What a reply of a few words costs is made up; the shape is openai 3.54.0 types/realtime/realtime_response_usage.py.
_RESPONSE_USAGE: Json = {
    "total_tokens": 20,
    "input_tokens": 10,
    "output_tokens": 10,
    "input_token_details": {"text_tokens": 10, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 10, "audio_tokens": 0},
}


@dataclass(frozen=True)
class Reply:
    """One response to `response.create`: `events` begin with `response.created` and end with the rate limits."""

    dialect: Dialect
    over: Over
    conversation_id: str
    wish: Mapping[str, Any]
    config: Json

    @property
    def modalities(self) -> list[str]:
        """Those of the response, else of the session."""
        return self.wish.get(self._field) or self.config.get(self._field) or ["audio"]

    def item(self) -> Json:
        """The assistant's item, whole."""
        kind = "output_audio" if "audio" in self.modalities else "output_text"
        field = "transcript" if "audio" in self.modalities else "text"
        part = {"type": kind if self.dialect == "ga" else _BETA_PARTS[kind], field: REPLY}
        head = {"id": new_id("item"), "object": "realtime.item", "type": "message", "role": "assistant"}
        return {**head, "status": "completed", "content": [part]}

    def events(self, item: Json, before: str | None) -> Iterator[Json]:
        """All events of the reply that this item is; `before` is the item that it follows."""
        response = self._shown()
        yield event("response.created", response=response | {"status": "in_progress"})
        at = {"response_id": response["id"], "output_index": 0}
        started = {**item, "status": "in_progress", "content": []}
        yield event("response.output_item.added", **at, item=started)
        yield from named(self.dialect, "conversation.item.added", previous_item_id=before, item=started)
        yield from self._content(at | {"item_id": item["id"], "content_index": 0})
        yield from named(self.dialect, "conversation.item.done", previous_item_id=before, item=item)
        yield event("response.output_item.done", **at, item=item)
        yield event("response.done", response=response | {"output": [item], "usage": _RESPONSE_USAGE})
        limit = {"name": "tokens", "limit": 200_000, "remaining": 199_000, "reset_seconds": 0.3}
        yield event("rate_limits.updated", rate_limits=[limit])

    @property
    def _field(self) -> str:
        return "output_modalities" if self.dialect == "ga" else "modalities"

    def _content(self, at: Json) -> Iterator[Json]:
        """The one content part: begun, streamed, ended. Over WebRTC its audio is no event."""
        spoken = "audio" in self.modalities
        name, field, kind = (
            ("output_audio_transcript", "transcript", "audio") if spoken else ("output_text", "text", "text")
        )
        yield event("response.content_part.added", **at, part={"type": kind, field: ""})
        over_rtp = spoken and self.over == "webrtc"
        if over_rtp:
            yield event("output_audio_buffer.started", response_id=at["response_id"])
        for word in words(REPLY):
            yield from named(self.dialect, f"response.{name}.delta", **at, delta=word)
        if spoken and not over_rtp:
            yield from named(self.dialect, "response.output_audio.delta", **at, delta=SILENT_AUDIO)
        if spoken:
            yield from named(self.dialect, "response.output_audio.done", **at)
        yield from named(self.dialect, f"response.{name}.done", **at, **{field: REPLY})
        yield event("response.content_part.done", **at, part={"type": kind, field: REPLY})
        if over_rtp:
            yield event("output_audio_buffer.stopped", response_id=at["response_id"])

    def _shown(self) -> Json:
        life = "max_output_tokens" if self.dialect == "ga" else "max_response_output_tokens"
        shown = {
            "object": "realtime.response",
            "id": new_id("resp"),
            "status": "completed",
            "status_details": None,
            "output": [],
            "conversation_id": self.conversation_id,
            self._field: self.modalities,
            "max_output_tokens": self.wish.get("max_output_tokens", self.config.get(life)),
            "usage": None,
            "metadata": self.wish.get("metadata"),
        }
        audio = self.config.get("audio", {}).get("output")
        return shown | ({"audio": {"output": {k: audio[k] for k in ("format", "voice")}}} if audio else {})
