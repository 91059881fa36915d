"""Each cause has an example, and each sign fires in one: what no example needs is no part of the catalogue.

A cause or sign is added together with its example, in the file of that name in examples/ (example.py says how).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import pytest

from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause, Sign
from rtdiag.diagnosis.features import Features, features
from rtdiag.diagnosis.matching import ranked
from tests.diagnosis.example import FOLDER, Example, examples


@dataclass(frozen=True)
class Told:
    """An example with its features, and the causes that something in it speaks for, best first."""

    example: Example
    features: Features
    supported: tuple[str, ...]


@cache
def told() -> tuple[Told, ...]:
    found = ((one, features(one.situation)) for one in examples())
    return tuple(Told(one, seen, tuple(m.cause.code for m in ranked(seen))) for one, seen in found)


def place(cause: Cause) -> str:
    return f"examples/{cause.topic}.yaml, {cause.code}"


def silent(cause: Cause) -> Iterator[str]:
    """The signs of a cause that no example needs: those for it in one of its own, those against it where a sign speaks for it.

    A family has the examples of its variants, too, for they count its signs.
    """
    own = [t.features for t in told() if cause.code in (t.example.cause, t.example.family)]
    rival = [t.features for t in told() if cause.code in {*t.supported, *(c.partition("/")[0] for c in t.supported)}]
    for side, signs, where in (("for", cause.speaks_for, own), ("against", cause.speaks_against, rival)):
        yield from (f"{side} {shown(sign)}" for sign in signs if not any(map(sign.seen_in, where)))


def shown(sign: Sign) -> str:
    return f"{sign.points}: {', '.join(f'{name} {pattern.pattern!r}' for name, pattern in sign.when)}"


CAUSES = [cause for cause in catalogue.causes().values() if cause.speaks_for]


@pytest.mark.parametrize("cause", CAUSES, ids=lambda c: c.code)
def test_a_cause_comes_first_in_an_example_of_its_own(cause: Cause) -> None:
    firsts = {t.supported[0] for t in told() if t.example.cause == cause.code and t.supported}
    assert cause.code in firsts, f"{place(cause)}: give an example in which it comes first, or remove the cause"


@pytest.mark.parametrize("cause", CAUSES, ids=lambda c: c.code)
def test_every_sign_fires_in_an_example(cause: Cause) -> None:
    found = "; ".join(silent(cause))
    assert not found, f"{place(cause)}: give an example, or remove the sign: {found}"


def test_every_example_is_of_a_cause_and_stands_in_the_file_of_its_topic() -> None:
    known = catalogue.causes()
    assert {f.stem for f in FOLDER.iterdir()} == {cause.topic for cause in known.values()}
    assert not [str(one) for one in examples() if one.cause not in known or known[one.cause].topic != one.topic]


# A thread, a file of the public index, or the name of a program, a server or a paper; never an address that has a shorter form.
ONE_SOURCE = re.compile(
    r"[\w.-]+/[\w.-]+#\d+|record \d+|[\w-]+(\.[\w-]+)+/\S+|(?!records? |public |https?:)[\w.-]+(/[\w.-]+)?( [\w.]+){0,3}"
)


@pytest.mark.parametrize(
    ("source", "thread"),
    [
        ("openai/openai-python#2638, 2025-09-18", "openai/openai-python#2638"),
        ("OpenAI/openai-python#2638; printed by Chrome", "openai/openai-python#2638"),
        ("record 67152136857, 2026; also record 65878575473", "record 67152136857"),
        ("websockets, 14 and later", "websockets"),
        ("made, after record 67152136857", ""),
    ],
)
def test_the_thread_of_an_example_has_no_day_and_no_remark(source: str, thread: str) -> None:
    assert replace(examples()[0], source=source).thread == thread


def test_each_source_is_spelled_in_one_way() -> None:
    assert not sorted({one.source for one in examples() if one.thread and not ONE_SOURCE.fullmatch(one.thread)})
    assert not [one.source for one in examples() if "community.openai.com" in one.thread and one.thread.count("/") != 2]
