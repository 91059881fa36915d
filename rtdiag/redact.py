"""Secrets: the type that holds one, and the one function that masks them.

A masked span keeps its kind, its length and its place: the known prefix stays, every hidden character becomes `*`. What the
API says about a failure (type, code, message, param) is never a secret and is left alone, and so are the made-up controls.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from rtdiag.api.keys import MADE_UP, kind_of
from rtdiag.model import Redaction

_PREFIX = re.compile(r"sk-(?:proj-|svcacct-|admin-)?|ek_")

# What a secret looks like where its value is not known, with the group that is the secret.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("api-key", re.compile(r"(?<![\w-])(sk-[A-Za-z0-9_-]{16,})")),
    ("ephemeral", re.compile(r"(?<![\w-])(ek_[A-Za-z0-9_-]{16,})")),
    ("bearer", re.compile(r"(?i:bearer|basic) +((?=\S*\d)[^\s\"'*]{12,})")),
    ("sub-protocol", re.compile(r"openai-insecure-api-key\.([^\s,\"'*]{8,})")),
    ("jwt", re.compile(r"(?<![\w-])(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)")),
    ("ice-pwd", re.compile(r"a=ice-pwd:([^\s\\\"]+)")),
    ("url-password", re.compile(r"://[^/\s:@]*:([^/\s@]+)@")),
    ("cookie", re.compile(r"__cf_bm=([^;\s]+)")),
)

# Shorter values are no secrets ("null", "undefined"), and masking them everywhere would hide the diagnosis.
_SHORTEST_SECRET = 10


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
    """`text` with everything but its known prefix hidden, at the same length; a made-up control stays as it is."""
    if text in MADE_UP:
        return text
    head = _PREFIX.match(text)
    kept = head.end() if head else 0
    return text[:kept] + "*" * (len(text) - kept)


class Mask:
    """Hides what it has been told and what looks like a secret, and counts what it hid."""

    def __init__(self, *, keep_addresses: bool = False) -> None:
        self._known: dict[str, str] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._keep_addresses = keep_addresses

    def learn(self, text: str, kind: str | None = None) -> None:
        """Hide this value from now on, also as JSON and as a URL spell it; values under 10 characters are no secrets."""
        text = text.strip()
        if len(text) < _SHORTEST_SECRET or text in MADE_UP:
            return
        for spelling in {text, json.dumps(text)[1:-1], quote(text, safe="")}:
            self._known[spelling] = kind or kind_of(text)

    def learn_address(self, address: str) -> None:
        """Hide this machine's network address, unless addresses are to be kept."""
        if not self._keep_addresses and address:
            self._known[address] = "address"

    def __call__(self, text: str, where: str) -> str:
        """`text` with every secret masked; `where` is the place that the ledger names."""
        for value in sorted(self._known, key=len, reverse=True):
            text = self._hide(text, _spelt(value), self._known[value], where)
        for kind, pattern in _PATTERNS:
            text = pattern.sub(self._counted(kind, where), text)
        return text

    def values(self, value: Any, where: str) -> Any:
        """The same for every text inside plain values (dicts, lists), keys excepted."""
        if isinstance(value, str):
            return self(value, where)
        if isinstance(value, Mapping):
            return {k: self.values(v, where) for k, v in value.items()}
        return [self.values(v, where) for v in value] if isinstance(value, list | tuple) else value

    def ledger(self) -> tuple[Redaction, ...]:
        """What was hidden so far, by place and kind, sorted."""
        return tuple(Redaction(where, kind, n) for (where, kind), n in sorted(self._counts.items()))

    def _hide(self, text: str, pattern: str, kind: str, where: str) -> str:
        edges = (r"(?<![\w.:])", r"(?![\w.]*\w)") if kind == "address" else ("", "")
        return re.sub(f"{edges[0]}({pattern}){edges[1]}", self._counted(kind, where), text)

    def _counted(self, kind: str, where: str) -> Callable[[re.Match[str]], str]:
        def hide(match: re.Match[str]) -> str:
            secret = match.group(1)
            hidden = stars(secret)
            if hidden == secret:
                return match.group(0)
            self._counts[where, kind] += 1
            start = match.start(1) - match.start(0)
            return match.group(0)[:start] + hidden + match.group(0)[start + len(secret) :]

        return hide


def _spelt(value: str) -> str:
    """A pattern for this value, also where JSON spells characters of it by their numbers."""
    return "".join(f"(?:{re.escape(c)}|\\\\u(?i:{ord(c):04x}))" for c in value)
