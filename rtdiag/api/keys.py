"""Kinds of credential, told by their prefix; what a text is that is none; and made-up ones that a server must refuse."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal

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


def of_shell(source: str) -> str:
    """What stands for the key in the words of a shell, by where it came from: a variable, or `--key-file FILE`.

    Of what names neither, such as the emulator or standard input, it is the variable that everybody knows.
    """
    if source.startswith("--key-file ") and source != "--key-file -":
        return f"$(cat {shlex.quote(source.removeprefix('--key-file '))})"
    return f"${source if re.fullmatch(r'[A-Za-z_][A-Za-z0-9_]*', source) else 'OPENAI_API_KEY'}"


def kind_of(text: str) -> CredentialKind:
    """The kind of credential that `text` looks like; "none" when it is empty, "other" when no prefix is known."""
    if not text:
        return "none"
    return next((kind for prefix, kind in _PREFIXES if text.startswith(prefix)), "other")


# What is no part of a credential at its ends, as a person sees it: blanks, line ends, and characters that show nothing.
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad\u00a0\u202f\u2007"
_BLANK = " \t\r\n\v\f\x00" + _INVISIBLE

# What a credential's text must not be; the first match in what is left without its ends wins: (a flaw's name, pattern, what it is,
# what to do). A flaw without a name is that there is no credential at all.
_FLAWS: tuple[tuple[str, str, str, str], ...] = (
    ("", r"\A\Z", "it is empty", "set it to the key or token itself"),
    (
        "reference",
        r"\A(\$\{?[A-Z_][A-Z0-9_]*(:.*)?\}?|%\w+%|\$?\{\{.*|\$\(.*|[A-Z][A-Z0-9]*(_[A-Z0-9]+)*_(KEY|TOKEN|SECRET))\Z"
        r"|\A(process\.env|import\.meta|os\.(environ|getenv)|op://|arn:aws:|vault:|file:|@Microsoft\.KeyVault)"
        r"|\A(~/|\./|\.\./|/(run|etc|home|var|root|tmp|Users|mnt|opt|secrets)/|[A-Za-z]:\\)",
        "it is the name of where a key lies, not the key",
        "put the key itself there; nobody on the way looks it up",
    ),
    (
        "whole-line",
        r"(?im)^(export\s+|set\s+|\$env:|(const|let|var)\s+)?\w{0,40}(key|token|secret|openai)\w{0,40}\s{0,9}(=|:\s)\s{0,9}[^\s=]"
        r"|^(export|setx?)\s+\w+[\s=]|\A\{",
        "it is a whole line or file, not the key alone",
        "keep what stands behind the `=` or `:` alone",
    ),
    (
        "bearer",
        r"(?i)\A['\"]?(authorization|x-api-key|api-key)['\"]?:",
        "it is a whole header, with its name",
        "give the key alone; the client adds `Authorization: Bearer ` to it",
    ),
    (
        "bearer",
        r"(?i)\A['\"]?(bearer|basic)( |:|%20)",
        "it begins with `Bearer` or `Basic`, as a header does",
        "give it alone; the client adds `Bearer ` to the header",
    ),
    (
        "",
        r"(?i)\A(undefined|null|none|nil|nan|\[object .*\]|true|false)\Z",
        "it is what an unset variable turns into",
        "the variable or field is not set where it is read: `.value` against `.client_secret.value`, for one",
    ),
    (
        "masked",
        r"(?i)[*\u2022\u25cf\u2219\u00b7]{3,}|\A(sk-|ek_)\S*?(\.{3}|…)\w{2,}\Z|\[?redacted",
        "it is masked: a part of it is `*` or dots, as a dashboard or a log shows it",
        "copy the whole key from where it is kept",
    ),
    (
        "",
        r"(?i)your[-_ ]?(open ?ai[-_ ]?)?(api[-_ ]?)?key|<(?!sk-|ek_)[^<>]*>|\.\.\.|…|x{6,}|changeme|placeholder"
        r"|api[-_]key[-_]here",
        "it is a placeholder",
        "replace it by a key of the server that is asked",
    ),
    (
        "quotes",
        r"""\A(["'`“”‘’„«»]|\$?[\[({<])|["'`“”‘’«»\])}>]\Z""",
        "it has quotes or brackets around it",
        "remove the quotes, or brackets",
    ),
    (
        "encoded",
        r"(?i)\A(?=.*%[0-9a-f]{2})(%[0-9a-f]{2})*(sk(-|%2d)|ek(_|%5f))",
        "it is URL-encoded: `%` and two digits stand for a character",
        "decode it; a header takes it as it is",
    ),
    (
        "encoded",
        r"\A(c2st|ZWtf|InNr|InVr|QmVhcmVy)[A-Za-z0-9+/_-]{8,}={0,2}\Z",
        "it is a key in base64",
        "decode it (`base64 -d`) before it is used",
    ),
)

