"""What explains it: causes with what speaks for and against them, and the flaws of source code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rtdiag.model.scalars import Code

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class Diagnosis:
    """One cause that explains what was seen.

    `evidence` and `against` say what speaks for and against it (case ids in a run, what was found where in an input). `line` is
    the exact line to change or run, where one line can say it; `today` whether it still happens, empty for yes; `ask` what would
    decide, where the evidence leaves that open. The cause `unknown` stands first where nothing fits.
    """

    cause: Code
    confidence: Confidence
    summary: str
    fix: str
    sources: tuple[str, ...]
    evidence: tuple[str, ...]
    against: tuple[str, ...] = ()
    line: str = ""
    today: str = ""
    ask: str = ""


@dataclass(frozen=True)
class Flaw:
    """One call that is known not to work, found by its text.

    `line` counts from 1; `cause` is a code of the catalogue of causes; `found` is the line as written, without secrets and at most
    160 characters long; `why` says what happens because of it; `instead` is the line as it should be, in the language of the file
    and with its own names, "" where a line cannot say it; `sources` say who knows.
    """

    file: str
    line: int
    cause: str
    confidence: Confidence
    found: str
    why: str
    instead: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """One input, or one description of a list: what it was taken for, the causes best first, and the flaws in its code.

    `id` is the description's own, None elsewhere; `note` is a line for the person, such as why there is nothing to judge, and the
    whole page where a code was asked for (form `code`).
    """

    input: str
    form: str
    diagnosis: tuple[Diagnosis, ...]
    flaws: tuple[Flaw, ...] = ()
    note: str = ""
    id: str | int | None = None
