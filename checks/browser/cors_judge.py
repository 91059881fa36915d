"""What is said of requests of a page: whether they get there, and whether the page may read what comes back. Pure.

No browser tells a page why a request failed: `TypeError` is all, whether the server is down, an extension forbids it or a header of
CORS is missing. They are told apart by requests that differ in one thing, and by what the command line got.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from rtdiag.api.endpoints import REALTIME
from rtdiag.checks.browser.page_facts import Told, kept_from_pages
from rtdiag.engine.findings import NOT_OFFERED, no_answer, said
from rtdiag.model import Finding, Observation

BY_PATH = "a request of this path is stopped in the browser, whichever host it is for"
STOPPED = "the browser itself stops the request"
BY_POLICY = "a policy of the page forbids it"
NOT_THROUGH = "the command line gets there and the browser does not"
PREFLIGHT = "it gets there and the preflight is refused"
UNREADABLE = "it gets there and the page may not read the answer"
BY_CORS = "the browser refuses it by CORS"
THIS_HEADER = "the page is refused for this header alone"
HIDDEN = "the page may not read Location"
NO_CALL = "the answer names no call"
NOT_READ = "the page reads no Location"

_READABLE = "an answer that the page may read"
# What chromium prints to its console, and what to do: net/base/net_error_list.h.
_NET_ERROR = re.compile(r"\bnet::(ERR_\w{2,60})")
_STOPPED_BY = ("ERR_BLOCKED_BY_CLIENT", "ERR_BLOCKED_BY_ADMINISTRATOR")
_ITS_OWN_WAY = {
    "ERR_NAME_": "the browser does not resolve the name: compare its DNS over HTTPS with the system's",
    "ERR_DNS_": "the browser does not resolve the name: compare its DNS over HTTPS with the system's",
    "ERR_PROXY_": "it is the browser's own proxy: compare it with the proxy variable of this shell",
    "ERR_TUNNEL_": "it is the browser's own proxy: compare it with the proxy variable of this shell",
    "ERR_CERT_": "the browser does not trust the certificate: compare its authorities with those of the system",
    "ERR_SSL_": "the browser and the server do not agree on TLS: compare with another browser",
}
_HEADERS = {
    "cors-agents": "X-OpenAI-Agents-SDK, which OpenAI's Agents SDK sends",
    "cors-beta": "OpenAI-Beta, which programs of the beta send",
    "cors-client": "OpenAI-Safety-Identifier and X-Client-Request-Id",
}


def reached(case: str, seen: Observation, same_path: Observation | None) -> Finding:
    """Whether a request that needs nobody's leave gets there."""
    told, expected = Told(seen), "an answer, of whatever kind"
    if _came(told):
        return Finding(case, "pass", told.took or "answered", expected)
    here = told.here
    if here is not None and kept_from_pages(here) and (alike := no_answer(case, here)):
        return alike
    if stopped := _stopped(case, told, same_path, expected):
        return stopped
    if here is None:
        hint = "what the command line would get is not known here: a page is not told why a request failed"
        return Finding(case, "inconclusive", _error(told), expected, hint=hint)
    if unanswered := no_answer(case, here) if here.status is None else None:
        return unanswered  # the same for both, in the words of the side that is told why
    hint = (
        _hint(told)
        or "a page is not told why: look at this request in the browser's Network tab, and try a private window"
    )
    return Finding(case, "fail", f"{_error(told)}; the command line got {said(here)}", expected, (NOT_THROUGH,), hint)


def same_path(case: str, seen: Observation) -> Finding:
    """Whether a request of the API's path to rtdiag's own server, which answers others of this page, gets there."""
    told, expected = Told(seen), "any answer"
    got = told.number("got")
    if got is not None:
        return Finding(case, "pass", f"{got:.0f}", expected)
    if told.yes("late"):
        return Finding(case, "inconclusive", _error(told), expected)
    return _by_path(case, told, expected)


def offer(case: str, seen: Observation, others: Mapping[str, Observation]) -> Finding:
    """Whether the page may read what an offer is answered with: a refusal, or, where refusals are kept from pages, the answer."""
    told = Told(seen)
    if _came(told):
        return Finding(case, "pass", _answer(told), _READABLE)
    if "answer" not in others:
        return _of_a_refusal_alone(unread(case, told, others), told)
    if _came(Told(others["answer"])):
        hint = "a page that is refused here sees a failed request in place of the error: read it on the command line"
        return Finding(case, "info", "refusals are kept from pages, answers are not", _READABLE, hint=hint)
    return unread(case, told, others)


def _of_a_refusal_alone(found: Finding, told: Told) -> Finding:
    """Where no answer to a good offer was asked for: servers keep refusals alone from pages, too, unless it is the preflight."""
    if PREFLIGHT in found.observed or "preflight" in _line(told, "CORS"):
        return found
    if not {UNREADABLE, BY_CORS} & {*found.observed}:
        return found
    hint = "a refusal, that is: whether an answer is kept from pages, too, browser.answer shows"
    return replace(found, status="inconclusive", observed=(UNREADABLE,), hint=hint)


