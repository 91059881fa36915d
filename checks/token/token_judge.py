"""What the check `token` says of what it has seen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from rtdiag.api import keys
from rtdiag.api.endpoints import DIALECT_NAMES, Dialect
from rtdiag.engine.context import TOKEN_LIFE_S
from rtdiag.engine.findings import (
    KEY_REFUSED,
    NO_API,
    NO_TOKEN,
    NOT_IN_SHAPE,
    REFUSED,
    TAKES_ANYTHING,
    TOKEN_REFUSED,
    about_the_credential,
    names_a_reason,
    no_answer,
    no_key_given,
    not_asked_here,
    other_models,
    past_the_credential,
    refused,
    refused_token,
    said,
)
from rtdiag.model import Evidence, Exchange, Finding, Observation

# The shortest life that the API gives a token, and what is waited beyond its end.
SHORTEST_LIFE_S = 10


# Statuses of a mint that say that there is none.
_NO_MINT = frozenset({404, 405})


# How far life and clock may be off before it is worth a word.
_TOLERANCE_S = 5


def remaining_s(exchange: Exchange, expires_at: float | None, local_unix_s: float) -> float:
    """How long a token lives from its answer on, by the server's own clock where that is known, else by that of this machine."""
    return (expires_at or 0) - (exchange.told_at.timestamp() if exchange.told_at else local_unix_s)


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    control = evidence.seen.get("control")
    enforced = control is not None and control.exchange is not None and control.exchange.status in (401, 403)
    for case, seen in evidence.seen.items():
        name, _, kind = case.partition("-")
        if name == "beta":
            yield _beta_mint(case, seen)
        elif unasked := not_asked_here(case, seen, f"token.{case}"):
            yield unasked
        elif case == "url":
            yield _url(seen)
        elif case == "own":
            yield _own_token(seen)
        elif name == "mint":
            yield _mint(case, seen, kind, evidence.dialects, stranger=evidence.stranger)
        elif name == "shape":
            yield _shape(case, seen.facts, stranger=evidence.stranger)
        elif name == "life":
            yield _lives(case, seen)
        elif seen.exchange and case == "control":
            yield _control(seen.exchange, stranger=evidence.stranger)
        elif seen.exchange and name == "accepted":
            yield _accepted(case, seen, kind, enforced=enforced)
        elif case == "second-use":
            yield _second_use(seen)
        elif seen.exchange and case == "elsewhere":
            yield Finding(case, "info", f"GET /models: {said(seen.exchange)}", "401 (no public source)")
        elif case == "expired":
            yield _after_end(seen)


def _url(seen: Observation) -> Finding:
    exchange = seen.exchange
    if exchange is None:
        return Finding("url", "skip", "no --token-url was given")
    if unusable := no_answer("url", exchange, wants_json=True):
        return unusable
    if exchange.ok and seen.facts["found"]:
        return Finding("url", "pass", f"{exchange.status}, a token in its JSON")
    if exchange.ok:
        hint = "hand the mint's answer through; the token is `value` (GA) or `client_secret.value` (beta)"
        return Finding(
            "url",
            "fail",
            f"{exchange.status}, no token in it",
            "`value` or `client_secret.value`",
            (NO_TOKEN,),
            hint,
        )
    return Finding(
        "url",
        "fail",
        said(exchange),
        "a token",
        ("the token URL itself refuses",),
        "your own server refused; its mint's error may be in the body",
    )


def _own_token(seen: Observation) -> Finding:
    if not seen.facts["given"]:
        return Finding("own", "skip", "no RTDIAG_TOKEN was given")
    if "problem" in seen.facts:
        hint = f"{seen.facts['source']}: {seen.facts['hint']}"
        return Finding("own", "fail", str(seen.facts["problem"]), "ek_…", (keys.observed(seen.facts),), hint)
    unusable = next(filter(None, (no_answer("own", x) for x in seen.exchanges)), None)
    if any(past_the_credential(x) for x in seen.exchanges):
        where = next(x for x in seen.exchanges if past_the_credential(x))
        return Finding("own", "pass", f"taken: {said(where)}", "400 invalid_offer")
    if unusable:
        return unusable
    first, expected = seen.exchanges[-1], "400 invalid_offer"
    hint = "it was minted elsewhere (a gateway, another region or project), has ended, or is no token of this API"
    if first.status in _NO_MINT and not names_a_reason(first):
        hint = "no offer is taken at this URL, whatever the token: nothing is known of it; is the base URL right?"
        return Finding("own", "inconclusive", said(first), expected, (), hint)
    if first.status in REFUSED:
        return refused("own", first, expected, seen.facts.get("made_up"), (TOKEN_REFUSED,), hint)
    return Finding("own", "fail", said(first), expected, () if names_a_reason(first) else (TOKEN_REFUSED,), hint)


