"""Which fields of a session a server refuses: a search that says what to send next and is told what came. Pure.

What the error names is left out first and believed only when the session is taken without it. Where it names nothing, or the
wrong thing, the fields are halved. It assumes that a field that is refused is refused whatever else is sent; where that does not
hold, the result is still a session that was taken.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rtdiag.api.sessions import Json
from rtdiag.model import ApiError
from rtdiag.remedy.json_paths import Place, at, fields, leaves, named, within, without

# How often a server is asked at most: as many mints as the check `vad` makes anyway. A bad field that the error names takes 1, of
# several each 2; one among twenty that no error names takes up to 10 (both counted in tests/unit/test_field_search.py).
MOST_ASKED = 12


@dataclass(frozen=True)
class Answer:
    """What a server said of a session: taken, or refused with this error."""

    taken: bool
    error: ApiError | None = None


@dataclass(frozen=True)
class Culprit:
    """A field that is refused. `left_out` is what had to go: the field, or the object that cannot be without it."""

    place: Place
    left_out: Place
    error: ApiError | None = None


@dataclass(frozen=True)
class Found:
    """The fields that are refused, and a session that was taken, None if none was.

    `undecided` are the fields of which some more are refused, and no answer was left to say which. `asked` counts the answers.
    No field and nothing undecided: it is refused even with what it must have alone.
    """

    culprits: tuple[Culprit, ...]
    taken: Json | None
    undecided: tuple[Place, ...] = ()
    asked: int = 0


Asking = Generator[Json, Answer | None, Any]


def search(
    session: Json, error: ApiError | None, *, required: Collection[Place] = (), most: int = MOST_ASKED
) -> Generator[Json, Answer | None, Found]:
    """The search for a session that was refused with `error`; `required` is never left out.

    Yields each session to send and wants its Answer; None, where none came, ends the search.
    """
    hunt = _Hunt(session, error, tuple(required), most)
    try:
        yield from hunt.by_name()
        if not hunt.done:
            yield from hunt.by_halves()
        yield from hunt.verified()
    except _Spent:
        pass
    return hunt.found()


class _Spent(Exception):  # noqa: N818 - it is no error
    """No answer is left."""


class _Hunt:
    def __init__(self, session: Json, error: ApiError | None, required: tuple[Place, ...], most: int) -> None:
        self._session, self._first, self._required, self._most = session, error, required, most
        self._heard: dict[str, Answer] = {}
        self._guesses: list[Culprit] = []  # named by an error, and not yet held against an answer
        self._sure: list[Culprit] = []
        self._open: tuple[Place, ...] = ()
        self._best: Json | None = None
        self.done = False

    def found(self) -> Found:
        """What is known now."""
        culprits = (*self._sure, *(self._guesses if self.done else ()))
        unproven = () if self.done else tuple(g.place for g in self._guesses)
        undecided = tuple(dict.fromkeys((*unproven, *self._open)))
        return Found(culprits, self._best, undecided, len(self._heard))

    def by_name(self) -> Asking:
        """Leave out what each error names, one after another, as long as that changes the answer."""
        error = self._first
        while (place := self._named(error)) is not None:
            culprits = [c for c in self._guesses if not within(c.left_out, place)]
            inner = [c for c in self._guesses if within(c.left_out, place)]
            new = Culprit(inner[-1].place, place, inner[-1].error) if inner else Culprit(place, _whole(place), error)
            answer = yield from self._ask(_out([*culprits, new]))
            if not answer.taken and answer.error == error:
                return  # it made no difference
            self._guesses = [*culprits, new]
            error = answer.error
            if answer.taken:
                self.done = True
                return

    def by_halves(self) -> Asking:
        """Find every refused field among those that no error has named rightly."""
        out = _out(self._guesses)
        suspects = [p for p in self._units() if not any(within(p, gone) for gone in out)]
        self._open = tuple(suspects)
        least = yield from self._ask([*out, *suspects])
        if not least.taken:
            self._blame_what_must_stay(least.error)
            return
        yield from self._bad(suspects, out, [])
        self._open = ()
        self.done = (yield from self._ask([*out, *_out(self._sure)])).taken

    def verified(self) -> Asking:
        """Put each guess back alone, where there are several: one that is taken then was innocent."""
        while self.done and len(self._guesses) + len(self._sure) > 1 and self._guesses:
            guess = self._guesses[0]
            rest = [*_out(self._sure), *_out(self._guesses[1:])]
            answer = yield from self._ask_or_doubt(rest)
            self._guesses = self._guesses[1:]
            if not answer.taken:
                self._sure.append(guess)

    def _bad(self, suspects: list[Place], out: list[Place], later: list[Place]) -> Asking:
        """The refused ones among the suspects, where it is taken without all of them and refused with all of them.

        `later` are among `out`, and come next.
        """
        mine: list[Place] = []
        while suspects:
            low, high = 0, len(suspects)
            while high - low > 1:
                self._open = (*suspects[low:], *later)
                middle = (low + high) // 2
                taken = (yield from self._ask([*out, *mine, *suspects[middle:]])).taken
                low, high = (middle, high) if taken else (low, middle)
            unit, suspects = suspects[low], suspects[low + 1 :]
            mine += yield from self._inside(unit, [*out, *mine, *suspects], [*suspects, *later])
            self._open = (*suspects, *later)
            if (yield from self._ask([*out, *mine])).taken:
                break
        return mine

    def _inside(self, unit: Place, out: list[Place], later: list[Place]) -> Generator[Json, Answer | None, list[Place]]:
        """The refused members of a refused object; the whole where it is refused without them too."""
        inner = [p for p, _ in leaves(at(self._session, unit), unit) if p != unit and p[-1] not in ("type", "model")]
        self._open = (unit, *later)
        if inner and (yield from self._ask([*out, *inner])).taken:
            return (yield from self._bad(inner, out, later))  # type: ignore[no-any-return]
        refused = yield from self._ask(out)
        self._sure.append(Culprit(unit, unit, refused.error))
        return [unit]

    def _ask(self, out: Iterable[Place]) -> Generator[Json, Answer | None, Answer]:
        shorter = without(self._session, out)
        key = json.dumps(shorter, sort_keys=True, default=str)
        if shorter == self._session:
            return Answer(False, self._first)
        if key not in self._heard:
            if len(self._heard) >= self._most:
                raise _Spent
            answer = yield shorter
            if answer is None:
                raise _Spent
            self._heard[key] = answer
            if answer.taken and _size(shorter) > _size(self._best):
                self._best = shorter
        return self._heard[key]

    def _ask_or_doubt(self, out: Iterable[Place]) -> Generator[Json, Answer | None, Answer]:
        try:
            return (yield from self._ask(out))
        except _Spent:
            self._open, self._guesses = (*self._open, *(g.place for g in self._guesses)), []
            raise

    def _named(self, error: ApiError | None) -> Place | None:
        left = without(self._session, _out(self._guesses))
        place = named(left, error.param, error.message) if error else None
        return place if place and not self._needed(place) else None

    def _needed(self, place: Place) -> bool:
        return any(within(needed, place) for needed in self._required)

    def _units(self) -> list[Place]:
        """What can be left out: each field of the session, and of one that must stay, its other members."""
        every: list[Place] = []
        for place in fields(self._session):
            members = [p for p, _ in leaves(at(self._session, place), place)] if self._needed(place) else [place]
            every += [p for p in members if p not in self._required]
        return every

    def _blame_what_must_stay(self, error: ApiError | None) -> None:
        """It is refused without all that may be left out, too: what must stay is it, or nothing of the session's own."""
        self._guesses, self._open = [], ()
        place = named(self._session, error.param, error.message) if error else None
        if place in self._required:
            self._sure = [Culprit(place, place, error)]


def _whole(place: Place) -> Place:
    """What has to go for a field to be gone: an object is nothing without its type, and an update would keep the old one's."""
    return place[:-1] if len(place) > 1 and place[-1] == "type" else place


def _out(culprits: Iterable[Culprit]) -> list[Place]:
    return [c.left_out for c in culprits]


def _size(session: Mapping[str, Any] | None) -> int:
    return -1 if session is None else sum(1 for _ in leaves(session))
