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
from rtdiag.api.endpoints import CALLS, Dialect
from rtdiag.checks.websocket.websocket_judge import INTENT, created_event, in_words
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, lists_models
from rtdiag.engine.findings import (
    NO_API,
    NOT_OFFERED,
    REFUSED,
    about_the_model,
    about_who_asks,
    alike,
    as_answer,
    made_up,
    no_answer,
    refused_alike,
    said,
)
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
# What every stranger is asked.
_ASKED = ("models", "mint", "websocket")
# The doors behind which sessions are.
_INTO_SESSIONS = ("mint", "calls", "websocket")

_NOT_THERE = frozenset({404, 405, 426, 501})
_OTHER_FORM = frozenset({406, 415, 422})
_NO_UPGRADES = frozenset({404, 501})  # 405 comes of an upgrade that is lost on the way, too
_TOKENS_ALONE = "tokens are minted and no session is opened here"
_ENDED = frozenset({"closed", "protocol"})  # how servers of WebSockets alone answer a POST
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

    def note(case: str, door: Door, there: bool | None, seen_there: Observation) -> None:
        if there is not None:
            ctx.doors[door] = there
        before = seen[case].exchanges if case in seen else ()
        seen[case] = replace(seen_there, exchanges=(*seen_there.exchanges, *before))

    listed = await ctx.listed_models()
    note("models", "models", _lists(listed), Observation("models", (listed,)))
    if ctx.offers("mint") is None:
        minted = (await ctx.minted(ctx.options.kinds[0])).exchange
        note("mint", "mint", _there(minted), Observation("mint", (minted,)))
    if ctx.offers("websocket") is not False:
        socket = await _socket(ctx, "websocket", await _by_model(ctx))
        note("websocket", "websocket", _upgrades(socket.exchange), socket)
    if ctx.offers("mint") and "mint" in seen:
        minted = seen["mint"].exchanges[0]
        control = (await ctx.mint_control(ctx.options.kinds[0])).exchange if minted.status in REFUSED else None
        ctx.doors["mint"] = not _guarded(ctx, seen, minted, control)
    if "transcription" in ctx.options.kinds and ctx.offers("transcription") is None:
        transcribes, seen_there = await _transcription(ctx, seen.get("websocket"))
        note("transcription", "transcription", transcribes, seen_there)
    offers: tuple[Door, ...] = ("calls", "beta-offers")
    for door in offers:  # last, for the session that opens here is that of the later checks
        if ctx.offers(door) is None and not (door == "beta-offers" and _has_offers(ctx)):
            exchange = await _offered(ctx)
            if exchange is not None:
                path = exchange.url.removeprefix(ctx.options.base_url.rstrip("/"))
                control = await ctx.control_of(exchange, path)
                there = _takes_offers(exchange) and not _guarded(ctx, seen, exchange, control)
                note("calls", door, there, Observation("calls", (exchange,)))
    upgrade = seen["websocket"].exchange if "websocket" in seen else None
    others: tuple[Door, ...] = ("models", "mint", "calls")
    if upgrade and upgrade.status in REFUSED and all(ctx.offers(door) is False for door in others):
        ctx.doors.pop("websocket", None)  # uvicorn refuses so at every URL that its program does not know
    return seen


def _upgrades(upgrade: Exchange | None) -> bool | None:
    """Whether something for WebSockets is there: one that is refused may be. None where no answer came, or one that is none."""
    if upgrade is None or upgrade.status is None:
        return None
    page = upgrade.ok and upgrade.looks_like_html
    return not page and (upgrade.status not in _NO_UPGRADES or about_the_model(upgrade))


def _lists(exchange: Exchange) -> bool | None:
    """Whether there is a list of models; None where it is only refused, or not reached."""
    return lists_models(exchange) if exchange.ok or exchange.status in _NOT_THERE else None


def _guarded(ctx: Context, seen: dict[str, Observation], exchange: Exchange, control: Exchange | None) -> bool:
    """Whether what refuses the key as it refuses a made-up one, or ends without a word, is no door: the key is good elsewhere.

    Some servers refuse everybody at paths that they do not know.
    """
    socket = seen.get("websocket")
    good = ctx.key_was_taken or (socket is not None and created_event(socket) is not None)
    ended = exchange.failure is not None and exchange.failure.kind in _ENDED
    return good and (ended or made_up(exchange, control) is True)


def _has_offers(ctx: Context) -> bool:
    return bool(ctx.offers("mint") or ctx.offers("calls") or ctx.server.gateway)


async def _offered(ctx: Context) -> Exchange | None:
    """What an offer gets: one that cannot be taken, with a token; without one, and so by the key, the one of a session.

    Nothing that opens a call which nobody takes up: a server may have one slot. None where no session can be asked for so.
    """
    if (token := (await ctx.minted(ctx.options.kinds[0])).token) is not None:
        return await ctx.invalid_offer(CALLS, token)
    if ctx.offers("mint") is not False or "realtime" not in ctx.options.kinds:
        return None
    ctx.forget("realtime")
    opened = await ctx.opened("realtime")
    return opened.exchange if opened else None


