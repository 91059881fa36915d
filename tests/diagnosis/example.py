"""Failures whose cause is known, which the catalogue is held against: a file of examples/ for each of its files, code -> examples.

| field | what it holds |
|---|---|
| `body` | what came back, of a server or a program, with the request around it |
| `printed` | what a program prints, alone |
| `said` | a person's words |
| `request` | what was asked: method, path, credential, content_type, body |
| `observed` | what a check of rtdiag observes, beside a body or alone |
| `failure` | kind and phase of what went wrong below the answer |
| `status`, `surface`, `dialect`, `circumstances`, `when` | as in a Situation (rtdiag/diagnosis/situation.py) |
| `source` | who shows it; `made…` where the words are this project's own |

A source is a thread (`OWNER/REPO#N`, `HOST/PATH`), a repository (`OWNER/REPO`), a file of the public index (`record N`; files
of one author bear one number), or a program or server that prints it. The day follows after a comma, remarks after a
semicolon, further sources among them.
Each has one of the first three, or `observed` or `failure`. Of a body the very
cause comes first, whatever happens to its text; of the others its family.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rtdiag.api.own_yaml import loader
from rtdiag.diagnosis.situation import Situation
from rtdiag.diagnosis.verdict import OURS

FOLDER = Path(__file__).parent / "examples"
_TEXTS = ("body", "printed", "said")
_MEASURED = ("observed", "failure")
_FIELDS = {*_TEXTS, *_MEASURED, "request", "status", "surface", "dialect", "circumstances", "when", "source"}
_THREAD_ENDS = re.compile(r"[,;] ")
_REQUEST = {"method", "path", "credential", "content_type", "body"}


@dataclass(frozen=True)
class Example:
    """One failure and the cause that explains it. `kind` is the field that holds its text, `topic` the file that it stands in."""

    topic: str
    cause: str
    kind: str
    situation: Situation
    source: str

    @property
    def family(self) -> str:
        """The cause without its finer part."""
        return self.cause.partition("/")[0]

    @property
    def made(self) -> bool:
        """Whether its words, or a part of them, are this project's own."""
        return "made" in self.source

    @property
    def thread(self) -> str:
        """The source without its day and remarks, "" for what is made: examples with the same one are not independent."""
        return "" if self.source.startswith("made") else _THREAD_ENDS.split(self.source)[0].lower()

    def __str__(self) -> str:
        return f"{self.cause}-{self.situation.text[:40]}"


@cache
def examples(*kinds: str) -> tuple[Example, ...]:
    """All examples, or those of these kinds, in the order of their files."""
    found = (one for file in sorted(FOLDER.glob("*.yaml")) for one in _in(file))
    return tuple(one for one in found if not kinds or one.kind in kinds)


def situation(entry: Mapping[str, Any]) -> Situation:
    """What an example, or an entry of a list of failures with the same fields, tells."""
    request = entry.get("request") or {}
    return Situation(
        next((entry[name] for name in _TEXTS if entry.get(name)), ""),
        method=request.get("method"),
        url=request.get("path"),
        credential=request.get("credential"),
        content_type=request.get("content_type"),
        sent=request.get("body"),
        status=entry.get("status"),
        surface=entry.get("surface"),
        dialect=entry.get("dialect"),
        circumstances=tuple(entry.get("circumstances", ())),
        when=entry.get("when"),
        id=entry.get("id"),
        observed=(OURS, *entry["observed"]) if "observed" in entry else (),
        failure=entry.get("failure", ""),
    )


def _in(file: Path) -> Iterator[Example]:
    for cause, entries in yaml.load(file.read_text(encoding="utf-8"), Loader=loader()).items():
        for entry in entries:
            assert set(entry) <= _FIELDS, f"{file.name}: {cause}: {set(entry) - _FIELDS}"
            assert set(entry.get("request", ())) <= _REQUEST, f"{file.name}: {cause}: {entry['request']}"
            assert entry.get("source"), f"{file.name}: {cause}: {entry} has no source"
            kind = next(name for name in (*_TEXTS, *_MEASURED) if name in entry)
            assert kind != "printed" or set(entry) == {"printed", "source"}, f"{file.name}: {cause}: {entry}"
            yield Example(file.stem, cause, kind, situation(entry), entry["source"])
