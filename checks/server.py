"""Whose server is it, and what does it offer?

Asks nothing of OpenAI, nor of the emulator: what they offer is known. Of any other server it finds out, by requests that harm
nobody and that later checks share: one mint, one offer that cannot be taken, one WebSocket, and one of transcription. A URL that is
not there is 404, 405 or 501. What is not offered is told here, once, and nothing that needs it is asked.
Costs: for a server that is neither OpenAI's nor the emulator's up to 3 requests and 2 sessions beside those of other checks.
Sources: rtdiag/servers/servers.yaml, server by server; which statuses say that nothing is there: RFC 9110 15.5.5, 15.5.6, 15.6.2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from rtdiag.api import sessions
from rtdiag.api.endpoints import CALLS, REALTIME, Dialect
from rtdiag.checks.websocket.websocket_judge import INTENT, created_event, in_words
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, lists_models
from rtdiag.engine.findings import NO_API, NOT_OFFERED, as_answer, said
from rtdiag.model import Cost, Evidence, Exchange, Finding, Observation
from rtdiag.servers import UNKNOWN, Door

_CASES = (
    Case("who", "is it known whose server this is?", ("network.answer",)),
    Case("models", "does it list models?", ("key.accepted",)),
    Case("mint", "does it mint tokens?", ("key.accepted",)),
    Case("calls", "does it take offers for WebRTC?", ("key.accepted",)),
    Case("websocket", "does it have a WebSocket?", ("key.accepted",)),
    Case("transcription", "does it have sessions of transcription?", ("key.accepted",), "transcription"),
)
# What is missing where a door is not there.
_MISSING: dict[str, str] = {
    "models": "no list of models",
    "mint": "no tokens are minted",
    "calls": "no WebRTC",
    "websocket": "no WebSocket",
    "transcription": "no transcription",
}
# The doors behind which sessions are.
_INTO_SESSIONS = ("mint", "calls", "websocket")

_NOT_THERE = frozenset({404, 405, 501})
_NO_UPGRADES = frozenset({404, 501})  # 405 comes of an upgrade that is lost on the way, too
# What says nothing of what was asked for, but of who asked, and when.
_OF_ANYTHING = frozenset({401, 403, 408, 429})


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Door after door, for each answer tells more of whose server it is."""
    asked = {} if ctx.at_home or not ctx.wants(*_MISSING) else await _asked(ctx)
    for case in _MISSING:
        seen = asked.get(case, Observation(case))
        yield replace(seen, facts={"there": _is_there(ctx, case)})
    found = ctx.recognised
    known = found.server.id != UNKNOWN
    yield Observation("who", facts={"name": found.server.name, "known": known, "by": list(found.by)})


def _is_there(ctx: Context, case: str) -> bool | None:
    doors: tuple[Door, ...] = ("calls", "beta-offers") if case == "calls" else (case,)  # type: ignore[assignment]
    return True if ctx.at_home or any(map(ctx.offers, doors)) else ctx.offers(doors[0])


async def _asked(ctx: Context) -> dict[str, Observation]:
    """What was seen at each door of a stranger; where it is known whether it is there, it is not asked."""
    seen: dict[str, Observation] = {}

    def note(door: Door, there: bool | None, *exchanges: Exchange, socket: Observation | None = None) -> None:
        if there is not None:
            ctx.doors[door] = there
        case = "calls" if door == "beta-offers" else door
        before = seen[case].exchanges if case in seen else ()
        seen[case] = socket or Observation(case, (*exchanges, *before))

    kind = ctx.options.kinds[0]
    listed = await ctx.listed_models()
    note("models", lists_models(listed), listed)
    if ctx.offers("mint") is None:
        minted = await ctx.minted(kind)
        note("mint", bool(minted.token) or _there(minted.exchange), minted.exchange)
    if ctx.offers("calls") is None:
        offer = await ctx.invalid_offer(CALLS, (await ctx.minted(kind)).token or ctx.key)
        note("calls", _there(offer), offer)
    if ctx.offers("beta-offers") is None and not (ctx.offers("mint") or ctx.offers("calls") or ctx.server.gateway):
        offer = await ctx.invalid_offer(f"{REALTIME}{await _by_model(ctx)}", ctx.key)
        note("beta-offers", _there(offer), offer)
    if ctx.offers("websocket") is not False:
        opened = await _socket(ctx, "websocket", await _by_model(ctx))
        note("websocket", opened.exchange is not None and opened.exchange.status not in _NO_UPGRADES, socket=opened)
    if "transcription" in ctx.options.kinds and ctx.offers("transcription") is None:
        if ctx.offers("mint"):
            exchange = (await ctx.minted("transcription")).exchange
            refused = (exchange.status or 0) // 100 == 4 and exchange.status not in _OF_ANYTHING
            note("transcription", not refused, exchange)
        elif ctx.offers("websocket") and created_event(seen["websocket"]):
            opened = await _socket(ctx, "transcription", INTENT)
            note("transcription", _transcribes(opened), socket=opened)
        elif not ctx.offers("websocket"):
            note("transcription", False)
    return seen


