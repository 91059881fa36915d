"""Updates that go over a session's channel, one after another or ahead of their answers, and what came of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rtdiag.api import sessions
from rtdiag.api.sessions import Json
from rtdiag.engine.findings import differences
from rtdiag.model import Event
from rtdiag.transport.channel import Channel, is_certain
from rtdiag.transport.recorder import Recorder


@dataclass(frozen=True)
class UpdateAnswer:
    """A client event and what came back: `answer` is None where nothing came, `asked` is False where it was not even sent.

    A session that left one event unanswered is not asked again: each further silence would cost another deadline. `ended`: it
    was closed before it answered. `cut`: nothing at all came back, no sign of life either. `lost` is what is known of a
    session whose way is gone (`Session.lost`).
    """

    sent: Event | None = None
    answer: Event | None = None
    asked: bool = True
    ended: bool = False
    cut: bool = False
    lost: Mapping[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """What a judge has to know of it beside its events."""
        lost = {"lost": dict(self.lost)} if self.lost else {}
        return {"asked": self.asked, "ended": self.ended, "cut": self.cut, **lost}

    @property
    def events(self) -> tuple[Event, ...]:
        """What was sent and what came back, as far as there is any."""
        return tuple(filter(None, (self.sent, self.answer)))


@dataclass(frozen=True)
class Ahead:
    """How many updates were sent ahead, each with its effect, and what answers the first of them, as far as that is certain."""

    answers: tuple[UpdateAnswer, ...] = ()
    sent: int = 0


class Updates:
    """Those of all sessions of a run. `silent` are sessions that have left one unanswered, or are over: they are asked no more."""

    def __init__(self, recorder: Recorder) -> None:
        self.silent: set[str] = set()
        self._over: set[str] = set()  # sessions that have said so, though their channel may be open for a moment
        self._in_order: dict[str, bool] = {}  # whether it can be told which of a session's answers is to what
        self._recorder = recorder

    async def ahead(self, session: Channel | None, events: Sequence[Json]) -> Ahead:
        """Send these at once, as many as this session can be told.

        The first one of a session goes alone: its answer shows whether it can be told which event that is to.
        """
        if session is None or len(events) < 2:
            return Ahead()
        first = () if session.id in self._in_order else (await self.one(session, events[0]),)
        if not self._in_order.get(session.id) or not session.open or session.id in self.silent:
            return Ahead(first, len(first))
        sent = [self._sent(session, event) for event in events[len(first) :]]
        answers = await session.answers_to(sent, sessions.UPDATED, _shows)
        self._in_order[session.id] = len(answers) == len(sent)
        rest = (self._answered(session, *one) for one in zip(sent, answers, strict=False))
        return Ahead((*first, *rest), len(events))

    async def one(self, session: Channel | None, event: Json) -> UpdateAnswer:
        """Send it, and wait for what answers it."""
        if session is None or not session.open or session.id in self.silent:
            ended = session is not None and (not session.open or session.id in self._over)
            return UpdateAnswer(asked=False, ended=ended, lost=session.lost if session is not None else {})
        sent = self._sent(session, event)
        if session.owes:
            return await self._surely(session, sent)
        answer = await session.answer_to(sent, sessions.UPDATED)
        if answer is not None and is_certain(sent, answer, _shows):
            self._in_order.setdefault(session.id, True)
        return self._answered(session, sent, answer)

    async def _surely(self, session: Channel, sent: Event) -> UpdateAnswer:
        """What certainly answers it: an event has got no answer, and where it is not known which one, it may be this one."""
        certain = await session.answers_to([sent], sessions.UPDATED, _shows)
        return self._answered(session, sent, certain[0] if certain else None)

    def _sent(self, session: Channel, event: Json) -> Event:
        self._recorder.notice(f"{event['type']} on {session.id}")
        return session.send(event)

    def _answered(self, session: Channel, sent: Event, answer: Event | None) -> UpdateAnswer:
        if answer is not None:
            if answer.error is not None and answer.error.code == sessions.EXPIRED:
                self._over.add(session.id)
                self.silent.add(session.id)
            return UpdateAnswer(sent, answer)
        self.silent.add(session.id)
        return UpdateAnswer(sent, ended=not session.open, cut=session.cut, lost=session.lost)


def _shows(sent: Event, answer: Event) -> bool:
    """Whether the session in an answer is as an update wanted it."""
    asked, shown = (event.json.get("session") if isinstance(event.json, dict) else None for event in (sent, answer))
    return isinstance(shown, dict) and not any(differences(asked, shown))
