"""Requests that a page got no answer to: what the browser's own word for it means, and what the headers prove of CORS.

Chrome's words are `net::ERR_…` (chromium net/base/net_error_list.h), the reason for which it blocked (Chrome DevTools Protocol,
Network.BlockedReason), and what it says of a failed upgrade; Firefox's numbers are those of its network monitor
(devtools/client/netmonitor/src/constants.js, Firefox 153), which its own HARs leave out. Seen in HARs of Chrome 156 and
Firefox 153.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers.har_exchange import Exchange

# The first that matches says it; what names itself, such as ERR_NAME_NOT_RESOLVED, needs no further words.
_MEANINGS: tuple[tuple[str, str], ...] = (
    (
        r"err_blocked_by_client|^inspector$|^subresource-filter$|\breason (?:600|20\d)\d$|blocked by (?:an )?(?:extension|content)",
        "blocked in the browser before it was sent, as an ad blocker, another extension or tracking protection does",
    ),
    (r"^csp$|_by_csp\b|\breason 400\d$|content.security.policy", "the page's Content-Security-Policy forbids it"),
    (r"mixed.?(?:content|block)|\breason 3001$", "blocked as mixed content: a page over https asked for http or ws"),
    (r"\breason 10(?:0[1-9]|1[0-5])$|\bcors\b|access.control.(?:allow|check)", "the browser blocked the answer: CORS"),
    (
        r"err_blocked_by_(?:response|orb)|^(?:corp|coep|coop)-|^origin$|\breason 5000$",
        "the browser kept the answer from the page for its Cross-Origin-Resource-Policy",
    ),
    (r"err_blocked_by_(?:private|local)_network", "the browser keeps pages from addresses of the local network"),
    (r"err_blocked_by_administrator", "the browser's administrator forbids it"),
)
_NO_REASON = ("net::err_failed", "failed to fetch", "load failed")
_ENDED_BY_PAGE = expression(r"(?i)err_aborted|ns_binding_aborted|\bcancell?ed\b|load request cancel")
_REFUSED_UPGRADE = expression(r"(?i)unexpected (?:response code|server response):? ?(\d{3})")
_NO_LOGIN = "HTTP Authentication failed"  # what Chrome says of a 401


def ended_by_page(exchange: Exchange) -> bool:
    """Whether the page itself gave it up, by an abort or by being left, before there was an answer."""
    return not exchange.status and bool(_ENDED_BY_PAGE.search(exchange.error))


def reason(exchange: Exchange) -> list[str]:
    """What is known of why there was no answer, in words."""
    said = exchange.error.lower()
    if not said:
        return ["no answer was recorded"]
    meaning = next((words for pattern, words in _MEANINGS if re.search(pattern, said)), "")
    across = "asked across origins" if said in _NO_REASON and _across_origins(exchange) else ""
    return [f"the browser says {exchange.error}", *filter(None, (meaning, across))]


def upgrade_status(said: str) -> int | None:
    """The status that a browser names where an upgrade to a WebSocket was refused, None where it names none."""
    found = _REFUSED_UPGRADE.search(said)
    return int(found.group(1)) if found else 401 if said.startswith(_NO_LOGIN) else None


def refused_preflight(exchange: Exchange) -> str:
    """What the answer to a preflight lacks, by its own headers; "" where it allows what was asked, or shows no headers."""
    if not exchange.status:
        return ""
    if not exchange.ok:
        return f"a CORS preflight (OPTIONS) was refused with {exchange.status}"
    if not exchange.answered:
        return ""
    if lacking := _origin_not_allowed(exchange):
        return f"a CORS preflight (OPTIONS) was refused: {lacking}"
    allowed = _names(exchange.answered.get("access-control-allow-headers", ""))
    missing = _names(exchange.asked.get("access-control-request-headers", "")) - allowed
    if missing and "*" not in allowed:
        return (
            f"a CORS preflight (OPTIONS) was refused: Access-Control-Allow-Headers lacks {', '.join(sorted(missing))}"
        )
    return ""


def withheld(exchange: Exchange) -> str:
    """Why a browser kept an answer that came from its page; "" where it did not."""
    is_fetch = exchange.asked.get("sec-fetch-mode") == "cors" or exchange.error
    if not exchange.status or not exchange.answered or not is_fetch or not _across_origins(exchange):
        return ""
    lacking = _origin_not_allowed(exchange)
    return f"the browser blocked the answer: CORS, {lacking}" if lacking else ""


def _origin_not_allowed(exchange: Exchange) -> str:
    allowed, origin = exchange.answered.get("access-control-allow-origin"), exchange.asked.get("origin", "")
    if allowed is None:
        return "the answer has no Access-Control-Allow-Origin"
    return f"the answer allows {allowed}, not {origin}" if origin and allowed not in ("*", origin) else ""


def _across_origins(exchange: Exchange) -> bool:
    try:
        page = exchange.asked.get("origin") or exchange.asked.get("referer", "")
        asked, origin = urlsplit(exchange.url), urlsplit(page)
    except ValueError:
        return False
    return bool(origin.netloc) and (asked.scheme, asked.netloc) != (origin.scheme, origin.netloc)


def _names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",") if name.strip()}
