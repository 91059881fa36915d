"""What the check `network` says of the way that was measured: which judge is for which case, and what answered. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rtdiag.checks.network import ice_servers_judge
from rtdiag.checks.network.gone import NO_HTTP, Gone, Told, gone
from rtdiag.checks.network.names_judge import connect, ipv6, names, round_trip
from rtdiag.checks.network.proxy_judge import proxy
from rtdiag.checks.network.tls_judge import certificate, issuer, tls
from rtdiag.engine.findings import no_answer
from rtdiag.model import Evidence, Exchange, Finding, Observation
from rtdiag.network.streams import HTTP2

_TLS_PORT: Told = ("the port speaks TLS", "begin the base URL with https://")
_CLOCK: Told = (
    "this machine's clock is off",
    "code that compares `expires_at` with the local time throws good tokens away, or keeps dead ones: set the clock",
)
_CLOCK_TOLERANCE_S = 30


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    for case, observation in evidence.seen.items():
        if case == "ice-servers":
            yield ice_servers_judge.finding(observation.facts["servers"], bool(observation.facts["relay_only"]))
        elif case == "answer" and observation.exchange:
            yield _answer(observation.exchange, gone(case, observation, evidence.official).way.spoken)
        elif case == "clock" and observation.exchange:
            yield _clock(observation, observation.exchange)
        elif observation.exchange and (unusable := no_answer(case, observation.exchange)):
            yield unusable  # a variable that cannot be used
        elif case == "token-url":
            yield _token_url(observation, evidence.official)
        else:
            yield _JUDGES[case](gone(case, observation, evidence.official))


def _answer(exchange: Exchange, spoken: str) -> Finding:
    failure = exchange.failure
    if spoken == "TLS":
        measured = "a TLS handshake is answered there"
        return Finding("answer", "inconclusive", measured, "plain HTTP", (_TLS_PORT[0],), _TLS_PORT[1])
    found = no_answer("answer", exchange) if failure and failure.kind != "too-large" else None
    if found and (spoken not in ("", "HTTP") or "illegal status line" in found.measured):
        measured = f"what listens there says {spoken!r}" if spoken else found.measured
        hint = "another service listens at that port, or something between answers for it: read the port"
        if spoken == HTTP2:
            measured, hint = (
                "what listens there speaks HTTP/2 alone",
                "it is a port for gRPC or the like: read the port",
            )
        return Finding("answer", "inconclusive", measured, "HTTP/1.1", (NO_HTTP,), hint)
    return found or Finding("answer", "pass", f"{exchange.status} to a made-up key")


def _clock(seen: Observation, exchange: Exchange) -> Finding:
    told_at = exchange.told_at
    if told_at is None:
        return Finding("clock", "info", "the server sends no Date")
    off_s = float(seen.facts["local_unix_s"]) - told_at.timestamp() - exchange.age_s
    if abs(off_s) > _CLOCK_TOLERANCE_S + float(seen.facts.get("waited_s", 0)):
        ahead = "ahead of" if off_s > 0 else "behind"
        measured = f"{abs(off_s):.0f} s {ahead} the server"
        return Finding("clock", "warn", measured, f"within {_CLOCK_TOLERANCE_S} s", (_CLOCK[0],), _CLOCK[1])
    return Finding("clock", "pass", f"within {max(1, round(abs(off_s)))} s", f"within {_CLOCK_TOLERANCE_S} s")


def _token_url(seen: Observation, official: bool) -> Finding:
    """The first step that fails on the way to another host."""
    if not seen.facts:
        return Finding("token-url", "info", "no other host was named")
    found = gone("token-url", seen, official)
    judged = (_JUDGES[case](found) for case in ("proxy", "names", "connect", "tls", "certificate"))
    ended = next((finding for finding in judged if finding.status == "inconclusive"), None)
    if ended is None:
        return Finding("token-url", "pass", f"{found.way.host} is reached")
    measured = f"{found.way.host}: {ended.measured}"
    return Finding("token-url", "inconclusive", measured, ended.expected, ended.observed, ended.hint)


_JUDGES: Mapping[str, Callable[[Gone], Finding]] = {
    "proxy": proxy,
    "names": names,
    "connect": connect,
    "tls": tls,
    "certificate": certificate,
    "issuer": issuer,
    "ipv6": ipv6,
    "round-trip": round_trip,
}
