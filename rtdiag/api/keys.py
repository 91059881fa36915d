"""Kinds of credential, told by their prefix, and the made-up ones that a server must refuse."""

from __future__ import annotations

from typing import Literal

CredentialKind = Literal["api-key", "admin-key", "ephemeral", "none", "other"]

# help.openai.com 8867743 (project keys), openapi.yaml @ f85dbe2 line 86372 (admin keys) and line 17006 (client secrets).
_PREFIXES: tuple[tuple[str, CredentialKind], ...] = (
    ("sk-admin-", "admin-key"),
    ("sk-", "api-key"),
    ("ek_", "ephemeral"),
)

# Controls: no server can know these, so one that takes them asks for no credential at all. They are not secrets.
MADE_UP_KEY = "sk-proj-rtdiag-made-up-key-that-nobody-issued-00"
MADE_UP_TOKEN = "ek_rtdiagmadeuptokennobodyissued000"

MADE_UP = frozenset({MADE_UP_KEY, MADE_UP_TOKEN})


def kind_of(text: str) -> CredentialKind:
    """The kind of credential that `text` looks like; "none" when it is empty, "other" when no prefix is known."""
    if not text:
        return "none"
    return next((kind for prefix, kind in _PREFIXES if text.startswith(prefix)), "other")
