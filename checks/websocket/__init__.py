"""Does a WebSocket begin a session, with each credential and in each way that clients use?

Asks for the upgrade at `/realtime` and waits for the first event and the close: `?model=` with the API key, with a token
in the header and with a token as sub-protocol (all that a browser can do); `?intent=transcription` with the key and with
a token; a token alone. One update of each kind goes over an open socket. Controls: a transcription model as `?model=`, a
made-up key, the header of the beta. Each token is fresh from the mint: a server may take it once. A socket that stays silent
ends its kind; no usable answer to the upgrade, no WebSocket there, no credit or no room for a session ends it all. Where an
upgrade fails, the same URL is asked once without one: is it that which is lost on the way? Of a server that is neither
OpenAI's nor the emulator neither a transcription model nor the beta's header is asked, unless `--only` names the case.
Costs: 9 requests, of which 6 open a session without audio, closed at once, and 4 mints where no earlier check has left tokens.
Sources: live capture of 2026-09-18, record 69522944037 (wrong keys, models and the beta are refused after the 101, by an
`error` event and close 3000 or 4000); record 60202052155 (2026-08-01: a token alone, transcription models); record 63001049331
(2026: so is a token that was used before, `ephemeral_token_already_used`); npm openai
7.57.0 src/realtime/websocket.ts:250 (sub-protocols); record 68335575354 (2026-09-24: Azure refuses at the upgrade, 401).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from urllib.parse import quote

from rtdiag.api import sessions
from rtdiag.api.endpoints import REALTIME, Dialect, Kind
from rtdiag.api.sessions import Json
from rtdiag.checks.websocket.on_the_way import GARBLED, guards, on_the_way, plain_of, wants_plain
from rtdiag.checks.websocket.socket_answer import NO_WEBSOCKET, UNAUTHORIZED, created_event, stays_silent
from rtdiag.checks.websocket.socket_ways import CONTROLS, INTENT, MODEL, WAYS, Way
from rtdiag.checks.websocket.websocket_judge import judge, unusable_answer
from rtdiag.engine.at_once import one_after_another
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, model_ids, speaks
from rtdiag.engine.findings import LIMITED, NO_CREDIT, NO_SLOT, REFUSED, about_the_model
from rtdiag.engine.results import NOT_ASKED
from rtdiag.engine.room import Place
from rtdiag.model import Cost, Exchange, Observation
from rtdiag.transport.breaker import NotAskedError
from rtdiag.transport.http import Credential
from rtdiag.transport.websocket import Socket

_FIRST_MINT = date(2024, 12, 17)  # history of openai/openai-openapi (2024-12-18), openai node 4.78.0 (2025-01-09)
_Seen = tuple[Way, Kind, Observation]
_UPDATED_OVER: dict[str, Kind] = {"model-key": "realtime", "intent-key": "transcription"}


def _cases() -> Iterator[Case]:
    for way in (*WAYS, *CONTROLS):
        yield Case(way.case, way.title, way.needs, way.kind)
        if kind := _UPDATED_OVER.get(way.case):
            yield Case(
                f"update-{kind}", f"{kind}: is an update over the socket applied?", (f"websocket.{way.case}",), kind
            )


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Open one socket after the other; what makes further ones pointless is told in place of asking them."""
    kinds = ctx.options.kinds
    if not await ctx.due(*(case.id for case in _cases())):
        return
    await ctx.minted(kinds[0])
    await ctx.beta_mint(kinds[0])  # which dialects are spoken decides how to ask
    await ctx.spares()
    heard = _Heard()
    ways = [way for way in (*WAYS, *CONTROLS) if ctx.wants(way.case)]
    async for seen in _told(ctx, heard, one_after_another(*(_visit(ctx, way, heard) for way in ways[:1]))):
        yield seen
    rest = [_visit(ctx, way, heard) for way in ways[1:]]
    async for seen in _told(ctx, heard, ctx.politely(*rest) if heard.well else one_after_another(*rest)):
        yield seen


