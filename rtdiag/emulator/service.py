"""What one emulator holds while it runs: the day's rules, its tokens, its live calls, and who may ask."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from email.utils import formatdate
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from aiohttp import web

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.api.models import Model, all_models, default, find
from rtdiag.emulator.bodies import Refused, masked, pretty
from rtdiag.emulator.faults import Credential, Fault, Switches, switches
from rtdiag.emulator.phone import PhoneCall
from rtdiag.emulator.profiles import Profile, profile
from rtdiag.emulator.session.replies import Over
from rtdiag.emulator.session.server_events import new_id
from rtdiag.emulator.session.settings import Rules, configured
from rtdiag.emulator.session.state import Session
from rtdiag.emulator.session.translation import Translation
from rtdiag.emulator.session.turn_taking import Rule, patience
from rtdiag.emulator.timeline import behaviour, models_alive
from rtdiag.emulator.tokens import EMULATOR_KEY, Token, Tokens

if TYPE_CHECKING:
    from rtdiag.emulator.media.over_tcp import Door
    from rtdiag.emulator.media.peer import Call
    from rtdiag.emulator.session.open_session import OpenSession
    from rtdiag.emulator.session.subscribers import Line

GOING_AWAY = 1001
MOST_PHONE_CALLS = 1000  # that ring or are over: then the oldest are forgotten


class Closable(Protocol):
    """A WebSocket, as far as its end goes."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close it."""


