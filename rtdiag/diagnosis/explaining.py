"""`rtdiag explain`: one input, whatever it is, becomes ranked causes and, where it holds source code, the flaws in that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rtdiag.diagnosis import catalogue, code, elsewhere, matching, readers, shortlist
from rtdiag.diagnosis.kinds import is_pending
from rtdiag.diagnosis.readers import Read
from rtdiag.diagnosis.readers.forms import cut, shown
from rtdiag.diagnosis.records import all_well, taken_apart
from rtdiag.diagnosis.situation import Situation, Unreadable, situation_of
from rtdiag.intake import Source, Unusable, called, opened, why
from rtdiag.model import Confidence, Diagnosis, Explanation, Flaw, counted
from rtdiag.redact import Mask

# As much of a paste is looked at to tell whether it is source code.
_SNIFFED_BYTES = 1 << 20
_SHOWN_BYTES = 16_384  # of a text that says nothing to rtdiag, and may say more to a reader
_WHOLE_SESSIONS = ("HAR", readers.watched.FORM)  # their beginning says nothing to a reader
_SOUND = "no call in it is known not to work"
_CALM = (
    "nothing in it failed; what it does not show is the HTTP requests before it, what the other side did, and whether audio came "
    "through: give the lines around the moment that went wrong, or a HAR; with a key, `rtdiag run` asks for itself"
)

if TYPE_CHECKING:
    from rtdiag.model import Report

    Again = Callable[[Report], Report]


@dataclass(frozen=True)
class Explained(Explanation):
    """An explanation with the situations that it was judged from; of code, and of what holds none, with the text as given."""

    situations: tuple[Situation, ...] = ()
    text: str = ""


def explain_input(name: str, mask: Mask, again: Again = lambda report: report) -> Iterator[Explained]:
    """What a file, a directory or, as `-`, standard input tells; `again` judges a report of rtdiag anew, before it is explained.

    Raises Unreadable, in one line, where it cannot be read or holds nothing to judge.
    """
    path = Path(name)
    try:
        if name != "-" and (path.is_dir() or (code.language_of(path.name) and path.exists())):
            yield _scanned(path, mask)
        else:
            with opened(name, readers.FILE) as source:
                yield from explain(source, name, mask, again)
    except OSError as exc:
        raise Unreadable(f"{name}: {why(exc)}") from None
    except Unusable as exc:
        raise Unreadable(f"{called(name)}: {exc}") from None


def _scanned(path: Path, mask: Mask) -> Explained:
    scanned = code.scan_path(path, mask)
    note = "; ".join((*_was_read(scanned), *scanned.notes))
    text = _begun(path, mask) if path.is_file() else ""
    return Explained(str(path), "source code", _with_flaws((), scanned.flaws), scanned.flaws, note, text=text)


def _begun(path: Path, mask: Mask) -> str:
    with opened(str(path), readers.FILE) as source:
        return _as_given(source.peek(_SHOWN_BYTES).decode("utf-8", "replace"), mask)


def _as_given(text: str, mask: Mask) -> str:
    """The beginning of what was given, masked."""
    return shown(cut(text, _SHOWN_BYTES), mask)


def _was_read(scanned: code.Scanned) -> Iterator[str]:
    """What was read, what an all-clear rests on, and what was not read."""
    if scanned.files:
        use = "uses" if scanned.using < 2 else "use"
        yield f"{counted(scanned.files, 'file')} read, {scanned.using or 'none'} of which {use} the Realtime API"
    if scanned.using and not scanned.flaws:
        yield f"{_SOUND}, as far as the files that use the API show it"
    if scanned.unread:
        named = ", ".join(f"{counted(n, 'file')} of {language}" for language, n in sorted(scanned.unread.items()))
        yield f"not read, so nothing is known of {'it' if scanned.unread.total() == 1 else 'them'}: {named}"


def explain(
    source: BinaryIO | Source, name: str, mask: Mask, again: Again = lambda report: report
) -> Iterator[Explained]:
    """What an open input tells; `name` is for messages, `-` is standard input. Raises Unreadable as above."""
    given = source if isinstance(source, Source) else Source(source, readers.FILE)
    head = given.peek(_SNIFFED_BYTES)
    text = head.decode("utf-8", "replace") if len(head) < _SNIFFED_BYTES else ""
    is_code = code.looks_like_code(text)
    flaws = code.scan(text, name, mask=mask) if is_code else ()
    read = readers.read(given, name, mask)
    if is_code and read.form not in readers.MEASURED:
        yield replace(_code_and_more(read, name, flaws), text=_as_given(text, mask))
    elif len({report.target.name for report in read.reports}) > 1:
        for report in read.reports:
            yield replace(_of_reports(name, read.form, [again(report)]), id=report.target.name)
    elif read.reports:
        yield _of_reports(name, read.form, [again(report) for report in read.reports])
    elif read.separate:
        for situation in read.situations:
            found = elsewhere.causes_of(situation)
            yield _shortlisted(
                Explained(name, read.form, found, note=read.note, id=situation.id, situations=(situation,))
            )
    else:
        seen = _seen(name, read)
        unread = not seen.situations and read.form not in _WHOLE_SESSIONS
        yield replace(seen, text=_as_given(text, mask)) if unread else seen


def _seen(name: str, read: Read) -> Explained:
    """What a reader has found, or that nothing failed in it."""
    if read.situations and all(map(_calm, read.situations)):
        return Explained(name, read.form, (), note="; ".join(filter(None, (read.note, _CALM))))
    found = elsewhere.causes_of_all(read.situations)
    return _shortlisted(Explained(name, read.form, found, note=read.note, situations=read.situations))


def _calm(situation: Situation) -> bool:
    """Whether it holds nothing but what went well, such as a log's ordinary lines and events."""
    if situation.failure or (situation.status or 0) >= 400:
        return False
    records = all_well(situation.text)
    return bool(records) and not is_pending(records[-1].text)


