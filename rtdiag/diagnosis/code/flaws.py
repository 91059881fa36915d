"""What a rule finds, and the sentences that go with it, from rules.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rtdiag.api import data
from rtdiag.model import Confidence, Flaw


@dataclass(frozen=True)
class Hit:
    """A rule that applies at an offset; `words` fill its sentence, `doubt` lowers its confidence by a step."""

    rule: str
    at: int
    instead: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    doubt: bool = False


@dataclass(frozen=True)
class Rule:
    """The fixed part of a flaw: its cause, its confidence, its sentence with places for words, its sources."""

    cause: str
    confidence: Confidence
    why: str
    sources: tuple[str, ...]


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule of rules.yaml by its name."""
    return {
        name: Rule(r["cause"], r["confidence"], r["why"], tuple(r["sources"]))
        for name, r in _read("rules.yaml").items()
    }


@cache
def names() -> Mapping[str, Any]:
    """Events, fields and formats of the API, as names.yaml has them."""
    return _read("names.yaml")


def flaw(hit: Hit, file: str, line: int, found: str, instead: str) -> Flaw:
    """The flaw that a hit is; the texts are given masked."""
    rule = rules()[hit.rule]
    lower: Mapping[Confidence, Confidence] = {"high": "medium", "medium": "low", "low": "low"}
    confidence = lower[rule.confidence] if hit.doubt else rule.confidence
    return Flaw(file, line, rule.cause, confidence, found, rule.why.format(**hit.words), instead, rule.sources)


def _read(name: str) -> Mapping[str, Any]:
    read: Mapping[str, Any] = data.read("rtdiag.diagnosis.code", name)
    return read
