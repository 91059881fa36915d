"""The page of a code, for `rtdiag explain CODE`: a cause, a check, a case, or what the API says: a status, an error, an event."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from rtdiag.api import codes
from rtdiag.api.expressions import expression
from rtdiag.diagnosis import catalogue, named_codes
from rtdiag.diagnosis.catalogue import Cause
from rtdiag.engine.check import Case, Check
from rtdiag.model import Explanation, Meaning, counted

WIDTH = 100  # where no terminal is narrower
_ALIKE_IN_A_CHECK = 0.4
_BEFORE = expression(r"(HTTP|status|close|code|error|event) +(?=\S+$)", re.IGNORECASE)


def page(code: str, checks: Mapping[str, Check], width: int = WIDTH) -> str | None:
    """The page of `code` as text that ends in a newline, in lines of that width; None when nothing has that code."""
    found = explained(code, checks, width)
    return found.note if found else None


def explained(code: str, checks: Mapping[str, Check], width: int = WIDTH) -> Explanation | None:
    """The same with what is on it: the causes, and of a code of the API its meaning."""
    family = [c for c in catalogue.causes().values() if code in (c.code, c.family)]
    if family:
        return _page(code, "\n".join(_cause(c, width) for c in family), family)
    if code in checks:
        return _page(code, _check(checks[code]))
    check, _, case = code.partition(".")
    found = next((c for c in checks[check].cases if c.id == case), None) if check in checks else None
    return _page(code, _case(checks[check], found, width)) if found else _api_code(code, width)


def near(code: str, checks: Mapping[str, Check], alike: float = 0.6) -> list[str]:
    """Up to three codes that are spelt much like this one (`alike` 1 is the same); of a check's cases, those most like it."""
    check, _, case = code.partition(".")
    if check in checks:
        found = get_close_matches(case, [one.id for one in checks[check].cases], cutoff=_ALIKE_IN_A_CHECK)
        return [f"{check}.{one}" for one in found]
    cases = (f"{check.id}.{case.id}" for check in checks.values() for case in check.cases)
    families = (cause.family for cause in catalogue.causes().values())
    known = dict.fromkeys([*catalogue.causes(), *families, *checks, *cases, *codes.names()])
    return get_close_matches(code.lower(), known, cutoff=alike)


def _page(code: str, text: str, causes: Iterable[Cause] = (), meaning: Meaning | None = None) -> Explanation:
    candidates = tuple(map(catalogue.candidate, causes))
    return Explanation(
        code, "code", (), note=text, candidates=candidates, decides=meaning.ask if meaning else "", meaning=meaning
    )


def _cause(cause: Cause, width: int) -> str:
    return "\n".join(_lines_of(cause, width)) + "\n"


def _lines_of(cause: Cause, width: int) -> Iterator[str]:
    yield cause.code
    yield _filled(cause.summary, width)
    yield _filled(f"What to do: {cause.fix}", width)
    if cause.line:
        yield f"  {cause.line}"
    if cause.ask:
        yield _filled(f"What decides it: {cause.ask}", width)
    yield _filled(f"Does it still happen: {cause.today or 'yes'}", width)
    yield _filled(f"Sources: {'; '.join(cause.sources)}", width)


def _check(check: Check) -> str:
    cases = "".join(f"  {check.id}.{case.id:<34} {case.title}\n" for case in check.cases)
    needs = f"; needs {', '.join(check.requires)}" if check.requires else ""
    return f"{check.id}: {check.title} (about {check.cost}{needs})\n\n{check.doc.strip()}\n\n{cases}"


def _case(check: Check, case: Case, width: int) -> str:
    needs = f"It needs {', '.join(case.requires)}. " if case.requires else ""
    optional = f"It is asked with --allow {case.allow} only. " if case.allow else ""
    told = (f"A case of {check.id}. {needs}{optional}", case.doc)
    return "\n".join([f"{check.id}.{case.id}: {case.title}", *(_filled(text, width) for text in told if text), ""])


def _api_code(code: str, width: int) -> Explanation | None:
    """What a status, a close code, an error or an event is, and every cause that can stand behind it, the commonest first."""
    asked = _BEFORE.sub("", code)
    name = codes.first_name(asked)
    if name is None:
        return _only_in_signs(asked, width)
    known = codes.all_codes()[name]
    told = (name, *known.also)
    shown = next((one for one in told if one.lower() == asked.lower()), asked if asked.isdecimal() else name)
    others = tuple(one for one in told if one != shown)
    meaning = Meaning(
        shown, known.kind, known.by, known.where, known.what, known.last, known.ask, others, known.sources
    )
    causes = named_codes.behind(name, known.kind, known.causes)
    return _page(code, "\n".join([*_meaning(meaning, width), "", *_ranked(causes, width)]) + "\n", causes, meaning)


def _only_in_signs(code: str, width: int) -> Explanation | None:
    """An error code without an entry of its own, which signs of the catalogue name."""
    causes = named_codes.behind(code, "error code") if re.fullmatch(r"[a-z]+(_[a-z0-9]{1,40}){1,9}", code) else ()
    head = f"{code} is an error code; what it means, the message beside it says."
    text = "\n".join([_wrapped(head, width), "", *_ranked(causes, width)]) + "\n"
    return _page(code, text, causes) if causes else None


def _meaning(of: Meaning, width: int) -> Iterator[str]:
    yield _wrapped(f"{of.code} is a{'n' * (of.kind[0] in 'Haeiou')} {of.kind}. {of.what}", width)
    yield _filled(f"Who says it: {of.by}", width)
    yield _filled(f"Where: {of.where}", width)
    yield _filled(f"Seen last: {of.last}", width)
    yield _filled(f"What decides: {of.ask}", width)
    if of.also:
        yield _filled(f"On this page, too: {', '.join(of.also)}", width)
    yield _filled(f"Sources: {'; '.join(of.sources)}", width)


def _ranked(causes: Sequence[Cause], width: int) -> Iterator[str]:
    if not causes:
        yield _wrapped("No cause of a failure is known that stands behind it.", width)
        return
    order = ", the commonest first" * (len(causes) > 1)
    yield _wrapped(
        f"{counted(len(causes), 'cause')} can stand behind it{order}; `rtdiag explain CODE` tells all of one:", width
    )
    yield from (_filled(f"{cause.code}: {cause.summary}", width) for cause in causes)


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, width, break_on_hyphens=False, break_long_words=False)


def _filled(text: str, width: int) -> str:
    return textwrap.fill(
        text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
    )
