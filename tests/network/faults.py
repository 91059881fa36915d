"""Kinds of fault, and the cause that a run names first for each: where faults differ causes differ."""

from __future__ import annotations

UNREACHED, TLS, PROXY, ICE = "network-unreachable", "tls-or-proxy", "proxy-refuses-connect", "ice-udp-blocked"

# A pattern of the first cause; "" where none may be named, None where nothing is judged.
FAULTS: dict[str, str | None] = {
    "nothing": "",
    "what is given is unusable": None,
    "Ctrl-C": None,
    # names
    "no such name": f"{UNREACHED}/name-unknown",
    "name servers fail": f"{UNREACHED}/name-servers-fail",
    "name servers are silent": f"{UNREACHED}/name-servers-silent",
    "a name server is waited for": f"{UNREACHED}/first-name-server-silent",
    "one family of addresses is silent": f"{UNREACHED}/one-family-silent",
    "the name leads to this machine": f"{UNREACHED}/name-blocked",
    "the name leads to a private address": f"{UNREACHED}/name-private",
    # connections
    "nothing listens": f"{UNREACHED}/refused",
    "reset as it begins": f"{UNREACHED}/reset",
    "dropped": f"{UNREACHED}/dropped",
    "rejected": f"{UNREACHED}/rejected",
    "no route": f"{UNREACHED}/no-route",
    "forbidden on this machine": f"{UNREACHED}/refused-here",
    "NO_PROXY hides the proxy": f"{UNREACHED}/proxy-bypassed",
    # proxies
    "the proxy's name is unknown": f"{PROXY}/name-unknown",
    "no proxy listens": f"{PROXY}/not-listening",
    "the proxy is not reached": f"{PROXY}/unreachable",
    "the proxy wants a login": "proxy-login-required",
    "the proxy refuses the login": "proxy-login-required/wrong",
    "the proxy takes no password": "proxy-login-required/other-kind",
    "TLS with the proxy fails": f"{PROXY}/tls",
    "the proxy refuses the server": PROXY,
    "the proxy does not reach the server": f"{PROXY}/upstream",
    "the proxy is silent": f"{PROXY}/silent",
    "no proxy answers there": f"{PROXY}/no-proxy",
    "the proxy variable is unusable": "proxy-variable-malformed",
    # TLS
    "plain HTTP where TLS is asked": f"{TLS}/plain-port",
    "TLS where plain HTTP is asked": f"{TLS}/tls-port",
    "the handshake is not answered": f"{TLS}/silent",
    "the handshake is broken off": f"{TLS}/broken-off",
    "no common version of TLS": f"{TLS}/version",
    "a client certificate is wanted": f"{TLS}/client-certificate",
    "unknown issuer": f"{TLS}/issuer-unknown",
    "the public roots are replaced": f"{TLS}/public-roots-replaced",
    "the certificate breaks a rule": f"{TLS}/unfit",
    "trusted by another store": f"{TLS}/trusted-elsewhere",
    "signed by itself": f"{TLS}/self-signed",
    "an intermediate is missing": f"{TLS}/incomplete-chain",
    "the certificate is another's": f"{TLS}/wrong-name",
    "the certificate has ended": f"{TLS}/expired",
    "the certificate has not begun": f"{TLS}/not-yet-valid",
    "the file of certificates is unusable": "certificate-file-missing",
    "read along": f"{TLS}/read-along",
    "the own clock is off": "local-clock-off",
    # what answers
    "no HTTP": "connection-closed-early/no-http",
    "closed before the answer is whole": "connection-closed-early",
    "no answer": "no-answer-in-time",
    "not the API": "answer-not-from-the-api",
    "the network wants a login": "network-login-required",
    "the server is broken": "server-unavailable",
    "too many requests": "rate-limit",
    "every key is refused alike": "refused-alike",
    "this key is refused": "key-wrong-or-revoked",
    "another API": "no-realtime-api-here",
    "the base URL is wrong": "base-url-wrong",
    # WebSockets
    "the upgrade is stripped": "websocket-upgrade-refused/stripped",
    "the upgrade is not answered": "websocket-upgrade-refused/silent",
    "the upgrade is refused": "websocket-upgrade-refused",
    "the upgrade is refused as not allowed": "refused-alike",
    # media
    "UDP is dropped": ICE,
    "UDP is dropped and TCP is open": f"{ICE}/tcp-works",
    "UDP is rejected": f"{ICE}/rejected",
    "UDP is forbidden on this machine": f"{ICE}/refused-here",
    "ICE credentials": f"{ICE}/credentials",
    "no UDP candidate": f"{ICE}/no-udp-candidate",
    "no candidate": "answer-without-candidates",
    "a candidate that is not routed": f"{ICE}/unroutable",
    "many datagrams are lost": f"{ICE}/lossy",
    "another fingerprint": "dtls-fingerprint-mismatch",
    "DTLS is dropped": "dtls-no-answer",
    "cut in the session": "network-lost-in-session",
    "cut in mid-run": "network-lost-in-session/mid-run",
    "TURN refuses the credentials": f"{ICE}/turn-refused",
    "TURN wants credentials": f"{ICE}/turn-login",
    "TURN is not reached": f"{ICE}/turn-unreachable",
    "STUN is silent": f"{ICE}/stun-silent",
    "no relay": f"{ICE}/no-relay",
    # slow ways
    "names are slow": "slow-way/names",
    "connecting is slow": "slow-way/connecting",
    "a long round trip": "slow-way/round-trip",
    "IPv6 in vain": "slow-way/ipv6",
    "some packets are lost": "slow-way/loss",
}  # fmt: skip

# Why some kinds have one cause: what was seen is the same.
ALIKE = {
    "refused-alike": "a 403 says the same in both places: whoever comes is not allowed",
}
