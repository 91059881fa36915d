"""What the check `websocket` says of what it has seen. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from rtdiag.checks.websocket.on_the_way import (
    ALONE,
    ENDED,
    GARBLED,
    HINTS,
    lost_on_the_way,
    plain_of,
    refused_as,
)
from rtdiag.checks.websocket.socket_answer import (
    NO_WEBSOCKET,
    NOT_IMPLEMENTED,
    UNAUTHORIZED,
    closed_as_unauthorized,
    closed_for_nothing,
    created_event,
    credential_refused,
    error_event,
    in_words,
    kind_of,
    stays_silent,
)
from rtdiag.checks.websocket.socket_ways import CONTROLS, WAYS, Way
from rtdiag.engine.findings import (
    BY_OPENAI,
    KEY_REFUSED,
    LIMITED,
    NO_CREDIT,
    NO_SESSION,
    NOT_IN_SHAPE,
    NOT_OFFERED,
    REFUSED,
    SERVER_TROUBLE,
    TAKES_ANYTHING,
    TOKEN_REFUSED,
    about_the_model,
    about_who_asks,
    alike,
    as_answer,
    is_quota,
    names_a_reason,
    no_answer,
    no_key_given,
    no_room_for,
    not_asked_here,
    not_this_key,
    opened,
    other_models,
    refused_alike,
    said,
    unknown_key,
    update,
)
from rtdiag.model import ApiError, Evidence, Exchange, Failure, Finding, Observation, Status
from rtdiag.transport.channel import BINARY, NOT_JSON

# Tokens carry the settings that they were minted with, and an intent carries none of a voice.
_WITHOUT_SETTINGS = "model-key"

_BY_CASE = {way.case: way for way in (*WAYS, *CONTROLS)}


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    control, plain = evidence.seen.get("made-up"), plain_of(evidence.seen.values())
    keyless = any(x.credential == "none" for seen in evidence.seen.values() for x in seen.exchanges)
    void = control is not None and created_event(control) is not None and not evidence.stranger
    with_key = (evidence.seen.get(case) for case in ("model-key", "intent-key"))
    key_refused = any(
        seen and seen.exchange and not created_event(seen) and credential_refused(seen) for seen in with_key
    )
    opens = any(created_event(seen) for case, seen in evidence.seen.items() if case != "made-up")
    for case, seen in evidence.seen.items():
        if unasked := not_asked_here(case, seen, f"websocket.{case}"):
            yield unasked
        elif "asked" in seen.facts:
            yield update(case, seen, stranger=evidence.stranger)
        elif seen.exchange is None:
            yield _unasked(case, seen)
        elif opens and seen.facts.get("known") is False and not created_event(seen) and not seen.exchange.failure:
            hint = "a session begins at this server by another way: use that"
            yield Finding(case, "info", in_words(seen), f"session.created, {_BY_CASE[case].kind}", (NOT_OFFERED,), hint)
        elif case == "made-up" and opens and credential_refused(seen):
            yield _made_up(seen, official=evidence.official, alike=False, keyless=keyless)
        elif lost := lost_on_the_way(case, seen, plain, control, evidence):
            yield lost
        elif seen.exchange.status == UNAUTHORIZED and refused_as(control, seen, case):
            yield _as_a_made_up(case, seen, stranger=evidence.stranger)
        elif unusable := unusable_answer(case, seen):
            yield unusable
        elif seen.exchange.status in NO_WEBSOCKET and not about_the_model(seen.exchange):
            yield _not_offered(case, seen, plain, official=evidence.official)
        elif case == "made-up":
            alike = any(refused_as(seen, other) for other in evidence.seen.values() if other is not seen)
            yield _made_up(seen, official=evidence.official, alike=alike, keyless=keyless)
        elif refused_as(control, seen, case):
            yield _as_a_made_up(case, seen, stranger=evidence.stranger)
        elif case == "transcription-model":
            yield _transcription_model(seen)
        elif case == "beta-header":
            yield _beta_header(seen, spoken="beta" in evidence.dialects)
        else:
            yield _session(_BY_CASE[case], seen, void=void, key_refused=key_refused, stranger=evidence.stranger)


def _as_a_made_up(case: str, seen: Observation, *, stranger: bool) -> Finding:
    """The finding for an upgrade that is refused as that of a made-up key is."""
    exchange = seen.exchange
    assert exchange is not None
    if elsewhere := not_this_key(case, exchange, "101"):
        return elsewhere
    if not stranger or seen.facts.get("http_took") or exchange.status not in REFUSED or not about_who_asks(exchange):
        return refused_alike(case, exchange, "101")
    if exchange.credential == "none":
        return no_key_given(case, in_words(seen), "101")
    return unknown_key(case, in_words(seen), "101")


def _session(way: Way, seen: Observation, *, void: bool, key_refused: bool, stranger: bool) -> Finding:
    case, expected, created = way.case, f"session.created, {way.kind}", created_event(seen)
    if created is None:
        return _refused(way, seen, expected, key_refused=key_refused, stranger=stranger)
    measured = f"{created.type}, {kind_of(created) or 'of no named kind'}"
    if kind_of(created) not in (way.kind, None) and seen.facts.get("known") is False:
        return Finding(
            case, "info", measured, expected, (NOT_OFFERED,), "this server has sessions of one kind at this URL"
        )
    if kind_of(created) not in (way.kind, None):
        hint = "the query or the token was not heeded on the way: it is another kind of session than was asked for"
        return Finding(case, "fail", measured, expected, ("a session of another kind than was asked for",), hint)
    if way.as_subprotocol and seen.exchange and not seen.exchange.header("sec-websocket-protocol"):
        measured = "101 without a sub-protocol"
        if seen.facts.get("known") is False:
            return Finding(case, "info", measured, "realtime is selected", hint="a browser ends such a connection")
        hint = "a browser ends such a connection: the server must select `realtime` where it was offered"
        return Finding(case, "fail", measured, "realtime is selected", ("no sub-protocol is selected",), hint)
    if void:
        return Finding(case, "info", measured, expected, hint="a made-up key gets the same: this proves nothing")
    if case == _WITHOUT_SETTINGS:
        return opened(case, measured, expected, created)
    return Finding(case, "pass", measured, expected)


def _refused(way: Way, seen: Observation, expected: str, *, key_refused: bool, stranger: bool) -> Finding:
    """What it means that no session came: silence, a close, a refusal."""
    measured = in_words(seen)
    if seen.facts.get("has_mint") is False:
        return Finding(
            way.case, "info", measured, expected, hint="this server mints no tokens for such sessions either"
        )
    if seen.events and all(e.type in (NOT_JSON, BINARY) for e in seen.events):
        hint = "what came is no event of the API: another server, or another protocol, is behind this URL"
        return Finding(way.case, "inconclusive", measured, expected, (NOT_IN_SHAPE,), hint)
    if stays_silent(seen) or closed_for_nothing(seen):
        hint = "the first event of every session is session.created: the server, or something on the way, holds it back"
        return Finding(way.case, "fail", measured, expected, (NO_SESSION,), hint)
    error = as_answer(seen).error
    if error and _NONE_SENT.search(error.message or ""):
        return Finding(way.case, "fail", measured, expected, (), _NOT_SEEN)
    named = names_a_reason(as_answer(seen), ALONE)
    if (
        stranger
        and way.credential == "api-key"
        and seen.facts.get("http_took") is False
        and closed_as_unauthorized(seen)
    ):
        named = False
    flag = "--transcription-model" if way.kind == "transcription" else "--model"
    others = other_models(as_answer(seen), seen.facts.get("listed", ()), flag)
    if named and stranger:
        return Finding(way.case, "fail", measured, expected, hint=others)
    unnamed = not named or (error is not None and error.code == "invalid_api_key")
    if credential_refused(seen) and way.credential == "api-key" and seen.facts.get("http_took") is False:
        if as_answer(seen).credential == "none":
            return no_key_given(way.case, measured, expected)
        return Finding(way.case, "fail", measured, expected, (KEY_REFUSED,), "this server does not take the key")
    if credential_refused(seen) and (key_refused or way.credential == "api-key"):
        hint = "over HTTP this server took the key: what stands before its WebSocket answers, or drops the credential"
        return Finding(way.case, "fail", measured, expected, (ALONE,), hint if unnamed else None)
    if unnamed and way.credential.endswith("-token") and credential_refused(seen):
        hint = (
            "this server minted the token and refuses it at its WebSocket: does something between answer in its place?"
        )
        return Finding(way.case, "fail", measured, expected, (TOKEN_REFUSED,), hint)
    return Finding(way.case, "fail", measured, expected)


_NOT_SEEN = (
    "rtdiag sent one, and over HTTP it was taken: it is not read here, or something on the way takes it out of upgrades"
)
# What is said of a request that carries no credential; each of these carries one.
_NONE_SENT = re.compile(
    r"missing (bearer|basic)|did.?n.t provide an api key|no api key (was )?(provided|given)", re.IGNORECASE
)


def _made_up(seen: Observation, *, official: bool, alike: bool, keyless: bool) -> Finding:
    expected, measured = "a refusal", in_words(seen)
    if created_event(seen) and keyless:
        return Finding("made-up", "info", measured, hint="no key is asked for here: any text will do")
    if created_event(seen):
        hint = "it asks for no key at its WebSocket: no session that began there says anything about keys and tokens"
        status: Status = "fail" if official else "warn"
        observed = (TAKES_ANYTHING, *((BY_OPENAI,) if official else ()))
        return Finding("made-up", status, measured, expected, observed, hint)
    if credential_refused(seen) and not alike:
        return Finding("made-up", "pass", measured, expected)
    hint = "neither taken nor refused as a credential: the control says nothing here"
    return Finding("made-up", "info", measured, expected, hint=hint)


def _transcription_model(seen: Observation) -> Finding:
    case, expected, measured = "transcription-model", "invalid_model", in_words(seen)
    if created_event(seen):
        hint = "what works here fails against the API: transcription is ?intent=transcription, its model goes into the session"
        return Finding(case, "warn", measured, expected, ("a model of another kind is taken",), hint)
    error = as_answer(seen).error
    return Finding(case, "pass" if error and error.code == "invalid_model" else "info", measured, expected)


def _beta_header(seen: Observation, *, spoken: bool) -> Finding:
    expected = "a session of the beta" if spoken else "beta_api_shape_disabled"
    error = as_answer(seen).error
    met = created_event(seen) is not None if spoken else bool(error and error.code == "beta_api_shape_disabled")
    hint = (
        "remove the header OpenAI-Beta, or the sub-protocol openai-beta.realtime-v1" if error and not spoken else None
    )
    return Finding("beta-header", "pass" if met else "info", in_words(seen), expected, hint=hint)


def _unasked(case: str, seen: Observation) -> Finding:
    if first := seen.facts.get("not_offered"):
        return Finding(case, "info", f"not asked: {first} found no WebSocket")
    if first := seen.facts.get("stopped_by"):
        hint = "when that is mended, run --only websocket"
        measured = f"not asked: {first} got no usable answer"
        return Finding(case, "inconclusive", measured, observed=tuple(seen.facts.get("observed", ())), hint=hint)
    return Finding(case, "skip", f"not asked: {seen.facts['silent']} stayed silent")


def _not_offered(case: str, seen: Observation, plain: Exchange | None, *, official: bool) -> Finding:
    exchange = seen.exchange
    assert exchange is not None
    if official:
        hint = "the API has a WebSocket here: look at the base URL, and at what stands between"
        return Finding(case, "fail", said(exchange), "101", ("the API's WebSocket is not there",), hint)
    hint = "this server offers no WebSocket at /realtime, or a gateway before it does not pass upgrades on"
    unsure = ", or stripped on the way" if plain is not None and alike(exchange, plain) else ""
    return Finding(case, "info", f"{said(exchange)}: not offered by this server{unsure}", "101", hint=hint)


def unusable_answer(case: str, seen: Observation) -> Finding | None:
    """The `inconclusive` finding for what says nothing of what was asked; None for a session or a refusal."""
    exchange = seen.exchange
    if exchange is None or created_event(seen):
        return None
    if exchange.status == NOT_IMPLEMENTED and not exchange.looks_like_html:
        return None  # no server in trouble: it says what it has not
    failure = seen.peers[-1].failure if seen.peers else None
    broken = failure if failure and failure.kind != "silence" and not error_event(seen) else None
    broken = exchange.failure or broken
    if found := no_answer(case, replace(exchange, failure=broken)):
        spoilt = _spoilt(seen, broken)
        return replace(found, expected="101", observed=(spoilt,), hint=HINTS[spoilt]) if spoilt else found
    if (exchange.status or 0) < 300 and exchange.status != 101:
        hint = "an answer came in place of the upgrade: a proxy or gateway that does not know WebSockets"
        return Finding(case, "inconclusive", f"{said(exchange)} in place of 101", "101", (NOT_IN_SHAPE,), hint)
    if full := no_room_for(case, as_answer(seen)):
        return replace(full, measured=in_words(seen), expected="101")
    trouble = _trouble(as_answer(seen))
    return Finding(case, "inconclusive", in_words(seen), "101", (trouble,)) if trouble else None


def _spoilt(seen: Observation, broken: Failure | None) -> str | None:
    """What becomes of an upgrade that was answered: no WebSocket, or one that ends before anything came."""
    if broken is None:
        return None
    if broken.kind == "protocol":
        return GARBLED
    opened = seen.exchange is not None and seen.exchange.status == 101
    return ENDED if opened and broken.kind == "closed" and not seen.events else None


def _trouble(answer: Exchange) -> str | None:
    """What a refusal says that is about no credential and no session: a limit, or the server's own trouble (RFC 6455: 1011)."""
    error = answer.error or ApiError()
    if is_quota(error):
        return NO_CREDIT
    if error.code == "rate_limit_exceeded":
        return LIMITED
    return SERVER_TROUBLE if error.type == "server_error" or answer.status == 1011 else None
