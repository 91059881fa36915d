"""The table: every road that is broken, how, and what a run must say of it, or must not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rtdiag.model import Confidence
from tests.road import roads
from tests.road.dns import NXDOMAIN, SERVFAIL
from tests.road.proxies import Proxy
from tests.road.roads import DAYS_2, MINUTES_10, PASSWORD, Road
from tests.road.servers import answer, blurts, endless_chunks, page, resets, says, silent, slow_body, slow_head

# What is never true, whatever the road.
ALWAYS_NEVER = ("Traceback", "rtdiag broke")

REACHED = "(?<!whether )the server was reached"
PORTAL = "log in to the network"
WELL = "all is well|nothing was wrong"

# First causes, as patterns.
NETWORK = r"network-\S+|no-answer-in-time|connection-closed-early|tls-\S+|proxy-\S+|dns-\S+|name-\S+"
MEDIA = r"ice-\S+|media-\S+|udp-\S+|network-\S+"
NOT_THE_API = "answer-not-from-the-api"
BROKEN = "server-unavailable|generic-server-error"

KEY = ("--only", "key")
TOKEN = ("--only", "token")
ICE = ("--only", "sdp.ice-realtime")
SOCKET = ("--only", "websocket.model-key")


@dataclass(frozen=True)
class Scenario:
    """A road, how it is asked, and what must hold.

    `exits` are the exit codes that are right; `cause` a pattern of the first cause, "" where none may be named, None where it
    does not matter; `at_most` how sure of it the run may be. `says`: patterns of which each stands in what a person reads;
    `verdict`: each stands in what is said of the first cause; `never`: none of them is read anywhere. `interrupt`: Ctrl-C
    comes once a server was asked for something. `curl` holds what curl makes of the same road, exit code and status, so that
    it is known to be broken as it should.
    """

    id: str
    road: Road
    exits: tuple[int, ...] = (3,)
    cause: str | None = NETWORK
    at_most: Confidence = "medium"
    says: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    timeout_s: float = 10
    interrupt: bool = False
    curl: str | None = None


def well(name: str, road: Road, **more: Any) -> Scenario:
    """A road on which all is well."""
    return Scenario(name, road, exits=(0,), cause="", **more)


def failed(name: str, road: Road, cause: str, **more: Any) -> Scenario:
    """A road on which the server, or what the user gave, is at fault, which can be known."""
    return Scenario(name, road, exits=(1,), cause=cause, at_most="high", **more)


def unreached(name: str, road: Road, curl: str, *words: str, **more: Any) -> Scenario:
    """A road on which no server is ever reached; one where all is dropped has a short `timeout_s`."""
    timeout_s = 1 if curl.startswith("28") else 10
    return Scenario(name, road, says=words, curl=curl, timeout_s=timeout_s, **{"never": (REACHED,), **more})


def answered(name: str, raw: bytes, cause: str | None, *words: str, **more: Any) -> Scenario:
    """A server that says the same to every request."""
    status = raw.split(b" ", 2)[1].decode()
    return Scenario(name, roads.server(says(raw)), cause=cause, says=words, curl=f"0 {status}", **more)


def alike(name: str, raw: bytes, words: str) -> Scenario:
    """A refusal that every key gets: it says nothing of this key, and the words that came are told."""
    return answered(name, raw, "refused-alike", words)


def broken(status: str) -> Scenario:
    """A gateway's page that says that the server is broken, which is no network to log in to."""
    return answered(f"server-{status[:3]}", page(status), BROKEN, never=(PORTAL,))


def late(name: str, road: Road, curl: str, **more: Any) -> Scenario:
    """A server that is reached and never done."""
    return Scenario(name, road, timeout_s=1, curl=curl, **more)


def interrupted(name: str, road: Road, *never: str) -> Scenario:
    """Ctrl-C in a wait that is long."""
    return Scenario(name, road, exits=(130,), cause=None, never=(WELL, *never), timeout_s=15, interrupt=True)


def proxy_variable(name: str, curl: str, variable: str, value: str) -> Scenario:
    """A variable that cannot be used is named, and nothing else is blamed."""
    road = roads.variables({variable: value})
    return Scenario(name, road, cause="proxy-variable-malformed", verdict=(variable,), curl=curl)


