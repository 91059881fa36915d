"""How many public sources told of each cause: the threads and records that its examples and its own entry name, each once.

`python -m tests.diagnosis.count_reports` writes the counts into the catalogue, as the field `reports` of each cause.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause
from tests.diagnosis.example import Example, examples

FILES = sorted(Path(catalogue.__file__).parent.glob("*.yaml"))

_THREAD = re.compile(r"([\w.-]+?)(?:#| PR |/(?:issues|pull|discussions)/)(\d+)")
_NUMBER = re.compile(r"\b\d{6,}\b")  # a record, or a thread of a forum
_MADE = re.compile(r"made\b")
_COUNTED = re.compile(r"^  reports: \d+\n", re.MULTILINE)
_WEIGHT = re.compile(r"^(?P<code>\w[^\n]*):\n  weight: \d\n", re.MULTILINE)


def threads(source: str) -> set[str]:
    """What can be looked up by a number."""
    found = {f"{repository.lower()}#{number}" for repository, number in _THREAD.findall(source)}
    return found | set(_NUMBER.findall(_THREAD.sub("", source)))


def named(example: Example) -> set[str]:
    """The public sources that an example names; words of a body or of a person that are not made have one, if it has no number."""
    told = example.kind in ("body", "said") and not _MADE.match(example.source)
    return threads(example.source) or ({example.source.partition(",")[0]} if told else set())


def counts(among: Iterable[Example], causes: Iterable[Cause]) -> Counter[str]:
    """The number of distinct sources by cause."""
    told = {(one.cause, source) for one in among for source in named(one)}
    told |= {(cause.code, thread) for cause in causes for source in cause.sources for thread in threads(source)}
    return Counter(code for code, _ in told)


def with_counts(text: str, reports: Counter[str]) -> str:
    """A file of the catalogue with each cause's count behind its weight; none where nobody told of it."""

    def counted(found: re.Match[str]) -> str:
        number = reports[found["code"]]
        return found[0] + (f"  reports: {number}\n" if number else "")

    return _WEIGHT.sub(counted, _COUNTED.sub("", text))


def main() -> None:
    """Write the counts."""
    reports = counts(examples(), catalogue.causes().values())
    for file in FILES:
        file.write_text(with_counts(file.read_text(encoding="utf-8"), reports), encoding="utf-8")


if __name__ == "__main__":
    main()
