"""What judges have in common: how an answer is put in a few words, and which answers are none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rtdiag.diagnosis.matching import UNKNOWN, judge
from rtdiag.diagnosis.situation import situation_of
from rtdiag.failures import KINDS
from rtdiag.model import ApiError, Exchange, Finding, Seen

# The cause that a failure of the network stands for, by its kind; what is not here is `unexpected-answer`.
_FAILURE_CAUSES: Mapping[str, str] = {
    "dns": "network-unreachable",
    "refused": "network-unreachable",
    "unreachable": "network-unreachable",
    "tls": "tls-or-proxy",
    "proxy": "tls-or-proxy",
    "timeout": "no-answer-in-time",
    "closed": "connection-closed-early",
    "protocol": "answer-not-from-the-api",
    "too-large": "answer-not-from-the-api",
    "request": "request-not-sendable",
}

_QUOTA_CODES = frozenset({"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded"})


def said(exchange: Exchange) -> str:
    """An answer in a few words: its status and the error's code, or the beginning of its message."""
    if exchange.failure is not None and exchange.status is None:
        return f"no answer ({exchange.failure.kind}): {exchange.failure.detail}"
    error = exchange.error
    words = "" if error is None else in_short(error)
    return f"{exchange.status} {words}".rstrip()


def in_short(error: ApiError) -> str:
    """The error's code, else the beginning of its message, else what can be said of empty fields; at most 60 characters."""
    words = error.code or (error.message or "").partition(" (")[0]
    return words if 0 < len(words) <= 60 else words[:59] + "…" if words else "with empty error fields"


def past_the_credential(exchange: Exchange) -> bool:
    """Whether an invalid offer was refused for itself (400, about the offer): then its credential was taken.

    Texts: `invalid_offer` (espressif/esp-webrtc-solution#17; record 57945624825, 2026-05-13) and "Failed to parse offer: failed to
    unmarshal SDP: EOF" (record 60407752548, 2026-05).
    """
    error = exchange.error
    if exchange.status != 400 or error is None:
        return False
    return error.code == "invalid_offer" or "parse offer" in (error.message or "")


# What a refusal of a credential can name as its reason. A key or token that is merely wrong is none: what that means, only the
# case knows.
_REASONS = frozenset(
    {
        "wrong-regional-host",
        "org-or-project-header-mismatch",
        "ip-allowlist",
        "region-unsupported",
        "missing-permission-scope",
        "model-not-found-or-no-access",
        "organization-not-verified",
        "account-deactivated",
        "account-without-realtime-access",
        "azure-auth-or-url",
        "azure-network-access",
        "proxy-authentication",
        "beta-shape-retired",
        "ephemeral-token-already-used",
        "ephemeral-token-expired",
    }
)


def refusal(exchange: Exchange) -> tuple[str, str] | None:
    """The cause and the hint for an answer that refuses a credential for a reason it names; None where it names none."""
    best = judge(situation_of(Seen("", (exchange,))))[0]
    return (best.cause, best.fix) if exchange.error and best.cause in _REASONS and best.confidence != "low" else None


def refused_token(case: str, exchange: Exchange, expected: str, kind: str, dialect: str) -> Finding:
    """The finding for a token, fresh from this server's mint, that got 401 or 403 where offers of its kind go."""
    if named := refusal(exchange):
        return Finding(case, "fail", said(exchange), expected, *named)
    if (kind, dialect) == ("transcription", "beta"):
        hint = (
            "no public source shows a URL that worked for transcription over WebRTC on that date; "
            "today it is /realtime/calls without ?model="
        )
        cause = "transcription-over-webrtc-refused"
        return Finding(case, "fail", said(exchange), expected, cause, hint, show_body=True)
    hint = "this server minted the token and refuses it where offers go: does something between mint or answer in its place?"
    return Finding(case, "fail", said(exchange), expected, "token-of-another-issuer", hint)


def is_quota(error: ApiError) -> bool:
    """Whether an error says that the account has no credit or no budget left."""
    return bool({error.code, error.type} & _QUOTA_CODES)


