"""What was said in one session: its items in order. No model stands behind it: see transcripts.py and replies.py.

Order and fields of the events: capture of 2026-09-18, record 69522944037, probes 7 and 8; sessions recorded in July 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rtdiag.api.endpoints import Dialect
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.session.server_events import event, named, new_id
from rtdiag.emulator.session.settings import Rules
from rtdiag.emulator.session.shapes import Shape, all_shapes, check
from rtdiag.emulator.timeline import Behaviour

Json = dict[str, Any]

_DOING = {"delete": "deleting", "retrieve": "retrieving", "truncate": "truncating"}
_TEXT = {"is": "string", "null": True}
_ID = {"is": "string"}
# What is said of the model has one part.
_CUT: Mapping[str, Json] = {
    "content_index": {"is": "integer", "min": 0, "max": 0},
    "audio_end_ms": {"is": "integer", "min": 0},
}
# As recorded, in this order; a function's result has no status.
_SHOWN: Mapping[str, tuple[str, ...]] = {
    "message": ("id", "type", "status", "role", "content"),
    "function_call": ("id", "type", "status", "name", "call_id", "arguments"),
    "function_call_output": ("id", "type", "call_id", "output"),
}


class Conversation:
    """The items of one session. Every method yields the server events that follow, in order, or raises Refused."""

    def __init__(self, dialect: Dialect, rules: Rules) -> None:
        self.id = new_id("conv")
        self._dialect, self._rules = dialect, rules
        self._items: dict[str, Json] = {}
        self._sound_ms: dict[str, float] = {}  # of the model's items

    @property
    def last(self) -> Json | None:
        """The item at its end."""
        return next(reversed(self._items.values()), None)

    @property
    def has_model_audio(self) -> bool:
        """Whether the model has spoken."""
        return bool(self._sound_ms)

    @property
    def has_user_audio(self) -> bool:
        """Whether the user has been heard."""
        return any(part["type"] == "input_audio" for item in self._items.values() for part in item.get("content") or ())

    def create(self, asked: Json) -> Iterator[Json]:
        """`conversation.item.create`: appended, or put behind `previous_item_id`."""
        item = asked.get("item")
        if not isinstance(item, dict):
            raise Refused("missing-parameter", param="item")
        check(all_shapes()[f"{self._dialect}-item"], item, "item", {}, Behaviour())
        given = item.get("id")
        if given in self._items:
            raise Refused("item-exists", item_id=given)
        if item["type"] == "function_call_output" and not self._was_called(item.get("call_id")):
            raise Refused("tool-call-unknown", call_id=item.get("call_id"))
        return self._added(
            self._shown({"status": "completed", **item, "id": given or new_id("item")}), self._place(asked)
        )

    def delete(self, asked: Json) -> Iterator[Json]:
        """`conversation.item.delete`."""
        item_id = self._known(asked, "delete")["id"]
        del self._items[item_id]
        self._sound_ms.pop(item_id, None)
        yield event("conversation.item.deleted", item_id=item_id)

    def retrieve(self, asked: Json) -> Iterator[Json]:
        """`conversation.item.retrieve`."""
        yield event("conversation.item.retrieved", item=self._known(asked, "retrieve"))

    def truncate(self, asked: Json) -> Iterator[Json]:
        """`conversation.item.truncate`, of an item that has sound, and no more than that."""
        for name, shape in _CUT.items():
            _require(asked, name, shape)
        item_id, wanted_ms = self._known(asked, "truncate")["id"], asked["audio_end_ms"]
        has_ms = self._sound_ms.get(item_id)
        if has_ms is None:
            raise Refused("not-model-audio")
        if wanted_ms > has_ms:
            raise Refused("audio-shorter", has_ms=int(has_ms), asked_ms=wanted_ms)
        return self.cut(item_id, wanted_ms, asked["content_index"])

    def cut(self, item_id: str, audio_end_ms: int, content_index: int = 0) -> Iterator[Json]:
        """That item was heard so far; the text of the rest is gone, here with the text of it all (assumed).

        Of one that is not here, as it was deleted or never in the conversation, nothing is told.
        """
        if item_id not in self._sound_ms:
            return
        self._sound_ms[item_id] = audio_end_ms
        content = [{**part, "transcript": None} for part in self._items[item_id]["content"]]
        self._items[item_id] = {**self._items[item_id], "content": content}
        where = {"content_index": content_index, "audio_end_ms": audio_end_ms}
        yield event("conversation.item.truncated", item_id=item_id, **where)

    def heard(self, item_id: str) -> Iterator[Json]:
        """The user's turn is committed and becomes an item."""
        yield event("input_audio_buffer.committed", previous_item_id=self._last_id(), item_id=item_id)
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": item_id, "type": "message", "status": "completed", "role": "user", "content": content}
        yield from self._added(self._shown(item), self._last_id())

    def told_by_system(self, text: str) -> Iterator[Json]:
        """An item that the server itself puts in."""
        content = [{"type": "input_text", "text": text}]
        item = {"id": new_id("item"), "type": "message", "status": "completed", "role": "system", "content": content}
        return self._added(self._shown(item), self._last_id())

    def transcribed(self, item_id: str, text: str) -> None:
        """What was said in that item; replaced, not changed: the events of before still show it as it was."""
        if item := self._items.get(item_id):
            self._items[item_id] = {**item, "content": [{"type": "input_audio", "transcript": text}]}

    def begun(self, item: Json) -> Iterator[Json]:
        """An item of the model's begins."""
        before = self._last_id()
        self._items[item["id"]] = item
        yield from named(self._dialect, "conversation.item.added", previous_item_id=before, item=item)

    def finished(self, item: Json, sound_ms: float | None) -> Iterator[Json]:
        """It is over, unless it was deleted meanwhile.

        The second item of a conversation is told without the one before it: 18 of 18 recorded in 2026, where the 64 others say it.
        """
        if item["id"] not in self._items:
            return
        self._items[item["id"]] = item
        if sound_ms is not None:
            self._sound_ms[item["id"]] = sound_ms
        ids = list(self._items)
        at = ids.index(item["id"])
        before = ids[at - 1] if at > 1 else None
        yield from named(self._dialect, "conversation.item.done", previous_item_id=before, item=item)

    def _shown(self, item: Json) -> Json:
        """The item as the API shows it. In the beta each says what it is."""
        names = _SHOWN.get(item["type"], tuple(item))
        shown = {name: item[name] for name in names if name in item}
        if "content" in shown:
            shown["content"] = [_without_audio(part) for part in shown["content"]]
        head = {} if self._dialect == "ga" else {"object": "realtime.item"}
        return {"id": shown.pop("id"), **head, **shown}

    def _was_called(self, call_id: object) -> bool:
        calls = (item.get("call_id") for item in self._items.values() if item["type"] == "function_call")
        return self._rules.switches.knows_calls and call_id in calls

    def _place(self, asked: Json) -> str | None:
        """The item that a new one goes behind, `root` for none: openai 3.54.0 types/realtime/conversation_item_create_event.py."""
        wanted = asked.get("previous_item_id")
        check(_TEXT, wanted, "previous_item_id", None, Behaviour())
        if wanted not in (None, "root") and wanted not in self._items:
            raise Refused("previous-item-not-found", item_id=wanted)
        return {None: self._last_id(), "root": None}.get(wanted, wanted)

    def _added(self, item: Json, before: str | None) -> Iterator[Json]:
        behind = self._behind(before)
        self._items[item["id"]] = item
        for other in behind:
            self._items[other] = self._items.pop(other)
        yield from named(self._dialect, "conversation.item.added", previous_item_id=before, item=item)
        yield from named(self._dialect, "conversation.item.done", previous_item_id=before, item=item)

    def _behind(self, item_id: str | None) -> list[str]:
        """The ids behind that one, all of them behind None; without a look at the rest where it is the last."""
        if item_id == self._last_id():
            return []
        ids = list(self._items)
        return ids if item_id is None else ids[ids.index(item_id) + 1 :]

    def _known(self, asked: Json, verb: str) -> Json:
        _require(asked, "item_id", _ID)
        item = self._items.get(asked["item_id"])
        if item is None:
            raise Refused("item-not-found", item_id=asked["item_id"], verb=verb, doing=_DOING[verb])
        return item

    def _last_id(self) -> str | None:
        return next(reversed(self._items), None)


def _require(asked: Json, name: str, shape: Shape) -> None:
    if name not in asked:
        raise Refused("missing-parameter", param=name)
    check(shape, asked[name], name, None, Behaviour())


def _without_audio(part: Any) -> Any:
    return {name: value for name, value in part.items() if name != "audio"} if isinstance(part, dict) else part
