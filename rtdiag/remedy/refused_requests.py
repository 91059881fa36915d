"""Which mints and offers a run sent in vain: none of them may stand under what should work.

Two requests are the same where the server cannot tell them apart: the URL, the form of the body, the kind of credential, and the
session, which for an offer is that of its token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from rtdiag.api.expressions import expression
from rtdiag.model import Exchange, Outcome

Form = Literal["application/json", "application/sdp", "multipart/form-data"]

# In multipart, the part that holds the session.
_PART = expression(r'name="session".*?\r\n\r\n(.*?)\r\n--', re.DOTALL)


class Request(NamedTuple):
    """A POST as far as it matters: `credential` is "api-key" or "token", `session` is canonical JSON."""

    url: str
    form: Form
    credential: str
    session: str


def request(url: str, form: Form, credential: str, session: Any) -> Request:
    """The request that sends this session."""
    return Request(url, form, credential, json.dumps(session, sort_keys=True))


def refused(checks: Iterable[Outcome], exchanges: Iterable[Exchange]) -> frozenset[Request]:
    """The mints and offers behind cases of status fail or inconclusive that came to nothing, and did nowhere else come to more.

    An offer comes to nothing also where it was answered and no session began. `exchanges` are the run's, also those of no case:
    an offer's token may have been minted in one.
    """
    by_id = {exchange.id: exchange for exchange in exchanges}
    rows = [row for outcome in checks for row in outcome.rows if row.finding.status in ("fail", "inconclusive")]
    without_session = {peer.offered_in for row in rows for peer in row.seen.peers if peer.failure}
    asked = {
        x.id for row in rows for x in row.seen.exchanges if not x.ok and not _made_to_be_refused(x)
    } | without_session
    worked = {_request(x, by_id) for x in by_id.values() if x.ok and x.id not in asked}
    return frozenset(
        found for i in asked if i in by_id and (found := _request(by_id[i], by_id)) and found not in worked
    )


def _made_to_be_refused(exchange: Exchange) -> bool:
    """Whether it is the offer's own flaw that was refused: rtdiag asks with offers that hold no media, to open nothing."""
    return exchange.status == 400 and _form(exchange) == "application/sdp" and "m=" not in (exchange.request_body or "")


def _request(exchange: Exchange, by_id: Mapping[str, Exchange]) -> Request | None:
    """The exchange as a mint or an offer; None where it is neither, or where its session is not known."""
    form = _form(exchange)
    minted_in = by_id.get(exchange.credential_from or "")
    source, credential = (minted_in, "token") if form == "application/sdp" else (exchange, exchange.credential)
    session = _session(source) if source else None
    if exchange.method != "POST" or form is None or session is None or credential not in ("api-key", "token"):
        return None
    return request(exchange.url, form, credential, session)


def _form(exchange: Exchange) -> Form | None:
    sent = next((v for k, v in exchange.request_headers if k.lower() == "content-type"), "").partition(";")[0]
    forms: tuple[Form, ...] = ("application/json", "application/sdp", "multipart/form-data")
    return next((form for form in forms if sent.lower() == form), None)


def _session(exchange: Exchange) -> Any:
    """The session object that a mint, or an offer in multipart, carries: in GA below `session`, in the beta the whole body."""
    body = exchange.request_body or ""
    part = _PART.search(body)
    try:
        parsed = json.loads(part[1] if part else body)
    except (ValueError, RecursionError):
        return None
    return parsed["session"] if isinstance(parsed, Mapping) and not part and "session" in parsed else parsed
