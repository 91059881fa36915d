"""What client libraries say when something fails: each line a template with slots and one fact, the same for every language.

    Expected HTTP 101 response but was '{status} {words}'      upgrade refused

In a template `{status}`, `{close}`, `{host}` and `{url}` are kept; `{n}` is a number, `{word}` one word, `{words}` a few, `{any}`
all up to what follows, at most once. A blank stands for any blanks, a quote for any quote, a letter for both its cases.

| fact | what happened |
|---|---|
| `dns`, `refused connect`, `unreachable connect`, `timeout connect` | no connection; kind and phase as in transport/failures.py |
| `dns unknown`, `dns fails`, `dns silent` | there is no such name; the name servers answer with an error; they do not answer |
| `unreachable connect no-route`, `… refused-here` | there is no way to the address; this machine forbids it |
| `not connected` | no connection, and not why |
| `tls …` | the certificate, with what is wrong with it (`tls dates`: it has ended, or has not begun) |
| `tls protocol`, `tls plain port`, `tls version` | the handshake failed; what answers speaks no TLS; none that both sides speak |
| `timeout tls`, `closed tls` | the TLS handshake did not end, or was cut off |
| `proxy`, `proxy login` | the proxy refused, or wants a login |
| `proxy unknown`, `proxy not reached` | its name is not known; it takes no connection |
| `proxy variable`, `trust file` | its variable, or a file of certificates, cannot be used |
| `upgrade refused`, `timeout upgrade` | the WebSocket's upgrade was answered with a status, or not in time |
| `status` | an answer with that HTTP status |
| `timeout read`, `timeout` | no answer in time; no phase told |
| `closed early`, `closed unframed`, `closed` | cut off; of a WebSocket: without a close frame; with a code |
| `keepalive timeout`, `too-large`, `protocol` | a ping without its pong; a message too big; an answer that is no HTTP |
| `html`, `no json` | where JSON was to come, a page came, or something else |
| `request header`, `request url`, `request scheme` | the request could not be built |
| `cors`, `csp`, `mixed content`, `blocked` | a browser's rules, or an extension in it, forbid the request |
| `microphone`, `playback`, `no webrtc` | a browser gives no microphone, plays no sound, or there is none |
| `microphone none`, `… in use`, `… insecure` | there is none; it cannot be opened; no page over plain HTTP may ask |
| `sdp answer`, `sdp state` | the answer is no SDP; it was set in the wrong state |
| `page failed`, `socket failed`, `failed` | a page's request, a WebSocket or a library's request failed, and not why |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, Literal, NamedTuple

import msgspec

from rtdiag.api import own_yaml
from rtdiag.api.expressions import expression

Fact = Literal[
    "dns",
    "dns unknown",
    "dns fails",
    "dns silent",
    "refused connect",
    "unreachable connect",
    "unreachable connect no-route",
    "unreachable connect refused-here",
    "timeout connect",
    "not connected",
    "tls self-signed",
    "tls unknown issuer",
    "tls read along",
    "tls incomplete",
    "tls expired",
    "tls not yet valid",
    "tls dates",
    "tls hostname",
    "tls certificate",
    "tls client certificate",
    "tls protocol",
    "tls plain port",
    "tls version",
    "timeout tls",
    "closed tls",
    "proxy",
    "proxy login",
    "proxy unknown",
    "proxy not reached",
    "proxy variable",
    "trust file",
    "upgrade refused",
    "timeout upgrade",
    "status",
    "timeout read",
    "timeout",
    "closed early",
    "closed unframed",
    "closed",
    "keepalive timeout",
    "too-large",
    "protocol",
    "html",
    "no json",
    "request header",
    "request url",
    "request scheme",
    "cors",
    "csp",
    "mixed content",
    "blocked",
    "microphone",
    "microphone none",
    "microphone in use",
    "microphone insecure",
    "playback",
    "no webrtc",
    "sdp answer",
    "sdp state",
    "page failed",
    "socket failed",
    "failed",
]
# What says least: told only where nothing else is.
_VAGUE = frozenset[Fact]({"not connected", "timeout", "page failed", "socket failed", "failed"})

_SLOTS = {
    "host": r"(?P<host>[\w.-]{1,253})(?::\d{1,5})?",
    "url": r"(?P<url>[a-z]{2,5}://[^\s'\"<>)]{1,2000})",
    "status": r"(?P<status>[1-5]\d\d)",
    "close": r"(?P<close>[134]\d{3})",
    "n": r"-?\d{1,20}",
    "word": r"[\w.:/+-]{1,200}",
    "words": r"[\w ,/-]{1,60}?",
    "any": r"[^\n]{0,200}?",
}
_SLOT = expression(rf"\{{({'|'.join(_SLOTS)})\}}")
_QUOTES = "'\"`‘’“”"
_WORD = expression(r"\w+")
_WHOLE_WORD = expression(r"(?<![\w\0])\w+(?![\w\0])")  # of a template, a slot being \0

# How the operating systems' numbers are printed: Python, Rust, Dart, .NET.
_NUMBERED = ("Errno {}]", "WinError {}]", "os error {})", "errno = {}", "SocketException ({})")
_OF_WINDOWS = ("error {}", "error code {}")  # unmistakable from 10,000 on
_A_NUMBER = "0"  # where a template begins with one


class Template:
    """A line with slots, as it is looked for: at its first word, where all its words are in a text.

    Where words are not set apart by blanks, as in Chinese, it is looked for everywhere: its `first` is empty.
    """

    def __init__(self, text: str) -> None:
        words = _WHOLE_WORD.findall(_SLOT.sub("\0", text).lower())
        self.text = text
        self.spaced = text[0] < "\u1000"
        self.words = frozenset(words)
        self.first = _A_NUMBER if text[0] == "{" else words[0]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The regular expression, made when it is first needed."""
        return re.compile(_expression(self.text), re.I)

    @classmethod
    def from_yaml(cls, value: Any) -> Template:
        """The template. Raises ValueError where it cannot be looked for, or not in linear time."""
        text = own_yaml.part(value, str)
        if not re.match(r"\w|\{(status|n)\}", text):
            raise ValueError("it begins with a word, {status} or {n}")
        if text.count("{any}") > 1 or re.search(r"\{(any|words)\}\Z", text):
            raise ValueError("one {any} at most, and neither that nor {words} at its end")
        return cls(text)

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """What it looks like in a file."""
        return {"type": "string", "minLength": 4}


