"""Events over whatever carries them: what was sent and received, in order, and which of it answers what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
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
    whether the server would have answered is not known.
    """

    def __init__(self, channel_id: str, label: str, recorder: Recorder, deadlines: Deadlines) -> None:
        self.id = channel_id
        self.failure: Failure | None = None
        self.received: list[Event] = []
        self.cut = False
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
        number = len(recorder.events) + 1
        return recorder.event(
            Event(f"e{number}", f"{self.id}/{self._label}", direction, recorder.now_ms(), kind, masked)
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


def _may_answer(error: Event, sent: Event) -> bool:
    """Whether an `error` event can be about `sent`: it names that event, or (as live servers do at times) none at all."""
    body = error.json
    told = body.get("error") if isinstance(body, dict) else None
    named = told.get("event_id") if isinstance(told, dict) else None
    return named is None or named == (sent.json or {}).get("event_id")
