"""Which messages of a console are one failure: a request and its body, a refusal and its echo, an error and the close after it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rtdiag.diagnosis.readers import closes
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.routes import path_of

Kind = Literal["cors", "request", "socket", "close", "body", "event", "exception"]


@dataclass
class Message:
    """One message of a console: what it is, the draft of it, its line, and whether an object stands in it."""

    kind: Kind
    draft: Draft
    line: int
    has_body: bool = False


def joined(messages: list[Message]) -> list[Message]:
    """The messages of a paste with those put together that are one failure, in the order of the paste."""
    kept: list[Message] = []
    for message in messages:
        if not any(join(kept, message) for join in (_repeats, _blocked, _echoes, _answers, _closes)):
            kept.append(message)
    return _request_after_its_body(kept)


def _repeats(kept: list[Message], message: Message) -> bool:
    """The same request and status printed twice, by the page and by the browser; or the same close."""
    same = next((k for k in kept if k.kind == message.kind and _same_fact(k.draft, message.draft)), None)
    if same is None or message.kind not in ("request", "close", "socket") or message.has_body:
        return False
    same.draft.method = same.draft.method or message.draft.method
    return True


def _same_fact(one: Draft, other: Draft) -> bool:
    same_place = path_of(one.url or "") == path_of(other.url or "")
    return same_place and one.status == other.status and one.circumstances == other.circumstances


def _blocked(kept: list[Message], message: Message) -> bool:
    """A CORS refusal and the line of the request that it refused are one failure."""
    pair = {"cors", "request"}
    last = kept[-1] if kept else None
    if last is None or {last.kind, message.kind} != pair or not _may_be_blocked(last, message):
        return False
    refusal, request = (last.draft, message.draft) if last.kind == "cors" else (message.draft, last.draft)
    refusal.method, refusal.url = request.method, refusal.url or request.url
    refusal.status = refusal.status or request.status
    refusal.circumstances += request.circumstances
    last.kind, last.draft, last.has_body = "cors", refusal, True
    return True


def _may_be_blocked(one: Message, other: Message) -> bool:
    places = {path_of(m.draft.url or "") for m in (one, other)} - {""}
    return len(places) <= 1 and not one.has_body and not other.has_body


def _echoes(kept: list[Message], message: Message) -> bool:
    """`Failed to fetch` says no more than the CORS or network failure before it."""
    echo = message.kind == "exception" and re.search(
        r"Failed to fetch|NetworkError when|Load failed", message.draft.text
    )
    last = kept[-1] if kept else None
    if not echo or last is None or last.kind not in ("cors", "request") or last.draft.surface != "client":
        return False
    last.draft.circumstances.append(f"then: {message.draft.text[:200]}")
    return True


def _answers(kept: list[Message], message: Message) -> bool:
    """A body belongs to the last request line before it that has none and whose status does not contradict."""
    if message.kind != "body":
        return False
    request = next((k for k in reversed(kept) if k.kind in ("request", "body", "event")), None)
    if request is None or request.kind != "request" or request.has_body or not _fits(request.draft, message.draft):
        return False
    request.draft.text, request.has_body = message.draft.text, True
    request.draft.status = request.draft.status or message.draft.status
    return True


def _closes(kept: list[Message], message: Message) -> bool:
    """A close whose reason is the code of the error before it says the same once more."""
    reason = closes.reason_in(message.draft.text) if message.kind == "close" else ""
    last = next((k for k in reversed(kept) if k.kind in ("event", "body")), None)
    if not reason or last is None or reason.split(".")[-1] not in last.draft.text:
        return False
    last.draft.circumstances.append(f"then closed with {message.draft.status} {reason}")
    return True


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
