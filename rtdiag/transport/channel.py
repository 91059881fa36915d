"""Events over whatever carries them: what was sent and received, in order, and which of it answers what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from rtdiag.model import Event, Failure
from rtdiag.transport.recorder import Deadlines, Recorder

# What stands for the type of an event that is none: no object of JSON, or no text. The API sends texts alone: record
# 69522944037 probe 9 (2026-09-18).
NOT_JSON, BINARY = "(not JSON)", "(binary)"
# A server that never stops talking must not fill the memory.
_LONGEST_TYPE = 100  # of the API's own the longest has 60 characters
MOST_EVENTS = 10_000


class Channel:
    """The events of one session. Whoever inherits it says how a text is sent, whether it is `open`, and calls `_heard`.

    `cut` says that the last event without an answer got no sign of life either, none below the events: the way is cut, and
    whether the server would have answered is not known. `owes` says that it is not known which of several events got no answer,
    so that one may still come.
    """

    def __init__(self, channel_id: str, label: str, recorder: Recorder, deadlines: Deadlines) -> None:
        self.id = channel_id
        self.failure: Failure | None = None
        self.received: list[Event] = []
        self.cut = self.owes = False
        self._label = label
        self._recorder = recorder
        self._deadlines = deadlines
        self._changed = asyncio.Event()
        self._sent = 0
        self._heard_before: dict[str, int] = {}
        self._sent_texts: dict[str, str] = {}

    @property
    def open(self) -> bool:
        """Whether the channel takes events."""
        raise NotImplementedError

    @property
    def lost(self) -> Mapping[str, Any]:
        """What is known of a session whose way is gone; empty where it is not, or nothing is counted."""
        return {}

    def send(self, event: dict[str, Any]) -> Event:
        """Send one client event; an `event_id` is added. The channel must be open."""
        self._sent += 1
        text = json.dumps({"event_id": f"rtdiag_{self.id}_{self._sent}", **event})
        sent = self._record("sent", str(event["type"]), text)
        self._heard_before[sent.id], self._sent_texts[sent.id] = len(self.received), text
        self._put(text)
        return sent

    async def answer_to(self, sent: Event, types: frozenset[str]) -> Event | None:
        """The first event after `sent` that answers it: one of `types`, or an `error` that names no other event of ours.

        None when the event deadline passed, or the channel closed, without one.
        """

        def found() -> Event | None:
            later = self.received[self._heard_before[sent.id] :]
            return next((e for e in later if e.type in types or (e.type == "error" and _may_answer(e, sent))), None)

        await self._patiently(lambda: found() is not None or not self.open, self._deadlines.event_s)
        answer = found()
        self.cut = answer is None and self.open and not await self._alive(sent)
        return answer

    async def answers_to(self, sent: Sequence[Event], types: frozenset[str], shows: Shows) -> list[Event | None]:
        """What answers each of these, which were sent one behind the other, as far as it is certain whose an answer is.

        The list is shorter than `sent` where it no longer is; by then nothing more is on its way. Its last is None where nothing
        came after the one before it: within the event deadline, or until the channel closed.
        """
        answers = Answers(sent, types, shows, self.received, self._heard_before[sent[0].id])

        async def another(wait: Callable[[Callable[[], bool], float], Awaitable[None]], limit_s: float) -> bool:
            before = answers.count()
            await wait(lambda: answers.count() > before or not self.open, limit_s)
            return answers.count() > before

        while self.open and answers.count() < len(sent):
            if not await another(self._patiently, self._deadlines.event_s):
                break
        while self.open and answers.unsure and answers.count() < 2 * len(sent):
            if not await another(self._until, answers.longest_gap_s):
                break
        self.owes = self.owes or (answers.unsure and answers.count() < len(sent))
        found = [*answers.certain, *answers.last_words(ended=not self.open)]
        silent = len(found) < len(sent) and not answers.unsure
        self.cut = silent and self.open and not await self._alive(sent[len(found)])
        return [*found, None] if silent else [*found]

    async def until(self, done: Callable[[], bool], limit_s: float) -> bool:
        """Whether it is true at last: wait for an event, or the end of a voice, `limit_s` at most and while the channel is open."""
        await self._until(lambda: done() or not self.open, limit_s)
        return done()

    def _put(self, text: str) -> None:
        raise NotImplementedError

    async def _alive(self, unanswered: Event) -> bool:
        """Whether the other end shows, below the events, that it is still there."""
        raise NotImplementedError

    def _heard(self, message: str | bytes) -> None:
        """Take note of what came in."""
        text = message if isinstance(message, str) else message.decode("utf-8", "replace")
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            parsed = None
        kind = str(parsed.get("type")) if isinstance(parsed, dict) else NOT_JSON
        kind = kind if isinstance(message, str) else BINARY  # a page's JSON.parse fails on it
        if len(self.received) < MOST_EVENTS:
            self.received.append(self._record("received", kind, text))
        self._changed.set()

    def _record(self, direction: Literal["sent", "received"], kind: str, text: str) -> Event:
        recorder = self._recorder
        kind, masked = recorder.mask(kind, "events.type")[:_LONGEST_TYPE], recorder.mask(text, "events.raw")
        return recorder.event(
            Event(recorder.next_event_id(), f"{self.id}/{self._label}", direction, recorder.now_ms(), kind, masked)
        )

    async def _patiently(self, done: Callable[[], bool], limit_s: float) -> None:
        """Wait as `_until` does; whoever knows why it may be late waits longer."""
        await self._until(done, limit_s)

    async def _until(self, done: Callable[[], bool], limit_s: float) -> None:
        try:
            async with asyncio.timeout(limit_s):
                while not done():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return


# Whether an answer (the second) shows what an event (the first) has set.
Shows = Callable[[Event, Event], bool]


class Answers:
    """Whose the answers are that come to events which were sent one behind the other.

    Certain is an `error` that names its event, and one of `types` that shows what its event has set; each only where all the
    events before have their answers, for a server may leave one out, repeat itself, or turn the order round. So what comes is
    `heard`, until one answer is no certain one: from then on all is `unsure`.
    """

    def __init__(
        self, sent: Sequence[Event], types: frozenset[str], shows: Shows, received: Sequence[Event], since: int
    ) -> None:
        self.certain: list[Event] = []
        self.heard: list[Event] = []
        self.unsure = False
        self._sent, self._types, self._shows = sent, types, shows
        self._received, self._read = received, since
        self._order: dict[str | None, int] = {_id_of(event): at for at, event in enumerate(sent)}

    def count(self) -> int:
        """How many have come by now."""
        while self._read < len(self._received):
            self._hear(self._received[self._read])
            self._read += 1
        return len(self.heard)

    def _hear(self, event: Event) -> None:
        """Take note of an event that came in; what answers nothing of this, or the same once more, counts for nothing."""
        named = _named(event) if event.type == "error" else None
        if (event.type != "error" and event.type not in self._types) or (
            named is not None and named not in self._order
        ):
            return
        at = self._order.get(named, len(self.certain))
        if at < len(self.certain) and self.certain[at].type == "error":
            return
        self.heard.append(event)
        at_its_place = not self.unsure and at == len(self.certain) < len(self._sent)
        if at_its_place and is_certain(self._sent[at], event, self._shows):
            self.certain.append(event)
            return
        if event.type != "error" or named is not None:  # one too many, or one too few: where, only a name tells
            del self.certain[at if self.unsure else min(at, self._last_name) :]
        self.unsure = True

    @property
    def _last_name(self) -> int:
        """How many are certain up to the last that names its event."""
        return next((at for at in range(len(self.certain), 0, -1) if self.certain[at - 1].type == "error"), 0)

    @property
    def longest_gap_s(self) -> float:
        """How long was waited for one of them at most."""
        return max((b.at_ms - a.at_ms for a, b in pairwise((self._sent[-1], *self.heard))), default=0.0) / 1000

    def last_words(self, *, ended: bool) -> list[Event]:
        """The `error` without a name with which the session has ended, if it has: it answers whatever was asked last."""
        rest = self.heard[len(self.certain) :]
        return rest if ended and [(e.type, _named(e)) for e in rest] == [("error", None)] else []


def is_certain(sent: Event, answer: Event, shows: Shows) -> bool:
    """Whether this answer is to that event and to no other: an `error` names it, any other answer shows what it has set."""
    return _named(answer) == _id_of(sent) if answer.type == "error" else shows(sent, answer)


def _may_answer(error: Event, sent: Event) -> bool:
    """Whether an `error` event can be about `sent`: it names that event, or (as live servers do at times) none at all."""
    return _named(error) in (None, _id_of(sent))


def _named(error: Event) -> str | None:
    """The client's event that an `error` event names."""
    body = error.json
    told = body.get("error") if isinstance(body, dict) else None
    named = told.get("event_id") if isinstance(told, dict) else None
    return None if named is None else str(named)


def _id_of(sent: Event) -> str:
    return str((sent.json or {}).get("event_id"))
