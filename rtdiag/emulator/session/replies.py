"""What one response is made of: a message, said or written, and the call of a function; each as the events that bring it.

Fields, their order and their pauses: sessions recorded in July and September 2026 (WebSocket), and record 69522944037 probe 8.
A pause is a float among the events, in seconds as they were recorded. The message is one fixed sentence: no model answers here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any, Literal, Protocol

from rtdiag.api.endpoints import Dialect
from rtdiag.emulator.profiles import Profile, profile
from rtdiag.emulator.session import spoken
from rtdiag.emulator.session.server_events import event, letters, named, new_id, obfuscated, words

Json = dict[str, Any]
Step = Json | float
Over = Literal["webrtc", "websocket"]

REPLY = "This is the rtdiag emulator; no model answers here."
WORD_S, SOUND_AFTER_S, SOUND_S, LAST_S = 0.005, 0.12, 0.015, 0.02
WORDS_BEFORE_SOUND = 3
PIECE_MS = 250  # of sound in one delta; recorded: 26 deltas for 6.8 s
_BETA_PARTS = {"output_text": "text", "output_audio": "audio"}


class Told(Protocol):
    """The conversation that a response becomes a part of."""

    def begun(self, item: Json) -> Iterator[Json]:
        """An item of the model's begins."""

    def finished(self, item: Json, sound_ms: float | None) -> Iterator[Json]:
        """It is over, with so much sound."""


class Loud(Protocol):
    """Where sound goes that is no event: a call's other side."""

    def begin(self, response_id: str, item_id: str) -> Iterator[Json]:
        """The sentence is said."""


@dataclass(frozen=True)
class Terms:
    """How a response is made: `told` is None for one outside the conversation, `sound` the name of the output's format.

    `heard`: there is audio of the user's to answer.
    """

    dialect: Dialect
    over: Over
    told: Told | None
    loud: Loud
    sound: str
    heard: bool = False
    whole_arguments: bool = True
    server: Profile = field(default_factory=profile)
    response_id: str = field(default_factory=lambda: new_id("resp"))


class Output:
    """One item of a response, from `begin` over `deltas` to `end`."""

    def __init__(self, terms: Terms, index: int, item: Json) -> None:
        self.terms, self.item = terms, item
        self.at = {"response_id": terms.response_id, "output_index": index}
        self.of_item = {"response_id": terms.response_id, "item_id": item["id"], "output_index": index}
        self.over = False
        self.sound_ms: float | None = None

    def begin(self) -> Iterator[Json]:
        """The item is there, and empty."""
        yield event("response.output_item.added", **self.at, item=self.item)
        if self.terms.told:
            yield from self.terms.told.begun(self.item)

    def deltas(self) -> Iterator[Step]:
        """Its content, piece by piece."""
        raise NotImplementedError

    def closing(self) -> Iterator[Json]:
        """What ends its content; `item` holds it then."""
        raise NotImplementedError

    def end(self, status: str) -> Iterator[Json]:
        """The item as it is now, `completed` or `incomplete`."""
        self.over = True
        yield from self.closing()
        self.item = {**self.item, "status": status}
        if self.terms.told:
            yield from self.terms.told.finished(self.item, self.sound_ms)
        yield event("response.output_item.done", **self.at, item=self.item)


