"""Whose server it is, from profiles.yaml: what each answers otherwise than OpenAI's own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal

import msgspec

from rtdiag.api import own_yaml
from rtdiag.api.endpoints import KEY_SUBPROTOCOL
from rtdiag.emulator.faults import Credential, Turned
from rtdiag.emulator.said import Said, own_words
from rtdiag.emulator.timeline import Taken


class UnknownProfile(ValueError):  # noqa: N818 - the name is part of the interface
    """No server is called so."""


class Gateway(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a gateway does that passes requests on to the API.

    `models`: of a session of that kind that names none. `rests_after`: statuses of the API over HTTP after which a model is asked
    for nothing more for `rests_s`. `own`: what it refuses itself, also as a fault. `error_types`: what it calls the errors of a
    status.
    """

    models: Mapping[Literal["realtime", "transcription"], str]
    rests_after: tuple[int, ...] = ()
    rests_s: float = 0
    own: tuple[str, ...] = ()
    error_types: Mapping[int, str] = {}


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One server.

    `set`: steps of timeline.yaml that it takes on any day; `turns`: what it does that is a fault elsewhere. `without`: globs of the
    requests that it has nothing for, `takes`: the credentials of a path that does not take all. `own_words`: its refusals
    stand in own_words.yaml. `gateway`:
    the API is behind it. `any_content_type`: bodies are read whatever they are called; `any_model`: a model may have any name or
    none, and nobody asks for the beta; `models`: that it has in place of the API's; `tongue`: how its sessions speak
    (tongues.yaml); `subprotocol`: behind which a credential stands; `bare_tokens`: a mint answers no session, nor looks at one;
    `token_prefix`: of its tokens. `raw_offers`: no other are taken; `sealed_tokens`: a token is a cipher. `answers_calls_with`: the
    type of an SDP answer. `signs`: answers carry the API's headers, `marks_offers`: those to offers name an origin unasked.
    `compact`: JSON in one line; `listed`: what is said of every model, `modes` its `mode` by its kind. `root`: where the API lies.
    `key_header`: takes a key beside `Authorization`. `parts_twice`: events of a content part say it as `content`, too. `headers`:
    of every answer, `{uuid}` drawn. `exposed`, `exposed_by_the_edge`: what a page may read; `takes_any_header`: it may send what it
    likes. `signs_offers`: answers to offers name version and time. `regional_call_ids`: `rtc_u<n>_`, else 32 hexadecimal digits.
    `ends_candidates`: an answer says that there are no more. `machine`: what its ICE fragment names. `contact`: where a failed
    response sends its reader.
    """

    id: str
    what: str
    source: str
    set: Taken = msgspec.field(default_factory=lambda: Taken({}))
    turns: Turned = Turned()
    without: tuple[str, ...] = ()
    takes: Mapping[str, tuple[Credential, ...]] = {}
    own_words: bool = False
    gateway: Gateway | None = None
    any_content_type: bool = False
    any_model: bool = False
    models: tuple[str, ...] = ()
    tongue: str = ""
    subprotocol: str = KEY_SUBPROTOCOL
    bare_tokens: bool = False
    token_prefix: str = ""
    raw_offers: bool = False
    sealed_tokens: bool = False
    answers_calls_with: str = "text/plain; charset=utf-8"
    signs: bool = True
    marks_offers: bool = True
    compact: bool = False
    listed: Mapping[str, Any] = {}
    modes: Mapping[str, str] = {}
    root: str = "/v1"
    key_header: str = ""
    parts_twice: bool = False
    headers: Mapping[str, str] = {}
    exposed: str = "Location, X-Request-Id"
    exposed_by_the_edge: str = "CF-Ray"
    takes_any_header: bool = False
    signs_offers: bool = False
    regional_call_ids: bool = True
    ends_candidates: bool = False
    machine: str | None = None
    token_life_s: int = 600  # openai 3.54.0 types/realtime/client_secret_create_params.py
    contact: str = "help.openai.com"

    @property
    def says(self) -> tuple[Said, ...]:
        """What it says in place of the API's refusals; nothing is read for one that says the same."""
        return own_words()[self.id] if self.own_words else ()

    def has(self, method: str, path: str) -> bool:
        """Whether it has anything for such a request below its root."""
        return not any(fnmatchcase(f"{method} {path}", glob) for glob in self.without)


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
