"""What the check `sdp` says of what it has seen. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from rtdiag.api import sessions
from rtdiag.api.capacity import no_room
from rtdiag.checks.sdp.ice_judge import LOSSY, no_way
from rtdiag.engine.findings import (
    ERROR_FIRST,
    KEY_REFUSED,
    NO_CREDIT,
    NO_SESSION,
    NOT_OFFERED,
    REFUSED,
    in_short,
    is_quota,
    no_answer,
    no_slot,
    not_asked_here,
    opened,
    past_the_credential,
    refused,
    refused_token,
    said,
)
from rtdiag.model import Evidence, Exchange, Finding, Observation, Pair, PeerTrace, counted
from rtdiag.transport.packets import ON_A_LOSSY_WAY
from rtdiag.transport.webrtc import NO_CERTIFICATE, NO_DIGEST, PART_MISSING, WAY_LOST

# From when on the API takes a token once: between 2026-07-20 and 2026-08-01 by record 59244381944 and kizuna-ai-lab/sokuji#377.
ONCE_SINCE = date(2026, 8, 1)


PHASES: tuple[tuple[str, str, str], ...] = (
    ("parse", "does the {} answer parse as SDP?", "answer"),
    ("ice", "{}: does ICE find a way?", "ice"),
    ("dtls", "{}: does the DTLS handshake succeed?", "dtls"),
    ("channel", "{}: does the oai-events channel open?", "channel"),
    ("created", "{}: does session.created arrive?", "created"),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    for case, seen in evidence.seen.items():
        name, _, kind = case.partition("-")
        exchange = seen.exchange
        if unasked := not_asked_here(case, seen, f"sdp.{case}"):
            yield unasked
        elif seen.facts.get("offered") is False:
            yield Finding(case, "info", "not offered: the beta has no /realtime/calls")
        elif name == "answer" and exchange:
            yield answered(case, kind, seen, stranger=evidence.stranger)
        elif seen.peers:
            yield _phase(case, name, seen)
        elif case == "location" and exchange:
            yield _location(exchange, stranger=evidence.stranger)
        elif case == "second-use":
            yield _second_use(seen, evidence.today)
        elif case == "multipart" and exchange:
            yield _multipart_answer(exchange)
        elif case == "hangup" and exchange:
            yield _hangup(exchange, named=bool(seen.facts["named"]))
        elif case == "wrong-content-type" and exchange:
            yield _wrong_content_type(exchange)
        elif case == "charset" and exchange:
            hint = "refused with some servers (record 33323316245, 2025): send bytes, so that no charset is added"
            yield Finding(case, "info", said(exchange), "no public source today", hint=hint)


def answered(case: str, kind: str, seen: Observation, *, stranger: bool) -> Finding:
    """What is said of the answer to an offer, the last exchange: `facts` has the `dialect`, and what is known beside it."""
    exchange, dialect, as_made_up = seen.exchanges[-1], str(seen.facts.get("dialect", "ga")), seen.facts.get("made_up")
    expected = "201" if dialect == "ga" and not stranger else "200 or 201"
    if unusable := no_answer(case, exchange):
        return unusable
    if exchange.ok:
        return Finding(case, "pass", said(exchange), expected)
    if exchange.status in REFUSED and seen.facts.get("by_key"):
        hint = "no token is minted here, and what took the credential before refuses it for an offer: read the body"
        return refused(case, exchange, expected, as_made_up, (KEY_REFUSED,), hint, stranger=stranger)
    if exchange.status in (401, 403):
        return refused_token(case, exchange, expected, kind, dialect, as_made_up)
    return _refused_offer(case, exchange, expected)


# What the codes of a refused offer show, and what to do.
_BY_CODE: dict[str, tuple[str, str]] = {
    "invalid_model": (
        "an offer is refused with invalid_model",
        "this model is none for such a session: name another with --model or --transcription-model",
    ),
    "api_version_mismatch": (
        "an offer is refused with api_version_mismatch",
        "mint and offer must be of one dialect",
    ),
    "unsupported_content_type": (
        "an offer is refused with unsupported_content_type",
        "the raw offer is application/sdp; in multipart, sdp is application/sdp and session application/json",
    ),
}


def _refused_offer(case: str, exchange: Exchange, expected: str) -> Finding:
    """What a refusal says when the credential was taken and the offer, its session or its form was not."""
    error = exchange.error
    code = error.code if error else None
    if code == "invalid_offer":
        return Finding(
            case, "fail", said(exchange), expected, (_WHOLE,), "the offer has audio and a data channel: read the body"
        )
    if error and not (error.message or code):
        hint = "an empty error comes where a model does not fit the token, or the session's settings are bad"
        return Finding(case, "fail", said(exchange), expected, ("an offer got an empty error",), hint)
    observed, told = _BY_CODE.get(code or "", ("", ""))
    return Finding(case, "fail", said(exchange), expected, (observed,) if observed else (), told or None)


_WHOLE = "an offer that is whole is refused"


# What a phase that failed shows, and what to do.
_FAILED: dict[str, tuple[str, str]] = {
    "parse": ("the answer is no SDP", "look at the status before the body goes into setRemoteDescription"),
    "dtls": (
        "the DTLS handshake fails",
        "the certificate is not the one the answer names: the answer was changed, or media goes elsewhere",
    ),
    "channel": (
        "the data channel never opens",
        "with a channel in the offer it is the server, or a firewall that lets handshakes through and nothing after; "
        "without one the answer has no m=application: create oai-events before the offer",
    ),
    "created": (
        NO_SESSION,
        "the channel is open and silent: wait for session.created before anything is sent",
    ),
}


def _phase(case: str, name: str, seen: Observation) -> Finding:
    trace, answer = seen.peers[-1], (seen.exchange.body if seen.exchange else None) or ""
    phase = {p[0]: p[2] for p in PHASES}[name]
    if phase not in trace.phases_ms:
        return (name == "parse" and no_side_begins(case, answer)) or _phase_failed(case, name, trace)
    took = f"{trace.phases_ms[phase]:.0f} ms"
    if name == "parse":
        return Finding(case, "pass", f"{took}; {_says(answer)}", _ANSWER)
    if name != "created":
        return Finding(case, "pass", took)
    first = seen.events[0]
    if first.type in sessions.CREATED:
        return opened(case, f"{took}, {first.type}", "session.created", first)
    error = first.error
    if error and no_room(None, first.raw):
        return no_slot(case, f"error {in_short(error)}")
    if error:
        measured, observed = f"error {in_short(error)}", NO_CREDIT if is_quota(error) else ERROR_FIRST
        hint = "add credit: a mint works without, a session does not"
        hint = hint if is_quota(error) else "the session is refused after the connection stands"
        return Finding(case, "fail", measured, "session.created", (observed,), hint)
    return Finding(case, "fail", f"{first.type} came first", "session.created", (NO_SESSION,))


# What the API's answers say, in the words of `_says`: pydantic/pydantic-ai @ f0e9ae4 tests/realtime/cassettes/test_openai_ws
# (2026-07-22 to 2026-09-29): `setup` was active in July, passive in September.
_ANSWER = "ice-lite, setup:active or passive, udp 3478, tcp 443"
_API_PORTS = {"udp": "3478", "tcp": "443"}
_SETUP = re.compile(r"^a=setup:(active|passive|actpass|holdconn)\b", re.MULTILINE)
_CANDIDATE = re.compile(r"^a=candidate:\S+ \d+ (udp|tcp) \d+ \S+ (\d+) ", re.MULTILINE | re.IGNORECASE)


def no_side_begins(case: str, answer: str) -> Finding | None:
    """Of an answer that is SDP and was not taken: one side must begin the handshake (RFC 5763 section 5)."""
    setups = _setups(answer)
    if not answer.startswith("v=") or (setups and setups <= {"active", "passive"}):
        return None
    hint = "an answer says who begins the DTLS handshake, active or passive: browsers refuse one that does not, or wait in vain"
    return Finding(case, "fail", _says(answer), _ANSWER, ("no side of the answer begins DTLS",), hint)


def _setups(answer: str) -> set[str]:
    return set(_SETUP.findall(answer))


def _says(answer: str) -> str:
    """Ports of its own choice are not told, only that they are other ones than the API's."""
    return ", ".join(_how_to_connect(answer))


