"""Which credential is taken at which URL that people post an SDP offer to?

Asks: a deliberately invalid offer, posted with the API key, a realtime token, a transcription token and a made-up
token to each URL that was ever right, or looks right. A refusal of the offer (400) says that the credential was taken,
401 that it was not; the made-up token is the control: only where it got 401 does another's 400 say anything. A 429
ends the matrix. A server that is neither OpenAI's nor the emulator is asked only where offers go in its dialect, unless
`--only` names the case.
Costs: 25 requests beyond those of the check `token`, whose tokens it uses; no session.
Sources: contract of `/realtime/calls` in openai-openapi @ f85dbe2 line 16685; the founding report community.openai.com
1148799 (2025-03-21); records 52506096023 and 57401638686 (`api_version_mismatch` while both dialects lived); record
59828301012 (2026-07-08) for `/realtime?model=` since the beta's end; five public reports since May 2026 of 404
"Invalid URL" at the beta's mints. What a POST of an offer gets at `?intent=transcription` and at
`/realtime/client_secrets` is in no public source: shown, never counted.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from rtdiag.api.endpoints import SDP_TARGETS, Dialect, Endpoint, Kind
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context
from rtdiag.engine.findings import (
    LIMITED,
    NOT_THERE,
    TAKES_ANYTHING,
    made_up,
    no_answer,
    not_asked_here,
    past_the_credential,
    refused_token,
    said,
)
from rtdiag.model import Cost, Evidence, Exchange, Finding, Observation, Status

# id, the kind of session it is for, what it needs, and how the head of its column reads
_CREDENTIALS: tuple[tuple[str, Kind | None, str, str], ...] = (
    ("realtime-token", "realtime", "token.mint-realtime", "realtime ek_"),
    ("transcription-token", "transcription", "token.mint-transcription", "transcription ek_"),
    ("api-key", None, "key.accepted", "API key"),
    ("made-up", None, "key.accepted", "made-up ek_"),
)

# What says that the credential was taken: the refusal is about the offer alone.
_TAKEN = "400 invalid_offer"
_FOUNDING_HINT = (
    "if your app shows this body, its offer goes to an endpoint that mints: post it to /realtime/calls and drop ?model="
)

_CASES = tuple(
    Case(
        f"{target.id}-{name}",
        f"does an offer to {target.label} with {name} get what it should?",
        (needs, *(("server.calls", "server.mint") if target.id == "calls" else ())),
        kind,
        line=target.label,
        column=head,
    )
    for target in SDP_TARGETS
    for name, kind, needs, head in _CREDENTIALS
)


@dataclass
class _Heard:
    """What ends the matrix, or a row of it: a limit that was reached, and the URLs where nothing is."""

    limited: bool = False
    gone: set[str] = field(default_factory=set)


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Post the invalid offer everywhere, the control first for each URL; a 429 ends it."""
    if not await ctx.due(*(case.id for case in _CASES)):
        return
    await ctx.minted(ctx.options.kinds[0])  # which dialects are spoken decides what each cell should show
    await ctx.beta_mint(ctx.options.kinds[0])
    models = {kind: await ctx.model(kind) for kind in ctx.options.kinds}
    asked: dict[Kind, str] = {"realtime": "gpt-realtime", "transcription": "gpt-transcribe", **models}
    heard = _Heard()
    cells = [(target, name) for target in SDP_TARGETS for name, *_ in reversed(_CREDENTIALS)]
    async for seen in ctx.politely(
        *(_ask(ctx, target, name, asked, heard) for target, name in cells if ctx.wants(f"{target.id}-{name}"))
    ):
        yield seen


async def _ask(
    ctx: Context, target: Endpoint, name: str, models: Mapping[Kind, str], heard: _Heard
) -> AsyncGenerator[Observation]:
    """One cell, unless what was heard of others says that it is not worth it."""
    case = f"{target.id}-{name}"
    path = target.path.format(**{kind: quote(model, safe="") for kind, model in models.items()})
    if heard.limited:
        return
    if target.id in heard.gone:
        yield Observation(case, facts={"gone": True})
        return
    if not _may_ask(ctx, target, case):
        yield Observation(case, facts={"not_asked_here": True})
        return
    credential = await ctx.credential(name)
    if credential is None and not (name == "api-key" and ctx.options.keyless):
        return
    exchange = await ctx.invalid_offer(path, credential)
    heard.limited |= exchange.status == 429
    if exchange.status in NOT_THERE and not ctx.at_home:
        heard.gone.add(target.id)
    yield Observation(case, (exchange,))


