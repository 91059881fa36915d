"""What was said in one session: its items in order, what is heard of the user, and replies that are placeholders.

No model stands behind it: a transcript says how much speech there was, a reply says that it is the emulator's, and both are marked
so. Order and fields of the events: capture of 2026-09-18, record 69522944037, probes 7 (transcription) and 8 (a text reply); names
of the beta: CopilotKit/aimock @ c9af8c3 src/ws-realtime.ts:318. Over WebRTC the reply's audio would be RTP, and none is sent.
"""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from rtdiag.api.endpoints import Dialect
from rtdiag.api.models import find
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.shapes import check
from rtdiag.emulator.timeline import Behaviour

Json = dict[str, Any]
Over = Literal["webrtc", "websocket"]

REPLY = "This is the rtdiag emulator; no model answers here."
SILENT_AUDIO = base64.b64encode(bytes(4800)).decode()  # a tenth of a second, 24 kHz, 16 bit, mono
_LETTERS = string.ascii_letters + string.digits
_LOGPROBS = "item.input_audio_transcription.logprobs"
_BETA_NAMES = {
    "conversation.item.added": "conversation.item.created",
    "conversation.item.done": None,
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
_DOING = {"delete": "deleting", "retrieve": "retrieving", "truncate": "truncating"}
_TEXT, _LIST = {"is": "string", "null": True}, {"is": "array", "null": True}
_BETA_PARTS = {"output_text": "text", "output_audio": "audio"}


def new_id(prefix: str) -> str:
    """An id of the API's own look: `sess_C9CiUVUzUzYIssh3ELY1d`."""
    return f"{prefix}_" + "".join(secrets.choice(_LETTERS) for _ in range(21))


def event(kind_of_event: str, **fields: Any) -> Json:
    """A server event of that type, with an id of its own."""
    return {"type": kind_of_event, "event_id": new_id("event"), **fields}


class Conversation:
    """The items of one session. Every method yields the server events that follow, in order, or raises Refused."""

    def __init__(self, dialect: Dialect, over: Over) -> None:
        self.id = new_id("conv")
        self._dialect, self._over = dialect, over
        self._items: dict[str, Json] = {}

    def create(self, asked: Json) -> Iterator[Json]:
        """`conversation.item.create`: appended, or put behind `previous_item_id`."""
        item = asked.get("item")
        if not isinstance(item, dict):
            raise Refused("missing-parameter", param="item")
        if "type" not in item:
            raise Refused("missing-parameter", param="item.type")
        given = item.get("id")
        check(_TEXT, given, "item.id", None, Behaviour())
        if given in self._items:
            raise Refused("item-exists", item_id=given)
        made = {"object": "realtime.item", "status": "completed", **item, "id": given or new_id("item")}
        return self._added(made, self._place(asked))

    def delete(self, asked: Json) -> Iterator[Json]:
        """`conversation.item.delete`."""
        item_id = self._known(asked, "delete")["id"]
        del self._items[item_id]
        yield event("conversation.item.deleted", item_id=item_id)

    def retrieve(self, asked: Json) -> Iterator[Json]:
        """`conversation.item.retrieve`."""
        yield event("conversation.item.retrieved", item=self._known(asked, "retrieve"))

    def truncate(self, asked: Json) -> Iterator[Json]:
        """`conversation.item.truncate`; how much there was to cut is not looked at."""
        for name in ("content_index", "audio_end_ms"):
            if not isinstance(asked.get(name), int):
                raise Refused("missing-parameter", param=name)
        item_id = self._known(asked, "truncate")["id"]
        where = {"content_index": asked["content_index"], "audio_end_ms": asked["audio_end_ms"]}
        yield event("conversation.item.truncated", item_id=item_id, **where)

    def heard(self, item_id: str) -> Iterator[Json]:
        """The user's turn is committed and becomes an item."""
        yield event("input_audio_buffer.committed", previous_item_id=self._last(), item_id=item_id)
        content = [{"type": "input_audio", "transcript": None}]
        item: Json = {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
        }
        yield from self._added({**item, "content": content}, self._last())

    def transcribed(self, item_id: str, speech_s: float, model: str, include: object) -> Iterator[Json]:
        """The marked placeholder of a transcript: its deltas where the model has some, then the whole."""
        text = f"[rtdiag emulator: {speech_s:.1f} s of audio, not transcribed]"
        where = {"item_id": item_id, "content_index": 0}
        name = "conversation.item.input_audio_transcription"
        logprobs = isinstance(include, list) and _LOGPROBS in include
        for word in _words(text) if _streams(model) else ():
            extra = {"logprobs": [_logprob(word)]} if logprobs else {}
            yield event(f"{name}.delta", **where, delta=word, obfuscation=secrets.token_urlsafe(6), **extra)
        if item := self._items.get(item_id):  # replaced, not changed: the events of before still show it as it was
            self._items[item_id] = {**item, "content": [{"type": "input_audio", "transcript": text}]}
        done = {"logprobs": [_logprob(word) for word in _words(text)]} if logprobs else {}
        usage = {} if self._dialect == "beta" else {"usage": _usage(model, speech_s, len(_words(text)))}
        yield event(f"{name}.completed", **where, transcript=text, **usage, **done)

    def respond(self, asked: Json, config: Json) -> Iterator[Json]:
        """One whole response to `response.create`, as text or as audio; then the rate limits."""
        given = asked.get("response")
        wish: Mapping[str, Any] = given if isinstance(given, dict) else {}
        field = "output_modalities" if self._dialect == "ga" else "modalities"
        check(_LIST, wish.get(field), f"response.{field}", None, Behaviour())
        modalities: list[str] = wish.get(field) or config.get(field) or ["audio"]
        response = self._response(wish, config, field, modalities)
        yield event("response.created", response=response | {"status": "in_progress"})
        item: Json = {"id": new_id("item"), "object": "realtime.item", "type": "message", "role": "assistant"}
        spoken = "audio" in modalities
        whole = {**item, "status": "completed", "content": [self._part(spoken, REPLY)]}
        at = {"response_id": response["id"], "output_index": 0}
        started = {**item, "status": "in_progress", "content": []}
        yield event("response.output_item.added", **at, item=started)
        before = self._last()
        self._items[whole["id"]] = whole
        yield from self._renamed("conversation.item.added", previous_item_id=before, item=started)
        yield from self._content(at | {"item_id": item["id"], "content_index": 0}, spoken)
        yield from self._renamed("conversation.item.done", previous_item_id=before, item=whole)
        yield event("response.output_item.done", **at, item=whole)
        yield event("response.done", response=response | {"output": [whole], "usage": _RESPONSE_USAGE})
        limit = {"name": "tokens", "limit": 200_000, "remaining": 199_000, "reset_seconds": 0.3}
        yield event("rate_limits.updated", rate_limits=[limit])

    def _content(self, at: Json, spoken: bool) -> Iterator[Json]:
        """The one content part of a reply: begun, streamed, ended. Over WebRTC its audio is no event."""
        name = "output_audio_transcript" if spoken else "output_text"
        field = "transcript" if spoken else "text"
        kind = "audio" if spoken else "text"
        yield event("response.content_part.added", **at, part={"type": kind, field: ""})
        over_rtp = spoken and self._over == "webrtc"
        if over_rtp:
            yield event("output_audio_buffer.started", response_id=at["response_id"])
        for word in _words(REPLY):
            yield from self._renamed(f"response.{name}.delta", **at, delta=word)
        if spoken and not over_rtp:
            yield from self._renamed("response.output_audio.delta", **at, delta=SILENT_AUDIO)
        if spoken:
            yield from self._renamed("response.output_audio.done", **at)
        yield from self._renamed(f"response.{name}.done", **at, **{field: REPLY})
        yield event("response.content_part.done", **at, part={"type": kind, field: REPLY})
        if over_rtp:
            yield event("output_audio_buffer.stopped", response_id=at["response_id"])

    def _response(self, wish: Mapping[str, Any], config: Json, field: str, modalities: list[str]) -> Json:
        life = "max_output_tokens" if self._dialect == "ga" else "max_response_output_tokens"
        shown = {
            "object": "realtime.response",
            "id": new_id("resp"),
            "status": "completed",
            "status_details": None,
            "output": [],
            "conversation_id": self.id,
            field: modalities,
            "max_output_tokens": wish.get("max_output_tokens", config.get(life)),
            "usage": None,
            "metadata": wish.get("metadata"),
        }
        audio = config.get("audio", {}).get("output")
        return shown | ({"audio": {"output": {k: audio[k] for k in ("format", "voice")}}} if audio else {})

    def _part(self, spoken: bool, text: str) -> Json:
        kind = "output_audio" if spoken else "output_text"
        name = kind if self._dialect == "ga" else _BETA_PARTS[kind]
        return {"type": name, "transcript" if spoken else "text": text}

    def _place(self, asked: Json) -> str | None:
        """The item that a new one goes behind, `root` for none: openai 3.54.0 types/realtime/conversation_item_create_event.py."""
        wanted = asked.get("previous_item_id")
        check(_TEXT, wanted, "previous_item_id", None, Behaviour())
        if wanted not in (None, "root", *self._items):
            raise Refused("previous-item-not-found", item_id=wanted)
        return {None: self._last(), "root": None}.get(wanted, wanted)

    def _added(self, item: Json, before: str | None) -> Iterator[Json]:
        others = list(self._items.items())
        at = 0 if before is None else 1 + list(self._items).index(before)
        self._items = dict([*others[:at], (item["id"], item), *others[at:]])
        yield from self._renamed("conversation.item.added", previous_item_id=before, item=item)
        yield from self._renamed("conversation.item.done", previous_item_id=before, item=item)

    def _renamed(self, kind_of_event: str, **fields: Any) -> Iterator[Json]:
        """The event by the name that this dialect has for it; none where it has none."""
        name = _BETA_NAMES.get(kind_of_event, kind_of_event) if self._dialect == "beta" else kind_of_event
        if name:
            yield event(name, **fields)

    def _known(self, asked: Json, verb: str) -> Json:
        if "item_id" not in asked:
            raise Refused("missing-parameter", param="item_id")
        item = self._items.get(str(asked["item_id"]))
        if item is None:
            raise Refused("item-not-found", item_id=asked["item_id"], verb=verb, doing=_DOING[verb])
        return item

    def _last(self) -> str | None:
        return next(reversed(self._items), None)


# What a reply of a few words costs is made up; the shape is openai 3.54.0 types/realtime/realtime_response_usage.py.
_RESPONSE_USAGE: Json = {
    "total_tokens": 20,
    "input_tokens": 10,
    "output_tokens": 10,
    "input_token_details": {"text_tokens": 10, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 10, "audio_tokens": 0},
}


def _words(text: str) -> list[str]:
    """The text in pieces that join to it again."""
    words = text.split(" ")
    return [words[0], *(f" {word}" for word in words[1:])]


def _streams(model: str) -> bool:
    """Whether deltas come: where tokens are counted, and from the models without turn detection, record 63110401195 (2026-08-21).

    Those send them while they listen; here they wait for the commit.
    """
    known = find(model)
    return known is None or known.usage == "tokens" or known.server_vad == "no"


def _counts_tokens(model: str) -> bool:
    known = find(model)
    return known is None or known.usage == "tokens"


def _usage(model: str, speech_s: float, words: int) -> Json:
    """By model, tokens or seconds: record 63110401195 (2026-08-21)."""
    if not _counts_tokens(model):
        return {"type": "duration", "seconds": round(speech_s, 1)}
    heard = int(speech_s * 10)
    details = {"text_tokens": 0, "audio_tokens": heard}
    return {
        "type": "tokens",
        "total_tokens": heard + words,
        "input_tokens": heard,
        "input_token_details": details,
        "output_tokens": words,
    }


def _logprob(word: str) -> Json:
    return {"token": word, "logprob": 0.0, "bytes": list(word.encode())}
