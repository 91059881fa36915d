"""What a rule finds, and the sentences that go with it, from rules.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import msgspec

from rtdiag.api import own_yaml
from rtdiag.model import Confidence, Flaw


@dataclass(frozen=True)
class Hit:
    """A rule that applies at an offset; `words` fill its sentence, `doubt` lowers its confidence by a step."""

    rule: str
    at: int
    instead: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    doubt: bool = False


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fixed part of a flaw: its cause, its confidence, its sentence with places for words, its sources."""

    cause: str
    confidence: Confidence
    why: str
    sources: tuple[str, ...]


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What names.yaml holds, where each field is explained."""

    server: Sequence[str]
    client: Sequence[str]
    renamed: Mapping[str, str]
    invented: Mapping[str, str]
    prefixes: Sequence[str]
    elsewhere: Sequence[str]
    elsewhere_prefixes: Sequence[str]
    places: Mapping[Literal["realtime", "transcription"], Mapping[str, str | None]]
    formats: Mapping[str, str]


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule of rules.yaml by its name."""
    return own_yaml.named(Rule, ("rtdiag.diagnosis.code", "rules.yaml"))


@cache
def names() -> Names:
    """Events, fields and formats of the API, as names.yaml has them."""
    return own_yaml.whole(Names, ("rtdiag.diagnosis.code", "names.yaml"))


def flaw(hit: Hit, file: str, line: int, found: str, instead: str) -> Flaw:
    """The flaw that a hit is; the texts are given masked."""
    rule = rules()[hit.rule]
    lower: Mapping[Confidence, Confidence] = {"high": "medium", "medium": "low", "low": "low"}
    confidence = lower[rule.confidence] if hit.doubt else rule.confidence
    return Flaw(file, line, rule.cause, confidence, found, rule.why.format(**hit.words), instead, rule.sources)
