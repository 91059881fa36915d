"""Whether an upgrade is let down on the way to a server that would take it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rtdiag.checks.websocket.socket_answer import NO_WEBSOCKET, UNAUTHORIZED, UPGRADE_REQUIRED
from rtdiag.engine.findings import (
    REFUSED,
    about_the_credential,
    alike,
    in_the_apis_shape,
    made_up,
    names_a_reason,
    no_room_for,
    said,
)
from rtdiag.model import Evidence, Exchange, Finding, Observation

# What is observed where HTTP took a key that the WebSocket refuses.
ALONE = "a key that HTTP took is refused at the WebSocket"

# What is observed where HTTP passes and the upgrade does not: it never arrives, nothing comes back, something else answers.
STRIPPED = "the upgrade is stripped"
NOT_ANSWERED = "the upgrade alone is not answered"
REFUSED_ALONE = "the upgrade alone is refused"
# Where it is answered, and what comes is none, or ends at once.
GARBLED = "what answers the upgrade speaks no WebSocket"
ENDED = "the WebSocket ends as soon as it is open"
HINTS = {
    STRIPPED: "what answers saw no Upgrade: a proxy or gateway on the way drops it, and has to pass it on (RFC 9110 7.8)",
    NOT_ANSWERED: "HTTP is answered at the same URL: something on the way holds WebSockets back; try another network, or WebRTC",
    REFUSED_ALONE: "HTTP is answered at the same URL: something before the server refuses WebSockets; read who says so",
    GARBLED: "HTTP is answered here: something on the way answers in the server's place, or changes what it sends",
    ENDED: "no close frame came: something on the way lets the upgrade through and then ends it, or the server's WebSocket breaks",
}


def wants_plain(seen: Observation) -> bool:
    """Whether it tells more of this upgrade what the same URL answers without one: not where the answer names its reason."""
    upgrade = seen.exchange
    if upgrade is None or upgrade.status == 101:
        return False
    if failure := upgrade.failure:
        return failure.phase == "answer" and failure.kind in ("timeout", "closed")
    status = upgrade.status or 0
    return not (status in (407, 429, 511) or 300 <= status < 400 or names_a_reason(upgrade, ALONE)) and not (
        about_the_credential(upgrade) or no_room_for("", upgrade)
    )


def plain_of(seen: Iterable[Observation]) -> Exchange | None:
    """The request without Upgrade that was asked beside one of these."""
    return next((x for one in seen for x in one.exchanges if x.url.startswith("http")), None)


def lost_on_the_way(
    case: str, seen: Observation, plain: Exchange | None, control: Observation | None, evidence: Evidence
) -> Finding | None:
    """The finding for an upgrade that is let down on the way; where a stranger refuses who asks, that is its own word."""
    upgrade = seen.exchange
    found = on_the_way(case, seen, plain, control, official=evidence.official)
    own = upgrade is not None and not upgrade.failure and not guards(upgrade)
    refused = upgrade is not None and upgrade.status in REFUSED
    if evidence.stranger and own and found and (refused or REFUSED_ALONE in found.observed):
        return None
    return found


def on_the_way(
    case: str, seen: Observation, plain: Exchange | None, control: Observation | None, *, official: bool
) -> Finding | None:
    """The finding for an upgrade that is let down where the `plain` request gets through; None where that is not known."""
    upgrade = seen.exchange
    if upgrade is None or plain is None or not _got_through(plain) or not wants_plain(seen):
        return None
    if upgrade.failure:
        observed = NOT_ANSWERED if upgrade.failure.kind == "timeout" else REFUSED_ALONE
    elif upgrade.status == UPGRADE_REQUIRED and not upgrade.header("sec-websocket-version") and plain.status != 404:
        observed = STRIPPED
    elif alike(upgrade, plain):
        observed = STRIPPED if _never_arrived(upgrade, official=official) else ""
    else:
        observed = REFUSED_ALONE if _by_another(seen, plain, control, official=official) else ""
    if not observed:
        return None
    same = "as" if alike(upgrade, plain) else f"and {said(plain)}"
    measured = f"{said(upgrade)}, {same} without Upgrade"
    return Finding(case, "inconclusive", measured, "101", (observed,), HINTS[observed])


def guards(exchange: Exchange) -> bool:
    """Whether a page, in the place of what a server says, forbids it: mostly a firewall."""
    return exchange.looks_like_html and exchange.status != UNAUTHORIZED


def refused_as(control: Observation | None, seen: Observation, case: str = "") -> bool:
    """Whether the upgrade itself is refused as that of a made-up key is, in words that are about no credential."""
    exchange = seen.exchange
    if exchange is None or control is None or case == "made-up" or about_the_credential(exchange):
        return False
    return not names_a_reason(exchange, ALONE) and made_up(exchange, control.exchange) is True


def _got_through(plain: Exchange) -> bool:
    return plain.failure is None and 200 <= (plain.status or 0) < 500 and plain.status not in (407, 429)


# A server that wants an upgrade says so to a request without one; 426 is that in one word.
_WANTS_UPGRADE = re.compile(
    r"\bupgrade\b|websocket\w* \w* ?(required|expected|only)|expect\w* a? ?websocket", re.IGNORECASE
)
_WITHOUT = re.compile(r"unsupported|not (be )?(support|enabl|allow|implement)\w*|disabled", re.IGNORECASE)


def _never_arrived(upgrade: Exchange, *, official: bool) -> bool:
    """Whether an answer that is the same with and without Upgrade can only come from where none arrived.

    The path is there, or wants an upgrade. A 404, or the 405 of another server, which may take offers there, tells nothing.
    """
    status, body = upgrade.status or 0, upgrade.body or ""
    if upgrade.looks_like_html or status in REFUSED or status >= 500:
        return False
    wants = status == 426 or (bool(_WANTS_UPGRADE.search(body)) and not _WITHOUT.search(body))
    return official or status < 300 or wants or (status == 405 and in_the_apis_shape(upgrade))


def _by_another(seen: Observation, plain: Exchange, control: Observation | None, *, official: bool) -> bool:
    """Whether a refusal that the plain request does not get is another's than the server's: not about a credential or a session.

    So is a page, what nobody says of a credential, and other words than those of the API where the plain request gets those.
    """
    upgrade = seen.exchange
    assert upgrade is not None
    status = upgrade.status or 0
    other = control is not None and control is not seen and control.exchange is not None
    if status in REFUSED and other and not refused_as(control, seen):
        return False
    if upgrade.looks_like_html or status < 300:
        return True
    by_whom = official or in_the_apis_shape(plain) or (status in REFUSED | {400} and status not in NO_WEBSOCKET)
    return by_whom and not in_the_apis_shape(upgrade)
