"""A translation session: sound comes in, words and sound of another language come out; no turns, no conversation, no responses.

Events and fields: openai 3.54.0 types/realtime/realtime_translation_*.py, of 200 ms of audio at a time
(developers.openai.com/api/docs/guides/realtime-translation). No session was ever recorded. Assumed: an hour's life, and the end of
the socket behind `session.closed`. The translation is an imitation that says so itself: every 200 ms with a voice in them bring the
next word of the emulator's own sentence, whatever language is asked for, and that word's share of its sound.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.session import spoken
from rtdiag.emulator.session.ears import FRAME_MS, Resampler, Voice
from rtdiag.emulator.session.open_session import OpenSession
from rtdiag.emulator.session.playback import Playback
from rtdiag.emulator.session.replies import REPLY, Over
from rtdiag.emulator.session.server_events import event, words
from rtdiag.emulator.session.settings import Rules
from rtdiag.emulator.session.shapes import all_shapes, check, complete, quoted
from rtdiag.emulator.session.user_turns import audio_of

Json = dict[str, Any]

ENGINE_MS = 200
_WORDS = words(REPLY)


def translation(given: object, current: Json, rules: Rules, path: str = "session") -> Json:
    """The whole configuration after `given` is laid over `current`, {} for a new session. Raises Refused, and nothing has changed.

    An open session takes no model any more, as its reference says, and so no type (record 55209267919, 2026-06-07).
    """
    shape = all_shapes()["translation-update" if current else "translation"]
    check(shape, given, path, current, rules.behaviour)
    return {**current, **complete(shape, given, current, rules.behaviour)}


class Translation(OpenSession):
    """A translation."""

    kind = "translation"

    def __init__(self, config: Json, rules: Rules, over: Over = "webrtc") -> None:
        super().__init__("ga", config, rules)
        self._over = over
        self.playback = Playback(self._schedule, rules.now, at_once=True)
        self._resampler, self._voice = Resampler(), Voice()
        self._frame: list[bool] = []  # which 20 ms of the 200 now coming in hold a voice
        self._elapsed_ms = 0
        self._numbers = count()

    def created(self) -> list[Json]:
        """One event."""
        return [self._session_event("created")]

    @property
    def _answers(self) -> Mapping[str, Callable[[Json], Iterator[Json]]]:
        return {
            "session.update": self._update,
            "session.input_audio_buffer.append": self._append,
            "session.close": self._close,
        }

    def _answer(self, asked: Json) -> Iterator[Json]:
        kind_of_event, listed = asked["type"], tuple(self._answers)
        if kind_of_event not in listed:
            raise Refused("invalid-value", value=kind_of_event, supported=quoted(listed), param="type")
        return self._answers[kind_of_event](asked)

    def _update(self, asked: Json) -> Iterator[Json]:
        if "session" not in asked:
            raise Refused("missing-parameter", param="session")
        self.config = translation(asked["session"], self.config, self.rules)
        yield self._session_event("updated")

    def _append(self, asked: Json) -> Iterator[Json]:
        yield from self._heard(self._resampler.of_bytes(audio_of(asked), "audio/pcm"))

    def _close(self, _: Json) -> Iterator[Json]:
        """What has come in is translated before the end."""
        if self._frame:
            yield from self._translate()
        self._end(1000, "")
        yield event("session.closed")

    def _heard(self, pcm: bytes) -> Iterator[Json]:
        for voiced in self._voice.heard(pcm, 0.5):
            self._frame.append(voiced)
            if len(self._frame) * FRAME_MS == ENGINE_MS:
                yield from self._translate()

    def _translate(self) -> Iterator[Json]:
        voiced = 2 * sum(self._frame) >= len(self._frame)
        self._frame.clear()
        self._elapsed_ms += ENGINE_MS
        if voiced:
            yield from self._say(next(self._numbers))

    def _say(self, number: int) -> Iterator[Json]:
        """One word. A delta brings its blank along, so that they join."""
        at, place = {"elapsed_ms": self._elapsed_ms}, number % len(_WORDS)
        blank = " " if number else ""
        if self.config["audio"]["input"]["transcription"]:
            yield event("session.input_transcript.delta", delta=f"{blank}[{ENGINE_MS / 1000} s of speech]", **at)
        yield event("session.output_transcript.delta", delta=blank + _WORDS[place].strip(), **at)
        if self._over == "websocket":
            audio = base64.b64encode(_sound(place)).decode()
            form = {"sample_rate": 24000, "channels": 1, "format": "pcm16"}
            yield event("session.output_audio.delta", delta=audio, **form, **at)
        elif self.playback.speaker and place == 0:
            self.playback.speaker.play()

    def _session_event(self, what: str) -> Json:
        head = {"id": self.id, "type": self.kind, "expires_at": self._expires_at}
        return event(f"session.{what}", session={**head, **self.config})


def _sound(place: int) -> bytes:
    """A word's share of the sentence, as 24 kHz mono signed 16-bit little-endian PCM."""
    pcm = spoken.pcm()
    size = len(pcm) // 2 // len(_WORDS) * 2
    return pcm[place * size :] if place == len(_WORDS) - 1 else pcm[place * size :][:size]