class Message(Output):
    """The sentence. Over WebRTC its sound is no event; `phase` is what models that reason say of a message."""

    def __init__(self, terms: Terms, index: int, *, audio: bool, phase: str | None) -> None:
        head = {} if terms.dialect == "ga" else {"object": "realtime.item"}
        item = {"id": new_id("item"), **head, "type": "message", "status": "in_progress", "role": "assistant"}
        super().__init__(terms, index, {**item, "content": [], **({"phase": phase} if phase else {})})
        self.at_part = {**self.of_item, "content_index": 0}
        self._audio, self._said = audio, ""
        self._name, self._field = ("output_audio_transcript", "transcript") if audio else ("output_text", "text")

    def begin(self) -> Iterator[Json]:
        """See Output."""
        yield from super().begin()
        yield event("response.content_part.added", **self.at_part, **self._part())

    def deltas(self) -> Iterator[Step]:
        """See Output."""
        rest = iter(words(REPLY))
        if self._audio:
            for word in islice(rest, WORDS_BEFORE_SOUND):
                yield from self._word(word)
            yield SOUND_AFTER_S
            yield from self._sound(rest)
        for word in rest:
            yield from self._word(word)

    def closing(self) -> Iterator[Json]:
        """See Output."""
        dialect, whole = self.terms.dialect, {self._field: self._said}
        if self._audio:
            yield from named(dialect, "response.output_audio.done", **self.at_part)
        yield from named(dialect, f"response.{self._name}.done", **self.at_part, **whole)
        yield event("response.content_part.done", **self.at_part, **self._part())
        kind = "output_audio" if self._audio else "output_text"
        part = {"type": kind if dialect == "ga" else _BETA_PARTS[kind], **whole}
        self.item = {**self.item, "content": [part]}

    def _part(self) -> Json:
        part = {"type": "audio" if self._audio else "text", self._field: self._said}
        return {"part": part, "content": part} if self.terms.server.parts_twice else {"part": part}

    def _word(self, word: str) -> Iterator[Step]:
        yield WORD_S
        self._said += word
        delta = obfuscated(word) if self.terms.dialect == "ga" else {"delta": word}
        yield from named(self.terms.dialect, f"response.{self._name}.delta", **self.at_part, **delta)

    def _sound(self, rest: Iterator[str]) -> Iterator[Step]:
        self.sound_ms = 0.0
        if self.terms.over == "webrtc":
            self.sound_ms = spoken.ms()
            yield from self.terms.loud.begin(self.terms.response_id, self.item["id"])
            return
        for piece, ms in pieces(self.terms.sound):
            self.sound_ms += ms
            yield from named(self.terms.dialect, "response.output_audio.delta", **self.at_part, delta=piece)
            yield SOUND_S
            yield from (step for word in islice(rest, 1) for step in self._word(word))


class Call(Output):
    """The call of a function with these arguments, as text."""

    def __init__(self, terms: Terms, index: int, name: str, arguments: str) -> None:
        head = {} if terms.dialect == "ga" else {"object": "realtime.item"}
        self.call_id = f"call_{letters(16)}"
        what = {"type": "function_call", "status": "in_progress", "name": name, "call_id": self.call_id}
        super().__init__(terms, index, {"id": new_id("item"), **head, **what, "arguments": ""})
        self._whole, self._sent = arguments, ""

    def deltas(self) -> Iterator[Step]:
        """See Output."""
        for piece in words(self._whole):
            yield WORD_S
            self._sent += piece
            delta = obfuscated(piece) if self.terms.dialect == "ga" else {"delta": piece}
            at = {**self.of_item, "call_id": self.call_id}
            yield event("response.function_call_arguments.delta", **at, **delta)

    def closing(self) -> Iterator[Json]:
        """See Output."""
        name = {"name": self.item["name"]} if self.terms.dialect == "ga" else {}
        at = {**self.of_item, "call_id": self.call_id, **name}
        yield event("response.function_call_arguments.done", **at, arguments=self._sent)
        self.item = {**self.item, "arguments": self._sent}


def written(arguments: Any) -> str:
    """Arguments as the text that a function is called with."""
    return json.dumps(arguments, ensure_ascii=False)


@cache
def pieces(sound: str) -> tuple[tuple[str, float], ...]:
    """The sentence in that format, as base64 and milliseconds of each piece."""
    whole = spoken.in_format(sound)
    per_ms = len(whole) / spoken.ms()
    size = round(PIECE_MS * per_ms)
    cut = [whole[at : at + size] for at in range(0, len(whole), size)]
    return tuple((base64.b64encode(piece).decode(), len(piece) / per_ms) for piece in cut)