def _may_ask(ctx: Context, target: Endpoint, case: str) -> bool:
    """Strangers are asked where offers go today, or in the one dialect that they speak; the rest is history and mistakes."""
    dialects = ctx.dialects or frozenset[Dialect](["ga"])
    goes_there = any(_takes_offers(target, name, dialects) for name, *_ in _CREDENTIALS)
    return goes_there or ctx.may_ask(f"endpoint.{case}")


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per cell; after a 429 the cells that were not asked are inconclusive."""
    limited = next((c for c, s in evidence.seen.items() if s.exchange and s.exchange.status == 429), None)
    for target in SDP_TARGETS:
        control = evidence.seen.get(f"{target.id}-made-up")
        for name, *_ in _CREDENTIALS:
            case = f"{target.id}-{name}"
            seen = evidence.seen.get(case)
            if seen and seen.facts.get("gone"):
                yield Finding(case, "info", "not asked: nothing is at this URL")
            elif seen and (unasked := not_asked_here(case, seen, f"'endpoint.{target.id}-*'")):
                yield unasked
            elif seen is not None and seen.exchange is not None:
                beside = control.exchange if control else None
                found = _cell(case, target, name, seen.exchange, evidence.dialects, beside)
                yield _of_a_stranger(found) if evidence.stranger else found
            elif limited:
                measured = f"not asked: {limited} was answered 429"
                hint = "wait, then run --only endpoint"
                yield Finding(case, "inconclusive", measured, observed=(LIMITED,), hint=hint)


def _cell(
    case: str, target: Endpoint, name: str, exchange: Exchange, dialects: frozenset[Dialect], control: Exchange | None
) -> Finding:
    if unusable := no_answer(case, exchange):
        return unusable
    if exchange.ok:
        return Finding(case, "info", f"{exchange.status}: an invalid offer was taken", "a refusal")
    if name == "made-up":
        return _control(case, target, exchange, dialects)
    if _takes_offers(target, name, dialects):
        return _where_offers_go(case, name, exchange, dialects, control)
    founding = target.role == "mint" and name.endswith("-token")
    expected, met = _expected_refusal(target, name, exchange, dialects)
    observed, hint = (("an offer with a token at an endpoint that mints",), _FOUNDING_HINT) if founding else ((), None)
    status: Status = "pass" if met else "info"
    instead = _instead(target, dialects)
    return Finding(case, status, said(exchange), expected, observed, hint, instead, show_body=founding)


def _of_a_stranger(found: Finding) -> Finding:
    """Nobody expects more of it than that what it took it takes: that it refuses nobody is said where sessions begin."""
    return replace(found, status="info", observed=()) if TAKES_ANYTHING in found.observed else found


def _control(case: str, target: Endpoint, exchange: Exchange, dialects: frozenset[Dialect]) -> Finding:
    if exchange.status in (401, 403):
        return Finding(case, "pass", said(exchange), "401")
    if not _takes_offers(target, "realtime-token", dialects):
        return Finding(case, "info", said(exchange), "no public source")
    hint = "a made-up token got past the credential here: the greens of this row mean nothing"
    return Finding(case, "warn", said(exchange), "401", (TAKES_ANYTHING,), hint)


def _where_offers_go(
    case: str, name: str, exchange: Exchange, dialects: frozenset[Dialect], control: Exchange | None
) -> Finding:
    if exchange.status in (401, 403):
        kind, dialect = name.removesuffix("-token"), "ga" if "ga" in dialects else "beta"
        return refused_token(case, exchange, _TAKEN, kind, dialect, made_up(exchange, control))
    if past_the_credential(exchange) and (control is None or control.status != 401):
        hint = "the made-up token was not refused: this proves nothing"
        return Finding(case, "info", said(exchange), _TAKEN, hint=hint)
    return Finding(case, "pass" if past_the_credential(exchange) else "info", said(exchange), _TAKEN)


def _takes_offers(target: Endpoint, name: str, dialects: frozenset[Dialect]) -> bool:
    """Whether this URL is where an offer with this credential belongs, in a dialect that the server speaks."""
    if "ga" in dialects:
        return target.id == "calls" and name.endswith("-token")
    return (target.id, name) in (("model", "realtime-token"), ("intent", "transcription-token")) and "beta" in dialects


def _expected_refusal(
    target: Endpoint, name: str, exchange: Exchange, dialects: frozenset[Dialect]
) -> tuple[str, bool]:
    """What the sources say comes here, and whether it came; ("no public source", False) where they say nothing."""
    code = exchange.error.code if exchange.error else None
    token = name.endswith("-token")
    if not dialects:
        return "no public source", False
    if target.dialect not in dialects and target.role != "websocket":
        if target.role == "sdp" and target.dialect == "beta":
            return "400 beta_api_shape_disabled", code == "beta_api_shape_disabled"
        if token and target.role == "mint" and target.dialect == "beta":
            return "404 or 401", exchange.status in (401, 404)
        return "404", exchange.status == 404
    if target.id == "model" and token and "ga" in dialects:
        return "400 api_version_mismatch", code == "api_version_mismatch"
    if target.role == "mint" and token and target.dialect == "beta":
        return "401 invalid_api_key", code == "invalid_api_key"
    return "no public source", False


def _instead(target: Endpoint, dialects: frozenset[Dialect]) -> str | None:
    beta_alone = "ga" not in dialects and "beta" in dialects
    if target.id == ("model" if beta_alone else "calls"):
        return None
    instead = "/realtime?model=… with a realtime token" if beta_alone else "/realtime/calls, without ?model="
    return f"not an SDP endpoint, alive as a WebSocket; {instead}" if target.role == "websocket" else instead


CHECK = Check(
    id="endpoint",
    title="Does each URL take the credentials that it should?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    cost=Cost(requests=25),
    order=30,
    beside=True,
)