def _there(exchange: Exchange) -> bool:
    """Whether something is at a URL: no answer that there is nothing, and no page or list that is the answer to everything.

    Where no answer came, or the server is in trouble, nothing says that there is nothing.
    """
    everything = exchange.ok and (exchange.looks_like_html or exchange.json in ({}, []))
    return exchange.status not in _NOT_THERE and not everything


async def _by_model(ctx: Context) -> str:
    return f"?model={quote(await ctx.model('realtime'), safe='')}"


async def _socket(ctx: Context, case: str, query: str) -> Observation:
    """A socket that is closed again. What its first event shows of the dialect is kept.

    The header of the beta goes along only where the refusal asks for it.
    """
    seen = await _looked(ctx, case, query, ctx.asked_in)
    if created_event(seen) is None and "openai-beta" in (as_answer(seen).body or "").lower():
        ctx.asked_in = "beta"
        seen = await _looked(ctx, case, query, ctx.asked_in)
    created = created_event(seen)
    if created is not None and ctx.shape is None:
        ctx.shape = sessions.shape_of(created.json)
        ctx.dialects |= {ctx.shape}
    return seen


async def _looked(ctx: Context, case: str, query: str, dialect: Dialect) -> Observation:
    socket = await ctx.socket(f"door-{case}", query, ctx.key, dialect)
    await socket.close()
    upgrade = (socket.exchange,) if socket.exchange else ()
    return Observation(case, upgrade, tuple(socket.received), (socket.trace(),))


def _transcribes(seen: Observation) -> bool:
    created = created_event(seen)
    shown = created.json.get("session") if created and isinstance(created.json, dict) else None
    return isinstance(shown, dict) and sessions.kind_of(shown) == "transcription"


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen; where no door into a session is there, the last one fails."""
    absent = [door for door in _INTO_SESSIONS if door in evidence.seen and evidence.seen[door].facts["there"] is False]
    for case, seen in evidence.seen.items():
        if case == "who":
            yield _who(seen.facts)
        elif case == "websocket" and len(absent) == len(_INTO_SESSIONS):
            hint = "neither a mint, nor calls, nor a WebSocket is known here: is this the Realtime API, and is the base URL right?"
            yield Finding(case, "fail", _answered(seen), "101", (NO_API,), hint)
        else:
            yield _door(case, seen)


def _who(facts: Mapping[str, Any]) -> Finding:
    by = " and ".join(facts["by"])
    return Finding(
        "who", "pass" if facts["known"] else "info", f"{facts['name']}, by {by}" if by else str(facts["name"])
    )


def _door(case: str, seen: Observation) -> Finding:
    there = seen.facts["there"]
    if not (seen.exchanges or seen.events):
        measured = {True: "known of this server", False: _MISSING[case], None: "not known"}[there]
        return Finding(case, "info", measured, observed=() if there is not False else (NOT_OFFERED,))
    if there is False:
        return Finding(case, "info", f"{_MISSING[case]} ({_answered(seen)})", observed=(NOT_OFFERED,))
    return Finding(case, "info", _answered(seen))


def _answered(seen: Observation) -> str:
    if seen.peers:
        return in_words(seen)
    return said(seen.exchange) if seen.exchange else "not asked"


CHECK = Check(
    id="server",
    title="What server is it, and what does it offer?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    of_strangers=Cost(requests=3, sessions_opened=2),
    order=15,
)
