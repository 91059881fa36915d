"""Secrets: the type that holds one, and the one function that masks them.

A masked span keeps its kind, its length and its place: of a key the known prefix and, as the dashboard shows them, the last four
characters stay; every hidden character becomes `*`. What the API says about a failure (type, code, message, param) is never a
secret and is left alone, and so are the made-up controls. Which of the known ones a text holds: knowledge.py; how a secret may be
spelt: unescaping.py; what an unknown one looks like: patterns.py.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from rtdiag.api.keys import MADE_UP, kind_of
from rtdiag.model import Redaction
from rtdiag.redact.knowledge import Knowledge, Known
from rtdiag.redact.patterns import HINTED, LEARNT, PATTERNS, PREFIX
from rtdiag.redact.unescaping import Span, View, apart, spellings, views

# What a report says of its own masking; what is searched for, and what is not.
SCOPE = "secrets are searched for as they are, URL-encoded, JSON-escaped and inside HTTP Basic; other encodings are not searched"

_LAST_SHOWN, _LEAST_HIDDEN = 4, 12

# Headers whose value is a credential, whatever it looks like; the scheme before it stays.
_CREDENTIAL_HEADERS = re.compile(
    r"(?!sec-websocket-)(?:.*[-_])?(?:authorization|auth|token|secret|password|jwt|apikey|x-bf-vk)"
    r"|(?:.*[-_])?(?:api|access|virtual|subscription|functions?|litellm|openai)-key"
)
_COOKIE_HEADERS = frozenset({"cookie", "set-cookie"})
_COOKIE_VALUE = re.compile(r"(?:^|(?<=; )|(?<=;))([^=;\s]+=)([^;]+)")

# Shorter values are secrets only where they hold a letter and a digit and stand alone: masking "null" or "undefined" everywhere
# would hide the diagnosis. So would the value of a cookie that is a plain word.
_SHORTEST_ANYWHERE, _SHORTEST, _LONGEST_WORD = 10, 6, 16
_MIXED = re.compile(r"(?=.*\d)(?=.*[^\W\d])", re.DOTALL)
_ALONE = re.compile(r"(?<![^\W_])"), re.compile(r"(?![^\W_])")
_ADDRESS = re.compile(r"(?<![\w.:])"), re.compile(r"(?!\.?\w)")
_SHORTEST_SHAPE = 6  # a URL with a name in it: x://a@
_LONGEST_REMEMBERED, _MOST_REMEMBERED = 200, 10_000  # of texts found clean
# A hostile server may send as many cookies as it likes; each costs a search of every text.
_MOST_LEARNT = 1000

# The variables that hold a secret, and those that hold a URL with a name and a password in it.
_SECRET_VARIABLES = ("OPENAI_API_KEY", "RTDIAG_TOKEN", "RTDIAG_ICE_USERNAME", "RTDIAG_ICE_CREDENTIAL")
_URL_VARIABLES = ("OPENAI_BASE_URL", "RTDIAG_BASE_URL", "RTDIAG_TOKEN_URL", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")

_Finder = tuple[str, Callable[[str], Iterable[Span]]]


class Secret:
    """A text that shows itself only when asked to: its `repr` and `str` are masked."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the wire alone."""
        return self._text

    def __str__(self) -> str:
        return stars(self._text)

    def __repr__(self) -> str:
        return f"Secret({stars(self._text)!r})"


def stars(text: str) -> str:
    """`text` at the same length, hidden but for a key's known prefix and last four characters; a made-up control as it is."""
    if text in MADE_UP:
        return text
    head = PREFIX.match(text)
    kept = head.end() if head else 0
    shown = _LAST_SHOWN if head and len(text) - kept - _LAST_SHOWN >= _LEAST_HIDDEN else 0
    shown = shown if re.search(r"[A-Za-z0-9_-]{4}\Z", text) else 0  # half of an escape would not parse
    end = len(text) - shown
    return text[:kept] + "*" * (end - kept) + text[end:]


