"""What the check `server` says of what it has seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rtdiag.checks.websocket.socket_answer import in_words
from rtdiag.engine.findings import (
    NO_API,
    NOT_OFFERED,
    NOT_THERE,
    about_who_asks,
    alike,
    no_answer,
    refused_alike,
    said,
)
from rtdiag.model import Evidence, Exchange, Finding, Observation

# What is missing where a door is not there.
MISSING: dict[str, str] = {
    "models": "no list of models",
    "mint": "no tokens are minted",
    "calls": "no WebRTC",
    "websocket": "no WebSocket",
    "transcription": "no transcription",
}
# What every stranger is asked.
_ASKED = ("models", "mint", "websocket")
# The doors behind which sessions are.
_INTO_SESSIONS = ("mint", "calls", "websocket")

NO_DOOR = NOT_THERE | {426}  # as servers of WebSockets alone say
_TOKENS_ALONE = "tokens are minted and no session is opened here"


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen; what the doors say together is said at the WebSocket's."""
    everywhere = _everywhere(evidence)
    for case, seen in evidence.seen.items():
        if case == "who":
            yield _who(seen.facts)
        elif everywhere is None:
            yield (case == "websocket" and _no_way_in(case, evidence)) or _door(case, seen)
        elif case == "websocket":
            yield no_answer(case, everywhere) or refused_alike(case, everywhere, "101")
        else:
            yield Finding(case, "skip", "not known: whatever is asked is answered alike")


def _everywhere(evidence: Evidence) -> Exchange | None:
    """The refusal that comes at every door in the same words, and is about no key: a firewall's, a gateway's, a policy's."""
    seen = [evidence.seen[case] for case in _ASKED if case in evidence.seen]
    got = [one.exchange for one in seen if one.exchange is not None and one.exchange.status is not None]
    garbled = [one for one in seen if one.exchange and one.exchange.failure and one.exchange.failure.kind == "protocol"]
    first = got[0] if len(got) + len(garbled) == len(_ASKED) and len(got) > 1 else None
    if first is None or (first.status or 0) < 400 or (first.status in NO_DOOR and not first.looks_like_html):
        return None
    return first if all(alike(first, other) for other in got) and not about_who_asks(first) else None


def _no_way_in(case: str, evidence: Evidence) -> Finding | None:
    """The finding where no session can be begun: by another server, by what answers in its place, or by one of tokens alone."""
    there = {door: evidence.seen[door].facts["there"] for door in _INTO_SESSIONS if door in evidence.seen}
    if any(there[door] for door in there if door != "mint"):
        return None
    page = next((x for x in _all(evidence) if x.ok and x.looks_like_html), None)
    if page is not None and not any(there.values()):
        return no_answer(case, page)  # which may be anybody's between here and the server
    if None in there.values():
        return None
    measured = _answered(evidence.seen[case])
    if there.get("mint"):
        hint = "tokens are minted here, and no session can be opened with them: ask the server of the sessions, too"
        told = f"{MISSING[case]}, nor WebRTC ({measured})"
        return Finding(case, "warn", told, "a session", (_TOKENS_ALONE, NOT_OFFERED), hint)
    hint = (
        "neither a mint, nor calls, nor a WebSocket is known here: is this the Realtime API, and is the base URL right?"
    )
    return Finding(case, "fail", measured, "101", (NO_API,), hint)


def _all(evidence: Evidence) -> Iterator[Exchange]:
    for seen in evidence.seen.values():
        yield from seen.exchanges


def _who(facts: Mapping[str, Any]) -> Finding:
    by = " and ".join(facts["by"])
    return Finding(
        "who", "pass" if facts["known"] else "info", f"{facts['name']}, by {by}" if by else str(facts["name"])
    )


def _door(case: str, seen: Observation) -> Finding:
    there = seen.facts["there"]
    if not (seen.exchanges or seen.events):
        measured = {True: "known of this server", False: MISSING[case], None: "not known"}[there]
        return Finding(case, "info", measured, observed=() if there is not False else (NOT_OFFERED,))
    if there is False:
        return Finding(case, "info", f"{MISSING[case]} ({_answered(seen)})", observed=(NOT_OFFERED,))
    return Finding(case, "info", _answered(seen))


def _answered(seen: Observation) -> str:
    if seen.peers:
        return in_words(seen)
    return said(seen.exchange) if seen.exchange else "not asked"
