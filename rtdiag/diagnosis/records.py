"""What a text is made of: what a machine said, what a person says, what is denied, and what is no evidence at all.

A text becomes records: an object, a line, a sentence. Words that belong together stand in one record; no sign looks across its end.

| kind | what it is | what it can do |
|---|---|---|
| `machine` | an error object, a library's line, a status, a server's sentence | decide |
| `upstream` | what a gateway tells of its own key, account or way at its upstream (upstream.py) | decide, of the gateway alone |
| `person` | a sentence in a person's own words | speak for a cause, never with high confidence |
| `denied` | what a person says is not so, or is in order (denial.py) | nothing |
| `code` | source code | nothing: it has not failed |
| `healthy` | events and lines of a log that tell of no failure | nothing |

What a record is by its spelling, kinds.py says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.denial import denies, undenied
from rtdiag.diagnosis.kinds import Kind, is_code, is_keyed, is_of_a_machine, of_record, tells_of_trouble
from rtdiag.diagnosis.lexicon import glossed

_LONGEST_OBJECT = 400  # lines
_OPENS = "{[(,"  # an object goes on behind a line that ends so
_WRAPPED = 56  # characters after which a line may have been wrapped
_A_LOG = 5  # calm records make a log
_WELL = frozenset[Kind]({"healthy", "code"})
_LONGEST_DENIAL = 400  # characters of a sentence before something else on its line
_LEAST_WORDS = 3  # of a sentence; what is shorter is a code or a name

_FENCE = expression(r"\s{0,8}```\w{0,12}\s*\Z")
_FRAME = expression(
    r"\s{0,20}(?:at (?:async )?[\w$.<>\[\] ]{1,120}[( ]|at \S+:\d+|File \"[^\"]{1,200}\", line \d+|\(anonymous\))"
)
_SENTENCE_ENDS = expression(
    r"(?<=[a-z\d)'\"`»”*][.!?])\s+(?=[\"'(“]?[A-Z¿¡{])|(?<=[a-z]{4}[.!?])\s+(?=\S)|(?<=[。！？])"
)
_SAID_BEFORE_AN_OBJECT = expression(r"([^{}\n]{8,2000}\w{2}[.!?]) (?=\{)")
_WORD = expression(r"[^\W\d_]{2}|\d{3}")
# What gives a person away, and how a denial begins.
_PERSONAL = expression(
    r"(?i)\b(?:i|i'?m|i'?ve|we|my|our|me|us|mine|anyone|anybody|somebody|someone|thanks|help|why|works?|worked|but|however|also|then"
    r"|same|tried|using)\b|\?\W{0,4}\Z"
)
_SPEAKER = expression(
    r"(?i)\A\W{0,4}(?:i|we|my|our|it|this|that|there|not|no|nothing|the|its?)\b|\b(?:i|we|my|our)\b|any ?more\W{0,4}\Z"
)


@dataclass(frozen=True)
class Record:
    """A part of a text that stands for itself: its kind, its words, and the line on which it begins (from 1)."""

    kind: Kind
    text: str
    line: int


@lru_cache(maxsize=8)  # of one situation several things are asked
def taken_apart(text: str) -> tuple[Record, ...]:
    """The records of a text in their order. Linear in its length; never raises."""
    return _as_a_log([*_each(text)])


def all_well(text: str) -> tuple[Record, ...]:
    """The records of a text in which something went well, and nothing stands beside that but code; of any other none.

    What is no such text mostly shows it soon, and then the rest of it is not taken apart.
    """
    found = []
    for one in _each(text):
        if one.kind not in _WELL and not _is_calm(one):
            return ()
        found.append(one)
    records = _as_a_log(found)
    kinds = {one.kind for one in records}
    return records if "healthy" in kinds and kinds <= _WELL else ()


def _each(text: str) -> Iterator[Record]:
    return (one for line, whole in _wholes(text.split("\n")) for one in _records(whole.strip(), line))


def _as_a_log(found: list[Record]) -> tuple[Record, ...]:
    """The same; where many lines are a log's, so are those that only look like a person's."""
    if sum(one.kind == "healthy" for one in found) < _A_LOG:
        return tuple(found)
    return tuple(replace(one, kind="healthy") if _is_calm(one) else one for one in found)


def _is_calm(one: Record) -> bool:
    """Whether it is a line of a log that looks like a person's sentence and tells of no trouble."""
    return one.kind == "person" and not _PERSONAL.search(one.text) and not tells_of_trouble(one.text)


