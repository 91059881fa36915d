"""What answers in place of the API, or half: portals, gateways, blockers, broken and slow servers, wrong base URLs."""

from __future__ import annotations

from collections.abc import Callable

from tests.network.ground import Ground
from tests.network.kinds import (
    KEY,
    PORTAL,
    Scenario,
    alike,
    answered,
    broken,
    failed,
    interrupted,
    late,
    unusable,
    well,
)
from tests.network.roads import Road, server, url, with_fault
from tests.network.runs import Asking
from tests.network.servers import answer, endless_chunks, page, says, says_anew, slow_body, slow_head

_PLAIN, _JSON, _RETRY = "text/plain", "application/json", "retry-after: 17"
LIMITED = answer("429 Too Many Requests", '{"error": {"code": "rate_limit_exceeded"}}', _JSON, _RETRY)
POLICY = answer("403 Forbidden", '{"error":"blocked by policy"}')
_HOTEL = "login.hotel.example"


def portal_with_tls(ground: Ground) -> Asking:
    """A sign-in page that answers in place of the API, with a certificate of its own."""
    tls = ground.authority.server("portal.road.test")
    return Asking(url(ground, ground.serve(says(page("200 OK", "Hotel")), tls), "https"))


def base_url(change: Callable[[str], str]) -> Road:
    """The base URL is not quite that."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        return Asking(change(emulator.base_url), emulator.key)

    return road


_NOT, _LOGIN, _ALIKE = "not the API", "the network wants a login", "every key is refused alike"
_HALF = "closed before the answer is whole"
_EITHER = "refused-alike"
CAPTIVE = (
    answered(
        "captive-200html", "a portal answers 200 with its page", _NOT, page("200 OK", "Hotel"),
    ),
    answered(
        "captive-web-server", "a web server shows its first page", _NOT, page("200 OK", "Welcome to nginx!"),
        never=("(?<!or )log in at",),
    ),
    answered(
        "captive-to-nowhere", "the redirect leads to what is no address", _NOT,
        answer("302 Found", "", "", "location: javascript:login()"), "no address", timeout_s=2,
    ),
    answered(
        "captive-to-https", "the server redirects to https://", _NOT,
        answer("301 Moved Permanently", "", "", "location: https://127.0.0.1/v1/models"), "begin the base URL with https",
    ),
    answered("captive-200login", "a portal's page says what it is", _LOGIN, page("200 OK", "Hotel: sign in to the Wi-Fi")),
    answered("captive-511", "a portal answers 511", _LOGIN, page("511 Network Authentication Required")),
    answered(
        "x-302noct", "a portal sends elsewhere", _LOGIN, answer("302 Found", "", "", f"location: http://{_HOTEL}/"),
        _HOTEL,
    ),
    answered(
        "x-302html", "a portal sends elsewhere with a page", _LOGIN, page("302 Found", "", f"location: http://{_HOTEL}/"),
        _HOTEL,
    ),
    answered(
        "captive-307", "a portal sends elsewhere for the time being", _LOGIN,
        answer("307 Temporary Redirect", "", "", f"location: https://{_HOTEL}/"), _HOTEL,
    ),
    Scenario(
        "captive-tls", "a portal answers with TLS of its own", "unknown issuer", portal_with_tls,
        or_else="tls-or-proxy/wrong-name", says=("portal.road.test|Road's Own Root",), curl="60 000",
    ),
)  # fmt: skip

SERVERS = (
    broken("500 Internal Server Error"),
    broken("502 Bad Gateway"),
    broken("503 Service Unavailable"),
    broken("504 Gateway Timeout"),
    broken("520 Unknown Error"),
    answered(
        "server-503plain", "a gateway says that nothing healthy is behind it", "the server is broken",
        answer("503 Service Unavailable", "no healthy upstream", _PLAIN), or_else="upstream-unreachable", at_most="high",
    ),
    answered("server-429", "too many requests", "too many requests", LIMITED, "17 s"),
    answered(
        "server-429html", "too many requests, in a page", "too many requests",
        page("429 Too Many Requests", "", _RETRY), "17 s", never=(PORTAL,),
    ),
    Scenario(
        "server-truncated", "the answer ends before it is whole", _HALF,
        server(says(b'HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{"data": [')), curl="18 200",
    ),
    Scenario(
        "server-truncated-chunks", "the answer ends between two chunks", _HALF,
        server(says(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{"da\r\n')), curl="18 200",
    ),
    late("server-slowbody", "the body comes a byte at a time, for ever", "no answer", server(slow_body), "28 200"),
    late("server-slowhead", "the header comes a byte at a time, for ever", "no answer", server(slow_head), "28 200"),
    late(
        "x-slowhead-timeout5", "the header comes a byte at a time, for ever, and one check is asked for", "no answer",
        server(slow_head), "28 200", options=KEY,
    ),
    late("x-chunked-timeout5", "chunks of the body come for ever", "no answer", server(endless_chunks), "28 200"),
    interrupted("x-slowbody-term90", "Ctrl-C while the body comes a byte at a time", server(slow_body)),
    interrupted("x-slowhead-term90", "Ctrl-C while the header comes a byte at a time", server(slow_head)),
    answered(
        "server-gzip", "the body is no gzip though the header says so", _NOT,
        answer("200 OK", b"\x1f\x8b\x08\x00" + b"\xff" * 80, _JSON, "content-encoding: gzip"),
    ),
    answered("server-200empty", "200, and nothing in it", _NOT, answer("200 OK")),
    answered(
        "server-200json", "a middlebox answers 200 with JSON of its own", _NOT,
        answer("200 OK", '{"status":"blocked","policy":"default"}'),
    ),
    answered("server-204", "a middlebox answers 204", _NOT, b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"),
    answered("server-big", "200, and 3 MB of blanks", _NOT, answer("200 OK", b" " * 3_000_000)),
    answered("server-403", "a page says 403", _NOT, page("403 Forbidden"), or_else=_EITHER),
    answered("server-401html", "a page says 401", _NOT, page("401 Unauthorized"), or_else=_EITHER),
    answered("server-404html", "a page says 404", _NOT, page("404 Not Found")),
    failed(
        "server-404plain", "a server that has no such API", "another API",
        server(says(answer("404 Not Found", "404 page not found", _PLAIN))), curl="0 404",
    ),
    alike("server-blockpage403json", "a blocker says 403 in JSON", POLICY, "blocked by policy"),
    alike(
        "server-403plain", "a blocker says 403 in a line", answer("403 Forbidden", "blocked by Zscaler policy", _PLAIN),
        "blocked by Zscaler policy",
    ),
    alike(
        "x-cf1020", "Cloudflare says 403 and error code: 1020", answer("403 Forbidden", "error code: 1020", _PLAIN),
        "error code: 1020",
    ),
    alike("x-403empty", "a blocker says 403 and nothing more", answer("403 Forbidden", "", ""), "403"),
    Scenario(
        "server-403-with-ids", "a gateway says 403 with an id in each answer", _ALIKE,
        server(says_anew(lambda id: answer("403 Forbidden", f'{{"message":"Forbidden","requestId":"{id}"}}'))),
        says=("Forbidden",), curl="0 403",
    ),
    alike(
        "x-401json", "a gateway says 401 in JSON of its own", answer("401 Unauthorized", '{"message":"Unauthorized"}'),
        "Unauthorized",
    ),
    answered(
        "server-451", "451, unavailable for legal reasons", _ALIKE,
        answer("451 Unavailable For Legal Reasons", '{"message":"not here"}'), "451|not here",
        or_else="unexpected-answer|answer-not-from-the-api",
    ),
    alike("server-431", "a gateway says 431", answer("431 Request Header Fields Too Large", "", ""), "431"),
    answered("server-999", "a status that is none", "not the API", b"HTTP/1.1 999 No\r\n\r\n", or_else="unexpected-answer"),
    answered(
        "server-lengths", "the answer has two lengths", _NOT,
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!", timeout_s=2,
    ),
    failed(
        "key-revoked", "nothing but the key", "this key is refused", with_fault("key-revoked", apart=False),
        curl="0 401",
    ),
)  # fmt: skip

BASE_URLS = (
    failed(
        "base-trailing-path", "the base URL ends in /realtime", "the base URL is wrong",
        base_url(lambda url: f"{url}/realtime"),
    ),
    failed(
        "base-chat", "the base URL ends in /chat/completions", "the base URL is wrong",
        base_url(lambda url: f"{url}/chat/completions"),
    ),
    failed(
        "base-no-v1", "the base URL lacks /v1", "the base URL is wrong", base_url(lambda url: url.removesuffix("/v1")),
        says=(r"/v1 \?",),
    ),
    failed(
        "base-v1-v1", "the base URL ends in /v1/v1", "another API", base_url(lambda url: f"{url}/v1"),
        or_else="base-url-wrong",
    ),
    well("base-trailing-slash", "the base URL ends in a slash", base_url(lambda url: f"{url}/"), options=KEY),
    unusable(
        "base-ws-scheme", "the base URL begins with ws://", base_url(lambda url: url.replace("http", "ws", 1)),
        r"not an http\(s\) URL",
    ),
)  # fmt: skip
