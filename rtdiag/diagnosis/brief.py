"""The brief of `rtdiag explain --brief`: what was handed over, taken apart and cut to a size, and what it may be.

A reader who understands prose finds the cause where signs do not. What is given is masked already (situation.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from rtdiag.api.expressions import expression
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause
from rtdiag.diagnosis.explaining import Explained
from rtdiag.diagnosis.features import Features, features
from rtdiag.diagnosis.kinds import Kind
from rtdiag.diagnosis.matching import UNKNOWN
from rtdiag.diagnosis.records import taken_apart
from rtdiag.diagnosis.shortlist import MOST, question, shortlist
from rtdiag.diagnosis.situation import Situation
from rtdiag.model import Brief, Candidate, Explanation, Flaw, Piece, PieceKind

MOST_TOKENS = 2500
_FOR_THE_FRAME = 450  # of them: headings, what is asked of the reader, what is longer than it is counted
_FRAME = 8  # around a piece or a cause: its place, its indent
_MOST_PIECES = 30  # a share of less than thirty tokens tells nothing
_LAST = 8  # of them, kept from the end
_LONGEST_AGAINST, _MOST_AGAINST = 100, 2
_LONGEST_WORD = 100
_OF_A_WORD = 30  # what is left at each end of one that is longer
_LONG_WORD = expression(rf"[!-~]{{{_LONGEST_WORD},}}")  # of other scripts not, some of which know no blanks
_KINDS: Mapping[Kind, PieceKind] = {
    "machine": "machine",
    "person": "person",
    "denied": "person",
    "code": "code",
    "healthy": "healthy",
}
_BY_HAND = ("said before it: ", "said after it: ")  # as readers put down what stands around a machine's words
_BY_NAME = ("status", "close")


def brief(given: Iterable[Explanation]) -> Brief:
    """The brief of all that was handed over, as one matter; of codes alone, what can stand behind them."""
    given = list(given)
    situations = [situation for one in given for situation in _situations(one) or _as_one(one)]
    causes = _likeliest(given, situations)
    told = [features(situation) for situation in situations]
    candidates = tuple(_candidate(cause, told) for cause in causes)
    evidence = list(dict.fromkeys(piece for one in given for piece in pieces(one)))
    decides = question(situations, causes) if situations else next((one.decides for one in given), "")
    return Brief(
        fitted(evidence, MOST_TOKENS - _FOR_THE_FRAME - sum(map(_cost, candidates))),
        candidates,
        decides,
    )


def pieces(one: Explanation) -> Iterator[Piece]:
    """What was handed over, piece by piece, in its order."""
    if one.form == "code":
        yield Piece("known", "", f"what is asked is what {one.input} means")
    elif one.note:
        yield Piece("known", _named(one), one.note)
    for situation in _situations(one):
        yield from _of_situation(situation, situation.where or _named(one))
    yield from map(_of_flaw, one.flaws)
    if isinstance(one, Explained) and one.text.strip():
        whole = Piece("code", _named(one), one.text.strip())
        yield from (whole,) if "source code" in one.form else _told(one.text, _named(one))


def tokens(text: str) -> int:
    """About how many tokens a text has: four plain characters make one, any other is one by itself."""
    plain = len(text.encode("ascii", "ignore"))
    return -(-plain // 4) + len(text) - plain


def fitted(given: Sequence[Piece], most: int) -> tuple[Piece, ...]:
    """The pieces within so many tokens: the first and the last, long ones cut so that short ones stay whole."""
    kept = [_without_long_words(piece) for piece in _first_and_last(given)]
    room = most - _FRAME * len(kept)
    share = _share([_printed(piece.text) for piece in kept], room)
    return tuple(Piece(piece.kind, piece.where, _cut(piece.text, share)) for piece in kept)


def _named(one: Explanation) -> str:
    return "standard input" if one.input == "-" else one.input


def _situations(one: Explanation) -> tuple[Situation, ...]:
    return one.situations if isinstance(one, Explained) else ()


def _as_one(one: Explanation) -> tuple[Situation, ...]:
    """What nothing was found in, to see what it resembles."""
    return (Situation(one.text),) if isinstance(one, Explained) and one.text.strip() else ()


def _likeliest(given: Sequence[Explanation], situations: Sequence[Situation]) -> list[Cause]:
    """The causes that were named, then those that it may be; of codes alone those behind them."""
    named = [d.cause for one in given for d in one.diagnosis if d.cause != UNKNOWN]
    behind = [candidate.cause for one in given for candidate in one.candidates]
    shortlisted = [cause.code for cause in shortlist(situations)]
    return [catalogue.find(code) for code in dict.fromkeys([*named, *shortlisted, *behind])][:MOST]


def _printed(text: str) -> int:
    """The same with the indent of each line."""
    return tokens(text.replace("\n", "\n    "))


def _of_situation(situation: Situation, where: str) -> Iterator[Piece]:
    asked = " ".join(filter(None, (situation.method, situation.url)))
    credential = f"with {situation.credential}" if situation.credential else ""
    answered = f"-> {situation.status}" if situation.status is not None else ""
    if asked or answered:
        yield Piece("request", where, " ".join(filter(None, (asked, credential, answered))))
    known = {
        "content type": situation.content_type,
        "over": situation.surface,
        "dialect": situation.dialect,
        "on": situation.when and situation.when.isoformat(),
        "failed": situation.failure,
    }
    told = [f"{name} {value}" for name, value in known.items() if value]
    by_hand = [one for one in situation.circumstances if one.startswith(_BY_HAND)]
    if facts := [*told, *(one for one in situation.circumstances if one not in by_hand), *situation.observed]:
        yield Piece("known", where, "; ".join(facts))
    yield from (Piece("person", where, said) for said in by_hand)
    if situation.sent:
        yield Piece("known", where, f"sent: {situation.sent}")
    yield from _told(situation.text, where)


def _told(text: str, where: str) -> Iterator[Piece]:
    """A text, what a machine said apart from what a person says; what that denies is its words, too."""
    for kind, together in groupby(taken_apart(text), key=lambda piece: _KINDS[piece.kind]):
        said = ""
        for piece in together:
            said += f"\n{piece.text}" if piece.text not in said else ""
        yield Piece(kind, where, said.strip())


def _of_flaw(flaw: Flaw) -> Piece:
    return Piece("code", f"{flaw.file}:{flaw.line}", f"{flaw.found} ({flaw.cause}: {flaw.why})")


def _candidate(cause: Cause, told: Iterable[Features]) -> Candidate:
    against = dict.fromkeys(text for seen in told for text in _against(cause, seen))
    return catalogue.candidate(cause, tuple(against)[:_MOST_AGAINST])


def _cost(one: Candidate) -> int:
    return _FRAME + tokens(f"{one.cause}: {one.summary} decides: {one.ask} against: {'; '.join(one.against)}")


def _against(cause: Cause, told: Features) -> Iterator[str]:
    """What was found that speaks against a cause, and a status or close code that it is not known with."""
    for sign in cause.speaks_against:
        if seen := sign.seen_in(told):
            yield " and ".join(f"{name} {text!r}" for name, text in seen)[:_LONGEST_AGAINST]
    for name in _BY_NAME:
        known = [pattern for sign in cause.speaks_for for feature, pattern in sign.when if feature == name]
        if told[name] and known and not any(pattern.search(told[name]) for pattern in known):
            yield f"it is not known with {name} {told[name]}"


def _first_and_last(given: Sequence[Piece]) -> list[Piece]:
    if len(given) <= _MOST_PIECES:
        return list(given)
    left_out = Piece("known", "", f"{len(given) - _MOST_PIECES} pieces of evidence in between are left out")
    return [*given[: _MOST_PIECES - _LAST], left_out, *given[-_LAST:]]


def _without_long_words(piece: Piece) -> Piece:
    """Audio, tokens and the like are long and say nothing."""

    def short(found: re.Match[str]) -> str:
        word = found[0]
        return f"{word[:_OF_A_WORD]}…({len(word)} characters)…{word[-_OF_A_WORD:]}"

    return Piece(piece.kind, piece.where[:_LONGEST_WORD], _LONG_WORD.sub(short, piece.text))


def _share(costs: Sequence[int], room: int) -> int:
    """The most that each may have, so that together they fit: what short ones leave over, long ones share."""
    left = len(costs)
    for cost in sorted(costs):
        if cost * left > room:
            return max(room // left, 0)
        room, left = room - cost, left - 1
    return max(costs, default=0)


def _cut(text: str, most: int) -> str:
    """The beginning and the end of a text, within so many tokens."""
    if _printed(text) <= most:
        return text
    mark = f" … {len(text)} characters in all … "
    room = max(most - tokens(mark), 0)
    head, tail = _within(text, room * 2 // 3), _within(text[::-1], room // 3)[::-1]
    return f"{head}{mark}{tail}"


def _within(text: str, most: int) -> str:
    """The longest beginning of at most so many tokens."""
    few, many = 0, min(len(text), 4 * most)
    while few < many:
        middle = (few + many + 1) // 2
        few, many = (middle, many) if _printed(text[:middle]) <= most else (few, middle - 1)
    return text[:few]
