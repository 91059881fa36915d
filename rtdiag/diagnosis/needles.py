"""Of each regular expression the words of which one must stand in whatever it finds: a text without them need not be searched.

To look for a word costs a tenth of a search, and an expression that is never searched for is never compiled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_MOST = 40  # words of one expression
Needles = tuple[str, ...]


def needles(pattern: str) -> Needles:
    """Those of one pattern. It must hold together: what is no regular expression has none."""
    try:
        from re import _parser  # type: ignore[attr-defined]  # which tells what an expression is made of

        tree = _parser.parse(pattern)
    except (ImportError, re.error):
        return ()
    return () if tree.state.flags & re.IGNORECASE else _best(_of_parts(tree))


def _of_parts(parts: Iterable[Any]) -> list[Needles]:
    """What each part of a sequence must hold, literals that stand beside each other as one word."""
    found, word = list[Needles](), ""
    for kind, told in parts:
        if str(kind) == "LITERAL":
            word += chr(told)
            continue
        found += [(word,), _of_one(str(kind), told)]
        word = ""
    return [*found, (word,)]


def _of_one(kind: str, told: Any) -> Needles:
    match kind:
        case "SUBPATTERN" if not told[1] & re.IGNORECASE:
            return _best(_of_parts(told[3]))
        case "ATOMIC_GROUP":
            return _best(_of_parts(told))
        case "BRANCH":
            ways = [_best(_of_parts(way)) for way in told[1]]
            return tuple(dict.fromkeys(word for way in ways for word in way)) if all(ways) else ()
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT" if told[0]:
            return _best(_of_parts(told[2]))
    return ()


def _best(found: Iterable[Needles]) -> Needles:
    """The ones that are in the fewest texts: the longer the shortest of them is, the better."""
    usable = [words for words in found if all(words) and 0 < len(words) <= _MOST]
    return max(usable, key=lambda words: (min(min(map(len, words)), 4), -len(words)), default=())
