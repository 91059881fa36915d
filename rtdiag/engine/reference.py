"""The page of a code, for `rtdiag explain CODE`: a cause, a check, a case, an API error code, an HTTP status or a close code."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause
from rtdiag.engine.check import Case, Check
from rtdiag.model import counted

WIDTH = 100  # where no terminal is narrower
_SHOWN = 8


def page(code: str, checks: Mapping[str, Check], width: int = WIDTH) -> str | None:
    """The page of `code` as text that ends in a newline, in lines of that width; None when nothing has that code."""
    family = [c for c in catalogue.causes().values() if code in (c.code, c.family)]
    if family:
        return "\n".join(_cause(c, width) for c in family)
    if code in checks:
        return _check(checks[code])
    check, _, case = code.partition(".")
    found = next((c for c in checks[check].cases if c.id == case), None) if check in checks else None
    return _case(checks[check], found, width) if found else _api_code(code, width)


def near(code: str, checks: Mapping[str, Check]) -> list[str]:
    """Up to three codes that are spelt much like this one."""
    cases = (f"{check.id}.{case.id}" for check in checks.values() for case in check.cases)
    return get_close_matches(code, [*catalogue.causes(), *checks, *cases], n=3)


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


def _api_code(code: str, width: int) -> str | None:
    """The causes that an error code, an HTTP status or a close code can stand for: those whose signs name it."""
    name = ("close" if len(code) == 4 else "status") if code.isdigit() else "code"
    worth = {cause: _points(cause, name, code) for cause in catalogue.causes().values()}
    causes = sorted((c for c in worth if worth[c]), key=lambda c: (-worth[c], c.weight))
    if not causes or not re.fullmatch(r"\w{3,60}", code):
        return None
    what = {"close": "a close code", "status": "an HTTP status", "code": "an error code"}[name]
    head = f"{code} is {what} that {counted(len(causes), 'cause')} can stand behind; the request beside it decides."
    return "\n".join([textwrap.fill(head, width), "", *(_cause(c, width) for c in causes[:_SHOWN])])


def _points(cause: Cause, name: str, code: str) -> int:
    """The most points of a sign that names the code itself, not just any that begins alike."""
    alike = code.partition("_")[0] + "_other" if name == "code" else "999"
    signs = [(s.points, p) for s in cause.speaks_for for n, p in s.when if n == name and not p.search(alike)]
    return max((points for points, pattern in signs if pattern.search(code)), default=0)


def _filled(text: str, width: int) -> str:
    return textwrap.fill(
        text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
    )
