"""The causes that may stand behind a failure where nothing is firm: a ranked list, and the question that decides between them.

First those that something speaks for, by points. Then, and among equals, those that resemble it: by what can stand behind the
status, close, code or event that is named, by the words that their entries in the catalogue share with it, and by how many
reports tell of them. No sign is needed for that, so it also ranks what no sign was made for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from math import log

from rtdiag.api import codes
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause
from rtdiag.diagnosis.features import Features, features
from rtdiag.diagnosis.matching import ranked
from rtdiag.diagnosis.situation import Situation
from rtdiag.model import Candidate

MOST = 10

# Which feature of a situation holds a code of that kind.
FEATURES: Mapping[codes.Kind, tuple[str, ...]] = {
    "HTTP status": ("status",),
    "close code": ("close",),
    "error type": ("type", "code"),
    "error code": ("code",),
    "client event": ("url",),
    "server event": ("event",),
}
_OF_CODES = ("code", "close", "status", "event", "type")  # the nearer to the failure, the earlier
# So much of words, and so many reports, weigh as much as a name that no other cause shares: measured with the examples.
_WORDS_FOR_A_NAME, _REPORTS_FOR_A_NAME = 5, 100
_SAYS_NOTHING = frozenset({"invalid_request_error"})  # nearly all errors have that type
_WITH_WORDS = ("said", "reason", "code", "param", "request")
_NAMED = re.compile(
    r"(?<![\w.])(?:[a-z]{1,40}(?:[._][a-z]{1,40}){1,8}|10(?:0[1-9]|1[0-5]))(?![\w.])"
)  # and close codes
_SMALL = re.compile(  # words that tell nothing, in a person's text or in an entry
    r"\w{1,2}|a(fter|gain|ll|lways|nd|ny|nother|re|s)|be(cause|en|fore)|but|can|com|could|did|do(es|ing|n)?|each|even|for|from"
    r"|gets?|gives?|ha(d|s|ve)|here|how|https?|into|its?|just|more|most(ly)?|much|my|never|not(hing)?|now|odd|off|once|one|only"
    r"|openai|other|out|own|platform|say(s|ing)?|should|since|some(thing)?|still|such|take[ns]?|than|that|the[nmy]?|there|this"
    r"|too|took|try(ing)?|us(e|ed|es|ing)|very|want(ed|s)?|was|were|what(ever)?|when|where|which|while|whole?|will|with(out)?"
    r"|work(s|ed|ing)?|would|you(rs?)?"
)
_WORD = re.compile(r"[a-z][a-z_]*[a-z]|\d{3,4}")


def shortlist(situations: Iterable[Situation]) -> tuple[Cause, ...]:
    """Up to ten causes, the likeliest first."""
    told = [features(situation) for situation in situations]
    points, alike = _points(told), _likeness(told)
    found = sorted(
        points.keys() | alike.keys(), key=lambda cause: (-points[cause], -alike[cause], cause.weight, cause.code)
    )
    return tuple(found[:MOST])


def question(situations: Iterable[Situation], causes: Iterable[Cause]) -> str:
    """What decides between them: that of the code, close, status or event that is named, else that of the first that has one."""
    asked = (codes.all_codes()[name].ask for name in named(map(features, situations)))
    return next(chain(asked, (cause.ask for cause in causes if cause.ask)), "")


def candidate(cause: Cause, against: Iterable[str] = ()) -> Candidate:
    """A cause of the catalogue, in short."""
    return Candidate(cause.code, cause.summary, cause.ask, cause.today, cause.reports, tuple(against))


def named(told: Iterable[Features]) -> list[str]:
    """The codes, statuses and events that are named, each by its first name, the nearest to the failure first."""
    told = list(told)
    given = [seen[name] for name in _OF_CODES for seen in told if seen[name]]
    words = [word for seen in told for word in _NAMED.findall(seen["any"].lower())]
    return [name for name in dict.fromkeys(map(codes.first_name, [*given, *words])) if name]


def behind(code: str, kind: codes.Kind, causes: Iterable[str] = ()) -> tuple[Cause, ...]:
    """The causes that can stand behind a code: these, and those whose signs name it, the commonest first."""
    known = catalogue.causes()
    found = {known[cause] for cause in causes if cause in known}
    found |= {c for c in known.values() if any(_names(c, feature, code) for feature in FEATURES[kind])}
    return tuple(sorted(found, key=lambda cause: (-cause.reports, cause.weight, cause.code)))


def _names(cause: Cause, feature: str, code: str) -> bool:
    """Whether a sign for the cause names that code, and not just any of its kind; for 4xx and its like, just any."""
    if code[0].isdecimal():
        text = code.replace("x", "9")
        other = code[0] + "9" * (len(code) - 1) if text == code else ""
    else:
        text, other = code.lower(), code.lower().partition("_")[0] + "_other"
    patterns = (pattern for sign in cause.speaks_for for name, pattern in sign.when if name == feature)
    return any(pattern.search(text) and not pattern.search(other) for pattern in patterns)


def _points(told: Iterable[Features]) -> Counter[Cause]:
    """The most points that each cause has anywhere; of those alone that something speaks for."""
    points = Counter[Cause]()
    for match in (match for seen in told for match in ranked(seen) if match.points > 0):
        points[match.cause] = max(points[match.cause], match.points)
    return points


def _likeness(told: Sequence[Features]) -> Counter[Cause]:
    """How much each cause resembles it, about 0 to 2; of those alone that resemble it at all."""
    words, names = _shared_words(told), _shared_names(told)
    return Counter(
        {
            cause: names[cause] + words[cause] / _WORDS_FOR_A_NAME + cause.reports / _REPORTS_FOR_A_NAME
            for cause in words.keys() | names.keys()
        }
    )


def _shared_names(told: Sequence[Features]) -> Counter[Cause]:
    """What is behind the codes that are named: what fewer causes share says more of each."""
    shares = Counter[Cause]()
    for name in (name for name in named(told) if name not in _SAYS_NOTHING):
        code = codes.all_codes()[name]
        causes = behind(name, code.kind, code.causes)
        for cause in causes:
            shares[cause] += len(causes) ** -0.5
    return shares


def _shared_words(told: Iterable[Features]) -> Counter[Cause]:
    """The words that an entry shares with what is told: one that few entries have counts more, in a long entry all count less."""
    rare = _rarity()
    words = {word for seen in told for name in _WITH_WORDS for word in _words(seen[name])}
    shared = Counter[Cause]()
    for cause, entry in _entries().items():
        if both := words & entry:
            shared[cause] = sum(rare[word] for word in both) / (len(entry) + 20) ** 0.5
    return shared


@cache
def _entries() -> Mapping[Cause, frozenset[str]]:
    """The words of each cause that a text can tell of; what only a run can measure is none of them."""
    return {
        cause: frozenset(_words(" ".join((cause.code, cause.summary, cause.fix, cause.line, cause.ask, cause.today))))
        for cause in catalogue.causes().values()
        if any(not catalogue.MEASURED & {name for name, _ in sign.when} for sign in cause.speaks_for)
    }


@cache
def _rarity() -> Counter[str]:
    counted = Counter(word for words in _entries().values() for word in words)
    return Counter({word: log(len(_entries()) / count) for word, count in counted.items()})


def _words(text: str) -> Iterator[str]:
    """Words that say something, without a plural's s; of a name with underscores the whole and its parts."""
    for word in _WORD.findall(text.lower()):
        parts = (word, *word.split("_")) if "_" in word else (word,)
        yield from (part.removesuffix("s") for part in parts if not _SMALL.fullmatch(part))
