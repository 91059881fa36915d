"""Which language a file is in, by its name, and how far that is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import PurePath
from typing import Literal

import msgspec

from rtdiag.api import own_yaml
from rtdiag.api.expressions import expression

SETTINGS, PACKAGES = "settings", "a list of packages"
_SETTINGS = expression(r"\.env(?:\.\w+)*\Z|env\.(?:example|sample|template|local|dist)\Z|.+\.env\Z")
_PACKAGES = expression(r"package\.json\Z|(?:.*-)?requirements(?:[-_.]\w+)*\.txt\Z|pyproject\.toml\Z|Pipfile\Z", re.I)


class Tongue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A language as languages.yaml has it, where each field is explained."""

    suffixes: Sequence[str]
    rules: Literal["all", "certain", "none"] = "none"
    signs: str = ""
    comments: str = ""
    strings: str = ""

    def __post_init__(self) -> None:
        if bool(self.comments) != (self.rules == "certain"):
            raise ValueError("`rules: certain` needs comments and strings, and nothing else has them")
        re.compile(self.comments), re.compile(self.strings), re.compile(self.signs)


@cache
def tongues() -> Mapping[str, Tongue]:
    """Every language of languages.yaml by its name."""
    return own_yaml.named(Tongue, ("rtdiag.diagnosis.code", "languages.yaml"))


@cache
def _by_suffix() -> Mapping[str, str]:
    return {suffix: name for name, tongue in tongues().items() for suffix in tongue.suffixes}


def language_of(name: str) -> str:
    """The language that the name of a file tells: one of languages.yaml, settings, or a list of packages; "" for none."""
    path = PurePath(name)
    if path.suffix.lower() in _by_suffix():
        return _by_suffix()[path.suffix.lower()]
    return SETTINGS if _SETTINGS.match(path.name) else PACKAGES if _PACKAGES.match(path.name) else ""


def is_read(language: str) -> bool:
    """Whether a language is one that rules are held against."""
    return language in (SETTINGS, PACKAGES) or (language in tongues() and tongues()[language].rules != "none")


def guess(text: str) -> tuple[str, int]:
    """The language that is only read for what is certain and has most signs in a text, and how many lines show it; "" for none."""
    lines = {
        name: len({text.count("\n", 0, m.start()) for m in islice(found.finditer(text), 50)})
        for name, found in _signs().items()
    }
    best = max(lines, key=lambda name: lines[name])
    return (best, lines[best]) if lines[best] else ("", 0)


@cache
def _signs() -> Mapping[str, re.Pattern[str]]:
    return {name: re.compile(tongue.signs, re.M) for name, tongue in tongues().items() if tongue.signs}


@cache
def pattern(language: str) -> re.Pattern[str]:
    """What is a comment and what a string in a language that is read for what is certain."""
    if language == SETTINGS:
        return re.compile(r"(?P<comment>(?<!\S)#[^\n]*)|(?P<string>(?<==)[^\s#][^\n#]*)")
    tongue = tongues()[language]
    return re.compile(f"(?P<comment>{tongue.comments})|(?P<string>{tongue.strings})", re.M)
