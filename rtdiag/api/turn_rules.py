"""What a turn detection may not hold, from turn_rules.yaml: what breaks each rule, the error that answers it, who has seen that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rtdiag.api import data
from rtdiag.api.endpoints import KINDS, Dialect, Kind
from rtdiag.api.sessions import Json

# Where the turn detection stands, as errors name it, and what they name of the other dialect's place.
PLACES: Mapping[Dialect, str] = {"ga": "session.audio.input.turn_detection", "beta": "session.turn_detection"}
ELSEWHERE: Mapping[Dialect, str] = {"ga": "session.turn_detection", "beta": "session.audio"}


@dataclass(frozen=True)
class Refusal:
    """The error that public sources show: any of the codes, the field that `param` ends with, a part of the message."""

    code: tuple[str, ...] = ()
    field: str = ""
    says: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule; the fields are those of turn_rules.yaml. `sends` is None for the rule that is about all refusals together."""

    id: str
    title: str
    sends: Json | None
    refused: Refusal
    instead: str
    causes: tuple[str, ...]
    what: str
    known: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = KINDS
    model: str | None = None
    elsewhere: bool = False

    def source(self, kind: Kind, dialect: Dialect) -> str | None:
        """Who has seen a session of that kind and dialect refuse it, or None: then what comes is measured only."""
        return self.known.get(f"{dialect}-{kind}")

    def param(self, dialect: Dialect) -> str:
        """What the error names as its `param`."""
        place = (ELSEWHERE if self.elsewhere else PLACES)[dialect]
        return f"{place}.{self.refused.field}" if self.refused.field else place


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of turn_rules.yaml, in file order."""
    return tuple(_rule(**entry) for entry in data.read("rtdiag.api", "turn_rules.yaml"))


def rules_of(kind: Kind) -> tuple[Rule, ...]:
    """The rules that are asked in a session of that kind."""
    return tuple(rule for rule in all_rules() if kind in rule.kinds)


def _rule(refused: Mapping[str, Any], **entry: Any) -> Rule:
    refusal = Refusal(tuple(refused.get("code", ())), refused.get("field", ""), refused.get("says", ""))
    several = {"kinds": tuple(entry.get("kinds", KINDS)), "causes": tuple(entry["causes"])}
    return Rule(refused=refusal, **entry | several)
