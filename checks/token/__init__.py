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
kizuna-ai-lab/sokuji#377, ReviewStage/luke PR 204, record 70195342988 (2026-10-09); record 57945624825 (2026-05-13): an invalid
offer with a good credential is 400 `invalid_offer`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any

from rtdiag.api import keys, sessions
from rtdiag.api.endpoints import CALLS, KINDS, MODELS, REALTIME, Kind, sdp_path
from rtdiag.checks.token.token_judge import SHORTEST_LIFE_S, judge, remaining_s
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, MintedToken, model_ids, secrets_in, token_in
from rtdiag.engine.findings import REFUSED, alike, beside_made_up, past_the_credential
from rtdiag.model import Cost, Exchange, Observation
from rtdiag.redact import Secret
from rtdiag.transport.http import Credential

_BEYOND_END_S = 2
# What a token gets beyond its first offer.
_LATER = ("second-use", "elsewhere", "expired")


def _needs(door: str, kind: Kind) -> tuple[str, ...]:
    """What must be there for a case of that kind of session."""
    return ("key.accepted", f"server.{door}", *(("server.transcription",) if kind == "transcription" else ()))


_CASES = (
    Case("url", "does your token URL hand out a token?"),
    Case("own", "is your own token taken?", ("network.answer",)),
    *(Case(f"mint-{k}", f"is a token minted for a {k} session?", _needs("mint", k), k) for k in KINDS),
    *(Case(f"shape-{k}", f"does the {k} token look like one?", (f"token.mint-{k}",), k) for k in KINDS),
    *(Case(f"life-{k}", f"does the {k} token live as long as asked?", (f"token.mint-{k}",), k) for k in KINDS),
    Case("control", "is a made-up token refused where offers go?", ("key.accepted", "server.mint", "server.calls")),
    *(
        Case(f"accepted-{k}", f"is the {k} token taken where offers go?", (f"token.mint-{k}", "server.calls"), k)
        for k in KINDS
    ),
    Case("second-use", "what does a token get after an invalid offer?", ("token.accepted-realtime",), "realtime"),
    Case("elsewhere", "what does a token get outside the Realtime API?", ("token.mint-realtime",), "realtime"),
    Case("expired", "is an expired token refused?", ("token.mint-realtime",), "realtime", allow="wait", waits_s=15),
    *(Case(f"beta-mint-{k}", f"what does the beta's mint of {k} tokens answer?", ("key.accepted",), k) for k in KINDS),
)


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """The user's own token first, then tokens of rtdiag's own through their life."""
    await ctx.due("own", "url")
    async for seen in _own(ctx):
        yield seen
    kinds = ctx.options.kinds if await ctx.due(*(c.id for c in _CASES if c.id not in ("url", "own"))) else ()
    minting = [kind for kind in kinds if ctx.wants(f"mint-{kind}") or kind == kinds[0]]
    async for seen in ctx.beside(*(_mint(ctx, kind) for kind in minting)):
        yield seen
    lives = [k for k in kinds if ctx.wants(f"accepted-{k}") or (k == "realtime" and ctx.wants(*_LATER))]
    async for seen in ctx.politely(
        *(_beta(ctx, kind) for kind in kinds if ctx.wants(f"beta-mint-{kind}")),
        *((_control(ctx, kinds[0]),) if kinds and ctx.wants("control") else ()),
        *(_life(ctx, kind) for kind in lives),
    ):
        yield seen


async def _mint(ctx: Context, kind: Kind) -> AsyncGenerator[Observation]:
    minted = await ctx.minted(kind)
    facts: dict[str, Any] = {
        "local_unix_s": time.time(),
        "expires_at": minted.expires_at,
        "dialect": minted.dialect,
        "minted": minted.token is not None,
        **_beside(minted, await _mint_control(ctx, kind, minted)),
    }
    if not ctx.may_ask(f"token.beta-mint-{kind}"):
        facts["beta_asked"] = False
    if not ctx.at_home and minted.token is None:
        facts["listed"] = [*model_ids(await ctx.listed_models())]
    yield Observation(f"mint-{kind}", (minted.exchange,), facts=facts)
    if minted.token is not None:
        yield Observation(f"shape-{kind}", (minted.exchange,), facts=_shape_facts(minted.token))
        yield Observation(f"life-{kind}", (minted.exchange,), facts=facts)


async def _control(ctx: Context, kind: Kind) -> AsyncGenerator[Observation]:
    path = await _offers_go(ctx, kind, await ctx.minted(kind))
    yield Observation("control", (await ctx.invalid_offer(path, ctx.made_up_token),))


def _beside(minted: MintedToken, control: Exchange | None) -> dict[str, bool]:
    """How the mint's answer compares with what a made-up key gets."""
    if minted.exchange.ok and control is not None:
        return {"alike": alike(minted.exchange, control)}
    return beside_made_up(minted.exchange, control)


async def _mint_control(ctx: Context, kind: Kind, minted: MintedToken) -> Exchange | None:
    """What the same mint says to a made-up key, where it refused the key or gave no token; else None."""
    tokenless = minted.exchange.ok and minted.token is None
    if minted.exchange.status not in REFUSED and not tokenless:
        return None
    return (await ctx.mint_control(kind)).exchange


async def _beta(ctx: Context, kind: Kind) -> AsyncGenerator[Observation]:
    """The answer of the beta's mint; where it is not asked, that of GA's, which decides whether it would be worth asking."""
    case = f"beta-mint-{kind}"
    if beta := await ctx.beta_mint(kind):
        yield Observation(case, (beta.exchange,))
    else:
        yield Observation(case, ((await ctx.minted(kind)).exchange,), facts={"not_asked_here": True})


async def _own(ctx: Context) -> AsyncIterator[Observation]:
    """Ask the user's token URL, and post an invalid offer with the user's token: it opens nothing with it."""
    options = ctx.options
    if options.token_url is None:
        yield Observation("url", facts={"given": False})
    token = options.own_token
    if options.token_url is not None and ctx.wants("url", "own"):
        found: list[str] = []

        def remember(raw: bytes) -> Iterable[str]:
            found.extend(filter(None, [token_in(raw)]))
            return secrets_in(raw)

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


async def _life(ctx: Context, kind: Kind) -> AsyncGenerator[Observation]:
    minted = await ctx.minted(kind)
    token = minted.token
    if token is None:
        return
    path = await _offers_go(ctx, kind, minted)
    first = await ctx.invalid_offer(path, token)
    beside = beside_made_up(first, await ctx.control_of(first, path))
    yield Observation(f"accepted-{kind}", (first,), facts={"dialect": minted.dialect, **beside})
    if kind != "realtime":
        return
    for case in _LATER:
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
    short = await ctx.mint(kind, minted.dialect, sessions.session(kind, minted.dialect, model), SHORTEST_LIFE_S)
    if short.token is None:
        return Observation("expired", (short.exchange,), facts={"minted": False})
    life_s = remaining_s(short.exchange, short.expires_at, time.time())
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


CHECK = Check(
    id="token",
    title="Is an ephemeral token minted and taken?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    cost=Cost(requests=9, tokens_minted=2),
    order=20,
    beside=True,
)
