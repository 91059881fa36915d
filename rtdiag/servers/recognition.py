"""Whom a run talks to, and how that is known: by the host, by headers, bodies and tokens of answers, by the shape of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from rtdiag.model import Event, Exchange
from rtdiag.servers.known import UNKNOWN, Server, every, named


@dataclass(frozen=True)
class Recognised:
    """The server, and what showed it, a few words each: `the host api.openai.com`, `the header x-litellm-version`."""

    server: Server
    by: tuple[str, ...] = ()


def recognise(base_url: str, exchanges: Iterable[Exchange] = (), events: Iterable[Event] = ()) -> Recognised:
    """Whose server it is by what is known so far; the one called "unknown", by nothing, where nothing shows it. Pure."""
    host = urlsplit(base_url).hostname or ""
    for each in every().values():
        if any(fnmatchcase(host, glob) for glob in each.hosts):
            return Recognised(each, (f"the host {host}",))
    return Recognised(named(UNKNOWN))