def _mint(case: str, seen: Observation, kind: str, dialects: Collection[Dialect], *, stranger: bool) -> Finding:
    exchange = seen.exchange
    assert exchange is not None
    made_up = seen.facts.get("made_up")
    if stranger and exchange.status == 401 and made_up:
        return refused(case, exchange, "200 with a token", made_up, (KEY_REFUSED,), "", stranger=True)
    if unusable := no_answer(case, exchange, wants_json=True):
        return unusable
    if seen.facts["minted"]:
        return Finding(
            case, "pass", f"{exchange.status}, {DIALECT_NAMES[seen.facts['dialect']]} dialect", "200 with a token"
        )
    if exchange.ok and seen.facts.get("alike"):
        hint = "a made-up key gets the same: something answers everybody so, in the place of the API"
        return Finding(
            case, "inconclusive", f"{exchange.status}, no token in it", "200 with a token", (NOT_IN_SHAPE,), hint
        )
    if exchange.ok:
        hint = "the API's mint answers with the token as `value`: see what answers in its place, or cuts it short"
        return Finding(case, "fail", f"{exchange.status}, no token in it", "200 with a token", (NO_TOKEN,), hint)
    flag = "--model" if kind == "realtime" else "--transcription-model"
    others = other_models(exchange, seen.facts.get("listed", ()), flag)
    if names_a_reason(exchange):
        return Finding(case, "fail", said(exchange), "200 with a token", hint=others)
    if exchange.status in _NO_MINT and dialects:
        return Finding(case, "skip", f"this server mints no tokens for {kind} sessions: {said(exchange)}")
    if exchange.status in _NO_MINT and not seen.facts.get("beta_asked", True):
        return Finding(case, "skip", f"needs GA's mint, which is not here: {said(exchange)}")
    if exchange.status in _NO_MINT:
        hint = "neither the GA mint (/realtime/client_secrets) nor the beta's is known here: is this the Realtime API?"
        return Finding(case, "fail", said(exchange), "200 with a token", (NO_API,), hint)
    if exchange.status in REFUSED:
        hint = "the key lists models but may not mint"
        return refused(case, exchange, "200 with a token", made_up, (KEY_REFUSED,), hint, stranger=stranger)
    if exchange.credential == "none" and about_the_credential(exchange):
        return no_key_given(case, said(exchange), "200 with a token")
    hint = others or f"the mint refused the smallest {kind} session"
    return Finding(case, "fail", said(exchange), "200 with a token", hint=hint)


def _shape(case: str, facts: Mapping[str, Any], *, stranger: bool) -> Finding:
    measured = f"{facts['prefix'] or 'no known prefix'}, {facts['length']} characters"
    if facts["prefix"]:
        return Finding(case, "pass", measured, "ek_…")
    hint = "a gateway's own token is good at that gateway alone; post the offer to the same host"
    if stranger:
        return Finding(case, "info", measured, "ek_…", hint=hint)
    return Finding(case, "warn", measured, "ek_…", ("a token that does not begin as the API's do",), hint)