def unread(case: str, told: Told, others: Mapping[str, Observation]) -> Finding:
    """The finding for a request that got no answer which the page may read, though the server is reached."""
    if stopped := _stopped(case, told, others.get("same-path"), _READABLE):
        return stopped
    if told.yes("late"):
        hint = "in time, that is: the server was slow, or something on the way holds such a request back"
        return Finding(case, "inconclusive", _error(told), _READABLE, hint=hint)
    if told.here is not None and told.here.status is None:
        return no_answer(case, told.here) or Finding(case, "inconclusive", _error(told), _READABLE)
    simple, line = told.number("simple"), _line(told, "CORS")
    if line:
        return Finding(case, "fail", line, _READABLE, (BY_CORS,))
    if simple is not None:
        measured = f"{_error(told)}; the same without the headers that need a preflight: {simple:.0f}"
        return Finding(case, "fail", measured, _READABLE, (PREFLIGHT,))
    here = f"; the command line got {said(told.here)}" if told.here else ""
    hint = "the server is reached, and no answer of it names this page's origin in Access-Control-Allow-Origin"
    return Finding(case, "fail", f"{_error(told)}{here}", _READABLE, (UNREADABLE,), hint)


def header(case: str, seen: Observation, plain: Observation | None) -> Finding:
    """Whether the page may send that header, where without it the answer may be read."""
    told = Told(seen)
    if _came(told):
        return Finding(case, "pass", _answer(told), _READABLE)
    if told.yes("late"):
        return Finding(case, "inconclusive", _error(told), _READABLE)
    if told.here is not None and (alike := no_answer(case, told.here)):
        return alike
    if plain is None or not _came(Told(plain)):
        hint = "without the header the page may not read the answer, either: see browser.cors-offer"
        return Finding(case, "info", _error(told), _READABLE, hint=hint)
    hint = f"leave it out in the browser: {_HEADERS[case]}"
    return Finding(case, "warn", f"{_error(told)}; without it the page got an answer", _READABLE, (THIS_HEADER,), hint)


def mint(case: str, seen: Observation) -> Finding:
    """Whether a page could mint by itself: told, since some do; it belongs on a server all the same."""
    told, hint = Told(seen), "a mint belongs on your server: whoever opens the page could read the key"
    return Finding(
        case, "info", _answer(told) if _came(told) else f"no answer that the page may read: {_error(told)}", hint=hint
    )


def location(case: str, seen: Observation, *, stranger: bool) -> Finding:
    """Whether the page may read which call it has."""
    told, expected = Told(seen), "Location, which the page may read"
    read = told.text("read")
    if "/calls/" in read:
        return Finding(case, "pass", read.rpartition("/")[2], expected)
    named = told.here.header("location") if told.here else None
    if stranger and not (named and "/calls/" in named):
        return Finding(case, "info", read or "no Location that the page may read", expected, (NOT_OFFERED,))
    if told.there and urlsplit(told.there.url).path.endswith(REALTIME):
        return Finding(case, "info", "not offered: the beta has no /realtime/calls", expected)
    if named:
        hint = "the command line gets it, so the server sends it: what is missing is that a page may read it"
        return Finding(case, "warn", "the page reads none; the command line does", expected, (HIDDEN,), hint)
    hint = "without it the page cannot say which call is to be hung up or controlled"
    if told.here is None:
        hint = (
            "whether it is not sent, or hidden from pages, the command line's own offer would tell: run without --only"
        )
    observed = NOT_READ if told.here is None else NO_CALL
    return Finding(case, "warn", read or "the page reads none", expected, (observed,), hint)


def _stopped(case: str, told: Told, same: Observation | None, expected: str) -> Finding | None:
    """The finding for a request that the browser itself did not let out, as far as that shows."""
    if policy := _policy(told):
        return Finding(case, "fail", policy, expected, (BY_POLICY,))
    if line := _line(told, *_STOPPED_BY):
        return Finding(case, "fail", line, expected, (STOPPED,))
    if (
        same is not None
        and Told(same).number("got") is None
        and Told(same).text("error")
        and not Told(same).yes("late")
    ):
        return _by_path(case, told, expected)
    return None


def _by_path(case: str, told: Told, expected: str) -> Finding:
    hint = "an extension or a rule of the browser goes by the path: rtdiag's own server on this machine was not asked, either"
    return Finding(case, "fail", _error(told), expected, (BY_PATH,), hint)


def _policy(told: Told) -> str:
    """What a Content-Security-Policy has forbidden of it, as the browser tells a page; "" where nothing was."""
    for one in told.list("forbidden"):
        if isinstance(one, str) and one:
            return one[:200]
    return ""


def _came(told: Told) -> bool:
    """Whether an answer came, one that may be read or one that no page may read."""
    there = told.there
    answered = there is not None and there.failure is None and not told.text("error")
    return told.yes("opaque") is True or told.number("status") is not None or answered


def _answer(told: Told) -> str:
    if told.there is not None and told.there.status is not None:
        return said(told.there)
    status = told.number("status")
    return "answered" if status is None else f"{status:.0f}"


def _error(told: Told) -> str:
    """What the browser said: to the page, and, where rtdiag has started it, to its console."""
    failure = told.there.failure if told.there else None
    words = told.text("error") or (failure.detail if failure else "") or "no answer"
    line = _line(told, "net::")
    return f"{words} ({line})" if line and line not in words else words


def _line(told: Told, *words: str) -> str:
    """The first line of the console that holds one of these words; "" where none does."""
    return next((line for line in told.console if any(word in line for word in words)), "")


def _hint(told: Told) -> str:
    code = _NET_ERROR.search(_line(told, "net::"))
    return next((hint for begin, hint in _ITS_OWN_WAY.items() if code and code[1].startswith(begin)), "")
