"""Can an ephemeral token be minted, does it live as long as it says, and where is it taken?

Asks: your own token or token URL first, when given (an invalid offer only, so that nothing is opened with it); a mint
for a realtime and for a transcription session; each token with an invalid offer at the SDP endpoint, where 400 says
that the token was taken and 401 that it was not, and a made-up token as the control; the same token again; the token
where it does not belong; what the beta's mints answer; and, with `--allow wait`, a token of the shortest life after
its end. Of these last four nothing is asked of a server that is neither OpenAI's nor the emulator, unless `--only` names
the case: a gateway may shut a model off for everybody when its upstream refuses.
Costs: 9 requests and 2 tokens of 60 seconds, up to 4 requests more for a token or token URL of your
own, 2 requests and a token more with `--allow wait`, 2 tokens more where the beta mints beside GA; no session.
Sources: openai-openapi @ f85dbe2 line 16934 and openai 3.54.0 types/realtime/client_secret_create_params.py (life
10..7200 s, and still several uses until the end); once since between 2026-07-20 and 2026-08-01: record 59244381944,
kizuna-ai-lab/sokuji#377, ReviewStage/luke PR 204; record 57945624825 (2026-05-13): an invalid
offer with a good credential is 400 `invalid_offer`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from rtdiag.api import keys, sessions
from rtdiag.api.endpoints import CALLS, DIALECT_NAMES, KINDS, MODELS, REALTIME, Dialect, Kind, sdp_path
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import TOKEN_LIFE_S, Context, MintedToken, token_in
from rtdiag.engine.findings import (
    KEY_REFUSED,
    NO_API,
    NO_TOKEN,
    REFUSED,
    TAKES_ANYTHING,
    TOKEN_REFUSED,
    beside_made_up,
    names_a_reason,
    no_answer,
    not_asked_here,
    past_the_credential,
    refused,
    refused_token,
    said,
)
from rtdiag.model import Cost, Evidence, Exchange, Finding, Observation
from rtdiag.redact import Secret
from rtdiag.transport.http import Credential

# The shortest life that the API gives a token, and what is waited beyond its end.
_SHORTEST_LIFE_S = 10
_BEYOND_END_S = 2

# Statuses of a mint that say that there is none.
_NO_MINT = frozenset({404, 405})

# How far life and clock may be off before it is worth a word.
_TOLERANCE_S = 5
_CLOCK_TOLERANCE_S = 30

_CASES = (
    Case("url", "does your token URL hand out a token?"),
    Case("own", "is your own token taken?"),
    *(Case(f"mint-{k}", f"is a token minted for a {k} session?", ("key.accepted",), k) for k in KINDS),
    *(Case(f"shape-{k}", f"does the {k} token look like one?", (f"token.mint-{k}",), k) for k in KINDS),
    *(Case(f"life-{k}", f"does the {k} token live as long as asked?", (f"token.mint-{k}",), k) for k in KINDS),
    Case("clock", "does this machine's clock agree with the server's?", ("key.accepted",)),
    Case("control", "is a made-up token refused where offers go?", ("key.accepted",)),
    *(Case(f"accepted-{k}", f"is the {k} token taken where offers go?", (f"token.mint-{k}",), k) for k in KINDS),
    Case("second-use", "what does a token get after an invalid offer?", ("token.accepted-realtime",), "realtime"),
    Case("elsewhere", "what does a token get outside the Realtime API?", ("token.mint-realtime",), "realtime"),
    Case("expired", "is an expired token refused?", ("token.mint-realtime",), "realtime", allow="wait", waits_s=15),
    *(Case(f"beta-mint-{k}", f"what does the beta's mint of {k} tokens answer?", ("key.accepted",), k) for k in KINDS),
)


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """The user's own token first, then tokens of rtdiag's own through their life."""
    async for seen in _own(ctx):
        yield seen
    kinds = ctx.options.kinds if ctx.wants(*(c.id for c in _CASES if c.requires)) else ()
    for kind in kinds:
        if not ctx.wants(f"mint-{kind}") and kind != kinds[0]:
            continue
        minted = await ctx.minted(kind)
        facts = {
            "local_unix_s": time.time(),
            "expires_at": minted.expires_at,
            "dialect": minted.dialect,
            "minted": minted.token is not None,
            **beside_made_up(minted.exchange, await _mint_control(ctx, kind, minted)),
        }
        if not ctx.may_ask(f"token.beta-mint-{kind}"):
            facts["beta_asked"] = False
        yield Observation(f"mint-{kind}", (minted.exchange,), facts=facts)
        if kind == kinds[0]:
            yield Observation("clock", (minted.exchange,), facts=facts)
        if minted.token is not None:
            yield Observation(f"shape-{kind}", (minted.exchange,), facts=_shape_facts(minted.token))
            yield Observation(f"life-{kind}", (minted.exchange,), facts=facts)
    for kind in kinds:
        if ctx.wants(f"beta-mint-{kind}"):
            yield await _beta(ctx, kind)
    if kinds and ctx.wants("control"):
        path = await _offers_go(ctx, kinds[0], await ctx.minted(kinds[0]))
        yield Observation("control", (await ctx.invalid_offer(path, ctx.made_up_token),))
    for kind in kinds:
        if ctx.wants(f"accepted-{kind}") or (kind == "realtime" and ctx.wants("second-use", "elsewhere", "expired")):
            async for seen in _life(ctx, kind, await ctx.minted(kind)):
                yield seen


async def _mint_control(ctx: Context, kind: Kind, minted: MintedToken) -> Exchange | None:
    """What the same mint says to a made-up key, where it refused the key; else None."""
    if minted.exchange.status not in REFUSED:
        return None
    smallest = sessions.session(kind, minted.dialect, await ctx.model(kind))
    return (await ctx.mint(kind, minted.dialect, smallest, credential=ctx.made_up_key)).exchange


async def _beta(ctx: Context, kind: Kind) -> Observation:
    """The answer of the beta's mint; where it is not asked, that of GA's, which decides whether it would be worth asking."""
    case = f"beta-mint-{kind}"
    if beta := await ctx.beta_mint(kind):
        return Observation(case, (beta.exchange,))
    return Observation(case, ((await ctx.minted(kind)).exchange,), facts={"not_asked_here": True})


async def _own(ctx: Context) -> AsyncIterator[Observation]:
    """Ask the user's token URL, and post an invalid offer with the user's token: it opens nothing with it."""
    options = ctx.options
    if options.token_url is None:
        yield Observation("url", facts={"given": False})
    token = options.own_token
    if options.token_url is not None and ctx.wants("url", "own"):
        found: list[str] = []

        def remember(raw: bytes) -> list[str]:
            found.extend(filter(None, [token_in(raw)]))
            return found

        reply = await ctx.reply("GET", options.token_url, None, find_secrets=remember)
        if reply.exchange.status == 405:
            reply = await ctx.reply("POST", options.token_url, None, find_secrets=remember)
        yield Observation("url", (reply.exchange,), facts={"given": True, "found": bool(found)})
        if found and token is None:
            token = Credential("own-token", Secret(found[-1]), options.token_url)
    if token is None:
        yield Observation("own", facts={"given": False})
        return
    if not ctx.wants("own"):
        return
    shape = _shape_facts(token)
    if "problem" in shape:
        yield Observation("own", facts={"given": True, **shape})
        return
    first = await ctx.invalid_offer(CALLS, token)
    asked: tuple[Exchange, ...] = (first,)
    beside = beside_made_up(first, await ctx.control_of(first, CALLS))
    if not past_the_credential(first) and ctx.at_home:
        asked = (await ctx.invalid_offer(f"{REALTIME}?model={await ctx.model('realtime')}", token), first)
    yield Observation("own", asked, facts={"given": True, **beside, **shape})


async def _offers_go(ctx: Context, kind: Kind, minted: MintedToken) -> str:
    return sdp_path(kind, minted.dialect, await ctx.model("realtime"))


async def _life(ctx: Context, kind: Kind, minted: MintedToken) -> AsyncIterator[Observation]:
    token = minted.token
    if token is None:
        return
    path = await _offers_go(ctx, kind, minted)
    first = await ctx.invalid_offer(path, token)
    beside = beside_made_up(first, await ctx.control_of(first, path))
    yield Observation(f"accepted-{kind}", (first,), facts={"dialect": minted.dialect, **beside})
    if kind != "realtime":
        return
    for case in ("second-use", "elsewhere", "expired"):
        if ctx.wants(case) and not ctx.may_ask(f"token.{case}"):
            yield Observation(case, facts={"not_asked_here": True})
    if first.status != 401 and ctx.wants("second-use") and ctx.may_ask("token.second-use"):
        yield Observation("second-use", (first, await ctx.invalid_offer(path, token, again=True)))
    if ctx.wants("elsewhere") and ctx.may_ask("token.elsewhere"):
        yield Observation("elsewhere", (await ctx.request("GET", MODELS, token),))
    if ctx.wants("expired") and ctx.may_ask("token.expired"):
        yield await _expired(ctx, kind, path, minted)


async def _expired(ctx: Context, kind: Kind, path: str, minted: MintedToken) -> Observation:
    model = await ctx.model(kind)
    short = await ctx.mint(kind, minted.dialect, sessions.session(kind, minted.dialect, model), _SHORTEST_LIFE_S)
    if short.token is None:
        return Observation("expired", (short.exchange,), facts={"minted": False})
    life_s = _remaining_s(short.exchange, short.expires_at)
    ctx.recorder.notice(f"waiting {life_s + _BEYOND_END_S:.0f} s for a token to end")
    await ctx.sleep(max(0.0, life_s) + _BEYOND_END_S)
    return Observation(
        "expired", (short.exchange, await ctx.invalid_offer(path, short.token, again=True)), facts={"minted": True}
    )


def _shape_facts(token: Credential) -> dict[str, Any]:
    text = token.secret.reveal()
    return {
        "prefix": text[:3] if text.startswith("ek_") else "",
        "source": token.source,
        **keys.shape_of(text, "ephemeral"),
    }


def _remaining_s(exchange: Exchange, expires_at: float | None) -> float:
    """How long a token lives from its answer on, by the server's own clock where that is known."""
    return (expires_at or 0) - (exchange.told_at.timestamp() if exchange.told_at else time.time())


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
            yield _mint(case, seen, kind, evidence.dialects)
        elif name == "shape":
            yield _shape(case, seen.facts)
        elif name == "life":
            yield _lives(case, seen)
        elif case == "clock":
            yield _clock(seen)
        elif seen.exchange and case == "control":
            yield _control(seen.exchange)
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
    if first.status in REFUSED:
        return refused("own", first, expected, seen.facts.get("made_up"), (TOKEN_REFUSED,), hint)
    return Finding("own", "fail", said(first), expected, () if names_a_reason(first) else (TOKEN_REFUSED,), hint)


