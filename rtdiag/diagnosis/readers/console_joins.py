"""Which messages of a console are one failure: a request and its body, a refusal and its echo, an error and the close after it."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from rtdiag.diagnosis.readers import closes
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.routes import path_of

Kind = Literal["cors", "request", "socket", "close", "body", "event", "exception"]

_NEAR = 50  # messages; what belongs together stands no further apart


@dataclass
class Message:
    """One message of a console: what it is, the draft of it, its line, and whether an object stands in it."""

    kind: Kind
    draft: Draft
    line: int
    has_body: bool = False


@dataclass
class _Kept:
    """The messages that are kept so far, and the first of each fact that one alone can tell."""

    messages: list[Message] = field(default_factory=list)
    _told: dict[Hashable, Message] = field(default_factory=dict)

    @property
    def last(self) -> Message | None:
        """The message before the one that is looked at."""
        return self.messages[-1] if self.messages else None

    def last_of(self, *kinds: Kind) -> Message | None:
        """The last message near by that is of one of these kinds."""
        return next((k for k in islice(reversed(self.messages), _NEAR) if k.kind in kinds), None)

    def same_as(self, message: Message) -> Message | None:
        """A message that tells the same, as it stands now."""
        same = self._told.get(_fact(message))
        return same if same and _fact(same) == _fact(message) else None

    def keep(self, message: Message) -> None:
        """Add a message."""
        self.messages.append(message)
        self.tells(message)

    def tells(self, message: Message) -> None:
        """Note what a message tells, now that it is new or another one has joined it."""
        self._told[_fact(message)] = self.same_as(message) or message


def joined(messages: list[Message]) -> list[Message]:
    """The messages of a paste with those put together that are one failure, in the order of the paste."""
    kept = _Kept()
    for message in messages:
        of = next(
            (one for join in (_repeats, _blocked, _echoes, _answers, _closes) if (one := join(kept, message))), None
        )
        if of is None:
            kept.keep(message)
        else:
            kept.tells(of)
    return _request_after_its_body(kept.messages)


def _fact(message: Message) -> Hashable:
    draft = message.draft
    return message.kind, path_of(draft.url or ""), draft.status, tuple(draft.circumstances)


def _repeats(kept: _Kept, message: Message) -> Message | None:
    """The same request and status printed twice, by the page and by the browser; or the same close."""
    same = kept.same_as(message) if message.kind in ("request", "close", "socket") and not message.has_body else None
    if same:
        same.draft.method = same.draft.method or message.draft.method
    return same


def _blocked(kept: _Kept, message: Message) -> Message | None:
    """A CORS refusal and the line of the request that it refused are one failure."""
    pair = {"cors", "request"}
    last = kept.last
    if last is None or {last.kind, message.kind} != pair or not _may_be_blocked(last, message):
        return None
    refusal, request = (last.draft, message.draft) if last.kind == "cors" else (message.draft, last.draft)
    refusal.method, refusal.url = request.method, refusal.url or request.url
    refusal.status = refusal.status or request.status
    refusal.circumstances += request.circumstances
    last.kind, last.draft, last.has_body = "cors", refusal, True
    return last


def _may_be_blocked(one: Message, other: Message) -> bool:
    places = {path_of(m.draft.url or "") for m in (one, other)} - {""}
    return len(places) <= 1 and not one.has_body and not other.has_body


def _echoes(kept: _Kept, message: Message) -> Message | None:
    """`Failed to fetch` says no more than the CORS or network failure before it."""
    echo = message.kind == "exception" and re.search(
        r"Failed to fetch|NetworkError when|Load failed", message.draft.text
    )
    last = kept.last
    if not echo or last is None or last.kind not in ("cors", "request") or last.draft.surface != "client":
        return None
    last.draft.circumstances.append(f"then: {message.draft.text[:200]}")
    return last


def _answers(kept: _Kept, message: Message) -> Message | None:
    """A body belongs to the last request line before it that has none and whose status does not contradict."""
    request = kept.last_of("request", "body", "event") if message.kind == "body" else None
    if request is None or request.kind != "request" or request.has_body or not _fits(request.draft, message.draft):
        return None
    request.draft.text, request.has_body = message.draft.text, True
    request.draft.status = request.draft.status or message.draft.status
    return request


def _closes(kept: _Kept, message: Message) -> Message | None:
    """A close whose reason is the code of the error before it says the same once more."""
    reason = closes.reason_in(message.draft.text) if message.kind == "close" else ""
    last = kept.last_of("event", "body") if reason else None
    if last is None or reason.split(".")[-1] not in last.draft.text:
        return None
    last.draft.circumstances.append(f"then closed with {message.draft.status} {reason}")
    return last


def _fits(request: Draft, body: Draft) -> bool:
    statuses = {s for s in (request.status, body.status) if s is not None}
    return len(statuses) <= 1 and request.surface != "client"


def _request_after_its_body(kept: list[Message]) -> list[Message]:
    """The one body and the one request of a paste belong together in either order."""
    found = [k for k in kept if k.kind == "body"]
    requests = [k for k in kept if k.kind == "request"]
    if len(found) != 1 or len(requests) != 1 or requests[0].has_body or not _fits(requests[0].draft, found[0].draft):
        return kept
    requests[0].draft.text, requests[0].line = found[0].draft.text, found[0].line
    return [requests[0] if k is found[0] else k for k in kept if k is not requests[0]]
