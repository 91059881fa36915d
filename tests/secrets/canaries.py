"""Made-up secrets that must come out nowhere: how they are made, how they may be spelt, and how they are looked for.

The search knows nothing of rtdiag's own masking: it takes off every escape that an output could have put on, and looks for any
eight characters in a row of what has to be hidden.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

WINDOW = 8
SHOWN = 4
PREFIXES = ("sk-proj-", "sk-svcacct-", "sk-", "ek_", "")
HOSTILE = "\"'\\%+/=&?:@;,#<> ü€😀"

# Few examples, always the same ones, no clock, and nothing left behind.
PROPERTY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def made(seed: int | str, length: int = 40, prefix: str = "sk-proj-") -> str:
    """A canary of that seed: the prefix, then letters and digits that stand nowhere else."""
    digest = "".join(hashlib.sha256(f"{seed}/{n}".encode()).hexdigest() for n in range(4))
    body = "".join(c.upper() if n % 3 else c for n, c in enumerate(digest))[: length - len(prefix) - 1]
    return f"{prefix}{body}7"


@st.composite
def plain(draw: st.DrawFn, prefixes: Iterable[str] = PREFIXES) -> str:
    """A canary in the alphabet of keys, 16 to 200 characters long."""
    return made(draw(st.integers(0, 9999)), draw(st.integers(28, 200)), draw(st.sampled_from(tuple(prefixes))))


@st.composite
def hostile(draw: st.DrawFn) -> str:
    """A canary with characters in it that every notation spells in its own way; never at an end, where blanks are cut off."""
    text = list(draw(plain()))
    for _ in range(draw(st.integers(1, 6))):
        text[draw(st.integers(3, len(text) - 2))] = draw(st.sampled_from(HOSTILE))
    return "".join(text)


def canaries() -> st.SearchStrategy[str]:
    """Canaries of both kinds."""
    return st.one_of(plain(), hostile())


def _small(url: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), url)


def _numbered(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2))


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "raw": str,
    "url": quote,
    "url-whole": lambda s: quote(s, safe=""),
    "url-small": lambda s: _small(quote(s, safe="")),
    "url-every-byte": lambda s: "".join(f"%{b:02x}" for b in s.encode()),
    "form": quote_plus,
    "json": lambda s: json.dumps(s)[1:-1],
    "json-utf8": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "json-slash": lambda s: json.dumps(s)[1:-1].replace("/", "\\/"),
    "json-numbers": _numbered,
    "json-in-json": lambda s: json.dumps(json.dumps(s))[1:-1],
    "json-of-url": lambda s: json.dumps(quote(s))[1:-1],
    "bytes-as-latin-1": lambda s: s.encode().decode("latin-1"),
    "basic-user": lambda s: "Basic " + base64.b64encode(f"{s}:pw".encode()).decode(),
    "basic-password": lambda s: "Basic " + base64.b64encode(f"user:{s}".encode()).decode(),
    "basic-in-json": lambda s: "Basic " + base64.b64encode(f"user:{s}".encode()).decode().replace("/", "\\/"),
    "basic-in-url": lambda s: quote("Basic " + base64.b64encode(f"user:{s}".encode()).decode(), safe=""),
}


def hidden_part(canary: str) -> str:
    """What of a canary may be seen nowhere: all but the kind of a key and its last four characters."""
    kind = next(p for p in PREFIXES if canary.startswith(p))
    return canary.removeprefix(kind)[: -SHOWN if kind else None]


def leaks(output: str | bytes, canary: str) -> set[str]:
    """Every eight characters in a row of the canary that the output shows, in whatever spelling."""
    text = output.decode("utf-8", "replace") if isinstance(output, bytes) else output
    secret = hidden_part(canary)
    seen = tuple(_readings(text))
    forms = {secret, secret.encode().decode("latin-1"), secret.replace("+", " "), unquote(secret)}
    windows = {form[i : i + WINDOW] for form in forms for i in range(max(1, len(form) - WINDOW + 1))}
    return {window for window in windows if any(window in one for one in seen)}


def _readings(text: str) -> Iterable[str]:
    """The text, and what it says once the escapes of each notation are taken off, twice."""
    seen = {text}
    for _ in range(2):
        for one in tuple(seen):
            seen |= {html.unescape(one), unquote(one), unquote_plus(one), _unescaped(one), one.replace("\\", "")}
    yield from seen
    for one in seen:
        yield from map(_decoded, set(re.findall(r"[A-Za-z0-9+/_-]{12,}={0,2}", one)))


def _unescaped(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        try:
            return str(json.loads(f'"{found[0]}"'))
        except ValueError:
            return found[0]

    return re.sub(r"(?:\\u[0-9A-Fa-f]{4})+|\\[\\/\"bfnrt]", character, text)


def _decoded(text: str) -> str:
    try:
        raw = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=None)
    except (ValueError, binascii.Error):
        return ""
    return raw.decode("utf-8", "replace") + raw.decode("latin-1")


def flat(value: Any) -> str:
    """Every text inside plain values, line by line."""
    if isinstance(value, Mapping):
        return "\n".join(flat(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return "\n".join(map(flat, value))
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
