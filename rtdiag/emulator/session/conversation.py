"""What was said in one session: its items in order. No model stands behind it: see transcripts.py and replies.py.

Order and fields of the events: capture of 2026-09-18, record 69522944037, probes 7 and 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rtdiag.api.endpoints import Dialect
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.session.replies import Over, Reply
from rtdiag.emulator.session.server_events import event, named, new_id
from rtdiag.emulator.session.shapes import all_shapes, check
from rtdiag.emulator.session.transcripts import placeholder, transcript
from rtdiag.emulator.timeline import Behaviour

Json = dict[str, Any]

_DOING = {"delete": "deleting", "retrieve": "retrieving", "truncate": "truncating"}
_TEXT = {"is": "string", "null": True}


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
        check(all_shapes()["item"], item, "item", {}, Behaviour())
        given = item.get("id")
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
        head = {} if self._dialect == "ga" else {"object": "realtime.item"}  # record 69522944037 probe 7 shows none
        item = {"id": item_id, **head, "type": "message", "status": "completed", "role": "user", "content": content}
        yield from self._added(item, self._last())

    def transcribed(self, item_id: str, audio_s: float, model: str, include: object) -> Iterator[Json]:
        """What is told of the audio of that item."""
        if item := self._items.get(item_id):  # replaced, not changed: the events of before still show it as it was
            content = [{"type": "input_audio", "transcript": placeholder(audio_s)}]
            self._items[item_id] = {**item, "content": content}
        return transcript(item_id, audio_s, model, include, self._dialect)

    def respond(self, asked: Json, config: Json) -> Iterator[Json]:
        """One whole response to `response.create`."""
        given = asked.get("response")
        wish: Json = given if isinstance(given, dict) else {}
        check(all_shapes()[f"{self._dialect}-response"], wish, "response", {}, Behaviour())
        reply = Reply(self._dialect, self._over, self.id, wish, config)
        item, before = reply.item(), self._last()
        self._items[item["id"]] = item
        return reply.events(item, before)

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
        yield from named(self._dialect, "conversation.item.added", previous_item_id=before, item=item)
        yield from named(self._dialect, "conversation.item.done", previous_item_id=before, item=item)

    def _known(self, asked: Json, verb: str) -> Json:
        if "item_id" not in asked:
            raise Refused("missing-parameter", param="item_id")
        item = self._items.get(str(asked["item_id"]))
        if item is None:
            raise Refused("item-not-found", item_id=asked["item_id"], verb=verb, doing=_DOING[verb])
        return item

    def _last(self) -> str | None:
        return next(reversed(self._items), None)
