"""English beside what people say in other languages (words.yaml), so that one set of signs serves.

    kein Ton, 401      ->      kein Ton (no sound), 401

Only prose is glossed: a line that holds an object, a request or a frame of a stack is a machine's.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

import msgspec

from rtdiag.api import own_yaml
from rtdiag.api.expressions import expression

# A line of a machine: an object, a call, a header, a log's time stamp, a frame.
_MACHINES = expression(
    r"[{}]|://|^\s{0,20}(?:at |File |\d{4}-\d\d-\d\d|\w+Error\b|[A-Za-z]{1,20}-[\w-]{1,40}: )|\(\)|=>|;\s{0,8}$"
)
_LONGEST = 2000  # of a line: beyond that it is no sentence
# Where words are not set apart by blanks.
_UNSPACED = "\u3000-\u9fff\uac00-\ud7af"
_ACCENTS = expression("[áéíóúâêôãõçñ]")  # which people leave out


class Phrase:
    """One phrase, as a piece of a regular expression with bounds."""

    def __init__(self, text: str) -> None:
        self.text = _ACCENTS.sub(lambda letter: f"[{letter[0]}{_plain(letter[0])}]", text)
        self.spaced = not re.match(rf"[^A-Za-z]{{0,12}}[{_UNSPACED}]", text)

    @classmethod
    def from_yaml(cls, value: Any) -> Phrase:
        """The phrase. Raises ValueError where it is no regular expression, has no bounds, or keeps a group."""
        text = own_yaml.part(value, str)
        if re.search(r"[*+]|\((?!\?:)", re.sub(r"\\.", "", text)) or own_yaml.pattern(text).match(""):
            raise ValueError("it has no bounds, keeps a group, or matches nothing")
        return cls(text)

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """What it looks like in a file."""
        return {"type": "string", "format": "regex", "minLength": 2}


class Meaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one English phrase is in other languages."""

    said: tuple[Phrase, ...]


def _plain(letter: str) -> str:
    return unicodedata.normalize("NFD", letter)[0]


def glossed(text: str) -> str:
    """The text with English in brackets behind what is said in another language; its lines stay lines."""
    return "\n".join(_of_line(line) for line in text.split("\n"))


@cache
def meanings() -> dict[str, Meaning]:
    """What is said, by its English."""
    return own_yaml.named(Meaning, (__package__, "words.yaml"))


def _of_line(line: str) -> str:
    if len(line) > _LONGEST or _MACHINES.search(line):
        return line
    for spaced in (True, False)[: 1 if line.isascii() else 2]:
        line = _pattern(spaced).sub(_with_english, line)
    return line


def _with_english(found: re.Match[str]) -> str:
    return f"{found.group()} ({_english()[int(found.lastgroup[1:])]})" if found.lastgroup else found.group()


@cache
def _english() -> tuple[str, ...]:
    return tuple(meanings())


@cache
def _pattern(spaced: bool) -> re.Pattern[str]:
    """All phrases of that kind, a group for each English; of two that begin alike, the longer one."""
    groups = [
        f"(?P<g{n}>{'|'.join(sorted((p.text for p in meaning.said if p.spaced == spaced), key=len, reverse=True))})"
        for n, meaning in enumerate(meanings().values())
    ]
    either = "|".join(groups)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)" if spaced else either, re.I)
