"""What a turn detection may not hold, from turn_rules.yaml: what breaks each rule, the error that answers it, who has seen that."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

import msgspec

from rtdiag.api import own_yaml
from rtdiag.api.endpoints import KINDS, Dialect, Kind
from rtdiag.api.sessions import Json

# Where the turn detection stands, as errors name it, and what they name of the other dialect's place.
PLACES: Mapping[Dialect, str] = {"ga": "session.audio.input.turn_detection", "beta": "session.turn_detection"}
ELSEWHERE: Mapping[Dialect, str] = {"ga": "session.turn_detection", "beta": "session.audio"}


_Where = Literal["ga-realtime", "ga-transcription", "beta-realtime", "beta-transcription"]


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The error that public sources show: any of the codes, the field that `param` ends with, a part of the message."""

    code: tuple[str, ...] = ()
    field: str = ""
    says: str = ""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule; the fields are those of turn_rules.yaml. `sends` is None for the rule that is about all refusals together."""

    id: str
    title: str
    sends: Json | None
    refused: Refusal
    instead: str
    causes: tuple[str, ...]
    what: str
    known: Mapping[_Where, str] = {}
    kinds: tuple[Kind, ...] = KINDS
    model: str | None = None
    elsewhere: bool = False

    def source(self, kind: Kind, dialect: Dialect) -> str | None:
        """Who has seen a session of that kind and dialect refuse it, or None: then what comes is measured only."""
        return next((who for where, who in self.known.items() if where == f"{dialect}-{kind}"), None)

    def param(self, dialect: Dialect) -> str:
        """What the error names as its `param`."""
        place = (ELSEWHERE if self.elsewhere else PLACES)[dialect]
        return f"{place}.{self.refused.field}" if self.refused.field else place


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of turn_rules.yaml, in file order."""
    return own_yaml.listed(Rule, ("rtdiag.api", "turn_rules.yaml"))


def rules_of(kind: Kind) -> tuple[Rule, ...]:
    """The rules that are asked in a session of that kind."""
    return tuple(rule for rule in all_rules() if kind in rule.kinds)
