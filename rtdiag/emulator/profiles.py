"""Whose server it is, from profiles.yaml: what each answers otherwise than OpenAI's own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache

import msgspec

from rtdiag.api import own_yaml
from rtdiag.emulator.timeline import Taken


class UnknownProfile(ValueError):  # noqa: N818 - the name is part of the interface
    """No server is called so."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One server.

    `set`: steps of timeline.yaml that it takes on any day. `root`: where the API lies. `key_header`: takes a key beside
    `Authorization`. `parts_twice`: events of a content part say it as `content`, too. `headers`: of every answer, `{uuid}` drawn.
    `exposed`, `exposed_by_the_edge`: what a page may read. `signs_offers`: answers to offers name version and time.
    `regional_call_ids`: `rtc_u<n>_`, else 32 hexadecimal digits. `ends_candidates`: an answer says that there
    are no more. `machine`: what its ICE fragment names. `contact`: where a failed response sends its reader.
    """

    id: str
    what: str
    source: str
    set: Taken = msgspec.field(default_factory=lambda: Taken({}))
    root: str = "/v1"
    key_header: str = ""
    parts_twice: bool = False
    headers: Mapping[str, str] = {}
    exposed: str = "Location, X-Request-Id"
    exposed_by_the_edge: str = "CF-Ray"
    signs_offers: bool = False
    regional_call_ids: bool = True
    ends_candidates: bool = False
    machine: str | None = None
    token_life_s: int = 600  # openai 3.54.0 types/realtime/client_secret_create_params.py
    contact: str = "help.openai.com"


@cache
def profiles() -> Mapping[str, Profile]:
    """All of them, by their ids."""
    return {each.id: each for each in own_yaml.listed(Profile, ("rtdiag.emulator", "profiles.yaml"))}


def profile(name: str = "openai") -> Profile:
    """The one of that id. Raises UnknownProfile."""
    try:
        return profiles()[name]
    except KeyError:
        near = difflib.get_close_matches(name, profiles(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(profiles())}"
        raise UnknownProfile(f"unknown profile {name!r}: {hint}") from None
