"""The table: every road that is broken, how, and what a run must say of it, or must not."""

from __future__ import annotations

from tests.network import roads
from tests.network.dns import NXDOMAIN, SERVFAIL
from tests.network.kinds import (
    BROKEN,
    ICE,
    KEY,
    MEDIA,
    NOT_THE_API,
    PORTAL,
    REACHED,
    SOCKET,
    SOCKETS,
    Scenario,
    alike,
    answered,
    blocked,
    broken,
    clock,
    cut,
    failed,
    ice_url,
    interrupted,
    late,
    lost,
    proxy_refuses,
    proxy_variable,
    unreached,
    well,
)
from tests.network.proxies import Proxy
from tests.network.roads import DAYS_2, MINUTES_10, PASSWORD
from tests.network.servers import (
    answer,
    blurts,
    endless_chunks,
    page,
    resets,
    says,
    says_anew,
    silent,
    slow_body,
    slow_head,
)

_PLAIN, _JSON, _RETRY = "text/plain", "application/json", "retry-after: 17"
_LIMITED = answer("429 Too Many Requests", '{"error": {"code": "rate_limit_exceeded"}}', _JSON, _RETRY)
_POLICY = answer("403 Forbidden", '{"error":"blocked by policy"}')
MID_RUN = (
    Scenario("x-hangcalls", roads.behind(hold=roads.to_calls), timeout_s=2),
    Scenario("mints-hang", roads.behind(hold=roads.to_mints), timeout_s=2),
    cut("x-cut20", roads.behind(hold=roads.after(20))),
    cut("cut-dropped-after-2", roads.cut_after(2)),
    cut("cut-dropped-after-50", roads.cut_after(50)),
    cut("cut-reset-after-20", roads.behind(hold=roads.after(20), resets=True)),
    blocked("blocked-after-20", roads.behind(hold=roads.after(20), says=_POLICY)),
    blocked("blocked-after-50", roads.behind(hold=roads.after(50), says=_POLICY)),
    blocked("portal-after-20", roads.behind(hold=roads.after(20), says=page("200 OK", "Hotel"))),
    blocked("limited-after-20", roads.behind(hold=roads.after(20), says=_LIMITED), cause="rate-limit", says=("17 s",)),
    blocked("blocked-sockets", roads.behind(hold=roads.upgrades, says=_POLICY), options=SOCKETS),
    blocked(
        "blocked-sockets-401", roads.behind(hold=roads.upgrades, says=answer("401 Unauthorized", "", "")), options=SOCKETS
    ),
    blocked("blocked-calls", roads.behind(hold=roads.to_calls, says=_POLICY)),
)  # fmt: skip

CONTROL = (
    well("healthy", roads.healthy, timeout_s=15, curl="0 401"),
    well("tls-healthy", roads.healthy_tls, options=(*KEY, *SOCKET), curl="0 401"),
    well("rtt-100", roads.slow(0.05), options=(*KEY, *ICE), curl="0 401"),
    well("loss-5", roads.slow(0.02, 0.05), options=(*KEY, *ICE)),
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
    Scenario("tls-big-packets-lost", roads.big_packets_lost, timeout_s=1, curl="28 000"),
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
        "proxy-password-missing-407", roads.proxied(Proxy(login=_LOGIN)), cause="proxy-login-required", says=("407",),
        verdict=("log ?in|password|credential|authenticat",), curl="56 000",
    ),
    Scenario(
        "proxy-login-wrong", roads.proxied(Proxy(login=_LOGIN), "someone:FAKE-wrong@"), cause="proxy-login-required",
        never=("FAKE-wrong",), curl="56 000",
    ),
    proxy_refuses("proxy-connect-403-html", "403 Forbidden"),
    proxy_refuses("proxy-connect-502-html", "502 Bad Gateway"),
    late("proxy-tunnel-to-nowhere", roads.tunnel_to_nowhere, "28 000"),
    unreached("proxy-refused", roads.variables({"HTTPS_PROXY": _CLOSED}), "7 000"),
    unreached("proxy-name-unknown", roads.proxy_elsewhere("proxy.road.test"), "5 000"),
    unreached("proxy-dropped", roads.proxy_elsewhere("10.13.0.1", "tcp dport 3128 drop"), "28 000", verdict=("proxy",)),
    unreached("proxy-demanded-but-unset", roads.proxy_needed(lambda _: {}), "28 000"),
    unreached(
        "proxy-no-proxy-hides-needed",
        roads.proxy_needed(lambda proxy: {"HTTPS_PROXY": proxy, "NO_PROXY": "10.13.0.1"}), "28 000",
        "directly .{0,2}NO_PROXY", verdict=("proxy",),
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
    answered("captive-511", page("511 Network Authentication Required"), "network-login-required"),
    answered("x-302noct", answer("302 Found", "", "", f"location: http://{_HOTEL}/"), NOT_THE_API, _HOTEL),
    answered("x-302html", page("302 Found", "", f"location: http://{_HOTEL}/"), NOT_THE_API, _HOTEL),
    Scenario("captive-tls", roads.portal_with_tls, curl="60 000"),
)

SERVERS = (
    broken("500 Internal Server Error"),
    broken("502 Bad Gateway"),
    broken("503 Service Unavailable"),
    broken("520 Unknown Error"),
    answered("server-503plain", answer("503 Service Unavailable", "no healthy upstream", _PLAIN), BROKEN),
    answered("server-429", _LIMITED, "rate-limit", "17 s"),
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
    answered("server-gzip", answer("200 OK", b"\x1f\x8b\x08\x00" + b"\xff" * 80, _JSON, "content-encoding: gzip"), NOT_THE_API),
    answered("server-200empty", answer("200 OK"), NOT_THE_API),
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
    Scenario(
        "server-403-with-ids",
        roads.server(says_anew(lambda id: answer("403 Forbidden", f'{{"message":"Forbidden","requestId":"{id}"}}'))),
        cause="refused-alike", says=("Forbidden",), curl="0 403",
    ),
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
        "base-no-v1", roads.base_url(lambda url: url.removesuffix("/v1")), "base-url-wrong",
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
    Scenario("x-wsstrip", roads.behind(strips=True), exits=(0, 3), cause=None, options=SOCKETS),
    Scenario("x-wshang", roads.behind(hold=roads.upgrades), options=SOCKETS, timeout_s=2),
)

SCENARIOS = (
    *MID_RUN, *MEDIA_ROWS, *TURN, *NAMES, *CONTROL, *TCP, *TLS, *PROXIES, *CAPTIVE, *SERVERS, *CLOCKS, *BASE_URLS, *OTHERS
)  # fmt: skip
