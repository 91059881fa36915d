"""What the client sent over a channel, sent to the emulator's end of the same one, event by event; and how far a peer came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from rtdiag.api.sessions import UPDATED
from rtdiag.compare import comparing, normalize
from rtdiag.compare.comparing import Difference, What
from rtdiag.compare.drift.speakers import Json, Speaker
from rtdiag.model import Event, PeerTrace, api_error

# Events that follow from audio, which a report does not carry, on a channel that has heard any.
_FROM_AUDIO = ("input_audio_buffer.", "output_audio_buffer.", "conversation.item.", "response.", "rate_limits.")
_HEARD = ("input_audio_buffer.append", "input_audio_buffer.speech_", "input_audio_buffer.committed")

# The error that ends a session: public reports of it, 2026.
_ENDING = "session_expired"
_OPEN = "open to the end"


def peer(trace: PeerTrace) -> Iterator[Difference]:
    """The phase that failed, where the emulator's call would have gone on; silence after it is told by the events."""
    failure = trace.failure
    if failure is not None and failure.phase in ("answer", "ice", "dtls", "channel"):
        there = f"failed: {failure.detail}"
        yield Difference(trace.id, f"{trace.id} {failure.phase}", "peer", there, "the emulator's call gets past it")


class Channel:
    """All events of one channel against the emulator's end of the same one.

    `differences` are those found, `compared` is how many events were looked at. Not looked at were those `from_audio`, and those
    `too_late`, after the session had `ended` there, and what was `unanswered` when an interrupted run ended.
    """

    def __init__(self, peer: PeerTrace, now_s: float, *, interrupted: bool) -> None:
        self.differences: list[Difference] = []
        self.compared = 0
        self.from_audio: list[str] = []
        self.too_late: list[str] = []
        self.unanswered: list[str] = []
        self.ended = False
        self._peer, self._now_s, self._interrupted = peer, now_s, interrupted
        self._standing: set[tuple[str, str, str]] = set()

    async def compare(self, events: Sequence[Event], speaker: Speaker) -> None:
        """Send again what was sent, and hold what comes back against what came there."""
        if any(e.type.startswith(_HEARD) for e in events):
            self.from_audio = [e.id for e in events if e.type.startswith(_FROM_AUDIO)]
        turns = _turns([e for e in events if e.id not in self.from_audio])
        while self._interrupted and turns and not turns[-1][1]:
            sent, _ = turns.pop()
            self.unanswered.insert(0, sent.id if sent else self._peer.id)
        for sent, received in turns:
            if self.ended:
                self.too_late += [e.id for e in (sent, *received) if e]
                continue
            self.ended = any(e.error is not None and e.error.code == _ENDING for e in received)
            refused = any(e.type == "error" for e in received)
            answers = await (speaker.receive(sent.raw, refused=refused) if sent else speaker.created())
            self.compared += len(received) + (sent is not None)
            self._turn(sent, received, answers, f"{self._peer.id} {sent.type if sent else 'unasked'}")
        there, here = _closed(self._peer), speaker.closed or _OPEN
        if there != here:
            self._found(self._peer.id, f"{self._peer.id} close", "peer", there, here)

    def _turn(self, sent: Event | None, received: list[Event], answers: list[Json], where: str) -> None:
        there, here = [e.type for e in received], [str(a.get("type")) for a in answers]
        asked = sent.id if sent else self._peer.id
        if there != here and sorted(there) == sorted(here):
            self._found(asked, where, "order", ", ".join(there), ", ".join(here))
            received, answers = (
                sorted(received, key=lambda e: e.type),
                sorted(answers, key=lambda a: str(a.get("type"))),
            )
            there = here = sorted(there)
        for kind, i, j, k, m in SequenceMatcher(None, there, here, autojunk=False).get_opcodes():
            if kind == "equal":
                for event, answer in zip(received[i:j], answers[k:m], strict=True):
                    self._event(event, answer, where)
            else:
                came = received[i].id if i < j else asked
                self._found(came, where, "event", _told([e.json for e in received[i:j]]), _told(answers[k:m]))

    def _event(self, event: Event, answer: Json, where: str) -> None:
        """Two events of one type. What differs just as it did in the session shown before is not listed again."""
        shown = event.json if isinstance(event.json, dict) else {}
        there, here = api_error(shown), api_error(answer)
        if there and here:
            for what, one, other in comparing.errors(there, here):
                self._found(event.id, where, what, one, other)
            shown, answer = ({"error": {"event_id": _named(side)}} for side in (shown, answer))
        found = list(normalize.differing(shown, answer, self._now_s))
        for path, one, other in found:
            if (path, one, other) not in self._standing:
                self._found(event.id, where, "body", one, other, path)
        if "session" in answer:
            self._standing = set(found)

    def _found(self, id_: str, where: str, what: What, there: str, here: str, of: str = "") -> None:
        self.differences.append(Difference(id_, where, what, there, here, of))


def _closed(peer: PeerTrace) -> str:
    """Code and reason of a close that was the server's.

    Not the server's are 1000, which rtdiag closes with, and 1006 unless the connection broke: then rtdiag's own got no answer.
    """
    code, reason = (str((peer.close or {}).get(name, "")) for name in ("code", "reason"))
    broke = peer.failure is not None and peer.failure.kind == "closed"
    ours = code == "1000" or (code == "1006" and not broke)
    return _OPEN if ours else f"{code} {reason}".strip() or _OPEN


def _named(event: Json) -> Any:
    """The client's event that an `error` event is about."""
    error = event["error"]
    return error.get("event_id") if isinstance(error, dict) else None


def _turns(events: Sequence[Event]) -> list[tuple[Event | None, list[Event]]]:
    """Each event that was sent, with those received until the next; the first are those that came unasked.

    Of several that were sent before anything came, each has what answers it: the `error` that names it, else the next one in order.
    """
    turns: list[tuple[Event | None, list[Event]]] = [(None, [])]
    places: dict[str, int] = {}
    at, answered, settled = 0, False, True
    for event in events:
        if event.direction == "sent":
            if own_id := _id_of(event.json):
                places[own_id] = len(turns)
            at, answered = (len(turns), False) if settled else (at, answered)
            turns.append((event, []))
            settled = False
            continue
        if event.type == "error" or event.type in UPDATED:
            following = min(at + answered, len(turns) - 1)
            at, answered = max(at, places.get(_id_of(event.error and event.json["error"]), following)), True
        turns[at][1].append(event)
        settled = at == len(turns) - 1
    return turns


def _id_of(told: Any) -> str:
    """The id that a client's event has, or that an error names; "" for none."""
    return str((isinstance(told, dict) and told.get("event_id")) or "")


def _told(events: Sequence[Any]) -> str:
    """Events by their types, an error by what it says."""
    told = []
    for event in events:
        error = api_error(event)
        told.append(f"error {error}" if error else str(event.get("type") if isinstance(event, dict) else event))
    return ", ".join(told) or "nothing"