def _how_to_connect(answer: str) -> Iterator[str]:
    setups = _setups(answer)
    yield "ice-lite" if "a=ice-lite" in answer else "no ice-lite"
    yield f"setup:{' and '.join(sorted(setups))}" if setups else "no setup"
    ports = {(way.lower(), port) for way, port in _CANDIDATE.findall(answer)}
    for way, usual in _API_PORTS.items():
        if (way, usual) in ports:
            yield f"{way} {usual}"
        elif any(one == way for one, _ in ports):
            yield f"{way} at another port"


def _phase_failed(case: str, name: str, trace: PeerTrace) -> Finding:
    if name == "ice":
        found: Finding = no_way(case, trace)
        return found
    measured = trace.failure.detail if trace.failure else "not reached"
    if ON_A_LOSSY_WAY in measured:
        hint = "what is lost is sent again, too late here: try a cable, or another network"
        return Finding(case, "inconclusive", measured, "", (LOSSY,), hint)
    if name == "dtls" and (measured.startswith("not done within") or measured in _BY_DETAIL):
        return _handshake(case, measured, trace)
    if measured in (WAY_LOST, PART_MISSING):
        hint = (
            "datagrams are lost, many of them or the big ones (MTU of a VPN or tunnel), or limited: try another network"
        )
        return Finding(case, "inconclusive", measured, "", ("the way is lost before the session begins",), hint)
    observed, hint = _FAILED[name]
    return Finding(case, "fail", measured, "", (observed,), hint)


