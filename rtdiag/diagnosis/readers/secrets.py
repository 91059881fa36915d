"""Which values of an input are secrets, so that the mask hides them in every other place too; and what may be said of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from rtdiag.api.expressions import expression
from rtdiag.api.keys import MADE_UP, kind_of, shape_of
from rtdiag.redact import Mask

_NAMES = "authorization|api[-_]?key|x-api-key|client[-_]?secret|access[-_]?token|refresh[-_]?token|id[-_]?token|password|secret"
_SECRET_KEY = expression(rf"(?i)(?:{_NAMES}|token|ephemeral[-_]?(?:key|token))\Z")
_IN_TEXT = expression(  # of a text in small letters, which takes a fifth of what ignoring case takes
    rf"(?:{_NAMES})[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?(?:bearer\s{{1,4}}|basic\s{{1,4}})?([\w.~+/=-]{{12,4096}})"
)
_IN_URL = expression(
    r"(?i)[?&](?:api[-_]?key|token|access_token|key|sig|signature|client_secret|ticket)=([^&#\s\"']{10,4096})"
)
_BEARER = expression(r"(?i)\s{0,8}(?:bearer|basic)\s{0,8}(.{0,8192})", re.DOTALL)
_SUB_PROTOCOL = expression(r"openai-insecure-api-key\.([^\s,\"']{1,8192})")

# Names of things that stand where a secret might, and that a diagnosis needs.
_NAMED_THINGS = ("gpt-", "whisper-", "sess_", "event_", "item_", "resp_", "rtc_", "session.", "http", "realtime")

# A hostile input may hold as many as it likes; each costs a pass over every text.
MOST_SECRETS = 200
_MOST_VALUES = 200_000

# How people write of a credential that they do not show: no word about the one that was sent.
_NOT_SHOWN = frozenset({"masked", "reference"})

_SHORT_KINDS = {"api-key": "sk", "admin-key": "sk-admin", "ephemeral": "ek", "none": "none", "other": "other"}


class Learner:
    """Tells a mask the secrets of one input, at most MOST_SECRETS of them."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self._known: set[str] = set()

    def learn(self, secret: str) -> None:
        """Hide this value from now on; what the API has masked itself, and what has no digit in it, is left alone."""
        secret = secret.strip()
        if (
            not secret
            or "*" in secret
            or secret in self._known
            or len(self._known) >= MOST_SECRETS
            or not _looks_secret(secret)
        ):
            return
        self._known.add(secret)
        self.mask.learn(secret)

    def text(self, text: str) -> None:
        """Learn what stands behind `Authorization:`, `api_key=` and their like, and in the query of a URL."""
        lowered = text.replace("\u0130", "i").lower()  # that letter alone would become two
        for pattern, looked_at in ((_IN_TEXT, lowered), (_IN_URL, text)):
            for match in pattern.finditer(looked_at):
                found = text[slice(*match.span(1))]
                self.learn(found)
                self.learn(unquote(found))

    def value(self, value: Any) -> None:
        """Learn the secrets of a JSON value: by the names of their keys, and `value` beside `expires_at`."""
        stack, seen = [value], 0
        while stack and seen < _MOST_VALUES:
            seen += 1
            here = stack.pop()
            if isinstance(here, Mapping):
                self._mapping(here)
                stack.extend(v for v in here.values() if isinstance(v, Mapping | list))
            elif isinstance(here, list):
                stack.extend(v for v in here if isinstance(v, Mapping | list))

    def _mapping(self, mapping: Mapping[Any, Any]) -> None:
        for key, value in mapping.items():
            named = isinstance(key, str) and (_SECRET_KEY.match(key) or (key == "value" and "expires_at" in mapping))
            if named and isinstance(value, str):
                self.learn(bearer(value))


def bearer(header: str) -> str:
    """The credential in the value of an Authorization header, or the value where it names no scheme."""
    match = _BEARER.match(header)
    return (match.group(1) if match else header).strip()


def in_sub_protocol(header: str) -> str | None:
    """The credential among WebSocket sub-protocols, or None."""
    match = _SUB_PROTOCOL.search(header)
    return match.group(1) if match else None


def credential(secret: str) -> str:
    """The kind of a credential as situations spell it: sk, sk-admin, ek, none or other."""
    return _SHORT_KINDS[kind_of(secret)]


def problem(secret: str) -> str | None:
    """What is wrong with a credential by its look alone, or None: `the credential sent: it is empty`."""
    if "*" in secret or secret in MADE_UP:
        return None
    found = shape_of(secret, "other")
    return f"the credential sent: {found['problem']}" if found.get("flaw", "masked") not in _NOT_SHOWN else None


def _looks_secret(text: str) -> bool:
    if text.startswith(_NAMED_THINGS):
        return False
    return any(c.isdigit() for c in text) or text.startswith(("sk-", "ek_"))
