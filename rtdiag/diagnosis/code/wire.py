"""What a source sends to the API itself: requests with their body and headers, and WebSockets, each with its URL.

Only URLs on OpenAI's own hosts count. A relative URL, a localhost or a name that only running the code would tell is the user's
own server or another provider, where the same call can be right.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import PurePath
from typing import Literal

from rtdiag.api.endpoints import OFFICIAL_HOSTS
from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.literals import Known, arguments, declared, resolve
from rtdiag.diagnosis.code.request_bodies import Form, of_javascript, of_python
from rtdiag.diagnosis.code.source_text import Project, Source

_URL = expression(
    r"(?P<scheme>https?|wss?)://(?P<host>[^/?#\s]+)/v1(?P<path>/realtime[^?#\s]*?)/?(?P<query>\?[^#\s]*)?\Z"
)
_SENDS = expression(r"(?<![\w$.])(?:(?:window|globalThis|self)\.)?fetch\s*\(|(?<![\w$])[\w$.]{0,80}\bpost\s*\(")
_SOCKET = expression(
    r"\bnew\s+WebSocket\s*\(|\bwebsockets?\.(?:\w+\.)*(?:connect|WebSocketApp|create_connection)\s*\(|\bws_connect\s*\("
)
_GIVEN_TO = expression(r"(?:\b(?:const|let|var)\s+)?([A-Za-z_$][\w$]*)\s*(?::[^=;,(){}\n]{1,60})?=\s*(?:await\s+)?\Z")
_GIVEN_AS = expression(r"\s*as\s+([A-Za-z_]\w*)\s*:")
_TYPE = expression(r"content-type[\"'\]]*\s*[:,=]\s*[\"'`]\s*([\w/+.-]+)", re.I)
_OFFER = expression(r"(?i)\(*(?:await\s+)?[\w$.?!\[\]\"']{0,100}(?:offer|localdescription|sdp)[\w$.?!\[\]\"']{0,100}")
_AN_OFFER = expression(r"(?i)\b(?:\w*offer\w*|local_?description|sdp)\b")

_HOSTS = expression(r"\b(?:https?|wss?)://([A-Za-z0-9.-]+)[^\s\"'`]{0,300}")
# Providers whose sessions speak in nearly the same events.
_OTHER = expression(
    r"openai\.azure\.com|AzureOpenAI|azure_endpoint|api-version=|api\.x\.ai|\bxai\b|dashscope|aliyun|\bqwen|portkey"
    r"|bigmodel\.cn|stepfun|realtimeapi-preview|voice-?live",
    re.I,
)
_OTHERS_FILE = expression(r"azure|voice[-_]?live|qwen|dashscope|aliyun|grok|xai|gemini|portkey", re.I)
_OWN = expression(
    r"api\.openai\.com|OPENAI_API_KEY|(?<!Azure)\bOpenAI\(|[\"'](?:@openai/|openai[\"'/])|\b(?:from|import) openai\b"
    r"|\bgpt-realtime"
)
_MOST = 300  # requests, and sockets, that one file opens
_LIKE = expression(r"^wss?:.*realtime|/v1/realtime")
_LOCAL = expression(r"localhost|127\.0\.0\.1|0\.0\.0\.0|.*\.local\Z")


@dataclass(frozen=True)
class Url:
    """A URL on one of OpenAI's hosts: `path` from `/realtime` on, `query` with its `?`, and where each character stands."""

    scheme: str
    path: str
    query: str
    known: Known
    path_at: int
    query_at: int

    def written(self, start: int, length: int) -> int:
        """Where in the source the part of the URL from `start` stands, if it stands there in one piece; else -1."""
        places = self.known.origin[start : start + length]
        whole = bool(places) and places == tuple(range(places[0], places[0] + length))
        return places[0] if whole else -1


@dataclass(frozen=True)
class Post:
    """A request: the call from `at` to `end`, its URL, its body and headers as written, and the name its response is given to."""

    at: int
    end: int
    url: Url
    form: Form
    body: tuple[int, int] | None
    headers: str
    response: str

    @property
    def content_type(self) -> str:
        """The content type that the call names, in lower case; empty when none."""
        found = _TYPE.search(self.headers)
        return found[1].lower() if found else ""


def project_of(code: str) -> Project:
    """What one file says of its project."""
    low = code.lower()
    if "realtime" not in low and "openai" not in low:
        return Project()
    return Project(own=bool(_OWN.search(code)), other=bool(_others(code)))


