"""Whom a run talks to, and how that is known: by the host, by headers, bodies and tokens of answers, by the shape of events.

A host that is known settles it. Elsewhere a gateway's own sign outweighs those of what is behind it, more signs outweigh fewer, and
what speaks for another server is named beside what has won. OpenAI's headers at another's host show that a gateway passes them on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from rtdiag.api.own_yaml import pattern
from rtdiag.model import Event, Exchange
from rtdiag.servers.known import UNKNOWN, Server, every, known_as, named, of_url, place_of

GATEWAY, COMPATIBLE = "gateway", "compatible"

# Headers that OpenAI's own answers carry: sessions recorded in 2026-07 and 2026-09.
_OPENAIS = re.compile("openai-(version|processing-ms|organization|project)")
# What a session sends before it was told anything; later events say again what the user has sent.
_FIRST = frozenset({"session.created", "transcription_session.created", "conversation.created", "ping", "error"})
_MINT = re.compile(r"/realtime/(client_secrets|sessions|transcription_sessions?)$")
_LIST = re.compile(r"/models$")
_LONGEST = 65_536  # characters of a body or an event that are looked at
_MOST = 3  # signs that are named
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}

_Headers = Set[tuple[str, str]]


@dataclass(frozen=True)
class Recognised:
    """The server, and what showed it, a few words each: `the host api.openai.com`, `the header x-litellm-version`.

    What speaks for another server begins with `though`. At a host that is not its own, a server's answers are known, but not who
    issues the keys.
    """

    server: Server
    by: tuple[str, ...] = ()


def recognise(base_url: str, exchanges: Iterable[Exchange] = (), events: Iterable[Event] = ()) -> Recognised:
    """Whose server it is by what is known so far; the one called "unknown", by nothing, where nothing shows it. Pure."""
    asked = [x for x in exchanges if x.status is not None and (not base_url or _origin(x.url) == _origin(base_url))]
    first = [e for e in events if e.direction == "received" and e.type in _FIRST]
    headers = {(name.lower(), value) for x in asked for name, value in x.response_headers}
    shown = {each.id: signs for each in every().values() if (signs := set(_signs(each, headers, asked, first)))}
    if own := of_url(base_url):
        return Recognised(own, (f"the host {place_of(base_url)[0]}", *_though(own, shown)))
    if shown:
        best = named(max(shown, key=lambda id: (named(id).gateway, len(shown[id]))))
        return Recognised(known_as(best.id, base_url), (*sorted(shown[best.id])[:_MOST], *_though(best, shown)))
    if passed := sorted(name for name, _ in headers if _OPENAIS.fullmatch(name)):
        return Recognised(named(GATEWAY), (f"the header {passed[0]}, at a host that is not OpenAI's",))
    alike = tuple(sorted(set(_alike(asked, first))))
    return Recognised(named(COMPATIBLE if alike else UNKNOWN), alike)


def _signs(server: Server, headers: _Headers, asked: Sequence[Exchange], first: Sequence[Event]) -> Iterator[str]:
    """What of all that shows this server, in words."""
    for name, value in headers if server.headers else ():
        if any(fnmatchcase(name, glob) and pattern(form).search(value) for glob, form in server.headers.items()):
            yield f"the header {name}"
    for exchange in asked if server.bodies or server.tokens else ():
        yield from _answered(server, exchange)
    for event in first if server.events else ():
        if _found(server.events, event.raw):
            yield f"the shape of {event.type}"


def _answered(server: Server, exchange: Exchange) -> Iterator[str]:
    (_, path), body = place_of(exchange.url), exchange.body or ""
    if exchange.ok and exchange.method == "POST" and _MINT.search(path):
        if server.tokens and any(pattern(form).match(_token(exchange)) for form in server.tokens):
            yield "the form of its tokens"
    elif exchange.ok and _LIST.search(path):
        if _found(server.bodies, body):
            yield "the list of models"
    elif (exchange.status or 0) >= 400 and (found := _found(server.bodies, body)):
        yield f"a refusal that says {found.group()[:60].strip()}"


def _found(forms: Iterable[str], text: str) -> re.Match[str] | None:
    text = text[:_LONGEST]
    return next((found for form in forms if (found := pattern(form).search(text))), None)


def _token(exchange: Exchange) -> str:
    """The token in the answer of a mint, masked or not; "" where there is none."""
    answer = exchange.json if isinstance(exchange.json, dict) else {}
    holder = answer.get("client_secret")
    found = [
        answer.get("value"),
        answer.get("ephemeral_token"),
        holder.get("value") if isinstance(holder, dict) else holder,
    ]
    return next((token for token in found if isinstance(token, str)), "")


def _though(best: Server, shown: Mapping[str, Set[str]]) -> tuple[str, ...]:
    """What shows others, but not this one."""
    mine = shown.get(best.id, frozenset())
    against = dict[str, str]()
    for id, signs in shown.items():
        for sign in signs - mine:
            against.setdefault(sign, named(id).name)
    return tuple(f"though {sign} is that of {name}" for sign, name in sorted(against.items())[:_MOST])


def _alike(asked: Iterable[Exchange], first: Iterable[Event]) -> Iterator[str]:
    """What is built as the API's: a session's first event, a list of models, an error with type and message."""
    for exchange in asked:
        answer = exchange.json
        if not isinstance(answer, dict):
            continue
        if exchange.ok and answer.get("object") == "list" and isinstance(answer.get("data"), list):
            yield "the shape of its list of models"
        elif not exchange.ok and exchange.error and exchange.error.type and exchange.error.message:
            yield "the shape of its refusals"
    for event in first:
        if event.type.endswith("session.created") and isinstance(event.json, dict) and event.json.get("session"):
            yield f"the shape of {event.type}"


def _origin(url: str) -> tuple[str | None, int | None]:
    """The host and the port, which a WebSocket's URL shares with those of HTTP; none where it is no URL."""
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None, None
