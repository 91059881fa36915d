"""Which doors a stranger has, found out by requests that harm nobody and that later checks share."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from rtdiag.api import sessions
from rtdiag.api.endpoints import CALLS
from rtdiag.checks.server.server_judge import NO_DOOR
from rtdiag.checks.websocket.socket_answer import created_event
from rtdiag.checks.websocket.socket_ways import INTENT
from rtdiag.engine.context import Context, lists_models
from rtdiag.engine.findings import REFUSED, about_the_model, as_answer, made_up
from rtdiag.model import Exchange, Observation
from rtdiag.servers import Door

_OTHER_FORM = frozenset({406, 415, 422})
_NO_UPGRADES = frozenset({404, 501})  # 405 comes of an upgrade that is lost on the way, too
_ENDED = frozenset({"closed", "protocol"})  # how servers of WebSockets alone answer a POST
# What says nothing of what was asked for, but of who asked, and when.
_OF_ANYTHING = frozenset({401, 403, 408, 429})


class Doors:
    """The doors of the server that `ctx` asks, one after the other, and what was `seen` at each, by the cases of the check.

    Where it is known whether one is there, it is not asked. What is found is kept in `ctx.asked.doors`.
    """

    def __init__(self, ctx: Context) -> None:
        self.seen: dict[str, Observation] = {}
        self._ctx, self._server, self._kind = ctx, ctx.asked, ctx.options.kinds[0]

    async def every(self) -> dict[str, Observation]:
        """All of them. Offers come last, for the session that opens by one is that of the later checks."""
        await self._models()
        await self._mint()
        await self._websocket()
        await self._mint_of_none()
        await self._transcription()
        await self._offers("calls")
        await self._offers("beta-offers")
        self._upgrade_of_none()
        return self.seen

    def _note(self, case: str, door: Door, there: bool | None, seen: Observation) -> None:
        if there is not None:
            self._server.doors[door] = there
        before = self.seen[case].exchanges if case in self.seen else ()
        self.seen[case] = replace(seen, exchanges=(*seen.exchanges, *before))

    async def _models(self) -> None:
        """A list that is only refused, or not reached, may be there."""
        listed = await self._ctx.listed_models()
        there = lists_models(listed) if listed.ok or listed.status in NO_DOOR else None
        self._note("models", "models", there, Observation("models", (listed,)))

    async def _mint(self) -> None:
        if self._server.offers("mint") is None:
            minted = (await self._ctx.minted(self._kind)).exchange
            self._note("mint", "mint", _there(minted), Observation("mint", (minted,)))

    async def _websocket(self) -> None:
        if self._server.offers("websocket") is not False:
            socket = await self._socket("websocket", f"?model={quote(await self._ctx.model('realtime'), safe='')}")
            self._note("websocket", "websocket", _upgrades(socket.exchange), socket)

    async def _mint_of_none(self) -> None:
        if self._server.offers("mint") and "mint" in self.seen:
            minted = self.seen["mint"].exchanges[0]
            refused = minted.status in REFUSED
            control = (await self._ctx.mint_control(self._kind)).exchange if refused else None
            self._server.doors["mint"] = not self._guarded(minted, control)

    async def _transcription(self) -> None:
        if "transcription" in self._ctx.options.kinds and self._server.offers("transcription") is None:
            there, seen = await self._transcribes()
            self._note("transcription", "transcription", there, seen)

    async def _transcribes(self) -> tuple[bool | None, Observation]:
        """Whether there are sessions of it: by the mint, which shows them, or by a socket; None where neither tells."""
        ctx, unknown, socket = self._ctx, Observation("transcription"), self.seen.get("websocket")
        if self._server.offers("mint"):
            minted = await ctx.minted("transcription")
            told = Observation("transcription", (minted.exchange,))
            if minted.token is None:
                others = (await ctx.minted(self._kind)).token  # without one nothing at all is minted for this key
                of_the_kind = minted.exchange.status not in _OF_ANYTHING and (minted.exchange.status or 0) // 100 == 4
                about = others is not None or about_the_model(minted.exchange)
                refused = about and of_the_kind and not ctx.options.transcription_model
                return (False if refused else None), told
            if {"type", "object", "input_audio_transcription"} & minted.session.keys():
                return sessions.kind_of(minted.session) == "transcription", told
        if socket is None or created_event(socket) is None:
            return (None if self._server.offers("websocket") else False), unknown
        opened = await self._socket("transcription", INTENT)
        if created_event(opened) is None and opened.exchange is not None:
            with_model = f"?model={quote(await ctx.model('transcription'), safe='')}&{INTENT[1:]}"
            other = await self._socket("transcription", with_model)
            if created_event(other) is not None:
                self._server.intent, opened = with_model, other
        return _shows_transcription(opened), opened

    async def _offers(self, door: Door) -> None:
        has_others = self._server.offers("mint") or self._server.offers("calls") or self._server.known.gateway
        if self._server.offers(door) is not None or (door == "beta-offers" and has_others):
            return
        exchange = await self._offered()
        if exchange is not None:
            path = exchange.url.removeprefix(self._ctx.options.base_url.rstrip("/"))
            guarded = self._guarded(exchange, await self._ctx.control_of(exchange, path))
            there = _there(exchange) and exchange.status not in _OTHER_FORM and not guarded
            self._note("calls", door, there, Observation("calls", (exchange,)))

    async def _offered(self) -> Exchange | None:
        """What an offer gets: one that cannot be taken, with a token; without one, and so by the key, the one of a session.

        Nothing that opens a call which nobody takes up: a server may have one slot. None where no session can be asked for so.
        """
        ctx = self._ctx
        if (token := (await ctx.minted(self._kind)).token) is not None:
            return await ctx.invalid_offer(CALLS, token)
        if self._server.offers("mint") is not False or "realtime" not in ctx.options.kinds:
            return None
        ctx.forget("realtime")
        opened = await ctx.opened("realtime")
        return opened.exchange if opened else None

    def _guarded(self, exchange: Exchange, control: Exchange | None) -> bool:
        """Whether what refuses the key as it refuses a made-up one, or ends without a word, is no door: the key is good elsewhere.

        Some servers refuse everybody at paths that they do not know.
        """
        socket = self.seen.get("websocket")
        good = self._ctx.key_was_taken or (socket is not None and created_event(socket) is not None)
        ended = exchange.failure is not None and exchange.failure.kind in _ENDED
        return good and (ended or made_up(exchange, control) is True)

    def _upgrade_of_none(self) -> None:
        """Where nothing else is there, a refusal of the upgrade is no sign of a WebSocket: uvicorn refuses so at any URL."""
        upgrade = self.seen["websocket"].exchange if "websocket" in self.seen else None
        others: tuple[Door, ...] = ("models", "mint", "calls")
        if upgrade and upgrade.status in REFUSED and all(self._server.offers(door) is False for door in others):
            self._server.doors.pop("websocket", None)

    async def _socket(self, case: str, query: str) -> Observation:
        """A socket that is closed again. What its first event shows of the dialect is kept.

        The header of the beta goes along only where the refusal asks for it.
        """
        seen = await self._looked(case, query)
        if created_event(seen) is None and "openai-beta" in (as_answer(seen).body or "").lower():
            self._server.asked_in = "beta"
            seen = await self._looked(case, query)
        created = created_event(seen)
        if created is not None and self._server.shape is None:
            self._server.shape = sessions.shape_of(created.json)
            self._ctx.dialects |= {self._server.shape}
        return seen

    async def _looked(self, case: str, query: str) -> Observation:
        socket = await self._ctx.socket(f"door-{case}", query, self._ctx.key, self._server.asked_in)
        await socket.close()
        upgrade = (socket.exchange,) if socket.exchange else ()
        return Observation(case, upgrade, tuple(socket.received), (socket.trace(),))


def _there(exchange: Exchange) -> bool:
    """Whether something is at a URL: no answer that there is nothing, and no page or list that is the answer to everything.

    A 404 that is about a model comes from what is there. Where no answer came, or the server is in trouble, nothing says that
    there is nothing.
    """
    everything = exchange.ok and (exchange.looks_like_html or exchange.json in ({}, []))
    elsewhere = 300 <= (exchange.status or 0) < 400
    return not (everything or elsewhere) and (exchange.status not in NO_DOOR or about_the_model(exchange))


def _upgrades(upgrade: Exchange | None) -> bool | None:
    """Whether something for WebSockets is there: one that is refused may be. None where no answer came, or one that is none."""
    if upgrade is None or upgrade.status is None:
        return None
    page = upgrade.ok and upgrade.looks_like_html
    return not page and (upgrade.status not in _NO_UPGRADES or about_the_model(upgrade))


def _shows_transcription(seen: Observation) -> bool:
    created = created_event(seen)
    shown = created.json.get("session") if created and isinstance(created.json, dict) else None
    return isinstance(shown, dict) and sessions.kind_of(shown) == "transcription"