# Where nothing above is found: at its ends, and inside.
_AROUND = (
    "blanks",
    "it has blanks or a newline at an end",
    "strip it where it is read; one pasted into a file often ends in a newline",
)
_WINDOWS = (
    "blanks",
    "it has blanks or a newline at an end: a carriage return, the line end of Windows",
    "write the file anew with line ends of Unix (dos2unix), or strip it where it is read",
)
_BROKEN = (
    "other-character",
    "it holds a blank or a line end inside, so a character that no key has (not printable ASCII)",
    "it is one key on one line: copy it again; two keys, or one broken in two, are none",
)
_STRANGE = (
    "other-character",
    "it holds a character that no key has (not printable ASCII)",
    "copy it again; word processors and chats change characters",
)

# A credential of one kind where another belongs: (what is wanted, what it is) -> (the flaw's name, what it is, what to do).
_WRONG_KIND: dict[tuple[CredentialKind, CredentialKind], tuple[str, str, str]] = {
    ("api-key", "ephemeral"): (
        "ephemeral-token",
        "it is an ephemeral token (ek_), not an API key",
        "set RTDIAG_TOKEN to it instead; tokens are minted with an API key",
    ),
    ("api-key", "admin-key"): (
        "admin-key",
        "it is an admin key (sk-admin-), which is for the administration API",
        "use a project key in its place",
    ),
    ("ephemeral", "api-key"): (
        "api-key",
        "it is an API key, not an ephemeral token (ek_)",
        "set OPENAI_API_KEY to it instead, and never send it to a browser",
    ),
    ("ephemeral", "admin-key"): (
        "admin-key",
        "it is an admin key (sk-admin-), not an ephemeral token (ek_)",
        "mint a token with a project key",
    ),
}


def shape_of(text: str, wanted: CredentialKind, *, official: bool = True) -> dict[str, str | int]:
    """What can be said of a credential without showing it: `kind`, `length`; where it cannot be one, `problem`, `hint` and `flaw`.

    `flaw` names the problem's kind, "" where there is no credential at all. Only what is certain is a problem: gateways hand out
    keys and tokens of any look, and only where OpenAI's own are wanted (`official`) is one an admin key that begins as those do.
    A `placeholder` is a problem there alone, too: servers that ask for no key have their users write "none" and the like.
    """
    kind = kind_of(text)
    facts: dict[str, str | int] = {"kind": kind, "length": len(text)}
    flaw = _flaw(text)
    if flaw and not flaw[0] and not official and re.fullmatch(r"[\x21-\x7e]+", text):
        return facts | {"placeholder": flaw[1]}
    found = flaw or (_WRONG_KIND.get((wanted, kind)) if official or kind != "admin-key" else None)
    return facts | (dict(zip(("flaw", "problem", "hint"), found, strict=True)) if found else {})


def observed(facts: Mapping[str, Any]) -> str:
    """The problem found by `shape_of` as a check observes it; `flaw` is missing in records of rtdiag 0.1."""
    return f"the flaw of the credential: {facts.get('flaw') or 'it is none'}"


def _flaw(text: str) -> tuple[str, str, str] | None:
    bare = text.strip(_BLANK)
    if found := next(((name, told, todo) for name, flaw, told, todo in _FLAWS if re.search(flaw, bare)), None):
        return found
    if hidden := next((c for c in text if c in _INVISIBLE), None):
        return _invisible(hidden)
    if bare != text or bare != bare.strip():
        return _WINDOWS if text.removesuffix("\n").endswith("\r") else _AROUND
    if re.search(r"\s", bare):
        return _BROKEN
    return _STRANGE if re.search(r"[^\x21-\x7e]", bare) else None


def _invisible(hidden: str) -> tuple[str, str, str]:
    """A byte order mark, a no-break space and their like are named: nothing shows them."""
    named = unicodedata.name(hidden, "").lower()
    what = "a byte order mark (BOM)" if hidden == "\ufeff" else f"a {named}"
    told = f"it holds {what}, U+{ord(hidden):04X}, which no editor shows"
    return "invisible-character", told, "write it anew without that; `cat -A` shows what is there"
