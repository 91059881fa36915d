"""Sends one user's session to a server, by mint, by update, or by opening a session with it, and counts what that takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rtdiag.api import sessions
from rtdiag.api.endpoints import Dialect, Kind, sdp_path
from rtdiag.api.sessions import Json
from rtdiag.engine.context import SDP, Context, MintedToken, SessionAttempt, speaks
from rtdiag.model import ApiError, Event
from rtdiag.session.trail import ServerAnswer

# The answers of a mint that can be about the session; others are about the credential, the URL, a limit, or the server.
_ABOUT_THE_SESSION = frozenset({400, 409, 422})

_NOT_ABOUT_IT = ("server_error", "rate_limit", "insufficient_quota", "session_expired", "internal")


class Server:
    """The ways to send a session of that kind and dialect; `asked` counts `mints` and `updates`."""

    def __init__(self, ctx: Context, kind: Kind, dialect: Dialect) -> None:
        self.asked = {"mints": 0, "updates": 0}
        self._ctx, self._kind, self._dialect = ctx, kind, dialect
        self._opened: SessionAttempt | None = None

    async def mint(self, session: Json) -> ServerAnswer:
        """What the mint says, in the dialect that the session is asked in."""
        dialect = dialect_for(self._ctx, self._kind, session)
        minted = await self._ctx.mint(self._kind, dialect, session)
        self._ctx.learn(dialect, minted.exchange)
        self.asked["mints"] += 1
        exchange = minted.exchange
        refused = exchange.status in _ABOUT_THE_SESSION and speaks(exchange)
        taken = True if exchange.ok else False if refused else None
        return ServerAnswer(taken, exchange.error, minted.session, minted=minted)

    async def connect(self, minted: MintedToken) -> tuple[SessionAttempt, tuple[Event, ...]]:
        """Open a session with that token; its first event where that is a greeting."""
        opened = await self._open(minted)
        heard = opened.session.received[:1] if opened.session else []
        return opened, tuple(event for event in heard if event.type in sessions.CREATED)

    async def update(self, session: Json) -> tuple[ServerAnswer, dict[str, bool]] | None:
        """What an update says, and whether it was asked and the session has ended; None where no session is open.

        The session it goes to was opened without the user's: what a mint has applied is shown whatever an update does.
        """
        async with self._smallest() as opened:
            if opened is None or not opened.usable:
                return None
            answered = await self._ctx.update(opened, sessions.update(self._kind, self._dialect, session))
        self.asked["updates"] += answered.asked
        facts, answer = answered.facts, answered.answer
        if answer is None:
            return ServerAnswer(events=answered.events), facts
        taken = answer.type in sessions.UPDATED or (False if about_the_session(answer.error) else None)
        return ServerAnswer(taken, answer.error, session_of(answer), answered.events), facts

    async def update_alone(self, session: Json) -> ServerAnswer:
        """The same without the facts."""
        found = await self.update(session)
        return found[0] if found else ServerAnswer()

    @asynccontextmanager
    async def _smallest(self) -> AsyncIterator[SessionAttempt | None]:
        """The session of that kind that all checks share; one of its own where that speaks the other dialect."""
        if self._opened is None:
            async with self._ctx.using(self._kind) as opened:
                if opened is None or opened.dialect == self._dialect:
                    yield opened
                    return
            self._opened = await self._in_its_dialect()
        yield self._opened

    async def _in_its_dialect(self) -> SessionAttempt | None:
        smallest = sessions.session(self._kind, self._dialect, await self._ctx.model(self._kind))
        minted = await self._ctx.mint(self._kind, self._dialect, smallest)
        return await self._open(minted) if minted.token else None

    async def _open(self, minted: MintedToken) -> SessionAttempt:
        path = sdp_path(self._kind, self._dialect, await self._ctx.model("realtime"))
        headers = {"content-type": SDP, "accept": SDP}
        async with await self._ctx.place() as place:
            return await self._ctx.open(
                f"own-{self._kind}",
                self._dialect,
                lambda offer: self._ctx.reply("POST", path, minted.token, content=offer, headers=headers),
                others="while there is room",
                place=place,
            )


def dialect_for(ctx: Context, kind: Kind, session: Json) -> Dialect:
    """The dialect to ask in: the session's own, but GA's where a beta's mint may not be asked."""
    dialect = sessions.dialect_of(session)
    return dialect if dialect == "ga" or ctx.may_ask(f"token.beta-mint-{kind}") else "ga"


def about_the_session(error: ApiError | None) -> bool:
    """Whether an error says something of what was sent, and not of a limit or of the server."""
    said = (error.type or "", error.code or "") if error else _NOT_ABOUT_IT
    return not any(one.startswith(_NOT_ABOUT_IT) for one in said)


def session_of(event: Event) -> Json:
    """The session object inside an event; empty where there is none."""
    parsed = event.json
    found = parsed.get("session") if isinstance(parsed, dict) else None
    return found if isinstance(found, dict) else {}
