"""What the answers of STUN and TURN servers come to: the judgement of the case `ice-servers`, pure, from its facts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rtdiag.model import SEVERITY, Finding, Status

CASE = "ice-servers"

# What is observed.
TURN_REFUSED, TURN_LOGIN = "the TURN server refuses the credentials", "the TURN server wants credentials"
STUN_LOGIN = "the STUN server wants credentials"
TURN_FULL, TURN_NONE = "the TURN server has no relay left", "what answers is no STUN or TURN server"
TURN_UNREACHED, STUN_SILENT = "the TURN server is not reached", "the STUN server does not answer"
NO_RELAY = "no relay was given"

# By `failure` of IceAnswer: what is said behind the URL, and what it comes to.
_SAID: Mapping[str, tuple[str, Status]] = {
    "": ("answered", "pass"),
    "name": ("has a name without an address", "inconclusive"),
    "dropped": ("was not reached", "inconclusive"),
    "silent": ("did not answer", "inconclusive"),
    "refused": ("was not reached: its port is closed", "inconclusive"),
    "reset": ("was not reached: the connection was reset", "inconclusive"),
    "rejected": ("was not reached", "inconclusive"),
    "no-route": ("was not reached", "inconclusive"),
    "refused-here": ("was not asked: this machine's own firewall forbids it", "inconclusive"),
    "tls": ("was not reached over TLS", "inconclusive"),
    "login": ("wants credentials", "fail"),
    "credentials": ("refused the credentials", "fail"),
    "forbidden": ("refused this user or this machine", "fail"),
    "quota": ("has no relay left", "inconclusive"),
    "second": ("took the credentials, and gives this user no second relay beside rtdiag's first", "pass"),
    "error": ("gave no answer that can be used", "inconclusive"),
}
_SECOND = "second"
_ANSWERED_NOTHING = {"name", "dropped", "silent", "refused", "reset", "rejected", "no-route", "refused-here", "tls"}
_HINTS = {
    "forbidden": "ask whoever runs the server for whom it relays, and from where",
    "quota": "it relays no more for this user, or at all: end older sessions, or ask whoever runs it",
    "error": "look at host, port and transport in the URL: is it a STUN or TURN server that listens there?",
}
_EXPECTED = "each server answers"
_RELAY_ALONE = "with --relay-only a session needs a TURN server that answers, and that rtdiag's WebRTC library takes"


def finding(answers: Sequence[Mapping[str, Any]], relay_only: bool) -> Finding:
    """The one finding for all servers, by the facts of `network.ice_answer`."""
    if not answers:
        return Finding(CASE, "info", "no --ice-server was given", "")
    answers = [{**answer, "failure": _SECOND} if _is_second(answer, answers) else answer for answer in answers]
    found = {_SAID[answer["failure"]][1] for answer in answers}
    observed = tuple(dict.fromkeys(filter(None, map(_observed, answers))))
    hints = [_HINTS.get(answer["failure"], "" if answer["failure"] else answer["apart"]) for answer in answers]
    if relay_only and not observed and not any(map(_relays, answers)):
        found, observed, hints = found | {"inconclusive"}, (NO_RELAY,), [*hints, _RELAY_ALONE]
    status = next(one for one in SEVERITY if one in found)
    # Where something is observed, the catalogue says what to do.
    hint = "; ".join(dict.fromkeys(filter(None, hints))) if observed in ((), (NO_RELAY,)) else ""
    return Finding(CASE, status, "; ".join(map(_measured, answers)), _EXPECTED, observed, hint or None)


def _measured(answer: Mapping[str, Any]) -> str:
    """`turn:b:3478 refused the credentials (401 Unauthorized)`."""
    if not answer["failure"]:
        how = "gave a relay" if answer["kind"] == "turn" else "answered"
        return f"{answer['url']} {how} in {answer['took_ms']:.0f} ms"
    said, detail = _SAID[answer["failure"]][0], answer["detail"]
    return f"{answer['url']} {said}" + (f" ({detail})" if detail else "")


def _observed(answer: Mapping[str, Any]) -> str:
    """What the catalogue is told; of a refusal where no credentials were sent nothing, for it may be about the machine."""
    failure = answer["failure"]
    if failure == "login":
        return TURN_LOGIN if answer["kind"] == "turn" else STUN_LOGIN
    if failure == "credentials" or (failure == "forbidden" and answer["login"]):
        return TURN_REFUSED
    if failure == "quota":
        return TURN_FULL
    if failure == "error":
        return TURN_NONE
    if failure in _ANSWERED_NOTHING:
        return TURN_UNREACHED if answer["kind"] == "turn" else STUN_SILENT
    return ""


def _is_second(answer: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it was refused for no other reason than that rtdiag, which asks all URLs at once, had a relay of that host."""
    host = answer["address"].rpartition(":")[0]
    given = {one["address"].rpartition(":")[0] for one in answers if one["relayed"]}
    return answer["failure"] == "quota" and host in given


def _relays(answer: Mapping[str, Any]) -> bool:
    return answer["kind"] == "turn" and not answer["failure"] and not answer["apart"]
