"""Whose each answer is, of events that were sent one behind the other: by servers that keep their order, and such that do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rtdiag.model import Event
from rtdiag.redact import Mask
from rtdiag.transport.channel import Channel
from rtdiag.transport.recorder import Deadlines, Recorder

UPDATED = frozenset({"session.updated"})
BAD = "refuse me"
Json = dict[str, Any]
# What a server does with the next event that it reads: the answers, or the end of the session (None).
Server = Callable[[Json], Sequence[Json | None]]


class Scripted(Channel):
    """A channel whose other end answers once the event loop comes to it, in the order in which it was asked."""

    def __init__(self, server: Server, event_s: float = 0.05) -> None:
        recorder = Recorder(Mask())
        super().__init__("p1", "oai-events", recorder, Deadlines(event_s=event_s))
        self._server, self._open, self.looked_alive = server, True, 0

    @property
    def open(self) -> bool:
        return self._open

    def _put(self, text: str) -> None:
        for answer in self._server(json.loads(text)):
            asyncio.get_running_loop().call_soon(self._comes, answer)

    def _comes(self, answer: Json | None) -> None:
        if answer is None:
            self._open = False
            self._changed.set()
        elif self._open:
            self._heard(json.dumps(answer))

    async def _alive(self, unanswered: Event) -> bool:
        self.looked_alive += 1
        return True


def updated(asked: Json) -> Json:
    return {"type": "session.updated", "session": asked["session"]}


def error(name: object) -> Json:
    return {"type": "error", "error": {"message": "no", "event_id": name}}


def well(asked: Json) -> list[Json | None]:
    """As the API answers: in order, an error by name."""
    return [error(asked["event_id"]) if asked["session"]["a"] == BAD else updated(asked)]


def shows(sent: Event, answer: Event) -> bool:
    return bool(sent.json["session"] == answer.json.get("session"))


def asked_of(server: Server, *settings: object) -> tuple[list[Event | None], Scripted]:
    """What each setting got, sent at once."""

    async def work() -> tuple[list[Event | None], Scripted]:
        channel = Scripted(server)
        sent = [channel.send({"type": "session.update", "session": {"a": a}}) for a in settings]
        return await channel.answers_to(sent, UPDATED, shows), channel

    return asyncio.run(work())


def told(answers: Sequence[Event | None]) -> list[object]:
    """What each answer shows, or which of our events (p1's number) it names."""
    return [
        None if a is None else a.json["session"]["a"] if a.type in UPDATED else a.json["error"]["event_id"]
        for a in answers
    ]


def number(count: int) -> str:
    return f"rtdiag_p1_{count}"


def test_each_has_its_own_answer() -> None:
    answers, channel = asked_of(well, 1, BAD, 2, BAD, BAD, 3)
    assert told(answers) == [1, number(2), 2, number(4), number(5), 3]
    assert not channel.cut
    assert channel.looked_alive == 0


def test_what_answers_nothing_of_this_lies_between() -> None:
    def talks(asked: Json) -> list[Json | None]:
        return [{"type": "rate_limits.updated"}, error("somebody_else"), *well(asked), {"type": "response.done"}]

    assert told(asked_of(talks, 1, BAD, 2)[0]) == [1, number(2), 2]


class Odd:
    """As the API, but the n-th event gets what `instead` says, of what it was asked and what was asked before."""

    def __init__(self, at: int, instead: Callable[[Json, list[Json]], Sequence[Json | None]]) -> None:
        self._at, self._instead, self._asked = at, instead, list[Json]()

    def __call__(self, asked: Json) -> Sequence[Json | None]:
        self._asked.append(asked)
        return self._instead(asked, self._asked) if len(self._asked) == self._at else well(asked)


@pytest.mark.parametrize(
    ("server", "settings", "certain"),
    [
        # swallowed: nothing, and all that follows is certain no more, nor what no name holds in its place
        (Odd(2, lambda _, __: []), (1, 2, 3), []),
        (Odd(2, lambda _, __: []), (BAD, 2, 3), [number(1)]),
        (Odd(1, lambda _, __: []), (1, BAD, 2), []),
        (Odd(3, lambda _, __: []), (1, BAD, 2, BAD), [1, number(2)]),
        # twice
        (Odd(1, lambda asked, _: [updated(asked)] * 2), (1, 2, 3), []),
        (Odd(3, lambda asked, _: [updated(asked)] * 2), (1, BAD, 2, BAD, 3), [1, number(2)]),
        (Odd(2, lambda asked, _: [error(asked["event_id"])] * 2), (1, BAD, 2), [1, number(2), 2]),
        (Odd(1, lambda asked, _: [updated(asked), error(asked["event_id"])]), (1, 2, 3), []),
        (Odd(1, lambda asked, _: [updated(asked), error(asked["event_id"])]), (1, BAD, 3), []),
        # nameless, or named as nobody's
        (Odd(2, lambda _, __: [error(None)]), (1, BAD, 2), [1]),
        (Odd(2, lambda _, __: [error("")]), (BAD, BAD, 2), [number(1)]),
        (Odd(2, lambda _, __: [error({"event": 2})]), (1, BAD), [1, None]),
        # not what was set: not applied, or the answer to another
        (Odd(1, lambda asked, _: [updated({"session": {"a": 0}})]), (1, 2), []),
        (Odd(2, lambda asked, _: [{"type": "session.updated"}]), (BAD, 2), [number(1)]),
        # the other way round
        (Odd(2, lambda asked, before: [updated(asked), updated(before[0])]), (1, 2), []),
    ],
)  # fmt: skip
def test_where_it_is_not_certain_whose_an_answer_is_none_has_it(
    server: Server, settings: Sequence[object], certain: Sequence[object]
) -> None:
    assert told(asked_of(server, *settings)[0]) == certain


def test_two_that_come_the_other_way_round_are_nobodys() -> None:
    kept: list[Json] = []

    def backwards(asked: Json) -> Sequence[Json | None]:
        kept.append(asked)
        return [answer for one in reversed(kept) for answer in well(one)] if len(kept) == 3 else []

    assert told(asked_of(backwards, BAD, 2, BAD)[0]) == []
    kept.clear()
    assert told(asked_of(backwards, 1, 2, 3)[0]) == []


@pytest.mark.parametrize(
    ("instead", "owes"),
    [
        (list[Json](), True),
        ([error(None)], False),
        ([{"type": "session.updated"}], False),
    ],
)
def test_a_channel_owes_an_answer_where_it_is_not_known_which_event_got_none(instead: list[Json], owes: bool) -> None:
    _, channel = asked_of(Odd(2, lambda _, __: instead), 1, 2, 3)
    assert channel.owes is owes


def test_silence_is_the_answer_to_the_first_that_got_none() -> None:
    def tired(asked: Json) -> list[Json | None]:
        return well(asked) if asked["session"]["a"] in (1, BAD) else []

    answers, channel = asked_of(tired, 1, BAD, 2, 3)
    assert told(answers) == [1, number(2), None]
    assert channel.looked_alive == 1
    assert not channel.cut


def test_a_session_that_ends_leaves_the_next_unanswered() -> None:
    answers, channel = asked_of(Odd(2, lambda _, __: [None]), 1, 2, 3)
    assert (told(answers), channel.cut, channel.looked_alive) == ([1, None], False, 0)


def test_the_last_words_of_a_session_are_its_answer_to_what_was_asked_next() -> None:
    answers, _ = asked_of(Odd(3, lambda _, __: [error(None), None]), 1, BAD, 2, 3)
    assert told(answers) == [1, number(2), None]
    assert [a.type for a in answers if a] == ["session.updated", "error", "error"]


class Waited(Scripted):
    """Its answers come one at each wait, and only while somebody waits; `waits` are how long each was to be at most."""

    def __init__(self, server: Server, event_s: float = 0.05) -> None:
        super().__init__(server, event_s)
        self._on_the_way: list[Json | None] = []
        self.waits: list[float] = []

    def _put(self, text: str) -> None:
        self._on_the_way += self._server(json.loads(text))

    async def _until(self, done: Callable[[], bool], limit_s: float) -> None:
        self.waits.append(limit_s)
        if self._on_the_way:
            self._comes(self._on_the_way.pop(0))


async def waited(server: Server, *settings: object) -> tuple[list[Event | None], Waited]:
    channel = Waited(server)
    sent = [channel.send({"type": "session.update", "session": {"a": a}}) for a in settings]
    return await channel.answers_to(sent, UPDATED, shows), channel


def test_the_deadline_is_that_of_each_not_of_all() -> None:
    answers, channel = asyncio.run(waited(well, 1, 2, BAD))
    assert told(answers) == [1, 2, number(3)]
    assert channel.waits == [0.05] * 3


def test_what_is_still_on_its_way_is_awaited_before_anything_is_asked_again() -> None:
    """Each answer comes twice: none of them may be taken for the answer to what is asked next."""
    answers, channel = asyncio.run(waited(lambda asked: [*well(asked), *well(asked)], 1, 2, 3, 4))
    assert told(answers) == []
    assert len(channel.received) == 8


def test_a_server_that_never_stops_answering_is_left() -> None:
    answers, channel = asyncio.run(waited(lambda asked: [*well(asked)] * 1000, 1, 2, 3))
    assert told(answers) == []
    assert len(channel.received) == 6
