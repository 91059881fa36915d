"""The models of the Realtime API, from models.yaml, and which of them rtdiag asks for when nobody names one."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from functools import cache
from typing import Literal

import msgspec

from rtdiag.api import own_yaml
from rtdiag.api.endpoints import Kind
from rtdiag.api.expressions import expression

Known = Literal["yes", "no", "unconfirmed"]

# What a check observes of a model that is none to go on with.
ENDED, ENDS_SOON = "the model has ended", "the model ends soon"


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model: `shutdown` is the day it ends, None when none is announced; `preferred` is 0 when never a default.

    `announced`: since when its end is known. `usage`: what a transcript is counted in. `names_languages`: it
    tells those that it heard. `reasons`: it takes `reasoning` and `parallel_tool_calls`. `voice`,
    `silence_duration_ms`: what a session opens with that names none.
    """

    id: str
    kind: Literal["realtime", "transcription", "translation"]
    released: date
    server_vad: Known
    semantic_vad: Known
    source: str
    shutdown: date | None = None
    announced: date | None = None
    preferred: int = 0
    usage: Literal["tokens", "duration"] = "tokens"
    names_languages: bool = False
    reasons: bool = False
    voice: str = "alloy"
    silence_duration_ms: int = 200


@cache
def all_models() -> tuple[Model, ...]:
    """Every model of models.yaml, in file order."""
    return own_yaml.listed(Model, ("rtdiag.api", "models.yaml"))


def find(model_id: str) -> Model | None:
    """The entry of that id, or None for one that the data does not know."""
    return next((m for m in all_models() if m.id == model_id), None)


def likely(kind: Kind, listed: Collection[str]) -> str | None:
    """The model of a server that has names of its own, by what its list calls them; None where none is likely, or no one more."""
    told = [name for name in listed if _TRANSCRIBES.search(name)]
    if kind == "transcription":
        return next(iter(told), None)
    speaking = [name for name in listed if name not in told and _SPEAKS.search(name)]
    return next(iter(speaking), None) or (next(iter(listed)) if len(listed) == 1 and not told else None)


# How models are called that hear and speak, and those that write down what they hear.
_SPEAKS = expression(r"realtime|\brt\b|voice|\blive\b|speech|s2s|omni", re.IGNORECASE)
_TRANSCRIBES = expression(r"transcri|whisper|\basr\b|\bstt\b|translat", re.IGNORECASE)


def default(kind: Kind, listed: Collection[str] = ()) -> str:
    """The model to ask for: the most preferred one that the server lists, else the most preferred of all."""
    ranked = sorted((m for m in all_models() if m.kind == kind and m.preferred), key=lambda m: m.preferred)
    return next((m.id for m in ranked if m.id in listed), ranked[0].id)
