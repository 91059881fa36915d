"""The catalogue of causes: one YAML file per topic, read once; also `causes.yaml` of packages that offer theirs (`rtdiag.causes`).

    code:
      weight: 1 to 9, the smaller the nearer to the root
      reports                      how many public sources told of it, as `python -m tests.diagnosis.count_reports` counts them
      summary, fix, sources        what it is, what to do, where that is known from (with dates)
      line                         the exact line to change or to run, where one line can say it
      today                        whether it still happens; absent: yes
      ask                          what would decide, where the evidence leaves it open
      follows                      true for what mostly follows from another failure and hides it
      hides                        true for what shows an error object of another failure within its own text
      unless                       causes that explain the same: where one is held as firmly, this one is held with low confidence
      explains                     causes that follow from it: where one is found too, this one is held as firmly, and that one low
      refuses                      true for a reason why a server refuses a credential that is a good one
      for, against                 signs: points: {name of a feature: regular expression, …, held: the most that it is held for it}

A sign counts when every expression in it is found in its feature (features.py names them), with case ignored. Points mean the
same everywhere: 60 (40, 70) is what rtdiag has measured, which no text outweighs, 12 and 14 settle it alone, 8 to 10 nearly do,
4 to 7 speak for it, 2 and 3 only break ties. `held` is for what was measured and yet leaves room for doubt, and for symptoms.

A code `family/variant` is a finer case of its family: where one of its own signs counts, those of the family count for it, too,
and it stands in the family's place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import msgspec

from rtdiag.api import own_yaml, plugins
from rtdiag.api.expressions import expression
from rtdiag.api.kept import kept
from rtdiag.diagnosis import needles
from rtdiag.diagnosis.needles import Needles
from rtdiag.model import Candidate, Confidence

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = plugins.CAUSES

_MEASURED = 60
_OF_TEXTS, _OF_MEASUREMENTS = range(1, 21), (40, _MEASURED, 70)
POINTS = (*_OF_TEXTS, *_OF_MEASUREMENTS)
_POINTS_SAID = "1 to 20, or 40, 60, 70"
MEASURED = {"observed", "failure"}  # the features that no text has
_CAPITALS = expression(r"\\.|[A-Z]+")  # and escapes, which are none
_PARTS = expression(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]")
_CLASSES = {r"\W": r"[^\w\n]", r"\D": r"[^\d\n]", r"\s": r"[^\S\n]"}
_AS_WRITTEN = {"speaks_for": "for", "speaks_against": "against"}
_WrittenSign = dict[int, dict[str, str | int]]
_is_our_own: ContextVar[bool] = ContextVar("_is_our_own", default=False)
_OF_THE_ANSWER = {
    "text",
    "upstream",
    "said",
    "code",
    "type",
    "param",
    "event",
    "reason",
    "any",
    "close",
    "full",
    "client",
} | MEASURED
_OF_THE_REQUEST = {
    "method",
    "url",
    "credential",
    "content_type",
    "sent",
    "surface",
    "dialect",
    "when",
    "request",
    "status",
    "gateway",
}
NAMES = _OF_THE_ANSWER | _OF_THE_REQUEST  # of the features: features.py says what they hold


class Expression(msgspec.Struct, frozen=True, array_like=True):
    """A regular expression, compiled when one of its words stands in a text: most never do, and a compiler is slow."""

    pattern: str
    words: Needles = ()

    def search(self, text: str) -> re.Match[str] | None:
        """As that of `re.Pattern`. Raises ValueError where it is no regular expression."""
        for word in self.words:
            if word in text:
                break
        else:
            if self.words:
                return None
        return own_yaml.pattern(self.pattern).search(text)


class Sign(msgspec.Struct, frozen=True, array_like=True):
    """What speaks for or against a cause: each feature of `when` must hold its expression for `points` to count.

    `held` is the most confidence that it can give.
    """

    points: int
    when: tuple[tuple[str, Expression], ...]
    held: Confidence = "high"

    @property
    def measured(self) -> bool:
        """Whether it looks at what rtdiag has measured itself, which no text outweighs."""
        return self.points >= _MEASURED

    @property
    def settles(self) -> bool:
        """Whether it alone nearly settles the matter."""
        return self.points >= 10

    def tells_of_the_answer(self, features: Mapping[str, str]) -> bool:
        """Whether it has found words of the server or a library, not only those of the request and the number of the answer."""
        return any(
            name in _OF_THE_ANSWER or (name == "any" and pattern.search(_in_small_letters(features["text"])))
            for name, pattern in self.when
        )

    def seen_in(self, features: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """What was found, as (name of the feature, the text that matched); empty when the sign is not there."""
        found = []
        for name, pattern in self.when:
            match = pattern.search(_in_small_letters(features[name]))
            if match is None:
                return ()
            found.append((name, features[name][slice(*match.span())]))
        return tuple(found)


class Signs(tuple[Sign, ...]):
    """The signs of a cause, as a file lists them."""

    __slots__ = ()

    @classmethod
    def from_yaml(cls, value: Any) -> Signs:
        """The signs. Raises ValueError for the first that is none."""
        return cls(_sign(f"[{n}]", sign) for n, sign in enumerate(own_yaml.part(value, list[_WrittenSign])))

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """What they look like in a file."""
        when = {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"enum": sorted({*NAMES, "held"})},
            "additionalProperties": {"type": ["string", "integer"], "format": "regex"},
        }
        points = {f"^({'|'.join(map(str, POINTS))})$": when}
        sign = {"type": "object", "minProperties": 1, "maxProperties": 1}
        return {"type": "array", "items": sign | {"patternProperties": points, "additionalProperties": False}}


class _Described(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename=_AS_WRITTEN):
    weight: Annotated[int, msgspec.Meta(ge=1, le=9)]
    summary: str
    fix: str
    sources: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    line: str = ""
    today: str = ""
    ask: str = ""
    reports: Annotated[int, msgspec.Meta(ge=0)] = 0
    unless: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    follows: bool = False
    hides: bool = False
    refuses: bool = False


class Entry(_Described, frozen=True):
    """A cause as it stands in a file: what it is, what to do, where that is known from, what speaks for and against it."""

    speaks_for: Signs = Signs()
    speaks_against: Signs = Signs()


class Cause(_Described, frozen=True, kw_only=True):
    """A cause with its code, and the file that it stands in: its `topic`."""

    code: str
    topic: str
    speaks_for: tuple[Sign, ...] = ()
    speaks_against: tuple[Sign, ...] = ()

    @property
    def family(self) -> str:
        """The code without its finer part."""
        return self.code.partition("/")[0]

    @property
    def told_by_texts(self) -> bool:
        """Whether a text can show it, and not only what rtdiag measures."""
        return any(not sign.measured for sign in self.speaks_for)


def causes() -> Mapping[str, Cause]:
    """All causes by code, also those of other packages. Raises BadData for a mistake in our own."""
    return _all()[0]


def broken() -> tuple[plugins.Broken, ...]:
    """The packages whose causes cannot be used."""
    return _all()[1]


@cache
def _all() -> tuple[Mapping[str, Cause], tuple[plugins.Broken, ...]]:
    return plugins.joined(kept("causes", _made_of(), _our_own, dict[str, Cause]), GROUP, "causes", _joined_by)


def _our_own() -> Mapping[str, Cause]:
    before = _is_our_own.set(True)
    try:
        return gathered((__name__, name) for name in sorted(os.listdir(__path__[0])) if name.endswith(".yaml"))
    finally:
        _is_our_own.reset(before)


def _made_of() -> bytes:
    """The files of causes, and what reads them."""
    here = [(__name__, name) for name in sorted(os.listdir(__path__[0])) if name.endswith((".py", ".yaml"))]
    return b"\0".join(map(own_yaml.content, [("rtdiag.diagnosis", "needles.py"), *here]))


def _joined_by(known: Mapping[str, Cause], entry: EntryPoint) -> Mapping[str, Cause]:
    return gathered([(entry.value, "causes.yaml")], known)


def gathered(sources: Iterable[own_yaml.Source], known: Mapping[str, Cause] | None = None) -> Mapping[str, Cause]:
    """The causes of these files by code, beside those that are known.

    Raises BadData for one that two have, and for one that another names and none has.
    """
    found = dict(known or {})
    place = {code: f"{cause.topic}.yaml" for code, cause in found.items()}
    for source in sources:
        for code, cause in read(source).items():
            if code in found:
                raise own_yaml.BadData(f"{own_yaml.shown(source)}: {code}: {place[code]} has it, too")
            found[code], place[code] = cause, own_yaml.shown(source)
    for cause in found.values():
        for name, codes in (("unless", cause.unless), ("explains", cause.explains)):
            if strangers := [code for code in codes if code not in found]:
                raise own_yaml.BadData(f"{place[cause.code]}: {cause.code}: {name}: there is no cause {strangers[0]}")
    return found


def read(source: own_yaml.Source) -> Mapping[str, Cause]:
    """The causes of one file by code. Raises BadData."""
    topic = own_yaml.shown(source).rpartition("/")[2].removesuffix(".yaml")
    return {
        code: Cause(code=code, topic=topic, **msgspec.structs.asdict(entry))
        for code, entry in own_yaml.named(Entry, source).items()
    }


def find(code: str) -> Cause:
    """The cause of that code; that of a package that is not here comes back with little to say."""
    summary = f"The cause {code} stands in no catalogue that is installed here."
    unknown = Cause(code=code, topic="", weight=7, summary=summary, fix="See the hint of its case.", sources=())
    return causes().get(code, unknown)


def candidate(cause: Cause, against: Iterable[str] = ()) -> Candidate:
    """A cause, in short."""
    return Candidate(cause.code, cause.summary, cause.ask, cause.today, cause.reports, tuple(against))


def _sign(place: str, written: Mapping[int, Mapping[str, str | int]]) -> Sign:
    if len(written) != 1 or (points := next(iter(written))) not in POINTS:
        raise ValueError(f"it must be one number of points, {_POINTS_SAID}, and what holds then - at `${place}`")
    when = dict(written[points])
    held = when.pop("held", "high")
    if held not in get_args(Confidence):
        raise ValueError(f"it is {', '.join(get_args(Confidence))} - at `${place}.held`")
    looks = tuple(_looks(f"{place}.{name}", name, str(text)) for name, text in when.items())
    if points in _OF_MEASUREMENTS and not MEASURED & when.keys():
        raise ValueError(f"more than {_OF_TEXTS[-1]} points are for {' and '.join(sorted(MEASURED))} - at `${place}`")
    return Sign(points, looks, cast(Confidence, held))


def _within_a_line(found: re.Match[str]) -> str:
    """A class of characters without the line end: a record ends there, and what a sign looks for stands in one."""
    written = found[0]
    return f"[^\\n{written[2:]}" if written.startswith("[^") else _CLASSES.get(written, written)


def _lowered(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("\\") else found[0].lower()


@lru_cache(maxsize=64)  # a situation has fewer features
def _in_small_letters(text: str) -> str:
    """The text with each letter at its place: to look with `re.IGNORECASE` instead takes a third longer."""
    return text.replace("\u0130", "i").lower()  # it alone would become two


def _looks(place: str, name: str, text: str) -> tuple[str, Expression]:
    """A feature, and what must be found in it."""
    if name not in NAMES:
        raise ValueError(f"unknown feature - at `${place}`")
    pattern = _PARTS.sub(_within_a_line, _CAPITALS.sub(_lowered, text))
    try:
        if not _is_our_own.get():  # ours are compiled by a test
            own_yaml.pattern(pattern)
    except ValueError as error:
        raise ValueError(f"{error} - at `${place}`") from None
    return name, Expression(pattern, needles.needles(pattern))
