"""What is said of a page of the user's own, which the watch line has recorded: the first thing that failed in it. Pure.

Which cause that is, the situation tells that diagnosis has made of it, which is a fact of the observation.
"""

from __future__ import annotations

from rtdiag.api import sessions
from rtdiag.checks.browser.page_facts import Told
from rtdiag.engine.findings import in_short, said
from rtdiag.model import Finding, Observation, counted

_EXPECTED = "a page that does what it wants"
_PASTE = "paste the watch line into your page, before its own scripts, and use it: rtdiag run --only browser.own-page"
_TOLD = (
    "Content-Security-Policy",
    "Mixed Content",
    "which the page itself",
    "that the page itself",
)  # what a page can know of why it got no answer
_UNSEEN = "use the page until it has failed; workers and frames are not watched, nor what came before the line"
_UNTOLD = "a page is not told why: the browser's own console names it, and `rtdiag explain -` reads that"


def own_page(case: str, seen: Observation, *, works: bool) -> Finding:
    """The first failure of the page, from which others may follow; `works`: a session began in rtdiag's own page."""
    told = Told(seen)
    if told.yes("told") is False:
        return _nothing_told(case, told, works=works)
    root = told.text("failed")
    if not root and any(event.type in sessions.CREATED for event in seen.events):
        return Finding(case, "pass", "session.created came, and nothing failed", _EXPECTED)
    if not root:
        return Finding(
            case, "info", "nothing failed as far as it was watched, and no session began", _EXPECTED, hint=_UNSEEN
        )
    also = int(told.number("others") or 0)
    more = f"; {counted(also, 'failure')} more" if also else ""
    if error := next((e.error for e in seen.events if e.type == "error" and e.error), None):
        return Finding(case, "fail", f"error {in_short(error)}{more}", _EXPECTED)
    answer = told.there
    if answer is None or answer.failure is not None:
        untold = answer is not None and not any(name in root for name in _TOLD)
        return Finding(case, "fail", f"{root}{more}", _EXPECTED, hint=_UNTOLD if untold else None)
    asked = f"{answer.method} {answer.url.partition('?')[0]}"
    words = said(answer) if (answer.status or 0) >= 400 else root
    return Finding(case, "fail", f"{asked}: {words}{more}", _EXPECTED)


def _nothing_told(case: str, told: Told, *, works: bool) -> Finding:
    if told.yes("waited"):
        hint = "the line has to stand before the page's own scripts, the page has to be opened in a browser on this machine"
        return Finding(case, "inconclusive", "no page has told anything", _EXPECTED, hint=hint)
    if works:
        measured = "not watched; from here a session begins in the browser: where yours does not, it is your page"
        return Finding(case, "info", measured, hint=_PASTE)
    return Finding(case, "info", "not watched", hint=_PASTE)
