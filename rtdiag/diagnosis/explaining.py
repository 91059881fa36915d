"""`rtdiag explain`: one input, whatever it is, becomes ranked causes and, where it holds source code, the flaws in that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from rtdiag.diagnosis import catalogue, code, elsewhere, matching, readers, verdict
from rtdiag.diagnosis.evidence import taken_apart
from rtdiag.diagnosis.readers import Read
from rtdiag.diagnosis.situation import Situation, Unreadable
from rtdiag.intake import Source, Unusable, called, opened, why
from rtdiag.model import Diagnosis, Explanation, Flaw, Report, counted
from rtdiag.redact import Mask

# As much of a paste is looked at to tell whether it is source code.
_SNIFFED_BYTES = 1 << 20
_SOUND = "no call in it is known not to work"
_CALM = (
    "nothing in it failed; what it does not show is the HTTP requests before it, what the other side did, and whether audio came "
    "through: give the lines around the moment that went wrong, or a HAR; with a key, `rtdiag run` asks for itself"
)


Again = Callable[[Report], Report]


def explain_input(name: str, mask: Mask, again: Again = lambda report: report) -> Iterator[Explanation]:
    """What a file, a directory or, as `-`, standard input tells; `again` judges a report of rtdiag anew, before it is explained.

    Raises Unreadable, in one line, where it cannot be read or holds nothing to judge.
    """
    path = Path(name)
    try:
        if name != "-" and (path.is_dir() or path.suffix.lower() in code.LANGUAGES):
            yield _scanned(path, mask)
        else:
            with opened(name, readers.FILE) as source:
                yield from explain(source, name, mask, again)
    except OSError as exc:
        raise Unreadable(f"{name}: {why(exc)}") from None
    except Unusable as exc:
        raise Unreadable(f"{called(name)}: {exc}") from None


def _scanned(path: Path, mask: Mask) -> Explanation:
    scanned = code.scan_path(path, mask)
    read = f"{counted(scanned.files, 'file')} read"
    note = "; ".join((read, *scanned.notes, *(() if scanned.flaws else (_SOUND,))))
    return Explanation(str(path), "source code", _with_flaws((), scanned.flaws), scanned.flaws, note)


def explain(
    source: BinaryIO | Source, name: str, mask: Mask, again: Again = lambda report: report
) -> Iterator[Explanation]:
    """What an open input tells; `name` is for messages, `-` is standard input. Raises Unreadable as above."""
    given = source if isinstance(source, Source) else Source(source, readers.FILE)
    head = given.peek(_SNIFFED_BYTES)
    text = head.decode("utf-8", "replace") if len(head) < _SNIFFED_BYTES else ""
    is_code = code.looks_like_code(text)
    flaws = code.scan(text, name, mask=mask) if is_code else ()
    read = readers.read(given, name, mask)
    if is_code:
        yield _code_and_more(read, name, flaws)
    elif read.reports:
        yield _of_reports(name, read.form, [again(report) for report in read.reports])
    elif read.separate:
        for situation in read.situations:
            yield Explanation(name, read.form, elsewhere.causes_of(situation), note=read.note, id=situation.id)
    else:
        calm = bool(read.situations) and all(map(_calm, read.situations))
        found = () if calm else _root_first(read.situations)
        yield Explanation(name, read.form, found, note="; ".join(filter(None, (read.note, _CALM if calm else ""))))


def _calm(situation: Situation) -> bool:
    """Whether it holds nothing but what went well, such as a log's ordinary lines and events."""
    kinds = {piece.kind for piece in taken_apart(situation.text)}
    failed = situation.failure or (situation.status or 0) >= 400
    return "healthy" in kinds and kinds <= {"healthy", "code"} and not failed


def _root_first(situations: Iterable[Situation]) -> tuple[Diagnosis, ...]:
    """The causes of a session; behind those that are firm, held low, what only follows from an earlier failure."""
    roots, following = [], list[Diagnosis]()
    for one in situations:
        if not one.follows:
            roots.append(one)
            continue
        against = f"it follows from {one.follows}"
        following += (replace(d, confidence="low", against=(*d.against, against)) for d in elsewhere.causes_of(one)[:1])
    found = elsewhere.causes_of_all(roots)
    known = {d.cause for d in found if d.confidence != "low"} | {d.cause for d in found[:1]} | {matching.UNKNOWN}
    new = {d.cause: d for d in following if d.cause not in known}
    rest = [d for d in found[1:] if d.cause not in new]
    return (
        *found[:1],
        *(d for d in rest if d.confidence != "low"),
        *new.values(),
        *(d for d in rest if d.confidence == "low"),
    )


def _of_reports(name: str, form: str, reports: list[Report]) -> Explanation:
    """What the cases of a run say together, or that none is in doubt."""
    outcomes = [outcome for report in reports for outcome in report.checks]
    found = verdict.diagnose(outcomes, reports[0].target.base_url)
    cases = sum(len(outcome.rows) for outcome in outcomes)
    part = "; its run was interrupted, and tells only a part" if any(one.interrupted for one in reports) else ""
    note = "" if found else f"the report holds {counted(cases, 'case')}, none of which failed or is in doubt{part}"
    return Explanation(name, form, found, note=note)


def _code_and_more(read: Read, name: str, flaws: tuple[Flaw, ...]) -> Explanation:
    """A paste with code in it: what stands between the code counts only where a reader found more in it than mere text."""
    alone = read.form == "text"
    form = "source code" if alone else f"source code and {read.form}"
    found = () if alone else elsewhere.causes_of_all(read.situations)
    return Explanation(name, form, _with_flaws(found, flaws), flaws, read.note or _SOUND * (not flaws))


def _with_flaws(found: tuple[Diagnosis, ...], flaws: Iterable[Flaw]) -> tuple[Diagnosis, ...]:
    """Causes that were seen come before those that the code alone shows; one that both show is held as the code holds it."""
    by_code = {d.cause: d for d in found}
    for one in _of_flaws(flaws):
        seen = by_code.get(one.cause)
        both = (*seen.evidence, *one.evidence) if seen else one.evidence
        by_code[one.cause] = replace(one, evidence=both)
    return matching.weighed(by_code)


def _of_flaws(flaws: Iterable[Flaw]) -> tuple[Diagnosis, ...]:
    """The causes that flaws name, in the order of the code; each with the lines that show it."""
    lines: dict[str, list[Flaw]] = {}
    for flaw in flaws:
        lines.setdefault(flaw.cause, []).append(flaw)
    return tuple(
        matching.describe(
            catalogue.find(cause),
            min((f.confidence for f in found), key=matching.RANK.__getitem__),
            [f"{f.file}:{f.line}: {f.found}" for f in found],
        )
        for cause, found in lines.items()
    )
