"""Asks a server about the user's own session: at the mint, in a session opened with it, by update; then which field it refuses.

Nothing is believed that was not sent: the session without the refused fields, and the one that rtdiag makes of it, are called taken
only when this server took them. Updates are asked before mints: over a session that is open they take nothing from the account.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

from rtdiag.api import sessions
from rtdiag.api.endpoints import Dialect
from rtdiag.api.sessions import Json
from rtdiag.engine.context import Context, speaks
from rtdiag.model import ApiError, Observation
from rtdiag.remedy.json_paths import Place, leaves
from rtdiag.remedy.repair import Repaired, repair
from rtdiag.session.field_search import Answer, Found, search
from rtdiag.session.server_asked import Server, dialect_for, session_of
from rtdiag.session.trail import ServerAnswer, Trail

CASES = ("own-mint", "own-connect", "own-update", "own-culprit")


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """One Observation per case that is wanted; without a session one that says so."""
    own = ctx.options.session
    if own is None:
        for case in CASES:
            yield Observation(case, facts={"given": False})
    elif ctx.wants(*CASES):
        way = _Way(ctx, own)
        yield await way.mint()
        if ctx.wants("own-connect"):
            yield await way.connect()
        if ctx.wants("own-update", "own-culprit"):
            yield await way.update()
        if ctx.wants("own-culprit"):
            yield await way.culprit()


class _Way:
    def __init__(self, ctx: Context, own: Json) -> None:
        self._ctx, self._own = ctx, own
        self._kind = sessions.kind_of(own)
        self._dialect = dialect_for(ctx, self._kind, own)
        self._server = Server(ctx, self._kind, self._dialect)
        self._trail = Trail(own, partial(ctx.recorder.mask.values, where="checks.facts"))
        self._unheard = False

    async def mint(self) -> Observation:
        told = self._trail.told["mint"] = await self._server.mint(self._own)
        assert told.minted is not None
        return Observation("own-mint", (told.minted.exchange,), facts=_facts(self._own, told.echoed))

    async def connect(self) -> Observation:
        minted = self._trail.at("mint").minted
        if minted is None or minted.token is None:
            return Observation("own-connect", facts={"given": True, "not_minted": True})
        opened, created = await self._server.connect(minted)
        told = ServerAnswer(True, None, session_of(created[0])) if created else ServerAnswer()
        told = self._trail.told["created"] = (
            told if opened.exchange.status != 400 else ServerAnswer(False, opened.exchange.error)
        )
        peers = (opened.trace,) if opened.trace else ()
        facts = _facts(self._own, told.echoed) | {"created": bool(created)}
        return Observation("own-connect", (opened.exchange,), created, peers, facts)

    async def update(self) -> Observation:
        found = await self._server.update(self._own)
        if found is None:
            return Observation("own-update", facts={"no_session": self._kind})
        told, facts = found
        self._trail.told["updated"] = told
        sent = sessions.update(self._kind, self._dialect, self._own)["session"]
        return Observation("own-update", events=told.events, facts=_facts(sent, told.echoed) | facts)

    async def culprit(self) -> Observation:
        trail, mint, update = self._trail, self._trail.at("mint"), self._trail.at("updated")
        self._server.asked = {"mints": 0, "updates": 0}
        if update.taken is False:
            await self._look("updated", self._server.update_alone, update.error)
        if mint.taken is False:
            await self._confirm_or_look(mint.error)
            await self._connect_instead()
        repaired = self._repaired()
        facts = _facts(self._own, {}) | {"kind": self._kind, "dialect": self._dialect}
        facts |= {step: [s for s, t in trail.told.items() if t.taken is taken] for step, taken in _SAID}
        facts |= {"culprits": trail.culprits(repaired), "undecided": trail.undecided, "taken": trail.taken}
        facts |= {"opened": "created" in trail.echoes, "taken_by": trail.taken_by} | await self._mended(repaired)
        facts |= {"asked": self._server.asked, "fields": list(trail.fields())}
        if mint.minted and not mint.taken:
            return Observation("own-culprit", (mint.minted.exchange,), facts=facts)
        return Observation("own-culprit", events=update.events if update.taken is False else (), facts=facts)

    async def _confirm_or_look(self, error: ApiError | None) -> None:
        """What updates have found takes one mint to confirm; where it does not hold there, mints have to tell."""
        by_updates = self._trail.found.get("updated")
        if by_updates and by_updates.taken:
            told = await self._server.mint(by_updates.taken)
            if told.taken:
                self._trail.found["mint"] = by_updates
                self._trail.echoes["mint"], self._trail.minted = told.echoed, told.minted
                return
            if told.taken is None:
                self._unheard = True  # a limit, or a server that broke: more mints would tell no more
                return
        await self._look("mint", self._server.mint, error)

    async def _look(self, step: str, ask: Callable[[Json], Awaitable[ServerAnswer]], error: ApiError | None) -> None:
        heard: dict[str, ServerAnswer] = {}
        hunt = search(self._own, error, required=self._required())
        try:
            sent = next(hunt)
            while True:
                told = heard[_key(sent)] = await ask(sent)
                sent = hunt.send(None if told.taken is None else Answer(told.taken, told.error))
        except StopIteration as done:
            found: Found = done.value
        taken = heard.get(_key(found.taken), ServerAnswer())
        self._trail.found[step], self._trail.minted = found, taken.minted
        if taken.taken:
            self._trail.echoes[step] = taken.echoed

    async def _connect_instead(self) -> None:
        """Open a session with what was taken in place of the user's: a token alone does not show that it works."""
        minted = self._trail.minted
        if minted is None or minted.token is None or not self._ctx.wants("own-connect"):
            return
        _, created = await self._server.connect(minted)
        if created:
            self._trail.echoes["created"] = session_of(created[0])

    def _required(self) -> tuple[Place, ...]:
        """What the smallest session of its kind has, too."""
        return tuple(place for place, _ in leaves(sessions.session(self._kind, self._dialect, "any")))

    def _repaired(self) -> Repaired:
        """What rtdiag makes of the session, in its own dialect where the server has that mint, else in the other."""
        minted = self._trail.at("mint").minted
        other: Dialect = "beta" if self._dialect == "ga" else "ga"
        dialect = self._dialect if minted is None or speaks(minted.exchange) else other
        return repair(self._own, kind=self._kind, dialect=dialect, model=None, vad=None, on=self._ctx.options.today)

    async def _mended(self, repaired: Repaired) -> dict[str, Any]:
        """Whether the server takes that, where the session was refused and this was not asked yet."""
        trail, mint = self._trail, self._trail.at("mint")
        elsewhere = mint.minted is not None and (mint.minted.exchange.status or 500) < 500 and not mint.taken
        changes = [{"field": c.place, "what": c.what, "why": c.why} for c in repaired.changes]
        if self._unheard or not changes or not (trail.found or elsewhere) or repaired.session == trail.taken:
            return {}
        told = await (self._server.update_alone if mint.taken else self._server.mint)(repaired.session)
        if told.taken and trail.taken is None:
            trail.mended, trail.echoes["mint"] = repaired.session, told.echoed
        return {"mended": repaired.session if told.taken else None, "changes": changes}


def _key(session: Json | None) -> str:
    return json.dumps(session, sort_keys=True, default=str)


_SAID = (("taken_at", True), ("refused_at", False))


def _facts(session: Json, echoed: Json) -> dict[str, Any]:
    return {"given": True, "session": session, "echoed": echoed}
