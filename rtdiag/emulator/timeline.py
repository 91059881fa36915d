"""What the API did on a given day, from timeline.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

import msgspec

from rtdiag.api import own_yaml
from rtdiag.api.models import Model, all_models


class NoSuchDate(ValueError):  # noqa: N818 - the name is part of the interface
    """A day before the first entry of the timeline: there is nothing to emulate."""


class Steps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the API can do by and by.

    `beta`, `ga`: the dialects alive. `webrtc`: tokens and offers. `errors_coded`: what is refused of turns has a code.
    `server_error_reworded`, `kinds_told_apart`: what an update is told that is of the other kind, or fails.
    `translations`: all of them. `beta_token_life`: a beta mint takes a life. `language_lists`: a transcription takes
    `languages` and `keywords`. `tokens_once`: a token opens one session. `ice_lite`: answers say so, and nothing is
    asked back. `ice_tcp`: they offer TCP, too. `dtls_passive`: what they say.
    `long_call_ids`: of 32 letters. `refusals_by_uuid`: of an event that refuses a socket. The rest are how transcription
    over WebRTC came to work in spring 2025, and fields by the name of what they are about.
    """

    beta: bool = False
    webrtc: bool = False
    errors_coded: bool = False
    server_error_reworded: bool = False
    kinds_told_apart: bool = False
    ga: bool = False
    transcription_sessions: bool = False
    transcription_over_webrtc: bool = False
    semantic_vad: bool = False
    noise_reduction: bool = False
    speed_and_tracing: bool = False
    semantic_vad_at_transcription_mint: bool = False
    beta_token_life: bool = False
    translations: bool = False
    reasoning: bool = False
    transcription_delay: bool = False
    language_lists: bool = False
    tokens_once: bool = False
    ice_tcp: bool = False
    ice_lite: bool = False
    dtls_passive: bool = False
    long_call_ids: bool = False
    refusals_by_uuid: bool = False


class Behaviour(Steps, frozen=True):
    """The API of one day: what it can do, and the ids of the models alive."""

    models: frozenset[str] = frozenset()


class Taken(own_yaml.Written, of=Steps):
    """The steps that one day brings."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change: the day, what changed, where that is written, and the steps that it takes, or takes back."""

    date: date
    what: str
    source: str
    set: Taken


@cache
def timeline() -> tuple[Entry, ...]:
    """Every entry, oldest first."""
    return own_yaml.listed(Entry, ("rtdiag.emulator", "timeline.yaml"))


def newest() -> date:
    """The day of the newest entry, which is "today" to the emulator."""
    return timeline()[-1].date


def behaviour(as_of: date, steps: Mapping[str, Any] = MappingProxyType({})) -> Behaviour:
    """All entries up to that day, merged, and then these `steps` of one server. Raises NoSuchDate for a day before the first."""
    first = timeline()[0].date
    if as_of < first:
        raise NoSuchDate(f"nothing to emulate on {as_of}: the first date is {first}, when the beta began")
    merged: dict[str, bool] = {}
    for entry in timeline():
        if entry.date <= as_of:
            merged |= entry.set
    return Behaviour(**(merged | dict(steps)), models=frozenset(model.id for model in models_alive(as_of)))


@lru_cache(maxsize=64)
def models_alive(as_of: date) -> tuple[Model, ...]:
    """The models that exist on that day: released, and not shut down yet."""
    return tuple(m for m in all_models() if m.released <= as_of and (m.shutdown is None or as_of < m.shutdown))
