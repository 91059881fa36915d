"""What one emulator holds while it runs: the day's rules, its tokens, its live calls, and who may ask."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from rtdiag.emulator.bodies import Refused, masked
from rtdiag.emulator.faults import Credential, Fault, switches
from rtdiag.emulator.sessions import Rules, Session
from rtdiag.emulator.timeline import behaviour
from rtdiag.emulator.tokens import EMULATOR_KEY, Token, Tokens

if TYPE_CHECKING:
    from rtdiag.emulator.peer import Call


class Service:
    """The state behind the HTTP routes. Raises NoSuchDate for a day before the timeline."""

    def __init__(self, as_of: date, faults: Sequence[Fault], clock: Callable[[], float] = time.time) -> None:
        self.as_of, self.faults = as_of, faults
        self._clock = clock
        self.switches = switches(faults)
        self.behaviour = behaviour(as_of)
        self.rules = Rules(self.behaviour, self.switches, self.clock)
        self.tokens = Tokens(self.clock, self.switches.token_prefix)
        self.calls: dict[str, Call] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def clock(self) -> float:
        """Unix seconds by this server's clock."""
        return self._clock() + self.switches.clock_ahead_s

    def kind_of(self, credential: str) -> Credential:
        """What a credential is to this server."""
        if not credential:
            return "none"
        if credential == EMULATOR_KEY:
            return "api-key"
        return "ephemeral" if self.tokens.find(credential) else "made-up"

    def require_key(self, request: web.Request) -> None:
        """Raises Refused unless the request carries the key. A token is no key here: community.openai.com 1148799."""
        credential = credential_of(request)
        if self.switches.takes_any_credential or self.kind_of(credential) == "api-key":
            return
        raise _refusal(credential)

    def require_key_or_token(self, request: web.Request) -> Token | None:
        """The token that the request carries, None when it is the key.

        Raises Refused for anything else, and for a token's end.
        """
        credential = credential_of(request)
        token = self.tokens.find(credential)
        if token is None:
            if not (self.switches.takes_made_up_tokens and credential.startswith("ek_")):
                self.require_key(request)
            return None
        if self.switches.tokens_expire and self.tokens.expired(token):
            raise Refused("token-expired")
        if token.used and not self.switches.tokens_reusable:
            raise Refused("token-already-used")
        if token.kind == "transcription" and not self.behaviour.transcription_over_webrtc:
            raise _refusal(credential)  # community.openai.com 1148799 (2025-03): at every URL that takes an offer
        token.used = True
        return token

    async def open_call(self, session: Session, offer_sdp: str) -> tuple[str, str]:
        """The id of a new call and its answer.

        Raises Refused for an offer that cannot be taken; then nothing is left open.
        """
        from rtdiag.emulator.peer import Call

        call_id = f"rtc_u1_{secrets.token_hex(16)}"  # the look of record 59828301012 (2026-07-08)
        call = self.calls[call_id] = Call(session, self.switches, partial(self.end_call, call_id))
        try:
            return call_id, await call.answer(offer_sdp)
        except BaseException:
            del self.calls[call_id]
            await call.close()
            raise

    def end_call(self, call_id: str) -> bool:
        """Begins to close that call; False when there is none."""
        call = self.calls.pop(call_id, None)
        if call is None:
            return False
        task = asyncio.ensure_future(call.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return True

    async def close(self) -> None:
        """Ends every call and waits until all are gone."""
        for call_id in list(self.calls):
            self.end_call(call_id)
        await asyncio.gather(*self._closing, return_exceptions=True)


def credential_of(request: web.Request) -> str:
    """What stands behind `Bearer` in the request, "" when nothing does."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""


def _refusal(credential: str) -> Refused:
    return Refused("incorrect-api-key", credential=masked(credential)) if credential else Refused("missing-bearer")
