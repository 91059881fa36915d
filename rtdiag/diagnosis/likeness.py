"""How much a failure is like what the catalogue says of a cause: what a reader has who knows the summaries and no sign.

Two things count: words, most those that few causes share (BM25: Robertson and Zaragoza, The Probabilistic Relevance Framework,
2009); and the codes, statuses and events that are named, the most those behind which few causes stand, the commonest first. It
orders what no sign tells apart, and never gives confidence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from rtdiag.api import codes
from rtdiag.api.expressions import expression
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause
from rtdiag.diagnosis.features import Features
from rtdiag.diagnosis.named_codes import behind, failing

_SATURATION, _LENGTH = 1.2, 0.75  # k1 and b, as usual
_MOST_WORDS = 400  # of a text
_MOST_OFTEN = 2  # a word said more often says no more
_NAME, _MOST_REPORTS = (
    12.0,
    20,
)  # what a name is worth behind which one cause stands; reports beyond which none says more
# Parts of a cause's text, and how much a word of each weighs.
_WEIGHTS = {"code": 2.0, "summary": 2.0, "fix": 1.0, "ask": 0.7, "line": 0.5}

_WORD = expression(r"[a-z]+|[1-5]\d\d\d?")
_CAMEL = expression(r"([a-z])([A-Z])")
_ENDINGS = ("ations", "ation", "ing", "ies", "ed", "es", "s", "e")
_SMALL = expression(
    r"the|an|is|are|was|were|be|been|being|of|to|in|on|at|for|with|by|as|it|its|this|that|and|or|not|no|nor|but|from|which|"
    r"what|where|when|has|have|had|do|does|did|can|may|only|one|you|your|own|there|here|then|than|into|out|up|so|if|how|who|"
    r"whose|all|any|some|every|each|other|another|such|same|well|very|much|more|most|less|least"
)


def likeness(told: Features) -> Mapping[str, float]:
    """By code, how much what is told is like each cause that texts can show: 0 for nothing, some 20 and more for much."""
    found = _alike_in_words(told)
    for cause, worth in _alike_in_names(told).items():
        found[cause] = found.get(cause, 0.0) + worth
    return found


def _alike_in_words(told: Features) -> dict[str, float]:
    words = _words(" ".join(told[name] for name in ("said", "upstream", "code", "param", "request")))[:_MOST_WORDS]
    asked = {word: min(n, _MOST_OFTEN) ** 0.5 for word, n in Counter(words).items()}
    found: dict[str, float] = {}
    for word, weight in asked.items():
        for code, worth in _index().get(word, ()):
            found[code] = found.get(code, 0.0) + weight * worth
    return found


def _alike_in_names(told: Features) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for name in failing([told]):
        causes = _behind(name)
        for cause in causes:
            common = min(cause.reports, _MOST_REPORTS) / _MOST_REPORTS
            found[cause.code] = found.get(cause.code, 0.0) + _NAME * len(causes) ** -0.5 * (1 + common)
    return found


@cache
def _behind(name: str) -> tuple[Cause, ...]:
    code = codes.all_codes()[name]
    return behind(name, code.kind, code.causes)


@cache
def _index() -> Mapping[str, Sequence[tuple[str, float]]]:
    """Each word with the causes that have it, and what it is worth there."""
    texts = {cause.code: _weighed(cause) for cause in catalogue.causes().values() if cause.told_by_texts}
    having = Counter(word for text in texts.values() for word in text)
    rarity = {word: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for word, n in having.items()}
    lengths = {code: sum(text.values()) for code, text in texts.items()}
    usual = sum(lengths.values()) / max(len(texts), 1)
    found: dict[str, list[tuple[str, float]]] = {}
    for code, text in texts.items():
        length = 1 - _LENGTH + _LENGTH * lengths[code] / usual
        for word, often in text.items():
            worth = rarity[word] * often * (_SATURATION + 1) / (often + _SATURATION * length)
            found.setdefault(word, []).append((code, worth))
    return found


def _weighed(cause: Cause) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for part, weight in _WEIGHTS.items():
        for word in _words(str(getattr(cause, part))):
            found[word] = found.get(word, 0.0) + weight
    return found


def _words(text: str) -> list[str]:
    """The words of a text without their endings, small ones left out; names of code in their parts."""
    plain = _CAMEL.sub(r"\1 \2", text).lower()
    return [stem for word in _WORD.findall(plain) if (stem := _stem(word))]


@lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    """It without its ending; nothing of a small one."""
    if len(word) == 1 or _SMALL.fullmatch(word):
        return ""
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= 3), "")
    return word[: len(word) - len(ending)]