# Why a DTLS handshake failed for another reason than its certificate: what is observed, and what to do.
_BY_DETAIL: dict[str, tuple[str, str]] = {
    NO_CERTIFICATE: (
        "the DTLS handshake is broken off",
        "the other side ends the handshake: compare versions, ciphers and kinds of certificate, and whether it is the media server",
    ),
    NO_DIGEST: (
        "the DTLS fingerprint cannot be compared",
        "let the answer name its fingerprint by sha-256 (RFC 8122 section 5)",
    ),
}


_SILENT_DTLS = (
    "STUN gets through, DTLS does not: mostly a firewall, or big datagrams are lost (MTU of a VPN or tunnel); "
    "or the server never begins, where its answer says setup:active"
)


def _handshake(case: str, measured: str, trace: PeerTrace) -> Finding:
    """Of a DTLS handshake that did not end, or ended otherwise than by another certificate."""
    observed, hint = _BY_DETAIL.get(measured, ("DTLS gets no answer", _SILENT_DTLS))
    came = sum(pair.received - pair.answered - pair.asked - _refusals(pair) for pair in trace.pairs)
    if measured not in _BY_DETAIL:
        measured = (
            f"{measured}, {counted(came, 'datagram')} of DTLS came back"
            if came > 0
            else f"{measured}, nothing came back"
        )
        if came > 0:
            observed = "the DTLS handshake begins and does not end"
            hint = "mostly big datagrams are lost (MTU of a VPN or tunnel), or many are: try without a VPN, or another network"
    return Finding(case, "inconclusive", measured, "", (observed,), hint)


def _refusals(pair: Pair) -> int:
    return sum(count for word, count in pair.errors.items() if word.startswith("stun "))


def _location(exchange: Exchange, *, stranger: bool) -> Finding:
    location = exchange.header("location")
    if stranger and not (location and "/calls/" in location):
        told = f"Location {location}" if location else "no Location header"
        return Finding("location", "info", f"{told}: a call ends with its peer", observed=(NOT_OFFERED,))
    if location and "/realtime/calls/" in location:
        return Finding("location", "pass", location.rpartition("/")[2], "/v1/realtime/calls/rtc_…")
    hint = "without it the call cannot be hung up; in a browser, a proxy must also expose it (Access-Control-Expose-Headers)"
    return Finding(
        "location",
        "fail",
        location or "no Location header",
        "/v1/realtime/calls/rtc_…",
        ("the answer names no call",),
        hint,
    )


def _second_use(seen: Observation, today: date) -> Finding:
    again = seen.exchanges[-1]
    if unusable := no_answer("second-use", again):
        return unusable
    expected = "401 ephemeral_token_already_used" if today >= ONCE_SINCE else "taken until its end"
    measured, code = f"after a real call: {said(again)}", again.error.code if again.error else None
    hint = "a token is good once: mint one for each connection"
    if code == "ephemeral_token_already_used":
        return Finding("second-use", "pass" if today >= ONCE_SINCE else "info", measured, expected, hint=hint)
    if today >= ONCE_SINCE and past_the_credential(again):
        hint = "this server takes a token twice, the API does not: what relies on it fails there"
    return Finding("second-use", "info", measured, expected, hint=hint)


def _multipart_answer(exchange: Exchange) -> Finding:
    if unusable := no_answer("multipart", exchange):
        return unusable
    if exchange.ok:
        return Finding("multipart", "pass", said(exchange), "201")
    if exchange.status in REFUSED:
        hint = "this key is taken elsewhere, and refused here: read the body"
        return refused("multipart", exchange, "201", None, (), hint)
    return _refused_offer("multipart", exchange, "201")


def _hangup(exchange: Exchange, *, named: bool) -> Finding:
    if not named:
        return Finding("hangup", "skip", "the answer names no call to hang up")
    if unusable := no_answer("hangup", exchange):
        return unusable
    if exchange.ok:
        return Finding("hangup", "pass", said(exchange), "200")
    return Finding(
        "hangup", "warn", said(exchange), "200", ("a hang-up is refused",), "the call ends when its peer is gone"
    )


def _wrong_content_type(exchange: Exchange) -> Finding:
    case, expected = "wrong-content-type", "400 unsupported_content_type"
    if unusable := no_answer(case, exchange):
        return unusable
    if exchange.error and exchange.error.code == "unsupported_content_type":
        return Finding(case, "pass", said(exchange), expected)
    if not (exchange.ok or past_the_credential(exchange)):
        return Finding(case, "info", said(exchange), expected)
    hint = "this server reads JSON here, which the API does not: what works against it can fail against the API"
    return Finding(case, "warn", said(exchange), expected, ("an offer as JSON is read",), hint)