def _asked_in(ctx: Context) -> Dialect:
    """The dialect to ask in: at home that of the mint, of a stranger what its own socket has shown to be wanted.

    Before there was a mint, there was the beta alone.
    """
    if ctx.options.dialect or not ctx.at_home:
        return ctx.asked.asked_in
    beta_alone = not ctx.dialects and ctx.options.today < _FIRST_MINT
    return "beta" if beta_alone or ctx.dialects == {"beta"} else "ga"


@dataclass
class _Heard:
    """What the ways have told until now: why the next need not be asked, of every kind (None) or one, and whether one went well.

    `plain` has the one beside which the same URL was asked without Upgrade.
    """

    unasked: dict[Kind | None, Json] = field(default_factory=dict)
    plain: list[Observation] = field(default_factory=list)
    well: bool = False

    def why_not(self, kind: Kind) -> Json | None:
        return self.unasked.get(None) or self.unasked.get(kind)


async def _told(ctx: Context, heard: _Heard, ways: AsyncIterator[_Seen]) -> AsyncIterator[Observation]:
    """What each way has shown, in their order; what one has made pointless counts for nothing, though it was asked meanwhile."""
    async for way, kind, seen in ways:
        if seen.case != way.case:
            yield _not_updated(kind) if heard.why_not(kind) else seen
            continue
        if seen.facts.get("not_asked_here") or (reason := heard.why_not(kind)) is None:
            if wants_plain(seen) and not heard.plain and seen.facts.get("known") is not False:
                seen = await _beside_plain(ctx, way, kind, seen)
                heard.plain.append(seen)
            heard.well = heard.well or created_event(seen) is not None
            yield seen
            heard.unasked |= _lost(ctx, way, seen, plain_of(heard.plain)) or _pointless(way, kind, seen)
        else:
            yield Observation(way.case, facts=reason)


async def _visit(ctx: Context, way: Way, heard: _Heard) -> AsyncGenerator[_Seen]:
    """Ask one way, update what it opened, and close."""
    kind = way.kind or ctx.options.kinds[0]
    updates = way.case in _UPDATED_OVER and ctx.wants(f"update-{kind}")
    if way.history and not ctx.may_ask(f"websocket.{way.case}"):
        yield way, kind, Observation(way.case, facts={"not_asked_here": True})
        return
    if reason := heard.why_not(kind):
        yield way, kind, Observation(way.case, facts=reason)
        if updates:
            yield way, kind, _not_updated(kind)
        return
    dialect: Dialect = "beta" if way.case == "beta-header" else _asked_in(ctx)
    async with await ctx.place() as place:
        try:
            socket = await _socket(ctx, way, kind, dialect, place)
        except NotAskedError as exc:
            yield way, kind, Observation(way.case, facts={NOT_ASKED: str(exc)})
            return
        if socket is None:
            return
        seen = await _beside(ctx, way, kind, _seen(way.case, [socket]))
        yield way, kind, seen
        if updates:
            created = created_event(seen)
            shape = dialect if ctx.at_home or created is None else sessions.shape_of(created.json)
            yield way, kind, await _updated(ctx, socket, kind, shape) if created else _not_updated(kind)
        await socket.close()


async def _beside(ctx: Context, way: Way, kind: Kind, seen: Observation) -> Observation:
    """The same with what is known beside the socket."""
    beside_another = ctx.at_home or len(ctx.options.kinds) > 1  # else nothing says that no session opens
    if way.case == "intent-key" and beside_another and not created_event(seen):
        seen = replace(seen, facts={"has_mint": speaks((await ctx.minted(kind)).exchange)})
    if not ctx.at_home:
        seen = replace(seen, facts={**seen.facts, **await _of_a_stranger(ctx, way)})
    return seen


async def _of_a_stranger(ctx: Context, way: Way) -> Json:
    """What is known of it beside the socket: whether this way must be there, whether the key was taken elsewhere, its models."""
    known = {"known": ctx.asked.promises(way.door) is True} if way.door else {}
    listed = [*model_ids(await ctx.listed_models())]
    return {**known, "http_took": ctx.key_was_taken, "listed": listed}