class Service:
    """The state behind the HTTP routes. Raises NoSuchDate for a day before the timeline."""

    def __init__(
        self,
        as_of: date,
        faults: Sequence[Fault],
        clock: Callable[[], float] = time.time,
        ends: Rule = patience,
        pace: float = 1,
        server: Profile | None = None,
    ) -> None:
        self.server = server or profile()
        self.as_of, self.faults = as_of, tuple(faults)
        self._clock = clock
        self.behaviour = behaviour(as_of, self.server.set)
        now = time.monotonic if clock is time.time else clock
        self.rules = Rules(
            self.behaviour, switches(faults, self.server.turns), self.clock, ends, now, pace, self.server
        )
        self.tokens = Tokens(self.clock)
        self.calls: dict[str, Call | PhoneCall] = {}
        self.phone: dict[str, PhoneCall] = {}  # also those that ring, and those that are over
        self.sockets: set[Closable] = set()
        self.lines: set[Line] = set()  # of the sessions that sockets began
        self._rest_until: dict[str, float] = {}  # models of a gateway
        self._closing: set[asyncio.Task[None]] = set()
        self._door: Door | None = None
        self._opened: dict[tuple[Kind, Dialect, str | None], dict[str, Any]] = {}  # what new sessions are configured as

    @property
    def switches(self) -> Switches:
        """What the faults that are on now turn."""
        return self.rules.switches

    def turn(self, faults: Sequence[Fault]) -> None:
        """From now on these faults are on, and no others: also for the sessions that are open."""
        self.faults = tuple(faults)
        self.rules.switches = switches(faults, self.server.turns)
        self._opened.clear()

    def opened_as(self, kind: Kind, dialect: Dialect, model: str | None) -> dict[str, Any]:
        """The configuration of a session for which nothing is asked but a model. Raises Refused."""
        key = (kind, dialect, model)
        if found := self._opened.get(key):
            return found | (
                {"audio": {name: dict(part) for name, part in found["audio"].items()}} if dialect == "ga" else {}
            )
        named = {"model": model} if kind == "realtime" and model else {}
        made = configured(kind, dialect, {"type": kind, **named} if dialect == "ga" else named, {}, self.rules)
        if model is None or model in self.behaviour.models:  # others are without number
            self._opened[key] = made
            return self.opened_as(kind, dialect, model)
        return made

    def clock(self) -> float:
        """Unix seconds by this server's clock."""
        return self._clock() + self.switches.clock_ahead_s

    def headers(self) -> dict[str, str]:
        """What every answer carries, an upgrade too."""
        own = {name: value.format(uuid=uuid.uuid4()) for name, value in self.server.headers.items()}
        of_another = "" if self.server.id == "openai" else f" ({self.server.id})"
        return {"Server": f"rtdiag-emulator{of_another}", "Date": _date(int(self.clock())), **own}

    def printed(self, value: object) -> str:
        """JSON as this server prints it."""
        if self.server.compact:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace").decode()
        return pretty(value)

    def rest(self, model: str, seconds: float) -> None:
        """That model is asked for nothing for so long."""
        self._rest_until[model] = self._clock() + seconds

    def rests(self, model: str) -> bool:
        """Whether it does."""
        return self._rest_until.get(model, 0) > self._clock()

    def credential_of(self, request: web.Request) -> str:
        """What stands behind `Bearer` in the request, or in a WebSocket's sub-protocols; "" when nothing does."""
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return credential.strip()
        if self.server.key_header in request.headers:
            return request.headers[self.server.key_header].strip()
        offered = subprotocols(request) if self.switches.reads_subprotocols else []
        named = (p for p in offered if p.startswith(self.server.subprotocol))
        return next(named, "").removeprefix(self.server.subprotocol)

    def kind_of(self, credential: str) -> Credential:
        """What a credential is to this server."""
        if not credential:
            return "none"
        if credential == EMULATOR_KEY:
            return "api-key" if self.switches.knows_key else "made-up"
        return "ephemeral" if self.tokens.find(credential) else "made-up"

    def require_fitting(self, request: web.Request, below: str) -> None:
        """Raises Refused for a credential of a kind that is not taken at that path, where not all are."""
        credential = self.credential_of(request)
        if below in self.server.takes and self.kind_of(credential) not in self.server.takes[below]:
            raise _refusal(credential)

    def require_key(self, request: web.Request) -> None:
        """Raises Refused unless the request carries the key. A token is no key here: community.openai.com 1148799."""
        credential = self.credential_of(request)
        if self.switches.takes_any_credential or self.kind_of(credential) == "api-key":
            return
        raise _refusal(credential)

    def require_key_or_token(self, request: web.Request) -> Token | None:
        """The token that the request carries, None when it is the key.

        Raises Refused for anything else, for a token's end, and for one that has opened a session where that ends it. Whether
        a request that opened none ends it, too, is in no public source: here it does not.
        """
        credential = self.credential_of(request)
        token = self.tokens.find(credential)
        if token is None:
            if not (self.switches.takes_made_up_tokens and credential.startswith("ek_")):
                self.require_key(request)
            return None
        if self.switches.tokens_expire and self.tokens.expired(token):
            raise Refused("token-expired")
        if token.used and not self._takes_again:
            raise Refused("token-already-used")
        token.used = token.used or self.switches.tokens_used_by_any_request
        return token

    @property
    def models(self) -> list[Model]:
        """The models that it lists."""
        if self.switches.only_model:
            return [msgspec.structs.replace(all_models()[0], id=self.switches.only_model, kind="transcription")]
        if self.server.models:
            return [msgspec.structs.replace(all_models()[0], id=name) for name in self.server.models]
        return [m for m in models_alive(self.as_of) if self.switches.lists_preferred_models or not m.preferred]

    @property
    def _takes_again(self) -> bool:
        again = self.switches.tokens_reusable
        return not self.behaviour.tokens_once if again is None else again

    def require_key_or_webrtc_token(self, request: web.Request) -> Token | None:
        """The same at the URLs that take an offer, where a transcription token was none in March 2025.

        Source: community.openai.com 1148799.
        """
        token = self.require_key_or_token(request)
        if token and token.kind == "transcription" and not self.behaviour.transcription_over_webrtc:
            raise _refusal(token.value)
        return token

    def model_asked(self, request: web.Request) -> str | None:
        """The model that the URL names; where none need be named, the one that is there."""
        return request.query.get("model") or (self.default_model if self.server.any_model else None)

    @property
    def default_model(self) -> str:
        """The realtime model of a session that names none: the most preferred one alive on the day (assumed)."""
        if self.server.models:
            return self.server.models[0]
        return default("realtime", [m.id for m in models_alive(self.as_of)])

    def new_session(self, kind: Kind, dialect: Dialect, config: dict[str, Any], over: Over) -> Session:
        """The session, if there is room for it, and its model may hold a conversation and is alive; raises Refused otherwise.

        A transcription model in the place of one: community.openai.com 1334200 in the beta.
        """
        self._require_room()
        model = config.get("model")
        alive = {m.id for m in models_alive(self.as_of) if m.kind == "realtime"}
        if kind == "transcription" or model in alive or self._any_model(over):
            return self._session(kind, dialect, config, over)
        known = find(str(model))
        if dialect == "beta" and over == "webrtc" and known and known.kind == "transcription":
            raise Refused("empty-fields")
        raise Refused("invalid-model", model=model) if model else Refused("missing-model")

    def _session(self, kind: Kind, dialect: Dialect, config: dict[str, Any], over: Over) -> Session:
        if not self.server.tongue:
            return Session(kind, dialect, config, self.rules, over)
        from rtdiag.emulator.session.tongue import ForeignSession, tongues

        return ForeignSession(tongues()[self.server.tongue], kind, dialect, config, self.rules, over)

    def _any_model(self, over: Over) -> bool:
        return self.server.any_model or (over == "websocket" and not self.switches.checks_model_kind)

    def new_translation(self, config: dict[str, Any], over: Over) -> Translation:
        """The same for a translation. The message is that of the other kinds of sessions (assumed)."""
        self._require_room()
        model = config["model"]
        if not any(m.id == model and m.kind == "translation" for m in models_alive(self.as_of)):
            raise Refused("model-not-for-translation", model=model)
        return Translation(config, self.rules, over)

    def _require_room(self) -> None:
        slots = self.switches.free_slots
        if slots is not None and len(self.calls) + len(self.lines) >= slots:
            raise Refused("session-limit")

    async def open_call(self, session: OpenSession, offer_sdp: str, *, from_page: bool = False) -> tuple[str, str]:
        """The id of a new call and its answer.

        Raises Refused for an offer that cannot be taken; then the call ends.
        """
        from rtdiag.emulator.media.over_tcp import Door
        from rtdiag.emulator.media.peer import Call

        self._door = self._door or Door()
        call_id = self._new_call_id()
        if session.dialect == "ga":
            session.id = call_id.replace("rtc", "sess", 1)
        call = self.calls[call_id] = Call(session, partial(self.end_call, call_id), self._door, from_page=from_page)
        try:
            return call_id, await call.answer(offer_sdp)
        except BaseException:
            self.end_call(call_id)
            raise

    def ring(self, sip_headers: Iterable[tuple[str, str]]) -> PhoneCall:
        """A new call by telephone."""
        call_id = self._new_call_id()
        self.phone[call_id] = PhoneCall(call_id, sip_headers, int(self.clock()))
        for known in list(self.phone)[:-MOST_PHONE_CALLS]:
            if known not in self.calls:
                del self.phone[known]
        return self.phone[call_id]

    def ringing(self, call_id: str) -> PhoneCall | None:
        """The call of that id, if it rings."""
        call = self.phone.get(call_id)
        return call if call and call.state == "ringing" else None

    def accept(self, call: PhoneCall, session: Session) -> None:
        """The call has that session from now on."""
        session.id = call.call_id.replace("rtc", "sess", 1)
        self.calls[call.call_id] = call
        call.accept(session, partial(self.end_call, call.call_id))

    def _new_call_id(self) -> str:
        """As recorded: `rtc_u0_E4TeWIkEAnw5DOa1vyO18` (2026-07-22); a GA call's session has the same after `sess`."""
        if not self.server.regional_call_ids:
            return f"rtc_{secrets.token_hex(16)}"
        return new_id(f"rtc_u{secrets.randbelow(3)}", 32 if self.behaviour.long_call_ids else 21)

    def end_call(self, call_id: str) -> bool:
        """Begins to close that call; False when there is none."""
        call = self.calls.pop(call_id, None)
        if call is None:
            return False
        task = asyncio.ensure_future(call.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return True

    def close_sockets(self) -> None:
        """Begins to close every WebSocket."""
        for socket in tuple(self.sockets):
            socket.close(GOING_AWAY, "")

    async def close(self) -> None:
        """Ends every call, also one that is being answered, and waits until all are gone."""
        for call_id in list(self.calls):
            self.end_call(call_id)
        await asyncio.gather(*self._closing, return_exceptions=True)
        if self._door:
            self._door.close()


@lru_cache(maxsize=1)
def _date(unix_s: int) -> str:
    return formatdate(unix_s, usegmt=True)


def subprotocols(request: web.Request) -> list[str]:
    """The sub-protocols that a WebSocket's client offers."""
    return [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if p.strip()]


def _refusal(credential: str) -> Refused:
    return Refused("incorrect-api-key", credential=masked(credential)) if credential else Refused("missing-bearer")
