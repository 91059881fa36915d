"""The servers that are known, from servers.yaml: how each shows itself, what it offers, and what to do at each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

import msgspec

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

    How it shows itself: `hosts` are globs of host names; `headers`, of answers, by lower-case name, `bodies`, of refusals, and
    `events`, the JSON of what a session sends, are regular expressions; so are `tokens`, which a minted token begins with.
    `offers`: what is known to be there (True) or not (False); of what is not named it is not known. `gateway`: the API is
    another's, behind it, and a request that its upstream refuses may do harm. `key_header` takes the key, beside `Authorization`
    with a bearer token. `keys_from` says where a key is issued, as the end of a sentence that begins "make one at". `query` goes
    along with every request; `model_parameter` names the model in a URL; `subprotocol` is what a token is given behind at a
    WebSocket, "" where that cannot be. `base_url` is an example. `dialect` is the one of its sessions, where it has one alone.
    """

    id: str
    name: str
    source: str
    hosts: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    bodies: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
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


@cache
def every() -> Mapping[str, Server]:
    """All of them, by their ids."""
    return {each.id: each for each in own_yaml.listed(Server, ("rtdiag.servers", "servers.yaml"))}


def named(name: str) -> Server:
    """The one of that id; what is known of a stranger, where there is none."""
    return every().get(name) or every()[UNKNOWN]
