"""The servers that are known, from servers.yaml: how each shows itself, what it offers, and what to do at each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from rtdiag.api import own_yaml
from rtdiag.api.endpoints import KEY_SUBPROTOCOL, Dialect

# What a server may offer: a list of models, tokens, sessions over WebRTC (as raw SDP, as multipart, at the beta's URL, hung up),
# sessions over a WebSocket (by the key, by a token, by a sub-protocol as in a browser), and sessions of transcription.
Door = Literal[
    "models", "mint", "calls", "multipart", "hangup", "beta-offers", "websocket", "websocket-token", "subprotocol",
    "transcription",
]  # fmt: skip

UNKNOWN = "unknown"


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One server, or one family of servers that answer alike.

    How it shows itself: `hosts` are globs of host names, with a path behind where one host serves more than one API; `headers`, of
    answers, are regular expressions by globs of lower-case names; `bodies`, of refusals and of the list of models, and `events`,
    the JSON of what a session sends first, are regular expressions; so are `tokens`, which a minted token begins with, and `keys`,
    the whole of a key that only this one issues. Each is enough alone: what others show too is no sign.
    `offers`: what is known to be there (True) or not (False); of what is not named it is not known. `gateway`: the API is
    another's, behind it, and a request that its upstream refuses may do harm. `key_header` takes the key, beside `Authorization`
    with a bearer token. `keys_from` says where a key is issued, as the end of a sentence that begins "make one at", "" where that
    is whoever runs it. `query` goes along with every request; `model_parameter` names the model in a URL; `subprotocol` is what a
    token is given behind at a WebSocket, "" where that cannot be. `base_url` is an example; every base URL of it ends in that path.
    `dialect` is the one of its sessions, where it has one alone.
    """

    id: str
    name: str
    source: str
    hosts: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    bodies: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    offers: Mapping[Door, bool] = {}
    gateway: bool = False
    key_header: str = "authorization"
    keys_from: str = ""
    status_page: str = ""
    base_url: str = ""
    query: Mapping[str, str] = {}
    model_parameter: str = "model"
    subprotocol: str = KEY_SUBPROTOCOL
    dialect: Dialect | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a sign that is no regular expression."""
        for text in (*self.headers.values(), *self.bodies, *self.events, *self.tokens, *self.keys):
            own_yaml.pattern(text)

    def issues(self, key: str) -> bool:
        """Whether that is a key of the form that this one alone issues."""
        return any(re.fullmatch(form, key) for form in self.keys)


@cache
def every() -> Mapping[str, Server]:
    """All of them, by their ids."""
    return {each.id: each for each in own_yaml.listed(Server, ("rtdiag.servers", "servers.yaml"))}


def named(name: str) -> Server:
    """The one of that id; what is known of a stranger, where there is none."""
    return every().get(name) or every()[UNKNOWN]


def of_url(base_url: str) -> Server | None:
    """The one whose host that is; of several on one host the one whose path fits, too."""
    host, path = place_of(base_url)
    fitting = [(len(glob), each) for each in every().values() for glob in each.hosts if _fits(glob, host, path)]
    return max(fitting, key=lambda one: one[0])[1] if fitting else None


def known_as(id: str, base_url: str) -> Server:
    """The one that a server at this base URL was recognised as, or else that its host shows; unknown, where neither does.

    At a host that is not its own it is not known who issues the keys, which status page tells of it, and which doors are there.
    """
    found = named(id) if id in every() else of_url(base_url) or named(UNKNOWN)
    return found if not found.hosts or of_url(base_url) else replace(found, keys_from="", status_page="", offers={})


def place_of(url: str) -> tuple[str, str]:
    """Its host, in small letters, and its path without a slash at its end; both "" where it is no URL."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.path.rstrip("/")
    except ValueError:
        return "", ""


def issuer_elsewhere(key: str, server: Server) -> Server | None:
    """Who has issued this key, where that is another than this server, which has no use for it; None where that cannot be told.

    A gateway may take any key, and so may a server of whose own keys nothing is known.
    """
    if server.gateway or not server.keys or server.issues(key):
        return None
    return next((each for each in every().values() if each.issues(key)), None)


def _fits(glob: str, host: str, path: str) -> bool:
    name, slash, below = glob.partition("/")
    return fnmatchcase(host, name) and (not slash or f"{path}/".startswith(f"/{below}/"))