def no_answer(case: str, exchange: Exchange) -> Finding | None:
    """The `inconclusive` finding for what is no usable answer: a failure, a web page, 407, 429, 3xx or 5xx; None otherwise."""
    if exchange.failure is not None:
        kind = exchange.failure.kind
        hint = KINDS.get(kind, KINDS["unknown"])
        measured = (
            said(exchange) if exchange.status is None else f"{exchange.status}, then {kind}: {exchange.failure.detail}"
        )
        return Finding(case, "inconclusive", measured, cause=_FAILURE_CAUSES.get(kind, "unexpected-answer"), hint=hint)
    status = exchange.status or 0
    if exchange.looks_like_html:
        hint = (
            "a web page came instead of the API's JSON: a proxy, a captive portal, or a base URL that is not the API's"
        )
        return Finding(case, "inconclusive", f"{status}, a web page", cause="answer-not-from-the-api", hint=hint)
    if status == 429:
        return Finding(case, "inconclusive", said(exchange), cause=_limit(exchange), hint=_wait(exchange))
    if status == 407:
        return Finding(
            case, "inconclusive", said(exchange), cause="tls-or-proxy", hint="the proxy wants a login of its own"
        )
    if 300 <= status < 400:
        hint = f"redirected to {exchange.header('location')}; the API never redirects: the base URL is another host's"
        return Finding(case, "inconclusive", said(exchange), cause="answer-not-from-the-api", hint=hint)
    if status >= 500:
        return Finding(
            case,
            "inconclusive",
            said(exchange),
            cause="generic-server-error",
            hint="try again later; quote x-request-id to support",
        )
    return None


def _limit(exchange: Exchange) -> str:
    error = exchange.error
    return "quota-exhausted" if error and is_quota(error) else "rate-limit"


def _wait(exchange: Exchange) -> str:
    if _limit(exchange) == "quota-exhausted":
        return "add credit at https://platform.openai.com/settings/organization/billing/; a mint works without, a call does not"
    seconds = exchange.header("retry-after")
    return f"try again in {seconds} s" if seconds else "try again in a minute"


def not_sent(case: str, facts: Mapping[str, Any]) -> Finding | None:
    """The `skip` for an event that was not sent: no session is open, or it has left an earlier event unanswered."""
    if facts["asked"]:
        return None
    why = "no session is open" if facts.get("ended") else "the session has left an earlier event unanswered"
    return Finding(case, "skip", f"not sent: {why}")


def unanswered(case: str, facts: Mapping[str, Any], expected: str) -> Finding:
    """The finding for an event that got no answer: the server's silence, or a way that was cut meanwhile."""
    if facts.get("cut"):
        hint = "not even an acknowledgement came back: the way there was cut in mid-session, and what the server says is not known"
        return Finding(case, "inconclusive", "no sign of life", expected, "network-lost-in-session", hint)
    hint = "the channel is open and alive, and the event got no answer, neither an echo nor an error"
    return Finding(case, "fail", "no answer", expected, "session-update-unanswered", hint)


def update(case: str, seen: Seen) -> Finding:
    """What came of an update that the session should take. `facts` has what was `sent`; the events are it and its answer."""
    expected = "session.updated, with what was sent"
    if skipped := not_sent(case, seen.facts):
        return skipped
    answer = seen.events[1] if len(seen.events) > 1 else None
    if answer is None:
        return unanswered(case, seen.facts, expected)
    if answer.error:
        return Finding(case, "fail", f"error {in_short(answer.error)}", expected, *cause_of(seen))
    echoed = answer.json.get("session") if isinstance(answer.json, dict) else None
    if lost := list(differences(seen.facts["sent"], echoed)):
        hint = "accepted is not applied: the session goes on with other settings than were sent"
        return Finding(case, "fail", "; ".join(lost), expected, "update-not-applied", hint)
    return Finding(case, "pass", answer.type, expected)


def differences(sent: Any, echoed: Any, path: str = "") -> Iterator[str]:
    """Where an echo is not what was sent, field by field: only what was sent is compared, extra fields of the echo are not."""
    if isinstance(sent, Mapping) and isinstance(echoed, Mapping):
        for name, value in sent.items():
            place = f"{path}.{name}" if path else str(name)
            if name not in echoed:
                yield f"{place}: sent {_short(value)}, not in the echo"
            else:
                yield from differences(value, echoed[name], place)
    elif sent != echoed:
        yield f"{path}: sent {_short(sent)}, echoed {_short(echoed)}"


def cause_of(seen: Seen) -> tuple[str, str]:
    """The cause and the hint for a session object or update of rtdiag's own that was refused, by the signs of the catalogue.

    Where a session was opened in the beta's shape, it was not rtdiag that asked for that: it was the gateway.
    """
    ranked = list(judge(situation_of(seen)))
    if ranked[0].cause.startswith(_BETA_SESSION):
        ranked = [d for d in ranked if d.cause == f"{_BETA_SESSION}gateway"] or ranked
    best = ranked[0]
    if best.cause == UNKNOWN or best.confidence == "low":
        return "unexpected-answer", "read the message: it names the field"
    return best.cause, best.fix


_BETA_SESSION = "session-type-unknown-here/"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"
