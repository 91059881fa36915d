"""What is said of a page of the user's own, which the watch line has recorded: the first thing that failed in it. Pure."""

from __future__ import annotations

from rtdiag.api import sessions
from rtdiag.checks.browser.cors_judge import BY_POLICY
from rtdiag.checks.browser.media_judge import NOT_PLAYED
from rtdiag.checks.browser.page_facts import Told
from rtdiag.checks.sdp.ice_judge import NO_WAY
from rtdiag.engine.findings import no_answer, said
from rtdiag.model import Finding, Observation, counted

_EXPECTED = "a page that does what it wants"
_PASTE = "paste the watch line into your page, before its own scripts, and use it: rtdiag run --only browser.own-page"
# What a failure of a page is told in, where no answer tells it, and what that shows; the words are a reader's, or the browser's.
_SHOWN = (
    ("Content-Security-Policy", BY_POLICY),
    ("NotFoundError: getUserMedia", "the browser finds no microphone"),
    ("NotReadableError: getUserMedia", "the microphone cannot be opened"),
    ("getUserMedia failed", "the browser refuses the microphone"),
    ("play() failed", NOT_PLAYED),
    ("connectionState failed", NO_WAY),
)


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
            case, "info", "nothing failed as far as it was watched, and no session began", _EXPECTED, hint=_PASTE
        )
    also = int(told.number("others") or 0)
    more = f"; {counted(also, 'failure')} more" if also else ""
    answer = told.there
    if answer is not None and answer.status is not None and answer.failure is None:
        unusable = no_answer(case, answer)
        hint, observed = (unusable.hint, unusable.observed) if unusable else (None, ())
        return Finding(
            case,
            "fail",
            f"{answer.method} {answer.url.partition('?')[0]}: {said(answer)}{more}",
            _EXPECTED,
            observed,
            hint,
        )
    shown = next((observed for words, observed in _SHOWN if words in root), None)
    hint = (
        None
        if shown
        else "a page is not told why: the browser's own console names it, and `rtdiag explain -` reads that"
    )
    return Finding(case, "fail", f"{root}{more}", _EXPECTED, (shown,) if shown else (), hint)


def _nothing_told(case: str, told: Told, *, works: bool) -> Finding:
    if told.yes("waited"):
        hint = "the line has to stand before the page's own scripts, the page has to be opened in a browser on this machine"
        return Finding(case, "inconclusive", "no page has told anything", _EXPECTED, hint=hint)
    if works:
        return Finding(
            case, "info", "not watched; from here a session begins in the browser: it is your page", hint=_PASTE
        )
    return Finding(case, "info", "not watched", hint=_PASTE)