def _takes_offers(exchange: Exchange) -> bool:
    """Whether offers are taken there as SDP: some servers want them in JSON (LocalAI), which nobody's client sends elsewhere."""
    return _there(exchange) and exchange.status not in _OTHER_FORM


async def _transcription(ctx: Context, socket: Observation | None) -> tuple[bool | None, Observation]:
    """Whether there are sessions of transcription: by the mint, which shows them, or by a socket; None where neither tells."""
    unknown = Observation("transcription")
    if ctx.offers("mint"):
        minted = await ctx.minted("transcription")
        told = Observation("transcription", (minted.exchange,))
        if minted.token is None:
            alone = (
                await ctx.minted(ctx.options.kinds[0])
            ).token is not None  # else nothing at all is minted for this key
            refused = alone and (minted.exchange.status or 0) // 100 == 4 and minted.exchange.status not in _OF_ANYTHING
            return (None if not refused or ctx.options.transcription_model else False), told
        if {"type", "object", "input_audio_transcription"} & minted.session.keys():
            return sessions.kind_of(minted.session) == "transcription", told
    if socket is None or created_event(socket) is None:
        return (None if ctx.offers("websocket") else False), unknown
    opened = await _socket(ctx, "transcription", INTENT)
    if created_event(opened) is None and opened.exchange is not None:
        with_model = f"?model={quote(await ctx.model('transcription'), safe='')}&{INTENT[1:]}"
        other = await _socket(ctx, "transcription", with_model)
        if created_event(other) is not None:
            ctx.intent, opened = with_model, other
    return _transcribes(opened), opened


def _there(exchange: Exchange) -> bool:
    """Whether something is at a URL: no answer that there is nothing, and no page or list that is the answer to everything.

    A 404 that is about a model comes from what is there. Where no answer came, or the server is in trouble, nothing says that
    there is nothing.
    """
    everything = exchange.ok and (exchange.looks_like_html or exchange.json in ({}, []))
    elsewhere = 300 <= (exchange.status or 0) < 400
    return not (everything or elsewhere) and (exchange.status not in _NOT_THERE or about_the_model(exchange))


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
    """One finding per case seen; what the doors say together is said at the WebSocket's."""
    everywhere = _everywhere(evidence)
    for case, seen in evidence.seen.items():
        if case == "who":
            yield _who(seen.facts)
        elif everywhere is None:
            yield (case == "websocket" and _no_way_in(case, evidence)) or _door(case, seen)
        elif case == "websocket":
            yield no_answer(case, everywhere) or refused_alike(case, everywhere, "101")
        else:
            yield Finding(case, "skip", "not known: whatever is asked is answered alike")


def _everywhere(evidence: Evidence) -> Exchange | None:
    """The refusal that comes at every door in the same words, and is about no key: a firewall's, a gateway's, a policy's."""
    seen = [evidence.seen[case] for case in _ASKED if case in evidence.seen]
    got = [one.exchange for one in seen if one.exchange is not None and one.exchange.status is not None]
    garbled = [one for one in seen if one.exchange and one.exchange.failure and one.exchange.failure.kind == "protocol"]
    first = got[0] if len(got) + len(garbled) == len(_ASKED) and len(got) > 1 else None
    if first is None or (first.status or 0) < 400 or (first.status in _NOT_THERE and not first.looks_like_html):
        return None
    return first if all(alike(first, other) for other in got) and not about_who_asks(first) else None


def _no_way_in(case: str, evidence: Evidence) -> Finding | None:
    """The finding where no session can be begun: by another server, by what answers in its place, or by one of tokens alone."""
    there = {door: evidence.seen[door].facts["there"] for door in _INTO_SESSIONS if door in evidence.seen}
    if any(there[door] for door in there if door != "mint"):
        return None
    page = next((x for x in _all(evidence) if x.ok and x.looks_like_html), None)
    if page is not None and not any(there.values()):
        return no_answer(case, page)  # which may be anybody's between here and the server
    if None in there.values():
        return None
    measured = _answered(evidence.seen[case])
    if there.get("mint"):
        hint = "tokens are minted here, and no session can be opened with them: ask the server of the sessions, too"
        told = f"{_MISSING[case]}, nor WebRTC ({measured})"
        return Finding(case, "warn", told, "a session", (_TOKENS_ALONE, NOT_OFFERED), hint)
    hint = (
        "neither a mint, nor calls, nor a WebSocket is known here: is this the Realtime API, and is the base URL right?"
    )
    return Finding(case, "fail", measured, "101", (NO_API,), hint)


def _all(evidence: Evidence) -> Iterator[Exchange]:
    for seen in evidence.seen.values():
        yield from seen.exchanges


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
