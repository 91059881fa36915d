"""Which codes, statuses, events of the API a failure names, and which causes can stand behind each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from rtdiag.api import codes
from rtdiag.api.expressions import expression
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause

if TYPE_CHECKING:
    from rtdiag.diagnosis.features import Features

# Which feature of a situation holds a code of that kind.
FEATURES: Mapping[codes.Kind, tuple[str, ...]] = {
    "HTTP status": ("status",),
    "close code": ("close",),
    "error type": ("type", "code"),
    "error code": ("code",),
    "client event": ("url",),
    "server event": ("event",),
}
_MOST_NAMED = 6  # by an expression that names them
_OF_CODES = ("code", "close", "status", "event", "type")  # the nearer to the failure, the earlier
_SAYS_NOTHING = frozenset({"invalid_request_error"})  # nearly all errors have that type
_NAMED = expression(
    r"(?<![\w.])(?:[a-z]{1,40}(?:[._][a-z]{1,40}){1,8}|10(?:0[1-9]|1[0-5]))(?![\w.])"
)  # and close codes


def named(told: Iterable[Features]) -> list[str]:
    """The codes, statuses and events that are named, each by its first name, the nearest to the failure first."""
    told = list(told)
    given = [seen[name] for name in _OF_CODES for seen in told if seen[name]]
    words = [word for seen in told for word in _NAMED.findall(seen["any"].lower())]
    return [name for name in dict.fromkeys(map(codes.first_name, [*given, *words])) if name]


def failing(told: Iterable[Features]) -> list[str]:
    """Those of the names that tell of a failure: no status below 400, and no name that nearly all errors bear."""
    return [name for name in named(told) if not re.fullmatch("[123][0-9]{2}", name) and name not in _SAYS_NOTHING]


def behind(code: str, kind: codes.Kind, causes: Iterable[str] = ()) -> tuple[Cause, ...]:
    """The causes that can stand behind a code: these, and those whose signs name it, the commonest first."""
    known = catalogue.causes()
    found = {known[cause] for cause in causes if cause in known}
    found |= {c for c in known.values() if any(_names(c, feature, code) for feature in FEATURES[kind])}
    return tuple(sorted(found, key=lambda cause: (-cause.reports, cause.weight, cause.code)))


def _names(cause: Cause, feature: str, code: str) -> bool:
    """Whether a sign for the cause names that code, and not just any like it; of 4xx and its like, just any."""
    patterns = (pattern for sign in cause.speaks_for for name, pattern in sign.when if name == feature)
    if code[0].isdecimal() and "x" in code:
        return any(pattern.search(_another(code)) for pattern in patterns)
    text, other = code.lower(), _another(code.lower())
    return any(p.search(text) and not p.search(other) and not _is_wide(p, feature) for p in patterns)


def _another(code: str) -> str:
    """One that nobody sends, of the same kind."""
    return code[0] + "9" * (len(code) - 1) if code[0].isdecimal() else code.partition("_")[0] + "_other"


@cache
def _is_wide(pattern: re.Pattern[str], feature: str) -> bool:
    """Whether it is found in so many codes of a kind that it names none of them."""
    kind = next(kind for kind, features in FEATURES.items() if feature in features[:1])
    of_kind = [name for name, code in codes.all_codes().items() if code.kind == kind]
    return sum(bool(pattern.search(name)) for name in of_kind) > _MOST_NAMED
