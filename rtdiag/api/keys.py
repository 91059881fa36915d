"""Kinds of credential, told by their prefix, and the made-up ones that a server must refuse."""

from __future__ import annotations

import re
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


# What a credential's text must not be, first match wins: (pattern, what it is, what to do).
_MALFORMED: tuple[tuple[str, str, str], ...] = (
    (r"\s*$", "it is empty", "set it to the key or token itself"),
    (
        r"(?s)\s.*|.*\s$",
        "it has blanks or a newline at an end",
        "strip it where it is read; one pasted into a file often ends in a newline",
    ),
    (
        r"""["'`“”‘’].*|.*["'`“”‘’]$""",
        "it has quotes around it",
        "remove the quotes; in a .env file read by docker they become part of the value",
    ),
    (r"(?i)bearer[ :]", "it begins with `Bearer`", "give it alone; the client adds `Bearer ` to the header"),
    (
        r"(?i)(undefined|null|none|nan|\[object .*\]|true|false)$",
        "it is what an unset variable turns into",
        "the variable or field is not set where it is read: `.value` against `.client_secret.value`, for one",
    ),
    (
        r"(?i).*(your[-_ ]?(open ?ai[-_ ]?)?(api[-_ ]?)?key|<.*>|\.\.\.|…|x{6,}|changeme|placeholder|api[-_]key[-_]here)",
        "it is a placeholder",
        "replace it by a key from https://platform.openai.com/api-keys",
    ),
    (
        r"(?s).*[^\x21-\x7e]",
        "it holds a character that no key has (not printable ASCII)",
        "copy it again; word processors and chats change characters",
    ),
)

# A credential of one kind where another belongs: (what is wanted, what it is) -> (what it is, what to do).
_WRONG_KIND: dict[tuple[CredentialKind, CredentialKind], tuple[str, str]] = {
    ("api-key", "ephemeral"): (
        "it is an ephemeral token (ek_), not an API key",
        "set RTDIAG_TOKEN to it instead; tokens are minted with an API key",
    ),
    ("api-key", "admin-key"): (
        "it is an admin key (sk-admin-), which is for the administration API",
        "use a project key from https://platform.openai.com/api-keys",
    ),
    ("ephemeral", "api-key"): (
        "it is an API key, not an ephemeral token (ek_)",
        "set OPENAI_API_KEY to it instead, and never send it to a browser",
    ),
    ("ephemeral", "admin-key"): (
        "it is an admin key (sk-admin-), not an ephemeral token (ek_)",
        "mint a token with a project key",
    ),
}


def shape_of(text: str, wanted: CredentialKind) -> dict[str, str | int]:
    """What can be said of a credential without showing it: `kind`, `length`, and `problem` with `hint` where it cannot be one.

    Only what is certain is a problem: gateways hand out keys and tokens of any other look.
    """
    facts: dict[str, str | int] = {"kind": kind_of(text), "length": len(text)}
    problem = next(((p, h) for pattern, p, h in _MALFORMED if re.match(pattern, text)), None)
    problem = problem or _WRONG_KIND.get((wanted, kind_of(text)))
    return facts | ({"problem": problem[0], "hint": problem[1]} if problem else {})
