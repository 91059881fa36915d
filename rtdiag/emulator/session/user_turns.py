"""What the user says in one session: audio comes in, turns begin and end, become items, and are written down.

Order and fields: captures of 2026-09-18 (record 69522944037 probe 7) and sessions recorded in 2026.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

from rtdiag.api.endpoints import Dialect
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.session.conversation import Conversation
from rtdiag.emulator.session.listening import Listening
from rtdiag.emulator.session.open_session import error_event
from rtdiag.emulator.session.responding import Responding
from rtdiag.emulator.session.schedule import Schedule
from rtdiag.emulator.session.server_events import event, new_id
from rtdiag.emulator.session.settings import Rules, audio_input
from rtdiag.emulator.session.transcripts import Transcript, writes_while_listening
from rtdiag.emulator.session.turn_taking import Turn

Json = dict[str, Any]

LEAST_COMMIT_MS = 100  # public docs, record 55945964610 (2026-05)
WRITTEN_S = 0.5  # from a turn's end to its text: recorded 0.56 s, 2026-09-29; from speech to its deltas assumed
BAD_COMMIT_S = 0.9  # with models that write while they listen: 0.82 to 1.0 s, record 70882954038 (2026-10-06)
# Said by the server itself when nobody spoke for `idle_timeout_ms`: a session recorded on 2026-09-29.
IDLE = (
    "No user speech was detected for a while. Please review the recorded audio: If the user was speaking, respond naturally. "
    "If not, follow up on their last message to keep the conversation going or ask if they're still there."
)


class UserTurns:
    """The user's side. `config` gives the session's settings as they are now."""

    def __init__(
        self,
        dialect: Dialect,
        rules: Rules,
        schedule: Schedule,
        conversation: Conversation,
        config: Callable[[], Json],
    ) -> None:
        self.responding: Responding | None = None  # None in a session that never responds
        self._dialect, self._rules, self._schedule = dialect, rules, schedule
        self._conversation, self._config = conversation, config
        self._listening = Listening(rules.ends)
        self._turn: tuple[str, int] | None = None  # the item of the turn that is being spoken, and when it began
        self._draft: Transcript | None = None  # of what is being said now, from a model that writes while it listens
        self._idle_from_ms: float | None = None

    def append(self, asked: Json) -> Iterator[Json]:
        """No acknowledgement: openai 3.54.0 types/realtime/input_audio_buffer_append_event.py."""
        yield from self.hear(self._listening.append(audio_of(asked), self._format_name()))

    def hear(self, pcm: bytes) -> Iterator[Json]:
        """16 kHz mono audio, wherever it came in."""
        for turn in self._listening.hear(pcm, self._place["turn_detection"], self._rules.switches):
            yield from self._turned(turn)
        self._write_along()
        yield from self._tell_idle()

    def commit(self, asked: Json) -> Iterator[Json]:
        """`input_audio_buffer.commit`."""
        buffered_ms, silent = round(self._listening.buffered_ms, 2), not self._listening.voiced_ms
        if buffered_ms < LEAST_COMMIT_MS:
            coded = self._rules.behaviour.errors_coded
            refused = Refused("buffer-empty" if coded else "buffer-empty-early", buffered_ms=f"{buffered_ms:.2f}")
            return self._refuse_late(refused, asked.get("event_id"))
        item_id, self._turn = self._next_id(), None
        self._listening.cut()
        return self._commit(item_id, buffered_ms, silent=silent, respond=False)

    def clear(self, _: Json) -> Iterator[Json]:
        """`input_audio_buffer.clear`."""
        self._turn = self._draft = None
        self._listening.cut()
        yield event("input_audio_buffer.cleared")

    def responded(self, sound_ms: float) -> None:
        """A response is done: when its sound has been heard, the user's silence counts."""
        self._idle_from_ms = self._listening.now_ms + sound_ms

    @property
    def _place(self) -> Json:
        return audio_input(self._config(), self._dialect)

    @property
    def _asked(self) -> Json | None:
        """The transcription that the session is set to."""
        asked: Json | None = self._place.get("transcription") or self._place.get("input_audio_transcription")
        return asked if self._rules.switches.transcribes else None

    def _turned(self, turn: Turn) -> Iterator[Json]:
        """A turn begins, or ends and is committed: contract of the two events, openai 3.54.0 types/realtime."""
        detection = self._place["turn_detection"] or {}
        if turn.what == "started":
            self._idle_from_ms = None
            self._turn = (self._next_id(), turn.at_ms)
            yield event("input_audio_buffer.speech_started", audio_start_ms=turn.at_ms, item_id=self._turn[0])
            if self.responding and detection.get("interrupt_response", True):
                yield from self.responding.interrupted()
            return
        assert self._turn
        (item_id, began_ms), self._turn = self._turn, None
        yield event("input_audio_buffer.speech_stopped", audio_end_ms=turn.at_ms, item_id=item_id)
        respond = detection.get("create_response", True)
        yield from self._commit(item_id, turn.at_ms - began_ms, silent=False, respond=respond)

    def _commit(self, item_id: str, audio_ms: float, *, silent: bool, respond: bool) -> Iterator[Json]:
        self._listening.take()
        yield from self._conversation.heard(item_id)
        self._write(item_id, audio_ms / 1000, silent=silent)
        if respond:
            yield from self._respond()

    def _respond(self) -> Iterator[Json]:
        """What is heard goes on where a response is refused."""
        try:
            yield from self.responding.begin({}, self._config()) if self.responding else ()
        except Refused as refused:
            yield error_event(refused)

    def _next_id(self) -> str:
        """The id of the item that the buffer becomes, as far as it was told already."""
        told = self._turn[0] if self._turn else self._draft.item_id if self._draft else None
        return told or new_id("item")

    def _write_along(self) -> None:
        """The text of what is being said, from a model that writes while it listens."""
        speaks = self._turn is not None or (self._place["turn_detection"] is None and self._listening.voiced_ms > 0)
        if not (speaks and self._asked and writes_while_listening(self._asked["model"])):
            return
        self._draft = self._draft or self._transcript(self._next_id())
        deltas = self._draft.so_far(self._listening.voiced_ms)
        if deltas:
            self._schedule.after(WRITTEN_S * self._rules.pace, lambda: deltas)

    def _write(self, item_id: str, audio_s: float, *, silent: bool) -> None:
        draft, self._draft = self._draft, None
        if not self._asked:
            return
        told = (draft or self._transcript(item_id)).whole(audio_s, silent=silent)
        self._conversation.transcribed(item_id, told[-1]["transcript"])
        self._schedule.after(WRITTEN_S * self._rules.pace, lambda: told)

    def _transcript(self, item_id: str) -> Transcript:
        assert self._asked
        return Transcript(item_id, self._asked["model"], self._config().get("include"), self._dialect)

    def _tell_idle(self) -> Iterator[Json]:
        """Nobody has spoken for `idle_timeout_ms` of audio since the last response was heard: a session recorded on 2026-09-29."""
        limit_ms = (self._place["turn_detection"] or {}).get("idle_timeout_ms")
        now_ms, since_ms = self._listening.now_ms, self._idle_from_ms
        if limit_ms is None or since_ms is None or now_ms < since_ms + limit_ms:
            return
        if self._listening.speaking or not self.responding or self.responding.busy:
            return
        self._idle_from_ms, item_id, self._turn = None, self._next_id(), None
        times = {"audio_start_ms": int(since_ms), "audio_end_ms": int(since_ms + limit_ms)}
        yield event("input_audio_buffer.timeout_triggered", **times, item_id=item_id)
        yield from self._conversation.told_by_system(IDLE)
        yield from self._conversation.heard(item_id)
        self._listening.take()
        self._write(item_id, 0, silent=True)
        yield from self._respond()

    def _refuse_late(self, refused: Refused, client_event_id: object) -> Iterator[Json]:
        """Some models take their time to refuse a commit, so that what comes behind it is answered before."""
        if not (self._asked and writes_while_listening(self._asked["model"])):
            raise refused
        self._schedule.after(BAD_COMMIT_S * self._rules.pace, lambda: [error_event(refused, client_event_id)])
        return iter(())

    def _format_name(self) -> str:
        if self._dialect == "beta":
            return str(self._config()["input_audio_format"])
        return str(self._config()["audio"]["input"]["format"]["type"])


def audio_of(asked: Json) -> bytes:
    """What an event appends. Raises Refused for what is no base64."""
    try:
        return base64.b64decode(asked["audio"], validate=True)
    except KeyError:
        raise Refused("missing-parameter", param="audio") from None
    except (binascii.Error, TypeError, ValueError):
        raise Refused("invalid-audio", param="audio") from None