class Mask:
    """Hides what it has been told and what looks like a secret, and counts what it hid."""

    def __init__(self, *, keep_addresses: bool = False) -> None:
        self._known = Knowledge()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._keep_addresses = keep_addresses
        self._own_headers: set[str] = set()
        self._clean: dict[str, int] = {}  # short texts without secrets, which come again, and how many were known then

    def learn(self, text: str, kind: str | None = None) -> None:
        """Hide this value from now on, however it is spelt.

        Values under 10 characters are hidden where they stand alone and hold a letter and a digit, under 6 never.
        """
        text = text.strip()
        short = len(text) < _SHORTEST_ANYWHERE
        if len(text) < _SHORTEST or text in MADE_UP or set(text) == {"*"} or (short and not _MIXED.match(text)):
            return
        self._add(Known(text, kind or kind_of(text), spellings(text), _ALONE if short else None))

    def learn_url(self, url: str) -> None:
        """Hide the name and the password in that URL wherever else they occur, also as HTTP Basic has them."""
        name, colon, password = _userinfo(url).partition(":")
        name, password = unquote(name), unquote(password)
        for part in (name, password):
            self.learn(part, "url-userinfo")
        if colon:
            pair = f"{name}:{password}".encode("utf-8", "surrogatepass")
            self.learn(base64.b64encode(pair).decode().rstrip("="), "basic")

    def learn_header(self, name: str, value: str) -> None:
        """Hide what a header of that name holds, however short, and this value of it everywhere."""
        self._own_headers.add(name.lower())
        self.learn(value, "header")

    def learn_address(self, address: str) -> None:
        """Hide this machine's network address, unless addresses are to be kept."""
        if not self._keep_addresses and address:
            self._add(Known(address, "address", frozenset({address}), _ADDRESS))

    def learn_environment(self, environment: Mapping[str, str]) -> None:
        """Hide what the variables hold that rtdiag and its libraries take secrets from."""
        for name in _SECRET_VARIABLES:
            self.learn(environment.get(name, ""))
        for name in _URL_VARIABLES:
            for spelling in (name, name.lower()):
                self.learn_url(environment.get(spelling, ""))

    def __call__(self, text: str, where: str) -> str:
        """`text` with every secret masked; `where` is the place that the ledger names."""
        count = len(self._known)
        if self._clean.get(text) == count or (len(text) < _SHORTEST_SHAPE and not count):
            return text
        seen = views(text)
        left = self._without(seen, where, self._known_ones)
        if left is not seen or text not in self._clean:
            left = self._without(left, where, self._shapes)
        if len(self._known) > count:
            left = self._without(left, where, self._known_ones)
        elif left is seen and len(text) < _LONGEST_REMEMBERED:
            self._remember(text, count)
        return left[0].text

    def knows_of(self, texts: Iterable[str]) -> bool:
        """Whether what is known begins somewhere in those texts: a look, where masking is a search."""
        return len(self._known) > 0 and any(self._known.begins_in(one.text) for text in texts for one in views(text))

    def values(self, value: Any, where: str) -> Any:
        """The same for every text inside plain values (dicts with their keys, lists)."""
        if isinstance(value, str):
            return self(value, where)
        if value is None or isinstance(value, int | float):
            return value
        if isinstance(value, Mapping):
            return {self.values(k, where): self.values(v, where) for k, v in value.items()}
        several = isinstance(value, list | tuple | set | frozenset)
        return [self.values(v, where) for v in value] if several else value

    def header(self, name: str, value: str, where: str) -> tuple[str, str]:
        """A header as the record holds it: credentials and cookies whatever they look like, and learnt for all other places."""
        if name.lower() in self._own_headers:
            value = self._hidden(value, where)
        elif _CREDENTIAL_HEADERS.fullmatch(name.lower()):
            value = self._credential(value, where)
        elif name.lower() in _COOKIE_HEADERS:
            value = self._cookies(value, where, every=name.lower() == "cookie")
        return self(name, where), self(value, where)

    def ledger(self) -> tuple[Redaction, ...]:
        """What was hidden so far, by place and kind, sorted."""
        return tuple(Redaction(where, kind, n) for (where, kind), n in sorted(self._counts.items()) if n)

    def _add(self, known: Known) -> None:
        if known.text not in self._known and len(self._known) < _MOST_LEARNT:
            self._known.add(known)

    def _remember(self, text: str, count: int) -> None:
        if len(self._clean) >= _MOST_REMEMBERED:
            self._clean.clear()
        self._clean[text] = count

    def _credential(self, value: str, where: str) -> str:
        """The scheme and the credential hidden; a word such as `undefined` is none."""
        scheme, blank, credential = value.partition(" ")
        scheme, credential = (scheme + blank, credential) if blank else ("", scheme)
        self.learn(credential, None if PREFIX.match(credential) else "header")
        masked = self(value, where)
        if masked != value or credential.isalpha() or not credential or credential in MADE_UP or "*" in credential:
            return masked
        self._counts[where, "header"] += 1
        return scheme + "*" * len(credential)

    def _hidden(self, value: str, where: str) -> str:
        self._counts[where, "header"] += 1
        return stars(value)

    def _cookies(self, value: str, where: str, *, every: bool) -> str:
        """The values of the cookies hidden: all of a `Cookie`, the first of a `Set-Cookie`, whose others are attributes."""

        def hide(found: re.Match[str]) -> str:
            self._learn_seen(found[2].strip('"'), "cookie")
            self._counts[where, "cookie"] += 1
            return found[1] + "*" * len(found[2])

        return _COOKIE_VALUE.sub(hide, value, count=0 if every else 1)

    def _learn_seen(self, text: str, kind: str) -> None:
        """Learn a value that only its place shows to be a secret; a plain word stays readable elsewhere."""
        if len(text) >= _LONGEST_WORD or any(c.isdigit() for c in text):
            self.learn(text, kind)

    def _without(self, seen: list[View], where: str, finders: Callable[[str], Iterable[_Finder]]) -> list[View]:
        """The views of a text with what the finders find hidden: first below all its escapes, last as it stands."""
        for depth in range(len(seen) - 1, -1, -1):
            if depth >= len(seen):  # what was hidden were the last escapes
                continue
            view = seen[depth]
            if hidden := self._hidden_in(view.text, where, finders(view.text)):
                seen = views(_starred(seen[0].text, apart(view.place(*span) for span in hidden)))
        return seen

    def _hidden_in(self, text: str, where: str, finders: Iterable[_Finder]) -> list[Span]:
        """What each of the finders hides of what those before it have left, counted."""
        hidden = list[Span]()
        for kind, find in finders:
            spans = list(find(text))  # mostly none: the rest is for the few
            spans = spans and [(s, e) for s, e in apart(spans) if stars(text[s:e]) != text[s:e]]
            if spans:
                self._counts[where, kind] += len(spans)
                text, hidden = _starred(text, spans), hidden + spans
        return hidden

    def _known_ones(self, text: str) -> Iterator[_Finder]:
        return ((known.kind, known.found) for known in self._known.within(text))

    def _shapes(self, text: str) -> Iterator[_Finder]:
        folded = text.casefold()
        for place in sorted({place for hint, place in HINTED if hint in folded}):
            kind, _, pattern = PATTERNS[place]
            yield kind, partial(self._looking_so, kind, pattern)

    def _looking_so(self, kind: str, pattern: re.Pattern[str], text: str) -> Iterator[Span]:
        for found in pattern.finditer(text):
            if kind != "basic" or _is_basic(found[1]):
                yield found.span(1)
            if kind in LEARNT:
                self._learn_seen(found[1], kind)


def _starred(text: str, spans: Iterable[Span]) -> str:
    """The text with these spans hidden, which come in order and lie apart."""
    parts, end = list[str](), 0
    for start, stop in spans:
        parts += (text[end:start], stars(text[start:stop]))
        end = stop
    return "".join((*parts, text[end:])) if parts else text


def _userinfo(url: str) -> str:
    """The name and the password in that URL, "" where there is none. One with a slash in it makes no URL, and is a secret still."""
    rest = url.partition("://")[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    wrong = "@" not in authority and re.search(r":(?!\d*\Z)", authority)
    return (rest if wrong else authority).rpartition("@")[0]


def _is_basic(text: str) -> bool:
    """Whether this is what follows `Basic`: base64 of a name and a password (RFC 7617), and not a word of a sentence."""
    text = re.split("=|%3[Dd]", text)[0].replace("-", "+").replace("_", "/")
    whole = text + "=" * (-len(text) % 4), text[: len(text) // 4 * 4]  # a word may stand right behind it
    return any(b":" in found and not re.search(rb"[\x00-\x1f\x7f]", found) for found in map(_decoded, whole))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""
