"""What passed on one data channel or WebSocket, event by event: which events are failures, and what led to each.

Where no event is a failure, what stands out is told: an update that was never answered, audio that nobody heard, a setting that
came back as another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtdiag.diagnosis.readers import closes
from rtdiag.diagnosis.readers.forms import Draft, cut
from rtdiag.diagnosis.readers.plain import at, compact, text_at
from rtdiag.model import counted

_UPDATES = ("session.update", "transcription_session.update")
_CREATED = ("session.created", "transcription_session.created")
_UPDATED = ("session.updated", "transcription_session.updated")
_FAILED = ("failed", "incomplete")
_APPEND = "input_audio_buffer.append"
_MOST_REMEMBERED = 1000
_MOST_FAILURES = 200
_LONGEST_SENT = 64 * 1024


class Channel:
    """Fed with the events of one channel in their order; `failures` gives what they tell.

    Nothing is kept of an event but what a failure may need. `may_still_answer`: what did not come may only not have come yet.
    """

    def __init__(self) -> None:
        self.events = self.failed = 0
        self.may_still_answer = False
        self._facts: dict[str, str] = {}
        self._failures: list[Draft] = []
        self._by_id: dict[str, tuple[str, str]] = {}
        self._last: tuple[str, str] | None = None
        self._last_of: dict[str, tuple[str, str]] = {}
        self._waiting: tuple[str, str] | None = None
        self._appended = 0
        self._seen: set[str] = set()
        self._vad_sent: str | None = None
        self._vad_said: str | None = None
        self._updated_text = ""

    def feed(self, event: Mapping[str, Any], raw: str, sent: bool | None, where: str) -> None:
        """Take in one event: `raw` is its JSON, `sent` whether the client sent it, None where that is not known."""
        self.events += 1
        kind = str(event.get("type"))
        if sent:
            self._client(kind, event, raw)
        else:
            self._server(kind, event, raw, where)

    def close(self, draft: Draft, where: str) -> None:
        """Take in a close; one whose reason is the code of the error before it adds to that."""
        self.events += 1
        reason = closes.reason_in(draft.text)
        last = self._failures[-1] if self._failures else None
        if last is not None and reason and reason.split(".")[-1] in last.text:
            last.circumstances.append(f"then closed with {draft.status} {reason}")
        elif draft.status not in (1000, 1001, 1005) or reason:
            self._fail(draft.text, where, self._last, draft.status)

    @property
    def is_of_a_session(self) -> bool:
        """Whether an event passed that no other product names so; `error` is a name that many use."""
        return bool(self._last or self._appended or self._seen - {"error"})

    def failures(self) -> list[Draft]:
        """One draft per failure, in their order; where there are none, at most one with all that stands out."""
        odd = self._oddities()
        if self._failures:
            for draft in self._failures:
                draft.circumstances += [fact for fact in odd if fact.startswith("turn_detection sent")]
            return self._failures
        if not odd:
            return []
        kind, sent = self._last_of.get("update") or self._last or (None, None)
        facts = [*self._facts.values(), *odd]
        return [
            Draft(
                self._updated_text,
                "event" if kind else None,
                kind,
                sent=sent,
                surface="data_channel",
                circumstances=facts,
            )
        ]

    def _client(self, kind: str, event: Mapping[str, Any], raw: str) -> None:
        if kind == _APPEND:
            self._appended += 1
            return
        self._last = (kind, cut(raw, _LONGEST_SENT))
        self._last_of["update" if kind in _UPDATES else kind] = self._last
        if isinstance(name := event.get("event_id"), str) and len(self._by_id) < _MOST_REMEMBERED:
            self._by_id[name] = self._last
        if kind in _UPDATES:
            self._waiting = self._last
            self._vad_sent = turn_detection(event.get("session")) or self._vad_sent

    def _server(self, kind: str, event: Mapping[str, Any], raw: str, where: str) -> None:
        self._seen.add(kind if len(self._seen) < _MOST_REMEMBERED else "")
        if kind in _CREATED or kind in _UPDATED:
            self._learn(kind, event.get("session"), raw)
        failed = kind == "error" or kind.endswith(".failed")
        if failed or (kind == "response.done" and text_at(event, "response", "status") in _FAILED):
            self._fail(raw, where, self._culprit(kind, event))
            self._waiting = None

    def _learn(self, kind: str, session: Any, raw: str) -> None:
        says = text_at(session, "object") or text_at(session, "type")
        if kind in _UPDATED:
            self._waiting, self._updated_text = None, cut(raw, _LONGEST_SENT)
            self._vad_said = turn_detection(session) or self._vad_said
        if says and (kind in _CREATED or "says" not in self._facts):
            self._facts["says"] = f"{kind} says {says}"
        if model := text_at(session, "model"):
            self._facts["model"] = f"model {model}"
        if (vad := turn_detection(session)) is not None:
            self._facts["vad"] = f"turn_detection in force: {vad}"
        self._facts["transcription"] = f"transcription in force: {transcription(session)}"

    def _culprit(self, kind: str, event: Mapping[str, Any]) -> tuple[str, str] | None:
        """The client event that an error is about: by its id, else by what the error names, else the last one."""
        named = text_at(event, "error", "event_id")
        if named and named in self._by_id:
            return self._by_id[named]
        if kind.startswith("response."):
            return self._last_of.get("response.create") or self._last
        if kind != "error":
            return self._last_of.get("update") or self._last
        param = text_at(event, "error", "param") or ""
        return (self._last_of.get("update") if param.startswith("session") else None) or self._last

    def _fail(self, text: str, where: str, culprit: tuple[str, str] | None, close: int | None = None) -> None:
        self.failed += 1
        if len(self._failures) >= _MOST_FAILURES:
            return
        kind, sent = culprit or (None, None)
        draft = Draft(text, "event" if kind else None, kind, sent=sent, surface="data_channel", where=where)
        draft.circumstances += self._facts.values()
        if close is not None:
            draft.status, draft.surface = close, "websocket_close"
        self._failures.append(draft)

    def _oddities(self) -> list[str]:
        odd = []
        if self._vad_sent and self._vad_said and self._vad_sent != self._vad_said:
            odd.append(f"turn_detection sent {self._vad_sent}, session.updated says {self._vad_said}")
        return odd if self.may_still_answer else [*odd, *self._unanswered()]

    def _unanswered(self) -> list[str]:
        odd = []
        if self._waiting:
            odd.append(f"{self._waiting[0]} was sent and never answered")
        heard = "input_audio_buffer.speech_started" in self._seen
        if self._appended and not heard and self._facts.get("vad") != "turn_detection in force: none":
            odd.append(
                f"audio was appended {counted(self._appended, 'time')}, no input_audio_buffer.speech_started came"
            )
        # A part of a log may leave out what came of it.
        taken = "input_audio_buffer.committed" in self._seen and not self._seen.isdisjoint(_CREATED)
        if taken and not any(k.startswith("response.") or "_transcription." in k for k in self._seen):
            odd.append("speech was taken in, no transcription and no response came")
        if (self._last or self._appended) and not self._seen:
            odd.append("events were sent, none was received")
        return odd


def turn_detection(session: Any) -> str | None:
    """The type of turn detection that a session object names, `none` where it is null, None where it says nothing."""
    for place in (session, at(session, "audio", "input")):
        if isinstance(place, Mapping) and "turn_detection" in place:
            found = place["turn_detection"]
            return "none" if found is None else text_at(found, "type")
    return None


def transcription(session: Any) -> str:
    """The transcription model of a session object, or `none`."""
    found = at(session, "audio", "input", "transcription") or at(session, "input_audio_transcription")
    return text_at(found, "model") or (compact(found) if found else "none")
