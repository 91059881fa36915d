"""Other servers of this API as data, from profiles.yaml: where they stand, and in what they differ on any day."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache

import msgspec

from rtdiag.api import own_yaml
from rtdiag.emulator.timeline import Taken

ROOT = "/v1"


class UnknownProfile(ValueError):  # noqa: N818 - the name is part of the interface
    """An id that profiles.yaml does not hold."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One server: `set` over the steps of the day, `root` the path in front of all others, `key_header` beside Authorization."""

    id: str
    story: str
    source: str
    root: str = ROOT
    key_header: str | None = None
    set: Taken = Taken()


OPENAI = Profile("openai", "the API itself", "timeline.yaml")


@cache
def load_profiles() -> Mapping[str, Profile]:
    """Every profile by its id, the API's own among them."""
    listed = own_yaml.listed(Profile, ("rtdiag.emulator", "profiles.yaml"))
    return {one.id: one for one in (OPENAI, *listed)}


def profile(wanted: str) -> Profile:
    """The profile of that id. Raises UnknownProfile, which names the nearest, or all."""
    known = load_profiles()
    if wanted in known:
        return known[wanted]
    near = get_close_matches(wanted, known, n=1) or list(known)
    raise UnknownProfile(f"unknown profile {wanted[:80]!r}: there is {', '.join(near)}")