def ice_url(name: str, url: str) -> Scenario:
    """A URL of --ice-server that cannot be used: one line, nothing is asked, and no password is shown."""
    return Scenario(name, roads.ice_url(url), exits=(2,), cause=None, says=("--ice-server",), never=("FAKE",))


def clock(name: str, road: Road, **more: Any) -> Scenario:
    """Clocks that differ: that is a warning, and no fault of a token."""
    never = ("ephemeral-token-expired",)
    return Scenario(name, road, exits=(0,), cause="local-clock-off", at_most="low", never=never, options=TOKEN, **more)


def cut(name: str, road: Road) -> Scenario:
    """A network that dies in mid-run: what was asked before stands, what comes after is not asked, and nobody is blamed."""
    says, never = (r"the network failed at", r"\b16 s\b"), ("check-broke", "session-update-unanswered")
    return Scenario(name, road, says=says, never=never, timeout_s=2)


def lost(name: str, road: Road) -> Scenario:
    """Sessions whose media die: an update that nobody can have got is not unanswered."""
    return Scenario(name, road, cause=MEDIA, never=("session-update-unanswered",), timeout_s=3)


MID_RUN = (
    Scenario("x-hangcalls", roads.behind(hold=roads.to_calls), timeout_s=2),
    Scenario("mints-hang", roads.behind(hold=roads.to_mints), timeout_s=2),
    cut("x-cut20", roads.behind(hold=roads.after(20))),
    cut("cut-dropped-after-2", roads.cut_after(2)),
    cut("cut-dropped-after-20", roads.cut_after(20)),
    cut("cut-dropped-after-50", roads.cut_after(50)),
    cut("cut-reset-after-20", roads.behind(hold=roads.after(20), resets=True)),
)

CONTROL = (
    well("healthy", roads.healthy, timeout_s=15, curl="0 401"),
    well("tls-healthy", roads.healthy_tls, options=(*KEY, *SOCKET), curl="0 401"),
    well("rtt-100", roads.slow(0.05), options=(*KEY, *ICE), curl="0 401"),
    failed("key-revoked", roads.with_fault("key-revoked", apart=False), "key-wrong-or-revoked", curl="0 401"),
)

NAMES = (
    unreached("dns-nxdomain", roads.named(NXDOMAIN), "6 000", "resolv"),
    unreached("dns-servfail", roads.named(SERVFAIL), "6 000", "resolv"),
    unreached("dns-sinkhole-loopback", roads.named(to="127.0.0.1"), "7 000"),
    unreached("dns-silent", roads.named(silent=("A", "AAAA")), "28 000", "resol|DNS"),
    unreached("x-dns-silent-3ns", roads.named(silent=("A", "AAAA"), servers=3), "28 000", "resol|DNS"),
    interrupted("dns-silent-interrupted", roads.named(silent=("A", "AAAA"), servers=3), REACHED),
    well("dns-slow-3s", roads.named(delay_s=3), options=KEY),
    unreached("x-offline-default-url", roads.offline, "6 000"),
)