class Library(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one library, or a few of one language, says: its lines by the fact that they tell, and where that is written."""

    source: str
    says: Mapping[Fact, tuple[Template, ...]]


class Errno(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An error of the operating system: its fact, its numbers, and its texts in several languages."""

    fact: Fact
    numbers: tuple[int, ...] = ()
    texts: tuple[Template, ...] = ()


class Known(NamedTuple):
    """A template with what it means, and where it is written."""

    template: Template
    fact: Fact
    library: str
    source: str


@dataclass(frozen=True)
class Line:
    """One line of a library found in a text, from `start` to `end`: what it says, and which library's it is."""

    fact: Fact
    library: str
    start: int
    end: int
    status: int | None = None
    close: int | None = None
    host: str = ""
    source: str = ""

    def __str__(self) -> str:
        """The fact with its number: `upgrade refused 403`."""
        number = self.status or self.close
        return f"{self.fact} {number}" if number else self.fact


@lru_cache(4)
def said(text: str) -> tuple[Line, ...]:
    """The lines of libraries in a text, in its order, none within another; vague ones only where there is no other."""
    found = sorted(_found(text), key=lambda line: (line.start, -line.end))
    outer: list[Line] = []
    for line in found:
        if not outer or line.end > outer[-1].end:
            outer.append(line)
    exact = tuple(line for line in outer if line.fact not in _VAGUE)
    return exact or tuple(outer)


def facts_in(text: str) -> str:
    """The facts that the lines of a text tell, each once: `refused connect | upgrade refused 403`."""
    return " | ".join(dict.fromkeys(map(str, said(text))))


def numbers_in(text: str) -> tuple[str, str]:
    """The HTTP status and the close code that the lines of a text tell first; "" where none does."""
    lines = said(text)
    status = next((line.status for line in lines if line.status), "")
    close = next((line.close for line in lines if line.close), "")
    return str(status), str(close)


def _found(text: str) -> Iterator[Line]:
    words = [(word.group().lower(), word.start()) for word in _WORD.finditer(text)]
    begun = _candidates({word for word, _ in words})
    for word, start in words:
        for known in begun.get(_first(word), ()):
            if match := known.template.pattern.match(text, start):
                yield _line(match, known)
    for known in () if text.isascii() else _anywhere():
        for match in known.template.pattern.finditer(text):
            yield _line(match, known)


def _candidates(words: set[str]) -> dict[str, list[Known]]:
    """The templates of which all words are there, by the first one."""
    firsts = _by_first().keys() & set(map(_first, words))
    return {first: [known for known in _by_first()[first] if known.template.words <= words] for first in firsts}


def _first(word: str) -> str:
    return _A_NUMBER if word.isdigit() and len(word) > 1 else word


@cache
def _by_first() -> dict[str, list[Known]]:
    """The templates by their first word."""
    found: dict[str, list[Known]] = {}
    for known in templates():
        if known.template.spaced:
            found.setdefault(known.template.first, []).append(known)
    return found


@cache
def _anywhere() -> list[Known]:
    """Those that are looked for everywhere: their script has no blanks between words."""
    return [known for known in templates() if not known.template.spaced]


def _line(match: re.Match[str], known: Known) -> Line:
    slots = match.groupdict()
    status, close = slots.get("status"), slots.get("close")
    host = slots.get("host") or _host_of(slots.get("url") or "")
    numbers = (int(status) if status else None, int(close) if close else None)
    return Line(known.fact, known.library, *match.span(), *numbers, host.lower(), known.source)


def _host_of(url: str) -> str:
    return re.sub(r"^[a-z]+://|[:/?#].*$", "", url)


@cache
def templates() -> tuple[Known, ...]:
    """All templates."""
    return (*_of_libraries(), *_of_errnos())


def _of_libraries() -> Iterator[Known]:
    for name, library in own_yaml.named(Library, (__package__, "client_lines.yaml")).items():
        for fact, lines in library.says.items():
            yield from (Known(template, fact, name, library.source) for template in lines)


def _of_errnos() -> Iterator[Known]:
    for name, errno in own_yaml.named(Errno, (__package__, "errnos.yaml")).items():
        names = [Template(text) for text in (name, f"WSA{name}", name.lower())]
        frames = [(number, frame) for number in errno.numbers for frame in _NUMBERED + _OF_WINDOWS * (number > 10_000)]
        numbered = [Template(frame.format(number)) for number, frame in frames]
        for template in (*names, *numbered, *errno.texts):
            yield Known(template, errno.fact, "operating system", f"errno {name}")


def _expression(text: str) -> str:
    """The regular expression of a template; where it ends with a letter, no other joins it."""
    parts = _SLOT.split(text)
    body = "".join(_SLOTS[part] if n % 2 else _literal(part) for n, part in enumerate(parts))
    return body + (r"(?!\w)" if text[-1].isalnum() and text[-1] < "\u1000" else "")


def _literal(text: str) -> str:
    return "".join(_character(c) for c in re.sub(r"\s+", " ", text))


def _character(c: str) -> str:
    if c == " ":
        return r"\s{1,40}"
    return rf"\\{{0,2}}[{_QUOTES}]" if c in _QUOTES else re.escape(c)