def _lives(case: str, seen: Observation) -> Finding:
    exchange, expires_at = seen.exchange, seen.facts["expires_at"]
    assert exchange is not None
    if expires_at is None:
        return Finding(case, "info", "the mint names no `expires_at`", f"{TOKEN_LIFE_S} s")
    local_unix_s = seen.facts["local_unix_s"]
    life_s, local_s = remaining_s(exchange, expires_at, local_unix_s), expires_at - local_unix_s
    by = "the server's clock" if exchange.told_at else "this machine's clock"
    measured = f"{life_s:.0f} s by {by}"
    if abs(life_s - TOKEN_LIFE_S) > _TOLERANCE_S >= abs(local_s - TOKEN_LIFE_S):
        hint = "by this machine's clock it lives as long as asked: the server's Date is off, or of a cache"
        return Finding(case, "pass", f"{measured}, {local_s:.0f} s by this machine's", f"{TOKEN_LIFE_S} s", hint=hint)
    if life_s <= 0:
        hint = "it was dead when it was minted: the server's or a cache's fault; mint again, past any cache"
        return Finding(case, "fail", measured, f"{TOKEN_LIFE_S} s", ("a token was dead when it was minted",), hint)
    if abs(life_s - TOKEN_LIFE_S) > _TOLERANCE_S:
        hint = "the life asked for was not given: `expires_after` is {anchor: created_at, seconds: 10..7200}"
        return Finding(case, "warn", measured, f"{TOKEN_LIFE_S} s", ("the life asked for was not given",), hint)
    return Finding(case, "pass", measured, f"{TOKEN_LIFE_S} s")


def _control(exchange: Exchange, *, stranger: bool) -> Finding:
    if unusable := no_answer("control", exchange):
        return unusable
    if exchange.status in (401, 403):
        return Finding("control", "pass", said(exchange), "401")
    if exchange.status in (404, 405):
        hint = "no offers are taken at this URL, with any token: the control says nothing here"
        return Finding("control", "info", said(exchange), "401", hint=hint)
    if stranger and not (exchange.ok or past_the_credential(exchange)):
        return Finding("control", "info", said(exchange), "401", hint="whether it was about the token is not said")
    hint = "a token that nobody minted got past the credential: no `accepted` here means anything"
    return Finding("control", "warn", said(exchange), "401", (TAKES_ANYTHING,), hint)


def _accepted(case: str, seen: Observation, kind: str, *, enforced: bool) -> Finding:
    exchange = seen.exchange
    assert exchange is not None
    if unusable := no_answer(case, exchange):
        return unusable
    if past_the_credential(exchange) and not enforced:
        hint = "a made-up token gets the same: this proves nothing"
        return Finding(case, "info", said(exchange), "400 invalid_offer", hint=hint)
    if past_the_credential(exchange):
        return Finding(case, "pass", f"{said(exchange)}: only the offer was refused", "400 invalid_offer")
    if exchange.status in (401, 403):
        dialect, as_made_up = str(seen.facts["dialect"]), seen.facts.get("made_up")
        return refused_token(case, exchange, "400 invalid_offer", kind, dialect, as_made_up)
    return Finding(case, "info", said(exchange), "400 invalid_offer")


def _second_use(seen: Observation) -> Finding:
    again, hint = seen.exchanges[-1], "an invalid offer opens no session; sdp.second-use asks again after a real call"
    return no_answer("second-use", again) or Finding("second-use", "info", said(again), "no public source", hint=hint)


def _after_end(seen: Observation) -> Finding:
    exchange = seen.exchange
    assert exchange is not None
    if unusable := no_answer("expired", exchange):
        return unusable
    if not seen.facts["minted"]:
        return Finding("expired", "info", f"a life of {SHORTEST_LIFE_S} s was refused: {said(exchange)}", "a token")
    if exchange.status == 401:
        return Finding("expired", "pass", said(exchange), "401", show_body=True)
    hint = "the server takes a token after its `expires_at`"
    return Finding("expired", "fail", said(exchange), "401", ("a token is taken after its end",), hint)


def _beta_mint(case: str, seen: Observation) -> Finding:
    exchange = seen.exchange
    assert exchange is not None
    if unasked := not_asked_here(case, seen, "'token.beta-mint-*'"):
        if exchange.status not in _NO_MINT:
            return unasked
        measured = f"{unasked.measured}, which does not have GA's mint: {said(exchange)}"
        hint = f"this is no GA mint; whether the beta's is here was not asked: {unasked.hint}"
        return replace(unasked, measured=measured, hint=hint, show_body=True)
    if unusable := no_answer(case, exchange):
        return unusable
    if exchange.ok:
        return Finding(case, "info", f"{exchange.status}: it mints, this server still speaks the beta")
    return Finding(case, "info", said(exchange), "404 since 2026-05-12")
