"""What is said of a session that a page opens: whether its offer is answered, how it begins, what its WebSocket comes to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rtdiag.api import sessions
from rtdiag.api.capacity import no_room
from rtdiag.checks.browser.cors_judge import unread
from rtdiag.checks.browser.page_facts import Told
from rtdiag.checks.sdp.sdp_judge import answered
from rtdiag.checks.websocket.socket_answer import created_event, credential_refused, error_event, in_words
from rtdiag.checks.websocket.websocket_judge import unusable_answer
from rtdiag.engine.findings import (
    ERROR_FIRST,
    NO_CREDIT,
    NO_SESSION,
    TOKEN_REFUSED,
    as_answer,
    in_short,
    is_quota,
    names_a_reason,
    no_slot,
)
from rtdiag.engine.findings import update as of_update
from rtdiag.model import Event, Exchange, Finding, Observation

NO_SDP = "the answer is no SDP"
SOCKET_ALONE = "a WebSocket opens from the command line and not in the browser"
NOT_SELECTED = "no sub-protocol is selected"

_CREATED = "session.created"


def answer(case: str, seen: Observation, others: Mapping[str, Observation], *, stranger: bool) -> Finding:
    """Whether the offer of the page is answered, and whether the browser takes the answer."""
    told = Told(seen)
    if why := told.text("token"):
        return _without_a_token(case, why)
    there = told.there
    if told.text("step") and (there is None or there.ok):
        hint = "look at the status before the body goes into setRemoteDescription, and at what changes the answer on its way"
        return Finding(case, "fail", told.text("error") or "not taken by the browser", "an SDP answer", (NO_SDP,), hint)
    if there is None or there.status is None:
        return unread(case, told, others)
    found = answered(case, "realtime", replace(seen, exchanges=(there,)), stranger=stranger)
    return replace(found, measured=f"{found.measured}, {told.took}") if found.status == "pass" and told.took else found


def _without_a_token(case: str, why: str) -> Finding:
    """What was to be asked and could not be: tokens are minted here, and this one was not."""
    hint = "tokens were minted before and this one was not: see the last answer of the mint, and run again"
    return Finding(case, "inconclusive", f"no token: {why}", hint=hint)


def created(case: str, seen: Observation) -> Finding:
    """Whether session.created is what comes first."""
    told = Told(seen)
    first, event = told.text("first"), next((e for e in seen.events if e.direction == "received"), None)
    if first in sessions.CREATED or (event is not None and event.type in sessions.CREATED):
        return Finding(case, "pass", told.took or _CREATED, _CREATED)
    if event is not None:
        return _not_created(case, event)
    hint = "the channel is open and silent: wait for session.created before anything is sent"
    return Finding(case, "fail", f"{first} came first" if first else "no event", _CREATED, (NO_SESSION,), hint)


def _not_created(case: str, first: Event) -> Finding:
    error = first.error
    if error and no_room(None, first.raw):
        return no_slot(case, f"error {in_short(error)}")
    if error:
        observed = NO_CREDIT if is_quota(error) else ERROR_FIRST
        return Finding(case, "fail", f"error {in_short(error)}", _CREATED, (observed,))
    return Finding(case, "fail", f"{first.type} came first", _CREATED, (NO_SESSION,))


def update(case: str, seen: Observation, *, stranger: bool) -> Finding:
    """Whether the update is answered and echoed."""
    sent = next((e for e in seen.events if e.direction == "sent"), None)
    asked = sent.json.get("session") if sent is not None and isinstance(sent.json, dict) else None
    if not isinstance(asked, dict):
        return Finding(case, "skip", "not sent: no session is open")
    got, cut = next((e for e in seen.events if e.direction == "received"), None), Told(seen).number("came") == 0
    events = (sent, got) if sent and got else (sent,) if sent else ()
    return of_update(
        case, replace(seen, events=events, facts={"asked": True, "sent": asked, "cut": cut}), stranger=stranger
    )


def websocket(case: str, seen: Observation) -> Finding:
    """Whether a token as sub-protocol, which is all that a page can send, begins a session."""
    told = Told(seen)
    if told.yes("known") is False:
        hint = "a page can send a WebSocket's credential in no other place: let it use WebRTC, or a server of yours between"
        return Finding(case, "info", "this server takes no token as sub-protocol", _CREATED, hint=hint)
    if why := told.text("token"):
        return _without_a_token(case, why)
    begun = created_event(seen)
    if begun is not None or told.text("first") in sessions.CREATED:
        return Finding(case, "pass", f"{_CREATED}, {told.took}" if told.took else _CREATED, _CREATED)
    if error_event(seen):
        return _socket_refused(case, seen)
    if told.yes("opened"):
        measured = "open, and no event came" if told.yes("late") else f"opened, closed with {_code(told)}"
        hint = "the first event of every session is session.created: the server, or something on the way, holds it back"
        return Finding(case, "fail", measured, _CREATED, (NO_SESSION,), hint)
    return _not_opened(case, told)


def _socket_refused(case: str, seen: Observation) -> Finding:
    """What the server says over an open socket; of a token that it has minted itself, as the check websocket says it."""
    ours = replace(seen, exchanges=tuple(x for x in seen.exchanges if x.by), peers=tuple(p for p in seen.peers if p.by))
    if unusable := unusable_answer(case, ours):
        return replace(unusable, expected=_CREATED)
    refusal, measured = as_answer(ours) if ours.exchanges else None, in_words(ours) if ours.exchanges else "an error"
    error = refusal.error if refusal else None
    if error is None:
        return _not_created(case, next(e for e in seen.events if e.type == "error"))
    named = names_a_reason(refusal) and error.code != "invalid_api_key" if refusal else False
    if credential_refused(ours) and not named:
        hint = (
            "this server minted the token and refuses it at its WebSocket: does something between answer in its place?"
        )
        return Finding(case, "fail", measured, _CREATED, (TOKEN_REFUSED,), hint)
    return Finding(case, "fail", measured, _CREATED, () if named else (ERROR_FIRST,))


def _not_opened(case: str, told: Told) -> Finding:
    """A page is told 1006 and no more: what the command line's own socket came to says whether it is the browser."""
    measured, here = f"not opened, {_code(told)}", told.here
    if here is not None and here.status == 101 and not _header(here):
        hint = "a browser ends a connection in which none of the sub-protocols was selected that it has offered"
        return Finding(case, "fail", measured, _CREATED, (NOT_SELECTED,), hint)
    if here is not None and here.status == 101:
        hint = "the same token in the same place opens one from the command line: it is the browser's own way, or its origin"
        return Finding(case, "fail", f"{measured}; the command line's opened", _CREATED, (SOCKET_ALONE,), hint)
    if here is not None:
        return Finding(case, "skip", f"{measured}, as from the command line: see the check websocket")
    return Finding(
        case, "inconclusive", measured, _CREATED, hint="a page is told no more: run without --only, to compare"
    )


def _header(upgrade: Exchange) -> bool:
    return upgrade.header("sec-websocket-protocol") is not None


def _code(told: Told) -> str:
    code, reason = told.number("code"), told.text("reason")
    return f"{code:.0f} {reason}".rstrip() if code is not None else "no close code"
