"""Whose failure it is: other products, told by what a machine says, never by a person's mention of them.

A request's host decides. Without one a product is named only where nothing is OpenAI's (no host, key or event of it, nor of a
gateway before it); the form of OpenAI's errors, which others have copied, is outweighed by another's key or library alone.

In products.yaml `errors`, `events`, `libraries` and `keys` are regular expressions with bounds. `same` is for those whose
realtime interface is built after OpenAI's, so that the causes of the catalogue are worth a thought there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from rtdiag.api import own_yaml
from rtdiag.api.endpoints import OFFICIAL_HOSTS
from rtdiag.api.expressions import expression
from rtdiag.servers import named

# Characters of a text that are looked at: what names a product stands early, or everywhere.
_LONGEST = 65_536

_URL = expression(r"\b(?:https?|wss?)://([^\s/?#'\"<>:()\\]{3,253})[^\s'\"<>]{0,2000}", re.I)
_BARE_HOST = expression(r"(?<![\w./-])(?:[\w-]{1,63}\.){1,5}[a-z]{2,6}(?![\w.-])", re.I)
_OURS = expression(
    r"openai|azure\.com|litellm|openrouter|gateway\.ai\.cloudflare|portkey|helicone|bifrost|one-?api|new-?api|\bsk-(?!ant-)|\bek_"
    r"|\bgpt-|/v1/realtime\b|realtime=v1|\b(?:session|transcription_session)\.(?:created?|updated?)\b|\binput_audio_buffer\."
    r"|\bconversation\.item\.|\bresponse\.(?:create|done)\b",
    re.I,
)
_LIKE_OURS = expression(r"\binvalid_request_error\b|\binsufficient_quota\b", re.I)
_SHOWN_BY = {"errors": "the form of its error", "events": "its event", "libraries": "its library", "keys": "its key"}


class Mark:
    """What shows a product in a text."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern

    @classmethod
    def from_yaml(cls, value: Any) -> Mark:
        """The mark. Raises ValueError where it is no regular expression, or has no bounds."""
        text = own_yaml.part(value, str)
        if re.search(r"[*+]", re.sub(r"\[[^\]]*\]|\\.", "", text)):
            raise ValueError("it has no bounds: write {0,40} in place of * and +")
        return cls(own_yaml.pattern(text))

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """What it looks like in a file."""
        return {"type": "string", "format": "regex"}


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product as it stands in the file: the ends of its hosts, or its id in servers.yaml, and what else shows it."""

    source: str
    hosts: tuple[str, ...] = ()
    server: str = ""
    same: bool = False
    errors: tuple[Mark, ...] = ()
    events: tuple[Mark, ...] = ()
    libraries: tuple[Mark, ...] = ()
    keys: tuple[Mark, ...] = ()

    @property
    def ends(self) -> tuple[str, ...]:
        """What its hosts end in, wherever they are written."""
        return self.hosts + tuple(glob.removeprefix("*.") for glob in named(self.server).hosts)


@dataclass(frozen=True)
class Product:
    """A product that is not OpenAI's, what has shown it (`its host api.deepgram.com`), and where that is known from."""

    name: str
    shown_by: str
    source: str
    same: bool = False


def product_of_url(url: str) -> Product | None:
    """The product that this URL leads to; None for OpenAI's own, for gateways, and for hosts that are not known."""
    host = _host(url)
    return None if _OURS.search(host) else _of_host(host)


def product_of(text: str, url: str = "", *, more: str = "") -> Product | None:
    """The product that a failure is from, where nothing in it is OpenAI's: by the URL that was asked, else by what came back.

    `more` is what else was told of the request.
    """
    if "://" in url and (product_of_url(url) or _host(url) in OFFICIAL_HOSTS):
        return product_of_url(url)
    if "://" not in url:
        more = f"{url} {more}"
    told = f"{text[:_LONGEST]}\n{more[:_LONGEST]}"
    hosts = [_host(found.group()) for found in _URL.finditer(told)]
    rest = _URL.sub(" ", told)
    ours = any(map(_OURS.search, hosts)) or any(found.group().lower() != "openai" for found in _OURS.finditer(rest))
    if not ours and _OURS.search(rest):  # the bare name: of a library that also talks to others, say
        return next(_marked(rest, ("keys", "errors")), None)
    if ours:
        return None
    hosts += [found.group().lower() for found in _BARE_HOST.finditer(rest)]
    return next((product for host in hosts if (product := _of_host(host))), None) or next(_marked(rest), None)


def is_ours(text: str, url: str = "") -> bool:
    """Whether something in it is OpenAI's, or of a gateway before it."""
    told = f"{url}\n{text[:_LONGEST]}"
    return bool(_OURS.search(told) or _LIKE_OURS.search(told))


@cache
def products() -> Mapping[str, Entry]:
    """All that are known, by name."""
    return own_yaml.named(Entry, (__package__, "products.yaml"))


@cache
def _by_host() -> Mapping[str, str]:
    return {host: name for name, entry in products().items() for host in entry.ends}


def _host(url: str) -> str:
    found = _URL.match(url)
    return (found[1] or "").lower() if found else ""


def _of_host(host: str) -> Product | None:
    """The product that a host, or a domain that it lies in, belongs to."""
    labels = host.split(".")
    ends = (".".join(labels[n:]) for n in range(len(labels) - 1))
    name = next((known for end in ends if (known := _by_host().get(end))), None)
    return Product(name, f"its host {host}", products()[name].source, products()[name].same) if name else None


def _marked(text: str, kinds: tuple[str, ...] = ("keys", "errors", "events", "libraries")) -> Iterator[Product]:
    """The products of which something stands in the text, what is said most firmly first."""
    for kind in ("keys", "libraries") if _LIKE_OURS.search(text) else kinds:
        for name, entry in products().items():
            for mark in getattr(entry, kind):
                if found := mark.pattern.search(text):
                    yield Product(name, f"{_SHOWN_BY[kind]} {found.group()[:40]}", entry.source, entry.same)
