"""What the check `browser` says of what a page has told: of the page itself, its microphone, and what was forbidden. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from rtdiag.browser import microphones
from rtdiag.checks.browser import cors_judge, media_judge, session_judge
from rtdiag.checks.browser.own_page_judge import own_page
from rtdiag.checks.browser.page_facts import Told
from rtdiag.engine.findings import not_asked_here
from rtdiag.model import Evidence, Finding, Observation, counted

INSECURE = "the page is no secure context"
MUTED = "the microphone is muted"
SILENT = "the microphone is open and silent"
NO_WEBRTC = "the browser has no RTCPeerConnection"
NOT_MADE = "the browser makes no RTCPeerConnection"

# How a page listens where no leave to play is needed for it: frames come as long as a device gives any.
_BY_FRAMES = "MediaStreamTrackProcessor"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_LISTENED_S = 1.2  # of sound, for it to be called silence: chromium's made-up microphone beeps once a second
_HEADERS = ("cors-agents", "cors-beta", "cors-client")
_SHOWN = {**microphones.SHOWN, "OverconstrainedError": microphones.NONE}  # rtdiag's page wants no certain one
_WHAT_TO_DO = {
    "NotAllowedError": "allow it for this page: in the address bar, and in the system's settings for this browser",
    "SecurityError": "a policy of the page or of the browser keeps the microphone from it",
    "NotFoundError": "connect one, or choose it in the system's sound settings",
    "OverconstrainedError": "no microphone is as it was asked for",
    "NotReadableError": "end other programs that record, or plug it in again",
    "AbortError": "end other programs that record, or plug it in again",
}


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    found = [_judged(case, one, evidence) for case, one in evidence.seen.items() if case != "own-page"]
    yield from found
    if own := evidence.seen.get("own-page"):
        begun = any(finding.case == "created" and finding.status == "pass" for finding in found)
        well = all(finding.status in ("pass", "info", "skip") for finding in found)
        yield own_page("own-page", own, works=begun and well)


def _judged(case: str, one: Observation, evidence: Evidence) -> Finding:
    seen, stranger = evidence.seen, evidence.stranger
    if unasked := not_asked_here(case, one, f"browser.{case}"):
        return unasked
    if case in _OF_STRANGERS:
        return _OF_STRANGERS[case](case, one, stranger=stranger)
    if case == "reached":
        return cors_judge.reached(case, one, seen.get("same-path"))
    if case == "cors-offer":
        return cors_judge.offer(case, one, seen)
    if case == "dtls":
        return media_judge.dtls(case, one, seen.get("answer"))
    if case == "sound":
        return media_judge.sound(case, one, seen.get("update"))
    if case in _HEADERS:
        return cors_judge.header(case, one, seen.get("cors-offer"))
    if case == "answer":
        return session_judge.answer(case, one, seen, stranger=stranger)
    return _OF_ITSELF[case](case, one)


def _page(case: str, seen: Observation) -> Finding:
    """Whether there was a page that answered to the end; never a word about the network."""
    told, expected = Told(seen), "one tab that stays open until the end"
    if why := told.text("why"):
        return Finding(case, "inconclusive", why, expected, hint=_hint(told))
    return Finding(case, "pass", "; ".join([told.text("browser") or "answered", *_tabs(told)]), expected)


def _tabs(told: Told) -> Iterator[str]:
    if reloads := told.number("reloads"):
        yield "reloaded" if reloads == 1 else f"reloaded {reloads:.0f} times"
    if refused := told.number("refused"):
        yield f"{counted(int(refused), 'tab')} more refused"


def _hint(told: Told) -> str:
    if ended := told.text("ended"):
        return f"the browser ended by itself: {ended}"
    if not told.number("opened"):
        return "nobody opened the link: --browser=print shows it, and --browser=chromium opens it without anybody"
    return "leave the tab open and in front, do not reload it, and press Start: then run again"


def _secure(case: str, seen: Observation) -> Finding:
    told, expected = Told(seen), "a secure context"
    if told.yes("secure"):
        return Finding(case, "pass", told.text("origin") or "secure", expected)
    origin = told.text("origin")
    if origin and urlsplit(origin).hostname not in _LOOPBACK:
        return Finding(
            case, "info", f"{origin} is none: --host serves it over plain HTTP, so no microphone is asked for"
        )
    hint = "without it a page gets no microphone: open it on this machine, by 127.0.0.1, or let it come over https"
    return Finding(case, "fail", f"{origin or 'the page'} is none", expected, (INSECURE,), hint)


def _microphone(case: str, seen: Observation) -> Finding:
    """Whether the browser gave one, and whether anything is heard of it; no word of what was heard."""
    told, expected = Told(seen), "a microphone, louder than silence"
    name = told.text("name")
    if told.yes("there") is False:
        return Finding(case, "skip", "a browser gives none to a page over plain HTTP: not asked for")
    if told.yes("late") or name == "TimeoutError":
        hint = "the browser asked, and nobody answered: allow or refuse it in the address bar, and run again"
        return Finding(case, "inconclusive", "nobody answered the browser's question", expected, hint=hint)
    if name or told.text("error"):
        return _not_given(case, told, name, expected)
    label, level = told.text("label") or told.text("state"), told.number("level")
    if not label:
        return Finding(case, "inconclusive", "the browser does not tell", expected)
    if told.yes("muted"):
        hint = "look at its switch and at the system's sound settings: the browser says that nothing comes from it"
        return Finding(case, "fail", f"{label}: muted", expected, (MUTED,), hint)
    if level is None and told.text("by") == _BY_FRAMES and "TimeoutError" in told.text("unheard"):
        hint = "the browser has it and gets no sound from it, not even silence: plug it in again, or choose another one"
        return Finding(case, "warn", f"{label}: not one sample came", expected, (SILENT,), hint)
    if level is None:
        return Finding(case, "pass", f"{label}; how loud it is was not to be told here", expected)
    if level == 0 and (told.number("seconds") or 0.0) < _LISTENED_S:
        return Finding(case, "pass", f"{label}; too little of it came to tell how loud it is", expected)
    if level == 0:
        hint = "not one sample differed from zero: look at its switch, and whether it is the right device"
        return Finding(case, "warn", f"{label}: level 0", expected, (SILENT,), hint)
    return Finding(case, "pass", f"{label}: level {level:.4f}", expected)


def _not_given(case: str, told: Told, name: str, expected: str) -> Finding:
    words = told.text("message")
    measured = (f"{name}: {words}" if words else name) or told.text("error")
    if name not in _SHOWN:
        return Finding(
            case, "inconclusive", measured, expected, hint="the browser gave none, for no reason that is known"
        )
    hint = _WHAT_TO_DO[name]
    if "system" in words.lower():  # chromium: `Permission denied by system`
        hint = "it is the operating system that keeps it from the browser: allow it in the system's privacy settings"
    return Finding(case, "fail", measured, expected, (_SHOWN[name],), hint)


def _webrtc(case: str, seen: Observation) -> Finding:
    told = Told(seen)
    if told.yes("there") and not told.text("error"):
        return Finding(case, "pass", "RTCPeerConnection")
    if told.yes("there"):
        return Finding(case, "fail", told.text("error"), "RTCPeerConnection", (NOT_MADE,))
    hint = "it is switched off: Firefox media.peerconnection.enabled, an extension against WebRTC leaks, or a policy"
    return Finding(case, "fail", "no RTCPeerConnection", "RTCPeerConnection", (NO_WEBRTC,), hint)


def _blocked(case: str, seen: Observation) -> Finding:
    """What policies have forbidden the page: rtdiag's own allows all that it asks."""
    told = Told(seen)
    found = [one for one in told.list("blocked") if isinstance(one, dict)]
    if not found:
        lines = "; ".join(told.console[:2])
        return Finding(case, "pass", f"nothing; the console says: {lines}" if lines else "nothing")
    first = found[0]
    what = " ".join(str(first.get(name, ""))[:200] for name in ("directive", "what"))
    hint = "rtdiag's page allows what it asks, so an extension has put something into it, or changed its policy"
    return Finding(case, "info", f"{counted(len(found), 'time')}: {what}", "nothing", hint=hint)


_OF_ITSELF: Mapping[str, Callable[[str, Observation], Finding]] = {
    "page": _page,
    "secure": _secure,
    "microphone": _microphone,
    "webrtc": _webrtc,
    "same-path": cors_judge.same_path,
    "cors-mint": cors_judge.mint,
    "ice": media_judge.ice,
    "channel": media_judge.channel,
    "pair": media_judge.pair,
    "created": session_judge.created,
    "websocket": session_judge.websocket,
    "blocked": _blocked,
}
_OF_STRANGERS = {
    "location": cors_judge.location,
    "update": session_judge.update,
}