def certainty(source: Source, at: int) -> Literal["high", "medium"] | None:
    """How sure it is that the code at an offset talks to OpenAI; None where it talks to another provider.

    The nearest block that names one decides, then the file, then its project; medium where both are named or neither is.
    """
    own, other = _named(source)
    for start, end in source.blocks(at) if other else ():
        here, elsewhere = _between(own, start, end), _between(other, start, end)
        if here or elsewhere:
            return None if not here else "medium" if elsewhere else "high"
    if own:
        return "medium" if other else "high"
    if _OTHERS_FILE.search(PurePath(source.name).name):
        return None
    if other or source.project.other:
        return "medium" if source.project.own else None
    return "high" if source.project.own else "medium"


@lru_cache(4)
def _named(source: Source) -> tuple[list[int], list[int]]:
    """Where a file names OpenAI's hosts, and where another provider."""
    hosts = ((m.start(), m[1].lower()) for m in _HOSTS.finditer(source.code))
    return [at for at, host in hosts if host in OFFICIAL_HOSTS], _others(source.code)


def _others(code: str) -> list[int]:
    """Where another provider is named: by its name, or by a URL that is like those of this API on a host of nobody's here."""
    hosts = ((m.start(), m[1].lower(), m.group()) for m in _HOSTS.finditer(code))
    like = [
        at for at, host, url in hosts if _LIKE.search(url) and host not in OFFICIAL_HOSTS and not _LOCAL.match(host)
    ]
    return sorted((*like, *(m.start() for m in _OTHER.finditer(code))))


def _between(places: list[int], start: int, end: int) -> list[int]:
    return places[bisect_left(places, start) : bisect_left(places, end)]


def official(known: Known | None) -> Url | None:
    """The URL that a known text is, where it leads to OpenAI's Realtime API."""
    found = _URL.match(known.text) if known else None
    if not found or known is None or found["host"].lower() not in OFFICIAL_HOSTS:
        return None
    return Url(found["scheme"], found["path"], found["query"] or "", known, found.start("path"), found.start("query"))


@lru_cache(4)
def posts(source: Source) -> tuple[Post, ...]:
    """Every POST to OpenAI's Realtime API, by fetch, axios, requests, httpx or aiohttp."""
    return tuple(_posts(source))


@lru_cache(4)
def sockets(source: Source) -> tuple[Url, ...]:
    """The URL of every WebSocket to OpenAI's Realtime API."""
    return tuple(_sockets(source))


def carries_offer(source: Source, post: Post) -> bool:
    """Whether the body is an SDP offer, sent as it is."""
    if post.body is None or post.form != "raw":
        return False
    return post.content_type == "application/sdp" or is_offer(source, post.body)


def is_offer(source: Source, span: tuple[int, int]) -> bool:
    """Whether an expression is, by its names, an SDP offer."""
    text = source.bare[span[0] : span[1]]
    if _OFFER.fullmatch(text) and "answer" not in text.lower():
        return True
    value = declared(source, text, span[0]) if re.fullmatch(r"[\w$]+", text) else None
    return bool(value and re.search(r"(?i)(?:offer|localdescription)\??!?\.sdp\b", source.code[value[0] : value[1]]))


def names_offer(source: Source, span: tuple[int, int]) -> bool:
    """Whether something that is turned into JSON has an SDP offer in it."""
    text = source.code[span[0] : span[1]]
    return bool(_AN_OFFER.search(text)) and "answer" not in text.lower()


def _posts(source: Source) -> Iterator[Post]:
    for found in islice(_SENDS.finditer(source.bare), _MOST):
        opened = found.end() - 1
        placed, named = arguments(source, opened)
        place = named.get("url") or (placed[0] if placed else None)
        url = official(resolve(source, *place)) if place else None
        if url is None or source.pairs.get(opened) is None:
            continue
        body, headers, form = (
            of_javascript(source, found.group(), placed)
            if source.language == "JavaScript"
            else of_python(source, named)
        )
        yield Post(
            found.start(),
            source.pairs[opened] + 1,
            url,
            form,
            body,
            headers,
            _response(source, found.start(), source.pairs[opened]),
        )


def _sockets(source: Source) -> Iterator[Url]:
    for found in islice(_SOCKET.finditer(source.bare), _MOST):
        placed, named = arguments(source, found.end() - 1)
        place = named.get("uri") or named.get("url") or (placed[0] if placed else None)
        url = official(resolve(source, *place)) if place else None
        if url:
            yield url


def _response(source: Source, at: int, closed: int) -> str:
    """The name that the response itself is given; empty where it is used at once."""
    if re.compile(r"\s*\)?\s*\.").match(source.bare, closed + 1):
        return ""
    before = _GIVEN_TO.search(source.bare, max(0, at - 200), at)
    after = _GIVEN_AS.match(source.bare, closed + 1)
    return before[1] if before else after[1] if after else ""