def _mint(case: str, seen: Observation, kind: str, dialects: Collection[Dialect]) -> Finding:
    exchange = seen.exchange
    assert exchange is not None
    if unusable := no_answer(case, exchange, wants_json=True):
        return unusable
    if seen.facts["minted"]:
        return Finding(
            case, "pass", f"{exchange.status}, {DIALECT_NAMES[seen.facts['dialect']]} dialect", "200 with a token"
        )
    if exchange.ok:
        hint = "the API's mint answers with the token as `value`: see what answers in its place, or cuts it short"
        return Finding(case, "fail", f"{exchange.status}, no token in it", "200 with a token", (NO_TOKEN,), hint)
    if names_a_reason(exchange):
        return Finding(case, "fail", said(exchange), "200 with a token")
    if exchange.status in _NO_MINT and dialects:
        return Finding(case, "skip", f"this server mints no tokens for {kind} sessions: {said(exchange)}")
    if exchange.status in _NO_MINT and not seen.facts.get("beta_asked", True):
        return Finding(case, "skip", f"needs GA's mint, which is not here: {said(exchange)}")
    if exchange.status in _NO_MINT:
        hint = "neither the GA mint (/realtime/client_secrets) nor the beta's is known here: is this the Realtime API?"
        return Finding(case, "fail", said(exchange), "200 with a token", (NO_API,), hint)
    if exchange.status in REFUSED:
        hint = "the key lists models but may not mint"
        return refused(case, exchange, "200 with a token", seen.facts.get("made_up"), (KEY_REFUSED,), hint)
    hint = f"the mint refused the smallest {kind} session"
    return Finding(case, "fail", said(exchange), "200 with a token", hint=hint)