TCP = (
    unreached("tcp-refused", roads.refused, "7 000", "refused|listens"),
    unreached("tcp-dropped", roads.walled("drop"), "28 000"),
    unreached("tcp-icmp-admin", roads.walled("reject with icmpx admin-prohibited"), "7 000"),
    Scenario("tcp-reset-after-request", roads.server(resets), curl="56 000"),
    Scenario("tcp-ssh-banner", roads.server(blurts(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")), cause=None, curl="1 000"),
    late("tcp-silent", roads.server(silent), "28 000"),
    interrupted("tcp-silent-interrupted", roads.server(silent)),
)

TLS = (
    Scenario("tls-unknown-issuer", roads.unknown_issuer, never=(REACHED,), curl="60 000"),
    Scenario("tls-wrong-name", roads.wrong_name, says=("certificate",), curl="60 000"),
    Scenario("tls-expired", roads.certificate(-20, -2), says=("expired",), curl="60 000"),
    Scenario("tls-not-yet-valid", roads.certificate(2, 20), says=("not yet valid",), curl="60 000"),
    Scenario("tls-to-plain-port", roads.tls_to_plain_port, cause=None, curl="35 000"),
    Scenario("tls-http-to-tls-port", roads.plain_to_tls_port, cause=None, curl="52 000"),
    Scenario(
        "tls-ca-in-system-store-only", roads.in_system_store, exits=(0, 3), cause=None, options=KEY, curl="0 401"
    ),
    Scenario(
        "tls-ssl-cert-file-missing", roads.certificate_file_missing, cause="certificate-file-missing",
        verdict=("SSL_CERT_FILE",), curl="77 000",
    ),
    late("tls-handshake-silent", roads.server(silent, "https"), "28 000"),
)  # fmt: skip

_LOGIN = f"someone:{PASSWORD}"
_CLOSED = "http://127.0.0.1:{closed}"
PROXIES = (
    well(
        "proxy-password-right", roads.proxied(Proxy(login=_LOGIN), f"{_LOGIN}@"), never=(PASSWORD,),
        options=(*KEY, *SOCKET), curl="0 401",
    ),
    Scenario(
        "proxy-password-missing-407", roads.proxied(Proxy(login=_LOGIN)), says=("407",),
        verdict=("log ?in|password|credential|authenticat",), curl="56 000",
    ),
    Scenario("proxy-connect-403-html", roads.proxied(Proxy(says=page("403 Forbidden"))), says=("403",), curl="56 000"),
    Scenario("proxy-connect-502-html", roads.proxied(Proxy(says=page("502 Bad Gateway"))), says=("502",), curl="56 000"),
    unreached("proxy-refused", roads.variables({"HTTPS_PROXY": _CLOSED}), "7 000"),
    unreached("proxy-name-unknown", roads.proxy_elsewhere("proxy.road.test"), "5 000"),
    unreached("proxy-dropped", roads.proxy_elsewhere("10.13.0.1", "tcp dport 3128 drop"), "28 000", verdict=("proxy",)),
    unreached("proxy-demanded-but-unset", roads.proxy_needed(lambda _: {}), "28 000"),
    unreached(
        "proxy-no-proxy-hides-needed",
        roads.proxy_needed(lambda proxy: {"HTTPS_PROXY": proxy, "NO_PROXY": "10.13.0.1"}), "28 000",
        verdict=("NO_PROXY",),
    ),
    Scenario(
        "proxy-plain-http-403-html", roads.proxied_plainly(Proxy(says=page("403 Forbidden", "Blocked"))),
        cause=rf"{NOT_THE_API}|refused-alike|proxy-\S+", curl="0 403",
    ),
    proxy_variable("proxy-socks-env", "7 000", "ALL_PROXY", "socks5://127.0.0.1:{closed}"),
    well("proxy-plain-http-ok", roads.proxied_plainly(Proxy()), options=(*KEY, *SOCKET), curl="0 401"),
    well("proxy-without-scheme", roads.proxied(Proxy(), scheme=""), options=(*KEY, *SOCKET), curl="0 401"),
    proxy_variable("proxy-env-bad-port", "5 000", "HTTPS_PROXY", "http://127.0.0.1:31x8"),
    proxy_variable("proxy-env-unknown-scheme", "7 000", "HTTPS_PROXY", "htp://127.0.0.1:{closed}"),
    late("proxy-hang", roads.proxied(Proxy(hangs=True)), "28 000"),
    interrupted("proxy-hang-interrupted", roads.proxied(Proxy(hangs=True))),
    well("proxy-no-proxy-v6-brackets", roads.proxied(Proxy(), no_proxy="localhost,[::1]"), options=KEY, curl="0 401"),
    Scenario(
        "mitm-ca-in-system-store", roads.read_along(by_variable=False), exits=(0, 3), cause=None, options=KEY,
        curl="0 401",
    ),
    well("mitm-trusted", roads.read_along(by_variable=True), options=(*KEY, *SOCKET), curl="0 401"),
    well("x-no-proxy-v6-only-env", roads.variables({"NO_PROXY": "[::1]"}), options=(*KEY, *SOCKET), curl="0 401"),
)  # fmt: skip

_HOTEL = "login.hotel.example"
CAPTIVE = (
    answered("captive-200html", page("200 OK", "Hotel"), NOT_THE_API),
    answered("captive-511", page("511 Network Authentication Required"), None, verdict=("511|log in|sign in",)),
    answered("x-302noct", answer("302 Found", "", "", f"location: http://{_HOTEL}/"), None, _HOTEL),
    answered("x-302html", page("302 Found", "", f"location: http://{_HOTEL}/"), None, _HOTEL),
)

_PLAIN, _JSON, _RETRY = "text/plain", "application/json", "retry-after: 17"
_LIMIT = '{"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}'
SERVERS = (
    broken("500 Internal Server Error"),
    broken("502 Bad Gateway"),
    broken("503 Service Unavailable"),
    broken("520 Unknown Error"),
    answered("server-503plain", answer("503 Service Unavailable", "no healthy upstream", _PLAIN), BROKEN),
    answered("server-429", answer("429 Too Many Requests", _LIMIT, _JSON, _RETRY), "rate-limit", "17 s"),
    answered("server-429html", page("429 Too Many Requests", "", _RETRY), "rate-limit", "17 s", never=(PORTAL,)),
    Scenario(
        "server-truncated", roads.server(says(b'HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{"data": [')),
        cause="connection-closed-early", curl="18 200",
    ),
    late("server-slowbody", roads.server(slow_body), "28 200"),
    late("server-slowhead", roads.server(slow_head), "28 200"),
    late("x-slowhead-timeout5", roads.server(slow_head), "28 200", options=KEY),
    late("x-chunked-timeout5", roads.server(endless_chunks), "28 200"),
    interrupted("x-slowbody-term90", roads.server(slow_body)),
    interrupted("x-slowhead-term90", roads.server(slow_head)),
    answered("server-gzip", answer("200 OK", b"\x1f\x8b\x08\x00" + b"\xff" * 80, _JSON, "content-encoding: gzip"), None),
    answered("server-200empty", answer("200 OK"), None),
    answered("server-big", answer("200 OK", b" " * 3_000_000), NOT_THE_API),
    answered("server-403", page("403 Forbidden"), f"{NOT_THE_API}|refused-alike"),
    answered("server-401html", page("401 Unauthorized"), f"{NOT_THE_API}|refused-alike"),
    answered("server-404html", page("404 Not Found"), NOT_THE_API),
    failed(
        "server-404plain", roads.server(says(answer("404 Not Found", "404 page not found", _PLAIN))),
        "no-realtime-api-here", curl="0 404",
    ),
    alike("server-blockpage403json", answer("403 Forbidden", '{"error":"blocked by policy"}'), "blocked by policy"),
    alike("server-403plain", answer("403 Forbidden", "blocked by Zscaler policy", _PLAIN), "blocked by Zscaler policy"),
    alike("x-cf1020", answer("403 Forbidden", "error code: 1020", _PLAIN), "error code: 1020"),
    alike("x-403empty", answer("403 Forbidden", "", ""), "403"),
    alike("x-401json", answer("401 Unauthorized", '{"message":"Unauthorized"}'), "Unauthorized"),
)  # fmt: skip

MEDIA_ROWS = (
    Scenario("udp-dropped", roads.media("far", "input", "drop"), cause=MEDIA, options=ICE, timeout_s=3),
    Scenario("udp-rejected", roads.media("far", "input", "reject"), cause=MEDIA, options=ICE, timeout_s=3),
    Scenario("udp-dropped-inbound-only", roads.media("near", "input", "drop"), cause=MEDIA, options=ICE, timeout_s=3),
    lost("udp-cut-after-0-6s", roads.cut_after(50, "meta l4proto udp")),
    lost("udp-cut-before-an-answer", roads.media("near", "input", "quota over 30000 bytes drop")),
    Scenario("udp-local-firewall-eperm", roads.media("near", "output", "drop"), cause=MEDIA, options=ICE, timeout_s=3),
    failed(
        "media-wrong-fingerprint", roads.with_fault("wrong-fingerprint"), "dtls-fingerprint-mismatch",
        options=("--only", "sdp.dtls-realtime"),
    ),
    well("media-unroutable-candidate", roads.answers_changed(roads.unroutable), options=ICE),
    failed("media-no-candidates", roads.with_fault("no-candidates"), "answer-without-candidates", options=ICE),
    Scenario("media-wrong-ice-pwd", roads.answers_changed(roads.wrong_password), cause=MEDIA, options=ICE, timeout_s=3),
    well("x-passive-server-control", roads.answers_changed(lambda sdp: sdp, passive=True), options=ICE),
)  # fmt: skip

_TURN, _TURNS, _STUN = "turn:{host}:3478", "turns:{host}:5349?transport=tcp", "stun:{host}:3478"
TURN = (
    ice_url("turn-userinfo-wrong", "turn:someone:FAKE@10.13.0.1:3478"),
    ice_url("turn-tcp-userinfo", "turn:someone:FAKE@10.13.0.1:3478?transport=tcp"),
    ice_url("turn-query-junk", "turn:10.13.0.1:3478?username=someone&credential=FAKE"),
    ice_url("stun-malformed", "stun:"),
    ice_url("stun-slashes", "stun://10.13.0.1:3478"),
    ice_url("stun-bad-port", "stun:10.13.0.1:31x8"),
    Scenario("turn-no-credentials", roads.ice_servers(_TURN, open_net=False), cause=MEDIA, options=ICE, timeout_s=3),
    Scenario("turns-nocred", roads.ice_servers(_TURNS, open_net=False), cause=MEDIA, options=ICE, timeout_s=3),
    well("stun-ok", roads.ice_servers(_STUN), options=ICE),
    well("stun-two", roads.ice_servers(_STUN, _TURN), options=ICE),
    well("stun-dead", roads.stun_dead, options=ICE),
    well("turn-nocred-open-net", roads.ice_servers(_TURN), options=ICE),
)

CLOCKS = (
    clock("clock-date-plus10min", roads.behind(change=roads.dated(MINUTES_10))),
    clock("clock-date-minus10min", roads.behind(change=roads.dated(-MINUTES_10))),
    clock("clock-date-minus2d", roads.behind(change=roads.dated(-DAYS_2))),
    clock("clock-faketime-minus2d", roads.own_clock("-2d")),
    clock("clock-faketime-plus10min", roads.own_clock("+10m")),
    clock("clock-faketime-plus2d", roads.own_clock("+2d")),
    clock("x-server-clockplus600", roads.server_clock(MINUTES_10)),
    clock("x-server-clockplus2d", roads.server_clock(DAYS_2)),
    clock("x-server-clockminus2d", roads.server_clock(-DAYS_2)),
    Scenario("clock-faketime-minus2d-tls", roads.certificate(-1, 1, "-2d"), says=("not yet valid",), curl="60 000"),
)

BASE_URLS = (
    failed("base-trailing-path", roads.base_url(lambda url: f"{url}/realtime"), "base-url-wrong"),
    failed("base-chat", roads.base_url(lambda url: f"{url}/chat/completions"), "base-url-wrong"),
    failed(
        "base-no-v1", roads.base_url(lambda url: url.removesuffix("/v1")), "no-realtime-api-here|base-url-wrong",
        says=(r"/v1 \?",),
    ),
    failed("base-v1-v1", roads.base_url(lambda url: f"{url}/v1"), "no-realtime-api-here|base-url-wrong"),
    well("base-trailing-slash", roads.base_url(lambda url: f"{url}/"), options=KEY),
    Scenario(
        "base-ws-scheme", roads.base_url(lambda url: url.replace("http", "ws", 1)), exits=(2,), cause=None,
        says=(r"not an http\(s\) URL",),
    ),
)  # fmt: skip

OTHERS = (
    well("ipv6-only", roads.ipv6_only, options=(*KEY, *ICE, *SOCKET), curl="0 401"),
    Scenario("x-wsstrip", roads.behind(strips=True), exits=(0, 3), cause=None, options=SOCKET),
    Scenario("x-wshang", roads.behind(hold=roads.upgrades), options=SOCKET, timeout_s=2),
)

SCENARIOS = (
    *MID_RUN, *MEDIA_ROWS, *TURN, *NAMES, *CONTROL, *TCP, *TLS, *PROXIES, *CAPTIVE, *SERVERS, *CLOCKS, *BASE_URLS, *OTHERS
)  # fmt: skip