def _shortlisted(found: Explained) -> Explained:
    """With the causes that it may be and what decides between them, where none is held firmly."""
    if not found.diagnosis or any(d.confidence != "low" for d in found.diagnosis):
        return found
    causes = shortlist.shortlist(found.situations)
    question = shortlist.question(found.situations, causes)
    first, *others = found.diagnosis
    if question and first.cause == matching.UNKNOWN:
        first = replace(first, ask=question)
    candidates = tuple(map(catalogue.candidate, causes))
    return replace(found, diagnosis=(first, *others), candidates=candidates, decides=question)


def _of_reports(name: str, form: str, reports: list[Report]) -> Explained:
    """What the cases of a run say together, or that none is in doubt."""
    from rtdiag.diagnosis import verdict

    outcomes = [outcome for report in reports for outcome in report.checks]
    found = verdict.diagnose(outcomes, reports[0].target.base_url, reports[0].target.recognised_as)
    cases = sum(len(outcome.rows) for outcome in outcomes)
    part = "; its run was interrupted, and tells only a part" if any(one.interrupted for one in reports) else ""
    note = "" if found else f"the report holds {counted(cases, 'case')}, none of which failed or is in doubt{part}"
    rows = ((f"{o.id}.{row.id}", row) for o in outcomes for row in o.rows if row.finding.status in verdict.NEEDS)
    situations = tuple(situation_of(row.seen, case, row.finding.observed) for case, row in rows)
    return Explained(name, form, found, note=note, situations=situations)


def _code_and_more(read: Read, name: str, flaws: tuple[Flaw, ...]) -> Explained:
    """A paste with code in it: what a program or a person says between the code comes before what the code shows."""
    told = tuple(
        s for s in read.situations if any(p.kind in ("machine", "person") for p in taken_apart(s.text)) or s.status
    )
    form = "source code" if read.form == "text" else f"source code and {read.form}"
    found = tuple(d for d in elsewhere.causes_of_all(told) if d.cause != matching.UNKNOWN) if told else ()
    note = read.note or _SOUND * (not flaws)
    return Explained(name, form, _with_flaws(found, flaws), flaws, note, situations=told)


def _with_flaws(found: tuple[Diagnosis, ...], flaws: Iterable[Flaw]) -> tuple[Diagnosis, ...]:
    """Causes that were seen come before those that the code alone shows; one that both show is held as the code holds it.

    Where a failure was seen, what else the code shows is no more than a doubt about its cause; none where that is settled.
    """
    by_code = {d.cause: d for d in found}
    explained = any(d.confidence == "high" for d in found)
    most: Confidence = "low" if explained else "medium" if found else "high"
    for one in _of_flaws(flaws):
        seen = by_code.get(one.cause)
        both = (*seen.evidence, *one.evidence) if seen else one.evidence
        against = (*one.against, "what failed has another cause") if explained and not seen else one.against
        firm = one.confidence if seen else max(one.confidence, most, key=matching.RANK.__getitem__)
        by_code[one.cause] = replace(one, evidence=both, against=against, confidence=firm)
    told = {d.cause for d in found}
    return tuple(sorted(matching.weighed(by_code), key=lambda d: (matching.RANK[d.confidence], d.cause not in told)))


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