def _shape(case: str, facts: Mapping[str, Any]) -> Finding:
    measured = f"{facts['prefix'] or 'no known prefix'}, {facts['length']} characters"
    if facts["prefix"]:
        return Finding(case, "pass", measured, "ek_…")
    hint = "a gateway's own token is good at that gateway alone; post the offer to the same host"
    return Finding(case, "warn", measured, "ek_…", ("a token that does not begin as the API's do",), hint)


def _lives(case: str, seen: Observation) -> Finding:
    exchange, expires_at = seen.exchange, seen.facts["expires_at"]
    assert exchange is not None
    if expires_at is None:
        return Finding(case, "info", "the mint names no `expires_at`", f"{TOKEN_LIFE_S} s")
    life_s, local_s = _remaining_s(exchange, expires_at), expires_at - seen.facts["local_unix_s"]
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


def _clock(seen: Observation) -> Finding:
    assert seen.exchange is not None
    told_at = seen.exchange.told_at
    if told_at is None:
        return Finding("clock", "info", "the server sends no Date")
    off_s = seen.facts["local_unix_s"] - told_at.timestamp()
    if abs(off_s) > _CLOCK_TOLERANCE_S:
        ahead = "ahead of" if off_s > 0 else "behind"
        hint = "code that compares `expires_at` with the local time throws good tokens away, or keeps dead ones: set the clock"
        return Finding(
            "clock",
            "warn",
            f"{abs(off_s):.0f} s {ahead} the server",
            f"within {_CLOCK_TOLERANCE_S} s",
            ("this machine's clock is off",),
            hint,
        )
    return Finding("clock", "pass", f"within {max(1, round(abs(off_s)))} s", f"within {_CLOCK_TOLERANCE_S} s")


def _control(exchange: Exchange) -> Finding:
    if unusable := no_answer("control", exchange):
        return unusable
    if exchange.status in (401, 403):
        return Finding("control", "pass", said(exchange), "401")
    if exchange.status in (404, 405):
        hint = "no offers are taken at this URL, with any token: the control says nothing here"
        return Finding("control", "info", said(exchange), "401", hint=hint)
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
        return Finding("expired", "info", f"a life of {_SHORTEST_LIFE_S} s was refused: {said(exchange)}", "a token")
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


CHECK = Check(
    id="token",
    title="Is an ephemeral token minted and taken?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    cost=Cost(requests=9, tokens_minted=2),
    order=20,
)
