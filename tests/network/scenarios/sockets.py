"""WebSockets alone: HTTP is well, and the upgrade is not."""

from __future__ import annotations

from tests.network.fronts import upgrades
from tests.network.kinds import SOCKETS, Scenario
from tests.network.roads import Road, behind
from tests.network.scenarios.answers import POLICY
from tests.network.servers import answer, page

NEVER = ("credential-refused-at-websocket-alone", "semantic-vad-not-accepted", "token-of-another-issuer")


def saying(raw: bytes) -> Road:
    """Every upgrade is answered so."""
    return behind(hold=upgrades, says=raw)


def row(name: str, fault: str, kind: str, road: Road, or_else: str = "", *words: str) -> Scenario:
    """What the run of all WebSockets says; some judge it as a failure of the network, some as a warning."""
    return Scenario(name, fault, kind, road, (0, 3), or_else, says=words, never=NEVER, options=SOCKETS, timeout_s=2)


_STRIPPED, _REFUSED = "the upgrade is stripped", "the upgrade is refused"
_GARBLED = "the upgrade is garbled"
_SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n"
_ANY = r"websocket-upgrade-refused\S*"
ROWS = (
    row("x-wsstrip", "a proxy takes Upgrade out of each request", _STRIPPED, behind(strips=True)),
    row("ws-200", "a proxy answers each upgrade with 200", _STRIPPED, saying(answer("200 OK", "{}")), _ANY, "200"),
    row("ws-400", "each upgrade is answered 400", _REFUSED, saying(answer("400 Bad Request")), _ANY, "400"),
    row("ws-404", "each upgrade is answered 404", _REFUSED, saying(answer("404 Not Found")), _ANY, "404"),
    row("ws-426", "each upgrade is answered 426", _STRIPPED, saying(answer("426 Upgrade Required")), _ANY, "426"),
    row(
        "ws-502", "a gateway answers each upgrade with 502", "the server is broken", saying(page("502 Bad Gateway")),
        _ANY, "502",
    ),
    row("x-wshang", "no upgrade is answered", "the upgrade is not answered", behind(hold=upgrades)),
    row(
        "ws-reset", "each upgrade is reset", "closed before the answer is whole", behind(hold=upgrades, resets=True),
        _ANY,
    ),
    row(
        "ws-closed-after-101", "each WebSocket is closed as soon as it is open", "the WebSocket ends at once",
        behind(ends=True),
    ),
    row("ws-421", "each upgrade is answered 421", _REFUSED, saying(answer("421 Misdirected Request")), "", "421"),
    row("ws-505", "each upgrade is answered 505", _REFUSED, saying(answer("505 HTTP Version Not Supported")), "", "505"),
    row("ws-no-accept", "each upgrade is answered 101 without Sec-WebSocket-Accept", _GARBLED, saying(_SWITCHED)),
    row("ws-other-upgrade", "each upgrade is answered with another one", _GARBLED, saying(_SWITCHED.replace(b"websocket", b"h2c"))),
    row("ws-http-1-0", "each upgrade is answered in HTTP/1.0", _GARBLED, saying(b"HTTP/1.0 400 Bad Request\r\n\r\n")),
    Scenario(
        "ws-credential-hidden", "a proxy takes Authorization out of upgrades", "the credential is lost on the way",
        behind(hides=("authorization",)), (1,), never=NEVER, at_most="high",
        says=("over HTTP it was taken",), options=SOCKETS, timeout_s=2,
    ),
    Scenario(
        "ws-subprotocol-hidden", "a proxy takes Sec-WebSocket-Protocol out of upgrades",
        "the credential is lost on the way", behind(hides=("sec-websocket-protocol",)), (1,), never=NEVER,
        at_most="high", says=("over HTTP it was taken",), options=SOCKETS, timeout_s=2,
    ),
    row(
        "blocked-sockets", "a blocker says 403 to each upgrade", "the upgrade is refused as not allowed",
        saying(POLICY), rf"answer-not-from-the-api|{_ANY}",
    ),
    row(
        "blocked-sockets-401", "something says 401 to each upgrade", "the upgrade is refused as not allowed",
        saying(answer("401 Unauthorized", "", "")), rf"answer-not-from-the-api|{_ANY}",
    ),
)  # fmt: skip