async def _socket(ctx: Context, way: Way, kind: Kind, dialect: Dialect, place: Place) -> Socket | None:
    """The socket of one way; None where the token that it needs is not to be had."""
    credential = await _credential(ctx, way, kind)
    if credential is None and not (way.credential == "api-key" and ctx.options.keyless):
        return None
    query = await _query(ctx, way, kind)
    return await ctx.socket(way.case, query, credential, dialect, as_subprotocol=way.as_subprotocol, place=place)


async def _query(ctx: Context, way: Way, kind: Kind) -> str:
    query: str = (MODEL if kind == "realtime" else INTENT) if way.query is None else way.query
    query = ctx.asked.intent if query == INTENT else query
    for name in ctx.options.kinds:
        if f"{{{name}}}" in query:
            query = query.replace(f"{{{name}}}", quote(await ctx.model(name), safe=""))
    return query


async def _beside_plain(ctx: Context, way: Way, kind: Kind, seen: Observation) -> Observation:
    """The same, and what the same URL answers to a GET without Upgrade: where that is the same, none has arrived."""
    plain = await ctx.request("GET", REALTIME + await _query(ctx, way, kind), ctx.options.api_key or ctx.made_up_key)
    return replace(seen, exchanges=(plain, *seen.exchanges))


async def _credential(ctx: Context, way: Way, kind: Kind) -> Credential | None:
    if way.credential == "made-up":
        return ctx.made_up_key
    return (
        await ctx.fresh_token(kind, of_any_session=True) if way.credential.endswith("-token") else ctx.options.api_key
    )


def _seen(case: str, sockets: list[Socket]) -> Observation:
    upgrades = tuple(s.exchange for s in sockets if s.exchange)
    return Observation(case, upgrades, tuple(sockets[-1].received), tuple(s.trace() for s in sockets))


def _not_updated(kind: Kind) -> Observation:
    return Observation(f"update-{kind}", facts={"asked": False, "ended": True})


async def _updated(ctx: Context, socket: Socket, kind: Kind, dialect: Dialect) -> Observation:
    change: Json = {"instructions": "Speak only when asked."} if kind == "realtime" else {}
    event = sessions.update(kind, dialect, sessions.session(kind, dialect, await ctx.model(kind)) | change)
    answered = await ctx.update(socket, event)
    return Observation(
        f"update-{kind}",
        events=answered.events,
        facts={"sent": event["session"], **answered.facts},
    )


def _lost(ctx: Context, way: Way, seen: Observation, plain: Exchange | None) -> dict[Kind | None, Json]:
    """The same for an upgrade that is lost on the way, where the next would be, too: each might wait for its deadline."""
    lost = on_the_way(way.case, seen, plain, None, official=ctx.options.official)
    refused = seen.exchange is not None and seen.exchange.status in REFUSED
    if lost is None or (refused and not (seen.exchange and guards(seen.exchange))):
        return {}  # whether a made-up key is refused alike is still to be asked
    return {None: {"stopped_by": way.case, "observed": list(lost.observed)}}


def _pointless(way: Way, kind: Kind, seen: Observation) -> dict[Kind | None, Json]:
    """What need not be asked after this: every kind (None) or this one, with the facts that say why."""
    if seen.exchange and seen.exchange.status in NO_WEBSOCKET and not about_the_model(seen.exchange):
        return {None: {"not_offered": way.case}}
    unusable = unusable_answer(way.case, seen)
    if unusable and seen.exchange and seen.exchange.status == UNAUTHORIZED:
        return {}
    if unusable and seen.exchange and (seen.exchange.status != 101 or _LIMITS & {*unusable.observed}):
        return {None: {"stopped_by": way.case, "observed": list(unusable.observed)}}
    return {kind: {"silent": way.case}} if way in WAYS and stays_silent(seen) else {}


# What says nothing of what was asked, nor will it of what comes next.
_LIMITS = frozenset({LIMITED, NO_CREDIT, NO_SLOT, GARBLED})


CHECK = Check(
    id="websocket",
    title="Does a WebSocket begin a session?",
    cases=tuple(_cases()),
    probe=probe,
    judge=judge,
    cost=Cost(requests=13, tokens_minted=4, sessions_opened=6),
    takes_spares=4,
    order=70,
    beside=True,
)
