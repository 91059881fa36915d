"""What explains it: causes with what speaks for and against them, and the flaws of source code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rtdiag.model.scalars import Code

Confidence = Literal["high", "medium", "low"]
PieceKind = Literal["request", "known", "machine", "person", "code", "healthy"]


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
class Candidate:
    """A cause that can stand behind something, in short.

    `ask` is what decides, `today` whether it still happens, `reports` how many public sources tell of it, `against` what speaks
    against it in the evidence at hand.
    """

    cause: Code
    summary: str
    ask: str = ""
    today: str = ""
    reports: int = 0
    against: tuple[str, ...] = ()


@dataclass(frozen=True)
class Meaning:
    """What a status, a close code, a code or type of errors, or an event is; the fields are those of api/codes.yaml."""

    code: str
    kind: str
    by: str
    where: str
    what: str
    last: str
    ask: str
    also: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """One input, or one description of a list: what it was taken for, the causes best first, and the flaws in its code.

    `id` is the description's own, None elsewhere; `note` is a line for the person, such as why there is nothing to judge, and the
    whole page where a code was asked for (form `code`). `candidates` are up to ten causes, best first, where none is firm, with
    the question that `decides` between them; of a code all that can stand behind it, and its `meaning` where it is the API's.
    """

    input: str
    form: str
    diagnosis: tuple[Diagnosis, ...]
    flaws: tuple[Flaw, ...] = ()
    note: str = ""
    id: str | int | None = None
    candidates: tuple[Candidate, ...] = ()
    decides: str = ""
    meaning: Meaning | None = None


@dataclass(frozen=True)
class Piece:
    """A piece of evidence with its place: a request, what is known of it, words of a machine or a person, code, what went well."""

    kind: PieceKind
    where: str
    text: str


@dataclass(frozen=True)
class Brief:
    """What a reader needs to find a cause by reading: the evidence in order, the likeliest causes, what decides between them."""

    evidence: tuple[Piece, ...]
    candidates: tuple[Candidate, ...]
    decides: str