def _wholes(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines that belong together as one: an object to its end, what is indented under it, keys and values, a wrapped sentence."""
    held: list[str] = []
    begun, depth = 1, 0
    for number, line in enumerate(lines, 1):
        blank = not line.strip() or bool(_FENCE.match(line))
        inside = depth > 0 and len(held) < _LONGEST_OBJECT
        if held and not inside and (blank or not _goes_on(held, line)):
            yield begun, "\n".join(held)
            held, depth = [], 0
        if not blank:
            begun = begun if held else number
            held.append(line)
            if depth > 0 or line.rstrip()[-1:] in _OPENS:
                depth += line.count("{", 0, 4000) - line.count("}", 0, 4000)
    if held:
        yield begun, "\n".join(held)


def _goes_on(held: list[str], line: str) -> bool:
    """Whether a line belongs to those before it."""
    last = held[-1]
    if _FRAME.match(line) or (is_keyed(line) and is_keyed(last)):
        return True
    if line[0] in " \t":
        return not (is_code(line) and is_code(held[0]))
    end = last.rstrip()[-1:]
    wrapped = len(last) > _WRAPPED and end not in ".!?:;}{>"
    return wrapped and (line[:1].islower() or end in ",-") and not is_code(line)


def _records(whole: str, line: int) -> Iterator[Record]:
    """What belongs together, as it is where it is an object, code or healthy; else in sentences."""
    start = 0
    while end := _said_before(whole, start):
        yield from _sentences(re.sub(r"\s+", " ", whole[start:end].strip()), line)
        start = end
    rest = whole[start:].strip()
    if not rest:
        return
    if kind := of_record(rest):
        yield Record(kind, rest, line)
    else:
        yield from _sentences(re.sub(r"\s+", " ", rest), line)


def _said_before(whole: str, start: int) -> int:
    """Where a person's sentence ends that stands before something else on its line; 0 where none does."""
    if said := _SAID_BEFORE_AN_OBJECT.match(whole, start):
        return said.end()
    end = _SENTENCE_ENDS.search(whole, start, start + _LONGEST_DENIAL)
    return end.end() if end and end.end() > start and _denied_by_someone(whole[start : end.start()]) else 0


def _sentences(whole: str, line: int) -> Iterator[Record]:
    """Its sentences; those of a machine that follow each other as one."""
    told: list[str] = []
    for sentence in _SENTENCE_ENDS.split(whole):
        if _tells(sentence) or (told and not _PERSONAL.search(sentence)):
            told.append(sentence)
            continue
        if told:
            yield Record("machine", " ".join(told), line)
            told = []
        yield from _of_a_person(sentence, line)
    if told:
        yield Record("machine", " ".join(told), line)


def _tells(sentence: str) -> bool:
    """Whether a machine says it, and no person denies it."""
    return is_of_a_machine(sentence) and not _denied_by_someone(sentence)


def _denied_by_someone(sentence: str) -> bool:
    return bool(_SPEAKER.search(sentence)) and "{" not in sentence and denies(sentence)


def _of_a_person(sentence: str, line: int) -> Iterator[Record]:
    if not _WORD.search(sentence):
        return
    if sentence.isascii() and len(sentence.split(maxsplit=_LEAST_WORDS)) < _LEAST_WORDS:
        yield Record("machine", sentence, line)
        return
    sentence = glossed(sentence).strip()
    kept = undenied(sentence)
    if kept != sentence:
        yield Record("denied", sentence, line)
    if _WORD.search(kept):
        yield Record("person", kept, line)
